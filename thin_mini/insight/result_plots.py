"""Figures of tables of results; :mod:`thin_mini.insight.plots` has them too."""

from __future__ import annotations

from textwrap import fill

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thin_mini.basics.kinds import check_columns, checked
from thin_mini.insight.style import INK, PAPER, WIDTH, look

OURS, PAPERS = "ours, 95 % interval", "the paper"


def _lines(table: pd.DataFrame, xlabel: str) -> tuple[Figure, Axes]:
    """Axes with a line for each row of a table, the first on top."""
    n, names = len(table), [fill(str(name), 26) for name in table.index]
    lines = max(name.count("\n") + 1 for name in names)
    figure, axis = plt.subplots(figsize=(WIDTH, 0.6 + (0.2 + 0.18 * lines) * n))
    axis.set(xlabel=xlabel, yticks=range(n), yticklabels=names)
    axis.set_ylim(n - 0.5, -0.5)
    axis.grid(axis="x", color=INK, alpha=0.25)
    return figure, axis


@checked
def dots(table: pd.DataFrame, xlabel: str) -> Figure:
    """Numbers in a row for each line of a table, one marker for each column."""
    check_columns(table)
    figure, axis = _lines(table, xlabel)
    for i, column in enumerate(table.columns):
        how = look(str(column), i) | {"ls": "", "ms": 7, "label": column}
        axis.plot(table[column], range(len(table)), **how)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@checked
def intervals(table: pd.DataFrame) -> Figure:
    """A table of results: ours with its 95 % interval, and the paper's value.

    Args:
        table: From :func:`thin_mini.lab.results.table`.

    Raises:
        ValueError: If the table is empty or lacks a column.
    """
    check_columns(table, "mean", "half", "paper")
    figure, axis = _lines(table, "test accuracy (%)")
    for i, (name, line) in enumerate(table.iterrows()):
        how = look(str(name)) | {"capsize": 3, "label": "" if i else OURS}
        axis.errorbar(line["mean"], i, xerr=line["half"], **how)
    if table["paper"].notna().any():
        papers = table["paper"].astype(float)
        axis.plot(papers, range(len(table)), label=PAPERS, **PAPER)
    axis.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure


# What a rival knows of the variable has one look in all pictures.
USES = {"the truth": 0, "h_exo": 1, "nothing": 2, "exogenous labels": 3}


@checked
def forest(table: pd.DataFrame, by: str = "", xlabel: str = "points") -> Figure:
    """Differences with their 95 % intervals, the best on top, and the paper's.

    Args:
        table: From :func:`thin_mini.lab.results.table`; rows without runs are left out.
        by: A column whose values get a marker and a colour each.
        xlabel: What the differences are.

    Raises:
        ValueError: If the table is empty or lacks a column, or no row has runs.
    """
    check_columns(table, "difference", "difference_half", "paper_difference")
    table = table.dropna(subset="difference").sort_values("difference")[::-1]
    check_columns(table, *[by] * bool(by))
    figure, axis = _lines(table, xlabel)
    axis.axvline(0, color=INK, lw=1, ls="--")
    groups = table[by] if by else pd.Series(OURS, table.index)
    places = pd.Series(range(len(table)), table.index)
    for i, (name, own) in enumerate(table.groupby(groups, sort=False)):
        axis.errorbar(
            own["difference"], places[own.index], xerr=own["difference_half"],
            ls="", capsize=3, label=name, **look("", USES.get(name, i)),
        )  # fmt: skip
    for place, (_, line) in enumerate(table.iterrows()):
        text = f"{line['difference']:+.2f} ± {line['difference_half']:.2f}"
        text = text.replace("-", "\N{MINUS SIGN}")
        axis.text(1.02, place, text, va="center", transform=axis.get_yaxis_transform())
    papers = table["paper_difference"].astype(float)
    if papers.notna().any():
        axis.plot(papers, places, label=PAPERS, **PAPER)
    axis.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure


@checked
def gains(table: pd.DataFrame, x: str, xlabel: str) -> Figure:
    """Points above the baseline with 95 % intervals, against a number of labels.

    Args:
        table: From :func:`thin_mini.lab.results.table`, with a column ``model``.
        x: The column that holds the number of labels.
        xlabel: What to call it.

    Raises:
        ValueError: If the table is empty or lacks a column.
    """
    check_columns(table, x, "model", "difference", "difference_half")
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    amounts = sorted(table[x].unique())
    others = table[table["model"] != "baseline"].groupby("model", sort=False)
    for i, (model, own) in enumerate(others):
        own = own.sort_values(x)
        # Side by side, since intervals would hide one another.
        aside = 0.13 * (i - (len(others) - 1) / 2)
        axis.errorbar(
            [amounts.index(n) + aside for n in own[x]], own["difference"],
            yerr=own["difference_half"], capsize=2, lw=1, ms=5, label=model,
            **look(str(model), i),
        )  # fmt: skip
    axis.axhline(0, color=INK, lw=1, ls="--")
    axis.set(xlabel=xlabel, ylabel="points above the baseline")
    axis.set_xticks(range(len(amounts)), [f"{n:,}" for n in amounts])
    axis.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


@checked
def accuracy_by_lambda(table: pd.DataFrame) -> Figure:
    """Accuracy against λ of the dispelling loss, as in Figures 4 and 5.

    Args:
        table: From :func:`thin_mini.lab.results.table`, its rows named "λ = 0.01" and
            the like; those without runs are left out.

    Raises:
        ValueError: If a row's name holds no λ or none is positive; if the table is
            empty or lacks a column.
    """
    check_columns(table, "mean", "half", "paper")
    names = table.index.astype(str)
    found = names.str.extract(r"λ = ([\d.e-]+)", expand=False).astype(float)
    if found.isna().any() or not (found > 0).any():
        raise ValueError(
            f"rows must be named 'λ = 0.01' and the like, got {list(table.index)}"
        )
    table = table.set_axis(found).sort_index()
    figure, axis = plt.subplots()
    run, paper = table.dropna(subset="mean"), table["paper"].astype(float).dropna()
    axis.errorbar(
        run.index, run["mean"], run["half"], capsize=3, lw=1, label=OURS, **look("thin")
    )
    if len(paper):
        axis.plot(paper, label=PAPERS, **PAPER)
    # Logarithmic from the smallest λ on, with room for 0 beside it.
    axis.set_xscale("symlog", linthresh=found[found > 0].min(), linscale=0.5)
    axis.set_xticks(table.index, [f"{value:g}" for value in table.index])
    axis.set_xticks([], minor=True)
    axis.set(xlabel="λ", ylabel="test accuracy (%)")
    axis.grid(axis="y", color=INK, alpha=0.25)
    axis.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure
