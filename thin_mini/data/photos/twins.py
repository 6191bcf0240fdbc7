"""One picture under two names: found by its bytes, and kept on one side."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
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

# A picture of two parts stays in the later one.
PARTS = {"train": "training", "valid": "validation", "test": "test"}


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
    rows = pd.DataFrame(
        {"path": files.paths, "part": parts, "target": files.target.numpy()}
    )
    rows["mark"] = rows["path"].map(same)  # NaN without a copy
    _say_two_labels(files, rows)
    rank = rows["part"].map([*PARTS].index)
    last = rank.groupby(rows["mark"]).transform("max")
    lost = rank < last
    if twins == "drop" or not lost.any():
        said = [*PARTS.values()]
        why = Counter(f"also in the {said[int(i)]} part" for i in last[lost])
        return torch.from_numpy(~lost.to_numpy()), why
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
        both = there.merge(here.drop_duplicates("mark"), on="mark")
        if len(both):
            there, here = both[["path_x", "path_y"]].iloc[0]
            said.append(
                f"{len(both):,} pictures of the {PARTS[high]} part are in the "
                f"{PARTS[low]} part too, byte for byte (one of them: {here} = {there})"
            )
    return " and ".join(said)


def _say_two_labels(files: FaceFiles, rows: pd.DataFrame) -> None:
    """Warn of training pictures that have another expression under another name."""
    if files.boxes is not None:  # each face on a photograph has its own
        rows = rows.assign(box=[str(box) for box in files.boxes.tolist()])
    rows = rows[rows["part"] == "train"].dropna()
    face = [name for name in ("mark", "box") if name in rows]
    rows = rows[rows.groupby(face)["target"].transform("nunique") > 1]
    if len(rows):
        alike = (rows[face] == rows[face].iloc[0]).all(axis=1)
        first, second, *_ = rows[alike].drop_duplicates("target")["path"]
        log.warning(
            "%s: %d training pictures have another expression under another name (one "
            "of them: %s = %s): correct or remove them",
            files.name,
            len(rows),
            first,
            second,
        )


def draw(files: FaceFiles, same: pd.Series, n: int, seed: int) -> Tensor:
    """Pictures at random until there are ``n``, bool (N,), with all that must go along.

    That is a photograph with its copies and, where people are known, all pictures of a
    person, and of whoever else a copy of one is said to show.
    """
    marks = same.to_dict()
    names = [marks.get(path, path) for path in files.paths]
    group = pd.factorize(np.array(names, dtype=object))[0]  # (N,), the photographs
    if files.identified:
        # As SciPy's graphs have them, the older ones in nothing else.
        photo = group.astype(np.int32)
        person, first = files.identity.numpy().astype(np.int32), len(files.people)
        size = (first + photo.max() + 1,) * 2  # people, then photographs
        graph = coo_array((np.ones(len(photo)), (person, first + photo)), size)
        group = connected_components(graph, directed=False)[1][person]
    group = torch.from_numpy(group.astype(np.int64))
    sizes = torch.bincount(group)
    order = torch.randperm(len(sizes), generator=torch.Generator().manual_seed(seed))
    n_groups = int((sizes[order].cumsum(0) < n).sum()) + 1
    return torch.isin(group, order[:n_groups])


def copies(files: FaceFiles) -> pd.Series:
    """Pictures whose bytes are there under another name: path → a mark of the bytes.

    Only files of equal size are opened, and only those that begin alike are read whole.
    """
    table = pd.DataFrame({"path": files.paths}).drop_duplicates("path")
    looks, root = LOOKS, str(files.root)
    if files.pixels is not None:
        row = {path: i for i, path in enumerate(files.paths)}
        pixels, root = files.pixels.numpy(), ""
        looks = {"pixels": lambda path: pixels[row[path]].tobytes()}
    table["mark"] = ""
    for what, look_at in looks.items():
        marks = []
        for path in with_bar(table["path"], f"looking for copies ({what})"):
            try:
                marks.append(look_at(os.path.join(root, path)))
            except OSError:  # reading the picture will say so
                marks.append(path)
        table = table.assign(mark=pd.Series(marks, table.index, dtype=object))
        table = table[table.duplicated("mark", keep=False)]
    return table.set_index("path")["mark"]


def _size(path: str) -> object:
    return os.path.getsize(path) or path  # nothing is a copy of an empty file


def _head(path: str) -> object:
    with open(path, "rb") as file:
        return file.read(4096)


def _digest(path: str) -> object:
    return hashlib.sha256(Path(path).read_bytes()).digest()


LOOKS: dict[str, Callable[[str], object]] = {
    "sizes": _size,
    "first bytes": _head,
    "all bytes": _digest,
}
