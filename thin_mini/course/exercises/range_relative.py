"""logits (N, B) and bins (N,) → the range-relative accuracy in percent, a number.

Objective: measure an ordered variable in three ways and say which of them a paper
means.

1. The prediction is the bin of the largest logit.
2. How many bins is it away from the true one, on average and whatever the direction?
3. That mean distance, as a share of the B bins, is what is missing from 100 %.

Notice: a guess at random already has about two thirds here; keep that zero in mind.
"""

import torch
from torch import Tensor

from thin_mini.metrics import exogenous_accuracy

CHAPTER, LEVEL, GRADIENTS = 3, 2, False


def draw(n: int) -> dict[str, Tensor]:
    bins = torch.arange(24) % n
    near = -(torch.arange(n) - bins[:, None]).abs() + 2 * torch.randn(24, n)
    near[0] = near[0].flip(0)  # from one end to the other
    return {"logits": near, "bins": bins}


def right(logits: Tensor, bins: Tensor) -> float:
    return exogenous_accuracy(logits, bins)["range_relative"]


def exact(logits: Tensor, bins: Tensor) -> float:
    """This is the exact accuracy: here all wrong bins are alike, near or far."""
    return exogenous_accuracy(logits, bins)["exact"]


def within_one(logits: Tensor, bins: Tensor) -> float:
    """This is the share within one bin, which does not ask how far the others err."""
    return exogenous_accuracy(logits, bins)["within_one"]


def fraction(logits: Tensor, bins: Tensor) -> float:
    """This is a fraction. The book gives accuracies in percent."""
    return right(logits, bins) / 100


def signed(logits: Tensor, bins: Tensor) -> float:
    """Errors to the left and to the right cancel here: take the absolute distance."""
    return 100 * (1 - (logits.argmax(1) - bins).double().mean().item() / len(logits[0]))


def circular(logits: Tensor, bins: Tensor) -> float:
    """The bins are closed to a circle. The range has two ends, a whole range apart."""
    away = (logits.argmax(1) - bins).abs().double()
    n = logits.shape[1]
    return 100 - 100 * torch.minimum(away, n - away).mean().item() / n


def of_steps(logits: Tensor, bins: Tensor) -> float:
    """The distance is divided by B - 1. The range has B bins."""
    n = logits.shape[1]
    return 100 - (100 - right(logits, bins)) * n / (n - 1)
