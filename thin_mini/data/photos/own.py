"""The reader's own pictures: folders that are called after classes, and one table."""

from __future__ import annotations

import logging
import mimetypes
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.folders import (
    check_column,
    coded,
    filled,
    folders_in,
    look,
    read_table,
    title,
    walk,
)
from thin_mini.data.photos.layouts import SPLITS, DataSet, Layout, any_of
from thin_mini.data.photos.listing import Listing
from thin_mini.data.photos.reading import is_picture, with_bar
from thin_mini.files import DataError

log = logging.getLogger("thin_mini")

# What else each expression may be called in a folder's name or a table.
ALSO = ("neutral", "happy", "sad", "surprised", "fearful", "disgusted", "angry")
CLASSES: dict[str, int | str] = {}
for place, names in enumerate(zip(EXPRESSIONS, ALSO, strict=True)):
    CLASSES |= dict.fromkeys(names, place)
CLASSES["contempt"] = "contempt"  # not among the seven: left out and counted
# An identity that says that it is not known.
UNKNOWN = {"", "-1", "?", "na", "n/a", "<na>", "nan", "none", "null", "unknown"}


def class_folders(
    root: Path,
    known: Mapping[str, int | str],
    mend: str = "rename it, or move it out",
) -> Listing:
    """A folder for each class, in or around the folders of the parts, if there are any.

    Args:
        root: What holds them.
        known: Names of classes in lower case; with text, a class is left out.
        mend: What to do about a folder with another name.

    Raises:
        DataError: If a folder's name is no class, or a class folder holds no picture.
    """
    rows, filled_with = [], Counter[Path]()
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
            target = known[names[classes[0]]]
            filled_with[Path(*place.parts[: classes[0] + 1])] += n_pictures
            if parted and not splits:
                target = "in no part"
        for file in files:
            why = f"not read ({file.suffix.lower() or 'no ending'})"
            if is_read[file] or not _is_text(file):
                row = target if is_read[file] else why
                rows.append((file.relative_to(root).as_posix(), row, "".join(splits)))
    skipped = Counter(row[1] for row in rows if isinstance(row[1], str))
    said = ", ".join(f"{n:,} {reason}" for reason, n in skipped.items())
    for folder, n in filled_with.items():
        if n == 0:
            raise DataError(
                f"{root / folder} holds no picture of a kind that is read"
                f"{f' ({said})' if said else ''}: fill it or remove it"
            )
    if said:
        log.warning("%s: left out %s", root, said)
    table = pd.DataFrame(rows, columns=["path", "target", "split"])
    return Listing(root.resolve().name, root, table)


def _plain(name: str) -> str:
    """``3_Happy`` and ``HAPPY`` are ``happy``; ``3`` stays what it is."""
    return re.sub(r"^\d+[\s._-]+", "", name).strip().lower()


def _is_text(file: Path) -> bool:
    return (mimetypes.guess_type(file.name)[0] or "").startswith("text/")


def _class_folder(root: Path) -> Path | None:
    """A folder called after an expression, or one in the folder of a part."""
    parts = [folder for folder in folders_in(root) if folder.name.lower() in SPLITS]
    found = [inner for part in parts for inner in folders_in(part)]
    names = (form for name in CLASSES for form in (name, f"[0-9]*{name}"))
    return found[0] if found else look(root, *names)


def read_csv(file: Path) -> Listing:
    """The pictures of a table of one's own, as :func:`face_csv` describes it."""
    rows = read_table(file, ("path", "expression"), ("identity", "split"))
    filled(file, rows["path"])
    mend = f"take one of {', '.join(CLASSES)}"
    target = coded(file, rows["expression"], CLASSES, mend)
    table = pd.DataFrame({"path": rows["path"], "target": target})
    if "split" in rows:
        table["split"] = coded(file, rows["split"], SPLITS, "take train, valid or test")
    people: tuple[str, ...] = ()
    if "identity" in rows:
        known = ~rows["identity"].str.lower().isin(UNKNOWN)
        mend = "fill it in, or drop the column: all are known, or none"
        check_column(file, rows["identity"], known, mend)
        table["identity"], names = pd.factorize(rows["identity"], sort=True)
        people = tuple(names)
    return Listing(title(file), file.parent, table, people)


CSV = DataSet(
    "a table of faces",
    (
        Layout(
            "faces.csv with the columns path and expression",
            any_of("faces.csv"),
            lambda root, file: read_csv(file),
        ),
    ),
)
FOLDER = DataSet(
    "a folder of faces",
    (
        Layout(
            f"folders called {', '.join(EXPRESSIONS)}, or train and test with these "
            "inside",
            _class_folder,
            lambda root, sign: class_folders(root, CLASSES),
        ),
    ),
)
