"""Z (N, L, K), the logits of L experts → the ensemble's probabilities (N, K).

Objective: average logits with a gate that does not look.

1. First one vector of logits for each image, then one softmax.
2. The experts stand on the axis in the middle.
3. Take the mean over axis 1, and the softmax over what is then axis 1.

Notice: a mean of logits multiplies opinions, so one very sure expert has a veto.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 4, 2


def draw(n: int) -> dict[str, Tensor]:
    return {"Z": 2 * torch.randn(n, 3, 4)}


def right(Z: Tensor) -> Tensor:
    share = Z.new_full(Z.shape[:2], 1 / Z.shape[1])
    return torch.einsum("nlk,nl->nk", Z, share).softmax(1)


def probabilities(Z: Tensor) -> Tensor:
    """This averages probabilities in place of logits: a vote, where the paper mixes."""
    return Z.softmax(2).mean(1)


def twice(Z: Tensor) -> Tensor:
    """A softmax too early: one for each expert, and then another on their mean."""
    return Z.softmax(2).mean(1).softmax(1)


def summed(Z: Tensor) -> Tensor:
    """This adds the logits up: L times too large, the softmax is far too sure."""
    return Z.sum(1).softmax(1)


def unfinished(Z: Tensor) -> Tensor:
    """These are the mixed logits. Probabilities need the softmax, last of all."""
    return Z.mean(1)


def across(Z: Tensor) -> Tensor:
    """The mean is over the classes. The experts stand on the axis in the middle."""
    return Z.mean(2).softmax(1)
