"""How the figures of the book look."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# A grey that reads on white and on near-black, since figures are transparent.
INK = "#7a7a7a"
WIDTH = 7.0  # inches
MARKERS = "osD^vPX*"


def use_style() -> None:
    """Colours that the colour-blind tell apart, on a page of either shade."""
    sns.set_theme(style="ticks", palette="colorblind", font_scale=0.9)
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
    axis.tick_params(length=0, labelsize=8)
    return figure, axis
