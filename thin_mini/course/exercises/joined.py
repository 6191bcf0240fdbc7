"""rotation (N, D) and scale (N, E), two hidden layers → what a gate sees, (N, D + E).

Each feature has mean 0 and standard deviation 1 over the images (`std(0)`), and nothing
flows back into the frozen networks.

Objective: build a gate on several frozen networks.

1. Three things: bring to one scale, join along the features, stop the gradient.
2. Mean and deviation are over the images: one pair for each feature, `x.mean(0)`.
3. `(x - x.mean(0)) / x.std(0)` of each, `torch.cat(..., 1)`, and `detach()`.

Notice: a linear layer could undo the units; in a few steps of training it does not.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 10, 2


def draw(n: int) -> dict[str, Tensor]:
    loud = torch.tensor([100.0, 60.0, 30.0, 10.0])
    return {"rotation": torch.randn(n, 3) + 1, "scale": loud * torch.randn(n, 4) + 50}


def flowing(rotation: Tensor, scale: Tensor) -> Tensor:
    """Gradients go into the frozen networks: what they say is a constant to a gate."""
    parts = ((x - x.mean(0)) / x.std(0) for x in (rotation, scale))
    return torch.cat([*parts], 1)


def right(rotation: Tensor, scale: Tensor) -> Tensor:
    return flowing(rotation, scale).detach()


def as_they_come(rotation: Tensor, scale: Tensor) -> Tensor:
    """The numbers are joined as they come: the louder network drowns the other."""
    return torch.cat([rotation, scale], 1).detach()


def by_image(rotation: Tensor, scale: Tensor) -> Tensor:
    """Mean and deviation are over an image's features. Each feature has its own."""
    parts = [flowing(x.T, x.T)[:, : len(x)].T for x in (rotation, scale)]
    return torch.cat(parts, 1).detach()


def narrow(rotation: Tensor, scale: Tensor) -> Tensor:
    """The deviation is divided by N. `std(0)` divides by N - 1."""
    return right(rotation, scale) / (1 - 1 / len(scale)) ** 0.5


def uncentred(rotation: Tensor, scale: Tensor) -> Tensor:
    """The means are still there: subtract them before dividing."""
    parts = [x / x.std(0) for x in (rotation, scale)]
    return torch.cat(parts, 1).detach()


def wrong_order(rotation: Tensor, scale: Tensor) -> Tensor:
    """The two are joined in the other order: the rotation stands first."""
    return right(scale, rotation)
