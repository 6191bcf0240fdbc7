"""Pairs of pictures for verification: one person, or two? (Table 1)."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from thin_mini.basics.checks import Count
from thin_mini.basics.kinds import check_fields, checked
from thin_mini.data.photos import tables
from thin_mini.data.photos.folders import holds, inside, look, present
from thin_mini.data.photos.layouts import places
from thin_mini.data.photos.reading import read_all, read_picture
from thin_mini.files import DataError

log = logging.getLogger("thin_mini")

PAIRS = ("pairs.csv", "pairs.txt")
LFW_HEAD = r"\d+(\s+\d+)?|name\b.*imagenum.*"
# Name 1 4, or Name 1 Other 2, with blanks, tabs or commas between. A name has an end,
# so that no line, however long, is searched for ever.
LFW_PAIR = (
    r"(?P<a>[^\t,]{1,99}?)[\s,]+(?P<i>\d+)[\s,]+"
    r"((?P<b>[^\t,]{1,99}?)[\s,]+)?(?P<j>\d+),*"
)


@dataclass(frozen=True, eq=False, repr=False)
class FacePairs:
    """Pairs of pictures and whether they show one person, as in LFW (Table 1).

    Attributes:
        root: The folder that the paths start from.
        first: N paths with forward slashes.
        second: The others.
        same: bool (N,), whether it is the same person.
        name: Where the pairs came from.
    """

    root: Path
    first: tuple[str, ...]
    second: tuple[str, ...]
    same: Tensor
    name: str

    def __post_init__(self) -> None:
        check_fields(self)
        n, dtype = len(self.first), self.same.dtype
        if len(self.second) != n or self.same.shape != (n,) or dtype != torch.bool:
            raise ValueError(
                f"{n:,} paths are first, and {len(self.second):,} second; same is "
                f"{dtype} {tuple(self.same.shape)}: each pair needs both, and a bool"
            )

    def __len__(self) -> int:
        return len(self.first)

    def __repr__(self) -> str:
        return f"FacePairs({self.name}, {len(self):,} pairs)"

    def among(self, paths: Iterable[str]) -> FacePairs:
        """The pairs both of whose pictures are among ``paths``."""
        wanted = set(paths)
        ends = zip(self.first, self.second, strict=True)
        kept = [i for i, pair in enumerate(ends) if wanted.issuperset(pair)]
        return replace(
            self,
            first=tuple(self.first[i] for i in kept),
            second=tuple(self.second[i] for i in kept),
            same=self.same[kept],
        )

    @checked
    def load(
        self, size: Count, grey: bool = False, progress: bool = True
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read both pictures of each pair that can be read.

        The arguments are those of :meth:`FaceFiles.load`.

        Returns:
            Two times (N, 3 or 1, size, size) in 0..1, then ``same``.

        Raises:
            ValueError: If the size is below 1, or there is no pair.
            DataError: As there.
        """
        if len(self) == 0:
            raise ValueError(f"{self.name} holds no pair: take other pictures or pairs")
        place, paths = pd.factorize(pd.Series(self.first + self.second))

        def picture(path: str) -> Image.Image:
            return read_picture(self.root / path)

        images, good = read_all(paths, picture, progress, size, grey)  # each once
        a, b = torch.from_numpy(place).view(2, -1)
        kept = good[a] & good[b]
        return images[a[kept]], images[b[kept]], self.same[kept]


@checked
def face_pairs(file: str | Path) -> FacePairs:
    """Pairs of pictures for verification, as in LFW (Table 1).

    Args:
        file: A CSV with the columns ``path1`` and ``path2`` (from the table's folder)
            and ``same`` (0 or 1); or LFW's own ``pairs.txt``, with ``Name 1 4`` for one
            person and ``Name 1 Other 2`` for two, beside the people's folders or a
            folder of these; or the folder that holds one of them.

    Returns:
        The pairs, each once, those of LFW's ten folds in their order.

    Raises:
        DataError: If a column or a value is missing or wrong, or pictures are absent.
    """
    file = Path(file)
    if file.is_dir():
        lists = [found for place in places(file) if (found := look(place, *PAIRS))]
        if not lists:
            raise DataError(f"{file} {holds(file)}, and none of {', '.join(PAIRS)}")
        file = lists[0]
    first = tables.first_line(file)
    if file.suffix.lower() == ".txt" or re.fullmatch(LFW_HEAD, first, re.IGNORECASE):
        root, rows = _lfw_pairs(file, first)
    else:
        root, rows = file.parent, tables.read_table(file, ("path1", "path2", "same"))
        tables.filled(file, rows["path1"], rows["path2"])
        same = tables.coded(file, rows["same"], {"0": False, "1": True}, "write 0 or 1")
        rows = rows.assign(same=same)
    name = tables.title(file)
    for side in ("path1", "path2"):
        rows[side] = inside(name, root, rows[side])
    pair = [frozenset(p) for p in zip(rows["path1"], rows["path2"], strict=True)]
    rows = rows.assign(pair=pair).drop_duplicates(["pair", "same"])
    if (torn := rows.duplicated("pair")).any():
        both = " and ".join(sorted(rows["pair"][torn].iloc[0]))
        raise DataError(f"{name}: {both} are one person in one row and two in another")
    if len(rows) < len(pair):
        log.warning("%s: left out %d repeated pairs", name, len(pair) - len(rows))
    there = present(name, root, pd.concat([rows["path1"], rows["path2"]]))
    rows = rows[there[: len(rows)] & there[len(rows) :]]
    return FacePairs(
        root=root,
        first=tuple(rows["path1"]),
        second=tuple(rows["path2"]),
        same=torch.tensor(rows["same"].to_numpy(bool)),
        name=name,
    )


def _lfw_pairs(file: Path, head: str) -> tuple[Path, pd.DataFrame]:
    """LFW's list, or its views for development, and the folder with its people."""
    mend = "a pair: write 'Name 1 4' for one person, 'Name 1 Other 2' for two"
    table = tables.read_list(file, LFW_PAIR, mend, LFW_HEAD)
    if table.empty:
        raise DataError(f"{file} holds no pair: fetch it again")
    counts = [int(n) for n in re.findall(r"\b\d+\b", head)]
    if re.fullmatch(LFW_HEAD, head, re.IGNORECASE) and counts:
        expected = 2 * math.prod(counts)
        if expected != len(table):
            log.warning("%s announces %d pairs and has %d", file, expected, len(table))
    same = table["b"].isna()
    ends = (table["a"], table["i"]), (table["b"].fillna(table["a"]), table["j"])
    a, b = (who + "/" + who + "_" + n.str.zfill(4) for who, n in ends)
    for picture in pd.concat([a[:20], b[:20]]).unique():
        name = f"{picture.lower()}.*"
        if found := look(file.parent, name, f"*/{name}", f"*/*/{name}"):
            path1, path2 = a + found.suffix, b + found.suffix
            rows = pd.DataFrame({"path1": path1, "path2": path2, "same": same})
            return found.parent.parent, rows
    raise DataError(
        f"{file}: no picture such as {a.iloc[0]}.jpg lies beside it, and "
        f"{file.parent} {holds(file.parent)}: unpack the people's folders there"
    )
