"""gains (M, n), paper, smallest → a verdict for each of M experiments, (M,).

0 reproduced, 1 weaker, 2 equivalent, 3 inconclusive, 4 contradicted. The paper's gain
is above 0, and `smallest` is the least difference that would matter.

Objective: read a table of results with intervals and verdicts.

1. Does the 95 % interval hold 0? If not, on which side of 0 does it lie?
2. Above 0: does its upper end reach the paper's gain? Around 0: is it narrow enough?
3. Narrow enough: the 90 % interval (`scipy.stats.t.ppf(0.95, n - 1)`) lies wholly
between minus and plus `smallest`. Else nobody knows, and that is inconclusive.

Notice: a 0 inside an interval has two meanings, and only the width tells them apart.
"""

from typing import Any

import torch
from scipy.special import stdtr
from torch import Tensor

from thin_mini.basics.intervals import mean_interval

CHAPTER, LEVEL, GRADIENTS = 8, 2, False


def draw(n: int) -> dict[str, Any]:
    seeds = torch.linspace(-1, 1, n)[torch.randperm(n)]
    means = torch.tensor([0.9, 1.2, 0.5, 0.05, 0.1, 0.3, -0.9, 0.63, 0])[:, None]
    spreads = torch.tensor([0.3, 0.2, 0.3, 0.1, 2.0, 3.0, 0.3, 1.0, 0.28])[:, None]
    return {"gains": means + spreads * seeds, "paper": 1.0, "smallest": 0.2}


def _ends(gains: Tensor, level: float) -> tuple[Tensor, Tensor]:
    mean, half = torch.tensor([mean_interval(x, level) for x in gains.tolist()]).T
    return mean - half, mean + half


def _judged(gains: Tensor, paper: float, smallest: float, *levels: float) -> Tensor:
    (low, high), (least, most) = (_ends(gains, level) for level in levels)
    unclear = 3 - ((least > -smallest) & (most < smallest)).long()
    verdict = torch.where(low > 0, (high < paper).long(), unclear)
    return verdict.masked_fill(high < 0, 4)


def right(gains: Tensor, paper: float, smallest: float) -> Tensor:
    return _judged(gains, paper, smallest, 0.95, 0.9)


def no_effect(*given: Any) -> Tensor:
    """A wide interval around 0 is read as no effect. It says that nobody knows."""
    return right(*given).masked_fill(right(*given) == 3, 2)


def holds_paper(gains: Tensor, paper: float, smallest: float) -> Tensor:
    """What holds the paper's gain counts as reproduced, be it as wide as it may."""
    low, high = _ends(gains, 0.95)
    verdict = right(gains, paper, smallest)
    return verdict.masked_fill((low <= paper) & (paper <= high), 0)


def either_side(gains: Tensor, paper: float, smallest: float) -> Tensor:
    """The sign is not looked at: a gain that turned into a loss is contradicted."""
    verdict = right(gains, paper, smallest)
    return torch.where(verdict == 4, right(-gains, paper, smallest), verdict)


def by_mean(gains: Tensor, paper: float, smallest: float) -> Tensor:
    """Our mean is held against the paper's gain. Does the interval reach it?"""
    verdict = right(gains, paper, smallest)
    return verdict.masked_fill((verdict == 0) & (gains.mean(1) < paper), 1)


def normal(gains: Tensor, paper: float, smallest: float) -> Tensor:
    """1.96 is for hundreds of runs. For a few, Student's t has a larger quantile."""
    levels = (stdtr(gains.shape[1] - 1, z) * 2 - 1 for z in (1.96, 1.645))
    return _judged(gains, paper, smallest, *levels)


def too_strict(gains: Tensor, paper: float, smallest: float) -> Tensor:
    """Equivalence is held against the 90 % interval: two one-sided tests at 5 %."""
    return _judged(gains, paper, smallest, 0.95, 0.95)
