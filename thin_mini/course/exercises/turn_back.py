"""x, y and degrees, (N,) each → the points (N, 2) of the input that land there.

Objective: rotate digits by hand and with the library.

1. A picture is turned backwards: ask where each point of the output came from.
2. The two formulas stand above the cell; a sine and a cosine take radians.
3. u is x times the cosine less y times the sine; turn degrees into radians first.

Notice: y points downwards, so the signs are not those of a book on geometry.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 1, 2


def draw(n: int) -> dict[str, Tensor]:
    return {"x": torch.randn(n), "y": torch.randn(n), "degrees": 90 * torch.randn(n)}


def right(x: Tensor, y: Tensor, degrees: Tensor) -> Tensor:
    turned = torch.complex(x, y) * torch.polar(x / x, degrees.deg2rad())
    return torch.view_as_real(turned)


def other_way(x: Tensor, y: Tensor, degrees: Tensor) -> Tensor:
    """This turns the other way: the sign of the angle, or of both sines, is flipped."""
    return right(x, y, -degrees)


def in_radians(x: Tensor, y: Tensor, degrees: Tensor) -> Tensor:
    """The angle is in degrees, and sine and cosine take radians."""
    return right(x, y, degrees.rad2deg())


def exchanged(x: Tensor, y: Tensor, degrees: Tensor) -> Tensor:
    """The two columns are exchanged: u (from left to right) stands first."""
    return right(x, y, degrees).flip(1)


def overwritten(x: Tensor, y: Tensor, degrees: Tensor) -> Tensor:
    """The second number is made from the first. Both come from x and y as they were."""
    u, v = right(x, y, degrees).T
    return torch.stack([u, v + (u - x) * degrees.deg2rad().sin()], 1)


def upwards(x: Tensor, y: Tensor, degrees: Tensor) -> Tensor:
    """This is right where y points upwards. In a picture, rows are counted down."""
    return right(x, -y, degrees) * x.new_tensor([1, -1])
