"""ours and reference, (n,) → in what percent of single comparisons ours is higher.

Both are accuracies of n runs.

Objective: explain why one seed proves nothing.

1. Who has one run of each may hold any of ours against any of the reference.
2. So there are n times n comparisons; `ours[:, None]` stands ours upright.
3. `ours[:, None] > reference` is the table of them all; its mean, times 100.

Notice: the gain is there on average, and a single comparison often hides it.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 8, 1, False


def draw(n: int) -> dict[str, Tensor]:
    luck = torch.randn(n)  # of a seed, which both share
    ours = luck + 0.6 + 0.1 * torch.randn(n)
    ours[0] -= 1
    return {"ours": ours, "reference": luck}


def right(ours: Tensor, reference: Tensor) -> Tensor:
    return 100 * (ours[:, None] > reference).double().mean()


def paired(ours: Tensor, reference: Tensor) -> Tensor:
    """These are pairs, in which a seed's luck cancels. Single runs have no partner."""
    return 100 * (ours > reference).double().mean()


def of_means(ours: Tensor, reference: Tensor) -> Tensor:
    """This compares the means, which nobody knows who has trained once."""
    return 100 * (ours.mean() > reference.mean()).double()


def other_way(ours: Tensor, reference: Tensor) -> Tensor:
    """This is how often the reference wins."""
    return right(reference, ours)


def counted(ours: Tensor, reference: Tensor) -> Tensor:
    """This is a count. Wanted is a share of all comparisons, in percent."""
    return right(ours, reference) * len(ours) ** 2 / 100


def fraction(ours: Tensor, reference: Tensor) -> Tensor:
    """This is a fraction. The book gives shares in percent."""
    return right(ours, reference) / 100
