"""dSprites without a download: squares, ellipses and hearts in closed form."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from thin_mini import checks
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.data.npz import read_array
from thin_mini.data.store import DataError, cache_folder, data_folder
from thin_mini.files import regular_file

SHAPES = ("square", "ellipse", "heart")
NAMES = ("shape", "scale", "orientation", "x", "y")
N_POSITIONS = 32  # of x and of y
N_ORIENTATIONS = 39  # the official 40th repeats the first: 360 degrees are 0
OFFICIAL_FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
OFFICIAL_SIZE = 64
OFFICIAL_SHAPE = (737_280, OFFICIAL_SIZE, OFFICIAL_SIZE)
SOURCES = ("auto", "official", "rendered")
# Half the extent of the largest sprite at scale 1: a corner of the square.
REACH = 9.6 * math.sqrt(2)
CHUNK = 512  # images drawn at a time: what they need then fits a processor's cache


def render_sprites(
    shape: Tensor,
    scale: Tensor,
    orientation: Tensor,
    x: Tensor,
    y: Tensor,
    size: int = OFFICIAL_SIZE,
) -> Tensor:
    """Draw white sprites on black, as dSprites does: a pixel is on if its centre is in.

    All factors are (N,) tensors on one device, and the images are made there.

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
    factors = (shape, scale, orientation, x, y)
    _check_factors(*factors, size=size)
    if x.device.type == "mps":  # which has no float64
        here = (shape.cpu(), scale.cpu(), orientation.cpu(), x.cpu(), y.cpu())
        return render_sprites(*here, size=size).to(x.device)
    images = torch.zeros(len(shape), size * size, dtype=torch.uint8, device=x.device)
    for start in range(0, len(shape), CHUNK):
        chunk = slice(start, start + CHUNK)
        index, inside = _draw(*(f[chunk] for f in factors), size=size)
        images[chunk].scatter_(1, index, inside)
    return images.view(-1, size, size)


def _draw(
    shape: Tensor,
    scale: Tensor,
    orientation: Tensor,
    x: Tensor,
    y: Tensor,
    *,
    size: int,
) -> tuple[Tensor, Tensor]:
    """Which pixels of a window around each sprite are on: indices and 0/1 (n, w²)."""
    zoom = size / OFFICIAL_SIZE
    width = min(size, math.ceil(2 * REACH * zoom) + 1)
    step = torch.arange(width, device=x.device)
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


def dsprites(
    n_train: int = 60_000,
    n_test: int = 10_000,
    *,
    n_scales: int = 10,
    size: int = 28,
    seed: int = 0,
    source: str = "auto",
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
    if n_scales not in (6, 10):
        raise ValueError(f"n_scales must be 10 or 6 (official), got {n_scales}")
    if not 4 <= checks.whole("size", size, None) <= OFFICIAL_SIZE:
        raise ValueError(f"size must lie between 4 and {OFFICIAL_SIZE}, got {size}")
    if source not in SOURCES:
        raise ValueError(f"source must be one of {', '.join(SOURCES)}, got {source!r}")
    if source == "official" and n_scales == 10:
        raise ValueError("the official file has six scales: pass n_scales=6")
    cells = [3, N_ORIENTATIONS, N_POSITIONS, N_POSITIONS]
    if n_scales == 6:
        cells.append(6)
    n_cells = math.prod(cells)
    seed = checks.seed_number(seed)
    for name, n in (("n_train", n_train), ("n_test", n_test)):
        checks.whole(name, n, None)
    if n_train < 1 or n_test < 1 or n_train + n_test > n_cells:
        raise ValueError(
            f"n_train and n_test must be at least 1 and together at most {n_cells:,}, "
            f"the number of sprites there are, got {n_train:,} and {n_test:,}"
        )
    order = np.random.default_rng([seed, 0]).permutation(n_cells)
    # From both ends, so that neither set depends on the size of the other.
    picked = order[:n_train], order[::-1][:n_test]
    official = _official_file(source) if n_scales == 6 else None
    train, test = (
        _make(np.unravel_index(cell, cells), [seed, 1 + split], n_scales, size, file)
        for split, (cell, file) in enumerate((p, official) for p in picked)
    )
    return train, test


def _make(
    factors: tuple[np.ndarray, ...],
    seed: list[int],
    n_scales: int,
    size: int,
    official: Path | None,
) -> ExogenousDataset:
    shape, turn, column, row = (torch.from_numpy(f.copy()) for f in factors[:4])
    n, source = len(shape), "dSprites, rendered"
    if n_scales == 10:
        edges = torch.linspace(0.5, 1, 11, dtype=torch.float64)
        scale = torch.from_numpy(np.random.default_rng(seed).uniform(0.5, 1, size=n))
        exo = (torch.bucketize(scale, edges, right=True) - 1).clamp(0, 9)
    else:
        edges = torch.linspace(0.45, 1.05, 7, dtype=torch.float64)
        exo = torch.from_numpy(factors[4].copy())
        scale = torch.linspace(0.5, 1, 6, dtype=torch.float64)[exo]
    if official is None:
        # The official grids; the first and the last orientation are one.
        orientation = turn * (2 * math.pi / N_ORIENTATIONS)
        x, y = (p / (N_POSITIONS - 1) for p in (column, row))
        pixels = _rendered(shape, scale, orientation, x, y, size=size)
    else:
        source = "dSprites, official file"
        line = np.ravel_multi_index(
            [f.numpy() for f in (shape, exo, turn, column, row)], (3, 6, 40, 32, 32)
        )
        images = _read_official(official)[line]
        if images.max() > 1:
            raise DataError(
                f"{official} holds pixels of {images.max()}, not of 0 and 1: fetch it "
                "again"
            )
        pixels = _averaged(images, size)
    return ExogenousDataset(
        images=pixels,
        target=shape,
        exo=exo,
        n_classes=3,
        n_exo=n_scales,
        source=f"{source}, {n:,} images",
        exo_edges=edges,
        exo_name="scale",
    )


def _rendered(*factors: Tensor, size: int) -> Tensor:
    parts = zip(*(f.split(8192) for f in factors), strict=True)
    return torch.cat([_averaged(render_sprites(*part), size) for part in parts])


def _averaged(images: Tensor | np.ndarray, size: int) -> Tensor:
    """Exact area averaging: 0/1 (N, 64, 64) → float32 (N, 1, size, size)."""
    parts = torch.as_tensor(images).split(8192)
    overlap = area_weights(size)
    return torch.cat([overlap @ part.float() @ overlap.T for part in parts])[:, None]


@cache
def area_weights(size: int) -> Tensor:
    """The share that each of the 64 old pixels has in each new one, (size, 64)."""
    edges = torch.arange(size + 1) * (OFFICIAL_SIZE / size)
    old = torch.arange(OFFICIAL_SIZE)
    high = torch.minimum(edges[1:, None], old + 1.0)
    low = torch.maximum(edges[:-1, None], old.float())
    return (high - low).clamp(min=0) * (size / OFFICIAL_SIZE)


def _official_file(source: str) -> Path | None:
    if source == "rendered":
        return None
    folders = [f for f in (data_folder(), cache_folder()) if f is not None]
    for folder in folders:
        if regular_file(folder / OFFICIAL_FILE):
            return folder / OFFICIAL_FILE
    if source == "auto":
        return None
    raise DataError(
        f"there is no {OFFICIAL_FILE} in {' or '.join(map(str, folders))}: put it "
        "there, or pass source='rendered'"
    )


@cache
def _read_official(path: Path) -> np.ndarray:
    """The images, (737280, 64, 64) of 0/1: 3 GB. The pickled metadata stay unread."""
    return read_array(path, "imgs", OFFICIAL_SHAPE, np.uint8)


def _check_factors(*factors: Tensor, size: int) -> None:
    if checks.whole("size", size, None) < 4:
        raise ValueError(f"size must be at least 4 pixels, got {size}")
    shape = factors[0]
    for name, factor in zip(NAMES, factors, strict=True):
        checks.instance(name, factor, Tensor, "pass a tensor (N,)")
        if factor.ndim != 1:
            raise ValueError(f"{name} must be (N,), got {tuple(factor.shape)}")
    if shape.dtype == torch.bool or shape.is_floating_point():
        raise ValueError(f"shape must hold integers, got {shape.dtype}")
    lengths = {len(f) for f in factors}
    if len(lengths) > 1:
        raise ValueError(f"the factors' lengths differ: {sorted(lengths)}")
    ranges = ((0, 2), (0.5, 1), (-math.inf, math.inf), (0, 1), (0, 1))
    for name, factor, (low, high) in zip(NAMES, factors, ranges, strict=True):
        wrong = ~((factor >= low) & (factor <= high) & factor.isfinite())
        if wrong.any():
            raise ValueError(
                f"{name} must lie between {low} and {high}, got "
                f"{factor[wrong][0].item()} at {int(wrong.nonzero()[0])}"
            )
