"""identity (N,), n → True (N,) for the images that are held back to test strangers.

People are held back whole, from the highest number downwards, until n images are.

Objective: measure whether it knows people whom it has never seen.

1. Not images are chosen, but people; each with all the images that there are.
2. Count the images of each person, and add the counts up from the highest number.
3. `identity.bincount()`, `flip(0).cumsum(0)`: a person is held back if those above
have fewer than n together; then look each image's person up.

Notice: rather a few images more than asked for than one person on both sides.
"""

from typing import Any

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 12, 2, False


def draw(n: int) -> dict[str, Any]:
    counts = torch.tensor([5, 3, 4, 6, 3, 5])
    identity = torch.arange(6).repeat_interleave(counts)
    return {"identity": identity[torch.randperm(len(identity))], "n": n}


def _from(identity: Tensor, n: int) -> Tensor:
    """The images of each person, and of all with a higher number."""
    counts = identity.bincount()
    return counts.flip(0).cumsum(0).flip(0) - counts


def right(identity: Tensor, n: int) -> Tensor:
    return (_from(identity, n) < n)[identity]


def by_image(identity: Tensor, n: int) -> Tensor:
    """The last n images are held back, whoever is on them: these are acquaintances."""
    return torch.arange(len(identity)) >= len(identity) - n


def cut(identity: Tensor, n: int) -> Tensor:
    """Exactly n images: the last person taken is cut in two, and on both sides."""
    order = identity.argsort(descending=True, stable=True)
    return torch.zeros(len(identity)).scatter(0, order[:n], 1.0)


def too_few(identity: Tensor, n: int) -> Tensor:
    """Fewer than n are held back: who brings the count to n belongs there."""
    return (_from(identity, n) + identity.bincount() <= n)[identity]


def kept(identity: Tensor, n: int) -> Tensor:
    """These are the images to train on. Wanted are those that are held back."""
    return ~right(identity, n)


def by_number(identity: Tensor, n: int) -> Tensor:
    """n people are held back here, and n counts images."""
    return identity >= identity.max() - n + 1


def lowest(identity: Tensor, n: int) -> Tensor:
    """The lowest numbers are held back here: begin with the highest."""
    return right(identity.max() - identity, n)
