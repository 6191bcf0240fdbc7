"""h (N, D) → h as it is, and on the way back its gradient with the sign turned.

Objective: share a network between two tasks, or turn one of them against it.

1. Two numbers with one value and opposite gradients: detach one of two summands.
2. What is detached counts forwards and not backwards.
3. Minus h has the gradient that is wanted; add twice h, detached.

Notice: forwards nothing shows, so look at gradients when you check such a layer.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 21, 2


def draw(n: int) -> dict[str, Tensor]:
    return {"h": torch.randn(n, 4)}


def right(h: Tensor) -> Tensor:
    return 2 * h.detach() - h


def same(h: Tensor) -> Tensor:
    """The gradient passes as it is: the encoder would help the reader."""
    return h + 0


def cut(h: Tensor) -> Tensor:
    """The gradient is stopped, and not turned: the encoder would learn nothing."""
    return h.detach()


def turned(h: Tensor) -> Tensor:
    """The values are turned as well. Forwards, h should come out as it went in."""
    return -h


def twice(h: Tensor) -> Tensor:
    """The gradient is turned and doubled."""
    return 3 * h.detach() - 2 * h
