"""The architectures, drawn: Figure 3 of the paper, and THIN as one network."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thin_mini.insight.style import INK, MODELS, OTHERS, panels

TEXT: dict[str, Any] = {"ha": "center", "va": "center", "color": INK, "fontsize": 10.5}
PANELS = ("baseline", "simple", "tree", "exogenous")
NAMES = (
    "Baseline", "Simple deep ensemble", "Tree-gated deep ensemble",
    "Exogenous tree-gated",
)  # fmt: skip


def _box(axis: Axes, x: float, y: float, text: str, color: str, ls: str = "-") -> None:
    """A part of a model; a dashed edge says that it is frozen."""
    how = {"boxstyle": "round,pad=0.35", "fc": "none", "ec": color, "lw": 1.6, "ls": ls}
    axis.text(x, y, text, bbox=how, **TEXT)


def _arrow(axis: Axes, x: float, y: float, to_x: float, to_y: float) -> None:
    how = {"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (to_x, to_y), (x, y), arrowprops=how)


def architectures() -> Figure:
    """Figure 3 of the paper: four models, each with the parts of the one before.

    A panel shows the image on the left and the logits on the right. What is dashed is
    frozen; what has the panel's colour is what the model adds.
    """
    figure, axes = panels(4, 1, 1.5)
    for axis, model, name in zip(axes, PANELS, NAMES, strict=True):
        axis.set(xlim=(0, 10), ylim=(-1.15, 2.2))
        axis.set_title(name, loc="left", fontsize=10.5)
        new, old = MODELS[model][0], INK
        axis.text(0.3, 0, "$I$", **TEXT)
        _box(axis, 1.8, 0, r"$F_\phi$", new if model == "baseline" else old)
        axis.text(3.5, 0, r"$\mathbf{h}_{endo}$", **TEXT)
        for x, to_x in ((0.5, 1.3), (2.3, 2.95), (4.1, 4.8)):
            _arrow(axis, x, 0, to_x, 0)
        if model == "baseline":
            _box(axis, 5.5, 0, r"$\mathcal{C}_\Theta$", new)
            _arrow(axis, 6.2, 0, 9.2, 0)
        else:
            color = new if model == "simple" else old
            for expert, y in (("1", 0.85), ("2", 0), ("L", -0.85)):
                _box(axis, 5.6, y, rf"$c_{{\theta_{expert}}}$", color)
                _arrow(axis, 6.2, y, 7.55, y / 4)
            _box(axis, 8.1, 0, r"$\mathbf{Z}\cdot\mathbf{g}$", color)
            _arrow(axis, 8.75, 0, 9.2, 0)
            _gate(axis, model, new)
        axis.text(9.6, 0, r"$\mathbf{z}$", **TEXT)
    return figure


def _gate(axis: Axes, model: str, new: str) -> None:
    """Where the weights come from: nowhere, h_endo, or a frozen h_exo."""
    if model == "simple":
        axis.text(8.1, 1.75, r"$\mathbf{g}_0 = [1/L \dots 1/L]$", **TEXT)
        return _arrow(axis, 8.1, 1.4, 8.1, 0.5)
    _box(
        axis, 6.1, 1.75, r"tree $G_\psi$", MODELS["tree"][0] if model != "tree" else new
    )
    axis.text(8.1, 1.75, r"$\mathbf{g}$", **TEXT)
    _arrow(axis, 7.1, 1.75, 7.8, 1.75)
    _arrow(axis, 8.1, 1.4, 8.1, 0.5)
    if model == "tree":
        return _arrow(axis, 3.5, 0.4, 5.1, 1.6)
    _box(axis, 1.8, 1.75, r"$\gamma_\tau$", new, "--")
    axis.text(3.5, 1.75, r"$\mathbf{h}_{exo}$", **TEXT)
    for x, y, to_x, to_y in (
        *((0.5, 0.25, 1.3, 1.55), (2.3, 1.75, 2.95, 1.75)),
        (4.1, 1.75, 5.05, 1.75),
    ):
        _arrow(axis, x, y, to_x, to_y)
    return None


def hidden_groups() -> Figure:
    """A gated ensemble as one network: eight groups of hidden units, each times its g.

    Upwards from h_endo: the units, four drawn for 32; the same times the tree's g; and
    one last layer that reads them all.
    """
    figure, (axis,) = panels(1, 1, 3.6)
    axis.set(xlim=(-0.6, 8.4), ylim=(-0.4, 6.4))
    for n in range(8):
        color = OTHERS[n]
        units = [n + 0.16 + 0.16 * k for k in range(4)]
        for x in units:
            axis.plot([4, x], [1.0, 1.9], color=INK, lw=0.25)
        axis.plot(units, [2.05] * 4, "o", color=color, ms=4.5)
        axis.text(n + 0.4, 2.95, rf"$\times\, g_{n + 1}$", **TEXT | {"color": color})
        for y in (2.3, 3.2):
            _arrow(axis, n + 0.4, y, n + 0.4, y + 0.35)
        axis.plot(units, [3.7] * 4, "o", mec=color, mfc="none", ms=4.5)
        for x in units:
            axis.plot([x, 4], [3.85, 4.75], color=INK, lw=0.25)
    axis.text(4, 0.65, r"$\mathbf{h}_{endo}$, from $F_\phi$", **TEXT)
    axis.text(4, 5.05, "one last layer: all 256 scaled units", **TEXT)
    axis.text(4, 5.75, r"logits $\mathbf{z}$", **TEXT)
    axis.text(4, -0.15, r"$g_1 \dots g_8$: the tree, on the frozen network", **TEXT)
    return figure
