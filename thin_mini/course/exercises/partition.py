"""points (N, 2), weight (3, 2) and bias (3,) of the nodes → the leaf (N,) with most
say.

Objective: draw the partition that a gate has learned.

1. Three logits for each point, then the four leaves as before, then the largest.
2. `points @ weight.T + bias` are the logits; the leaves are numbered 0 to 3.
3. Leaves are products of answers; compare the four products, by `argmax` over axis 1.

Notice: the answer changes along straight lines, and bends where undecided nodes meet.
"""

import torch
from torch import Tensor

from thin_mini.gates import leaf_log_probs

CHAPTER, LEVEL, GRADIENTS = 5, 2, False


def draw(n: int) -> dict[str, Tensor]:
    points = 4 * torch.rand(50 * n, 2) - 2
    weight = torch.tensor([[0.6, 0.2], [2.0, -1.5], [-0.4, 3.0]])
    return {"points": points, "weight": weight, "bias": torch.tensor([0.3, -0.5, 1.0])}


def _leaves(points: Tensor, weight: Tensor, bias: Tensor | float) -> Tensor:
    return leaf_log_probs(points @ weight.T + bias)  # (N, 4)


def right(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _leaves(points, weight, bias).argmax(1)


def likelier_steps(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """This follows the likelier step at each node. An undecided root and a sure child
    may add up to another leaf: compare the four products.
    """
    root, left, right_ = (points @ weight.T + bias < 0).long().unbind(1)
    return 2 * root + torch.where(root == 0, left, right_)


def swapped(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Left and right are swapped: d is the probability of going left."""
    return _leaves(points, -weight, -bias).argmax(1)


def least(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """This is the leaf with the least say."""
    return _leaves(points, weight, bias).argmin(1)


def no_bias(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The bias is missing: without it every node's line goes through the middle."""
    return _leaves(points, weight, 0.0).argmax(1)


def from_one(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The leaves are counted from 1. Like everything in Python, they begin with 0."""
    return right(points, weight, bias) + 1


def nodes(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """This is the node with the largest logit. Leaves are wanted: products of
    answers.
    """
    return (points @ weight.T + bias).argmax(1)


def weights(points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """This is how much the leaf has to say. Which leaf it is, is wanted: its number."""
    return _leaves(points, weight, bias).exp().amax(1)
