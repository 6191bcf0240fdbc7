"""target and predicted, (N,) each → the mean recall of the classes in percent.

Objective: say why accuracy misleads on most collections of photographs.

1. One recall for each class that has images: the share of its images that were found.
2. Every class counts once, however many images it has.
3. `(predicted[target == c] == c).float().mean()` for each c of `target.unique()`.

Notice: who always says "neutral" gets one class of K, and not what neutral's share is.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 16, 2, False


def draw(n: int) -> dict[str, Tensor]:
    target = torch.tensor([0] * 9 * n + [1] * 3 * n + [3] * n)  # 2 has no image
    said = torch.where(torch.rand(len(target)) < 0.3, 2, target)
    return {"target": target, "predicted": torch.where(said == 3, 0, said)}


def _mean(target: Tensor, predicted: Tensor, of: Tensor, classes: Tensor) -> Tensor:
    hit = (target == predicted).double()
    return 100 * torch.stack([hit[of == c].mean() for c in classes]).mean()


def right(target: Tensor, predicted: Tensor) -> Tensor:
    return _mean(target, predicted, target, target.unique())


def accuracy(target: Tensor, predicted: Tensor) -> Tensor:
    """This is the accuracy, in which a class counts as often as it has images."""
    return 100 * (target == predicted).double().mean()


def precision(target: Tensor, predicted: Tensor) -> Tensor:
    """This is the mean precision: of what was called so, how much is so."""
    return _mean(target, predicted, predicted, predicted.unique())


def empty(target: Tensor, predicted: Tensor) -> Tensor:
    """A class without an image counts as a recall of 0. There is nothing to recall."""
    return right(target, predicted) * len(target.unique()) / (target.max() + 1)


def fraction(target: Tensor, predicted: Tensor) -> Tensor:
    """This is a fraction. The book gives it in percent."""
    return right(target, predicted) / 100
