"""The published data sets of expressions, in the layouts that they come in.

None is shipped or downloaded: each reader says what it needs, where that is asked
for, and under which terms (section 4.2).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torchvision.datasets import FER2013

from thin_mini.data.face_files import FaceFiles
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.listing import Parts, read_table, train_and_test
from thin_mini.data.store import DataError

EXPW_CONFIDENCE = 60  # faces above it are kept (section 4.2)


def _ids(expressions: str, first: int) -> dict[int, int]:
    """A data set's numbers for the expressions, and their places in EXPRESSIONS."""
    places = map(EXPRESSIONS.index, expressions.split())
    return dict(enumerate(places, first))


RAF_DB_IDS = _ids("surprise fear disgust happiness sadness anger neutral", 1)
AFFECTNET_IDS = _ids("neutral happiness sadness surprise fear disgust anger", 0)
AFFECTNET_OTHERS = {7: "contempt", 8: "no expression", 9: "uncertain", 10: "no face"}
EXPW_IDS = FER2013_IDS = _ids(
    "anger disgust fear happiness sadness surprise neutral", 0
)
AFFECTNET_COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height",
    "facial_landmarks", "expression", "valence", "arousal",
)  # fmt: skip

WHERE = {
    "RAF-DB": "for non-commercial research, on request from its authors (Li, Deng and "
    "Du, CVPR 2017): http://www.whdeng.cn/RAF/model1.html",
    "AffectNet": "for research only, to heads of laboratories and professors who sign "
    "an agreement: http://mohammadmahoor.com/affectnet/",
    "ExpW": "with its terms, from "
    "https://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html",
    "FER2013": "under the rules of Kaggle's 'Challenges in Representation Learning: "
    "Facial Expression Recognition Challenge', to those who accept them",
}


def raf_db(root: str | Path) -> Parts:
    """RAF-DB, basic expressions, aligned: 12,271 and 3,068 images.

    Args:
        root: The folder with ``basic/EmoLabel/list_patition_label.txt`` and
            ``basic/Image/aligned``, or ``basic`` itself.

    Returns:
        ``(train, test)``, the official split; who is who is unknown.

    Raises:
        DataError: If a piece is missing, a label is odd, or pictures are absent.
    """
    root = Path(root)
    root = root / "basic" if (root / "basic").is_dir() else root
    # The data set's own readme spells the name both ways.
    labels = root / "EmoLabel" / "list_patition_label.txt"
    other = root / "EmoLabel" / "list_partition_label.txt"
    labels = other if other.is_file() else labels
    _need("RAF-DB", labels, root / "Image" / "aligned")
    rows = []
    for number, line in _lines(labels):
        match = re.fullmatch(r"((train|test)_\w+)\.jpg\s+([1-7])", line)
        if match is None:
            raise DataError(
                f"{labels}, line {number}: {line!r} is not 'train_00001.jpg 5' with a "
                "basic expression, 1 to 7: take the list of the basic set"
            )
        name, split, label = match.groups()
        rows.append(
            (f"Image/aligned/{name}_aligned.jpg", RAF_DB_IDS[int(label)], split)
        )
    table = pd.DataFrame(rows, columns=["path", "target", "split"])
    return train_and_test("RAF-DB", root, table)


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
    root = Path(root)
    if (root / "train_set").is_dir():
        lists = [
            _affectnet_npy(root, folder).assign(split=split)
            for folder, split in (("train_set", "train"), ("val_set", "test"))
        ]
        images = root
    else:
        folder = root / "Manually_Annotated_file_lists"
        folder = folder if folder.is_dir() else root
        files = folder / "training.csv", folder / "validation.csv"
        _need("AffectNet", *files)
        lists = [
            _affectnet_csv(file).assign(split=split)
            for file, split in zip(files, ("train", "test"), strict=True)
        ]
        inner = ("Manually_Annotated_Images", "Manually_Annotated")
        places = (root / inner[0], root / inner[1] / inner[0], root / inner[1], root)
        images = next(place for place in places if place.is_dir())
    table = pd.concat(lists, ignore_index=True)
    skipped = Counter(table["expression"].map(AFFECTNET_OTHERS).dropna())
    table = table[table["expression"].isin(AFFECTNET_IDS)]
    table = table.assign(target=table["expression"].map(AFFECTNET_IDS))
    if "left" in table:
        boxed = (table["right"] > table["left"]) & (table["bottom"] > table["top"])
        if not boxed.all():
            skipped["no face box"] = int((~boxed).sum())
        table = table[boxed]
    return train_and_test("AffectNet", images, table, skipped)


def _affectnet_csv(file: Path) -> pd.DataFrame:
    """One list of the first layout; the official validation list has no header."""
    path, *box = AFFECTNET_COLUMNS[:5]
    _, first = next(_lines(file), (0, ""))
    names = None if path in first else AFFECTNET_COLUMNS
    rows = read_table(file, (path, *box, "expression"), names=names)
    said = rows["expression"]
    number = pd.to_numeric(said, errors="coerce")
    wrong = ~number.isin([*AFFECTNET_IDS, *AFFECTNET_OTHERS])
    if wrong.any():
        raise DataError(
            f"{file}: the expression {said[wrong].iloc[0]!r} of "
            f"{rows[path][wrong].iloc[0]} is none of 0 to 10: take the official list"
        )
    # Where no face was found there is no number either: an empty box.
    x, y, width, height = (
        pd.to_numeric(rows[c], errors="coerce").fillna(0).astype(int) for c in box
    )
    table = pd.DataFrame({"path": rows[path], "expression": number.astype(int)})
    return table.assign(left=x, top=y, right=x + width, bottom=y + height)


def _affectnet_npy(root: Path, folder: str) -> pd.DataFrame:
    """One half of the second layout, where each image has files of its own."""
    _need("AffectNet", *(root / folder / part for part in ("images", "annotations")))
    rows = []
    for file in (root / folder / "annotations").glob("*_exp.npy"):
        try:
            label = int(np.load(file, allow_pickle=False).item())
        except (OSError, EOFError, ValueError) as error:
            raise DataError(
                f"{file} holds no number ({error}): fetch it again"
            ) from error
        if label not in AFFECTNET_IDS and label not in AFFECTNET_OTHERS:
            raise DataError(f"{file} holds {label}, but expressions go from 0 to 10")
        name = file.name.removesuffix("_exp.npy")
        rows.append((f"{folder}/images/{name}.jpg", label))
    if not rows:
        raise DataError(f"no *_exp.npy in {root / folder / 'annotations'}: unpack it")
    rows.sort(key=lambda row: (len(row[0]), row[0]))  # 9 before 10
    return pd.DataFrame(rows, columns=["path", "expression"])


def expw(root: str | Path, seed: int = 0) -> Parts:
    """ExpW, the faces found with a confidence above 60 (section 4.2).

    Args:
        root: The folder with ``label/label.lst`` and ``image/origin``.
        seed: Draws the split. There is no official one; the paper's is 80/20 and so
            is ours, with all faces of one photograph on the same side.

    Returns:
        ``(train, test)``, with boxes; who is who is unknown.

    Raises:
        DataError: If a piece is missing, a line is odd, or pictures are absent.
    """
    root = Path(root)
    labels = root / "label" / "label.lst"
    _need("ExpW", labels, root / "image" / "origin")
    rows, skipped = [], Counter[str]()
    for number, line in _lines(labels):
        try:
            # A photograph's name may hold spaces, so count from the right.
            name, _, top, left, right, bottom, confidence, label = line.rsplit(
                maxsplit=7
            )
            if float(confidence) <= EXPW_CONFIDENCE:
                skipped[f"confidence ≤ {EXPW_CONFIDENCE}"] += 1
                continue
            box = int(left), int(top), int(right), int(bottom)
            rows.append((f"image/origin/{name}", EXPW_IDS[int(label)], *box))
        except (ValueError, KeyError) as error:
            raise DataError(
                f"{labels}, line {number}: {line!r} is not a name, a face's number, "
                "its top, left, right and bottom, a confidence and an expression, 0 to "
                "6: fetch the list again"
            ) from error
    columns = ["path", "target", "left", "top", "right", "bottom"]
    return train_and_test(
        "ExpW", root, pd.DataFrame(rows, columns=columns), skipped, seed
    )


def fer2013(root: str | Path) -> Parts:
    """FER2013: 28,709 and 7,178 grey images of 48×48, which torchvision checks.

    They come in one table, so the list holds the pixels instead of files.

    Args:
        root: The folder with ``fer2013/fer2013.csv`` or ``fer2013/icml_face_data.csv``
            (Kaggle's train.csv alone has no test labels).

    Returns:
        ``(train, test)``, the official training part, and both test parts; who is who
        is unknown.

    Raises:
        DataError: If the table is missing or not the official one.
    """
    root = Path(root)
    root = root.parent if root.name == "fer2013" else root
    tables = [root / "fer2013" / n for n in ("fer2013.csv", "icml_face_data.csv")]
    if not any(table.is_file() for table in tables):
        _need("FER2013", tables[0])
    parts = []
    for split in ("train", "test"):
        try:
            rows = FER2013(root, split)
        except RuntimeError as error:  # torchvision's word for a wrong checksum
            raise DataError(f"FER2013: {error}") from error
        pixels = np.stack([np.asarray(image) for image, _ in rows])
        parts.append(
            FaceFiles(
                root=root,
                paths=tuple(f"{split}/{i:05d}" for i in range(len(rows))),
                target=torch.tensor([FER2013_IDS[label] for _, label in rows]),
                identity=torch.full((len(rows),), -1),
                people=(),
                name="FER2013",
                pixels=torch.from_numpy(pixels),
            )
        )
    return parts[0], parts[1]


def _need(name: str, *paths: Path) -> None:
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise DataError(
            f"{name} needs {' and '.join(missing)}. It is given {WHERE[name]}"
        )


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is no text that can be read ({error})") from error
