"""pixels (N, D) and labels (N,) → η², a number: the variance between the groups' means.

Objective: measure how much of the pixels a variable explains.

1. Each label has its own mean image, and all images have one mean.
2. Above stands how far the groups' means lie from it, each counted by its images.
3. Below stands how far the single images lie from it; sum over images and pixels.

Notice: many groups explain much by chance alone, one image a group explains all of it.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

CHAPTER, LEVEL, GRADIENTS = 1, 2, False


def draw(n: int) -> dict[str, Tensor]:
    labels = torch.tensor([0] * 9 + [1] * 3 + [2] * n)  # groups of unlike sizes
    return {"pixels": torch.randn(len(labels), 4) + labels[:, None], "labels": labels}


def _means(pixels: Tensor, labels: Tensor) -> Tensor:
    groups = one_hot(labels).to(pixels)  # (N, C)
    return (groups / groups.sum(0)).T @ pixels  # (C, D)


def right(pixels: Tensor, labels: Tensor) -> Tensor:
    total = (pixels - pixels.mean(0)).square().sum()
    return (_means(pixels, labels)[labels] - pixels.mean(0)).square().sum() / total


def unweighted(pixels: Tensor, labels: Tensor) -> Tensor:
    """Every group counts once here. Each should count as often as it has images."""
    total = (pixels - pixels.mean(0)).square().sum()
    return (_means(pixels, labels) - pixels.mean(0)).square().sum() / total


def within(pixels: Tensor, labels: Tensor) -> Tensor:
    """This is the share within the groups: what the variable does not explain."""
    return 1 - right(pixels, labels)


def of_means(pixels: Tensor, labels: Tensor) -> Tensor:
    """The mean of all images is not the mean of the groups' means: sizes differ."""
    means = _means(pixels, labels)
    total = (pixels - means.mean(0)).square().sum()
    return (means[labels] - means.mean(0)).square().sum() / total


def rooted(pixels: Tensor, labels: Tensor) -> Tensor:
    """This is η, a ratio of lengths. Shares are of variance, so of squares."""
    return right(pixels, labels).sqrt()
