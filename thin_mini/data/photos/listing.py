"""From the lists that come with pictures of faces to ``FaceFiles``.

At most 1 % of a part's listed pictures may be absent: they are left out, counted in
``.skipped`` and said aloud. Beyond that the data set is taken for half unpacked. No
picture is in training and in test: neither as one file nor as two of the same bytes.
"""

from __future__ import annotations

import logging
import os
import posixpath
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.folders import hidden
from thin_mini.data.photos.reading import with_bar
from thin_mini.data.photos.twins import copies, draw, unshared
from thin_mini.files import DataError

log = logging.getLogger("thin_mini")

MAX_ABSENT = 0.01  # of the pictures that a list names
TEST_SHARE = 0.2  # where a data set has no test part: ExpW in the paper, 6673 of 33374
BOX = ("left", "top", "right", "bottom")

Parts = tuple[FaceFiles, FaceFiles]


@dataclass
class Listing:
    """The pictures of a data set as its files name them, before a look at them.

    Attributes:
        name: The data set.
        root: The folder that paths start from.
        table: Columns path and target, which is the expression or, in words, why the
            row is left out; perhaps split (train, valid or test), identity (the place
            in ``people``) and ``BOX``.
        people: Their names, if they are known.
        pixels: uint8 (N, H, W), for a table that holds the pictures itself.
        mend: How to come by what may be missing.
    """

    name: str
    root: Path
    table: pd.DataFrame
    people: tuple[str, ...] = ()
    pixels: Tensor | None = None
    mend: str = "add it, or correct the list"

    def files(self) -> tuple[FaceFiles, np.ndarray]:
        """All pictures that are there, and the part of each ("" where none is said).

        Raises:
            DataError: If one is listed twice with two labels, or more than 1 % of them
                are absent.
        """
        table = self.table.reset_index(drop=True)
        if "split" not in table:
            table["split"] = ""
        told = table["target"].map(lambda target: isinstance(target, str)).astype(bool)
        skipped = Counter(table["target"][told])
        table = table[~told]
        if self.pixels is None:
            table = self._on_disk(table, skipped)
        if table.empty:
            raise DataError(f"{self.name} has no picture in {self.root}: {self.mend}")
        boxed = all(side in table for side in BOX)

        def rows(columns: Any) -> Tensor:
            return torch.tensor(table[columns].to_numpy(np.int64))

        files = FaceFiles(
            root=self.root,
            paths=tuple(table["path"]),
            target=rows("target"),
            identity=rows("identity") if self.people else torch.full((len(table),), -1),
            people=self.people,
            name=self.name,
            boxes=rows([*BOX]) if boxed else None,
            skipped=dict(skipped),
            pixels=None if self.pixels is None else self.pixels[table.index.to_numpy()],
        )
        return files, table["split"].to_numpy(object)

    def _on_disk(self, table: pd.DataFrame, skipped: Counter[str]) -> pd.DataFrame:
        """Each face that is there, once, in one part and with one label."""
        name, root = self.name, self.root
        table = table.assign(path=inside(name, root, table["path"]))
        tools = table["path"].map(hidden).astype(bool)
        table = table[~tools]
        again = table.duplicated()
        if again.any():
            first = table["path"][again].iloc[0]
            log.warning("%s lists %d twice: %s", name, again.sum(), first)
        table = table[~again]
        parts = table[["path", "split"]].drop_duplicates()
        torn = parts[parts.duplicated("path", keep=False)]
        if len(torn):
            first = torn["path"].iloc[0]
            both = " and ".join(torn["split"][torn["path"] == first])
            raise DataError(
                f"{name}: {torn['path'].nunique():,} pictures are listed in two parts "
                f"(the first: {first}, in {both}): keep each in one"
            )
        face = ["path", *(side for side in BOX if side in table)]
        clear = ~table.duplicated(face, keep=False)
        what = "rows list one picture with two expressions or people"
        leave_out(name, table["path"], clear, what, "keep the right ones")
        table = table[clear]
        there = present(name, root, table["path"], table["split"])
        lost = {"hidden": tools, "listed twice": again, "two labels": ~clear}
        for reason, rows in (lost | {"no image": ~there}).items():
            if rows.any():
                skipped[reason] += int(rows.sum())
        return table[there]


def train_and_test(listing: Listing, seed: int = 0, twins: str = "refuse") -> Parts:
    """The two lists of a data set, which share no picture.

    Args:
        listing: What its files name.
        seed: Draws a test part of 20 % where none is said: people where they are
            known, else photographs, with all their copies.
        twins: What to do where the same bytes lie in two parts under two names:
            ``"refuse"``, or ``"drop"`` those of the earlier of training, validation
            and test, and count them.

    Raises:
        ValueError: If ``twins`` is neither.
        DataError: As in :meth:`Listing.files`; if a part is empty; if the parts share
            a picture.
    """
    checks.seed_number(seed)
    checks.choice("twins", twins, ("refuse", "drop"))
    files, parts = listing.files()
    name, same = listing.name, copies(files)
    if not (parts != "").any():
        n_test = max(1, round(TEST_SHARE * len(files)))
        chosen = draw(files, same, n_test, seed)
        if chosen.all():
            whom = "person" if files.identified else "photograph"
            raise DataError(
                f"{name} has no picture to test with: its {len(files):,} are all of "
                f"one {whom}, which cannot be on both sides: add others"
            )
        parts = np.where(chosen.numpy(), "test", "train")
    elif "train" in parts and "valid" in parts and "test" not in parts:
        log.warning("%s has no test part: its validation part is the test part", name)
        parts = np.where(parts == "valid", "test", parts)
    for part in ("train", "test"):
        if part not in parts:
            found = ", ".join(f"{n:,} {p}" for p, n in Counter(parts).items())
            raise DataError(
                f"{name} has no picture to {part} with in {listing.root}, only "
                f"{found}: {listing.mend}. To measure a trained model, "
                "tm.data.open_test reads the test part alone"
            )
    keep, why = unshared(files, same, parts, twins)
    if not keep.all():
        files = replace(files.subset(keep), skipped=files.skipped | why)
        parts = parts[keep.numpy()]
    test = torch.from_numpy(parts == "test")
    held = torch.from_numpy(parts == "valid")
    train = replace(files, held=held if held.any() else None).subset(~test)
    both = set(train.identity.tolist()) & set(files.identity[test].tolist())
    if files.identified and both:
        log.warning("%s: %d people are in train and in test", name, len(both))
    return train, files.subset(test)


def test_only(listing: Listing) -> FaceFiles:
    """What a trained model is measured on: the test part, or else all pictures.

    Raises:
        DataError: If there are training pictures only, and as in :meth:`Listing.files`.
    """
    files, parts = listing.files()
    for part in ("test", "valid", ""):
        if part in parts:
            return files.subset(torch.from_numpy(parts == part))
    raise DataError(
        f"{listing.name} has no picture to test with in {listing.root}, only a part to "
        f"train: {listing.mend}"
    )


def inside(name: str, root: Path, paths: pd.Series) -> pd.Series:
    """Paths from the root in one spelling; an error where one leads out of it."""

    def from_root(path: str) -> str:
        path = path.replace("\\", "/")
        if os.path.isabs(path):
            path = os.path.relpath(path, root).replace(os.sep, "/")
        return posixpath.normpath(path)

    plain = paths.map(from_root).astype(object)
    out = [p for p, q in zip(paths, plain, strict=True) if q.split("/")[0] == ".."]
    if out:
        raise DataError(
            f"{name}: {len(out):,} paths lead out of {root} (the first: {out[0]}): "
            "move the pictures into it, and write paths from there"
        )
    return plain


def present(
    name: str, root: Path, paths: pd.Series, parts: pd.Series | None = None
) -> np.ndarray:
    """Which pictures of a list are there, bool (N,); an error beyond 1 % absent.

    Each part counts on its own, so that no test set goes missing.
    """
    looked = with_bar(paths, "looking for pictures")
    there = np.array([os.path.isfile(os.path.join(root, p)) for p in looked], bool)
    what = f"pictures listed are no files in {root}"
    for part in [""] if parts is None else parts.unique():
        rows = (
            np.full(len(paths), True) if parts is None else (parts == part).to_numpy()
        )
        mend = "unpack them again, or correct the list"
        leave_out(f"{name} {part}".strip(), paths[rows], there[rows], what, mend)
    return there


def leave_out(name: str, paths: pd.Series, good: Any, what: str, mend: str) -> None:
    """Say which pictures are left out; an error if they are more than 1 %."""
    bad = paths[~good]
    if len(bad) == 0:
        return
    first = ", ".join(bad[:3])
    text = f"{name}: {len(bad):,} of the {len(paths):,} {what} (the first: {first})"
    if len(bad) > MAX_ABSENT * len(paths):
        raise DataError(f"{text}; {mend}")
    log.warning("%s; they are left out", text)
