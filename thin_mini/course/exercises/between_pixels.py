"""image (S, S), column u and row v (N,), inside → the ink (N,) between the four pixels.

Objective: rotate digits by hand and with the library.

1. The four neighbours are at the whole numbers below and above, in either direction.
2. Each counts by how near it is: one less its distance, in columns times in rows.
3. With a = u - ⌊u⌋ the left two count 1 - a and the right two a; the same for rows.

Notice: the four weights sum to 1, and ink has a gradient for where one looks.
"""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

CHAPTER, LEVEL = 1, 2


def draw(n: int) -> dict[str, Tensor]:
    places = 5 * torch.rand(2, n) + 0.01  # never on a pixel's edge of the frame
    return {"image": torch.rand(7, 7), "u": places[0], "v": places[1]}


def _read(image: Tensor, u: Tensor, v: Tensor, mode: str = "bilinear") -> Tensor:
    grid = 2 * torch.stack([u, v], 1) / (len(image) - 1) - 1  # (N, 2)
    return grid_sample(
        image[None, None], grid[None, None], mode=mode, align_corners=True
    )[0, 0, 0]


def right(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    return _read(image, u, v)


def exchanged(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Rows and columns are exchanged: a tensor is asked for its row first, image[v,
    u].
    """
    return _read(image, v, u)


def nearest(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """This is the nearest pixel, whole. The four are mixed, so that nothing jumps."""
    return _read(image, u.round(), v.round()) + 0 * (u + v)


def corner(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """This is the pixel to the left and above. The four neighbours are mixed."""
    return image[v.long(), u.long()]


def alike(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The four count alike. Each should count by how near it is."""
    return _read(image, u.floor() + 0.5, v.floor() + 0.5)


def far_ones(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The far pixels count most: a pixel's weight is one less its distance."""
    return _read(image, 2 * u.floor() + 1 - u, 2 * v.floor() + 1 - v)


def one_way(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Only columns are mixed. The same has to be done for rows."""
    return _read(image, u, v.floor())
