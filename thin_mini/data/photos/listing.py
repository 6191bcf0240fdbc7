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
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.data.photos.face_files import FaceFiles, draw
from thin_mini.data.photos.folders import hidden
from thin_mini.data.photos.reading import with_bar
from thin_mini.data.photos.twins import copies, inseparable, unshared
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
        table: Columns path and target; perhaps split (train, valid or test), identity
            (the place in ``people``) and ``BOX``.
        skipped: What was left out, by reason.
        people: Their names, if they are known.
        pixels: uint8 (N, H, W), for a table that holds the pictures itself.
        mend: How to come by what may be missing.
    """

    name: str
    root: Path
    table: pd.DataFrame
    skipped: Counter[str] = field(default_factory=Counter)
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
            table = table.assign(split="")
        if self.pixels is None:
            table = table.assign(path=inside(self.name, self.root, table["path"]))
            tools = table["path"].map(hidden).astype(bool)
            if tools.any():
                self.skipped["hidden"] += int(tools.sum())
            table = self._once(table[~tools])
            there = present(self.name, self.root, table["path"], table["split"])
            if not there.all():
                self.skipped["no image"] += int((~there).sum())
            table = table[there]
        if table.empty:
            raise DataError(f"{self.name} has no picture in {self.root}: {self.mend}")
        n, known = len(table), bool(self.people)
        boxed = all(side in table for side in BOX)
        rows = torch.from_numpy(table.index.to_numpy(copy=True))
        files = FaceFiles(
            root=self.root,
            paths=tuple(table["path"]),
            target=torch.tensor(table["target"].to_numpy(np.int64)),
            identity=torch.tensor(table["identity"].to_numpy(np.int64))
            if known
            else torch.full((n,), -1),
            people=self.people,
            name=self.name,
            boxes=torch.tensor(table[[*BOX]].to_numpy(np.int64)) if boxed else None,
            skipped=dict(self.skipped),
            pixels=None if self.pixels is None else self.pixels[rows],
        )
        return files, table["split"].to_numpy(object)

    def _once(self, table: pd.DataFrame) -> pd.DataFrame:
        """Each face once, and each picture in one part and with one label."""
        again = table.duplicated()
        if again.any():
            self.skipped["listed twice"] += int(again.sum())
            first = table["path"][again].iloc[0]
            log.warning("%s lists %d twice: %s", self.name, again.sum(), first)
        table = table[~again]
        double = table[table.duplicated("path", keep=False)]
        parts = double.groupby("path", sort=False)["split"].nunique()
        if (parts > 1).any():
            torn = parts.index[parts > 1]
            both = " and ".join(double["split"][double["path"] == torn[0]].unique())
            raise DataError(
                f"{self.name}: {len(torn):,} pictures are listed in two parts (the "
                f"first: {torn[0]}, in {both}): keep each in one"
            )
        face = ["path", *(side for side in BOX if side in table)]
        unclear = table.duplicated(face, keep=False).to_numpy()
        leave_out(
            self.name,
            table["path"],
            ~unclear,
            "rows list one picture with two expressions or people",
            "keep the right ones",
        )
        if unclear.any():
            self.skipped["two labels"] += int(unclear.sum())
        return table[~unclear]


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
    if twins not in ("refuse", "drop"):
        raise ValueError(f"twins must be 'refuse' or 'drop', got {twins!r}")
    files, parts = listing.files()
    name, same = listing.name, copies(files)
    if not (parts != "").any():
        parts = np.where(_drawn(files, same, seed), "test", "train")
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


def _drawn(files: FaceFiles, same: pd.Series, seed: int) -> np.ndarray:
    """Which pictures are drawn for the test, bool (N,)."""
    if len(files) < 2:
        raise DataError(f"{files.name} has no picture to test with: it has only one")
    n_test = max(1, round(TEST_SHARE * len(files)))
    chosen = draw(inseparable(files, same), n_test, seed)
    if chosen.all():
        whom = "person" if files.identified else "photograph"
        raise DataError(
            f"{files.name} has no picture to test with: its {len(files):,} are all of "
            f"one {whom}, which cannot be on both sides: add others"
        )
    return chosen.numpy()


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
    parts = pd.Series("", paths.index) if parts is None else parts
    for part in parts.unique():
        rows = (parts == part).to_numpy()
        leave_out(
            f"{name} {part}".strip(),
            paths[rows],
            there[rows],
            f"pictures listed are no files in {root}",
            "unpack them again, or correct the list",
        )
    return there


def leave_out(
    name: str, paths: pd.Series, good: np.ndarray, what: str, mend: str
) -> None:
    """Say which pictures are left out; an error if they are more than 1 %."""
    bad = paths[~good]
    if len(bad) == 0:
        return
    text = (
        f"{name}: {len(bad):,} of the {len(paths):,} {what} (the first: "
        f"{', '.join(bad[:3])})"
    )
    if len(bad) > MAX_ABSENT * len(paths):
        raise DataError(f"{text}; {mend}")
    log.warning("%s; they are left out", text)
