"""left (N,) in 0 to 1, group (N,) → what the side tells of the group in bits, a number.

`left` is the probability of going left, so an image may count half for either side.

Objective: measure what each split knows, in bits, and hold it against chance.

1. A table of two sides and the groups: how much of all images lands in each place.
2. Each place against the product of its row's sum and its column's sum.
3. Sum the place times the base-2 logarithm of that ratio; an empty place counts 0.

Notice: it is never below 0, so even what knows nothing has a little, by chance.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import one_hot

CHAPTER, LEVEL, GRADIENTS = 17, 2, False


def draw(n: int) -> dict[str, Tensor]:
    group = torch.arange(6 * n) % 3
    left = torch.where(group == 0, 1.0, torch.rand(6 * n))
    return {"left": left, "group": group}


def _bits(joint: Tensor) -> Tensor:
    apart = joint.sum(1, keepdim=True) * joint.sum(0)
    return torch.where(joint > 0, joint * (joint / apart).log2(), 0).sum()


def right(left: Tensor, group: Tensor) -> Tensor:
    sides = torch.stack([left, 1 - left])  # (2, N)
    return _bits(sides @ one_hot(group).to(left) / len(left))


def in_nats(left: Tensor, group: Tensor) -> Tensor:
    """The logarithm is the natural one. For bits take the one to base 2."""
    return right(left, group) * math.log(2)


def hard(left: Tensor, group: Tensor) -> Tensor:
    """Every image is put wholly on one side. Let it count for both as it is sent."""
    return right((left > 0.5).to(left), group)


def entropy(left: Tensor, group: Tensor) -> Tensor:
    """This is what one does not know before, the entropy of the group alone."""
    share = one_hot(group).double().mean(0)
    return -(share * share.log2()).sum()


def counted(left: Tensor, group: Tensor) -> Tensor:
    """The table holds counts. Shares of all images are wanted, with the sum 1."""
    joint = torch.stack([left, 1 - left]) @ one_hot(group).to(left)
    apart = joint.sum(1, keepdim=True) * joint.sum(0)
    return torch.where(joint > 0, joint * (joint / apart).log2(), 0).sum()


def none_left(left: Tensor, group: Tensor) -> Tensor:
    """The right side is missing: the table has a row for each of two sides."""
    joint = left[None] @ one_hot(group).to(left) / len(left)
    apart = joint.sum() * one_hot(group).to(left).mean(0)
    return (joint * (joint / apart).log2()).sum()
