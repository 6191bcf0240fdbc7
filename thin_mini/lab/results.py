"""Tables made from measured runs, and verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thin_mini.basics.intervals import mean_interval
from thin_mini.basics.kinds import check_columns, checked
from thin_mini.lab.recipes import rows_of
from thin_mini.lab.result_files import (
    FORMAT,
    MAX_BYTES,
    MEND,
    ResultError,
    check_folder,
    default_folder,
    path_of,
    read,
    write,
)
from thin_mini.lab.runs import Row

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FORMAT", "LEVELS", "MAX_BYTES", "VERDICTS", "ResultError", "Row", "check_folder",
    "default_folder", "direction", "level", "paired", "path_of", "published", "read",
    "readable", "table", "tabulate", "values", "verdict", "write",
]  # fmt: skip

VERDICTS = ("reproduced", "weaker", "not seen", "contradicted")  # of a difference
NUMBERS = [
    *("mean", "half", "seeds", "difference", "difference_half", "paper_difference"),
    *("verdict", "beside", "beside_half", "gate_sees"),
]  # of a table
LEVELS = ("reached", "not reached")  # of a single accuracy


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


def _check_paper(paper: float) -> None:
    if not math.isfinite(paper):
        raise ValueError(f"paper must be a finite number, got {paper}")


@checked
def verdict(paper: float, differences: Sequence[float]) -> str:
    """Judge a difference between two rows; the rules were fixed before the runs.

    Args:
        paper: The paper's difference.
        differences: Ours, seed by seed.

    Returns:
        ``"reproduced"`` if the paper's difference lies in our 95 % interval or ours
        exceeds it, ``"weaker"`` if the sign agrees and the interval excludes 0,
        ``"not seen"`` if the interval includes 0, else ``"contradicted"``.
    """
    _check_paper(paper)
    mean, half = mean_interval(differences)
    sign = 1.0 if paper >= 0 else -1.0
    low, high = sorted((sign * (mean - half), sign * (mean + half)))
    if high >= abs(paper):  # it lies inside, or all of ours lies beyond
        return "reproduced"
    if low <= 0 <= high:
        return "not seen"
    return "weaker" if low > 0 else "contradicted"


@checked
def direction(paper: float, differences: Sequence[float]) -> str:
    """Judge only on which side of 0 a difference lies, where data are not the paper's.

    Args:
        paper: The paper's difference, of which the sign counts.
        differences: Ours, seed by seed.

    Returns:
        ``"not seen"`` if the 95 % interval includes 0, else ``"reproduced"`` on the
        paper's side and ``"contradicted"`` on the other.
    """
    _check_paper(paper)
    mean, half = mean_interval(differences)
    if abs(mean) <= half:
        return "not seen"
    return "reproduced" if (mean > 0) == (paper > 0) else "contradicted"


@checked
def level(paper: float, ours: Sequence[float]) -> str:
    """Judge a single accuracy: ``"reached"`` if our interval reaches the paper's."""
    _check_paper(paper)
    mean, half = mean_interval(ours)
    return "reached" if mean + half >= paper else "not reached"


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
        own = list(numbers[row.name].values())
        line: dict[str, Any] = {"row": row.name, **row.group, "paper": row.paper}
        line |= {"seeds": len(own), **_interval("mean", "half", own)}
        less = {
            name: paired(numbers[row.name], numbers.get(than or "", {}))
            for name, than in (("difference", row.reference), ("beside", row.beside))
        }
        for name, differences in less.items():
            line |= _interval(name, f"{name}_half", differences)
        if row.reference is None:
            if row.paper is not None and row.comparable and len(own) > 1:
                line["verdict"] = level(row.paper, own)
        elif row.paper is not None and (other := papers[row.reference]) is not None:
            line["paper_difference"] = paper = round(row.paper - other, 4)
            if len(less["difference"]) > 1:
                judge = verdict if row.comparable else direction
                line["verdict"] = judge(paper, less["difference"])
        line["gate_sees"] = row.runs[0].gate_sees if row.runs else ""
        lines.append(line)
    frame = pd.DataFrame(lines).set_index("row")
    return frame.reindex(
        columns=[*frame.columns.difference(NUMBERS, sort=False), *NUMBERS]
    )


def _interval(mean: str, half: str, numbers: list[float]) -> dict[str, float]:
    """Mean and interval under these names; nothing of fewer than two numbers."""
    if len(numbers) < 2:
        return {}
    found = mean_interval(numbers)
    return {mean: found[0], half: found[1]}


@checked
def published(recipe: str, data: str) -> pd.DataFrame:
    """The table of the committed runs: paper profile, real MNIST, five seeds."""
    return table(rows_of(recipe, data, 5, "paper"))


@checked
def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The same for the eye: paper, ours with its interval, the difference, verdict.

    Where there are gates, also the difference from the simple ensemble, if there is
    one, and what the gate sees. Fewer than two seeds are "pending".
    """
    import pandas as pd

    check_columns(table, "paper", *NUMBERS)

    def written(name: str, form: str = "{}") -> list[str]:
        # Not fillna: a column of numbers takes no text.
        return ["" if pd.isna(value) else form.format(value) for value in table[name]]

    def with_interval(name: str, half: str, sign: str = "") -> list[str]:
        halves = written(half, " ± {:.2f}")
        means = written(name, f"{{:{sign}.2f}}")
        return [mean + own for mean, own in zip(means, halves, strict=True)]

    lines = {
        "paper": written("paper", "{:.2f}"),
        "ours": [text or "pending" for text in with_interval("mean", "half")],
        "seeds": table["seeds"],
        "difference": with_interval("difference", "difference_half", "+"),
        "paper's": written("paper_difference", "{:+.2f}"),
        "verdict": written("verdict"),
    }
    if table["beside"].notna().any():
        lines["from simple"] = with_interval("beside", "beside_half", "+")
    if table["gate_sees"].any():
        lines["gate sees"] = table["gate_sees"]
    return pd.DataFrame(lines, index=table.index.rename(None))
