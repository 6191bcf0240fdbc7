"""h (N, D), weight (M, D), bias, gain and shift (M,) → d (N, M), Eq. 3 with batch norm.

Objective: turn a tree of yes-or-no questions into smooth weights.

1. A linear question for each node, then a batch norm, then the sigmoid.
2. The batch norm takes mean and variance over the images, one pair for each node.
3. The root is of the variance (`correction=0`) plus 1e-5; then times gain, plus shift.

Notice: the batch norm makes each node undecided on average, so that it has a gradient.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHAPTER, LEVEL = 5, 2


def draw(n: int) -> dict[str, Tensor]:
    names = ("bias", "gain", "shift")
    vectors = {name: torch.randn(3) for name in names}
    weight = torch.tensor([[1.0], [1], [0.01]]) * torch.randn(3, 5)  # one is still
    return {"h": 2 * torch.randn(n, 5), "weight": weight, **vectors}


def right(*h_to_shift: Tensor) -> Tensor:
    return questions(*h_to_shift).sigmoid()


def bare(h: Tensor, weight: Tensor, bias: Tensor, *_: Tensor) -> Tensor:
    """The batch norm is missing: large features freeze the sigmoid at 0 or 1."""
    return F.linear(h, weight, bias).sigmoid()


def by_row(h: Tensor, weight: Tensor, bias: Tensor, *norm: Any) -> Tensor:
    """Mean and variance are over the nodes of an image, which is a layer norm."""
    return F.layer_norm(F.linear(h, weight, bias), bias.shape, *norm).sigmoid()


def unbiased(h: Tensor, weight: Tensor, *rest: Tensor) -> Tensor:
    """The variance is divided by N - 1. A batch norm divides by N (`correction=0`)."""
    bias, gain, shift = rest
    return right(h, weight, bias, gain * (1 - 1 / len(h)) ** 0.5, shift)


def questions(h: Tensor, weight: Tensor, bias: Tensor, *norm: Any) -> Tensor:
    """These are logits. A probability of going left needs the sigmoid, last of all."""
    gain, shift = norm
    a = F.linear(h, weight, bias)
    return F.batch_norm(a, None, None, weight=gain, bias=shift, training=True)


def swapped(*h_to_shift: Tensor) -> Tensor:
    """Left and right are swapped: d is the probability of going left."""
    return 1 - right(*h_to_shift)


def unscaled(h: Tensor, weight: Tensor, bias: Tensor, *_: Tensor) -> Tensor:
    """Gain and shift are missing: they come after the division, before the sigmoid."""
    return right(h, weight, bias, torch.ones_like(bias), torch.zeros_like(bias))


def unrooted(h: Tensor, weight: Tensor, bias: Tensor, *norm: Tensor) -> Tensor:
    """It is divided by the variance. A batch norm divides by its square root."""
    gain, shift = norm
    a = F.linear(h, weight, bias)
    a = (a - a.mean(0)) / (a.var(0, correction=0) + 1e-5)
    return (a * gain + shift).sigmoid()


def no_floor(h: Tensor, weight: Tensor, bias: Tensor, *norm: Tensor) -> Tensor:
    """1e-5 is missing, or outside of the root: without it, what hardly varies is blown
    up, and what never does divides by 0.
    """
    gain, shift = norm
    a = F.linear(h, weight, bias)
    return ((a - a.mean(0)) / a.std(0, correction=0) * gain + shift).sigmoid()


def normed_late(h: Tensor, weight: Tensor, bias: Tensor, *norm: Tensor) -> Tensor:
    """The batch norm comes after the sigmoid, so these are no probabilities. It belongs
    in front of it.
    """
    gain, shift = norm
    d = F.linear(h, weight, bias).sigmoid()
    return F.batch_norm(d, None, None, weight=gain, bias=shift, training=True)
