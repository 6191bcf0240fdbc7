"""How the figures of the book look."""

from __future__ import annotations

import re
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thin_mini.basics.checks import Seed
from thin_mini.basics.kinds import checked

# A grey with 4.5 : 1 on white and on the book's near-black: figures are transparent.
INK = "#767676"
# On a phone a figure is 350 px wide: text of 10.5 points and more has 9 px there.
WIDTH = 5.6  # inches
MARKERS = "osv^PX*p"  # no diamond: that is the paper's
PAPER: dict[str, Any] = {"marker": "D", "mfc": "none", "mec": INK, "ls": "", "ms": 6}
# One colour and one marker for each model in all figures. The colour-blind tell them
# apart, and each has 3 : 1 on both grounds.
MODELS = {
    "oracle": ("#009e5f", "*"),
    "thin": ("#974626", "X"),
    "undone": ("#9559c0", "P"),
    "exogenous": ("#0062eb", "s"),
    "simple": ("#9e7c00", "v"),
    "tree": ("#c464a6", "^"),
    "gate": ("#0062eb", "s"),  # a gate alone is one on the exogenous network
    "baseline": ("#5e5e5e", "o"),
}
# What is no model: seeds, amounts of labels, values of λ.
OTHERS = (
    *("#2a8fc0", "#c47b00", "#6b8e23", "#cf5b9c"),
    *("#7b6bd6", "#8a7a3c", "#5f8a8b", "#b35c5c"),
)


@checked
def look(name: str, i: Seed = 0) -> dict[str, Any]:
    """Colour and marker of the model that a name speaks of, or the i-th of the others.

    "Exogenous tree-gated deep ensemble" and "exogenous, 1,000 labels" look alike.
    """
    words = re.findall(r"\w+", name.lower())
    own = next((MODELS[model] for model in MODELS if model in words), None)
    color, marker = own or (OTHERS[i % len(OTHERS)], MARKERS[i % len(MARKERS)])
    return {"color": color, "marker": marker}


def use_style() -> None:
    """Colours that the colour-blind tell apart, on a page of either shade."""
    sns.set_theme(style="ticks", palette=OTHERS, font_scale=0.96)
    parts = ("axes.edge", "axes.label", "text.", "xtick.", "ytick.", "legend.label")
    for part in parts:
        mpl.rcParams[f"{part}color"] = INK
    for part in ("axes.", "figure.", "savefig."):
        mpl.rcParams[f"{part}facecolor"] = "none"
    mpl.rcParams["axes.spines.right"] = mpl.rcParams["axes.spines.top"] = False
    mpl.rcParams["figure.constrained_layout.use"] = True
    mpl.rcParams["figure.figsize"] = (WIDTH, 3.2)
    mpl.rcParams["legend.frameon"] = False


def panels(
    n: int, columns: int, height: float, width: float = WIDTH, extra: float = 0
) -> tuple[Figure, list[Axes]]:
    """Panels without axes, so many in a row; sizes in inches, ``extra`` beyond rows."""
    if n == 0:
        raise ValueError("there is nothing to draw: pass at least one of them")
    rows = -(-n // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, rows * height + extra), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    return figure, list(axes.flat[:n])


def heat_map(
    values: Any, size: tuple[float, float], label: str, **how: Any
) -> tuple[Figure, Axes]:
    """Numbers as colours, the lowest dark, beside a bar that says what they are."""
    figure, axis = plt.subplots(figsize=size)
    bar = {"label": label}
    sns.heatmap(values, cmap="cividis", vmin=0, ax=axis, cbar_kws=bar, **how)
    axis.tick_params(length=0, labelsize=10.5)
    return figure, axis
