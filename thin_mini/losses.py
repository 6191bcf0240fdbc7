"""The losses of section 3.3: Eqs. 6 to 8."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

EPS = 1e-10  # keeps the norm of a zero vector from dividing by zero


def absolute_cosine(a: Tensor, b: Tensor) -> Tensor:
    """|cos| of each pair of rows: (N, C), (N, C) → (N,), values in 0..1."""
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
    a, b = F.normalize(a, dim=1, eps=EPS), F.normalize(b, dim=1, eps=EPS)
    return (a * b).sum(1).abs()


def dispelling_loss(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """L_sim, Eq. 7: how much of the exogenous answer can be read from h_endo.

    Args:
        z_endo: (N, n_exo) logits of the frozen exogenous classifier on h_endo.
        z_exo: (N, n_exo) its logits on h_exo; a constant, no gradient flows there.

    Returns:
        The mean of |cos(z_exo, z_endo)| over the batch, a scalar in 0..1.
    """
    return absolute_cosine(z_endo, z_exo.detach()).mean()


def thin_loss(
    logits: Tensor, target: Tensor, z_endo: Tensor, z_exo: Tensor, dispel: float
) -> Tensor:
    """Eq. 8: cross entropy on the mixed logits (Eq. 6) plus λ = ``dispel`` times Eq. 7.

    Args:
        logits: (N, K), the experts' logits mixed by the gate, before any softmax.
        target: (N,), classes 0..K - 1.
        z_endo: As in :func:`dispelling_loss`.
        z_exo: As in :func:`dispelling_loss`.
        dispel: λ ≥ 0.
    """
    return F.cross_entropy(logits, target) + dispel * dispelling_loss(z_endo, z_exo)
