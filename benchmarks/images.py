"""Making images: whole batches as in ``thin_mini.data``, or one image at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from timing import compare
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import rotate

import thin_mini as tm
from thin_mini.data.digits import rotate as rotate_all
from thin_mini.data.faces import render_faces
from thin_mini.data.factors import ACTIONS, NUISANCES, TRAITS
from thin_mini.data.sprites import render_sprites

N_SPRITES, N_DIGITS, N_FACES = 2048, 1024, 128


def sprites(n: int, size: int = 64) -> dict[str, Callable[[], Tensor]]:
    """Both ways to draw n sprites of random factors."""
    factors = (
        torch.randint(3, (n,)),
        torch.empty(n, dtype=torch.float64).uniform_(0.5, 1),
        torch.empty(n, dtype=torch.float64).uniform_(0, 2 * math.pi),
        torch.rand(n, dtype=torch.float64),
        torch.rand(n, dtype=torch.float64),
    )
    lists = [factor.tolist() for factor in factors]

    def one_by_one() -> Tensor:
        drawn = [draw(*each, size) for each in zip(*lists, strict=True)]
        return torch.from_numpy(np.stack(drawn))

    return {
        "ours": lambda: render_sprites(*factors, size=size),
        "one by one": one_by_one,
    }


def draw(
    shape: int, scale: float, orientation: float, x: float, y: float, size: int
) -> np.ndarray:
    """One sprite in plain NumPy, by the rule of :func:`render_sprites`."""
    zoom = size / 64
    centre = np.arange(size) + 0.5
    dx = (centre[None, :] - zoom * (16 + 32 * x)) / (zoom * scale)
    dy = (centre[:, None] - zoom * (16 + 32 * y)) / (zoom * scale)
    cos, sin = math.cos(orientation), math.sin(orientation)
    u, v = dx * cos - dy * sin, dx * sin + dy * cos
    if shape == 0:
        inside = np.maximum(abs(u), abs(v)) <= 9.6
    elif shape == 1:
        inside = (u / 12.75) ** 2 + (v / 7.22) ** 2 <= 1
    else:
        sin2 = (abs(u) / 9.595) ** (2 / 3)
        c = np.sqrt(np.maximum(1 - sin2, 0))
        middle = (v + 1.441) / -0.6627 - (4 - c * c * (2 + 8 * c * c))
        inside = (abs(middle) <= c * (19 - 8 * c * c)) & (sin2 <= 1)
    return inside.astype(np.uint8)


def digits(n: int) -> dict[str, Callable[[], Tensor]]:
    """Both ways to rotate n images, whose ink stays in the frame at any angle."""
    train, _ = tm.data.mnist_r(n, 1, source="digits")
    axis = torch.arange(28) - 13.5
    images = train.images * (axis[:, None] ** 2 + axis**2 <= 13**2)
    degrees = torch.empty(n).uniform_(-90, 90)

    def one_by_one() -> Tensor:
        rotated = [
            rotate(image, angle, InterpolationMode.BILINEAR)
            for image, angle in zip(images, degrees.tolist(), strict=True)
        ]
        return torch.stack(rotated)

    return {"ours": lambda: rotate_all(images, degrees), "one by one": one_by_one}


def faces(n: int, size: int = 64) -> dict[str, Callable[[], Tensor]]:
    """Both ways to draw n faces of random factors, with grain, one in six covered."""
    identity, actions, nuisance = (
        torch.rand(n, len(names)) for names in (TRAITS, ACTIONS, NUISANCES)
    )
    nuisance[torch.rand(n) > 1 / 6, NUISANCES.index("occlusion")] = 0

    def one_by_one() -> Tensor:
        each = zip(identity.split(1), actions.split(1), nuisance.split(1), strict=True)
        return torch.cat([render_faces(*factors, size) for factors in each])

    return {
        "ours": lambda: render_faces(identity, actions, nuisance, size),
        "one by one": one_by_one,
    }


def measure() -> dict:
    table = {}
    for shape, n, candidates in (
        ("sprites, 64×64", N_SPRITES, sprites(N_SPRITES)),
        ("rotated digits, 28×28", N_DIGITS, digits(N_DIGITS)),
        ("cartoon faces, 64×64", N_FACES, faces(N_FACES)),
    ):
        table[shape] = compare(candidates)
        for row in table[shape].values():
            row["images_per_second"] = round(1000 * n / row["ms"])
    return table
