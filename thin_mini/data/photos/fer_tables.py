"""Published data sets whose one table holds boxes or pixels: ExpW and FER2013."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from thin_mini.basics.kinds import checked
from thin_mini.data.factors import numbered
from thin_mini.data.photos.folders import look, read_lines, read_table
from thin_mini.data.photos.layouts import DataSet, Layout, any_of
from thin_mini.data.photos.listing import BOX, Listing, Parts, train_and_test
from thin_mini.data.photos.reading import with_bar
from thin_mini.files import DataError

EXPW_CONFIDENCE = 60  # faces above it are kept (section 4.2)
EXPW_IDS = FER2013_IDS = numbered(
    "anger disgust fear happiness sadness surprise neutral", 0
)
# Whole tables as Kaggle gives them out; others of the form are read and named.
FER2013_MD5 = {
    "f8428a1edbd21e88f42c73edd2a14f95",  # fer2013.csv
    "b114b9e04e6949e5fe8b6a98b3892b1d",  # icml_face_data.csv
    "3f0dfb3d3fd99c811a1299cb947e3131",  # train.csv
}
FER2013_PARTS = {"training": "train", "publictest": "test", "privatetest": "test"}


@checked
def expw(root: str | Path, seed: int = 0) -> Parts:
    """ExpW, the faces found with a confidence above 60 (section 4.2).

    Args:
        root: The folder with ``label/label.lst`` and ``image/origin``, or with
            ``label.lst`` and the photographs.
        seed: Draws the split. There is no official one; the paper's is 80/20 and so
            is ours, with all faces of one photograph on the same side.

    Returns:
        ``(train, test)``, with boxes; who is who is unknown.

    Raises:
        DataError: If a piece is missing, a line is odd, or pictures are absent.
    """
    return train_and_test(EXPW.listing(root), seed)


def _expw(root: Path, labels: Path) -> Listing:
    for root in (labels.parent, labels.parent.parent):  # of a list at the root, too
        images = look(root, "image/origin", "origin", "image", "images")
        if images is not None:
            folder = f"{images.relative_to(root).as_posix()}/"
            break
    else:
        if labels.parent.name.lower() == "label":
            raise DataError(
                f"ExpW: {labels} is there, and no folder image/origin beside label: "
                f"unpack it. It is given {EXPW.where}"
            )
        root, folder = labels.parent, ""  # the photographs lie beside their list
    rows, skipped = [], Counter[str]()
    for number, line in read_lines(labels):
        try:
            # A photograph's name may hold spaces, so count from the right.
            name, _, top, left, right, bottom, confidence, label = line.rsplit(
                maxsplit=7
            )
            if not math.isfinite(float(confidence)):
                raise ValueError
            if float(confidence) <= EXPW_CONFIDENCE:
                skipped[f"confidence ≤ {EXPW_CONFIDENCE}"] += 1
                continue
            box = (whole(side) for side in (left, top, right, bottom))
            rows.append((f"{folder}{name}", EXPW_IDS[whole(label)], *box))
        except (ValueError, KeyError) as error:
            raise DataError(
                f"{labels}, line {number}: {line!r} is not a name, a face's number, "
                "its top, left, right and bottom, a confidence and an expression, 0 to "
                "6: fetch the list again"
            ) from error
    table = pd.DataFrame(rows, columns=["path", "target", *BOX])
    return Listing("ExpW", root, table, skipped)


EXPW = DataSet(
    "ExpW",
    (
        Layout(
            any_of("label/label.lst", "label.lst"),
            _expw,
            "label/label.lst and image/origin, or label.lst and the photographs",
        ),
    ),
    "with its terms, from "
    "https://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html",
)


@checked
def fer2013(root: str | Path, seed: int = 0) -> Parts:
    """FER2013: 28,709 and 7,178 grey images of 48×48.

    They come in one table, so the list holds the pixels instead of files.

    Args:
        root: The folder with ``fer2013.csv``, ``icml_face_data.csv`` or ``train.csv``,
            or with a folder ``fer2013`` that holds one of them.
        seed: Draws a test part from ``train.csv``, the only table without one.

    Returns:
        ``(train, test)``, the official training part, and both test parts; who is who
        is unknown.

    Raises:
        DataError: If the table is missing or a row is odd.
    """
    return train_and_test(FER2013.listing(root), seed)


def _fer2013(root: Path, file: Path) -> Listing:
    rows = read_table(file, ("emotion", "pixels"), ("Usage",))
    name = "FER2013"
    if hashlib.md5(file.read_bytes()).hexdigest() not in FER2013_MD5:
        name = f"FER2013 (another {file.name} than Kaggle's)"
    images, targets, sizes = [], [], set[int]()
    cells = [*zip(rows.index, rows["emotion"], rows["pixels"], strict=True)]
    for number, label, text in with_bar(cells, "reading pixels"):
        try:
            targets.append(FER2013_IDS[whole(label)])
            images.append(bytes(map(int, text.split())))  # refuses what is no byte
            sizes.add(len(images[-1]))
        except (KeyError, ValueError) as error:
            raise DataError(
                f"{file}, row {number}: 'emotion' must be 0 to 6, got {label!r}, and "
                "'pixels' numbers of 0 to 255 with blanks between: fetch the table "
                "again"
            ) from error
        side = round(len(images[-1]) ** 0.5)
        if len(sizes) > 1 or side == 0 or side**2 != len(images[-1]):
            raise DataError(
                f"{file}, row {number}: {len(images[-1]):,} pixels are no square like "
                "those of the other rows: fetch the table again"
            )
    table = pd.DataFrame({"target": targets})
    table["path"] = [f"row {number}" for number in rows.index]
    if "Usage" in rows:
        parts = rows["Usage"].str.replace(" ", "").str.lower().map(FER2013_PARTS)
        if parts.isna().any():
            odd = parts.isna().idxmax()
            raise DataError(
                f"{file}, row {odd}: Usage is {rows['Usage'][odd]!r}; take Training, "
                "PublicTest or PrivateTest"
            )
        table["split"] = parts.to_numpy()
    pixels = np.frombuffer(b"".join(images), np.uint8).reshape(-1, side, side)
    return Listing(name, root, table, pixels=torch.from_numpy(pixels.copy()))


def whole(text: str) -> int:
    """A whole number of a table, which spreadsheets write as 3.0 as well.

    Raises:
        ValueError: If it is none, or far too large for a label or a pixel.
    """
    number = float(text)
    if not (number.is_integer() and abs(number) < 2**31):
        raise ValueError(f"{text!r} is no whole number below 2**31")
    return int(number)


def _table(name: str, root: Path) -> Path | None:
    """A table of pixels with this name; another's train.csv is not one."""
    file = look(root, name, f"fer2013/{name}")
    if file is None or not file.is_file():
        return None
    _, header = next(read_lines(file), (0, ""))
    return file if "pixels" in header.lower() else None


FER2013 = DataSet(
    "FER2013",
    tuple(
        Layout(partial(_table, name), _fer2013, name)
        for name in ("fer2013.csv", "icml_face_data.csv", "train.csv")
    ),
    "under the rules of Kaggle's 'Challenges in Representation Learning: "
    "Facial Expression Recognition Challenge', to those who accept them",
)
