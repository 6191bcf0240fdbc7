"""Faces that lie on disk: lists with labels, whose pictures are read on demand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Seed
from thin_mini.basics.kinds import check_fields, checked
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.reading import read_all, read_picture, with_bar

# What has a row for each picture: its type, and its sizes after the first.
ROWS: dict[str, tuple[torch.dtype, tuple[int | str, ...]]] = {
    "target": (torch.int64, ()),
    "identity": (torch.int64, ()),
    "boxes": (torch.int64, (4,)),
    "held": (torch.bool, ()),
    "pixels": (torch.uint8, ("H", "W")),
}


@dataclass(frozen=True, eq=False, repr=False)
class FaceFiles:
    """Pictures with an expression each, listed but not loaded.

    Attributes:
        root: The folder that ``paths`` start from.
        paths: N paths with forward slashes. One photograph may hold several faces.
        target: int64 (N,), the expression, in the order of ``EXPRESSIONS``.
        identity: int64 (N,), the place in ``people``, or -1 everywhere if unknown.
        people: Names of the people, shared by the splits of a data set; empty if
            unknown.
        name: The data set, for ``.source``.
        boxes: int64 (N, 4), where the face is in the upright picture: left, top,
            right, bottom in pixels; None where the whole picture is the face.
        skipped: How many rows of the data set's list were left out, by reason.
        held: bool (N,), the rows that the data set itself sets aside for validation;
            None if it leaves the choice to :meth:`split`.
        pixels: uint8 (N, H, W), the pictures of a data set that comes without files.

    Raises:
        ValueError: If the list is empty, or rows are of a wrong length, type or value.
    """

    root: Path
    paths: tuple[str, ...]
    target: Tensor
    identity: Tensor
    people: tuple[str, ...]
    name: str
    boxes: Tensor | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    held: Tensor | None = None
    pixels: Tensor | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        n = len(self.paths)
        if n == 0:
            raise ValueError(f"{self.name}: the list of pictures is empty")
        for name, (dtype, sizes) in ROWS.items():
            if (rows := getattr(self, name)) is not None:
                checks.shaped(name, rows, n, *sizes)
                if rows.dtype != dtype:
                    raise ValueError(f"{name} must be {dtype}, got {rows.dtype}")
        checks.factor("target", self.target, n, 0, len(EXPRESSIONS) - 1)
        nobody = 0 if self.people else -1
        checks.factor("identity", self.identity, n, nobody, len(self.people) - 1)

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        who = f"{len(self.people):,} people" if self.identified else "people unknown"
        return f"FaceFiles({self.source}, {who})"

    @property
    def identified(self) -> bool:
        """Whether the data set says who is who."""
        return len(self.people) > 0

    @property
    def source(self) -> str:
        """The data set, the number of pictures, and what was left out."""
        left_out = ", ".join(f"{n:,} {reason}" for reason, n in self.skipped.items())
        left_out = f" (left out of the whole list: {left_out})" if left_out else ""
        return f"{self.name}, {len(self):,} pictures{left_out}"

    @checked
    def subset(self, index: Tensor | slice) -> FaceFiles:
        """The pictures that ``index`` picks; ``people`` and ``skipped`` stay whole."""
        try:
            rows = torch.arange(len(self))[index]
        except IndexError as error:
            raise self._no_such(index) from error
        given = {name: getattr(self, name) for name in ROWS}
        parts = {name: v[rows] for name, v in given.items() if v is not None}
        return replace(self, paths=tuple(self.paths[i] for i in rows.tolist()), **parts)

    @checked
    def split(self, n_valid: int = 256, seed: Seed = 0) -> tuple[FaceFiles, FaceFiles]:
        """Set images aside for choices the test must not make (the paper's 256).

        Nobody appears in both parts: people are drawn until there are at least
        ``n_valid`` images. Where they are unknown, photographs are drawn, with all
        the faces on them and all their copies. A data set that marks its own
        validation images keeps them, and both arguments count for nothing.

        Returns:
            The rest, then the validation split.

        Raises:
            ValueError: If one of the two parts would be empty.
        """
        if self.held is not None and self.held.any():
            rest, valid = self.subset(~self.held), self.subset(self.held)
            return replace(rest, held=None), replace(valid, held=None)
        if len(self) < 2:
            raise ValueError(f"{self.name} has a single picture to divide: add others")
        checks.whole("n_valid", n_valid, 1, len(self) - 1)
        chosen = draw(self, copies(self), n_valid, seed)
        if chosen.all():
            raise ValueError(
                f"setting {n_valid} of {len(self)} pictures of {self.name} aside leaves"
                " none, since nobody and no photograph may be in both parts: add others"
            )
        return self.subset(~chosen), self.subset(chosen)

    @checked
    def picture(self, index: int) -> Image.Image:
        """One face, upright and in RGB, at the size in which it was found.

        Raises:
            DataError: If it cannot be read.
        """
        if not -len(self) <= index < len(self):
            raise self._no_such(index)
        if self.pixels is not None:
            return Image.fromarray(self.pixels[index].numpy()).convert("RGB")
        box = None if self.boxes is None else self.boxes[index].tolist()
        return read_picture(self.root / self.paths[index], box)

    def readable(self, progress: bool = True) -> FaceFiles:
        """The list without the pictures that cannot be read, at the cost of a look.

        Raises:
            DataError: If more than 5 % of them cannot be read.
        """
        return self._only(read_all(range(len(self)), self.picture, progress)[1])

    @checked
    def load(
        self, size: Count, grey: bool = False, progress: bool = True
    ) -> ExogenousDataset:
        """Read all pictures into memory: 4·N·C·size² bytes.

        What cannot be read is left out, said aloud and counted in ``.source``.

        Args:
            size: Height and width; a picture that is not square is squeezed.
            grey: One channel instead of three.
            progress: Whether to show a bar.

        Returns:
            Images (N, 3 or 1, size, size) in 0..1, with the identity as ``exo``, or
            0 for everybody where it is unknown.

        Raises:
            ValueError: If the size is below 1.
            DataError: If more than 5 % of the pictures cannot be read.
        """
        every = range(len(self))
        images, good = read_all(every, self.picture, progress, size, grey)
        kept = self._only(good)
        return ExogenousDataset(
            images=images if good.all() else images[good],
            target=kept.target,
            exo=kept.identity.clamp(min=0),
            n_classes=len(EXPRESSIONS),
            n_exo=max(len(self.people), 1),
            source=kept.source,
            exo_edges=None,
            exo_name="identity" if self.identified else "identity (unknown)",
        )

    def _no_such(self, index: object) -> IndexError:
        return IndexError(
            f"index {index} picks none of {len(self):,} pictures of {self.name}"
        )

    def _only(self, good: Tensor) -> FaceFiles:
        """The readable ones, with the others counted."""
        if good.all():
            return self
        lost = self.skipped.get("unreadable", 0) + int((~good).sum())
        return replace(self.subset(good), skipped=self.skipped | {"unreadable": lost})


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
    looks: dict[str, Callable[[str], object]] = {
        "sizes": lambda path: os.path.getsize(path) or path,  # an empty file is no copy
        "first bytes": lambda path: _begin(path, 4096),
        "all bytes": lambda path: hashlib.sha256(_begin(path, -1)).digest(),
    }
    root = str(files.root)
    if files.pixels is not None:
        row = {path: i for i, path in enumerate(files.paths)}
        pixels, root = files.pixels.numpy(), ""
        looks = {"pixels": lambda path: pixels[row[path]].tobytes()}
    table["mark"] = ""
    for what, look_at in looks.items():
        marks: list[object] = []
        for path in with_bar(table["path"], f"looking for copies ({what})"):
            try:
                marks.append(look_at(os.path.join(root, path)))
            except OSError:  # reading the picture will say so
                marks.append(path)
        table = table.assign(mark=pd.Series(marks, table.index, dtype=object))
        table = table[table.duplicated("mark", keep=False)]
    return table.set_index("path")["mark"]


def _begin(path: str, n: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(n)
