"""Pictures of faces in the reader's own folders and tables, and any known layout.

Every reader returns ``(train, test)``. Where there is a validation part too, it lies
in ``train``, marked, and ``train.split()`` gives it back.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from thin_mini.basics.kinds import checked
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.fer import AFFECTNET, EXPW, FER2013, RAF_DB
from thin_mini.data.photos.folders import (
    check_column,
    folders_in,
    look,
    read_table,
    title,
)
from thin_mini.data.photos.layouts import (
    SPLITS,
    DataSet,
    Layout,
    any_of,
    class_folders,
    holds,
    places,
)
from thin_mini.data.photos.listing import (
    Listing,
    Parts,
    test_only,
    train_and_test,
)
from thin_mini.data.photos.pairs import PAIRS, face_pairs
from thin_mini.files import DataError, regular_file

__all__ = [
    "LAYOUTS", "face_csv", "face_folder", "face_pairs", "open_faces", "open_test",
]  # fmt: skip

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
CALLED: dict[str, int | None] = {
    name: i for i, e in enumerate(EXPRESSIONS) for name in NAMES[e]
}
CALLED["contempt"] = None  # not among the seven: left out and counted
# An identity that says that it is not known.
UNKNOWN = {"", "-1", "?", "na", "n/a", "<na>", "nan", "none", "null", "unknown"}


@checked
def face_folder(root: str | Path, seed: int = 0) -> Parts:
    """A folder for each expression, such as ``happiness``, ``Happy`` or ``3_happy``.

    Args:
        root: Holds these folders; or ``train``, ``test`` and perhaps ``valid`` with
            these folders in them. Without ``test``, ``valid`` is for tests.
        seed: Draws the 80/20 split where there is none.

    Returns:
        ``(train, test)``; who is who is unknown. Folders called contempt, files that
        are no pictures of a kind that Pillow reads, and hidden ones are left out.

    Raises:
        DataError: If a folder's name is no expression, or a folder holds no picture;
            if a picture is in both parts.
    """
    return train_and_test(FOLDER.listing(root), seed)


def _folder(root: Path, sign: Path) -> Listing:
    return class_folders(root, CALLED)


def _class_folder(root: Path) -> Path | None:
    """A folder called after an expression, or one in the folder of a part."""
    found = [f for part in _parts(root) for f in folders_in(part)]
    return found[0] if found else look(root, *CALLED, *(f"[0-9]*{n}" for n in CALLED))


def _parts(root: Path) -> list[Path]:
    return [f for f in folders_in(root) if f.name.lower() in SPLITS]


@checked
def face_csv(file: str | Path, seed: int = 0) -> Parts:
    """A table of pictures of your own.

    Args:
        file: With the columns ``path`` (from the table's folder), ``expression``, and
            perhaps ``identity`` and ``split`` (train, valid or test).
        seed: Draws the 80/20 split where there is none; nobody is on both sides.

    Returns:
        ``(train, test)``.

    Raises:
        DataError: If a column or a value is missing or wrong, or pictures are absent;
            if a picture is in both parts.
    """
    return train_and_test(_csv(Path(file)), seed)


def _csv(file: Path) -> Listing:
    rows = read_table(file, ("path", "expression"), ("identity", "split"))
    check_column(file, rows["path"], rows["path"] != "", "fill it in, or drop the row")
    said = rows["expression"].str.lower()
    mend = f"take one of {', '.join(CALLED)}"
    check_column(file, rows["expression"], said.isin(CALLED), mend)
    table = pd.DataFrame({"path": rows["path"], "target": said.map(CALLED)})
    if "split" in rows:
        table["split"] = rows["split"].str.lower().map(SPLITS)
        check_column(
            file, rows["split"], table["split"].notna(), "take train, valid or test"
        )
    people: tuple[str, ...] = ()
    if "identity" in rows:
        known = ~rows["identity"].str.lower().isin(UNKNOWN)
        mend = "fill it in, or drop the column: all are known, or none"
        check_column(file, rows["identity"], known, mend)
        table["identity"], names = pd.factorize(rows["identity"], sort=True)
        people = tuple(names)
    seven = table["target"].notna()
    skipped = Counter(said[~seven])
    return Listing(title(file), file.parent, table[seven], skipped, people)


@checked
def open_faces(
    root: str | Path, layout: str = "auto", seed: int = 0, twins: str = "refuse"
) -> Parts:
    """Read a data set of faces in any layout that is known here.

    Args:
        root: Its folder, or one that holds nothing else, or its table or list.
        layout: One of ``LAYOUTS``, or ``"auto"``: the one whose signs are there.
        seed: Draws the split of those that have none.
        twins: ``"refuse"`` a data set with the same picture in two parts, or
            ``"drop"`` it from the earlier of training, validation and test.

    Returns:
        ``(train, test)``.

    Raises:
        ValueError: If there is no such layout.
        DataError: If none or several are recognised, or the reader finds a fault.
    """
    return train_and_test(_listing(Path(root), layout), seed, twins)


@checked
def open_test(root: str | Path, layout: str = "auto") -> FaceFiles:
    """The pictures of a data set that a trained model is measured on.

    Args:
        root: As in :func:`open_faces`. A training part need not be there.
        layout: As there.

    Returns:
        The test part; where there is none the validation part; and of a data set
        without parts all pictures.

    Raises:
        ValueError: If there is no such layout.
        DataError: As there, or if there are pictures for training only.
    """
    return test_only(_listing(Path(root), layout))


def _listing(root: Path, layout: str) -> Listing:
    if layout not in ("auto", *LAYOUTS):
        raise ValueError(f"layout must be auto, {', '.join(LAYOUTS)}; got {layout!r}")
    if not root.exists():
        raise DataError(f"there is no {root}: name the folder of the data set")
    if not root.is_dir():
        regular_file(root)  # or an error
    if layout == "csv" and root.is_file():
        return _csv(root)
    if layout != "auto":
        return LAYOUTS[layout].listing(root)
    for place in places(root):
        file = root if root.is_file() else None
        reads = {name: known.found(place, file) for name, known in LAYOUTS.items()}
        found = {name: read for name, read in reads.items() if read is not None}
        if len(found) > 1:  # a list says more than the names of folders
            found.pop("folder", None)
        if len(found) == 1:
            return next(iter(found.values()))()
        if found:
            raise _unclear(root, f"several layouts ({', '.join(found)})")
    if root.is_file() and root.name.lower() not in PAIRS:
        return _csv(root)
    raise _unclear(root, "no known layout")


def _unclear(root: Path, seen: str) -> DataError:
    needs = "; ".join(f"{name}: {known.needs}" for name, known in LAYOUTS.items())
    pairs = root if root.is_file() else look(root, *PAIRS)
    return DataError(
        f"{root} {holds(root)}: {seen}. Correct the folder or pass layout=. They need "
        f"{needs}"
        + (f". For {pairs.name} there is tm.data.face_pairs" if pairs else "")
    )


CSV = DataSet(
    "a table of faces",
    (
        Layout(
            any_of("faces.csv"),
            lambda root, file: _csv(file),
            "faces.csv with the columns path and expression",
        ),
    ),
)
FOLDER = DataSet(
    "a folder of faces",
    (
        Layout(
            _class_folder,
            _folder,
            f"folders called {', '.join(EXPRESSIONS)}, or train and test with these "
            "inside",
        ),
    ),
)
LAYOUTS = {
    "raf-db": RAF_DB, "affectnet": AFFECTNET, "expw": EXPW, "fer2013": FER2013,
    "csv": CSV, "folder": FOLDER,
}  # fmt: skip
