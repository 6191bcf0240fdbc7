"""How AffectNet is given out: two lists of all images, or files for each."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from thin_mini.data.photos.folders import (
    coded,
    first_line,
    folders_in,
    look,
    names_in,
    read_table,
)
from thin_mini.data.photos.layouts import SPLITS, DataSet, Layout, any_of, codes
from thin_mini.data.photos.listing import Listing
from thin_mini.data.photos.reading import with_bar
from thin_mini.files import DataError, regular_file

SEVEN = codes("neutral happiness sadness surprise fear disgust anger", 0)
CODES = SEVEN | {
    "7": "contempt",
    "8": "no expression",
    "9": "uncertain",
    "10": "no face",
}
COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height",
    "facial_landmarks", "expression", "valence", "arousal",
)  # fmt: skip
LISTS = "manually_annotated_file_lists"
# The test set was never published: the validation set is for tests.
HALVES = {"training.csv": "train", "validation.csv": "test"}


def _lists(root: Path, sign: Path) -> Listing:
    """The first layout."""
    found = {look(sign.parent, name): part for name, part in HALVES.items()}
    tables = [_rows(file).assign(split=part) for file, part in found.items() if file]
    table = pd.concat(tables, ignore_index=True)
    if "left" in table:
        boxed = (table["right"] > table["left"]) & (table["bottom"] > table["top"])
        unseen = table["target"].isin(SEVEN.values()) & ~boxed
        table["target"] = table["target"].mask(unseen, "no face box")
    return Listing("AffectNet", _images(sign.parent, table["path"]), table)


def _rows(file: Path) -> pd.DataFrame:
    """One list; the official validation list has no header."""
    path, *box = COLUMNS[:5]
    first = first_line(file)
    bare = path.lower() not in first.lower() and first.count(",") == len(COLUMNS) - 1
    rows = read_table(file, (path, "expression"), box, COLUMNS if bare else ())
    mend = "take the official list, whose expressions are 0 to 10"
    target = coded(file, rows["expression"], CODES, mend).astype(object)
    table = pd.DataFrame({"path": rows[path], "target": target})
    if not set(box) <= set(rows):
        return table
    numbers = rows[box].apply(pd.to_numeric, errors="coerce")
    # Where no face was found there is no number of pixels either: an empty box.
    numbers[~(numbers.abs() < 2**31).all(axis=1)] = 0
    x, y, width, height = numbers.astype(int).to_numpy().T
    return table.assign(left=x, top=y, right=x + width, bottom=y + height)


def _images(lists: Path, paths: pd.Series) -> Path:
    """Where the first pictures of the lists are: beside these, or in a folder there."""
    beside = [lists, lists.parent] if lists.name.lower() == LISTS else [lists]
    inner = "manually_annotated_images"
    names = (inner, f"manually_annotated/{inner}", "manually_annotated")
    folders = [look(base, name) for base in beside for name in names]
    places = [*filter(None, folders), *beside]
    first = [path.replace("\\", "/") for path in paths[:20]]
    there = (p for p in places if any(os.path.isfile(p / path) for path in first))
    return next(there, places[0])


def _annotated(root: Path, sign: Path) -> Listing:
    """The second layout, where each image has files of its own."""
    if sign.parent == root:  # one half alone, or a set without halves
        return Listing("AffectNet", root, _half(root, root))
    tables = []
    for folder in folders_in(root):
        part = SPLITS.get(folder.name.lower())
        if part is not None and look(folder, "annotations"):
            part = "train" if part == "train" else "test"
            tables.append(_half(root, folder).assign(split=part))
    return Listing("AffectNet", root, pd.concat(tables, ignore_index=True))


def _half(root: Path, half: Path) -> pd.DataFrame:
    images, annotations = look(half, "images"), look(half, "annotations")
    if images is None or annotations is None:
        raise DataError(f"{half} has annotations and no folder images: unpack it")
    files = {Path(name).stem: name for name in names_in(images)}
    rows: dict[str, int | str] = dict.fromkeys(files.values(), "no label")
    labels = [n for n in names_in(annotations) if n.lower().endswith("_exp.npy")]
    if not labels:
        raise DataError(f"no *_exp.npy in {annotations}: unpack it")
    for name in with_bar(labels, "reading labels"):
        stem = name[: -len("_exp.npy")]
        rows[files.get(stem, f"{stem}.jpg")] = _label(annotations / name)
    ordered = sorted(rows.items(), key=lambda row: (len(row[0]), row[0]))  # 9 before 10
    table = pd.DataFrame(ordered, columns=["path", "target"])
    return table.assign(path=f"{images.relative_to(root).as_posix()}/" + table["path"])


def _label(file: Path) -> int | str:
    """What the number in a file of one means; official files hold it as text."""
    regular_file(file)
    try:
        if file.stat().st_size > 4096:
            raise ValueError("it is too large for one")
        number = f"{float(np.load(file, allow_pickle=False).item()):g}"
    except (OSError, EOFError, TypeError, ValueError, MemoryError) as error:
        why = "its header is false" if isinstance(error, MemoryError) else error
        raise DataError(f"{file} holds no number ({why}): fetch it again") from error
    if number not in CODES:
        raise DataError(
            f"{file} holds {number}, but expressions go from 0 to 10: fetch it again"
        )
    return CODES[number]


AFFECTNET = DataSet(
    "AffectNet",
    (
        Layout(
            "training.csv, validation.csv and the images",
            any_of(*HALVES, *(f"{LISTS}/{name}" for name in HALVES)),
            _lists,
        ),
        Layout(
            "train_set and val_set with images and annotations",
            any_of(*(f"{part}/annotations" for part in SPLITS), "annotations"),
            _annotated,
        ),
    ),
    "for research only, to heads of laboratories and professors who sign "
    "an agreement: http://mohammadmahoor.com/affectnet/",
)
