"""Pairs of pictures for verification: one person, or two? (Table 1)."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path

import pandas as pd
import torch

from thin_mini.basics.kinds import checked
from thin_mini.data.photos.face_files import FacePairs
from thin_mini.data.photos.folders import (
    check_column,
    look,
    read_lines,
    read_table,
    title,
)
from thin_mini.data.photos.layouts import holds, places
from thin_mini.data.photos.listing import inside, present
from thin_mini.files import DataError, regular_file

log = logging.getLogger("thin_mini")

PAIRS = ("pairs.csv", "pairs.txt")
LFW_HEAD = re.compile(r"\d+(\s+\d+)?|name\b.*imagenum.*", re.IGNORECASE)


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
    first = "" if not regular_file(file) else next(read_lines(file), (0, ""))[1]
    lfw = file.suffix.lower() == ".txt" or LFW_HEAD.fullmatch(first)
    root, rows = _lfw_pairs(file) if lfw else _csv_pairs(file)
    name = title(file)
    for side in ("path1", "path2"):
        rows[side] = inside(name, root, rows[side])
    pair = [frozenset(p) for p in zip(rows["path1"], rows["path2"], strict=True)]
    rows = rows.assign(pair=pair).drop_duplicates(["pair", "same"])
    if (torn := rows.duplicated("pair")).any():
        both = " and ".join(sorted(rows["pair"][torn].iloc[0]))
        raise DataError(f"{name}: {both} are one person in one row and two in another")
    if len(rows) < len(pair):
        log.warning("%s: left out %d repeated pairs", name, len(pair) - len(rows))
    n = len(rows)
    paths = pd.concat([rows["path1"], rows["path2"]], ignore_index=True)
    there = present(name, root, paths)
    kept = there[:n] & there[n:]
    return FacePairs(
        root=root,
        first=tuple(paths[:n][kept]),
        second=tuple(paths[n:][kept]),
        same=torch.tensor((rows["same"] == "1").to_numpy()[kept]),
        name=name,
    )


def _csv_pairs(file: Path) -> tuple[Path, pd.DataFrame]:
    rows = read_table(file, ("path1", "path2", "same"))
    for side in ("path1", "path2"):
        check_column(file, rows[side], rows[side] != "", "fill it in, or drop the row")
    check_column(file, rows["same"], rows["same"].isin(["0", "1"]), "write 0 or 1")
    return file.parent, rows


def _lfw_pairs(file: Path) -> tuple[Path, pd.DataFrame]:
    """LFW's list, or its views for development, and the folder with its people."""
    rows, expected = [], 0
    for number, line in read_lines(file):
        if number == 1 and LFW_HEAD.fullmatch(line):
            counts = [int(n) for n in re.findall(r"\b\d+\b", line)]
            expected = 2 * math.prod(counts) if counts else 0
            continue
        cells = [c.strip() for c in re.split(r"[\t,]", line) if c.strip()]
        cells = line.split() if len(cells) == 1 else cells
        if len(cells) not in (3, 4) or not (cells[1] + cells[-1]).isdecimal():
            raise DataError(
                f"{file}, line {number}: {line!r} is no pair: write 'Name 1 4' for one "
                "person, 'Name 1 Other 2' for two"
            )
        other = cells[2] if len(cells) == 4 else cells[0]
        ends = ((cells[0], cells[1]), (other, cells[-1]))
        a, b = (f"{name}/{name}_{int(n):04d}" for name, n in ends)
        rows.append((a, b, "1" if len(cells) == 3 else "0"))
    if not rows:
        raise DataError(f"{file} holds no pair: fetch it again")
    if expected not in (0, len(rows)):
        log.warning("%s announces %d pairs and has %d", file, expected, len(rows))
    for picture in dict.fromkeys(end for row in rows[:20] for end in row[:2]):
        name = f"{picture.lower()}.*"
        if found := look(file.parent, name, f"*/{name}", f"*/*/{name}"):
            table = pd.DataFrame(rows, columns=["path1", "path2", "same"])
            for side in ("path1", "path2"):
                table[side] += found.suffix
            return found.parent.parent, table
    raise DataError(
        f"{file}: no picture such as {rows[0][0]}.jpg lies beside it, and "
        f"{file.parent} {holds(file.parent)}: unpack the people's folders there"
    )
