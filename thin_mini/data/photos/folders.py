"""What lies in a folder: files without the hidden ones.

Names are compared without regard to capitals. A tool's leavings (``.DS_Store``,
``._a.png``, ``.ipynb_checkpoints``, ``__MACOSX``, ``Thumbs.db``) are not seen at all.
"""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Iterator
from fnmatch import filter as filter_names
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from thin_mini.data.photos.reading import with_bar
from thin_mini.files import DataError

log = logging.getLogger("thin_mini")

MAX_ABSENT = 0.01  # of the pictures that a list names
LEFT_BY_TOOLS = {
    "__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir",
    "$recycle.bin", "lost+found", "system volume information",
}  # fmt: skip


def hidden(path: str) -> bool:
    """Whether a name in this path, with forward slashes, is hidden or a tool's."""
    names = path.split("/")
    return any(name[:1] == "." or name.lower() in LEFT_BY_TOOLS for name in names)


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted, without the hidden ones.

    Raises:
        DataError: If it is no folder, or may not be read.
    """
    return [entry.name for entry in _entries(folder)]


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder."""
    return [folder / entry.name for entry in _entries(folder) if entry.is_dir()]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            seen = [entry for entry in entries if not hidden(entry.name)]
    except OSError as error:
        raise DataError(
            f"{folder} is no folder that can be read ({error.strerror}): correct its "
            "name, or ask its owner"
        ) from error
    return sorted(seen, key=lambda entry: entry.name)


def look(root: Path, *patterns: str) -> Path | None:
    """The first that :func:`look_all` finds."""
    return next(look_all(root, *patterns), None)


def look_all(root: Path, *patterns: str) -> Iterator[Path]:
    """The paths below ``root`` that fit one of some patterns such as ``a/*.csv``.

    Patterns are in lower case, and an earlier one comes before a later one.
    """

    @cache  # each folder is listed once, since it may hold 100,000 pictures
    def lower(place: Path) -> dict[str, str]:
        return {n.lower(): n for n in names_in(place)} if place.is_dir() else {}

    for pattern in patterns:
        places = [root]
        for part in pattern.split("/"):
            exact = not set(part) & set("*[")
            places = [
                place / lower(place)[name]
                for place in places
                for name in ([part] if exact else filter_names(lower(place), part))
                if name in lower(place)
            ]
        yield from places


def walk(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder from ``root`` down, as a path from it, with its files.

    Links are followed, except to a folder that they lie in. A folder called like a
    picture counts as a file, so that it is missed and not passed over.
    """

    def stop(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read ({error.strerror})")

    for place, inner, files in os.walk(root, followlinks=True, onerror=stop):
        folder = Path(place)
        odd = [n for n in inner if n.lower().endswith((".png", ".jpg", ".jpeg"))]
        inner[:] = sorted(
            name
            for name in set(inner) - set(odd)
            if not (hidden(name) or _circular(folder / name))
        )
        seen = [folder / name for name in sorted(files + odd) if not hidden(name)]
        yield folder.relative_to(root), seen


def _circular(folder: Path) -> bool:
    around = folder.parent.resolve()
    return folder.is_symlink() and around.is_relative_to(folder.resolve())


def holds(root: Path) -> str:
    """What is in a folder, and in the first folder of it, in words."""
    if not root.is_dir():
        return "is no folder"

    def contents(folder: Path) -> str:
        names = names_in(folder)
        more = f" and {len(names) - 6:,} more" if len(names) > 6 else ""
        return (", ".join(names[:6]) or "nothing") + more

    said = [f" ({f.name} holds {contents(f)})" for f in folders_in(root)[:1]]
    return f"holds {contents(root)}" + "".join(said)


def inside(name: str, root: Path, paths: pd.Series) -> pd.Series:
    """Paths from the root in one spelling; an error where one leads out of it."""
    plain = paths.map(lambda path: posixpath.normpath(path.replace("\\", "/")))
    plain = plain.astype(object).str.removeprefix(f"{os.path.abspath(root)}/")
    out = paths[plain.str.match(r"/|\.\.(/|$)").astype(bool)]
    if len(out):
        raise DataError(
            f"{name}: {len(out):,} paths lead out of {root} (the first: "
            f"{out.iloc[0]}): move the pictures into it, and write paths from there"
        )
    return plain


def present(
    name: str, root: Path, paths: pd.Series, parts: pd.Series | str = ""
) -> np.ndarray:
    """Which pictures of a list are there, bool (N,); an error beyond 1 % absent.

    Each part counts on its own, so that no test set goes missing.
    """
    looked = with_bar(paths, "looking for pictures")
    there = np.array([os.path.isfile(os.path.join(root, p)) for p in looked], bool)
    table = pd.DataFrame({"path": paths, "part": parts, "there": there})
    what = f"pictures listed are no files in {root}"
    mend = "unpack them again, or correct the list"
    for part, rows in table.groupby("part", sort=False):
        leave_out(f"{name} {part}".strip(), rows["path"], rows["there"], what, mend)
    return there


def leave_out(
    name: str, paths: pd.Series, good: pd.Series, what: str, mend: str
) -> None:
    """Say which pictures are left out; an error if they are more than 1 %."""
    bad = paths[~good]
    if len(bad) == 0:
        return
    first = ", ".join(bad[:3])
    text = f"{name}: {len(bad):,} of the {len(paths):,} {what} (the first: {first})"
    if len(bad) > MAX_ABSENT * len(paths):
        raise DataError(f"{text}; {mend}")
    log.warning("%s; they are left out", text)
