"""What recipes and runs take and find, from the committed results."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from thin_mini.lab.plans import Recipe
from thin_mini.lab.recipes import committed_rows, rows_of
from thin_mini.lab.results import read, table
from thin_mini.lab.runs import Run, all_runs

RESULT_BYTES = 4_096  # a block of the disk
CORES = 2  # of the machine that minutes are told of
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
    for run in all_runs(committed_rows()):
        if (result := read(run, committed)) is not None:
            own[run.hash] = result
            for kind in _kinds(run):
                took = result["seconds"] / run.cost, result["parameters"]
                kinds[kind].append(took)
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


class Head(NamedTuple):
    """What stands over a recipe on one data set: of its runs how many are committed,
    the minutes that these took on two cores, and the result that says most, in words.
    """

    command: str
    made: int
    runs: int
    minutes: float
    headline: str


def head(recipe: Recipe, data: str, committed: Path) -> Head:
    """A recipe's command, cost and headline result, from the committed runs."""
    rows = rows_of(recipe.name, data, 5, "paper", "mnist")
    found = [read(run, committed) for run in all_runs(rows)]
    made = [result for result in found if result]
    row = [row for row in rows if re.match(recipe.headline, row.name)][-1]
    line = table(rows, committed).loc[row.name]
    about, mean, half = row.name, f"{line['mean']:.2f}", line["half"]
    if row.reference:
        about = f"{row.name} less {row.reference}"
        mean, half = f"{line['difference']:+.2f}", line["difference_half"]
    return Head(
        command=f"thin-mini reproduce {recipe.name} --data {data}",
        made=len(made),
        runs=len(found),
        minutes=sum(result["seconds"] for result in made) / 60 / CORES,
        headline="" if math.isnan(half) else f"{about}: {mean} ± {half:.2f}",
    )
