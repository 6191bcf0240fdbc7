"""What a trained run says of pictures: a row for each, and a figure of the first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.bars import progress_bar
from thin_mini.basics.kinds import checked
from thin_mini.data.photos.detect import cut_face, detector
from thin_mini.data.photos.folders import walk
from thin_mini.data.photos.reading import is_picture, read_picture, with_bar
from thin_mini.files import DataError
from thin_mini.insight.plots import INK, WIDTH, show_image
from thin_mini.large.trained import TrainedRun

log = logging.getLogger("thin_mini")

MOST = 12  # pictures in a figure


@checked
def find_pictures(paths: Sequence[Path | str]) -> list[Path]:
    """Picture files, those of folders among them, each once and in order.

    Hidden files and folders are passed over.

    Raises:
        DataError: If a path does not exist or is no file, or a folder holds no picture.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files = [file for _, files in walk(path) for file in files]
            inside = [*filter(is_picture, with_bar(files, "recognising pictures"))]
            if not inside:
                raise DataError(f"{path} holds no picture: name a folder with some")
            found += inside
        elif path.is_file():
            found.append(path)
        elif path.exists():
            raise DataError(f"{path} is neither a file nor a folder: name a picture")
        else:
            raise DataError(f"there is no {path}: name a picture, or a folder of some")
    return list(dict.fromkeys(found))


@checked
def predict_pictures(
    run: TrainedRun, paths: Sequence[Path], whole: bool = False, progress: bool = True
) -> tuple[pd.DataFrame, Tensor]:
    """Read pictures one by one, cut out the face in each, and ask the model.

    Args:
        run: From :func:`thin_mini.load`.
        paths: Of the pictures. One that cannot be read is left out and said.
        whole: Take the whole picture even where OpenCV could find a face. Without
            OpenCV that is said and done.
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
    if not whole:
        try:
            detector()
        except ImportError as error:
            log.warning("whole pictures are taken: %s", error)
            whole = True
    with progress_bar(len(paths), "reading faces", shown=progress) as bar:
        for path in paths:
            bar.update()
            try:
                picture = read_picture(path)
            except DataError as error:
                log.warning("%s", error)
                continue
            face = None if whole else cut_face(picture)
            image = run.prepare(picture if face is None else face)
            probabilities, leaves = run.answer(image[None])
            p = dict(zip(run.classes, probabilities[0].tolist(), strict=True))
            row: dict[str, object] = {"picture": str(path)}
            row["seen"] = "whole" if face is None else "face"
            row |= {"expression": max(p, key=p.__getitem__), **p}
            if leaves is not None:
                row |= {f"leaf {n}": g for n, g in enumerate(leaves[0].tolist(), 1)}
            rows.append(row)
            if len(shown) < MOST:
                shown.append(image)
    if not rows:
        raise DataError("none of the pictures could be read: name others")
    return pd.DataFrame(rows), torch.stack(shown)


@checked
def readable(run: TrainedRun, table: pd.DataFrame) -> str:
    """A line for each picture; of a single one all probabilities and leaves."""
    p = table[list(run.classes)]
    if len(table) > 1:
        best = table[["picture", "seen", "expression"]]
        best = best.assign(probability=p.max(axis=1).map("{:.3f}".format))
        return best.to_string(index=False)
    row, ordered = table.iloc[0], p.iloc[0].sort_values(ascending=False, kind="stable")
    lines = [f"{row['picture']} ({row['seen']}): {row['expression']}"]
    lines += [f"  {name:<12}{value:.3f}" for name, value in ordered.items()]
    if leaves := _leaves(table):
        lines.append("leaf weights: " + " ".join(f"{row[n]:.3f}" for n in leaves))
    return "\n".join(lines)


def _leaves(table: pd.DataFrame) -> list[str]:
    """The columns with the weights of a gate; none from a baseline."""
    return [*table.filter(regex=r"^leaf \d+$")]


@checked
def figure(run: TrainedRun, table: pd.DataFrame, images: Tensor) -> Figure:
    """The first pictures, their probabilities, and the weights of the leaves.

    Args:
        run: What was asked.
        table: From :func:`predict_pictures`.
        images: As well.
    """
    checks.images("images", images)
    bars = {"probability": list(run.classes), "weight of the leaf": _leaves(table)}
    bars = {title: names for title, names in bars.items() if names}
    n, size = len(images), (WIDTH, 1.8 * len(images))
    fig, axes = plt.subplots(
        n, 1 + len(bars), figsize=size, squeeze=False, layout="constrained"
    )
    for line, image, (_, row) in zip(axes, images, table.iterrows(), strict=False):
        show_image(line[0], image)
        line[0].axis("off")
        line[0].set_title(Path(row["picture"]).name, fontsize=7)
        for ax, names in zip(line[1:], bars.values(), strict=True):
            values = row[names[::-1]].astype(float)  # the first name on top
            values.plot.barh(ax=ax, xlim=(0, 1), fontsize=6, color=INK)
    for ax, title in zip(axes[0, 1:], bars, strict=True):
        ax.set_title(title, fontsize=7)
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
