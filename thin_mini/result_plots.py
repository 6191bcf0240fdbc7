"""Figures of tables of results; :mod:`thin_mini.plots` has them too."""

from __future__ import annotations

from itertools import cycle

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from thin_mini.kinds import checked
from thin_mini.results import check_table
from thin_mini.style import INK, WIDTH


@checked
def dots(table: pd.DataFrame, xlabel: str) -> Figure:
    """Numbers in a row for each line of a table, one marker for each column."""
    check_table(table)
    figure, axis = plt.subplots(figsize=(WIDTH, 0.5 + 0.38 * len(table)))
    for column, marker in zip(table.columns, cycle("oDs^vP"), strict=False):
        axis.plot(table[column], range(len(table)), marker, label=column, ms=7)
    axis.set(xlabel=xlabel, yticks=range(len(table)), yticklabels=table.index)
    axis.invert_yaxis()
    axis.grid(axis="x", color=INK, alpha=0.25)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def intervals(table: pd.DataFrame) -> Figure:
    """A table of results: ours with its 95 % interval, and the paper's value.

    Args:
        table: From :func:`thin_mini.results.table`.

    Raises:
        ValueError: If the table is empty or lacks a column.
    """
    check_table(table, "mean", "half", "paper")
    figure, axis = plt.subplots(figsize=(WIDTH, 0.6 + 0.38 * len(table)))
    places = range(len(table))
    axis.errorbar(
        table["mean"], places, xerr=table["half"], fmt="o", capsize=3,
        label="ours, 95 % interval",
    )  # fmt: skip
    if table["paper"].notna().any():
        axis.plot(table["paper"].astype(float), places, "D", label="the paper", ms=6)
    axis.set(xlabel="test accuracy (%)", yticks=places, yticklabels=table.index)
    axis.set_ylim(len(table) - 0.5, -0.5)
    axis.grid(axis="x", color=INK, alpha=0.25)
    axis.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure


@checked
def gains(table: pd.DataFrame, x: str, xlabel: str) -> Figure:
    """Points above the baseline with 95 % intervals, against a number of labels.

    Args:
        table: From :func:`thin_mini.results.table`, with a column ``model``.
        x: The column that holds the number of labels.
        xlabel: What to call it.

    Raises:
        ValueError: If the table is empty or lacks a column.
    """
    check_table(table, x, "model", "difference", "difference_half")
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    amounts = sorted(table[x].unique())
    models = [m for m in table["model"].unique() if m != "baseline"]
    for i, (model, marker) in enumerate(zip(models, cycle("osD^v"), strict=False)):
        own = table[table["model"] == model].sort_values(x)
        # Side by side, since intervals would hide one another.
        places = [amounts.index(n) + 0.13 * (i - (len(models) - 1) / 2) for n in own[x]]
        axis.errorbar(
            places, own["difference"], yerr=own["difference_half"], fmt=f"{marker}-",
            capsize=2, lw=1, ms=5, label=model,
        )  # fmt: skip
    axis.axhline(0, color=INK, lw=1, ls="--")
    axis.set(xlabel=xlabel, ylabel="points above the baseline")
    axis.set_xticks(range(len(amounts)), [f"{n:,}" for n in amounts])
    axis.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def accuracy_by_lambda(table: pd.DataFrame) -> Figure:
    """Accuracy against λ of the dispelling loss, as in Figures 4 and 5.

    Args:
        table: From :func:`thin_mini.results.table`, its rows named "λ = 0.01" and the
            like; those without runs are left out.

    Raises:
        ValueError: If a row's name holds no λ or none is positive; if the table is
            empty or lacks a column.
    """
    check_table(table, "mean", "half", "paper")
    found = (
        table.index.astype(str)
        .str.extract(r"λ = ([\d.e-]+)", expand=False)
        .astype(float)
    )
    if found.isna().any() or not (found > 0).any():
        raise ValueError(
            f"rows must be named 'λ = 0.01' and the like, got {list(table.index)}"
        )
    table = table.set_axis(found).sort_index()
    figure, axis = plt.subplots()
    run = table[table["mean"].notna()]
    axis.errorbar(
        run.index, run["mean"], yerr=run["half"], fmt="o-", capsize=3, lw=1,
        label="ours, 95 % interval",
    )  # fmt: skip
    paper = table["paper"].astype(float).dropna()
    if len(paper):
        axis.plot(paper, "D", label="the paper", ms=6)
    # Logarithmic from the smallest λ on, with room for 0 beside it.
    axis.set_xscale("symlog", linthresh=found[found > 0].min(), linscale=0.5)
    axis.set_xticks(table.index, [f"{value:g}" for value in table.index])
    axis.set_xticks([], minor=True)
    axis.set(xlabel="λ", ylabel="test accuracy (%)")
    axis.grid(axis="y", color=INK, alpha=0.25)
    axis.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure
