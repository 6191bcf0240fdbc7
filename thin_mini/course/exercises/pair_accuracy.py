"""distance (N,), same (N,), n → accuracy in percent on the pairs from n on.

A pair counts as one person if it is as close as a threshold or closer: of the first n
distances the one by which most of the first n pairs come out right, and the smallest of
these if there are several.

Objective: measure whether it knows people whom it has never seen.

1. Two steps: choose a threshold on the first n pairs, then judge the others by it.
2. Try every one of the first n distances: `distance[:n] <= threshold` should be `same`.
3. Keep the threshold with the most right, and take the share of right on `[n:]`.

Notice: a threshold that may see the pairs it is judged by is as good as they allow.
"""

from typing import Any

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 12, 2, False


def draw(n: int) -> dict[str, Any]:
    n = 2 * n
    same = torch.rand(5 * n) < 0.6
    return {"distance": 1 + 0.3 * torch.randn(5 * n) - 0.4 * same, "same": same, "n": n}


def _judged(distance: Tensor, same: Tensor, fit: slice, on: slice) -> Tensor:
    tried = distance[fit].sort().values[:, None]
    hits = (distance[fit] <= tried) == same[fit]  # (thresholds, pairs)
    threshold = tried[hits.sum(1).argmax()]
    return 100 * ((distance[on] <= threshold) == same[on]).double().mean()


def right(distance: Tensor, same: Tensor, n: int) -> Tensor:
    return _judged(distance, same, slice(n), slice(n, None))


def on_test(distance: Tensor, same: Tensor, n: int) -> Tensor:
    """The threshold is chosen on the pairs that it is judged by."""
    return _judged(distance, same, slice(n, None), slice(n, None))


def on_its_own(distance: Tensor, same: Tensor, n: int) -> Tensor:
    """It is judged by the pairs that it was chosen on: take those from n on."""
    return _judged(distance, same, slice(n), slice(n))


def on_all(distance: Tensor, same: Tensor, n: int) -> Tensor:
    """All pairs are judged, those among them by which the threshold was chosen."""
    return _judged(distance, same, slice(n), slice(None))


def far(distance: Tensor, same: Tensor, n: int) -> Tensor:
    """Far pairs count as one person here. Pictures of one person lie close."""
    return 100 - right(distance, same, n)


def middle(distance: Tensor, same: Tensor, n: int) -> Tensor:
    """The threshold is the middle of the first distances, whoever is on the pairs."""
    called = distance[n:] <= distance[:n].median()
    return 100 * (called == same[n:]).double().mean()
