"""A submission's own process: locked away first, then it runs what it is sent.

    python inside.py --folder COPY [--closed ROOT] [--see PATH ...]

``--closed`` says that the process is alone in new namespaces of Linux. The empty folder
ROOT then becomes the root of all it sees: the paths of ``--see``, which it cannot write
to, its own copy, and nothing else.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

MOST_MEMORY, MOST_FILE = 4 * 2**30, 2**26  # bytes
# Of Linux: <sys/mount.h>, <linux/prctl.h>, and the number of mount_setattr.
BIND, RECURSIVE, READ_ONLY = 4096, 16384, 1
DROP_CAPABILITY, NO_NEW_PRIVILEGES, MOUNT_SETATTR, AT_RECURSIVE = 24, 38, 442, 0x8000


def shut(folder: str, root: str, see: list[str]) -> None:
    """Leave of the disk what is to be seen, unwritable, and the copy; then no rights.

    The namespaces are new already: no network, no other process, mounts of one's own.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def call(result: int) -> None:
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def mount(source: str, target: str, kind: str | None, flags: int = 0) -> None:
        names = [name and name.encode() for name in (source, target, kind)]
        call(libc.mount(*names, ctypes.c_ulong(flags), None))

    def set_flags(path: str, on: int, off: int, deep: int) -> None:
        flags = (ctypes.c_uint64 * 4)(on, off, 0, 0)
        args = (-100, path.encode(), deep, ctypes.byref(flags), 32)
        call(libc.syscall(MOUNT_SETATTR, *args))

    mount("none", root, "tmpfs")
    for path in sorted(see, key=len):
        there = root + path
        if os.path.lexists(there):
            continue  # a part of another one
        os.makedirs(os.path.dirname(there), exist_ok=True)
        if os.path.islink(path):
            os.symlink(os.readlink(path), there)
            continue
        os.mkdir(there) if os.path.isdir(path) else Path(there).touch()
        mount(path, there, None, BIND | RECURSIVE)
    os.makedirs(root + folder, exist_ok=True)
    os.makedirs(f"{root}/proc", exist_ok=True)
    set_flags(root, READ_ONLY, 0, AT_RECURSIVE)
    mount(folder, root + folder, None, BIND)
    set_flags(root + folder, 0, READ_ONLY, 0)
    mount("proc", f"{root}/proc", "proc")
    os.chroot(root)
    for number in range(64):  # as many as there may be; the unknown ones fail
        libc.prctl(DROP_CAPABILITY, number, 0, 0, 0)
    call(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    call(libc.capset(header, (ctypes.c_uint32 * 6)()))


def guard(folder: str, see: list[str]) -> None:
    """Refuse what no assignment needs, with words; the second wall, or the only one."""
    copy = os.path.join(os.path.realpath(folder), "")
    seen = tuple(os.path.join(os.path.realpath(path), "") for path in see)
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    changing = {
        *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown"),
        *("os.link", "os.symlink", "os.truncate", "os.utime", "shutil.rmtree"),
    }
    refused = {
        *("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn"),
        *("os.spawn", "os.kill", "os.killpg", "os.chroot", "subprocess.Popen"),
    }

    def within(path: Any, *places: str) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return True  # an open file, by its number
        whole = os.path.join(os.path.realpath(os.fsdecode(path)), "")
        return whole.startswith(places) or whole == os.path.join(os.devnull, "")

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event in refused:
            raise PermissionError("the grader starts and ends no other process")
        if event.startswith("socket.") and event not in ("socket.gethostname",):
            raise PermissionError("the grader has no network")
        if event == "open" and not within(args[0], copy, *seen):
            raise PermissionError(f"the grader does not open {args[0]}")
        if event == "open" and args[2] & writes and not within(args[0], copy):
            raise PermissionError(f"the grader does not write {args[0]}")
        if event in changing and not all(within(path, copy) for path in args[:2]):
            raise PermissionError(f"the grader does not change {args[0]}")

    sys.addaudithook(watch)


def main() -> None:
    """Lock the process away, then answer until there is nobody to answer."""
    reader = argparse.ArgumentParser(allow_abbrev=False)
    reader.add_argument("--folder", required=True)
    reader.add_argument("--closed")
    reader.add_argument("--only-try", action="store_true")
    reader.add_argument("--see", nargs="*", default=[])
    asked = reader.parse_args()
    inbox, outbox = os.dup(0), os.dup(1)
    with open(os.devnull, "r+b") as nowhere:
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    if asked.closed:
        shut(asked.folder, asked.closed, asked.see)
    if asked.only_try:
        return
    os.chdir(asked.folder)
    for limit, most in (
        (resource.RLIMIT_DATA, MOST_MEMORY),
        (resource.RLIMIT_FSIZE, MOST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # not every system has each
            resource.setrlimit(limit, (most, most))
    from cells import serve  # only now, where nothing can be harmed

    sys.path.pop(0)
    guard(asked.folder, asked.see)
    serve(inbox, outbox)


if __name__ == "__main__":
    main()
