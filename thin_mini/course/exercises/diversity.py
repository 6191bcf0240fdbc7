"""p (N, L, K), target (N, K) → mean error of the committee, of a member, and diversity.

Objective: measure diversity and say what it is worth.

1. All three are means of squares: over images and classes, and over members if there
   are.
2. The committee's answer is the mean of p over axis 1.
3. Diversity: how far the members lie from the committee, which knows no target.

Notice: the first is the second less the third, to the last digit.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 4, 2, False
Three = tuple[Tensor, Tensor, Tensor]


def draw(n: int) -> dict[str, Tensor]:
    target = torch.eye(4)[torch.randint(4, (n,))]
    return {"p": (2 * torch.randn(n, 3, 4)).softmax(2), "target": target}


def right(p: Tensor, target: Tensor) -> Three:
    mean = p.mean(1)
    member = (p - target[:, None]).square().mean()
    return (mean - target).square().mean(), member, p.var(1, correction=0).mean()


def unbiased(p: Tensor, target: Tensor) -> Three:
    """Diversity is divided by L - 1. With L below, the account comes out to the end."""
    committee, member, diversity = right(p, target)
    return committee, member, diversity * p.shape[1] / (p.shape[1] - 1)


def from_target(p: Tensor, target: Tensor) -> Three:
    """The third is a member's error once more. Diversity is the distance from the
    committee's answer, and needs no target.
    """
    committee, member, _ = right(p, target)
    return committee, member, member


def mean_of_errors(p: Tensor, target: Tensor) -> Three:
    """The committee's error is the mean of its members' errors. The answers are
    averaged first, and then comes the square.
    """
    _, member, diversity = right(p, target)
    return member, member, diversity


def rooted(p: Tensor, target: Tensor) -> Three:
    """These are roots. The account holds for squares."""
    committee, member, diversity = right(p, target)
    return committee.sqrt(), member.sqrt(), diversity.sqrt()


def summed(p: Tensor, target: Tensor) -> Three:
    """The squares are summed over the classes. Means are over images and classes."""
    committee, member, diversity = (p.shape[2] * x for x in right(p, target))
    return committee, member, diversity


def over_images(p: Tensor, target: Tensor) -> Three:
    """Diversity is taken over images here. It is how members differ on one image."""
    committee, member, _ = right(p, target)
    return committee, member, p.var(0, correction=0).mean()
