"""One picture under two names: found by its bytes, and kept on one side."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from thin_mini.data.photos.reading import with_bar
from thin_mini.files import DataError

if TYPE_CHECKING:
    from thin_mini.data.photos.face_files import FaceFiles

log = logging.getLogger("thin_mini")

PARTS = ("train", "valid", "test")  # a picture of two stays in the later one
CALLED = {"train": "training", "valid": "validation", "test": "test"}


def unshared(
    files: FaceFiles, same: pd.Series, parts: np.ndarray, twins: str
) -> tuple[Tensor, Counter[str]]:
    """What may be kept so that no picture is in two parts, and why the rest may not.

    Args:
        files: The pictures of all parts.
        same: Their copies, from :func:`copies`.
        parts: The part of each (N,): train, valid or test.
        twins: ``"refuse"``, or ``"drop"`` the one of the earlier part.

    Returns:
        Bool (N,), and how many go, by reason.

    Raises:
        DataError: If a picture is in two parts and ``twins`` is to refuse that.
    """
    rows = pd.DataFrame({"path": files.paths, "part": parts})
    rows["mark"] = rows["path"].map(same)
    _say_two_labels(files, rows)
    rank = rows["part"].map(PARTS.index)
    last = rank.groupby(rows["mark"]).transform("max")  # NaN without a copy
    lost = rank < last
    if twins == "drop" or not lost.any():
        named = last[lost].map(lambda i: f"also in the {CALLED[PARTS[int(i)]]} part")
        return torch.from_numpy(~lost.to_numpy()), Counter(named)
    text = f"{files.name}: {_shared(rows)}"
    if files.pixels is not None:  # FER2013 was given out so, and is measured so
        log.warning("%s; they stay, as the data set's authors have it", text)
        return torch.ones(len(files), dtype=torch.bool), Counter()
    raise DataError(
        f"{text}: remove one of each, or leave those of the earlier part out with "
        "--drop-twins or tm.data.open_faces(..., twins='drop')"
    )


def _shared(rows: pd.DataFrame) -> str:
    """How many pictures two parts share, in words, with one pair of them."""
    said = []
    for low, high in (("train", "test"), ("valid", "test"), ("train", "valid")):
        here, there = (rows[rows["part"] == part].dropna() for part in (low, high))
        there = there[there["mark"].isin(here["mark"])]
        if there.empty:
            continue
        copy = here["path"][here["mark"] == there["mark"].iloc[0]].iloc[0]
        said.append(
            f"{len(there):,} pictures of the {CALLED[high]} part are in the "
            f"{CALLED[low]} part too, byte for byte (one of them: {copy} = "
            f"{there['path'].iloc[0]})"
        )
    return " and ".join(said)


def _say_two_labels(files: FaceFiles, rows: pd.DataFrame) -> None:
    """Warn of training pictures that have another expression under another name."""
    rows = rows.assign(target=files.target.numpy())
    if files.boxes is not None:  # each face on a photograph has its own
        rows["mark"] = [
            mark if pd.isna(mark) else (mark, *box)
            for mark, box in zip(rows["mark"], files.boxes.tolist(), strict=True)
        ]
    rows = rows[rows["part"] == "train"].dropna()
    rows = rows[rows.groupby("mark")["target"].transform("nunique") > 1]
    if len(rows):
        pair = rows[rows["mark"] == rows["mark"].iloc[0]].drop_duplicates("target")
        log.warning(
            "%s: %d training pictures have another expression under another name (one "
            "of them: %s = %s): correct or remove them",
            *(files.name, len(rows), *pair["path"].iloc[:2]),
        )


def inseparable(files: FaceFiles, same: pd.Series) -> Tensor:
    """A number for what must stay on one side, int64 (N,): equal for equal sides.

    That is a photograph with its copies and, where people are known, all pictures of a
    person, and of whoever else a copy of one is said to show.
    """
    marks = same.to_dict()
    names = [marks.get(path, path) for path in files.paths]
    photo = pd.factorize(np.array(names, dtype=object))[0]
    if not files.identified:
        return torch.from_numpy(photo)
    # As SciPy's graphs have them, the older ones in nothing else.
    photo = photo.astype(np.int32)
    person, n = files.identity.numpy().astype(np.int32), len(files.people)
    size = (n + photo.max() + 1,) * 2  # people, then photographs: joined by pictures
    graph = coo_array((np.ones(len(photo)), (person, n + photo)), size)
    joined = connected_components(graph, directed=False)[1]
    return torch.from_numpy(joined[person].astype(np.int64))


def copies(files: FaceFiles) -> pd.Series:
    """Pictures whose bytes are there under another name: path → a mark of the bytes.

    Only files of equal size are opened, and only those that begin alike are read whole.
    """
    table = pd.DataFrame({"path": files.paths}).drop_duplicates("path")
    looks: dict[str, Callable[[str], object]]
    looks = {"sizes": _size, "first bytes": _head, "all bytes": _digest}
    root = str(files.root)
    if files.pixels is not None:
        row = {path: i for i, path in enumerate(files.paths)}
        pixels, root = files.pixels.numpy(), ""
        looks = {"pixels": lambda path: pixels[row[path]].tobytes()}
    table["mark"] = ""
    for what, look in looks.items():
        paths = with_bar(table["path"], f"looking for copies ({what})")
        marks = [look(os.path.join(root, path)) for path in paths]
        table = table.assign(mark=pd.Series(marks, table.index, dtype=object))
        table = table[table.duplicated("mark", keep=False)]
    return table.set_index("path")["mark"]


def _size(path: str) -> object:
    try:
        return os.path.getsize(path) or path  # nothing is a copy of an empty file
    except OSError:  # reading the picture will say so
        return path


def _head(path: str) -> object:
    return _bytes(path, 4096)


def _digest(path: str) -> object:
    return hashlib.sha256(_bytes(path, -1)).digest()


def _bytes(path: str, n: int) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(n)
    except OSError:
        return path.encode()
