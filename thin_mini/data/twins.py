"""One picture under two names: found by its bytes, and kept on one side."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor

from thin_mini.data.face_files import FaceFiles
from thin_mini.data.store import DataError

log = logging.getLogger("thin_mini")


def unshared(files: FaceFiles, test: Tensor, twins: str) -> Tensor:
    """What may be kept, bool (N,), so that no picture is in training and in test."""
    sides = ["test" if t else "train" for t in test.tolist()]
    same = copies(files, sides)
    shared = torch.tensor([path in same.index for path in files.paths])
    n = int((shared & test).sum())
    if n == 0 or twins == "drop":
        return test | ~shared
    side = dict(zip(files.paths, sides, strict=True))
    pair = {side[path]: path for path in same[same == same.iloc[0]].index}
    text = (
        f"{files.name}: {n:,} pictures of the test part are in the training part too, "
        f"byte for byte (one of them: {pair['train']} = {pair['test']})"
    )
    if files.pixels is not None:  # FER2013 was given out so, and is measured so
        log.warning("%s; they stay, as the data set's authors have it", text)
        return torch.ones_like(test)
    raise DataError(
        f"{text}: remove one of each, or leave those of the training part out with "
        "--drop-twins or tm.data.open_faces(..., twins='drop')"
    )


def copies(files: FaceFiles, sides: Sequence[str]) -> pd.Series:
    """Pictures whose bytes are also on another side: path → a mark of these bytes.

    Only files of equal size are opened, and only those that begin alike are read whole.
    """
    table = pd.DataFrame({"path": files.paths, "side": sides}).drop_duplicates("path")
    looks: tuple[Callable[[str], object], ...] = (_size, _head, _digest)
    if files.pixels is not None:
        row = {path: i for i, path in enumerate(files.paths)}
        pixels = files.pixels.numpy()
        looks = (lambda path: pixels[row[path]].tobytes(),)
    root = "" if files.pixels is not None else files.root
    for look in looks:
        marks = [look(os.path.join(root, path)) for path in table["path"]]
        table = table.assign(mark=pd.Series(marks, table.index, dtype=object))
        table = table[table.groupby("mark")["side"].transform("nunique") > 1]
    return table.set_index("path")["mark"]


def _size(path: str) -> object:
    return os.path.getsize(path) or path  # nothing is a copy of an empty file


def _head(path: str) -> object:
    return _bytes(path, 4096)


def _digest(path: str) -> object:
    return hashlib.sha256(_bytes(path, -1)).digest()


def _bytes(path: str, n: int) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(n)
    except OSError:  # reading the picture will say so
        return path.encode()
