"""p (m,), the p-values of m tests → corrected by Holm, (m,), each where it was.

Objective: read a table of differences where the data are not the paper's.

1. The smallest is multiplied by m, the next by m - 1, and so on; the largest by 1.
2. None may come out below one that was smaller before, and none above 1.
3. `p.sort()` has values and places; `cummax(0).values`, `clamp(max=1)`, and back to
the places.

Notice: what stays below 0.05 does so although you have looked m times.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 14, 2, False


def draw(n: int) -> dict[str, Tensor]:
    p = torch.cat([0.011 + 0.002 * torch.rand(n), 0.02 * torch.rand(2), torch.rand(3)])
    return {"p": p[torch.randperm(len(p))]}


def _raised(p: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    values, places = p.sort()
    return values * factors, places.argsort()


def _left(p: Tensor) -> Tensor:
    return torch.arange(len(p), 0, -1)


def right(p: Tensor) -> Tensor:
    raised, back = _raised(p, _left(p))
    return raised.cummax(0).values.clamp(max=1)[back]


def bonferroni(p: Tensor) -> Tensor:
    """All are multiplied by m, which is Bonferroni. Holm is milder after the first."""
    return (len(p) * p).clamp(max=1)


def falling(p: Tensor) -> Tensor:
    """A larger p comes out below a smaller one: keep the largest so far."""
    raised, back = _raised(p, _left(p))
    return raised.clamp(max=1)[back]


def above_one(p: Tensor) -> Tensor:
    """Some are above 1, and a p-value is a probability."""
    raised, back = _raised(p, _left(p))
    return raised.cummax(0).values[back]


def in_order(p: Tensor) -> Tensor:
    """They come sorted. Each belongs where its test stood."""
    return right(p).sort().values


def hochberg(p: Tensor) -> Tensor:
    """This is Benjamini and Hochberg's: of what is called real, 5 % may be false."""
    raised, back = _raised(p, len(p) / _left(p).flip(0))
    return raised.flip(0).cummin(0).values.flip(0).clamp(max=1)[back]
