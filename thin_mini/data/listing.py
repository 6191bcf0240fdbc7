"""From the lists that come with pictures of faces to ``FaceFiles``.

At most 1 % of a part's listed pictures may be absent: they are left out, counted in
``.skipped`` and said aloud. Beyond that the data set is taken for half unpacked.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from thin_mini.data.face_files import FaceFiles
from thin_mini.data.store import DataError

log = logging.getLogger("thin_mini")

MAX_ABSENT = 0.01  # of the pictures that a list names
TEST_SHARE = 0.2  # where a data set has no test part: ExpW in the paper, 6673 of 33374

Parts = tuple[FaceFiles, FaceFiles]


def train_and_test(
    name: str,
    root: Path,
    table: pd.DataFrame,
    skipped: dict[str, int] | None = None,
    seed: int = 0,
    people: tuple[str, ...] = (),
) -> Parts:
    """Two lists of a table with path, target, and perhaps split, identity and a box."""
    parts = table["split"] if "split" in table else pd.Series("", index=table.index)
    there = pd.Series(False, index=table.index)
    for part in parts.unique():  # each on its own, so that no test set goes missing
        paths = table["path"][parts == part]
        there[paths.index] = present(f"{name} {part}".strip(), root, paths)
    skipped = dict(skipped or {})
    if not there.all():
        skipped["no image"] = int((~there).sum())
    table, parts = table[there], parts[there]
    for part, n_least in (("train", 1), ("test", 2)):  # two, to draw a test part from
        if len(table) < n_least or not parts.isin(["", part]).any():
            raise DataError(f"{name} has no picture to {part} with in {root}")
    columns = ["left", "top", "right", "bottom"]
    unknown = torch.full((len(table),), -1)
    files = FaceFiles(
        root=root,
        paths=tuple(table["path"]),
        target=torch.tensor(table["target"].to_numpy()),
        identity=torch.tensor(table["identity"].to_numpy()) if people else unknown,
        people=people,
        name=name,
        boxes=torch.tensor(table[columns].to_numpy()) if "left" in table else None,
        skipped=skipped,
    )
    if "split" not in table:
        return files.split(max(1, round(TEST_SHARE * len(files))), seed)
    test, held = (torch.tensor((parts == p).to_numpy()) for p in ("test", "valid"))
    train = replace(files, held=held if held.any() else None).subset(~test)
    both = set(train.identity.tolist()) & set(files.identity[test].tolist())
    if people and both:
        log.warning("%s: %d people are in train and in test", name, len(both))
    return train, files.subset(test)


def present(name: str, root: Path, paths: pd.Series) -> np.ndarray:
    """Which pictures of a list are there, bool (N,); an error beyond 1 % absent."""
    there = np.array([os.path.isfile(os.path.join(root, p)) for p in paths], dtype=bool)
    absent = paths[~there]
    if len(absent):
        text = (
            f"{name}: {len(absent):,} of the {len(paths):,} pictures listed are not in "
            f"{root} (the first: {', '.join(absent[:3])})"
        )
        if len(absent) > MAX_ABSENT * len(paths):
            raise DataError(f"{text}; unpack them again, or correct the list")
        log.warning("%s; they are left out", text)
    return there


def read_table(
    file: Path,
    needed: tuple[str, ...],
    optional: tuple[str, ...] = (),
    names: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """These columns of a CSV, as text without blanks around it."""
    try:
        found = list(names or pd.read_csv(file, nrows=0, encoding="utf-8-sig"))
        missing = [c for c in needed if c not in found]
        if missing:
            raise DataError(
                f"{file} has no column {', '.join(missing)}: its columns are "
                f"{', '.join(found)}"
            )
        table = pd.read_csv(
            file,
            names=names,
            usecols=[c for c in found if c in needed + optional],
            index_col=False,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
        )
    except (OSError, ValueError) as error:  # pandas' errors of parsing are ValueErrors
        raise DataError(f"{file} cannot be read as a table ({error})") from error
    if table.empty:
        raise DataError(f"{file} holds no row below its header: fill it in")
    return table.fillna("").apply(lambda column: column.str.strip())
