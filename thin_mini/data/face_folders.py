"""Pictures of faces in the reader's own folders and tables, and any known layout.

Every reader returns ``(train, test)``. Where there is a validation part too, it lies
in ``train``, marked, and ``train.split()`` gives it back.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torchvision.datasets.folder import IMG_EXTENSIONS

from thin_mini.data.face_files import FacePairs
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.fer import affectnet, expw, fer2013, raf_db
from thin_mini.data.listing import Parts, present, read_table, train_and_test
from thin_mini.data.store import DataError

# What each expression may be called in a folder's name or a table.
NAMES = {
    "neutral": ("neutral",),
    "happiness": ("happiness", "happy"),
    "sadness": ("sadness", "sad"),
    "surprise": ("surprise", "surprised"),
    "fear": ("fear", "fearful"),
    "disgust": ("disgust", "disgusted"),
    "anger": ("anger", "angry"),
}
CALLED = {name: i for i, e in enumerate(EXPRESSIONS) for name in NAMES[e]}
SPLITS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "valid": "valid", "val": "valid", "validation": "valid",
}  # fmt: skip


def face_folder(root: str | Path, seed: int = 0) -> Parts:
    """A folder for each expression, such as ``happiness`` or ``happy``.

    Args:
        root: Holds these folders; or ``train``, ``test`` and perhaps ``valid`` with
            these folders in them.
        seed: Draws the 80/20 split where there is none.

    Returns:
        ``(train, test)``; who is who is unknown.

    Raises:
        DataError: If a folder's name is no expression, or a folder holds no picture.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is no folder: name the one with the class folders")
    parts = [f for f in _folders(root) if f.name.lower() in SPLITS]
    rows = []
    for part in parts or [root]:
        for folder in _folders(part):
            if folder.name.lower() not in CALLED:
                raise DataError(
                    f"the folder {folder} is called after no expression: the names are "
                    f"{', '.join(CALLED)}"
                )
            pictures = sorted(
                file
                for file in folder.rglob("*")
                if file.suffix.lower() in IMG_EXTENSIONS
                and not file.name.startswith(".")
            )
            if not pictures:
                raise DataError(
                    f"{folder} holds no picture ({', '.join(IMG_EXTENSIONS)}): fill it "
                    "or remove it"
                )
            target, split = CALLED[folder.name.lower()], SPLITS.get(part.name.lower())
            rows += [(p.relative_to(root).as_posix(), target, split) for p in pictures]
    table = pd.DataFrame(rows, columns=["path", "target", "split"])
    table = table if parts else table.drop(columns="split")
    return train_and_test(root.resolve().name, root, table, seed=seed)


def face_csv(file: str | Path, seed: int = 0) -> Parts:
    """A table of pictures of your own.

    Args:
        file: With the columns ``path`` (from the table's folder), ``expression``, and
            perhaps ``identity`` and ``split`` (train, valid or test).
        seed: Draws the 80/20 split where there is none; nobody is on both sides.

    Returns:
        ``(train, test)``.

    Raises:
        DataError: If a column or a value is missing or wrong, or pictures are absent.
    """
    file = Path(file)
    rows = read_table(file, ("path", "expression"), ("identity", "split"))
    _check(file, rows["path"], rows["path"] != "", "fill it in, or drop the row")
    table = pd.DataFrame({"path": rows["path"].str.replace("\\", "/")})
    known = rows["expression"].str.lower().isin(CALLED)
    _check(file, rows["expression"], known, f"take one of {', '.join(CALLED)}")
    table["target"] = rows["expression"].str.lower().map(CALLED)
    if "split" in rows:
        table["split"] = rows["split"].str.lower().map(SPLITS)
        _check(file, rows["split"], table["split"].notna(), "take train, valid or test")
    people: tuple[str, ...] = ()
    if "identity" in rows:
        mend = "fill it in, or drop the column: all are known, or none"
        _check(file, rows["identity"], rows["identity"] != "", mend)
        table["identity"], names = pd.factorize(rows["identity"], sort=True)
        people = tuple(names)
    return train_and_test(_title(file), file.parent, table, seed=seed, people=people)


def face_pairs(file: str | Path) -> FacePairs:
    """Pairs of pictures for verification, as in LFW (Table 1).

    Args:
        file: A CSV with the columns ``path1`` and ``path2`` (from the table's folder)
            and ``same`` (0 or 1).

    Raises:
        DataError: If a column or a value is missing or wrong, or pictures are absent.
    """
    file = Path(file)
    rows = read_table(file, ("path1", "path2", "same"))
    _check(file, rows["same"], rows["same"].isin(["0", "1"]), "write 0 or 1")
    n = len(rows)
    paths = pd.concat([rows["path1"], rows["path2"]]).str.replace("\\", "/")
    there = present(_title(file), file.parent, paths)
    kept = there[:n] & there[n:]
    return FacePairs(
        root=file.parent,
        first=tuple(paths[:n][kept]),
        second=tuple(paths[n:][kept]),
        same=torch.tensor((rows["same"] == "1").to_numpy()[kept]),
        name=_title(file),
    )


class Layout(NamedTuple):
    """How a data set lies on disk.

    Attributes:
        read: Its reader, of the folder and the seed of a split that is drawn.
        signs: It is taken for this one if any of these is there.
        needs: What the reader needs, in words.
    """

    read: Callable[[Path, int], Parts]
    signs: tuple[str, ...]
    needs: str


LAYOUTS = {
    "raf-db": Layout(
        lambda root, seed: raf_db(root),
        ("basic/EmoLabel", "EmoLabel"),
        "basic/EmoLabel/list_patition_label.txt and basic/Image/aligned",
    ),
    "affectnet": Layout(
        lambda root, seed: affectnet(root),
        ("training.csv", "Manually_Annotated_file_lists", "train_set"),
        "training.csv, validation.csv and the images, or train_set and val_set",
    ),
    "expw": Layout(expw, ("label/label.lst",), "label/label.lst and image/origin"),
    "fer2013": Layout(
        lambda root, seed: fer2013(root),
        ("fer2013/fer2013.csv", "fer2013/icml_face_data.csv"),
        "fer2013/fer2013.csv or fer2013/icml_face_data.csv",
    ),
    "csv": Layout(
        lambda root, seed: face_csv(root / "faces.csv", seed),
        ("faces.csv",),
        "faces.csv with the columns path and expression",
    ),
    "folder": Layout(
        face_folder,
        ("train", *CALLED, *(name.title() for name in CALLED)),
        f"folders called {', '.join(EXPRESSIONS)}, or train and test with these inside",
    ),
}


def open_faces(root: str | Path, layout: str = "auto", seed: int = 0) -> Parts:
    """Read a data set of faces in any layout that is known here.

    Args:
        root: Its folder, or a table for :func:`face_csv`.
        layout: One of ``LAYOUTS``, or ``"auto"``: the one whose signs are there.
        seed: Draws the split of those that have none.

    Returns:
        ``(train, test)``.

    Raises:
        ValueError: If there is no such layout.
        DataError: If none or several are recognised, or the reader finds a fault.
    """
    root = Path(root)
    if not root.exists():
        raise DataError(f"there is no {root}: name the folder of the data set")
    if layout != "auto" and layout not in LAYOUTS:
        raise ValueError(f"layout must be auto, {', '.join(LAYOUTS)}; got {layout!r}")
    if root.is_file() and layout in ("auto", "csv"):
        return face_csv(root, seed)
    layout = _recognise(root) if layout == "auto" else layout
    return LAYOUTS[layout].read(root, seed)


def _recognise(root: Path) -> str:
    """The one layout whose signs are in the folder."""
    found = [
        name
        for name, known in LAYOUTS.items()
        if any((root / sign).exists() for sign in known.signs)
    ]
    if len(found) == 1:
        return found[0]
    seen = f"several layouts ({', '.join(found)})" if found else "no known layout"
    needs = "; ".join(f"{name}: {known.needs}" for name, known in LAYOUTS.items())
    raise DataError(
        f"{root} shows {seen}: correct the folder or pass layout=. They need {needs}"
    )


def _check(file: Path, column: pd.Series, good: pd.Series, mend: str) -> None:
    """An error that names the first value of a table's column that is not good."""
    if not good.all():
        row = int(good.argmin())
        raise DataError(
            f"{file}, row {row + 2}: {column.name} is {column.iloc[row]!r}; {mend}"
        )


def _folders(root: Path) -> list[Path]:
    """The folders in a folder, without those that tools leave behind."""
    return sorted(
        f for f in root.iterdir() if f.is_dir() and not f.name.startswith((".", "__"))
    )


def _title(file: Path) -> str:
    """A table's name for ``.source``, without the path that leads to it."""
    return f"{file.name} of {file.resolve().parent.name}"
