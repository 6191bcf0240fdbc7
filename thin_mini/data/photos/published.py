"""How RAF-DB, ExpW and FER2013 are given out (section 4.2)."""

from __future__ import annotations

import hashlib
import math
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from thin_mini.data.photos.folders import (
    coded,
    first_line,
    look,
    names_in,
    read_list,
    read_table,
)
from thin_mini.data.photos.layouts import SPLITS, DataSet, Layout, any_of, beside, codes
from thin_mini.data.photos.listing import BOX, Listing
from thin_mini.data.photos.own import class_folders
from thin_mini.data.photos.reading import with_bar
from thin_mini.files import DataError

RAF_DB_CODES = codes("surprise fear disgust happiness sadness anger neutral", 1)
# A name with or without _aligned, a label, and perhaps more columns.
RAF_DB_LINE = (
    r"(?P<name>(?P<split>train|test)_\w+?)(_aligned)?\.jpg[\s,]+"
    r"(?P<label>[1-7])([\s,].*)?"
)
EXPW_CONFIDENCE = 60  # faces above it are kept (section 4.2)
EXPW_CODES = codes("anger disgust fear happiness sadness surprise neutral", 0)
# A name, which may hold blanks, a face's number, its box, how sure it is, and a label.
EXPW_LINE = (
    r"(?P<path>.+?)\s+\S+\s+(?P<top>{0})\s+(?P<left>{0})\s+(?P<right>{0})\s+"
    r"(?P<bottom>{0})\s+(?P<confidence>-?\d+(\.\d*)?(e[-+]?\d+)?)\s+"
    r"(?P<label>[0-6])(\.0*)?"
).replace("{0}", r"-?\d{1,9}(\.0*)?")
# Whole tables as Kaggle gives them out; others of the form are read and named.
FER2013_MD5 = {
    "f8428a1edbd21e88f42c73edd2a14f95",  # fer2013.csv
    "b114b9e04e6949e5fe8b6a98b3892b1d",  # icml_face_data.csv
    "3f0dfb3d3fd99c811a1299cb947e3131",  # train.csv
}
FER2013_PARTS = {"training": "train", "publictest": "test", "privatetest": "test"}


def _raf_list(root: Path, labels: Path) -> Listing:
    base, folder = beside(RAF_DB, labels, "image/aligned", "aligned")
    mend = (
        "'train_00001.jpg 5' with a basic expression, 1 to 7: take the list of the "
        "basic set"
    )
    rows = read_list(labels, RAF_DB_LINE, mend)
    files = {Path(name).stem.lower(): name for name in names_in(folder)}
    paths = [
        files.get(f"{name}_aligned", files.get(name, f"{name}_aligned.jpg"))
        for name in rows["name"].str.lower()
    ]
    table = pd.DataFrame({"path": paths}, rows.index)
    table["path"] = f"{folder.relative_to(base).as_posix()}/" + table["path"]
    table["target"] = rows["label"].map(RAF_DB_CODES)
    return Listing(RAF_DB.title, base, table.assign(split=rows["split"].str.lower()))


def _raf_folders(root: Path, sign: Path) -> Listing:
    mend = "of a data set with other numbers, call the folders after the expressions"
    listing = class_folders(root, RAF_DB_CODES, mend)
    listing.name = RAF_DB.title
    return listing


_RAF_LIST = "list_pa*tition_label.txt"  # its own readme spells the name both ways
RAF_DB = DataSet(
    "RAF-DB",
    (
        Layout(
            "basic/EmoLabel/list_patition_label.txt and basic/Image/aligned",
            any_of(f"basic/emolabel/{_RAF_LIST}", f"emolabel/{_RAF_LIST}", _RAF_LIST),
            _raf_list,
        ),
        Layout(
            "train and test with folders 1 (surprise) to 7 (neutral) in them",
            any_of(*(f"{part}/[1-7]" for part in SPLITS)),
            _raf_folders,
        ),
    ),
    "for non-commercial research, on request from its authors (Li, Deng and "
    "Du, CVPR 2017): http://www.whdeng.cn/RAF/model1.html",
)


def _expw(root: Path, labels: Path) -> Listing:
    folders = ("image/origin", "origin", "image", "images")
    alone = labels.parent.name.lower() != "label" and not look(labels.parent, *folders)
    base, images = (labels.parent,) * 2 if alone else beside(EXPW, labels, *folders)
    mend = (
        "a name, a face's number, its top, left, right and bottom, a confidence and an "
        "expression, 0 to 6: fetch the list again"
    )
    rows = read_list(labels, EXPW_LINE, mend)
    table = rows[[*BOX]].astype(float).astype(int)
    table["path"] = [
        (images / path).relative_to(base).as_posix() for path in rows["path"]
    ]
    sure = rows["confidence"].astype(float) > EXPW_CONFIDENCE
    target = rows["label"].map(EXPW_CODES).astype(object)
    table["target"] = target.where(sure, f"confidence ≤ {EXPW_CONFIDENCE}")
    return Listing(EXPW.title, base, table)


EXPW = DataSet(
    "ExpW",
    (
        Layout(
            "label/label.lst and image/origin, or label.lst and the photographs",
            any_of("label/label.lst", "label.lst"),
            _expw,
        ),
    ),
    "with its terms, from "
    "https://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html",
)


def _fer2013(root: Path, file: Path) -> Listing:
    rows = read_table(file, ("emotion", "pixels"), ("Usage",))
    name, again = FER2013.title, "fetch the table again"
    if hashlib.md5(file.read_bytes()).hexdigest() not in FER2013_MD5:
        name = f"{name} (another {file.name} than Kaggle's)"
    target = coded(file, rows["emotion"], EXPW_CODES, f"take 0 to 6, or {again}")
    table = pd.DataFrame({"path": "row " + rows.index.astype(str), "target": target})
    if "Usage" in rows:
        mend = "take Training, PublicTest or PrivateTest"
        usage = rows["Usage"].str.replace(" ", "")
        table["split"] = coded(file, usage, FER2013_PARTS, mend)
    images: list[bytes] = []
    cells = [*rows["pixels"].items()]
    for number, text in with_bar(cells, "reading pixels"):
        try:
            images.append(bytes(map(int, text.split())))  # refuses what is no byte
        except ValueError as error:
            raise DataError(
                f"{file}, row {number}: its pixels must be numbers of 0 to 255 with "
                f"blanks between: {again}"
            ) from error
        n, side = len(images[-1]), math.isqrt(len(images[0]))
        if n == 0 or n != side**2:
            raise DataError(
                f"{file}, row {number}: {n:,} pixels are no square like those of the "
                f"other rows: {again}"
            )
    pixels = np.frombuffer(b"".join(images), np.uint8).reshape(-1, side, side)
    return Listing(name, root, table, pixels=torch.from_numpy(pixels.copy()))


def _table(name: str, root: Path) -> Path | None:
    """A table of pixels with this name; another's train.csv is not one."""
    file = look(root, name, f"fer2013/{name}")
    is_one = file and file.is_file() and "pixels" in first_line(file).lower()
    return file if is_one else None


FER2013 = DataSet(
    "FER2013",
    tuple(
        Layout(name, partial(_table, name), _fer2013)
        for name in ("fer2013.csv", "icml_face_data.csv", "train.csv")
    ),
    "under the rules of Kaggle's 'Challenges in Representation Learning: "
    "Facial Expression Recognition Challenge', to those who accept them",
)
