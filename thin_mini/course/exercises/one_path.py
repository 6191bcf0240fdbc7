"""d (N, 3), how likely each node sends left → the weight (N,) of the third of 4 leaves.

Objective: turn a tree of yes-or-no questions into smooth weights.

1. Two steps lead to a leaf; the third from the left lies in the right half.
2. Right at the root, then left at the root's right child, which is the last column.
3. A step to the left counts d, one to the right 1 - d; the two are multiplied.

Notice: the left child does not matter here, so it gets no gradient from this leaf.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 5, 1


def draw(n: int) -> dict[str, Tensor]:
    return {"d": torch.rand(n, 3)}


def right(d: Tensor) -> Tensor:
    return d[:, 2] - d[:, 0] * d[:, 2]


def left_at_the_root(d: Tensor) -> Tensor:
    """The root's step is taken to the left. A step to the right counts 1 - d."""
    return d[:, 0] * d[:, 2]


def other_half(d: Tensor) -> Tensor:
    """The left child answers for the right half, which has a node of its own."""
    return (1 - d[:, 0]) * d[:, 1]


def last_leaf(d: Tensor) -> Tensor:
    """This is the fourth leaf, right and right again. The third turns left at the
    end.
    """
    return (1 - d[:, 0]) * (1 - d[:, 2])


def last_step(d: Tensor) -> Tensor:
    """The root's step is missing: a leaf is reached by all the steps of its path."""
    return d[:, 2]


def added(d: Tensor) -> Tensor:
    """The steps are added. One step *and* another: their probabilities multiply."""
    return 1 - d[:, 0] + d[:, 2]


def second_leaf(d: Tensor) -> Tensor:
    """This is the second leaf, left and then right. The third goes right and left."""
    return d[:, 0] * (1 - d[:, 1])


def all_leaves(d: Tensor) -> Tensor:
    """These are all four leaves. One of them is wanted, the third."""
    halves = [d[:, 0] * d[:, 1], second_leaf(d), right(d), last_leaf(d)]
    return torch.stack(halves, 1)
