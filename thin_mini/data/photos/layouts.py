"""How data sets of faces lie on disk: one description serves every reader of them.

A reader that is called by name and the automatic choice both ask a :class:`DataSet`
for its layouts, so that they accept the same folders. The reader's own pictures are
two of them: folders that are called after expressions, and a table.
"""

from __future__ import annotations

import logging
import mimetypes
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos import tables
from thin_mini.data.photos.folders import folders_in, look_all, walk
from thin_mini.data.photos.listing import Listing
from thin_mini.data.photos.reading import is_picture, with_bar
from thin_mini.files import DataError

log = logging.getLogger("thin_mini")
Reader = Callable[[Path, Path], Listing]

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
        needs: What it consists of, in words.
        signs: Patterns of :func:`look_all` for what gives it away.
        proof: Whether what fits one of them does.
        read: From the folder and what was found to the list of its pictures.
    """

    needs: str
    signs: tuple[str, ...]
    proof: Callable[[Path], bool]
    read: Reader


@dataclass
class DataSet:
    """A data set and the layouts that it is read in, the first that fits.

    Attributes:
        title: Its name.
        where: Where it is asked for, and under which terms.
        layouts: In the order in which they are tried.
    """

    title: str
    where: str = ""
    layouts: list[Layout] = field(default_factory=list)

    def layout(
        self, needs: str, *signs: str, proof: Callable[[Path], bool] = Path.exists
    ) -> Callable[[Reader], Reader]:
        """Make a function the reader of a :class:`Layout`."""

        def add(read: Reader) -> Reader:
            self.layouts.append(Layout(needs, signs, proof, read))
            return read

        return add

    @property
    def needs(self) -> str:
        """What its layouts consist of, in words."""
        return ", or ".join(layout.needs for layout in self.layouts)

    @property
    def mend(self) -> str:
        """What to do where something is missing, in words."""
        given = f". It is given {self.where}" if self.where else ""
        return f"{self.title} needs {self.needs}{given}"

    def found(self, root: Path, file: Path | None) -> tuple[Reader, Path] | None:
        """The reader of the first layout that this folder shows, and what shows it.

        If ``file`` is given, it must be that.
        """
        for layout in self.layouts:
            for sign in look_all(root, *layout.signs):
                if (file is None or sign.samefile(file)) and layout.proof(sign):
                    return layout.read, sign
        return None


def places(root: Path) -> Iterator[Path]:
    """The folder, and the one in it if it holds no other; of a file those around it."""
    if root.is_file():
        # Not resolved: a list may be a link to where a tool keeps it.
        yield from Path(os.path.abspath(root)).parents[:FOLDERS_AROUND]
        return
    for _ in range(FOLDERS_AROUND + 1):
        yield root
        inner = folders_in(root)
        if len(inner) != 1:
            return
        root = inner[0]


# --- the reader's own pictures -------------------------------------------------------

FOLDER, CSV = DataSet("a folder of faces"), DataSet("a table of faces")
# What else each expression may be called in a folder's name or a table.
ALSO = ("neutral", "happy", "sad", "surprised", "fearful", "disgusted", "angry")
CLASSES: dict[str, int | str] = {
    name: i % len(EXPRESSIONS) for i, name in enumerate(EXPRESSIONS + ALSO)
}
CLASSES["contempt"] = "contempt"  # not among the seven: left out and counted
# An identity that says that it is not known.
UNKNOWN = {"", "-1", "?", "na", "n/a", "<na>", "nan", "none", "null", "unknown"}


def class_folders(
    root: Path, known: Mapping[str, int | str], mend: str, title: str = ""
) -> Listing:
    """A folder for each class, in or around the folders of the parts, if there are any.

    Args:
        root: What holds them.
        known: Names of classes in lower case; with text, a class is left out.
        mend: What to do about a folder with another name.
        title: Of the data set; else it is called after the folder.

    Raises:
        DataError: If a folder's name is no class, or a class folder holds no picture.
    """
    rows, sizes = [], Counter[Path]()
    parted = any(_plain(folder.name) in SPLITS for folder in folders_in(root))
    tree = list(walk(root))
    every = [file for _, files in tree for file in files]
    is_read = {f: is_picture(f) for f in with_bar(every, "recognising pictures")}
    for place, files in tree:
        names = [_plain(name) for name in place.parts]
        classes = [i for i, name in enumerate(names) if name in known]
        splits = {SPLITS[name] for name in names if name in SPLITS}
        strange = {*names[: classes[0] if classes else None]} - {*SPLITS}
        n_pictures = sum(is_read[file] for file in files)
        if strange and (n_pictures or splits or not parted):
            raise DataError(
                f"the folder {root / place} is called after no expression: the names "
                f"are {', '.join(known)}; {mend}"
            )
        if len(classes) > 1 or len(splits) > 1:
            raise DataError(f"the folder {root / place} is of two classes or parts")
        target: int | str = "in no class folder"
        if classes:
            sizes[root.joinpath(*place.parts[: classes[0] + 1])] += n_pictures
            lost = parted and not splits
            target = "in no part" if lost else known[names[classes[0]]]
        for file in files:
            path, split = file.relative_to(root).as_posix(), "".join(splits)
            if is_read[file]:
                rows.append((path, target, split))
            elif not (mimetypes.guess_type(file.name)[0] or "").startswith("text/"):
                ending = file.suffix.lower() or "no ending"
                rows.append((path, f"not read ({ending})", split))
    skipped = Counter(reason for _, reason, _ in rows if isinstance(reason, str))
    said = ", ".join(f"{n:,} {reason}" for reason, n in skipped.items())
    if empty := [folder for folder, n in sizes.items() if n == 0]:
        raise DataError(
            f"{empty[0]} holds no picture of a kind that is read"
            f"{f' ({said})' if said else ''}: fill it or remove it"
        )
    if said:
        log.warning("%s: left out %s", root, said)
    table = pd.DataFrame(rows, columns=["path", "target", "split"])
    return Listing(title or root.resolve().name, root, table)


def _plain(name: str) -> str:
    """``3_Happy`` and ``HAPPY`` are ``happy``; ``3`` stays what it is."""
    return re.sub(r"^\d+[\s._-]+", "", name).strip().lower()


def _is_filled(place: Path) -> bool:
    """Whether it is a folder of a class, or one of a part with folders in it."""
    return place.is_dir() and (
        place.name.lower() not in SPLITS or any(folders_in(place))
    )


@FOLDER.layout(
    f"folders called {', '.join(EXPRESSIONS)}, or train and test with these inside",
    *SPLITS,
    *CLASSES,
    *(f"[0-9]*{name}" for name in CLASSES),
    proof=_is_filled,
)
def _own_folders(root: Path, sign: Path) -> Listing:
    return class_folders(root, CLASSES, "rename it, or move it out")


@CSV.layout("faces.csv with the columns path and expression", "faces.csv")
def read_csv(root: Path, file: Path) -> Listing:
    """The pictures of a table of one's own."""
    rows = tables.read_table(file, ("path", "expression"), ("identity", "split"))
    tables.filled(file, rows["path"])
    mend = f"take one of {', '.join(CLASSES)}"
    target = tables.coded(file, rows["expression"], CLASSES, mend)
    table = pd.DataFrame({"path": rows["path"], "target": target})
    if "split" in rows:
        mend = "take train, valid or test"
        table["split"] = tables.coded(file, rows["split"], SPLITS, mend)
    people: tuple[str, ...] = ()
    if "identity" in rows:
        known = ~rows["identity"].str.lower().isin(UNKNOWN)
        mend = "fill it in, or drop the column: all are known, or none"
        tables.check_column(file, rows["identity"], known, mend)
        table["identity"], names = pd.factorize(rows["identity"], sort=True)
        people = tuple(names)
    return Listing(tables.title(file), file.parent, table, people)
