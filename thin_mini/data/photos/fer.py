"""Photographs of faces on disk, opened: published data sets and the reader's own.

None is shipped or downloaded: each reader says what it needs, where that is asked
for, and under which terms (section 4.2). Every one returns ``(train, test)``. Where
there is a validation part too, it lies in ``train``, marked, and ``train.split()``
gives it back.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from thin_mini.basics.checks import Seed, one_of
from thin_mini.basics.kinds import checked
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.folders import holds, look
from thin_mini.data.photos.layouts import CSV, FOLDER, DataSet, places, read_csv
from thin_mini.data.photos.listing import Listing, Parts, test_only, train_and_test
from thin_mini.data.photos.pairs import PAIRS
from thin_mini.data.photos.published import AFFECTNET, EXPW, FER2013, RAF_DB
from thin_mini.files import DataError, regular_file

LAYOUTS = {
    "raf-db": RAF_DB, "affectnet": AFFECTNET, "expw": EXPW, "fer2013": FER2013,
    "csv": CSV, "folder": FOLDER,
}  # fmt: skip
LayoutName = Annotated[str, one_of("auto", *LAYOUTS)]
Twins = Annotated[str, one_of("refuse", "drop")]


@checked
def open_faces(
    root: str | Path,
    layout: LayoutName = "auto",
    seed: Seed = 0,
    twins: Twins = "refuse",
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
def open_test(root: str | Path, layout: LayoutName = "auto") -> FaceFiles:
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
    """What the files of the one data set name that lies there in a layout."""
    if not root.exists():
        raise DataError(f"there is no {root}: name the folder of the data set")
    file = root if not root.is_dir() and regular_file(root) else None
    sets = LAYOUTS if layout == "auto" else {layout: LAYOUTS[layout]}
    for place in places(root):
        asked = {name: known.found(place, file) for name, known in sets.items()}
        found = {name: answer for name, answer in asked.items() if answer}
        if len(found) > 1:  # a list says more than the names of folders
            found.pop("folder", None)
        if len(found) > 1:
            raise _unclear(root, sets, f"several layouts ({', '.join(found)})")
        for name, (read, sign) in found.items():
            return replace(read(place, sign), mend=sets[name].mend)
    any_name = layout == "csv" or root.name.lower() not in PAIRS
    if file and "csv" in sets and any_name:
        return read_csv(root, file)
    raise _unclear(root, sets, "no known layout")


def _unclear(root: Path, sets: dict[str, DataSet], seen: str) -> DataError:
    mend = "".join(f"not recognised, since {known.mend}" for known in sets.values())
    if len(sets) > 1:
        needs = "; ".join(f"{name}: {known.needs}" for name, known in sets.items())
        mend = f"{seen}. Correct the folder or pass layout=. They need {needs}"
    pairs = root if root.is_file() else look(root, *PAIRS)
    hint = f". For {pairs.name} there is tm.data.face_pairs" if pairs else ""
    return DataError(f"{root} {holds(root)}: {mend}{hint}")


def raf_db(root: str | Path) -> Parts:
    """RAF-DB, basic expressions, aligned: 12,271 and 3,068 images.

    Args:
        root: The folder with ``EmoLabel/list_patition_label.txt`` and
            ``Image/aligned``, in ``basic`` or not; or with ``train/1`` to ``train/7``
            and ``test/1`` to ``test/7``.

    Returns:
        ``(train, test)``, the official split; who is who is unknown.

    Raises:
        DataError: If a piece is missing, a label is odd, or pictures are absent.
    """
    return open_faces(root, "raf-db")


def affectnet(root: str | Path) -> Parts:
    """AffectNet, seven expressions, in either of the two layouts it was given out in.

    Contempt and what shows no expression or no face are left out and counted.

    Args:
        root: The folder with ``training.csv`` and ``validation.csv`` (or with
            ``Manually_Annotated_file_lists`` that holds them) beside the images or
            their folder ``Manually_Annotated_Images``; or with ``train_set`` and
            ``val_set``, each of which holds ``images`` and ``annotations``.

    Returns:
        ``(train, test)``; the test images are the official validation set, because
        the test set was never published (the paper too has 3,500). With boxes in
        the first layout, whose pictures are whole; those of the second are cut.

    Raises:
        DataError: If a piece is missing, a label is odd, or pictures are absent.
    """
    return open_faces(root, "affectnet")


def expw(root: str | Path, seed: int = 0) -> Parts:
    """ExpW, the faces found with a confidence above 60 (section 4.2).

    Args:
        root: The folder with ``label/label.lst`` and ``image/origin``, or with
            ``label.lst`` and the photographs.
        seed: Draws the split. There is no official one; the paper's is 80/20 and so
            is ours, with all faces of one photograph on the same side.

    Returns:
        ``(train, test)``, with boxes; who is who is unknown.

    Raises:
        DataError: If a piece is missing, a line is odd, or pictures are absent.
    """
    return open_faces(root, "expw", seed)


def fer2013(root: str | Path, seed: int = 0) -> Parts:
    """FER2013: 28,709 and 7,178 grey images of 48×48.

    They come in one table, so the list holds the pixels instead of files.

    Args:
        root: The folder with ``fer2013.csv``, ``icml_face_data.csv`` or ``train.csv``,
            or with a folder ``fer2013`` that holds one of them.
        seed: Draws a test part from ``train.csv``, the only table without one.

    Returns:
        ``(train, test)``, the official training part, and both test parts; who is who
        is unknown.

    Raises:
        DataError: If the table is missing or a row is odd.
    """
    return open_faces(root, "fer2013", seed)


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
    return open_faces(root, "folder", seed)


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
    return open_faces(file, "csv", seed)
