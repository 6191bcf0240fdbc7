"""logits (N, B) and centres (B,) → the angle (N,) that a network expects.

Objective: turn a frozen network's answer into a number and undo what the number says.

1. Logits are no probabilities yet: a softmax over the bins comes first.
2. Each bin's middle counts as much as the bin is likely.
3. A product with centres and a sum over the bins: `p @ centres`.

Notice: it lies between bins where the network hesitates, and where no bin is likely if
it hesitates between the two ends.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 19, 2, False


def draw(n: int) -> dict[str, Tensor]:
    return {"logits": 2 * torch.randn(n, 6), "centres": torch.linspace(-75, 75, 6)}


def right(logits: Tensor, centres: Tensor) -> Tensor:
    return logits.softmax(1) @ centres


def likeliest(logits: Tensor, centres: Tensor) -> Tensor:
    """This is the middle of the likeliest bin: what the others say is thrown away."""
    return centres[logits.argmax(1)]


def of_logits(logits: Tensor, centres: Tensor) -> Tensor:
    """The softmax is missing: logits do not sum to 1, and may be below 0."""
    return logits @ centres


def over_images(logits: Tensor, centres: Tensor) -> Tensor:
    """The softmax goes over the images. Probabilities sum to 1 over the bins."""
    return logits.softmax(0) @ centres


def bin_number(logits: Tensor, centres: Tensor) -> Tensor:
    """This is a number of a bin. Weigh the bins' middles, in degrees."""
    return logits.softmax(1) @ torch.arange(6).to(centres)


def backwards(logits: Tensor, centres: Tensor) -> Tensor:
    """The sign is turned: this undoes the angle, which is the next step."""
    return -right(logits, centres)
