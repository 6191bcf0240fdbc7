"""ours and reference, (n,) by seed → mean difference and half its 95 % interval.

Objective: hold a gate against something cheaper.

1. One difference for each seed; then mean and standard deviation of the differences.
2. Half the width is a quantile of Student's t times the error of the mean.
3. The error is the deviation (n - 1 below) over √n; `scipy.stats.t.ppf(0.975, n - 1)`.

Notice: paired, the luck that two runs of one seed share cancels, and half gets smaller.
"""

import torch
from scipy.special import stdtrit
from torch import Tensor

from thin_mini.basics.intervals import mean_interval

CHAPTER, LEVEL, GRADIENTS = 11, 2, False
Pair = tuple[float, float]


def draw(n: int) -> dict[str, Tensor]:
    luck = 90 + 2 * torch.randn(n)  # of a seed, which both share
    ours, reference = luck + 0.5 + 0.2 * torch.randn(n), luck + 0.3 * torch.randn(n)
    return {"ours": ours, "reference": reference}


def right(ours: Tensor, reference: Tensor) -> Pair:
    return mean_interval((ours - reference).tolist())


def _times(pair: Pair, factor: float) -> Pair:
    return pair[0], float(factor * pair[1])


def no_root(ours: Tensor, reference: Tensor) -> Pair:
    """The square root is lost: the error of a mean falls with √n, and not with n."""
    return _times(right(ours, reference), len(ours) ** -0.5)


def undivided(ours: Tensor, reference: Tensor) -> Pair:
    """This is the spread of single runs. The error of their mean is √n times less."""
    return _times(right(ours, reference), len(ours) ** 0.5)


def unpaired(ours: Tensor, reference: Tensor) -> Pair:
    """The differences are unpaired: each spread has the seeds' luck in it. Subtract
    seed by seed first.
    """
    mean = (ours - reference).mean().item()
    halves = (mean_interval(x.tolist())[1] for x in (ours, reference))
    return mean, sum(half**2 for half in halves) ** 0.5


def pooled(ours: Tensor, reference: Tensor) -> Pair:
    """Two samples are compared, with 2n - 2 degrees of freedom, as if no run had a
    partner: subtract seed by seed first.
    """
    mean, half = unpaired(ours, reference)
    n = len(ours)
    return mean, half * float(stdtrit(2 * n - 2, 0.975) / stdtrit(n - 1, 0.975))


def one_sided(ours: Tensor, reference: Tensor) -> Pair:
    """The quantile at 0.95 leaves 5 % on either side. For 95 % it is the one at
    0.975.
    """
    n = len(ours) - 1
    return _times(right(ours, reference), stdtrit(n, 0.95) / stdtrit(n, 0.975))


def ends(ours: Tensor, reference: Tensor) -> Pair:
    """These are the two ends. Wanted are the mean and half the width."""
    mean, half = right(ours, reference)
    return mean - half, mean + half


def error_alone(ours: Tensor, reference: Tensor) -> Pair:
    """This is the error of the mean. Half the width is a quantile of Student's t
    times that.
    """
    return _times(right(ours, reference), 1 / stdtrit(len(ours) - 1, 0.975))


def other_way(ours: Tensor, reference: Tensor) -> Pair:
    """The sign is turned: above 0 is what ours has more than the reference."""
    return right(reference, ours)


def normal(ours: Tensor, reference: Tensor) -> Pair:
    """1.96 is for hundreds of runs. For a few, Student's t has a larger quantile."""
    error = (ours - reference).std() / len(ours) ** 0.5
    return right(ours, reference)[0], 1.96 * error.item()


def narrow(ours: Tensor, reference: Tensor) -> Pair:
    """The squares are divided by n. Only n - 1 differences from a mean are free."""
    return _times(right(ours, reference), (1 - 1 / len(ours)) ** 0.5)
