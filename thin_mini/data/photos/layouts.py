"""How data sets of faces lie on disk: one description serves every reader of them.

A reader that is called by name and the automatic choice both ask a :class:`DataSet`
for its layouts, so that they accept the same folders.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.folders import folders_in, holds, look
from thin_mini.data.photos.listing import Listing
from thin_mini.files import DataError

# What a folder or a value of the column split may be called, in lower case.
SPLITS = {
    "train": "train", "training": "train", "train_set": "train",
    "test": "test", "testing": "test", "test_set": "test",
    "valid": "valid", "val": "valid", "validation": "valid", "dev": "valid",
    "val_set": "valid",
}  # fmt: skip
PAIRS = ("pairs.csv", "pairs.txt")
FOLDERS_AROUND = 3  # that hold nothing but one folder, as archives like to unpack


class Layout(NamedTuple):
    """One way in which a data set lies in a folder.

    Attributes:
        needs: What it consists of, in words.
        find: What gives it away in this folder, or None.
        read: From the folder and what was found to the list of its pictures.
    """

    needs: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path, Path], Listing]


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

    @property
    def mend(self) -> str:
        """What to do where something is missing, in words."""
        given = f". It is given {self.where}" if self.where else ""
        return f"{self.title} needs {self.needs}{given}"

    def found(self, root: Path, file: Path | None) -> tuple[Layout, Path] | None:
        """The first layout that a folder, or this file in it, shows, and its sign."""
        for layout in self.layouts:
            sign = layout.find(root)
            if sign is not None and (file is None or sign.samefile(file)):
                return layout, sign
        return None


def recognised(root: Path, sets: Mapping[str, DataSet]) -> Listing | None:
    """What the files of a data set name, if it lies there in a layout of one of some.

    Args:
        root: Its folder, one around it, or one of its lists.
        sets: By the names of their layouts.

    Raises:
        DataError: If there are several, or the one that is there has a fault.
    """
    file = root if root.is_file() else None
    for place in places(root):
        asked = {name: known.found(place, file) for name, known in sets.items()}
        found = {name: answer for name, answer in asked.items() if answer is not None}
        if len(found) > 1:  # a list says more than the names of folders
            found.pop("folder", None)
        if len(found) > 1:
            raise unclear(root, sets, f"several layouts ({', '.join(found)})")
        for name, (layout, sign) in found.items():
            listing = layout.read(place, sign)
            listing.mend = sets[name].mend
            return listing
    return None


def unclear(root: Path, sets: Mapping[str, DataSet], seen: str) -> DataError:
    """What to say of a folder in which not exactly one of some data sets is seen."""
    mend = "".join(known.mend for known in sets.values())
    if len(sets) > 1:
        needs = "; ".join(f"{name}: {known.needs}" for name, known in sets.items())
        mend = f"Correct the folder or pass layout=. They need {needs}"
    pairs = root if root.is_file() else look(root, *PAIRS)
    hint = f". For {pairs.name} there is tm.data.face_pairs" if pairs else ""
    return DataError(f"{root} {holds(root)}: {seen}. {mend}{hint}")


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


def any_of(*patterns: str) -> Callable[[Path], Path | None]:
    """Finds the first path that fits one of the patterns of :func:`look`."""
    return lambda root: look(root, *patterns)


def beside(known: DataSet, file: Path, *patterns: str) -> tuple[Path, Path]:
    """The folder of a data set's list, or the one around it, and that of its pictures.

    Raises:
        DataError: If that of the pictures is in neither.
    """
    for root in (file.parent, file.parent.parent):
        if folder := look(root, *patterns):
            return root, folder
    raise DataError(
        f"{known.title}: {file} is there, and no folder {patterns[0]} in {root}: "
        f"unpack it. {known.mend}"
    )


def codes(expressions: str, first: int) -> dict[str, int | str]:
    """A data set's numbers for the expressions, and their places in EXPRESSIONS."""
    places = map(EXPRESSIONS.index, expressions.split())
    return {str(number): place for number, place in enumerate(places, first)}
