"""logits (N, K), label (N,), n → the n images whose label a model doubts most, (n,).

Their numbers, the most doubted first. Doubt is the probability of the class that the
model believes in, less that of the label.

Objective: tell a wrong prediction from a wrong label.

1. Two probabilities for each image: of the largest class, and of the given label.
2. Where model and label agree, the doubt is 0; where it is sure of another, nearly 1.
3. `p = logits.softmax(1)`, `p.max(1).values`, `p[range(N), label]`, then `topk(n)`.

Notice: it ranks, and no more. People whose resting face looks like an expression are on
top as well.
"""

from typing import Any

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 15, 2, False


def draw(n: int) -> dict[str, Any]:
    return {
        "logits": 3 * torch.randn(20 * n, 4),
        "label": torch.randint(4, (20 * n,)),
        "n": 2 * n,
    }


def _top(doubt: Tensor, n: int) -> Tensor:
    return doubt.topk(n).indices


def _of_label(p: Tensor, label: Tensor) -> Tensor:
    return p.gather(1, label[:, None])[:, 0]


def right(logits: Tensor, label: Tensor, n: int) -> Tensor:
    p = logits.softmax(1)
    return _top(p.max(1).values - _of_label(p, label), n)


def of_logits(logits: Tensor, label: Tensor, n: int) -> Tensor:
    """Logits are compared. Their distances say less of belief than probabilities."""
    return _top(logits.max(1).values - _of_label(logits, label), n)


def unlikely(logits: Tensor, label: Tensor, n: int) -> Tensor:
    """Only the label's probability is asked: a model unsure of all doubts it too."""
    return _top(-_of_label(logits.softmax(1), label), n)


def sure(logits: Tensor, label: Tensor, n: int) -> Tensor:
    """The label is not asked: these are the images of which the model is surest."""
    return _top(logits.softmax(1).max(1).values, n)


def least(logits: Tensor, label: Tensor, n: int) -> Tensor:
    """The order is turned: these are doubted least."""
    p = logits.softmax(1)
    return _top(_of_label(p, label) - p.max(1).values, n)
