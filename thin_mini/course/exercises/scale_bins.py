"""scale (N,), 0.5 to 1 → the bin (N,) of each, 0 to 9, in steps of 0.05.

Objective: set up a data set in which scale is the exogenous variable.

1. How far above 0.5 is it, in steps of 0.05?
2. Whole steps count: everything from 0.5 up to 0.55 is bin 0.
3. Subtract 0.5, divide by 0.05, round down; and 1 itself belongs to the last bin.

Notice: six official scales cannot fill ten bins, which is why the scale is drawn anew.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 9, 1, False


def draw(n: int) -> dict[str, Tensor]:
    return {"scale": torch.cat([0.5 + 0.5 * torch.rand(5 * n), torch.ones(2)])}


def _steps(scale: Tensor) -> Tensor:
    return (scale - 0.5) / 0.05


def right(scale: Tensor) -> Tensor:
    return _steps(scale).floor().clamp(max=9)


def eleven(scale: Tensor) -> Tensor:
    """A scale of 1 falls into an eleventh bin. The last one, 9, holds its upper end."""
    return _steps(scale).floor()


def nearest(scale: Tensor) -> Tensor:
    """This rounds to the nearest step, so that bin 0 is half as wide. Round down."""
    return _steps(scale).round().clamp(max=9)


def from_zero(scale: Tensor) -> Tensor:
    """The bins are counted from 0. Those of a sprite begin at a scale of 0.5."""
    return _steps(scale + 0.5).floor().clamp(max=19)


def official(scale: Tensor) -> Tensor:
    """These are the six official scales, in steps of 0.1. The paper has ten bins."""
    return (2 * right(scale) / 4).floor()
