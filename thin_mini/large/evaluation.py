"""A trained run measured on other pictures than those of its own test part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from thin_mini.basics import checks
from thin_mini.basics.kinds import checked
from thin_mini.data.photos.fer import open_faces, open_test
from thin_mini.data.photos.pairs import face_pairs
from thin_mini.data.photos.pictures import Pictures
from thin_mini.inference import embed
from thin_mini.insight.distances import Verification, pair_distances, verification
from thin_mini.large.expressions import measures
from thin_mini.large.scaling import predict
from thin_mini.large.trained import TrainedRun
from thin_mini.models import ExogenousNetwork


@checked
def evaluate_run(
    run: TrainedRun,
    folder: Path | str,
    layout: str = "auto",
    workers: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Measure a run on the test pictures of a data set, or on all if it has no parts.

    Of the data set that the run was trained on they are those that it has not seen.

    Args:
        run: From :func:`thin_mini.load`; its model is asked where it is.
        folder: As for :func:`thin_mini.data.open_test`.
        layout: As there.
        workers: Processes that read pictures.
        progress: Whether to show bars.

    Returns:
        ``data``, and what :func:`thin_mini.large.expressions.measures` gives.

    Raises:
        DataError: If the data set has no test pictures or a fault.
        ValueError: If there is no such layout.
    """
    checks.whole("workers", workers, 0)
    files = open_test(folder, layout)
    if run.about["data"].startswith(f"{files.name}, "):
        # Where no part is for tests, a fifth was kept for them and the rest is known.
        _, files = open_faces(folder, layout, twins="drop")
    files = files.readable(progress)
    pictures, label = Pictures(files, run.size), "testing" if progress else ""
    logits = predict(run.model, pictures, workers=workers, label=label)
    return {"data": files.source, **measures(logits, files.target)}


@checked
def verify_run(
    run: TrainedRun, place: Path | str, progress: bool = True
) -> dict[str, Verification]:
    """Whether the distance of two faces tells one person from two (Table 1).

    Args:
        run: From :func:`thin_mini.load`; its model is asked where it is.
        place: A table of pairs, or a folder with ``pairs.csv`` or LFW's ``pairs.txt``.
        progress: Whether to show bars.

    Returns:
        By the name of the representation: h_exo of the identity network where the run
        has one, and h_endo of its own.

    Raises:
        DataError: If there are no pairs there, or their table has a fault.
        ValueError: If one kind of pair has fewer than 10 of them.
    """
    pairs = face_pairs(place)
    first, second, same = pairs.load(run.size, progress=progress)
    parts = {"h_endo": run.model.encoder}
    if isinstance(run.model.context, ExogenousNetwork):
        parts = {"h_exo": run.model.context.encoder, **parts}
    found = {}
    for name, encoder in parts.items():
        a, b = (embed(encoder, images, 64) for images in (first, second))
        found[name] = verification(pair_distances(a, b), same)
    return found
