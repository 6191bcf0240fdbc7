"""target, angle and u, (N,) each, strength → the angle (N,) of each training digit.

A share `strength` of the digits (those with u below it) is turned to the side that the
digit decides: below five to the left (minus), from five on to the right. How far it is
turned stays as drawn.

Objective: tell a harmless variable from one that is confounded with the task, and
choose what to do.

1. Two steps: who is confounded, and to which side does the digit send them?
2. u is even in 0 to 1, so a share s of it lies below s; the others keep their angle.
3. `angle.abs()` with the digit's sign for those, in `torch.where`.

Notice: at 0.8, nine in ten lie on their side: one of the other two does so by luck.
"""

from typing import Any

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 21, 2, False


def draw(n: int) -> dict[str, Any]:
    n = 10 * n
    angles = {"angle": 180 * torch.rand(n) - 90, "u": torch.rand(n)}
    return {"target": torch.arange(n) % 10, **angles, "strength": 0.7}


def _sides(target: Tensor, angle: Tensor) -> Tensor:
    return torch.where(target < 5, -angle.abs(), angle.abs())


def right(target: Tensor, angle: Tensor, u: Tensor, strength: float) -> Tensor:
    return torch.where(u < strength, _sides(target, angle), angle)


def others(target: Tensor, angle: Tensor, u: Tensor, strength: float) -> Tensor:
    """The wrong share is confounded: those with u above the strength."""
    return right(target, angle, 1 - u, 1 - strength)


def mirrored(target: Tensor, angle: Tensor, u: Tensor, strength: float) -> Tensor:
    """The sides are exchanged: digits below five go to the left, which is minus."""
    return right(9 - target, angle, u, strength)


def all_of_them(target: Tensor, angle: Tensor, u: Tensor, strength: float) -> Tensor:
    """Every digit is confounded. The strength says which share of them."""
    return _sides(target, angle)


def flipped(target: Tensor, angle: Tensor, u: Tensor, strength: float) -> Tensor:
    """The sign is multiplied: who lay on the digit's side already is sent away."""
    sign = torch.where(target < 5, -1, 1)
    return torch.where(u < strength, sign * angle, angle)


def border(target: Tensor, angle: Tensor, u: Tensor, strength: float) -> Tensor:
    """The border is moved: a five is not below five, and goes to the right."""
    return right(target - 1, angle, u, strength)
