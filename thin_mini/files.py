"""Files that are written whole or not at all, and read only if they are files."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PACKAGE = Path(__file__).parent  # the library
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, limit
TEMPORARY = ".part"  # how the name of a file ends that is being written


class DataError(RuntimeError):
    """Data that is missing, damaged or out of reach; the message says the mend."""


class OfflineError(DataError):
    """Data that only a network could bring, and none brings them."""


def unwritable(folder: Path, error: OSError) -> DataError:
    """What to raise where a folder takes no files, or no more."""
    return DataError(
        f"cannot write to {folder} ({error.strerror}): choose another folder "
        "(for the cache, set THIN_MINI_CACHE) or free some space"
    )


def check_writable(folder: Path) -> None:
    """Make the folder if need be; raise a :class:`DataError` if it takes no files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` only if the block succeeds.

    A killed process or a full disk thus never leaves half a file under the name, and
    what it leaves beside it goes with the next file that is written there. Who may
    read the file is up to the umask, as for any other.

    Raises:
        DataError: If the folder cannot be written, the disk is full, or a folder has
            the name.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder: name a file to write")
    check_writable(path.parent)
    file = _temporary(path)
    temporary = Path(file.name)
    try:
        yield temporary
        if fcntl is None:  # Windows renames no open file
            file.close()
        os.replace(temporary, path)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*{TEMPORARY}"):
            # Else it is gone already, or another user's.
            with suppress(OSError), left.open("r+b") as other:
                if _lock(other, wait=False):
                    left.unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DataError(
            f"cannot write {path} ({error.strerror}): free some space and start again"
        ) from error
    finally:
        file.close()
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> BinaryIO:
    """A new file beside ``path``, locked until it is closed or this process ends."""
    while True:
        name = f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}"
        file = open(path.with_name(name), "xb")  # noqa: SIM115 (outlives this)
        _lock(file)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another process took it for one left behind


def _lock(file: BinaryIO, wait: bool = True) -> bool:
    """Keep other processes off an open file; whether that was possible."""
    if fcntl is not None:
        with suppress(OSError):  # held, or on a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            return True
    return False


def regular_file(path: Path) -> bool:
    """Whether a file is there to be read; False if nothing is.

    Raises:
        DataError: If it is a folder, a pipe (reading one may wait for ever) or a
            device, or may not even be looked at.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): have its permissions changed, "
            "or name another place"
        ) from error
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe"}
        kind = kinds.get(stat.S_IFMT(mode), "a device or a socket")
        raise DataError(f"{path} is {kind} and not a file: put the file in its place")
    return True
