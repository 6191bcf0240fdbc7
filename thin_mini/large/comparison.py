"""The rows of Table 4 from runs of ``thin-mini train``, with intervals."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from thin_mini.basics.kinds import checked
from thin_mini.files import DataError
from thin_mini.lab import results
from thin_mini.large.run_folder import RESULT, SHARED, read_result
from thin_mini.large.settings import STARTS
from thin_mini.paper import FACE_LAMBDA, MODELS, NAMES, TABLE_4

FIRST = ("random", "imagenet")  # what the first row of Table 4 starts from


class _Kind(NamedTuple):
    """What runs have in common that differ by their seed alone: a row of the table."""

    model: str
    start: str
    dispel: float

    @property
    def usual(self) -> bool:
        """Whether λ is the paper's."""
        return self.dispel == (FACE_LAMBDA if self.model == "thin" else 0.0)

    @property
    def name(self) -> str:
        sweep = "" if self.usual else f", λ = {self.dispel:g}"
        return f"{NAMES[self.model]}, {STARTS[self.start]}{sweep}"

    @property
    def place(self) -> tuple[bool, str, int, float]:
        """The order of Table 4."""
        number = MODELS.index(self.model)
        return self.start not in FIRST, self.start, number, self.dispel


@checked
def compare_runs(root: Path) -> pd.DataFrame:
    """Lay finished runs side by side: a row for each model, start and λ.

    Args:
        root: A folder whose folders are the ``--out`` of runs that differ by model,
            start, λ and seed, and by nothing else.

    Returns:
        As :func:`thin_mini.lab.results.table`. Differences are paired by seed and taken
        to the baseline with the same start; a baseline's to one that knows no faces.
        A single seed has its accuracy as the mean, and neither interval nor verdict.

    Raises:
        DataError: If no run is finished, a file is damaged, two runs are one, or
            runs differ by more than that.
    """
    runs = {path: read_result(path.parent) for path in sorted(root.glob(f"*/{RESULT}"))}
    if not runs:
        raise DataError(
            f"no folder in {root} holds a {RESULT}, with which `thin-mini train` ends"
        )
    first, like = next(iter(runs.items()))
    found: dict[_Kind, dict[int, Path]] = defaultdict(dict)
    for path, run in runs.items():
        for key in SHARED:
            if run[key] != like[key]:
                raise DataError(
                    f"{path} has {key} {run[key]} and {first} has {like[key]}: "
                    "compare runs that differ by their model only"
                )
        kind = _Kind(run["model"], run["start"], run["dispel"])
        twin = found[kind].setdefault(run["seed"], path)
        if twin != path:
            raise DataError(f"{path} and {twin} are one run: keep one of them there")
    kinds = sorted(found, key=lambda kind: kind.place)
    tests = {
        kind.name: {seed: runs[path]["test"] for seed, path in found[kind].items()}
        for kind in kinds
    }
    table = results.tabulate(_rows(kinds, like["data"], like["encoder"]), tests)
    for name, own in tests.items():
        if len(own) == 1:
            table.loc[name, "mean"] = next(iter(own.values()))
    return table


def _rows(kinds: list[_Kind], data: str, encoder: str) -> list[results.Row]:
    """Rows with the paper's values, each held against the baseline that starts so."""
    first, *papers = TABLE_4.get(data.partition(",")[0], [None] * 6)
    rows = []
    for kind in kinds:
        paper = papers[MODELS.index(kind.model)] if kind.usual else None
        starts: tuple[str, ...] = (kind.start,)
        if kind.model == "baseline":
            starts = () if kind.start in FIRST else FIRST
        if kind.start in FIRST:
            paper = first if kind[:2] == ("baseline", "imagenet") else None
        baselines = [_Kind("baseline", start, 0.0) for start in starts]
        known = [other.name for other in baselines if other in kinds]
        reference, level = known[0] if known else None, encoder == "vgg16"
        row = results.Row(kind.name, (), paper, reference=reference, comparable=level)
        rows.append(row)
    return rows
