"""The rows of Table 4 from runs of ``thin-mini train``, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from thin_mini.basics.kinds import checked
from thin_mini.files import DataError
from thin_mini.lab import results
from thin_mini.large.presets import RESULT, STARTS
from thin_mini.large.run_folder import SHARED, read_result
from thin_mini.paper import FACE_LAMBDA, MODELS, NAMES, TABLE_4

FIRST = ("random", "imagenet")  # what the first row of Table 4 starts from

Key = tuple[str, str, float]  # model, start, λ


@checked
def compare_runs(root: Path) -> pd.DataFrame:
    """Lay finished runs side by side: a row for each model, start and λ.

    Args:
        root: A folder whose folders are the ``--out`` of runs that differ by model,
            start, λ and seed, and by nothing else.

    Returns:
        As :func:`thin_mini.lab.results.table`. Differences are paired by seed and taken
        to the baseline with the same start; a baseline's to one that knows no faces.

    Raises:
        DataError: If no run is finished, a file is damaged, two runs are one, or
            runs differ by more than that.
    """
    paths = sorted(root.glob(f"*/{RESULT}"))
    found = [{"path": path, **read_result(path.parent)} for path in paths]
    if not found:
        raise DataError(
            f"no folder in {root} holds a {RESULT}, with which `thin-mini train` ends"
        )
    first = found[0]
    runs: dict[Key, dict[int, dict[str, Any]]] = {}
    for run in found:
        for key in SHARED:
            if run[key] != first[key]:
                raise DataError(
                    f"{run['path']} has {key} {run[key]} and {first['path']} has "
                    f"{first[key]}: compare runs that differ by their model only"
                )
        seeds = runs.setdefault((run["model"], run["start"], run["dispel"]), {})
        twin = seeds.setdefault(run["seed"], run)
        if twin is not run:
            raise DataError(
                f"{run['path']} and {twin['path']} are one run: keep one of them there"
            )
    rows = _rows(sorted(runs, key=_place), first["data"], first["encoder"])
    tests = {
        row.name: {seed: run["test"] for seed, run in runs[key].items()}
        for key, row in rows.items()
    }
    table = results.tabulate(list(rows.values()), tests)
    for name, own in tests.items():
        if len(own) == 1:  # without an interval, and so without a verdict
            table.loc[name, "mean"] = next(iter(own.values()))
    return table


@checked
def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The same for the eye; a single seed stands alone, without an interval."""
    text = results.readable(table)
    single = table["seeds"] == 1
    text.loc[single, "ours"] = table.loc[single, "mean"].map("{:.2f}".format)
    return text


def _place(key: Key) -> tuple[bool, str, int, float]:
    """The order of Table 4."""
    model, start, dispel = key
    return start not in FIRST, start, MODELS.index(model), dispel


def _rows(keys: list[Key], data: str, encoder: str) -> dict[Key, results.Row]:
    """Rows with the paper's values, each held against the baseline that starts so."""
    names = {key: _name(*key) for key in keys}
    first, *papers = TABLE_4.get(data.partition(",")[0], [None] * 6)
    rows = {}
    for (model, start, dispel), name in names.items():
        paper, reference = None, None
        if model == "baseline" and start in FIRST:
            paper = first if start == "imagenet" else None
        else:
            starts = FIRST if model == "baseline" else (start,)
            known = (names.get(("baseline", other, 0.0)) for other in starts)
            reference = next(filter(None, known), None)
            if dispel == _usual(model) and start not in FIRST:
                paper = papers[MODELS.index(model)]
        rows[model, start, dispel] = results.Row(
            name, (), paper, reference=reference, comparable=encoder == "vgg16"
        )
    return rows


def _name(model: str, start: str, dispel: float) -> str:
    sweep = "" if dispel == _usual(model) else f", λ = {dispel:g}"
    return f"{NAMES[model]}, {STARTS[start]}{sweep}"


def _usual(model: str) -> float:
    """The paper's λ."""
    return FACE_LAMBDA if model == "thin" else 0.0
