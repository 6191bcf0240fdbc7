"""The figures of the book, each a function that returns its Figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.checks import Count
from thin_mini.basics.devices import device_of
from thin_mini.basics.kinds import checked
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.gates import TreeGate
from thin_mini.insight import style
from thin_mini.insight.drawings import architectures, hidden_groups
from thin_mini.insight.result_plots import (
    accuracy_by_lambda,
    dots,
    forest,
    gains,
    intervals,
)
from thin_mini.insight.style import INK, PAPER, WIDTH, look, panels, use_style
from thin_mini.metrics import Report


@checked
def image_grid(
    images: Tensor, titles: Sequence[str] = (), columns: Count = 9, size: float = 0.62
) -> Figure:
    """Images (N, 1 or 3, H, W) in rows; the first have titles above, or all.

    Raises:
        ValueError: If these are no images in 0..1 or there are more titles.
    """
    checks.images("images", images)
    if len(titles) > len(images):
        raise ValueError(f"{len(titles)} titles for {len(images)} images")
    if not 0 < checks.number("size", size) < math.inf:
        raise ValueError(f"size must be inches above 0, got {size}")
    height = size + (0.26 if titles else 0)
    figure, axes = panels(len(images), columns, height, columns * size)
    # 9 px on a phone, where no title is wider than its image then.
    longest = max(map(len, titles), default=1)
    points = min(9 / 350 * 72 * columns * size, 122 * size / max(1, longest))
    for axis, image in zip(axes, images, strict=True):
        show_image(axis, image)
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title, fontsize=points, pad=2)
    return figure


@checked
def show_image(
    axis: Axes,
    image: Tensor,
    extent: tuple[float, float, float, float] | None = None,
) -> None:
    """An image (C, H, W), grey or RGB, values in 0..1."""
    checks.shaped("an image", image, "C", "H", "W")
    if len(image) not in (1, 3):
        raise ValueError(f"an image has 1 or 3 channels, got {len(image)}")
    pixels = image.detach().float().cpu().clamp(0, 1).permute(1, 2, 0)  # (H, W, C)
    axis.imshow(pixels.numpy(), cmap="gray", vmin=0, vmax=1, extent=extent)


@checked
def accuracy_by_bin(reports: Mapping[str, Report], dataset: ExogenousDataset) -> Figure:
    """Accuracy against the exogenous variable, one line for each model.

    Raises:
        ValueError: If a report is of other bins than the data set's.
    """
    for name, report in reports.items():
        if report.by_bin.shape != (dataset.n_exo,):
            raise ValueError(
                f"the report of {name} has {len(report.by_bin)} bins and the data "
                f"{dataset.n_exo}: evaluate the model on this data set"
            )
    centers = dataset.exo_centers.cpu()
    figure, axis = plt.subplots()
    for i, (name, report) in enumerate(reports.items()):
        axis.plot(centers, report.by_bin, label=name, ms=4, **look(name, i))
    axis.set(xlabel=dataset.exo_name, ylabel="accuracy (%)")
    axis.legend(ncols=min(3, len(reports)), loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


@checked
def confusion(matrix: np.ndarray, labels: Sequence[str], name: str = "") -> Figure:
    """A confusion matrix in percent of each row, the truth running downwards.

    Args:
        matrix: (K, K), counts.
        labels: Of the K classes.
        name: What the classes are.

    Raises:
        ValueError: If the matrix is not square, a count is negative or not finite, or
            there is not one label for each class.
    """
    if matrix.shape != (len(labels),) * 2:
        raise ValueError(
            f"a matrix of shape {matrix.shape} and {len(labels)} labels: it must be "
            "square, with one label for each class"
        )
    if not (np.isfinite(matrix) & (matrix >= 0)).all():
        raise ValueError("a confusion matrix holds counts: finite, from 0 up")
    share = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    figure, axis = style.heat_map(
        share, (4.6, 3.8), "% of the row", vmax=100, square=True,
        xticklabels=labels, yticklabels=labels,
    )  # fmt: skip
    axis.set(xlabel=f"predicted {name}", ylabel=f"true {name}")
    return figure


@checked
def embedding(points: np.ndarray | Tensor, value: Tensor, name: str) -> Figure:
    """Points (N, 2) of a projected representation, coloured by a quantity (N,).

    Raises:
        ValueError: If there is not one value for each point.
    """
    points = torch.as_tensor(points).detach().cpu()
    checks.shaped("points", points, "N", 2)
    checks.factor("value", value, len(points))
    figure, axis = plt.subplots(figsize=(5, 4))
    axis.axis("off")
    x, y = points.T.numpy()
    marks = axis.scatter(
        x, y, c=value.detach().cpu(), s=5, cmap="viridis", rasterized=True
    )
    figure.colorbar(marks, label=name)
    return figure


@checked
def routing(g: Tensor, exo: Tensor, dataset: ExogenousDataset) -> Figure:
    """Which leaf takes which part of the exogenous range: mean g by bin, stacked.

    Args:
        g: (N, L), rows sum to 1.
        exo: (N,), the bin of each image.
        dataset: Whose bins they are.

    Raises:
        ValueError: If g is no gate's, or the bins are others.
    """
    checks.shares("g", g)
    checks.labels("exo", exo, len(g), dataset.n_exo)
    g, exo = g.detach().float().cpu(), exo.cpu()
    present = exo.unique()
    share = torch.stack([g[exo == b].mean(0) for b in present], 1)  # (L, bins)
    figure, axis = plt.subplots()
    axis.stackplot(
        dataset.exo_centers.cpu()[present], share, edgecolor="white",
        colors=sns.color_palette("colorblind", 10), linewidth=0.4,
        labels=map(str, range(1, len(share) + 1)),
    )  # fmt: skip
    axis.set(xlabel=dataset.exo_name, ylabel="share of the prediction", ylim=(0, 1))
    axis.margins(x=0)
    axis.legend(title="leaf", loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
    return figure


@checked
def partition(gates: Mapping[str, TreeGate], points: Tensor, target: Tensor) -> Figure:
    """The plane as each gate divides it: the likeliest leaf, faint where it is unsure.

    Args:
        gates: Trees on two features.
        points: (N, 2), drawn on top.
        target: (N,), 0 or 1, the points' classes.

    Raises:
        ValueError: If shapes disagree, a gate takes more than two features, or there
            is nothing to draw.
    """
    checks.floats("points", points, "N", 2)
    checks.labels("target", target, len(points), 2)
    if any(gate.in_features != 2 for gate in gates.values()):
        raise ValueError("partition draws points (N, 2) and trees on two features")
    points, target = points.detach().float().cpu(), target.cpu()
    reach = 1.15 * points.abs().max().item()
    axis_points = torch.linspace(-reach, reach, 200)
    plane = torch.cartesian_prod(axis_points, axis_points)  # x outer, y inner
    figure, axes = panels(len(gates), len(gates), WIDTH / len(gates) + 0.2)
    for axis, (name, gate) in zip(axes, gates.items(), strict=True):
        with torch.no_grad():
            g = gate.eval()(plane.to(device_of(gate))).cpu()  # (40000, L)
        sureness, leaf = g.max(1)
        colors = torch.tensor(sns.color_palette("colorblind", 10))[leaf % 10]
        image = torch.cat([colors, 0.75 * sureness[:, None]], 1).view(200, 200, 4)
        axis.imshow(
            image.transpose(0, 1).numpy(), origin="lower", extent=(-reach, reach) * 2,
            interpolation="nearest",
        )  # fmt: skip
        for c, marker in enumerate("ox"):
            x, y = points[target == c].T
            axis.scatter(x, y, s=7, marker=marker, color="black", alpha=0.6, lw=0.8)
        axis.set_title(name)
    return figure


@checked
def cosines(values: Mapping[str, Tensor]) -> Figure:
    """Distribution of ``|cos(z_exo, z_endo)|``, as in Figure 8.

    Raises:
        ValueError: If a value is not finite or does not lie in 0..1.
    """
    for name, cosine in values.items():
        checks.scores(name, cosine, 1)
        checks.factor(name, cosine, len(cosine), 0, 1 + checks.ROUNDING)
    figure, axis = plt.subplots()
    shown = {name: c.detach().float().cpu().numpy() for name, c in values.items()}
    sns.kdeplot(
        shown, ax=axis, common_norm=False, fill=True, alpha=0.25, cut=0, bw_adjust=0.7,
        palette={name: look(name, i)["color"] for i, name in enumerate(shown)},
    )  # fmt: skip
    axis.set(xlabel="|cos| of the exogenous logits", ylabel="density", xlim=(0, 1))
    return figure
