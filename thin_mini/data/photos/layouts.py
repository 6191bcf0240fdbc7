"""How data sets of faces lie on disk: one description serves every reader of them.

A reader that is called by name and the automatic choice both ask a :class:`DataSet`
for its layouts, so that they accept the same folders.
"""

from __future__ import annotations

import logging
import mimetypes
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from thin_mini.data.photos.folders import contents, folders_in, look, walk
from thin_mini.data.photos.listing import Listing
from thin_mini.data.photos.reading import is_picture, with_bar
from thin_mini.files import DataError

log = logging.getLogger("thin_mini")

# What a folder or a value of the column split may be called, in lower case.
SPLITS = {
    "train": "train", "training": "train", "train_set": "train",
    "test": "test", "testing": "test", "test_set": "test",
    "valid": "valid", "val": "valid", "validation": "valid", "dev": "valid",
    "val_set": "valid",
}  # fmt: skip
FOLDERS_AROUND = 3  # that hold nothing but one folder, as archives like to unpack


class Layout(NamedTuple):
    """One way in which a data set lies in a folder.

    Attributes:
        find: What gives it away in this folder, or None.
        read: From the folder and what was found to the list of its pictures.
        needs: What it consists of, in words.
    """

    find: Callable[[Path], Path | None]
    read: Callable[[Path, Path], Listing]
    needs: str


class DataSet(NamedTuple):
    """A data set and the layouts that it is read in, the first that fits.

    Attributes:
        title: Its name.
        layouts: In the order in which they are tried.
        where: Where it is asked for, and under which terms.
    """

    title: str
    layouts: tuple[Layout, ...]
    where: str = ""

    @property
    def needs(self) -> str:
        """What its layouts consist of, in words."""
        return ", or ".join(layout.needs for layout in self.layouts)

    def found(
        self, root: Path, file: Path | None = None
    ) -> Callable[[], Listing] | None:
        """The reading, not done yet, of the first layout that this folder shows.

        If ``file`` is given, of the one that is shown by this file.
        """
        for layout in self.layouts:
            sign = layout.find(root)
            if sign is not None and (file is None or sign.samefile(file)):
                return partial(self._read, layout, root, sign)
        return None

    def listing(self, root: str | Path) -> Listing:
        """What its files name, from a folder, one around it or one of its lists.

        Raises:
            DataError: If no layout is there, or the one that is has a fault.
        """
        root = Path(root)
        file = root if root.is_file() else None
        for place in places(root):
            if (read := self.found(place, file)) is not None:
                return read()
        raise DataError(
            f"{root} {holds(root)}, which is not recognised as {self.title}: "
            f"{self._mend()}"
        )

    def _read(self, layout: Layout, root: Path, sign: Path) -> Listing:
        listing = layout.read(root, sign)
        listing.mend = self._mend()
        return listing

    def _mend(self) -> str:
        given = f". It is given {self.where}" if self.where else ""
        return f"{self.title} needs {self.needs}{given}"


def places(root: Path) -> Iterator[Path]:
    """The folder, and the one in it if it holds no other; of a file those around it."""
    if root.is_file():
        # Not resolved: a list may be a link to where a tool keeps it.
        yield from Path(os.path.abspath(root)).parents[:FOLDERS_AROUND]
        return
    for _ in range(FOLDERS_AROUND + 1):
        yield root
        inner = folders_in(root) if root.is_dir() else []
        if len(inner) != 1:
            return
        root = inner[0]


def holds(root: Path) -> str:
    """What is in a folder, and in the first folder of it, in words."""
    if not root.exists():
        return "does not exist"
    if not root.is_dir():
        return "is no folder"
    inner = folders_in(root)[:1]
    return f"holds {contents(root)}" + "".join(
        f" ({f.name} holds {contents(f)})" for f in inner
    )


def any_of(*patterns: str) -> Callable[[Path], Path | None]:
    """Finds the first path that fits one of the patterns of :func:`look`."""
    return lambda root: look(root, *patterns)


def class_folders(
    root: Path,
    known: Mapping[str, int | None],
    mend: str = "rename it, or move it out",
) -> Listing:
    """A folder for each class, in or around the folders of the parts, if there are any.

    Args:
        root: What holds them.
        known: Names of classes in lower case; None as the class leaves one out.
        mend: What to do about a folder with another name.

    Raises:
        DataError: If a folder's name is no class, or a class folder holds no picture.
    """
    rows, skipped, filled = [], Counter[str](), Counter[str]()
    parted = any(_plain(f.name) in SPLITS for f in folders_in(root))
    tree = [(place, files) for place, _, files in walk(root)]
    every = [file for _, files in tree for file in files]
    read = {file: is_picture(file) for file in with_bar(every, "recognising pictures")}
    for place, files in tree:
        folders = PurePosixPath(place).parts
        names = [_plain(name) for name in folders]
        classes = [i for i, name in enumerate(names) if name in known]
        splits = {SPLITS[name] for name in names if name in SPLITS}
        pictures = [file for file in files if read[file]]
        above = names[: classes[0]] if classes else names
        strange = [name for name in above if name not in SPLITS]
        for file in set(files) - set(pictures):
            if not _is_text(file):
                skipped[f"not read ({file.suffix.lower() or 'no ending'})"] += 1
        if strange and (pictures or splits or not parted):
            raise DataError(
                f"the folder {root / place} is called after no expression: the names "
                f"are {', '.join(known)}; {mend}"
            )
        if len(classes) > 1 or len(splits) > 1:
            raise DataError(f"the folder {root / place} is of two classes or parts")
        if not classes:
            skipped["in no class folder"] += len(pictures)
            continue
        filled["/".join(folders[: classes[0] + 1])] += len(pictures)
        target, split = known[names[classes[0]]], next(iter(splits), "")
        if target is None or (parted and not split):
            reason = "in no part" if parted and not split else names[classes[0]]
            skipped[reason] += len(pictures)
            continue
        rows += [(p.relative_to(root).as_posix(), target, split) for p in pictures]
    skipped = +skipped  # without zeros
    said = ", ".join(f"{n:,} {reason}" for reason, n in skipped.items())
    for folder, n in filled.items():
        if n == 0:
            raise DataError(
                f"{root / folder} holds no picture of a kind that is read"
                f"{f' ({said})' if said else ''}: fill it or remove it"
            )
    if said:
        log.warning("%s: left out %s", root, said)
    table = pd.DataFrame(rows, columns=["path", "target", "split"])
    return Listing(root.resolve().name, root, table, skipped)


def _plain(name: str) -> str:
    """``3_Happy`` and ``HAPPY`` are ``happy``; ``3`` stays what it is."""
    return re.sub(r"^\d+[\s._-]+", "", name).strip().lower()


def _is_text(file: Path) -> bool:
    return (mimetypes.guess_type(file.name)[0] or "").startswith("text/")
