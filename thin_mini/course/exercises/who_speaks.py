"""h (N, D), weight (M, D), n → the first n features' part of what the nodes hear, in %.

Objective: recognise when one variable drowns the other in a fused gate.

1. A node's sum falls into two summands: one of the first n features, one of the rest.
2. Of each summand take the variance over the images, and add over the nodes.
3. `(h[:, :n] @ weight[:, :n].T).var(0).sum()` is the first's; its share of both.

Notice: equal weights do not mean equal voices: what counts is weight times spread.
"""

from typing import Any

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 10, 2, False


def draw(n: int) -> dict[str, Any]:
    loud = torch.tensor([1.0, 2, 1, 4, 3])
    h = loud * torch.randn(4 * n, 5) + torch.tensor([3.0, 0, 0, 0, 1])
    return {"h": h, "weight": torch.randn(7, 5), "n": 3}


def _share(first: Tensor, rest: Tensor) -> Tensor:
    return 100 * first / (first + rest)


def right(h: Tensor, weight: Tensor, n: int) -> Tensor:
    voices = [h[:, part] @ weight[:, part].T for part in (slice(n), slice(n, None))]
    return _share(*(voice.var(0).sum() for voice in voices))


def others(h: Tensor, weight: Tensor, n: int) -> Tensor:
    """This is the part of the other features, those from n on."""
    return 100 - right(h, weight, n)


def of_weights(h: Tensor, weight: Tensor, n: int) -> Tensor:
    """Only the weights are compared. Small weights on loud features are heard too."""
    return _share(weight[:, :n].square().sum(), weight[:, n:].square().sum())


def of_features(h: Tensor, weight: Tensor, n: int) -> Tensor:
    """Only the features' spread is compared. A node need not listen to all alike."""
    return _share(h[:, :n].var(0).sum(), h[:, n:].var(0).sum())


def uncentred(h: Tensor, weight: Tensor, n: int) -> Tensor:
    """The squares hold the mean as well, which is the same for all images."""
    voices = (h[:, part] @ weight[:, part].T for part in (slice(n), slice(n, None)))
    return _share(*(voice.square().sum() for voice in voices))


def fraction(h: Tensor, weight: Tensor, n: int) -> Tensor:
    """This is a fraction, and percent are wanted."""
    return right(h, weight, n) / 100
