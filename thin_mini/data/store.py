"""Finding MNIST: a folder, the cache, a checked download, or no MNIST at all.

The order is fixed: the folder that ``THIN_MINI_DATA`` names, then the cache
(``THIN_MINI_CACHE``), then a download. Every file is checked by its hash before
a pixel is read. ``THIN_MINI_DATA=stand-in`` asks for the stand-in at once.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import platformdirs

from thin_mini.basics.locks import tidy, workshop
from thin_mini.files import DataError as DataError
from thin_mini.files import OfflineError as OfflineError
from thin_mini.files import regular_file

STAND_IN = "stand-in"
LARGEST_BYTES = 100 << 20  # more than any file of MNIST, packed or unpacked

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

# The packed files' own, and where they are: as torchvision.datasets.MNIST has them,
# which takes seconds to import.
MNIST_MD5 = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def data_folder() -> Path | None:
    """The folder that ``THIN_MINI_DATA`` names, or None if it names none.

    Raises:
        DataError: If the variable names a folder that does not exist or is closed.
    """
    value = os.environ.get("THIN_MINI_DATA", "")
    if value in ("", STAND_IN):
        return None
    folder = Path(value).expanduser()
    try:
        os.scandir(folder).close()
    except OSError as error:
        closed = isinstance(error, PermissionError)
        what = "may not be read" if closed else "is not a folder"
        raise DataError(
            f"THIN_MINI_DATA={value} {what}: correct it, unset it, or set it to "
            f"{STAND_IN}"
        ) from error
    return folder


def stand_in_wanted() -> bool:
    """Whether ``THIN_MINI_DATA=stand-in`` asks to do without real data."""
    return os.environ.get("THIN_MINI_DATA") == STAND_IN


def cache_folder() -> Path:
    """Where downloads are kept: ``THIN_MINI_CACHE`` or the user's cache folder."""
    named = os.environ.get("THIN_MINI_CACHE")
    return Path(named or platformdirs.user_cache_dir("thin-mini")).expanduser()


def find_mnist(download: bool = True) -> Path:
    """Find MNIST, download what is missing if need be, and check every file.

    A folder that ``THIN_MINI_DATA`` names is taken at its word: where it lacks MNIST
    the cache may have it, but nothing is downloaded instead.

    Args:
        download: Whether to try the network where there is no copy.

    Returns:
        A root that ``torchvision.datasets.MNIST(root)`` reads.

    Raises:
        DataError: If a file is damaged, unreadable or one of four that is missing,
            if the named folder has none of them, or if the cache cannot be written.
        OfflineError: If there is neither a copy nor a mirror that sends one.
    """
    named, cache = data_folder(), cache_folder()
    missing: list[Path] = []
    for root in filter(None, (named, cache)):
        missing = missing_mnist(root)
        if not missing:
            tidy(cache)
            return root
        if root == named and len(missing) < len(MNIST_SHA256):
            raise DataError(_incomplete(missing, "unset THIN_MINI_DATA"))
    if named is not None:
        too_far_down = {"MNIST": named.parent, "raw": named.parent.parent}
        above = too_far_down.get(named.name)
        raise DataError(
            f"THIN_MINI_DATA={named} holds no MNIST/raw with the four unpacked files"
            f"{f' (is {above} meant?)' if above else ''}: put them there, unset the "
            f"variable to have them downloaded, or set it to {STAND_IN}"
        )
    try:
        if not download:
            raise OfflineError(f"no MNIST in THIN_MINI_DATA or {cache}")
        _download_mnist(cache)
    except OfflineError as error:
        if len(missing) == len(MNIST_SHA256):
            raise
        # Half a copy is no reason to go on with a stand-in.
        mend = "run `thin-mini data` where there is a network"
        raise DataError(f"{_incomplete(missing, mend)} ({error})") from error
    return cache


def missing_mnist(root: Path) -> list[Path]:
    """The files of MNIST that a folder lacks; those that are there are checked.

    Raises:
        DataError: If one is damaged or cannot be read.
    """
    files = [root / "MNIST" / "raw" / name for name in MNIST_SHA256]
    there = [path for path in files if regular_file(path)]
    for path in there:
        check_mnist_file(path)
    return [path for path in files if path not in there]


def _incomplete(missing: list[Path], mend: str) -> str:
    """What to say of a folder that has some of the four files."""
    packed = any(path.with_name(f"{path.name}.gz").exists() for path in missing)
    do = "unpack the .gz beside it" if packed else "copy the official file there"
    more = "".join(f", and so is {path.name}" for path in missing[1:])
    return f"{missing[0]} is missing{more}: {do}, or {mend}"


def check_mnist_file(path: Path) -> None:
    """Raise a :class:`DataError` unless the file is the official one, bit for bit."""
    size = path.stat().st_size
    try:
        content = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    found, official = hashlib.sha256(content).hexdigest(), MNIST_SHA256[path.name]
    if found != official:
        in_cache = path.is_relative_to(cache_folder())
        mend = f"remove {path.parent}" if in_cache else "unset THIN_MINI_DATA"
        raise DataError(
            f"{path} ({size:,} bytes) is truncated or altered: its sha256 is "
            f"{found[:12]}…, not {official[:12]}…; {mend} and run `thin-mini data`"
        )


def _download_mnist(root: Path) -> None:
    """Fetch what is missing; it appears in the cache only when all of it is right."""
    # Slow to import, and needed once.
    from thin_mini.data.mirrors import fetch_all

    mend = f"set THIN_MINI_DATA to a folder that holds MNIST/raw, or to {STAND_IN}"
    with workshop(root) as folder:
        missing = missing_mnist(root)  # less, if another process was at it
        hashes = {f"{p.name}.gz": f"md5:{MNIST_MD5[p.name]}" for p in missing}
        fetch_all(hashes, MIRRORS, folder, LARGEST_BYTES, mend)
        for path in missing:
            packed = folder / f"{path.name}.gz"
            (folder / path.name).write_bytes(gzip.decompress(packed.read_bytes()))
            check_mnist_file(folder / path.name)
        for path in missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            (folder / path.name).replace(path)
