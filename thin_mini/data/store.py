"""Finding MNIST: a folder, the cache, a checked download, or no MNIST at all.

The order is fixed: the folder that ``THIN_MINI_DATA`` names, then the cache
(``THIN_MINI_CACHE``), then a download. Every file is checked by its hash before
a pixel is read. ``THIN_MINI_DATA=stand-in`` asks for the stand-in at once.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs
import pooch
import requests
from torchvision.datasets import MNIST

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

STAND_IN = "stand-in"
TEMPORARY = ".part"  # how the name of a file ends that is being written
# How long a server may take to answer before we call the network dead.
PATIENCE_SECONDS = 8.0

# Hashes of the official files as they lie unpacked in MNIST/raw.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}


class DataError(RuntimeError):
    """Data that is missing, damaged or out of reach; the message says the mend."""


class OfflineError(DataError):
    """Data that only a network could bring, and there is none."""


def data_folder() -> Path | None:
    """The folder that ``THIN_MINI_DATA`` names, or None if it names none.

    Raises:
        DataError: If the variable names a folder that does not exist.
    """
    value = os.environ.get("THIN_MINI_DATA", "")
    if value in ("", STAND_IN):
        return None
    if not Path(value).is_dir():
        raise DataError(
            f"THIN_MINI_DATA={value} is not a folder: correct it, unset it, or set "
            f"it to {STAND_IN}"
        )
    return Path(value)


def stand_in_wanted() -> bool:
    """Whether ``THIN_MINI_DATA=stand-in`` asks to do without real data."""
    return os.environ.get("THIN_MINI_DATA") == STAND_IN


def cache_folder() -> Path:
    """Where downloads are kept: ``THIN_MINI_CACHE`` or the user's cache folder."""
    return Path(
        os.environ.get("THIN_MINI_CACHE") or platformdirs.user_cache_dir("thin-mini")
    )


def check_writable(folder: Path) -> None:
    """Make the folder if need be; raise a :class:`DataError` if it takes no files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(
            f"cannot write to {folder} ({error.strerror}): choose another folder "
            "(for the cache, set THIN_MINI_CACHE) or free some space"
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` only if the block succeeds.

    A killed process or a full disk thus never leaves half a file under the name, and
    what it leaves beside it goes with the next file that is written there. Who may
    read the file is up to the umask, as for any other.

    Raises:
        DataError: If the folder cannot be written.
    """
    check_writable(path.parent)
    handle, temporary = _temporary(path)
    try:
        yield temporary
        if fcntl is None:  # Windows renames no open file
            os.close(handle)
        os.replace(temporary, path)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*{TEMPORARY}"):
            _remove_if_left(left)
    finally:
        if fcntl is not None:
            os.close(handle)
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> tuple[int, Path]:
    """A new file beside ``path``, and a lock on it that ends with this process."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink == 0:  # another took it for one left behind
                os.close(handle)
                continue
        return handle, temporary


def _remove_if_left(temporary: Path) -> None:
    """Remove a temporary file unless a process that lives is writing it."""
    if fcntl is None:
        return
    try:
        handle = os.open(temporary, os.O_RDWR)
    except OSError:  # gone already, or another user's
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary.unlink(missing_ok=True)
    except OSError:
        return  # being written, or on a file system without locks
    finally:
        os.close(handle)


def find_mnist(download: bool = True) -> Path:
    """Find MNIST, download it if need be, and check every file.

    Args:
        download: Whether to try the network where there is no copy.

    Returns:
        A root that ``torchvision.datasets.MNIST(root)`` reads.

    Raises:
        DataError: If a file is damaged or the cache cannot be written.
        OfflineError: If there is neither a copy nor a network.
    """
    for root in (data_folder(), cache_folder()):
        if root is not None and (root / "MNIST" / "raw").is_dir():
            for name in MNIST_SHA256:
                check_mnist_file(root / "MNIST" / "raw" / name)
            return root
    if not download:
        raise OfflineError(f"no MNIST in THIN_MINI_DATA or {cache_folder()}")
    return _download_mnist(cache_folder())


def check_mnist_file(path: Path) -> None:
    """Raise a :class:`DataError` unless the file is the official one, bit for bit."""
    if not path.is_file():
        raise DataError(
            f"{path} is missing: copy the official file there, or remove "
            f"{path.parent} to have it downloaded"
        )
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != MNIST_SHA256[path.name]:
        raise DataError(
            f"{path} ({path.stat().st_size:,} bytes) is truncated or altered: its "
            f"sha256 is {digest.hexdigest()[:12]}…, not "
            f"{MNIST_SHA256[path.name][:12]}…; remove {path.parent} and run "
            "`thin-mini data`"
        )


def _download_mnist(root: Path) -> Path:
    """Fetch the four files; they appear in ``root`` only when all are right."""
    raw = root / "MNIST" / "raw"
    check_writable(root)
    mirror = _first_that_answers(MNIST.mirrors)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        for name, md5 in MNIST.resources:
            try:
                packed = pooch.retrieve(
                    mirror + name,
                    known_hash=f"md5:{md5}",
                    path=folder,
                    fname=name,
                    downloader=pooch.HTTPDownloader(timeout=PATIENCE_SECONDS),
                )
            except requests.RequestException as error:
                raise OfflineError(
                    f"the download of {mirror + name} broke off: {error}; try again, "
                    "or set THIN_MINI_DATA to a folder that holds MNIST/raw"
                ) from error
            except ValueError as error:  # pooch: another hash than the one we know
                raise DataError(
                    f"{mirror + name} is not the official file ({error}): get it "
                    "elsewhere, and set THIN_MINI_DATA to a folder with MNIST/raw"
                ) from error
            unpacked = Path(folder) / "raw" / Path(name).stem
            unpacked.parent.mkdir(exist_ok=True)
            unpacked.write_bytes(gzip.decompress(Path(packed).read_bytes()))
            check_mnist_file(unpacked)
        raw.parent.mkdir(exist_ok=True)
        try:
            (Path(folder) / "raw").replace(raw)
        except OSError:
            # Another process was faster; its files passed the same check.
            if not raw.is_dir():
                raise
    return root


def _first_that_answers(mirrors: list[str]) -> str:
    """The first mirror to say that it has the files, all asked at once.

    In threads, because looking up a name has no time limit of its own: on a dead
    network it can hang for half a minute.
    """
    answers: list[str] = []
    answered = threading.Event()
    lock, waiting = threading.Lock(), [len(mirrors)]

    def ask(mirror: str) -> None:
        try:
            requests.head(
                mirror + MNIST.resources[0][0],
                timeout=PATIENCE_SECONDS,
                allow_redirects=True,
            ).raise_for_status()
            answers.append(mirror)
        except requests.RequestException:
            with lock:  # a refusal counts as well: when all have refused, stop waiting
                waiting[0] -= 1
                if waiting[0] > 0:
                    return
        answered.set()

    for mirror in mirrors:
        threading.Thread(target=ask, args=(mirror,), daemon=True).start()
    answered.wait(PATIENCE_SECONDS)
    if not answers:
        raise OfflineError(
            "no network: none of the MNIST mirrors answered within "
            f"{PATIENCE_SECONDS:.0f} seconds; set THIN_MINI_DATA to a folder that "
            f"holds MNIST/raw, or to {STAND_IN}"
        )
    return answers[0]
