"""z_endo and z_exo, (N, C) each → L_sim of Eq. 7, a number: the mean over images.

Objective: write the dispelling loss and explain each of its parts.

1. One cosine for each image: the dot product of two rows over both their lengths.
2. Opposite answers tell as much as equal ones, so the sign must not count.
3. Only z_endo is to move: `z_exo.detach()`; absolute value first, then the mean.

Notice: detached, z_exo is a target; the frozen network's side gets no gradient.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from thin_mini.losses import dispelling_loss as right

CHAPTER, LEVEL = 7, 2


def draw(n: int) -> dict[str, Tensor]:
    z_exo = 3 * torch.randn(n, 5)  # more often opposite than not
    return {"z_endo": 2 * torch.randn(n, 5) - 0.4 * z_exo, "z_exo": z_exo}


def into_frozen(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """Gradients go into the frozen branch: z_exo is a constant, so detach it."""
    return F.cosine_similarity(z_endo, z_exo).abs().mean()


def wrong_side(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """The wrong side is detached, and the encoder would never be told: it is z_endo
    that has to move.
    """
    return right(z_exo, z_endo)


def cut(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """`no_grad` or `detach` where the gradient should pass: z_endo has to get it."""
    return right(z_endo, z_exo).detach()


def signed(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """The absolute value is missing: the loss would be least for opposite answers,
    from which the angle is read as well as ever.
    """
    return F.cosine_similarity(z_endo, z_exo.detach()).mean()


def late(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """The absolute value comes after the mean, where cosines of two signs cancel."""
    return signed(z_endo, z_exo).abs()


def squared(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """This is the square of the cosine. Eq. 7 has its absolute value."""
    return F.cosine_similarity(z_endo, z_exo.detach()).square().mean()


def over_images(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """The cosines are taken over the images, one for each logit. Each image, a row, has
    its own: `dim=1`.
    """
    return right(z_endo.T, z_exo.T)


def unscaled(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """The lengths are missing: this is a dot product, which short answers lower."""
    return (z_endo * z_exo.detach()).sum(1).abs().mean()


def flat(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """This is one cosine for the whole batch. Each image has its own."""
    return right(z_endo.flatten()[None], z_exo.flatten()[None])
