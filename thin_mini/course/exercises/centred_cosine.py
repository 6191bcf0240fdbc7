"""z_endo and z_exo, (N, C) each → |cos| less what is common, a number: the mean.

What all images have in common is taken off both sides before the cosine.

Objective: hold a cosine against two different people.

1. What is common is the mean over the images; each side has its own.
2. Then one cosine for each image, as in chapter 7, its absolute value, and the mean.
3. `F.cosine_similarity(a - a.mean(0), b - b.mean(0)).abs().mean()`.

Notice: two people agree in what c says of everybody, and that is no knowledge of one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 18, 2, False


def draw(n: int) -> dict[str, Tensor]:
    common, person = 2 * torch.randn(5), torch.randn(n, 5)
    other = 0.5 * person + torch.randn(n, 5) - common
    return {"z_endo": common + 2 * person, "z_exo": other}


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return F.cosine_similarity(a, b).abs().mean()


def _less(z: Tensor) -> Tensor:
    return z - z.mean(0)


def right(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    return _cosine(_less(z_endo), _less(z_exo))


def raw(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """What is common still counts: any two people would seem alike."""
    return _cosine(z_endo, z_exo)


def one_side(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """It is taken off one side only. Each side has a mean of its own."""
    return _cosine(z_endo, _less(z_exo))


def one_mean(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """One mean is taken off both. The two sides have different things in common."""
    return _cosine(z_endo - z_exo.mean(0), _less(z_exo))


def by_row(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """The mean is over an image's logits. What is common is the mean over images."""
    return _cosine(_less(z_endo.T).T, _less(z_exo.T).T)


def signed(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """The absolute value is missing: opposite answers cancel equal ones."""
    return F.cosine_similarity(_less(z_endo), _less(z_exo)).mean()
