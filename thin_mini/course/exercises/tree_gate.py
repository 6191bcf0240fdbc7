"""z (N, 3), the nodes' logits → the probabilities (N, 4) of the leaves, Eqs. 3 to 5.

Objective: turn a tree of yes-or-no questions into smooth weights.

1. Three answers: at the root, at its left child, at its right child, level by level.
2. Each leaf is a path of two answers: d for a step to the left, 1 - d to the right.
3. The first leaf is root times left child; write the other three, from left to right.

Notice: the leaves under one node share its factor: they are relatives.
"""

import torch
from torch import Tensor

from thin_mini.gates import leaf_log_probs

CHAPTER, LEVEL = 5, 2


def draw(n: int) -> dict[str, Tensor]:
    return {"z": 2 * torch.randn(n, 3)}


def right(z: Tensor) -> Tensor:
    return leaf_log_probs(z).exp()


def _leaves(d: Tensor) -> Tensor:
    root, left, right = d.unbind(1)
    halves = [root * left, root * (1 - left), (1 - root) * right]
    return torch.stack([*halves, (1 - root) * (1 - right)], 1)


def swapped(z: Tensor) -> Tensor:
    """Left and right are swapped: d is the probability of going left (Eq. 4)."""
    return right(-z)


def no_sigmoid(z: Tensor) -> Tensor:
    """The sigmoid of Eq. 3 is missing: these are products of logits."""
    return _leaves(z)


def softmax_too_early(z: Tensor) -> Tensor:
    """A softmax too early: nodes do not compete. Each has a yes and a no of its own."""
    return _leaves(z.softmax(1))


def one_question(z: Tensor) -> Tensor:
    """The left child answers for both halves: the right half has a node of its own."""
    return right(z[:, [0, 1, 1]])


def children_swapped(z: Tensor) -> Tensor:
    """The root's children are taken for each other: the left one is numbered first."""
    return right(z[:, [0, 2, 1]])


def no_root(z: Tensor) -> Tensor:
    """The root's answer is missing: a leaf is reached by all the steps of its path."""
    d = z.sigmoid()
    return torch.stack([d[:, 1], 1 - d[:, 1], d[:, 2], 1 - d[:, 2]], 1)


def from_the_right(z: Tensor) -> Tensor:
    """The leaves stand from right to left: the first is the one reached by going left
    twice.
    """
    return right(z).flip(1)


def added(z: Tensor) -> Tensor:
    """The steps of a path are added. One step *and* another: they multiply."""
    root, left, right_ = z.sigmoid().unbind(1)
    halves = [root + left, root + 1 - left, 1 - root + right_]
    return torch.stack([*halves, 2 - root - right_], 1)


def competing(z: Tensor) -> Tensor:
    """This is a softmax over paths. Each node decides for itself (a sigmoid), and the
    answers along a path multiply.
    """
    root, left, right_ = z.unbind(1)
    paths = [root + left, root - left, right_ - root, -root - right_]
    return torch.stack(paths, 1).softmax(1)


def last_two(z: Tensor) -> Tensor:
    """The last two leaves are exchanged: left comes first in the right half as well."""
    return right(z)[:, [0, 1, 3, 2]]


def nodes(z: Tensor) -> Tensor:
    """These are the answers of the three nodes. Their products are the four leaves."""
    return z.sigmoid()
