"""How RAF-DB, AffectNet, ExpW and FER2013 are given out (section 4.2)."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.folders import folders_in, look, look_all, names_in
from thin_mini.data.photos.layouts import SPLITS, DataSet, class_folders
from thin_mini.data.photos.listing import BOX, Listing
from thin_mini.data.photos.reading import with_bar
from thin_mini.data.photos.tables import coded, first_line, read_list, read_table
from thin_mini.files import DataError, regular_file


def numbered(expressions: str, first: int) -> dict[str, int | str]:
    """A data set's numbers for the expressions, and their places in EXPRESSIONS."""
    names = enumerate(expressions.split(), first)
    return {str(number): EXPRESSIONS.index(name) for number, name in names}


def _beside(known: DataSet, file: Path, *patterns: str) -> tuple[Path, Path]:
    """The folder of a list, or the one around it, and that of the pictures in it."""
    for root in (file.parent, file.parent.parent):
        if folder := look(root, *patterns):
            return root, folder
    raise DataError(
        f"{known.title}: {file} is there, and no folder {patterns[0]} in {root}: "
        f"unpack it. {known.mend}"
    )


# --- RAF-DB --------------------------------------------------------------------------

RAF_DB = DataSet(
    "RAF-DB",
    "for non-commercial research, on request from its authors (Li, Deng and "
    "Du, CVPR 2017): http://www.whdeng.cn/RAF/model1.html",
)
RAF_DB_CLASSES = numbered("surprise fear disgust happiness sadness anger neutral", 1)
RAF_DB_LIST = "list_pa*tition_label.txt"  # its own readme spells the name both ways
# A name with or without _aligned, a label, and perhaps more columns.
RAF_DB_LINE = (
    r"(?P<path>(?P<split>train|test)_\w+?)(_aligned)?\.jpg[\s,]+"
    r"(?P<target>[1-7])([\s,].*)?"
)


@RAF_DB.layout(
    "basic/EmoLabel/list_patition_label.txt and basic/Image/aligned",
    *(f"{place}{RAF_DB_LIST}" for place in ("basic/emolabel/", "emolabel/", "")),
)
def _raf_db_list(root: Path, labels: Path) -> Listing:
    root, images = _beside(RAF_DB, labels, "image/aligned", "aligned")
    mend = "'train_00001.jpg 5' with a basic expression, 1 to 7: take the basic list"
    rows = read_list(labels, RAF_DB_LINE, mend)
    names = {Path(name).stem.lower(): name for name in names_in(images)}
    folder, paths = images.relative_to(root).as_posix(), []
    for name in rows["path"].str.lower():
        default = names.get(name, f"{name}_aligned.jpg")
        paths.append(f"{folder}/{names.get(f'{name}_aligned', default)}")
    rows["path"] = paths
    rows["target"] = rows["target"].map(RAF_DB_CLASSES)
    rows["split"] = rows["split"].str.lower()
    return Listing(RAF_DB.title, root, rows)


@RAF_DB.layout(
    "train and test with folders 1 (surprise) to 7 (neutral) in them",
    *(f"{part}/[1-7]" for part in SPLITS),
)
def _raf_db_folders(root: Path, sign: Path) -> Listing:
    mend = "of a data set with other numbers, call the folders after the expressions"
    return class_folders(root, RAF_DB_CLASSES, mend, RAF_DB.title)


# --- AffectNet -----------------------------------------------------------------------

AFFECTNET = DataSet(
    "AffectNet",
    "for research only, to heads of laboratories and professors who sign "
    "an agreement: http://mohammadmahoor.com/affectnet/",
)
AFFECTNET_CLASSES = numbered("neutral happiness sadness surprise fear disgust anger", 0)
AFFECTNET_CLASSES |= {"7": "contempt", "8": "no expression", "9": "uncertain"}
AFFECTNET_CLASSES["10"] = "no face"
AFFECTNET_COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height",
    "facial_landmarks", "expression", "valence", "arousal",
)  # fmt: skip
AFFECTNET_LISTS = "manually_annotated_file_lists"
AFFECTNET_IMAGES = (
    "manually_annotated_images",
    "manually_annotated/manually_annotated_images",
    "manually_annotated",
)
# The test set was never published: the validation set is for tests.
AFFECTNET_HALVES = {"training.csv": "train", "validation.csv": "test"}


@AFFECTNET.layout(
    "training.csv, validation.csv and the images",
    *(f"{at}{name}" for at in ("", f"{AFFECTNET_LISTS}/") for name in AFFECTNET_HALVES),
)
def _affectnet_lists(root: Path, sign: Path) -> Listing:
    lists = sign.parent
    halves = []
    for name, part in AFFECTNET_HALVES.items():
        if file := look(lists, name):
            halves.append(_affectnet_list(file).assign(split=part))
    table = pd.concat(halves)
    if "left" in table:
        boxed = (table["right"] > table["left"]) & (table["bottom"] > table["top"])
        unseen = table["target"].isin(range(len(EXPRESSIONS))) & ~boxed
        table["target"] = table["target"].mask(unseen, "no face box")
    # The first pictures are beside the lists, or in a folder there.
    around = [lists, lists.parent] if lists.name.lower() == AFFECTNET_LISTS else [lists]
    roots = [f for base in around for f in look_all(base, *AFFECTNET_IMAGES)] + around
    first = [path.replace("\\", "/") for path in table["path"][:20]]
    there = (f for f in roots if any(os.path.isfile(f / path) for path in first))
    return Listing(AFFECTNET.title, next(there, roots[0]), table)


def _affectnet_list(file: Path) -> pd.DataFrame:
    """One list; the official validation list has no header."""
    path, *box = AFFECTNET_COLUMNS[:5]
    first = first_line(file)
    bare = path.lower() not in first.lower() and first.count(",") == 8
    names = AFFECTNET_COLUMNS if bare else ()
    rows = read_table(file, (path, "expression"), box, names)
    mend = "take the official list, whose expressions are 0 to 10"
    target = coded(file, rows["expression"], AFFECTNET_CLASSES, mend).astype(object)
    table = pd.DataFrame({"path": rows[path], "target": target})
    if not set(box) <= set(rows):
        return table
    numbers = rows[box].apply(pd.to_numeric, errors="coerce")
    # Where no face was found there is no number of pixels either: an empty box.
    numbers[~(numbers.abs() < 2**31).all(axis=1)] = 0
    x, y, width, height = numbers.astype(int).to_numpy().T
    return table.assign(left=x, top=y, right=x + width, bottom=y + height)


@AFFECTNET.layout(
    "train_set and val_set with images and annotations",
    *(f"{part}/annotations" for part in SPLITS),
    "annotations",
)
def _affectnet_annotations(root: Path, sign: Path) -> Listing:
    if sign.parent == root:  # one half alone, or a set without halves
        return Listing(AFFECTNET.title, root, _affectnet_half(root, root))
    halves = []
    for folder in folders_in(root):
        part = SPLITS.get(folder.name.lower())
        if part and look(folder, "annotations"):
            table = _affectnet_half(root, folder)
            halves.append(table.assign(split="train" if part == "train" else "test"))
    return Listing(AFFECTNET.title, root, pd.concat(halves))


def _affectnet_half(root: Path, half: Path) -> pd.DataFrame:
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
        rows[files.get(stem, f"{stem}.jpg")] = _affectnet_label(annotations / name)
    ordered = sorted(rows.items(), key=lambda row: (len(row[0]), row[0]))  # 9 before 10
    table = pd.DataFrame(ordered, columns=["path", "target"])
    return table.assign(path=f"{images.relative_to(root).as_posix()}/" + table["path"])


def _affectnet_label(file: Path) -> int | str:
    """What the number in a file of one means; official files hold it as text."""
    regular_file(file)
    try:
        if file.stat().st_size > 4096:
            raise ValueError("it is too large for one")
        number = f"{float(np.load(file, allow_pickle=False).item()):g}"
        if number not in AFFECTNET_CLASSES:
            raise ValueError(f"{number}, but they go from 0 to 10")
    except (OSError, EOFError, TypeError, ValueError, MemoryError) as error:
        why = "its header is false" if isinstance(error, MemoryError) else error
        why = f"holds no number of an expression ({why}): fetch it again"
        raise DataError(f"{file} {why}") from error
    return AFFECTNET_CLASSES[number]


# --- ExpW ----------------------------------------------------------------------------

EXPW = DataSet(
    "ExpW",
    "with its terms, from "
    "https://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html",
)
EXPW_CONFIDENCE = 60  # faces above it are kept (section 4.2)
EXPW_CLASSES = numbered("anger disgust fear happiness sadness surprise neutral", 0)
# A name, which may hold blanks, a face's number, its box, how sure it is, and a label.
EXPW_LINE = (
    r"(?P<path>.+?)\s+\S+\s+(?P<top>{0})\s+(?P<left>{0})\s+(?P<right>{0})\s+"
    r"(?P<bottom>{0})\s+(?P<confidence>-?\d+(\.\d*)?(e[-+]?\d+)?)\s+"
    r"(?P<target>[0-6])(\.0*)?"
).replace("{0}", r"-?\d{1,9}(\.0*)?")


@EXPW.layout(
    "label/label.lst and image/origin, or label.lst and the photographs",
    "label/label.lst",
    "label.lst",
)
def _expw(root: Path, labels: Path) -> Listing:
    folders = ("image/origin", "origin", "image", "images")
    root = images = labels.parent
    if root.name.lower() == "label" or look(root, *folders):
        root, images = _beside(EXPW, labels, *folders)
    mend = (
        "a name, a face's number, its top, left, right and bottom, a confidence and an "
        "expression, 0 to 6: fetch the list again"
    )
    rows = read_list(labels, EXPW_LINE, mend)
    table = rows[[*BOX]].astype(float).astype(int)
    table["path"] = images.relative_to(root).as_posix() + "/" + rows["path"]
    sure = rows["confidence"].astype(float) > EXPW_CONFIDENCE
    target = rows["target"].map(EXPW_CLASSES).astype(object)
    table["target"] = target.where(sure, f"confidence ≤ {EXPW_CONFIDENCE}")
    return Listing(EXPW.title, root, table)


# --- FER2013 -------------------------------------------------------------------------

FER2013 = DataSet(
    "FER2013",
    "under the rules of Kaggle's 'Challenges in Representation Learning: "
    "Facial Expression Recognition Challenge', to those who accept them",
)
# Whole tables as Kaggle gives them out; others of the form are read and named.
FER2013_MD5 = {
    "fer2013.csv": "f8428a1edbd21e88f42c73edd2a14f95",
    "icml_face_data.csv": "b114b9e04e6949e5fe8b6a98b3892b1d",
    "train.csv": "3f0dfb3d3fd99c811a1299cb947e3131",
}
FER2013_PARTS = {"training": "train", "publictest": "test", "privatetest": "test"}


@FER2013.layout(
    ", or ".join(FER2013_MD5),
    *(f"{place}{name}" for name in FER2013_MD5 for place in ("", "fer2013/")),
    # Another's train.csv is no table of pixels.
    proof=lambda file: file.is_file() and "pixels" in first_line(file).lower(),
)
def _fer2013(root: Path, file: Path) -> Listing:
    rows = read_table(file, ("emotion", "pixels"), ("Usage",))
    name, again = FER2013.title, "fetch the table again"
    if hashlib.md5(file.read_bytes()).hexdigest() not in FER2013_MD5.values():
        name = f"{name} (another {file.name} than Kaggle's)"
    target = coded(file, rows["emotion"], EXPW_CLASSES, f"take 0 to 6, or {again}")
    table = pd.DataFrame({"path": "row " + rows.index.astype(str), "target": target})
    if "Usage" in rows:
        usage = rows["Usage"].str.replace(" ", "")
        mend = "take Training, PublicTest or PrivateTest"
        table["split"] = coded(file, usage, FER2013_PARTS, mend)
    images: list[np.ndarray] = []
    for number, text in with_bar([*rows["pixels"].items()], "reading pixels"):
        try:
            pixels = bytes(map(int, text.split()))  # refuses what is no byte
            side = math.isqrt(len(pixels)) or 1
            size = images[0].shape if images else (side, side)
            images.append(np.frombuffer(pixels, np.uint8).reshape(size))
        except ValueError as error:
            raise DataError(
                f"{file}, row {number}: its pixels must be numbers of 0 to 255 with "
                f"blanks between, a square as in the other rows ({error}): {again}"
            ) from error
    return Listing(name, root, table, pixels=torch.from_numpy(np.stack(images)))
