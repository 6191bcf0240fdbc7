"""What runs will take, from the committed results of their kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from thin_mini.recipes import RECIPES, rows_of
from thin_mini.result_files import read
from thin_mini.runs import Run, all_runs

RESULT_BYTES = 4_096  # a block of the disk
Kind = tuple[str, ...]


def estimate(runs: Sequence[Run], committed: Path) -> tuple[float, int]:
    """Seconds of one core and bytes on disk that runs will take.

    A run that is committed takes what it took; another, by its images and passes, the
    median of its kind: the same data and architecture, else the same data, else any.

    Args:
        runs: What is to be made.
        committed: The folder of the committed results.
    """
    own: dict[str, dict[str, Any]] = {}
    kinds: dict[Kind, list[tuple[float, int]]] = defaultdict(list)
    for run, result in _committed(committed):
        own[run.hash] = result
        for kind in _kinds(run):
            kinds[kind].append((result["seconds"] / run.cost, result["parameters"]))
    seconds, size = 0.0, 0
    for run in runs:
        alike = next((kinds[kind] for kind in _kinds(run) if kind in kinds), [])
        if run.hash in own:
            seconds += own[run.hash]["seconds"]
        elif alike:
            seconds += run.cost * median(rate for rate, _ in alike)
        size += RESULT_BYTES
        if run.model == "network" and alike:  # its weights, in the cache
            size += 4 * round(median(parameters for _, parameters in alike))
    return seconds, size


def _kinds(run: Run) -> tuple[Kind, Kind, Kind]:
    return (run.data, run.model), (run.data,), ()


def _committed(root: Path) -> Iterator[tuple[Run, dict[str, Any]]]:
    rows = [
        row
        for recipe, sets in RECIPES.items()
        for data in sets
        for row in rows_of(recipe, data, 5, "paper", "mnist")
    ]
    for run in all_runs(rows):
        if (result := read(run, root)) is not None:
            yield run, result
