"""Other ways than Eq. 7 to take an exogenous variable out of h_endo.

A remover is what ``Model.remover`` may be: h_endo (N, D), z_exo (N, n_exo) ↦ a loss,
which ``dispel`` weighs. None needs more than the frozen network's answers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count
from thin_mini.basics.kinds import checked
from thin_mini.losses import absolute_cosine, dispelling_loss
from thin_mini.networks import MLP
from thin_mini.rivals.readers import Reversed


class Dispelling(nn.Module):
    """Eq. 7 with any frozen reader, on its answers or on their differences.

    A mean answer that all images share makes a cosine of anything near 1, and nothing
    that is learned changes it; ``centred`` takes the batch's mean off both sides.

    Args:
        reader: h (N, D) → answers (N, C); z_exo are its answers on h_exo.
        centred: Whether means are taken off.
    """

    @checked
    def __init__(self, reader: nn.Module, centred: bool = False) -> None:
        super().__init__()
        self.reader, self.centred = reader, centred

    def forward(self, h_endo: Tensor, z_exo: Tensor) -> Tensor:
        _check_both(h_endo, z_exo)
        z_endo = self.reader(h_endo)
        if not self.centred:
            return dispelling_loss(z_endo, z_exo)
        z_exo = z_exo.detach()
        return absolute_cosine(z_endo - z_endo.mean(0), z_exo - z_exo.mean(0)).mean()


class Reversal(nn.Module):
    """A reader that is trained to see the variable, and F_φ to hide it from it.

    Args:
        in_features: Size of h_endo.
        n_exo: Exogenous classes.
    """

    @checked
    def __init__(self, in_features: Count, n_exo: Count) -> None:
        super().__init__()
        self.reader = MLP(in_features, 64, n_exo)

    def forward(self, h_endo: Tensor, z_exo: Tensor) -> Tensor:
        _check_both(h_endo, z_exo)
        return F.cross_entropy(self.reader(Reversed.apply(h_endo)), z_exo.argmax(1))


class Retrained(nn.Module):
    """Eq. 7 with a c_σ that is trained again on what h_endo has become.

    Args:
        reader: A copy of c_σ that may be trained.
        every: Steps from one training to the next.
        steps: Of each of them, on the batches since the last.
    """

    @checked
    def __init__(self, reader: nn.Module, every: Count = 50, steps: Count = 50) -> None:
        super().__init__()
        self.reader, self.every, self.steps = reader.requires_grad_(False), every, steps
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, h_endo: Tensor, z_exo: Tensor) -> Tensor:
        _check_both(h_endo, z_exo)
        self.seen.append((h_endo.detach(), z_exo.detach()))
        if len(self.seen) == self.every:
            self._learn()
        return dispelling_loss(self.reader.eval()(h_endo), z_exo)

    @torch.enable_grad()
    def _learn(self) -> None:
        self.reader.requires_grad_(True).train()
        adam = torch.optim.Adam(self.reader.parameters(), lr=1e-3)
        for step in range(self.steps):
            h, z = self.seen[step % len(self.seen)]
            adam.zero_grad()
            F.cross_entropy(self.reader(h), z.argmax(1)).backward()
            adam.step()
        self.reader.requires_grad_(False)
        self.seen.clear()


class CrossCovariance(nn.Module):
    """Half the squared covariances of h_endo with the network's answer (XCov)."""

    def forward(self, h_endo: Tensor, z_exo: Tensor) -> Tensor:
        _check_both(h_endo, z_exo)
        known = z_exo.detach().softmax(1)
        known = known - known.mean(0)
        cov = (h_endo - h_endo.mean(0)).T @ known / len(h_endo)  # (D, n_exo)
        return cov.square().sum() / 2


class Eraser(nn.Module):
    """The least change of h that no linear reader survives (LEACE, 2306.03819).

    Args:
        h: (N, D), representations to learn from.
        exo: (N,), what is to be erased.

    Raises:
        ValueError: If all images are of one class.
    """

    mean: Tensor
    change: Tensor

    def __init__(self, h: Tensor, exo: Tensor) -> None:
        super().__init__()
        checks.features("h", h)
        checks.labels("exo", exo, len(h))
        if len(exo.unique()) < 2:
            raise ValueError("all images are of one exogenous class: nothing to erase")
        x, z = (part.double() for part in (h.cpu(), F.one_hot(exo.cpu())))
        mean = x.mean(0)
        x, z = x - mean, z - z.mean(0)
        values, vectors = torch.linalg.eigh(x.T @ x / len(x))
        kept = values > 1e-6 * values.max()
        values, vectors = values[kept].sqrt(), vectors[:, kept]
        # Whitened, the directions that covary with z are those that any reader uses.
        u, s, _ = torch.linalg.svd(((x @ vectors) / values).T @ z, full_matrices=False)
        u = u[:, s > 1e-6 * s[:1]]
        self.register_buffer("mean", mean.to(h))
        change = (vectors * values) @ u @ u.T @ (vectors / values).T
        self.register_buffer("change", change.to(h))

    def forward(self, h: Tensor) -> Tensor:
        checks.shaped("h", h, "N", len(self.mean))
        return h - (h - self.mean) @ self.change.T


def _check_both(h_endo: Tensor, z_exo: Tensor) -> None:
    checks.shaped("h_endo", h_endo, "N", "D")
    checks.shaped("z_exo", z_exo, len(h_endo), "C")
