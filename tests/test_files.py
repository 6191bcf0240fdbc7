"""Files: whole or not at all, as the umask has it, and no pipe in their place."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_pipes, pipe_at

from thin_mini import files
from thin_mini.files import DataError, regular_file


def killed_while_writing(path):
    with files.whole_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file"
    with files.whole_file(path) as temporary:
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
            with files.whole_file(tmp_path / "file") as temporary:
                temporary.write_text("x")
        finally:
            os.umask(before)
        assert (tmp_path / "file").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(files.fcntl is None, reason="needs locks of Unix")
def test_what_a_killed_writer_left_goes_and_what_another_writes_stays(tmp_path):
    path = tmp_path / "a*b"
    writer = """
import os, sys
from pathlib import Path
from thin_mini.files import whole_file
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
    with files.whole_file(path) as temporary:
        temporary.write_text("mine")
    assert {p.name for p in tmp_path.iterdir()} == {path.name, kept}
    alive.communicate("")
    assert alive.returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "half"


def test_a_file_is_there_or_not_or_something_else(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "broken").symlink_to(tmp_path / "nothing")
    names = ("file", "link", "broken", "nothing", "file/below")
    assert [regular_file(tmp_path / n) for n in names] == [True] * 2 + [False] * 3


def put_in_place(kind, path):
    """Something that is no file, where a file should be."""
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        pipe_at(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        # A socket's path may be short only.
        here = Path.cwd()
        os.chdir(path.parent)
        socket.socket(socket.AF_UNIX).bind(path.name)
        os.chdir(here)


@needs_pipes
@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a device", "a device or a s"])
def test_what_is_no_file_is_named_with_its_kind(kind, tmp_path):
    put_in_place(kind, tmp_path / "x")
    with pytest.raises(DataError, match=rf"/x is {kind}.* and not a file: put"):
        regular_file(tmp_path / "x")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions of Unix")
def test_a_file_in_a_closed_folder_is_no_missing_file(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    if os.geteuid() == 0:  # nothing is closed to root

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(DataError, match=r"x cannot be read \(Permission denied\)"):
        regular_file(closed / "x")
