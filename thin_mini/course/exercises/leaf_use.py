"""g (N, L), which may hold zeros → leaves used over all images, and for one: two
numbers.

Objective: see whether a tree uses its leaves.

1. Both are e to an entropy: as many leaves as if that many were used alike.
2. The first is the entropy of the mean of g over images. The second: one for each
   image.
3. The second takes e to the mean entropy; `torch.xlogy(g, g)` makes 0 log 0 a 0.

Notice: many over all and few for one is a tree that decides; 1 over all has collapsed.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 5, 2, False
Pair = tuple[Tensor, Tensor]


def draw(n: int) -> dict[str, Tensor]:
    g = (3 * torch.randn(4 * n, 4)).softmax(1)
    g[0] = torch.tensor([0.0, 1, 0, 0])
    return {"g": g}


def _entropy(g: Tensor) -> Tensor:
    return -torch.xlogy(g, g).sum(-1)


def right(g: Tensor) -> Pair:
    return _entropy(g.mean(0)).exp(), _entropy(g).mean().exp()


def zero_log_zero(g: Tensor) -> Pair:
    """0 times log 0 is not a number. A leaf without weight adds nothing to an
    entropy.
    """
    return right(g)[0], -(g * g.log()).sum(1).mean().exp()


def nats(g: Tensor) -> Pair:
    """These are entropies. e to an entropy counts leaves."""
    over, single = right(g)
    return over.log(), single.log()


def bits(g: Tensor) -> Pair:
    """e to an entropy in bits mixes two bases: 2 to the bits, or e to the nats."""
    over, single = right(g)
    return over ** (1 / torch.tensor(2.0).log()), single ** (
        1 / torch.tensor(2.0).log()
    )


def exchanged(g: Tensor) -> Pair:
    """The two are exchanged: over all images stands first."""
    return right(g)[::-1]


def mean_of_leaves(g: Tensor) -> Pair:
    """The second is a mean of numbers of leaves. Take the mean entropy first, then
    e.
    """
    return right(g)[0], _entropy(g).exp().mean()


def same_twice(g: Tensor) -> Pair:
    """Both are of the mean of g. For the second, each image has an entropy of its
    own.
    """
    return right(g)[0], right(g)[0]


def singles_twice(g: Tensor) -> Pair:
    """Both are of single images. For the first, take the mean of g over images
    first.
    """
    return right(g)[1], right(g)[1]
