"""What a trained run says of pictures: a row for each, and a figure of the first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.bars import progress_bar
from thin_mini.basics.kinds import checked
from thin_mini.data.photos.detect import cut_face
from thin_mini.data.photos.folders import walk
from thin_mini.data.photos.reading import is_picture, read_picture, with_bar
from thin_mini.files import DataError
from thin_mini.insight.plots import INK, WIDTH, show_image
from thin_mini.large.trained import TrainedRun

log = logging.getLogger("thin_mini")

BATCH = 32
MOST = 12  # pictures in a figure


@checked
def find_pictures(paths: Sequence[Path | str]) -> list[Path]:
    """Picture files, those of folders among them, each once and in order.

    Hidden files and folders are passed over.

    Raises:
        DataError: If a path does not exist or is no file, or a folder holds no picture.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_file():
            found[path] = None
        elif path.is_dir():
            files = [file for _, files in walk(path) for file in files]
            inside = [*filter(is_picture, with_bar(files, "recognising pictures"))]
            if not inside:
                raise DataError(f"{path} holds no picture: name a folder with some")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            raise DataError(f"{path} is neither a file nor a folder: name a picture")
        else:
            raise DataError(f"there is no {path}: name a picture, or a folder of some")
    return list(found)


@checked
def predict_pictures(
    run: TrainedRun, paths: Sequence[Path], whole: bool = False, progress: bool = True
) -> tuple[pd.DataFrame, Tensor]:
    """Read pictures one by one, cut out the face in each, and ask the model.

    Args:
        run: From :func:`thin_mini.load`.
        paths: Of the pictures. One that cannot be read is left out and said.
        whole: Take the whole picture even where OpenCV could find a face.
        progress: Whether to show a bar.

    Returns:
        A row for each picture that could be read: ``picture``; ``seen``, which is
        ``"face"`` or ``"whole"``; the ``expression`` that is most probable, the
        probability of each in 0..1, and the leaf weights ``leaf 1``, ... of a gate.
        And the first ``MOST`` images as the model saw them (n, 3, size, size).

    Raises:
        DataError: If no picture can be read.
    """
    rows: list[dict[str, object]] = []
    shown: list[Tensor] = []
    with progress_bar(len(paths), "reading faces", shown=progress) as bar:
        for start in range(0, len(paths), BATCH):
            images, seen = [], []
            for path in paths[start : start + BATCH]:
                bar.update()
                try:
                    picture = read_picture(path)
                except DataError as error:
                    log.warning("%s", error)
                    continue
                face = None if whole else _face(picture)
                images.append(run.prepare(picture if face is None else face))
                seen.append((path, "whole" if face is None else "face"))
            if images:
                rows += _rows(run, torch.stack(images), seen)
                shown += images[: MOST - len(shown)]
    if not rows:
        raise DataError("none of the pictures could be read: name others")
    return pd.DataFrame(rows), torch.stack(shown)


def _face(picture: Image.Image) -> Image.Image | None:
    """The face, or None where there is none or nothing to find it with."""
    try:
        return cut_face(picture)
    except ImportError:
        return None


def _rows(
    run: TrainedRun, images: Tensor, seen: Sequence[tuple[Path, str]]
) -> list[dict[str, object]]:
    answer = run.answer(images)
    rows = []
    for i, (path, how) in enumerate(seen):
        row: dict[str, object] = {"picture": str(path), "seen": how}
        row["expression"] = run.classes[int(answer.probabilities[i].argmax())]
        p = answer.probabilities[i].tolist()
        row |= dict(zip(run.classes, p, strict=True))
        if answer.leaves is not None:
            leaves = answer.leaves[i].tolist()
            row |= {f"leaf {n}": g for n, g in enumerate(leaves, 1)}
        rows.append(row)
    return rows


def finds_faces() -> bool:
    """Whether there is something to find faces with."""
    try:
        cut_face(Image.new("RGB", (32, 32)))
    except ImportError:
        return False
    return True


@checked
def readable(run: TrainedRun, table: pd.DataFrame) -> str:
    """A line for each picture; of a single one all probabilities and leaves."""
    if len(table) > 1:
        best = table[["picture", "seen", "expression"]].copy()
        numbers = table[list(run.classes)].max(axis=1)
        best["probability"] = numbers.map("{:.3f}".format)
        return best.to_string(index=False)
    row = table.iloc[0]
    order = sorted(run.classes, key=lambda name: -row[name])
    lines = [f"{row['picture']} ({row['seen']}): {row['expression']}"]
    lines += [f"  {name:<12}{row[name]:.3f}" for name in order]
    leaves = [name for name in table.columns if name.startswith("leaf ")]
    if leaves:
        lines.append("leaf weights: " + " ".join(f"{row[n]:.3f}" for n in leaves))
    return "\n".join(lines)


@checked
def figure(run: TrainedRun, table: pd.DataFrame, images: Tensor) -> Figure:
    """The first pictures, their probabilities, and the weights of the leaves.

    Args:
        run: What was asked.
        table: From :func:`predict_pictures`.
        images: As well.
    """
    checks.images("images", images)
    leaves = [name for name in table.columns if name.startswith("leaf ")]
    n, columns = len(images), 3 if leaves else 2
    fig, axes = plt.subplots(
        n, columns, figsize=(WIDTH, 1.8 * n), squeeze=False, layout="constrained"
    )
    for image, (_, row), line in zip(images, table.iterrows(), axes, strict=False):
        show_image(line[0], image)
        line[0].axis("off")
        line[0].set_title(Path(row["picture"]).name, fontsize=7)
        for ax, names in zip(line[1:], (list(run.classes), leaves), strict=False):
            ax.barh([str(name) for name in names], row[names].astype(float), color=INK)
            ax.set_xlim(0, 1)
            ax.invert_yaxis()
            ax.tick_params(labelsize=6)
    axes[0, 1].set_title("probability", fontsize=7)
    if leaves:
        axes[0, 2].set_title("weight of the leaf", fontsize=7)
    return fig


@checked
def caveats(run: TrainedRun) -> str:
    """What must be said beside every answer."""
    most = run.about["majority"]
    return (
        f"Read with care: this model learned from {run.about['data']}, whose labels "
        f"are noisy, as people often disagree on an expression. It gets "
        f"{run.about['test']:.1f} % of its own test pictures right, where always "
        f"saying {most['expression']} gets {most['accuracy']:.1f} %. It tells how a "
        "face looks to such labels, not what somebody feels, and is not for decisions "
        "about people."
    )
