"""degrees (N,), the middle of each image's bin → two smooth numbers of it, (N, 2).

They are the cosine and the sine of the doubled angle, so that -90° and 90° are one.

Objective: explain why a learned gate can beat the oracle.

1. An angle as a point on a circle: neighbours in angle are neighbours on it.
2. Doubled, half a turn becomes a whole one; sine and cosine take radians.
3. `torch.deg2rad(2 * degrees)`, then stack cosine and sine along dimension 1.

Notice: 40° and 50° are near now. As two of 18 classes they are as far apart as any.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 11, 1


def draw(n: int) -> dict[str, Tensor]:
    return {"degrees": 180 * torch.rand(n) - 90}


def right(degrees: Tensor) -> Tensor:
    angle = (2 * degrees).deg2rad()
    return torch.stack([angle.cos(), angle.sin()], 1)


def single(degrees: Tensor) -> Tensor:
    """The angle is not doubled: -90° and 90°, which look alike, lie far apart."""
    return right(degrees / 2)


def in_radians(degrees: Tensor) -> Tensor:
    """The angle is in degrees, and sine and cosine take radians."""
    return right(degrees.rad2deg())


def exchanged(degrees: Tensor) -> Tensor:
    """The two columns are exchanged: the cosine stands first."""
    return right(degrees).flip(1)


def doubled_after(degrees: Tensor) -> Tensor:
    """The numbers are doubled, and not the angle: a point at twice the distance."""
    return 2 * right(degrees / 2)
