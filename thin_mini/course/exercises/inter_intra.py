"""h (N, D) and target (N,) → the variation between classes over that within, a number.

Objective: compute a ratio of inter- to intra-class variation, and say what else it
depends on.

1. Above: how far the classes' means lie from the mean of all, squared.
2. Below: how far the images lie from their own class's mean, squared; sum over all.
3. Above, every class counts as often as it has images: `len(own) * (...).sum()`.

Notice: stretch one feature, or add some of noise, and it is another number.
"""

import torch
from torch import Tensor

from thin_mini.insight.distances import inter_intra_ratio

CHAPTER, LEVEL, GRADIENTS = 16, 2, False


def draw(n: int) -> dict[str, Tensor]:
    target = torch.tensor([0] * 9 + [1] * 3 + [2] * n)
    return {"h": torch.randn(len(target), 4) + target[:, None], "target": target}


def _means(h: Tensor, target: Tensor) -> Tensor:
    return torch.stack([h[target == c].mean(0) for c in target.unique()])


def right(h: Tensor, target: Tensor) -> float:
    return inter_intra_ratio(h, target)


def unweighted(h: Tensor, target: Tensor) -> Tensor:
    """Every class counts once above. Each should count as often as it has images."""
    means = _means(h, target)
    within = (h - means[target]).square().sum()
    return (means - h.mean(0)).square().sum() / within


def of_total(h: Tensor, target: Tensor) -> float:
    """Below stand all differences from the mean of all: that is η² of chapter 1."""
    return right(h, target) / (1 + right(h, target))


def rooted(h: Tensor, target: Tensor) -> float:
    """This is a ratio of lengths. The traces are sums of squares."""
    return right(h, target) ** 0.5


def upside_down(h: Tensor, target: Tensor) -> float:
    """The ratio is upside down: what lies between the classes stands above."""
    return 1 / right(h, target)


def corrected(h: Tensor, target: Tensor) -> float:
    """Both are divided by their degrees of freedom, which this definition does not."""
    k = len(target.unique())
    return right(h, target) * (len(h) - k) / (k - 1)
