"""dx, dy, scale, angle, (N,) each → 1 where the pixel lies in the ellipse, else 0.

dx and dy lead from the sprite's centre to the pixel's, the angle is in radians, and at
scale 1 the half axes are 12.75 (along u) and 7.22 (along v).

Objective: draw dSprites exactly, without downloading it.

1. Turn the pixel back, bring it to scale 1, and ask whether it lies inside.
2. u is dx times the cosine less dy times the sine, v as in the chapter's square.
3. Divide both by the scale; inside, the squares of u/12.75 and v/7.22 sum to 1 at most.

Notice: the sprite is never turned or shrunk; each pixel asks where it came from.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 9, 2, False


def draw(n: int) -> dict[str, Tensor]:
    n = 50 * n
    place = {"dx": 8 * torch.randn(n), "dy": 8 * torch.randn(n)}
    return place | {"scale": 0.5 + 0.5 * torch.rand(n), "angle": 6 * torch.rand(n)}


def _parts(dx: Tensor, dy: Tensor, scale: Tensor, angle: Tensor) -> Tensor:
    pixel = torch.complex(dx, dy) * torch.polar(1 / scale, angle)
    return torch.stack([pixel.real / 12.75, pixel.imag / 7.22])


def right(*dx_to_angle: Tensor) -> Tensor:
    return _parts(*dx_to_angle).norm(dim=0) <= 1


def other_way(dx: Tensor, dy: Tensor, scale: Tensor, angle: Tensor) -> Tensor:
    """The pixel is turned along with the sprite, and not back: a sign is flipped."""
    return right(dx, dy, scale, -angle)


def multiplied(dx: Tensor, dy: Tensor, scale: Tensor, angle: Tensor) -> Tensor:
    """The scale multiplies: small sprites come out large. Divide by it."""
    return right(dx, dy, 1 / scale, angle)


def unscaled(dx: Tensor, dy: Tensor, scale: Tensor, angle: Tensor) -> Tensor:
    """The scale is not used: every sprite is as large as the largest."""
    return right(dx, dy, scale / scale, angle)


def box(*dx_to_angle: Tensor) -> Tensor:
    """This is the box around the ellipse: its corners are inside as well."""
    return _parts(*dx_to_angle).abs().amax(0) <= 1


def exchanged(*dx_to_angle: Tensor) -> Tensor:
    """The half axes are exchanged: the ellipse is longer along u."""
    u, v = _parts(*dx_to_angle)
    return torch.stack([u * 12.75 / 7.22, v * 7.22 / 12.75]).norm(dim=0) <= 1
