"""dSprites without a download: squares, ellipses and hearts in closed form."""

from __future__ import annotations

import math
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Seed
from thin_mini.basics.kinds import checked
from thin_mini.data import official
from thin_mini.data.dataset import ExogenousDataset, binned

SHAPES = ("square", "ellipse", "heart")
SOURCES = ("auto", "official", "rendered")
N_POSITIONS = 32  # of x and of y
N_ORIENTATIONS = 39  # the official 40th repeats the first: 360 degrees are 0
OFFICIAL_SIZE = 64
# Half the extent of the largest sprite at scale 1: a corner of the square.
REACH = 9.6 * math.sqrt(2)
CHUNK = 512  # images drawn at a time: what they need then fits a processor's cache


@checked
def render_sprites(
    shape: Tensor,
    scale: Tensor,
    orientation: Tensor,
    x: Tensor,
    y: Tensor,
    size: Annotated[int, partial(checks.whole, low=4)] = OFFICIAL_SIZE,
) -> Tensor:
    """Draw white sprites on black, as dSprites does: a pixel is on if its centre is in.

    All factors are (N,) tensors on one device, where the images are handed back.

    Args:
        shape: 0 square, 1 ellipse, 2 heart.
        scale: 0.5 to 1.
        orientation: In radians, counter-clockwise.
        x: Of the centre, 0 (left) to 1 (right).
        y: Of the centre, 0 (top) to 1 (bottom).
        size: Height and width of an image in pixels.

    Returns:
        uint8 (N, size, size) of 0 and 1.

    Raises:
        ValueError: If a factor is out of range or the factors' lengths differ.
    """
    n = shape.numel()
    if shape.dtype == torch.bool or shape.is_floating_point():
        raise ValueError(f"shape must hold integers, got {shape.dtype}")
    checks.factor("shape", shape, n, 0, 2)
    checks.factor("scale", scale, n, 0.5, 1)
    checks.factor("orientation", orientation, n)
    checks.factor("x", x, n, 0, 1)
    checks.factor("y", y, n, 0, 1)
    # On the CPU in float64, which not every GPU has.
    factors = [factor.cpu() for factor in (shape, scale, orientation, x, y)]
    images = torch.zeros(n, size * size, dtype=torch.uint8)
    parts = (values.split(CHUNK) for values in (*factors, images))
    for *part, drawn in zip(*parts, strict=True):
        drawn.scatter_(1, *_draw(part, size))
    return images.view(-1, size, size).to(x.device)


def _draw(factors: list[Tensor], size: int) -> tuple[Tensor, Tensor]:
    """Which pixels of a window around each sprite are on: indices and 0/1 (n, w²)."""
    shape, scale, orientation, x, y = factors
    zoom = size / OFFICIAL_SIZE
    width = min(size, math.ceil(2 * REACH * zoom) + 1)
    step = torch.arange(width)
    cx, cy = (zoom * (16 + 32 * position.double()) for position in (x, y))  # pixels
    left, top = (
        (c - REACH * zoom).floor().long().clamp(0, size - width) for c in (cx, cy)
    )
    columns, rows = left[:, None] + step, top[:, None] + step  # (n, w)
    index = (rows[:, :, None] * size + columns[:, None, :]).flatten(1)  # (n, w²)
    # A pixel's centre, seen from the sprite: moved, turned back and brought to scale 1.
    unit = zoom * scale.double()
    dx, dy = (columns + 0.5 - cx[:, None]), (rows + 0.5 - cy[:, None])
    cos = (torch.cos(orientation.double()) / unit)[:, None]
    sin = (torch.sin(orientation.double()) / unit)[:, None]
    u = ((dx * cos)[:, None, :] - (dy * sin)[:, :, None]).float()  # (n, w, w) right
    v = ((dx * sin)[:, None, :] + (dy * cos)[:, :, None]).float()  # down
    inside = torch.empty_like(u, dtype=torch.uint8)
    for kind, contains in enumerate((_in_square, _in_ellipse, _in_heart)):
        chosen = (shape == kind).nonzero()[:, 0]
        inside[chosen] = contains(u[chosen], v[chosen]).to(torch.uint8)
    return index, inside.flatten(1)


def _in_square(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) <= 9.6


def _in_ellipse(u: Tensor, v: Tensor) -> Tensor:
    return (u / 12.75) ** 2 + (v / 7.22) ** 2 <= 1


def _in_heart(u: Tensor, v: Tensor) -> Tensor:
    """The curve u = 9.595 sin³t, v = -0.6627 p(cos t) - 1.441, upper and lower part.

    Where p(c) = 13 c - 5 cos 2t - 2 cos 3t - cos 4t, as a polynomial of c = cos t. At
    each u there are two values of c, of opposite sign, and the inside lies between.
    """
    sin2 = (u.abs() / 9.595).pow(2 / 3)
    c = (1 - sin2).clamp(min=0).sqrt()
    even = 4 - c * c * (2 + 8 * c * c)  # p(c) = even + odd, p(-c) = even - odd
    odd = c * (19 - 8 * c * c)
    middle = (v + 1.441) / -0.6627
    return ((middle - even).abs() <= odd) & (sin2 <= 1)


@checked
def dsprites(
    n_train: Count = 60_000,
    n_test: Count = 10_000,
    *,
    n_scales: Annotated[int, checks.one_of(10, 6)] = 10,
    size: Annotated[int, partial(checks.whole, low=4, high=OFFICIAL_SIZE)] = 28,
    seed: Seed = 0,
    source: Annotated[str, checks.one_of(*SOURCES)] = "auto",
) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Sprites whose shape is the task and whose scale is the exogenous variable.

    Training and test images are disjoint in their factors. With ten scales they even
    differ in shape, orientation or position, whatever the scale.

    Args:
        n_train: Number of training images. A smaller set is a prefix of a larger one.
        n_test: Number of test images.
        n_scales: 10, the paper's bins of 0.05 with scales drawn evenly from 0.5 to 1;
            or 6, the scales of the official dSprites.
        size: Height and width: 64, or less by area averaging.
        seed: Draws the factors.
        source: For the six scales: the ``"official"`` file in the data folder,
            ``"rendered"`` by :func:`render_sprites`, or ``"auto"``: the file if it is
            there. The ten scales can only be rendered.

    Returns:
        ``(train, test)``, images (N, 1, size, size), ``exo`` the bin of the scale.

    Raises:
        ValueError: If an argument is out of range.
        DataError: If the official file is damaged, or asked for and not there.
    """
    if source == "official" and n_scales == 10:
        raise ValueError("the official file has six scales: pass n_scales=6")
    cells = [3, N_ORIENTATIONS, N_POSITIONS, N_POSITIONS] + [6] * (n_scales == 6)
    n_cells = math.prod(cells)
    if n_train + n_test > n_cells:
        raise ValueError(
            f"n_train and n_test must together be at most {n_cells:,}, the number of "
            f"sprites there are, got {n_train:,} and {n_test:,}"
        )
    file = None
    if n_scales == 6 and source != "rendered":
        file = official.find(needed=source == "official")
    order = np.random.default_rng([seed, 0]).permutation(n_cells)
    # From both ends, so that neither set depends on the size of the other.
    train, test = (
        _make(np.unravel_index(picked, cells), [seed, split], size, file)
        for split, picked in ((1, order[:n_train]), (2, order[::-1][:n_test]))
    )
    return train, test


def _make(
    cell: tuple[np.ndarray, ...], seed: list[int], size: int, file: Path | None
) -> ExogenousDataset:
    """Images of cells of the grid of factors; their scale is drawn unless one is it."""
    shape, turn, column, row, *rest = (torch.from_numpy(f.copy()) for f in cell)
    n, source = len(shape), "rendered"
    if rest:  # the official scales
        edges, exo = torch.linspace(0.45, 1.05, 7, dtype=torch.float64), rest[0]
        scale = torch.linspace(0.5, 1, 6, dtype=torch.float64)[exo]
    else:
        edges = torch.linspace(0.5, 1, 11, dtype=torch.float64)
        scale = torch.from_numpy(np.random.default_rng(seed).uniform(0.5, 1, size=n))
        exo = binned(scale, edges)
    if file is not None:
        source = "official file"
        images = official.frames(file, (shape, exo, turn, column, row))
    else:  # the official grids; the first and the last orientation are one
        orientation = turn * (2 * math.pi / N_ORIENTATIONS)
        x, y = (p / (N_POSITIONS - 1) for p in (column, row))
        images = render_sprites(shape, scale, orientation, x, y)
    return ExogenousDataset(
        images=_averaged(images, size),
        target=shape,
        exo=exo,
        n_classes=3,
        n_exo=len(edges) - 1,
        source=f"dSprites, {source}, {n:,} images",
        exo_edges=edges,
        exo_name="scale",
    )


def _averaged(images: Tensor, size: int) -> Tensor:
    """Exact area averaging: 0/1 (N, 64, 64) → float32 (N, 1, size, size)."""
    overlap = area_weights(size)
    parts = (overlap @ part.float() @ overlap.T for part in images.split(8192))
    return torch.cat([*parts])[:, None]


@cache
def area_weights(size: int) -> Tensor:
    """The share that each of the 64 old pixels has in each new one, (size, 64)."""
    edges = torch.arange(size + 1) * (OFFICIAL_SIZE / size)
    old = torch.arange(OFFICIAL_SIZE)
    high = torch.minimum(edges[1:, None], old + 1.0)
    low = torch.maximum(edges[:-1, None], old.float())
    return (high - low).clamp(min=0) * (size / OFFICIAL_SIZE)
