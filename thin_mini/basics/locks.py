"""Locks that keep two processes apart, and of which nothing stays behind."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from filelock import FileLock, Timeout

from thin_mini.files import DataError, check_writable, unwritable

log = logging.getLogger("thin_mini")

LOCK = ".lock"  # in a folder while it is being worked in
WORK = ".fetching"  # in a folder while something is downloaded into it

_ours: ContextVar[frozenset[Path]] = ContextVar("ours", default=frozenset())


class BusyError(DataError):
    """Another process is at it."""


def lock_of(file: Path) -> Path:
    """Where the lock of a file lies while the file is being made."""
    return file.with_name(f".{file.name.lstrip('.')}{LOCK}")


@contextmanager
def locked(lock: Path, busy: str = "") -> Iterator[None]:
    """Hold a lock until the block ends, or the process, however that ends.

    What a killed process leaves of it keeps nobody out, and goes with the next block.

    Args:
        lock: Its file, which is there as long as the block.
        busy: What to say if another process holds it; by default it is waited for.

    Raises:
        BusyError: If another process holds it and ``busy`` says so.
        DataError: If there can be no lock.
    """
    held = FileLock(lock, mode=0o666)  # for colleagues who share the folder
    try:
        held.acquire(timeout=0 if busy else -1)
    except Timeout as error:
        raise BusyError(busy) from error
    except (OSError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or "no locks there"
        raise DataError(
            f"{lock.parent} cannot be locked ({why}), which keeps two processes "
            "apart: choose another folder"
        ) from error
    try:
        yield
    finally:
        if os.name != "nt":  # Windows removes it with the lock
            lock.unlink(missing_ok=True)
        held.release()


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A folder inside for what is half fetched, one process at a time.

    It goes with the block. What a killed process leaves in it is the next one's.

    Raises:
        DataError: If it cannot be locked, or the folder cannot be written.
    """
    work = folder / WORK
    check_writable(folder)
    with ExitStack() as stack:
        try:
            busy = f"another process is downloading into {folder}: waiting for it"
            stack.enter_context(locked(lock_of(work), busy))
        except BusyError as error:
            log.warning("%s", error)
            stack.enter_context(locked(lock_of(work)))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        try:
            work.mkdir(exist_ok=True)
            yield work
        except OSError as error:
            raise unwritable(folder, error) from error


def tidy(folder: Path) -> None:
    """Remove what a killed process left of its workshop, if no other is at work."""
    work = folder / WORK
    if work.exists() or lock_of(work).exists():
        with suppress(DataError, OSError), locked(lock_of(work), "at work"):
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def claim(place: Path, file: bool = False) -> Iterator[None]:
    """Keep other runs out of a folder, or off a checkpoint, until the block ends.

    The processes of one run come here together, and the main one holds the lock. A
    block inside has it already, and so have the files of a folder.

    Args:
        place: The folder, which is made if need be, or the file.
        file: Whether it is a file.

    Raises:
        DataError: If another run is at work there, or the folder cannot be written.
    """
    # Slow to import, and a download does without.
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    here = place.resolve()
    if _ours.get() & {here, *here.parents}:
        yield
        return
    check_writable(place.parent if file else place)
    busy = (
        f"another process is training {'with' if file else 'in'} {place} now: wait "
        f"until it has ended, or choose another {'file' if file else 'folder'}"
    )
    with ExitStack() as stack:
        fault = None
        if PartialState().is_main_process:
            try:
                lock = lock_of(place) if file else place / LOCK
                stack.enter_context(locked(lock, busy))
            except DataError as error:
                fault = str(error)
        if fault := broadcast_object_list([fault])[0]:
            raise DataError(fault)
        token = _ours.set(_ours.get() | {here})
        stack.callback(_ours.reset, token)
        yield
