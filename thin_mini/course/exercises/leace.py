"""h (N, D) and z (N,) → h without what covaries with z, by the least change, (N, D).

Objective: erase a variable in closed form, and say from whom.

1. One direction is enough: that of the covariance of the features with z.
2. The least change is along that covariance s, by what w = Σ⁻¹ s reads of each image.
3. With x and z less their means, s = xᵀz / N and Σ = xᵀx / N: h less (x w) sᵀ / (s w).

Notice: its covariance with z is 0 now. A reader with a hidden layer may go on reading.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 21, 2, False


def draw(n: int) -> dict[str, Tensor]:
    z = torch.randn(5 * n)
    mixed = torch.randn(5 * n, 4) @ torch.diag(torch.tensor([3.0, 1, 0.5, 2]))
    h = mixed + z[:, None] * torch.tensor([1.0, 1, 0.5, -1]) + 2
    return {"h": h, "z": z}


def _parts(h: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x = h - h.mean(0)
    return x, x.T @ (z - z.mean()) / len(h), x.T @ x / len(h)


def right(h: Tensor, z: Tensor) -> Tensor:
    x, s, cov = _parts(h, z)
    w = torch.linalg.solve(cov, s)
    return h - torch.outer(x @ w, s) / (s @ w)


def projected(h: Tensor, z: Tensor) -> Tensor:
    """This projects along the covariance, which erases, but by more than the least
    change: features differ in their spread.
    """
    x, s, _ = _parts(h, z)
    return h - torch.outer(x @ s, s) / (s @ s)


def along_reader(h: Tensor, z: Tensor) -> Tensor:
    """What the best reader looks at is taken. What covaries with z lies elsewhere."""
    x, s, cov = _parts(h, z)
    w = torch.linalg.solve(cov, s)
    return h - torch.outer(x @ w, w) / (w @ w)


def by_labels(h: Tensor, z: Tensor) -> Tensor:
    """This subtracts by z itself, which nobody knows of a new image: use h alone."""
    _, s, _ = _parts(h, z)
    return h - torch.outer(z - z.mean(), s) / z.var(correction=0)


def centred(h: Tensor, z: Tensor) -> Tensor:
    """The mean is gone as well. It is the same for all and tells nothing of z."""
    return right(h, z) - h.mean(0)
