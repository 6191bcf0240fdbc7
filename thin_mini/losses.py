"""The losses of section 3.3: Eqs. 6 to 8."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.precision import full

EPS = 1e-10  # keeps the norm of a zero vector from dividing by zero


def absolute_cosine(a: Tensor, b: Tensor) -> Tensor:
    """``|cos|`` of each pair of rows: (N, C), (N, C) → (N,), values in 0..1."""
    for name, x in (("a", a), ("b", b)):
        checks.instance(name, x, Tensor, "pass a tensor (N, C)")
    if a.shape != b.shape or a.ndim != 2 or a.numel() == 0:
        raise ValueError(
            "both must be (N, C) with at least one row; shapes differ or are others: "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
    for x in (a, b):
        if not x.is_floating_point():
            raise ValueError(f"both must hold floats, got {x.dtype}")
    # The gradient of a short row is up to 1 / eps, and must be finite in its own type.
    eps = max(EPS, 2 / torch.finfo(a.dtype).max)
    a, b = (F.normalize(full(x), dim=1, eps=eps) for x in (a, b))
    return (a * b).sum(1).abs()


def task_loss(logits: Tensor, target: Tensor) -> Tensor:
    """L_sup, Eq. 6: cross entropy of the mixed logits (N, K) with the classes (N,)."""
    n = checks.rows("logits", logits)
    if logits.ndim != 2 or not logits.is_floating_point():
        raise ValueError(
            f"logits must be (N, K) of floats, got {logits.dtype} {tuple(logits.shape)}"
        )
    checks.targets(target, n, logits.shape[1])
    return F.cross_entropy(full(logits), target)


def dispelling_loss(z_endo: Tensor, z_exo: Tensor) -> Tensor:
    """L_sim, Eq. 7: how much of the exogenous answer can be read from h_endo.

    Args:
        z_endo: (N, n_exo) logits of the frozen exogenous classifier on h_endo.
        z_exo: (N, n_exo) its logits on h_exo; a constant, no gradient flows there.

    Returns:
        The mean of ``|cos(z_exo, z_endo)|`` over the batch, a scalar in 0..1.
    """
    checks.rows("z_exo", z_exo)
    return absolute_cosine(z_endo, z_exo.detach()).mean()


def total_loss(sup: Tensor, sim: Tensor, dispel: float) -> Tensor:
    """Eq. 8, L = L_sup + λ·L_sim with λ = ``dispel``: what training minimises."""
    return sup + dispel * sim


def thin_loss(
    logits: Tensor, target: Tensor, z_endo: Tensor, z_exo: Tensor, dispel: float
) -> Tensor:
    """Eq. 8 from its parts: the cross entropy of Eq. 6 plus λ times Eq. 7.

    Args:
        logits: (N, K), the experts' logits mixed by the gate, before any softmax.
        target: (N,), classes 0..K - 1.
        z_endo: As in :func:`dispelling_loss`.
        z_exo: As in :func:`dispelling_loss`.
        dispel: λ ≥ 0.

    Raises:
        ValueError: If λ is negative or shapes differ.
    """
    checks.lambda_(dispel)
    sup, sim = task_loss(logits, target), dispelling_loss(z_endo, z_exo)
    return total_loss(sup, sim, dispel)
