"""The published data sets of expressions, in the layouts that people have them in.

None is shipped or downloaded: each reader says what it needs, where that is asked
for, and under which terms (section 4.2).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from thin_mini.basics.kinds import checked
from thin_mini.data.factors import numbered
from thin_mini.data.photos.fer_tables import EXPW, FER2013, expw, fer2013
from thin_mini.data.photos.folders import (
    folders_in,
    look,
    names_in,
    read_lines,
    read_table,
)
from thin_mini.data.photos.layouts import SPLITS, DataSet, Layout, any_of, class_folders
from thin_mini.data.photos.listing import Listing, Parts, train_and_test
from thin_mini.data.photos.reading import with_bar
from thin_mini.files import DataError, regular_file

__all__ = [
    "AFFECTNET", "EXPW", "FER2013", "RAF_DB", "affectnet", "expw", "fer2013", "raf_db",
]  # fmt: skip

RAF_DB_IDS = numbered("surprise fear disgust happiness sadness anger neutral", 1)
AFFECTNET_IDS = numbered("neutral happiness sadness surprise fear disgust anger", 0)
AFFECTNET_OTHERS = {7: "contempt", 8: "no expression", 9: "uncertain", 10: "no face"}
NO_LABEL = -1  # of an image without annotation
AFFECTNET_COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height",
    "facial_landmarks", "expression", "valence", "arousal",
)  # fmt: skip


@checked
def raf_db(root: str | Path) -> Parts:
    """RAF-DB, basic expressions, aligned: 12,271 and 3,068 images.

    Args:
        root: The folder with ``EmoLabel/list_patition_label.txt`` and
            ``Image/aligned``, in ``basic`` or not; or with ``train/1`` to ``train/7``
            and ``test/1`` to ``test/7``.

    Returns:
        ``(train, test)``, the official split; who is who is unknown.

    Raises:
        DataError: If a piece is missing, a label is odd, or pictures are absent.
    """
    return train_and_test(RAF_DB.listing(root))


def _raf_list(root: Path, labels: Path) -> Listing:
    for base in (labels.parent, labels.parent.parent):  # of a list at the root, too
        folder = look(base, "image/aligned", "aligned")
        if folder is not None:
            break
    else:
        raise DataError(
            f"RAF-DB: {labels} is there, and no folder Image/aligned in {root}: unpack "
            f"aligned.zip. It is given {RAF_DB.where}"
        )
    files = {Path(name).stem.lower(): name for name in names_in(folder)}
    rows = []
    for number, line in read_lines(labels):
        # A name with or without _aligned, a label, and perhaps more columns.
        match = re.fullmatch(
            r"((?:train|test)_\w+?)(?:_aligned)?\.jpg[\s,]+([1-7])(?:[\s,].*)?",
            line,
            re.IGNORECASE,
        )
        if match is None:
            raise DataError(
                f"{labels}, line {number}: {line!r} is not 'train_00001.jpg 5' with a "
                "basic expression, 1 to 7: take the list of the basic set"
            )
        name, label = match.groups()
        name = name.lower()
        file = files.get(f"{name}_aligned", files.get(name, f"{name}_aligned.jpg"))
        path = (folder / file).relative_to(base).as_posix()
        rows.append((path, RAF_DB_IDS[int(label)], name.split("_")[0]))
    table = pd.DataFrame(rows, columns=["path", "target", "split"])
    return Listing("RAF-DB", base, table)


def _raf_folders(root: Path, sign: Path) -> Listing:
    numbers = {str(i): c for i, c in RAF_DB_IDS.items()}
    mend = "of a data set with other numbers, call the folders after the expressions"
    listing = class_folders(root, numbers, mend)
    listing.name = "RAF-DB"
    return listing


_RAF_LIST = "list_pa*tition_label.txt"  # its own readme spells the name both ways
RAF_DB = DataSet(
    "RAF-DB",
    (
        Layout(
            any_of(f"basic/emolabel/{_RAF_LIST}", f"emolabel/{_RAF_LIST}", _RAF_LIST),
            _raf_list,
            "basic/EmoLabel/list_patition_label.txt and basic/Image/aligned",
        ),
        Layout(
            any_of(*(f"{part}/[1-7]" for part in SPLITS)),
            _raf_folders,
            "train and test with folders 1 (surprise) to 7 (neutral) in them",
        ),
    ),
    "for non-commercial research, on request from its authors (Li, Deng and "
    "Du, CVPR 2017): http://www.whdeng.cn/RAF/model1.html",
)


@checked
def affectnet(root: str | Path) -> Parts:
    """AffectNet, seven expressions, in either of the two layouts it was given out in.

    Contempt and what shows no expression or no face are left out and counted.

    Args:
        root: The folder with ``training.csv`` and ``validation.csv`` (or with
            ``Manually_Annotated_file_lists`` that holds them) beside the images or
            their folder ``Manually_Annotated_Images``; or with ``train_set`` and
            ``val_set``, each of which holds ``images`` and ``annotations``.

    Returns:
        ``(train, test)``; the test images are the official validation set, because
        the test set was never published (the paper too has 3,500). With boxes in
        the first layout, whose pictures are whole; those of the second are cut.

    Raises:
        DataError: If a piece is missing, a label is odd, or pictures are absent.
    """
    return train_and_test(AFFECTNET.listing(root))


def _affectnet_csv(root: Path, sign: Path) -> Listing:
    halves = (("training.csv", "train"), ("validation.csv", "test"))
    lists = [
        _affectnet_list(file).assign(split=split)
        for name, split in halves
        if (file := look(sign.parent, name)) is not None
    ]
    table = pd.concat(lists, ignore_index=True)
    return _seven(_affectnet_images(sign.parent, table["path"]), table)


def _affectnet_images(lists: Path, paths: pd.Series) -> Path:
    """Where the first pictures of the lists are: beside these, or in a folder there."""
    beside = [lists, lists.parent] if lists.name.lower() == _LISTS else [lists]
    inner = "manually_annotated_images"
    names = (inner, f"manually_annotated/{inner}", "manually_annotated")
    folders = [look(base, name) for base in beside for name in names]
    places = [*filter(None, folders), *beside]
    first = [path.replace("\\", "/") for path in paths[:20]]
    there = (p for p in places if any(os.path.isfile(p / path) for path in first))
    return next(there, places[0])


def _affectnet_list(file: Path) -> pd.DataFrame:
    """One list of the first layout; the official validation list has no header."""
    path, *box = AFFECTNET_COLUMNS[:5]
    _, first = next(read_lines(file), (0, ""))
    bare = path.lower() not in first.lower() and first.count(",") == 8
    names = AFFECTNET_COLUMNS if bare else None
    rows = read_table(file, (path, "expression"), box, names)
    said = rows["expression"]
    number = pd.to_numeric(said, errors="coerce")
    wrong = ~number.isin([*AFFECTNET_IDS, *AFFECTNET_OTHERS])
    if wrong.any():
        raise DataError(
            f"{file}: the expression {said[wrong].iloc[0]!r} of "
            f"{rows[path][wrong].iloc[0]} is none of 0 to 10: take the official list"
        )
    table = pd.DataFrame({"path": rows[path], "expression": number.astype(int)})
    if not set(box) <= set(rows):
        return table
    numbers = rows[box].apply(pd.to_numeric, errors="coerce")
    # Where no face was found there is no number of pixels either: an empty box.
    numbers[~(numbers.abs() < 2**31).all(axis=1)] = 0
    x, y, width, height = numbers.astype(int).to_numpy().T
    return table.assign(left=x, top=y, right=x + width, bottom=y + height)


def _seven(root: Path, table: pd.DataFrame) -> Listing:
    """Rows with AffectNet's numbers, without those that are none of the seven."""
    others = AFFECTNET_OTHERS | {NO_LABEL: "no label"}
    skipped = Counter(table["expression"].map(others).dropna())
    table = table[table["expression"].isin(AFFECTNET_IDS)]
    table = table.assign(target=table["expression"].map(AFFECTNET_IDS))
    if "left" in table:
        boxed = (table["right"] > table["left"]) & (table["bottom"] > table["top"])
        if not boxed.all():
            skipped["no face box"] = int((~boxed).sum())
        table = table[boxed]
    return Listing("AffectNet", root, table, skipped)


def _annotated(root: Path) -> Path | None:
    """The first folder of annotations, of a part or of the whole."""
    return look(root, *(f"{part}/annotations" for part in SPLITS), "annotations")


def _affectnet_npy(root: Path, sign: Path) -> Listing:
    """The second layout, where each image has files of its own."""
    if sign.parent == root:  # one half alone, or a set without halves
        return _seven(root, _affectnet_half(root, root))
    halves = []
    for folder in folders_in(root):
        part = SPLITS.get(folder.name.lower())
        if part is not None and look(folder, "annotations"):
            # The test set was never published: the validation set is for tests.
            part = "train" if part == "train" else "test"
            halves.append(_affectnet_half(root, folder).assign(split=part))
    return _seven(root, pd.concat(halves, ignore_index=True))


def _affectnet_half(root: Path, half: Path) -> pd.DataFrame:
    images, annotations = look(half, "images"), look(half, "annotations")
    if images is None or annotations is None:
        raise DataError(f"{half} has annotations and no folder images: unpack it")
    files = {Path(name).stem: name for name in names_in(images)}
    rows = []
    for name in with_bar(names_in(annotations), "reading labels"):
        if name.lower().endswith("_exp.npy"):
            label, stem = _label(annotations / name), name[: -len("_exp.npy")]
            rows.append((files.pop(stem, f"{stem}.jpg"), label))
    if not rows:
        raise DataError(f"no *_exp.npy in {annotations}: unpack it")
    rows += [(name, NO_LABEL) for name in files.values()]
    rows.sort(key=lambda row: (len(row[0]), row[0]))  # 9 before 10
    folder = images.relative_to(root).as_posix()
    table = pd.DataFrame(rows, columns=["path", "expression"])
    return table.assign(path=folder + "/" + table["path"])


def _label(file: Path) -> int:
    """The number in a file of one number; official files hold it as text."""
    regular_file(file)
    try:
        if file.stat().st_size > 4096:
            raise ValueError("it is too large for one")
        label = float(np.load(file, allow_pickle=False).item())
    except (OSError, EOFError, TypeError, ValueError, MemoryError) as error:
        why = "its header is false" if isinstance(error, MemoryError) else error
        raise DataError(f"{file} holds no number ({why}): fetch it again") from error
    if label not in AFFECTNET_IDS and label not in AFFECTNET_OTHERS:
        raise DataError(
            f"{file} holds {label:g}, but expressions go from 0 to 10: fetch it again"
        )
    return int(label)


_LISTS = "manually_annotated_file_lists"
AFFECTNET = DataSet(
    "AffectNet",
    (
        Layout(
            any_of(
                *(
                    f"{place}{name}.csv"
                    for place in ("", f"{_LISTS}/")
                    for name in ("training", "validation")
                )
            ),
            _affectnet_csv,
            "training.csv, validation.csv and the images",
        ),
        Layout(
            _annotated,
            _affectnet_npy,
            "train_set and val_set with images and annotations",
        ),
    ),
    "for research only, to heads of laboratories and professors who sign "
    "an agreement: http://mohammadmahoor.com/affectnet/",
)
