"""Mirrors: each is tried, what comes is judged by its hash, what fails is told once."""

import gzip
import hashlib
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import closed_port, lay
from torchvision.datasets import MNIST

import thin_mini as tm
from thin_mini.data import DataError, mirrors, store


class Mirror(BaseHTTPRequestHandler):
    """Serves ``files``; ``fault`` says what it does instead of sending one."""

    files, fault, delay = {}, None, 0.0

    def do_HEAD(self):
        self.head(200, 0)

    def do_GET(self):
        time.sleep(self.delay)
        self.server.asked.append(self.path)
        content = self.files.get(self.path.lstrip("/"))
        if content is None:
            self.head(404, 0)
        elif self.fault is None:
            self.head(200, len(content))
            self.wfile.write(content)
        else:
            self.fault(content)

    def head(self, status, length, **more):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def served(files, fault=None, delay=0.0):
    """A mirror on this machine, its address."""
    with listening(files, fault, delay) as server:
        yield f"http://127.0.0.1:{server.server_port}/"


@contextmanager
def listening(files, fault=None, delay=0.0):
    kind = type(
        "Kind", (Mirror,), {"files": dict(files), "fault": fault, "delay": delay}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.asked = []
    server.handle_error = lambda *_: None  # a client that hangs up is no fault here
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


PAGE = b"<html>Welcome! Log in to go on.</html>"


def login_page(mirror, _):
    mirror.head(200, len(PAGE), content_type="text/html")
    mirror.wfile.write(PAGE)


def sent_to_a_login_page(mirror, _):
    address = f"http://127.0.0.1:{mirror.server.server_port}/login"
    mirror.files.setdefault("login", PAGE)
    if mirror.path == "/login":
        login_page(mirror, _)
    else:
        mirror.head(302, 0, location=address)


def sent_in_a_circle(mirror, _):
    mirror.head(302, 0, location=mirror.path)


def unavailable(mirror, _):
    mirror.head(503, 0)


def truncated(mirror, content):
    mirror.head(200, len(content))
    mirror.wfile.write(content[: len(content) // 2])


def announced_too_short(mirror, content):
    mirror.head(200, len(content) // 2)
    mirror.wfile.write(content)


def announced_too_long(mirror, content):
    mirror.head(200, len(content) + 1000)
    mirror.wfile.write(content)


def slow_drip(mirror, content):
    mirror.head(200, len(content))
    for byte in content:
        mirror.wfile.write(bytes([byte]))
        time.sleep(0.02)


def without_end(mirror, _):
    mirror.head(200, None)
    while True:
        mirror.wfile.write(bytes(1 << 16))


def one_byte_changed(mirror, content):
    mirror.head(200, len(content))
    mirror.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))


# What a mirror does, and what is said of it where no other one helps.
FAULTS = {
    login_page: "sent something else as",
    sent_to_a_login_page: "sent something else as",
    sent_in_a_circle: "passes on in a circle",
    unavailable: "answered 503 Service Unavailable",
    truncated: "cannot be reached, or broke off",
    announced_too_short: "sent something else as",
    announced_too_long: "cannot be reached, or broke off",
    slow_drip: "sent nothing, or next to nothing, for 1.5 seconds",
    without_end: "cannot be reached, or broke off",
    one_byte_changed: "sent something else as",
}
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(mirrors, "PATIENCE_SECONDS", 1.5)
    monkeypatch.setattr(store, "LARGEST_BYTES", 1 << 20)


@contextmanager
def silent():
    """A server that accepts a connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def packed(files, monkeypatch):
    """The files as a mirror offers them, and the list of their MD5."""
    made = {name: gzip.compress(data) for name, data in files.items()}
    md5 = {name: hashlib.md5(data).hexdigest() for name, data in made.items()}
    monkeypatch.setattr(store, "MNIST_MD5", md5)
    return {f"{name}.gz": data for name, data in made.items()}


def test_the_files_and_their_mirrors_are_torchvisions():
    known = {f"{name}.gz": md5 for name, md5 in store.MNIST_MD5.items()}
    assert known == dict(MNIST.resources)
    assert [*store.MIRRORS] == MNIST.mirrors
    assert store.MNIST_MD5.keys() == store.MNIST_SHA256.keys()


def left_in(cache):
    return sorted(p.name for p in cache.rglob("*") if p.name != ".writable")


def test_a_download_fills_the_cache_once(packed, files, clean_env, monkeypatch):
    with served(packed) as url:
        monkeypatch.setattr(store, "MIRRORS", [url])
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
        monkeypatch.setattr(store, "MIRRORS", [dead, mute, url])
        start = time.perf_counter()
        assert store.find_mnist().is_dir()
    assert time.perf_counter() - start < mirrors.PATIENCE_SECONDS


def test_a_mirror_that_lacks_the_files_is_passed_over(packed, monkeypatch):
    with served({}) as quick, served(packed, delay=0.2) as slow:
        monkeypatch.setattr(store, "MIRRORS", [quick, slow])
        assert store.find_mnist().is_dir()


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("failure", ["wrong md5", "wrong sha256", "dies", "lacks"])
def test_a_download_that_fails_leaves_nothing_in_the_cache(
    failure, number, packed, clean_env, monkeypatch
):
    name = list(packed)[number]
    offered, fault, plain = dict(packed), None, name.removesuffix(".gz")
    if failure == "wrong md5":
        offered[name] = gzip.compress(b"something else")
    elif failure == "wrong sha256":  # as if the list of MD5 were wrong
        monkeypatch.setitem(store.MNIST_SHA256, plain, "0" * 64)
    elif failure == "dies":

        def fault(mirror, content):
            mirror.head(200, len(content))
            cut = len(content) // (2 if mirror.path.endswith(name) else 1)
            mirror.wfile.write(content[:cut])

    else:
        del offered[name]
    with served(offered, fault) as url:
        monkeypatch.setattr(store, "MIRRORS", [url])
        with pytest.raises(DataError, match=plain):
            tm.data.mnist_r(source="mnist")
    assert left_in(clean_env) == []


def test_trying_whether_the_cache_can_be_written_leaves_no_file(files, clean_env):
    with pytest.raises(store.OfflineError):
        store.find_mnist()
    assert list(clean_env.iterdir()) == []


@pytest.mark.parametrize("network", ["refused", "mute", "both", "none"])
def test_a_dead_network_is_known_within_seconds(
    network, files, clean_env, monkeypatch, caplog
):
    monkeypatch.setattr(mirrors, "PATIENCE_SECONDS", 1.0)
    refused = f"http://127.0.0.1:{closed_port()}/"
    with silent() as mute:
        asked = {"refused": [refused], "mute": [mute], "both": [refused, mute]}
        monkeypatch.setattr(store, "MIRRORS", asked.get(network, []))
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
    with pytest.raises(store.OfflineError, match=r"no network .*cannot be rea") as said:
        store.find_mnist()
    assert time.perf_counter() - start < mirrors.PATIENCE_SECONDS / 2
    assert "seconds" not in str(said.value)


def test_without_permission_to_download_the_network_is_not_asked(files, monkeypatch):
    monkeypatch.setattr(mirrors, "fetch_all", lambda *_: pytest.fail("asked"))
    with pytest.raises(store.OfflineError, match="no MNIST in THIN_MINI_DATA or"):
        store.find_mnist(download=False)


def test_two_downloads_at_once_both_end_well(packed, clean_env, monkeypatch):
    roots = []
    with served(packed, delay=0.2) as url:
        monkeypatch.setattr(store, "MIRRORS", [url])
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


@each_fault
def test_after_a_mirror_that_fails_the_next_is_asked(
    fault, packed, files, clean_env, impatient, monkeypatch
):
    with served(packed, fault) as bad, served(packed, delay=0.1) as good:
        monkeypatch.setattr(store, "MIRRORS", [bad, good])
        assert store.find_mnist() == clean_env
    assert left_in(clean_env) == sorted(["MNIST", "raw", *files])


@each_fault
def test_where_every_mirror_fails_the_stand_in_is_announced_once(
    fault, packed, clean_env, impatient, monkeypatch, caplog, capfd
):
    with listening(packed, fault) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(store, "MIRRORS", [url])
        with caplog.at_level(logging.WARNING):
            train, _ = tm.data.mnist_r(20, 10)
            asked = len(server.asked)
            again, _ = tm.data.mnist_rs(20, 10)
        assert len(server.asked) == asked  # in vain once is enough
        assert "stand-in" in train.source
        assert "stand-in" in again.source
        (record,) = caplog.records
        assert url in record.getMessage()
        assert FAULTS[fault] in record.getMessage()
        assert capfd.readouterr().err == ""
        assert left_in(clean_env) == []
        # Asked for by name, MNIST is sought again.
        with pytest.raises(store.OfflineError, match=FAULTS[fault]):
            tm.data.mnist_r(20, 10, source="mnist")


def test_what_one_mirror_lacks_another_brings(packed, clean_env, monkeypatch):
    first, *_, last = packed
    halves = (
        {n: c for n, c in packed.items() if n != lacks} for lacks in (first, last)
    )
    with served(next(halves)) as one, served(next(halves), delay=0.1) as other:
        monkeypatch.setattr(store, "MIRRORS", [one, other])
        assert store.find_mnist() == clean_env


def test_a_server_that_calls_the_file_encoded_sends_the_file(packed, monkeypatch):
    def encoded(mirror, content):
        mirror.head(200, len(content), content_encoding="gzip")
        mirror.wfile.write(content)

    with served(packed, encoded) as url:
        monkeypatch.setattr(store, "MIRRORS", [url])
        assert store.find_mnist().is_dir()


@pytest.mark.parametrize("number", range(4))
def test_a_half_filled_cache_is_filled_up(
    number, packed, files, clean_env, monkeypatch
):
    raw = lay(clean_env, files)
    lacking = raw / list(files)[number]
    lacking.unlink()
    with pytest.raises(DataError, match=f"{lacking.name} is missing.*`thin-mini data`"):
        tm.data.mnist_r()  # no network: neither half of MNIST nor a stand-in
    with listening(packed) as server:
        monkeypatch.setattr(
            store, "MIRRORS", [f"http://127.0.0.1:{server.server_port}/"]
        )
        assert store.find_mnist() == clean_env
    assert set(server.asked) == {f"/{lacking.name}.gz"}
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == files


def test_a_full_disk_is_named(packed, clean_env, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with served(packed) as url:
        monkeypatch.setattr(store, "MIRRORS", [url])
        monkeypatch.setattr(store.gzip, "decompress", full)
        with pytest.raises(
            DataError, match=r"cannot write to .*No space left.*THIN_MIN"
        ):
            tm.data.mnist_r()
    assert left_in(clean_env) == []


DOWNLOAD = """
import json, sys
from thin_mini.data import store
store.MIRRORS, store.MNIST_MD5, store.MNIST_SHA256 = json.loads(sys.argv[1])
print(store.find_mnist())
"""


def download(urls):
    """The same search in a process of its own, which can be killed."""
    tables = json.dumps([urls, store.MNIST_MD5, store.MNIST_SHA256])
    command = [sys.executable, "-c", DOWNLOAD, tables]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def hidden_in(cache):
    return [name for name in left_in(cache) if name.startswith(".")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("kills", [1, 2])
def test_a_download_that_is_killed_leaves_nothing_once_it_has_finished(
    kills, packed, files, clean_env, monkeypatch
):
    second = list(packed)[1]
    waiting = threading.Event()

    def second_file_hangs(mirror, content):
        mirror.head(200, len(content))
        half = mirror.path.strip("/") == second
        mirror.wfile.write(content[: len(content) // (2 if half else 1)])
        if half:
            mirror.wfile.flush()
            waiting.set()
            time.sleep(2)

    with served(packed, second_file_hangs) as url:
        for _ in range(kills):
            waiting.clear()
            process = download([url])
            assert waiting.wait(30)
            time.sleep(0.1)
            process.kill()
            process.wait()
            assert len(hidden_in(clean_env)) == 2  # and not more with each kill
    with listening(packed) as server:
        monkeypatch.setattr(
            store, "MIRRORS", [f"http://127.0.0.1:{server.server_port}/"]
        )
        assert store.find_mnist() == clean_env
    assert left_in(clean_env) == sorted(["MNIST", "raw", *files])
    # Killed after its last file was in place:
    (clean_env / ".fetching").mkdir()
    (clean_env / ".fetching.lock").touch()
    assert store.find_mnist(download=False) == clean_env
    assert hidden_in(clean_env) == []


def test_a_second_process_waits_for_the_download_of_the_first(
    packed, files, clean_env, monkeypatch, caplog
):
    with listening(packed, delay=0.3) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(store, "MIRRORS", [url])
        first = download([url])
        while not (clean_env / ".fetching").exists():
            assert first.poll() is None
        assert store.find_mnist() == clean_env
        assert first.communicate()[0].strip() == str(clean_env)
    assert first.returncode == 0
    assert "another process is downloading into" in caplog.text
    assert [server.asked.count(f"/{name}") for name in packed][1:] == [1, 1, 1]
    assert left_in(clean_env) == sorted(["MNIST", "raw", *files])
