"""The store: every file checked, every failure named, no network but this machine's."""

import gzip
import hashlib
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from conftest import closed_port
from torchvision.datasets import MNIST

import thin_mini as tm
from thin_mini.data import DataError, store

DAMAGED = r"is truncated or altered: its sha256 is .*remove .*raw and run"


def idx(array):
    """A uint8 array as MNIST's files hold it."""
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.numpy().tobytes()


def lay(root, files):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in files.items():
        (raw / name).write_bytes(content)
    return raw


@pytest.fixture
def files(clean_env, monkeypatch):
    """A small MNIST of known hashes: 30 training and 20 test images."""
    made = {}
    for part, n in (("train", 30), ("t10k", 20)):
        images = torch.zeros(n, 28, 28, dtype=torch.uint8)
        images[:, 8:20, 8:20] = torch.randint(256, (n, 12, 12), dtype=torch.uint8)
        made[f"{part}-images-idx3-ubyte"] = idx(images)
        made[f"{part}-labels-idx1-ubyte"] = idx(torch.arange(n).remainder(10).byte())
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    assert hashes.keys() == store.MNIST_SHA256.keys()
    monkeypatch.setattr(store, "MNIST_SHA256", hashes)
    return made


@contextmanager
def served(packed, die_at=None, delay=0.0):
    """A mirror on this machine; it breaks off in the middle of ``die_at``."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            time.sleep(delay)
            self.reply()

        def do_GET(self):
            content = self.reply()
            if content is not None:
                half = self.path.endswith(f"/{die_at}")
                self.wfile.write(content[: len(content) // 2] if half else content)

        def reply(self):
            content = packed.get(self.path.lstrip("/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            return content

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent():
    """A server that accepts a connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def packed(files, monkeypatch):
    """The files as a mirror offers them, and torchvision's list of their MD5."""
    made = {f"{name}.gz": gzip.compress(data) for name, data in files.items()}
    md5 = [(n, hashlib.md5(data).hexdigest()) for n, data in made.items()]
    monkeypatch.setattr(MNIST, "resources", md5)
    return made


def left_in(cache):
    return sorted(p.name for p in cache.rglob("*") if p.name != ".writable")


def test_a_named_folder_is_read_through_torchvision(files, tmp_path, monkeypatch):
    lay(tmp_path / "data", files)
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "data"))
    assert store.find_mnist(download=False) == tmp_path / "data"
    train, test = tm.data.mnist_r(source="mnist")
    assert train.source == "MNIST, 30 images under 30 rotations"
    assert (len(train), len(test)) == (30, 20)
    assert torch.bincount(test.target).tolist() == [2] * 10


def test_the_named_folder_comes_before_the_cache(
    files, clean_env, tmp_path, monkeypatch
):
    lay(clean_env, files)
    assert store.find_mnist(download=False) == clean_env
    lay(tmp_path / "data", files)
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "data"))
    assert store.find_mnist(download=False) == tmp_path / "data"


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def alter(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [(truncate, DAMAGED), (alter, DAMAGED), (Path.unlink, "is missing: copy the")],
)
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("source", ["auto", "mnist"])
def test_a_damaged_file_is_named_and_never_silently_replaced(
    source, number, damage, message, files, clean_env
):
    name = list(files)[number]
    damage(lay(clean_env, files) / name)
    with pytest.raises(DataError, match=f"{name}.*{message}") as caught:
        tm.data.mnist_r(source=source)
    assert not isinstance(caught.value, store.OfflineError)


@pytest.mark.parametrize("source", ["auto", "mnist"])
def test_a_named_folder_that_is_missing_is_an_error(
    source, files, tmp_path, monkeypatch
):
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"=.*nowhere is not a folder: correct it, un"):
        tm.data.mnist_r(source=source)


def test_a_cache_that_cannot_be_written_is_named_with_the_mend(
    files, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THIN_MINI_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(
        DataError, match=r"cannot write to .*cache.*set THIN_MINI_CACHE"
    ):
        store.find_mnist()


def test_without_a_variable_the_cache_is_the_users(monkeypatch, clean_env):
    assert store.cache_folder() == clean_env
    monkeypatch.delenv("THIN_MINI_CACHE")
    assert store.cache_folder().name == "thin-mini"


def test_a_download_fills_the_cache_once(packed, files, clean_env, monkeypatch):
    with served(packed) as url:
        monkeypatch.setattr(MNIST, "mirrors", [url])
        train, _ = tm.data.mnist_r()
    assert train.source.startswith("MNIST, 30 images")
    assert left_in(clean_env) == sorted(["MNIST", "raw", *files])
    for name, content in files.items():
        assert (clean_env / "MNIST" / "raw" / name).read_bytes() == content
    again, _ = tm.data.mnist_r(source="mnist")  # the server is gone
    assert again.fingerprint() == train.fingerprint()


def test_the_first_mirror_that_answers_is_taken(packed, monkeypatch):
    dead = f"http://127.0.0.1:{closed_port()}/"
    with served(packed) as url, silent() as mute:
        monkeypatch.setattr(MNIST, "mirrors", [dead, mute, url])
        start = time.perf_counter()
        assert store.find_mnist().is_dir()
    assert time.perf_counter() - start < store.PATIENCE_SECONDS


def test_a_mirror_that_lacks_the_files_is_passed_over(packed, monkeypatch):
    with served({}) as quick, served(packed, delay=0.5) as slow:
        monkeypatch.setattr(MNIST, "mirrors", [quick, slow])
        assert store.find_mnist().is_dir()


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("failure", ["wrong md5", "wrong sha256", "dies", "lacks"])
def test_a_download_that_fails_leaves_nothing_in_the_cache(
    failure, number, packed, clean_env, monkeypatch
):
    name = list(packed)[number]
    offered, die_at, plain = dict(packed), None, name.removesuffix(".gz")
    if failure == "wrong md5":
        offered[name] = gzip.compress(b"something else")
    elif failure == "wrong sha256":  # as if torchvision's list were wrong
        monkeypatch.setitem(store.MNIST_SHA256, plain, "0" * 64)
    elif failure == "dies":
        die_at = name
    else:
        del offered[name]
    # A network that breaks off counts as none; a wrong file never does.
    error = store.OfflineError if failure in ("dies", "lacks") else DataError
    with served(offered, die_at) as url:
        monkeypatch.setattr(MNIST, "mirrors", [url])
        with pytest.raises(error) as caught:
            tm.data.mnist_r(source="mnist")
    # Without the first file a mirror is not even chosen.
    named = "no network" if (failure, number) == ("lacks", 0) else plain
    assert named in str(caught.value)
    assert left_in(clean_env) == []


def test_trying_whether_the_cache_can_be_written_leaves_no_file(files, clean_env):
    with pytest.raises(store.OfflineError):
        store.find_mnist()
    assert list(clean_env.iterdir()) == []


@pytest.mark.parametrize("network", ["refused", "mute", "both", "none"])
def test_a_dead_network_is_known_within_seconds(
    network, files, clean_env, monkeypatch, caplog
):
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 1.0)
    refused = f"http://127.0.0.1:{closed_port()}/"
    with silent() as mute:
        mirrors = {"refused": [refused], "mute": [mute], "both": [refused, mute]}
        monkeypatch.setattr(MNIST, "mirrors", mirrors.get(network, []))
        start = time.perf_counter()
        with pytest.raises(store.OfflineError, match=r"no network.*set THIN_MINI_DATA"):
            tm.data.mnist_r(20, 10, source="mnist")
        with caplog.at_level(logging.WARNING, "thin_mini"):
            train, _ = tm.data.mnist_r(20, 10, source="auto")
        assert time.perf_counter() - start < 4
    assert "stand-in" in train.source
    assert "no network" in caplog.text
    assert left_in(clean_env) == []


def test_a_refusal_needs_no_waiting(files):
    start = time.perf_counter()
    with pytest.raises(store.OfflineError):
        store.find_mnist()
    assert time.perf_counter() - start < store.PATIENCE_SECONDS / 2


def test_without_permission_to_download_the_network_is_not_asked(files, monkeypatch):
    monkeypatch.setattr(store, "_first_that_answers", lambda _: pytest.fail("asked"))
    with pytest.raises(store.OfflineError, match="no MNIST in THIN_MINI_DATA or"):
        store.find_mnist(download=False)


def test_two_downloads_at_once_both_end_well(packed, clean_env, monkeypatch):
    roots = []
    with served(packed, delay=0.2) as url:
        monkeypatch.setattr(MNIST, "mirrors", [url])
        threads = [
            threading.Thread(target=lambda: roots.append(store.find_mnist()))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert roots == [clean_env] * 3
    assert store.find_mnist(download=False) == clean_env


def killed_while_writing(path):
    with store.whole_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file"
    with store.whole_file(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
    with pytest.raises(KeyboardInterrupt):
        killed_while_writing(path)
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_is_as_readable_as_the_umask_has_it(tmp_path):
    for umask, mode in ((0o022, 0o644), (0o002, 0o664), (0o077, 0o600)):
        before = os.umask(umask)
        try:
            with store.whole_file(tmp_path / "file") as temporary:
                temporary.write_text("x")
        finally:
            os.umask(before)
        assert (tmp_path / "file").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(store.fcntl is None, reason="needs locks of Unix")
def test_what_a_killed_writer_left_goes_and_what_another_writes_stays(tmp_path):
    path = tmp_path / "a*b"
    writer = """
import os, sys
from pathlib import Path
from thin_mini.data.store import whole_file
with whole_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary.name, flush=True)
    sys.stdin.read()
"""
    dead, alive = (
        subprocess.Popen(
            [sys.executable, "-c", writer, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    )
    left, kept = (process.stdout.readline().strip() for process in (dead, alive))
    dead.kill()
    dead.wait()
    assert {p.name for p in tmp_path.iterdir()} == {left, kept}
    with store.whole_file(path) as temporary:
        temporary.write_text("mine")
    assert {p.name for p in tmp_path.iterdir()} == {path.name, kept}
    alive.communicate("")
    assert alive.returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "half"


@pytest.mark.parametrize("value", ["", "stand-in"])
def test_neither_nothing_nor_the_stand_in_is_a_folder(value, clean_env, monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", value)
    assert store.data_folder() is None
    assert store.stand_in_wanted() == (value == "stand-in")
