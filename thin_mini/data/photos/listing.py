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

    def files(self) -> tuple[FaceFiles, pd.DataFrame]:
        """All pictures that are there, and the rows of the table that name them.

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

        def rows(columns: str | list[str]) -> Tensor:
            return torch.tensor(table[columns].to_numpy(np.int64))

        files = FaceFiles(
            root=self.root,
            paths=tuple(table["path"]),
            target=rows("target"),
            identity=rows("identity") if self.people else torch.full((len(table),), -1),
            people=self.people,
            name=self.name,
            boxes=rows([*BOX]) if "left" in table else None,
            skipped=dict(skipped),
            pixels=None if self.pixels is None else self.pixels[table.index.to_numpy()],
        )
        return files, table

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
        face = ["path", *BOX] if "left" in table else ["path"]
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
    files, table = listing.files()
    name, same = listing.name, copies(files)
    found = set(table["split"])
    if found == {""}:
        n_test = max(1, round(TEST_SHARE * len(files)))
        chosen = draw(files, same, n_test, seed)
        if chosen.all():
            whom = "person" if files.identified else "photograph"
            raise DataError(
                f"{name} has no picture to test with: its {len(files):,} are all of "
                f"one {whom}, which cannot be on both sides: add others"
            )
        table["split"] = np.where(chosen.numpy(), "test", "train")
    elif found == {"train", "valid"}:
        log.warning("%s has no test part: its validation part is the test part", name)
        table["split"] = table["split"].replace("valid", "test")
    for part in ("train", "test"):
        if part not in table["split"].values:
            counts = table["split"].value_counts().items()
            only = ", ".join(f"{n:,} {other}" for other, n in counts)
            raise DataError(
                f"{name} has no picture to {part} with in {listing.root}, only "
                f"{only}: {listing.mend}. To measure a trained model, "
                "tm.data.open_test reads the test part alone"
            )
    table["mark"] = table["path"].map(same)  # NaN without a copy
    _say_two_labels(name, table)
    files, table = _without_twins(files, table, twins)
    test, held = (_is_in(table, part) for part in ("test", "valid"))
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
    files, table = listing.files()
    for part in ("test", "valid", ""):
        if (chosen := _is_in(table, part)).any():
            return files.subset(chosen)
    raise DataError(
        f"{listing.name} has no picture to test with in {listing.root}, only a part to "
        f"train: {listing.mend}"
    )


def _is_in(table: pd.DataFrame, part: str) -> Tensor:
    """Which rows are in a part, bool (N,)."""
    return torch.from_numpy((table["split"] == part).to_numpy(bool))


def _without_twins(
    files: FaceFiles, table: pd.DataFrame, twins: str
) -> tuple[FaceFiles, pd.DataFrame]:
    """What is left so that no picture is in two parts, by its bytes.

    Raises:
        DataError: If one is and ``twins`` is to refuse that.
    """
    rank = table["split"].map([*IN_WORDS].index)
    last = rank.groupby(table["mark"]).transform("max")
    lost = rank < last
    if not lost.any():
        return files, table
    if twins == "drop":
        words = [*IN_WORDS.values()]
        why = Counter(f"also in the {words[int(i)]} part" for i in last[lost])
        rest = files.subset(torch.from_numpy(~lost.to_numpy()))
        return replace(rest, skipped=files.skipped | why), table[~lost]
    text = f"{files.name}: {_shared(table)}"
    if files.pixels is not None:  # FER2013 was given out so, and is measured so
        log.warning("%s; they stay, as the data set's authors have it", text)
        return files, table
    raise DataError(
        f"{text}: remove one of each, or leave those of the earlier part out with "
        "--drop-twins or tm.data.open_faces(..., twins='drop')"
    )


def _shared(table: pd.DataFrame) -> str:
    """How many pictures two parts share, in words, with one pair of them."""
    said, marked = [], table.dropna(subset="mark")[["path", "split", "mark"]]
    for low, high in (("train", "test"), ("valid", "test"), ("train", "valid")):
        here, there = (marked[marked["split"] == part] for part in (low, high))
        both = there.merge(here.drop_duplicates("mark"), on="mark")
        if len(both):
            one = " = ".join(both[["path_y", "path_x"]].iloc[0])
            said.append(
                f"{len(both):,} pictures of the {IN_WORDS[high]} part are in the "
                f"{IN_WORDS[low]} part too, byte for byte (one of them: {one})"
            )
    return " and ".join(said)


def _say_two_labels(name: str, table: pd.DataFrame) -> None:
    """Warn of training pictures that have another expression under another name."""
    face = ["mark", *BOX] if "left" in table else ["mark"]  # each face has its own
    rows = table[table["split"] == "train"].dropna(subset="mark")
    rows = rows[rows.groupby(face)["target"].transform("nunique") > 1]
    if len(rows):
        alike = rows[(rows[face] == rows[face].iloc[0]).all(axis=1)]
        pair = alike["path"][~alike["target"].duplicated()][:2]
        text = (
            "%s: %d training pictures have another expression under another name (one "
            "of them: %s = %s): correct or remove them"
        )
        log.warning(text, name, len(rows), *pair)
