"""degrees (N,) between -90 and 90 → the bin (N,) of 10°, 0 to 17, as the network's
label.

Objective: train a network on the exogenous variable.

1. How many whole steps of 10° lie between -90° and the angle?
2. Shift the range so that it begins at 0, divide by 10, and round down.
3. Its end belongs to the last bin: `clamp(max=17)`; a label is a whole number,
   `.long()`.

Notice: 9.9° and 10.1° get different labels: a class knows no neighbours.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 3, 1, False


def draw(n: int) -> dict[str, Tensor]:
    ends = torch.tensor([-90.0, 90.0, -3.0, 0.0, 79.0])
    return {"degrees": torch.cat([ends, 178 * torch.rand(n) - 89])}


def right(degrees: Tensor) -> Tensor:
    return ((degrees + 90) / 10).floor().clamp(max=17).long()


def nineteenth(degrees: Tensor) -> Tensor:
    """+90° got a bin of its own, the nineteenth. The end of the range belongs to bin
    17.
    """
    return ((degrees + 90) / 10).floor().long()


def nearest(degrees: Tensor) -> Tensor:
    """This rounds to the nearest edge. A bin reaches from one edge up to the next."""
    return ((degrees + 90) / 10).round().clamp(max=17).long()


def from_zero(degrees: Tensor) -> Tensor:
    """The range begins at -90°: these are numbers below 0, and no class is called
    so.
    """
    return (degrees / 10).floor().long()


def towards_zero(degrees: Tensor) -> Tensor:
    """This cuts off the fraction before the shift, so bins beside 0° are merged: shift
    first, and then round down.
    """
    return ((degrees / 10).trunc() + 9).clamp(max=17).long()


def from_one(degrees: Tensor) -> Tensor:
    """The bins are counted from 1. Classes are numbered from 0."""
    return right(degrees) + 1


def centres(degrees: Tensor) -> Tensor:
    """These are angles, the bins' centres. A classifier's label is the bin's number."""
    return right(degrees) * 10 - 85


def mirrored(degrees: Tensor) -> Tensor:
    """The bins run the other way: bin 0 begins at -90°."""
    return right(-degrees)
