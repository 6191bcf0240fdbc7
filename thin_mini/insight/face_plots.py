"""The figures of the paper's part on faces (6 and 9 to 12), each as a Figure."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Seed, one_of
from thin_mini.basics.kinds import checked
from thin_mini.gates import TreeGate
from thin_mini.insight import style
from thin_mini.insight.distances import check_pairs, explained_variance, overlap
from thin_mini.insight.plots import show_image
from thin_mini.insight.routes import most_representative, node_probabilities
from thin_mini.insight.style import INK, MARKERS, WIDTH, panels

RIGHT, WRONG = "#029e73", "#d55e00"  # green and red that the colour-blind tell apart
SAME, DIFFERENT = "#d55e00", "#0173b2"  # pairs of one person, of two
DISTANCE_BINS = np.arange(41) / 20  # over all that unit vectors can be apart
METHODS = ("tsne", "umap", "pca")


@checked
def predictions(
    images: Tensor,
    target: Tensor,
    predicted: Tensor,
    names: Sequence[str],
    n: Count = 4,
) -> Figure:
    """Some right and some wrong predictions under their images, as in Figure 6.

    Args:
        images: (N, C, H, W), grey or RGB, values in 0..1.
        target: (N,), the true classes.
        predicted: (N,), the predicted ones.
        names: Of the classes.
        n: Images in each of the two rows, the first there are.

    Raises:
        ValueError: If shapes disagree or ``n`` is below 1.
    """
    checks.images("images", images)
    checks.labels("target", target, len(images), len(names))
    checks.labels("predicted", predicted, len(images), len(names))
    target, predicted = target.cpu(), predicted.cpu()
    figure, axes = panels(2 * n, n, WIDTH / n + 0.4)
    right = predicted == target
    for row, chosen, sign, color, line in (
        (axes[:n], right, "✓", RIGHT, "-"),
        (axes[n:], ~right, "✗", WRONG, "--"),
    ):
        for axis, i in zip(row, chosen.nonzero()[:, 0].tolist(), strict=False):
            show_image(axis, images[i])
            frame = Rectangle((0, 0), 1, 1, fill=False, ec=color, lw=2.5, ls=line)
            frame.set(transform=axis.transAxes, clip_on=False)
            axis.add_patch(frame)
            said = f"{sign} {names[int(predicted[i])]}"
            axis.set_title(f"true: {names[int(target[i])]}", fontsize=10.5, pad=3)
            axis.text(
                0.5, -0.04, said, fontsize=10.5, va="top", ha="center", color=color,
                weight="bold", transform=axis.transAxes,
            )  # fmt: skip
    return figure


@checked
def pair_histograms(pairs: Mapping[str, tuple[Tensor, Tensor]]) -> Figure:
    """Distances of pairs of one person and of two, as in Figures 9 and 11.

    The heading holds the overlap of the two: a small one means that the distances give
    identities away.

    Args:
        pairs: For each representation the distances (N,) in 0..2, from
            :func:`thin_mini.insight.distances.pair_distances`, and whether the pair
            shows one person, (N,) bool; at least one pair of each kind.

    Raises:
        ValueError: If shapes differ, a distance is not finite or not in 0..2, ``same``
            is not bool, or one kind is missing.
    """
    for distance, same in pairs.values():
        check_pairs(distance, same)
    figure, axes = panels(len(pairs), min(4, len(pairs)), 2.3, extra=0.3)
    for axis, (name, (distance, same)) in zip(axes, pairs.items(), strict=True):
        distance, same = distance.detach().cpu(), same.cpu()
        iou = overlap(distance[same], distance[~same], DISTANCE_BINS)
        for chosen, label, color, line in (
            (same, "same person", SAME, "-"),
            (~same, "different people", DIFFERENT, "--"),
        ):
            axis.hist(
                distance[chosen].numpy(), [*DISTANCE_BINS], density=True, label=label,
                histtype="stepfilled", ec=color, fc=(color, 0.3), ls=line, lw=1.2,
            )  # fmt: skip
        axis.axis("on")
        axis.set_title(f"{fill(name, 16)}\nIoU {iou:.0f} %", fontsize=10.5)
        axis.set(xlim=(0, 2), yticks=[])
    figure.supxlabel("distance of the pair", fontsize=10.5, color=INK)
    known = axes[0].get_legend_handles_labels()
    figure.legend(*known, loc="outside upper center", ncols=2)
    return figure


@checked
def tree_of_faces(
    images: Tensor, gate: TreeGate, h_g: Tensor, depth_shown: int = 3, k: int = 4
) -> Figure:
    """The images that reach each node of a tree best, as in Figure 10.

    Branches are as wide as the share of all images that takes them, in percent.

    Args:
        images: (N, C, H, W), grey or RGB, values in 0..1.
        gate: The tree; it is put in eval mode.
        h_g: (N, in_features), its gating representation of these images.
        depth_shown: Levels below the root, 1 to the tree's depth.
        k: Images for each node.

    Raises:
        ValueError: If ``depth_shown`` or ``k`` is out of range, or shapes disagree.
    """
    checks.images("images", images)
    checks.whole("depth_shown", depth_shown, 1, gate.depth)
    if len(images) != checks.rows("h_g", h_g):
        raise ValueError(f"{len(images)} images but {len(h_g)} rows of h_g")
    chosen = most_representative(gate, h_g, k)
    share = 100 * node_probabilities(gate, h_g).reach.mean(0)
    columns = math.ceil(math.sqrt(k))
    rows = -(-k // columns)
    size = min(0.55, 0.88 * WIDTH / 2**depth_shown / columns)  # of a face, in inches
    step = rows * size + 0.55  # from level to level
    height = step * depth_shown + rows * size
    figure, axis = plt.subplots(figsize=(WIDTH, height + 0.1))
    axis.axis("off")
    for n in range(2 ** (depth_shown + 1) - 1):
        level = (n + 1).bit_length() - 1
        x = WIDTH * (n + 1.5 - 2**level) / 2**level
        top = height - level * step
        if n:
            outwards = -1 if n % 2 else 1  # a left child, a right one
            parent_x = x - outwards * WIDTH / 2 ** (level + 1)
            parent_y = top + step - rows * size
            width = 0.5 + share[n].item() / 15
            axis.plot([parent_x, x], [parent_y, top], color=INK, lw=width, zorder=0)
            axis.text(
                (parent_x + x) / 2 + 0.1 * outwards, (parent_y + top) / 2 + 0.06,
                f"{share[n]:.0f} %", fontsize=10.5, ha="right" if n % 2 else "left",
            )  # fmt: skip
        for i, face in enumerate(chosen[n].tolist()):
            left = x + (i % columns - columns / 2) * size
            bottom = top - (i // columns + 1) * size
            show_image(axis, images[face], (left, left + size, bottom, bottom + size))
    axis.set(xlim=(0, WIDTH), ylim=(-0.05, height + 0.05), aspect="equal")
    return figure


@checked
def split_information(bits: pd.DataFrame) -> Figure:
    """What each split of a tree knows of each factor, in bits, as a heat map.

    Args:
        bits: From :func:`thin_mini.insight.routes.mutual_information`, at best less
            what is there by chance: ``bits - chance``. The colours reach to 0.1 bits
            at least, so that noise stays dark.
    """
    if bits.empty or not np.isfinite(bits.to_numpy(float)).all():
        raise ValueError("bits must be a table of finite numbers, a row for each split")
    size = min(WIDTH, 2.2 + 0.65 * bits.shape[1]), 1.1 + 0.22 * len(bits)
    shown = bits.map(lambda b: f"{b:.2f}" if b >= 0.005 else "")
    figure, axis = style.heat_map(
        bits, size, "bits", vmax=max(0.1, bits.max(None)), annot=shown, fmt="",
        annot_kws={"size": 8},
    )  # fmt: skip
    axis.set(ylabel="split")
    return figure


@checked
def projections(
    representations: Mapping[str, Tensor],
    target: Tensor,
    names: Sequence[str],
    method: Annotated[str, one_of(*METHODS)] = "tsne",
    limit: int = 1_000,
    seed: Seed = 0,
) -> Figure:
    """Representations in the plane, one panel each, as in Figure 12.

    The heading holds the share of the variance that the first three principal
    components explain, of the representation itself.

    Args:
        representations: By name, each (N, D) of the same images, D at least 3.
        target: (N,), their classes.
        names: Of the classes, at most 8.
        method: ``"tsne"``, ``"umap"`` (needs umap-learn) or ``"pca"``.
        limit: Images to draw at most, the same random ones in each panel.
        seed: Of their choice and of the projection.

    Raises:
        ValueError: If the method is unknown, shapes disagree or there are more classes.
        ImportError: If umap-learn is asked for and missing.
    """
    checks.whole("limit", limit, 2)
    if len(names) > len(MARKERS):
        raise ValueError(
            f"there are {len(MARKERS)} markers, too few for {len(names)} classes: "
            "draw some of them only"
        )
    for name, h in representations.items():
        checks.features(name, h)
        checks.labels("target", target, len(h), len(names))
    order = np.random.default_rng(seed).permutation(len(target))[:limit]
    shown = target.cpu().numpy()[order]
    columns = max(1, min(3, len(representations)))
    height = min(WIDTH / columns, 3.4) + 0.3
    figure, axes = panels(len(representations), columns, height)
    # Without the pale pink and the yellow, which fade on white.
    colors = [sns.color_palette("colorblind")[i] for i in (0, 1, 2, 3, 4, 5, 9, 7)]
    for axis, (name, h) in zip(axes, representations.items(), strict=True):
        points = _project(h.detach().cpu().double().numpy()[order], method, seed)
        for c, label in enumerate(names):
            x, y = points[shown == c].T
            axis.scatter(
                x, y, s=9, color=colors[c], marker=MARKERS[c], lw=0, alpha=0.8,
                label=label, rasterized=True,
            )  # fmt: skip
        explained = f"{explained_variance(h):.0f} % in 3 components"
        axis.set_title(f"{name}\n{explained}", fontsize=10.5)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
        markerscale=2, fontsize=10.5,
    )  # fmt: skip
    return figure


def _project(h: np.ndarray, method: str, seed: int) -> np.ndarray:
    """Points (N, 2), the same at every call."""
    if method == "pca":
        return PCA(2, random_state=seed).fit_transform(h)
    if method == "tsne":
        near = min(30, (len(h) - 1) / 3)  # the usual perplexity, less for few points
        return TSNE(perplexity=near, random_state=seed).fit_transform(h)
    try:
        umap = importlib.import_module("umap")
    except ImportError as error:
        raise ImportError(
            "method 'umap' needs umap-learn: `pip install umap-learn`, or choose 'tsne'"
        ) from error
    return umap.UMAP(random_state=seed, n_jobs=1).fit_transform(h)
