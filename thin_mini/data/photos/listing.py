"""From the lists that come with pictures of faces to ``FaceFiles``.

At most 1 % of a part's listed pictures may be absent: they are left out, counted in
``.skipped`` and said aloud. Beyond that the data set is taken for half unpacked. No
picture is in training and in test: neither as one file nor as two of the same bytes.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from thin_mini.data.photos.face_files import FaceFiles, copies, draw
from thin_mini.data.photos.folders import hidden, inside, leave_out, present
from thin_mini.files import DataError

log = logging.getLogger("thin_mini")

TEST_SHARE = 0.2  # where a data set has no test part: ExpW in the paper, 6673 of 33374
# A picture of two parts stays in the later one.
IN_WORDS = {"train": "training", "valid": "validation", "test": "test"}
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

        def rows(columns: str | list[str]) -> Tensor:
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


def train_and_test(listing: Listing, seed: int, twins: str) -> Parts:
    """The two lists of a data set, which share no picture.

    Args:
        listing: What its files name.
        seed: Draws a test part of 20 % where none is said: people where they are
            known, else photographs, with all their copies.
        twins: What to do where the same bytes lie in two parts under two names:
            ``"refuse"``, or ``"drop"`` those of the earlier of training, validation
            and test, and count them.

    Raises:
        DataError: As in :meth:`Listing.files`; if a part is empty; if the parts share
            a picture.
    """
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
    keep, why = _unshared(files, same, parts, twins)
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


def _unshared(
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
    rank = rows["part"].map([*IN_WORDS].index)
    last = rank.groupby(rows["mark"]).transform("max")
    lost = rank < last
    if twins == "drop" or not lost.any():
        said = [*IN_WORDS.values()]
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
            one = " = ".join(both[["path_y", "path_x"]].iloc[0])
            said.append(
                f"{len(both):,} pictures of the {IN_WORDS[high]} part are in the "
                f"{IN_WORDS[low]} part too, byte for byte (one of them: {one})"
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
        pair = rows["path"][alike][~rows["target"][alike].duplicated()]
        text = (
            "%s: %d training pictures have another expression under another name (one "
            "of them: %s = %s): correct or remove them"
        )
        log.warning(text, files.name, len(rows), *pair[:2])
