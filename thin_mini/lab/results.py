"""Tables made from measured runs, and verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from thin_mini.basics.intervals import mean_interval
from thin_mini.basics.kinds import check_columns, checked
from thin_mini.lab.recipes import committed_rows, row_of, rows_of
from thin_mini.lab.result_files import MEND, ResultError, default_folder, path_of, read
from thin_mini.lab.result_files import check_folder as check_folder
from thin_mini.lab.result_files import write as write
from thin_mini.lab.rows import Row, Run, all_runs
from thin_mini.lab.verdicts import MANY, SCALES, judge, judge_level, smallest_effect

if TYPE_CHECKING:
    import pandas as pd

SEEDS = 5  # fewer give no verdict in the ledger
RESULT_BYTES = 4_096  # a block of the disk
# The means of a table, and where half the width of their 95 % intervals stands.
HALVES = {"mean": "half", "difference": "difference_half", "beside": "beside_half"}
NUMBERS = [
    *("mean", "half", "seeds", "difference", "difference_half", "paper_difference"),
    *("verdict", "beside", "beside_half", "gate_sees"),
]  # of a table


@checked
def values(row: Row, root: Path | None = None) -> dict[int, float]:
    """The row's number for every seed that has been run."""
    root = default_folder() if root is None else root
    numbers = {}
    for run in row.runs:
        result = read(run, root)
        if result is None:
            continue
        if row.metric not in result["metrics"]:
            raise ResultError(f"{path_of(run, root)} lacks {row.metric}: {MEND}")
        numbers[run.seed] = result["metrics"][row.metric]
    return numbers


@checked
def paired(ours: dict[int, float], reference: dict[int, float]) -> list[float]:
    """Differences of two rows, seed by seed; seeds that only one has are left out."""
    return [ours[seed] - reference[seed] for seed in sorted(ours.keys() & reference)]


@checked
def table(rows: Sequence[Row], root: Path | None = None) -> pd.DataFrame:
    """Paper and ours, row by row, with the verdict; empty where runs are missing.

    Returns:
        Columns ``paper``, ``mean``, ``half`` (of the 95 % interval), ``seeds``,
        ``difference`` and ``difference_half`` (to the reference row, paired by seed),
        ``paper_difference``, ``verdict``, ``beside`` and ``beside_half`` (the
        difference to the row that stands beside it, the simple ensemble),
        ``gate_sees``, and those of the rows' groups.
    """
    root = default_folder() if root is None else root
    return tabulate(rows, {row.name: values(row, root) for row in rows})


@checked
def tabulate(rows: Sequence[Row], numbers: dict[str, dict[int, float]]) -> pd.DataFrame:
    """The same from each row's numbers by seed, wherever they come from."""
    import pandas as pd  # slow to import, and a verdict needs none

    papers = {row.name: row.paper for row in rows}
    lines = []
    for row in rows:
        own = numbers[row.name]
        found = {"mean": list(own.values())}
        for name, than in (("difference", row.reference), ("beside", row.beside)):
            found[name] = paired(own, numbers.get(than or "", {}))
        line: dict[str, Any] = {"row": row.name, **row.group, "paper": row.paper}
        line |= {
            "seeds": len(own),
            "gate_sees": row.runs[0].gate_sees if row.runs else "",
        }
        for name, values in found.items():
            if len(values) > 1:
                line[name], line[HALVES[name]] = mean_interval(values)
        labels = row.runs[0].labels if row.runs else MANY  # of a folder of faces
        smallest = smallest_effect(row.metric, labels)
        other = papers.get(row.reference or "")
        if row.paper is not None and other is not None:
            line["paper_difference"] = paper = round(row.paper - other, 4)
            if "difference" in line:
                level = fmean(numbers[row.reference or ""].values())
                line["verdict"] = judge(
                    paper,
                    found["difference"],
                    smallest,
                    number=row.comparable,
                    reference=None if row.metric in SCALES else level,
                )
        elif not row.reference and row.paper and row.comparable and "mean" in line:
            line["verdict"] = judge_level(row.paper, found["mean"], smallest)
        lines.append(line)
    frame = pd.DataFrame(lines).set_index("row")
    return frame.reindex(
        columns=[*frame.columns.difference(NUMBERS, sort=False), *NUMBERS]
    )


@checked
def published(recipe: str, data: str, metric: str | None = None) -> pd.DataFrame:
    """The table of the committed runs: paper profile, real MNIST, five seeds.

    Of the rows' own metric, or of another that their results hold.
    """
    rows = rows_of(recipe, data, 5, "paper")
    return table([replace(row, metric=metric or row.metric) for row in rows])


@checked
def measured(
    recipe: str,
    data: str,
    row: str,
    reference: str | None = None,
    metric: str | None = None,
    root: Path | None = None,
) -> list[float]:
    """A row's numbers on real MNIST, seed by seed, or less those of another row.

    Args:
        recipe: A key of ``tm.recipes.RECIPES``.
        data: One of the data sets that it runs on.
        row: The name of the row.
        reference: The name of the row that it is held against, if any.
        metric: By default the row's own; ``"by_bin:0,17"`` is the mean of those bins.
        root: The results folder, by default that of the committed runs.

    Returns:
        One number for each seed; none if fewer than ``SEEDS`` have been run.

    Raises:
        ValueError: If there is no such recipe, row or bin.
    """
    rows = rows_of(recipe, data, SEEDS, "paper", "mnist")

    def of(name: str) -> dict[int, float]:
        own = row_of(rows, name)
        key, _, bins = (metric or own.metric).partition(":")
        found: dict[int, Any] = values(replace(own, metric=key), root)
        if not bins:
            return found
        try:
            picked = [int(b) for b in bins.split(",")]
            return {s: fmean(own[b] for b in picked) for s, own in found.items()}
        except (ValueError, IndexError, TypeError) as error:  # or no images in one
            raise ValueError(
                f"{metric} of {name!r}: there are only the bins {found}"
            ) from error

    ours = of(row)
    less = of(reference) if reference else dict.fromkeys(ours, 0.0)
    numbers = paired(ours, less)
    return numbers if len(numbers) >= SEEDS else []


@checked
def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The same for the eye: paper, ours with its interval, the difference, verdict.

    Where there are gates, also the difference from the simple ensemble, if there is
    one, and what the gate sees. Fewer than two seeds are "pending".
    """
    import pandas as pd

    check_columns(table, "paper", *NUMBERS)

    def written(name: str, form: str = "{}") -> pd.Series:
        # Not fillna: a column of numbers takes no text.
        own = ["" if pd.isna(value) else form.format(value) for value in table[name]]
        return pd.Series(own, table.index, dtype=object)

    def with_interval(name: str, sign: str = "") -> pd.Series:
        return written(name, f"{{:{sign}.2f}}") + written(HALVES[name], " ± {:.2f}")

    lines = {
        "paper": written("paper", "{:.2f}"),
        "ours": with_interval("mean").replace("", "pending"),
        "seeds": table["seeds"],
        "difference": with_interval("difference", "+"),
        "paper's": written("paper_difference", "{:+.2f}"),
        "verdict": written("verdict"),
    }
    if table["beside"].notna().any():
        lines["from simple"] = with_interval("beside", "+")
    if table["gate_sees"].any():
        lines["gate sees"] = table["gate_sees"]
    return pd.DataFrame(lines).rename_axis(None)


@checked
def estimate(runs: Sequence[Run], committed: Path) -> tuple[float, int]:
    """Seconds of one core and bytes on disk that runs will take.

    A run that is committed takes what it took; another, by its images and passes, the
    median of its kind: the same data and architecture, else the same data, else any.

    Args:
        runs: What is to be made.
        committed: The folder of the committed results.
    """
    rates, sizes = defaultdict(list), defaultdict(list)
    own: dict[str, float] = {}
    for run in all_runs(committed_rows()):
        if (result := read(run, committed)) is not None:
            own[run.hash] = result["seconds"]
            for kind in _kinds(run):
                rates[kind].append(result["seconds"] / run.cost)
                sizes[kind].append(result["parameters"])
    seconds, size = 0.0, RESULT_BYTES * len(runs)
    for run in runs:
        alike = next((kind for kind in _kinds(run) if kind in rates), None)
        rate = median(rates[alike]) if alike is not None else 0.0
        seconds += own.get(run.hash, run.cost * rate)
        if run.model == "network" and alike is not None:  # its weights, in the cache
            size += 4 * round(median(sizes[alike]))
    return seconds, size


def _kinds(run: Run) -> tuple[tuple[str, ...], ...]:
    return (run.data, run.model), (run.data,), ()
