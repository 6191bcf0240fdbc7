"""z (N, 3), logits up to ±100 → log μ (N, 4), the logarithms of the leaves, finite.

Objective: compute them so that nothing overflows or vanishes.

1. The logarithm of a product is a sum of logarithms, along the path.
2. `torch.nn.functional.logsigmoid(z)` is log d. What gives log(1 - d), just as safely?
3. 1 - σ(z) is σ(-z), so log(1 - d) is the log-sigmoid of -z.

Notice: a leaf may have probability 0 in floats, and its logarithm is still a number.
"""

import torch
from torch import Tensor

from thin_mini.gates import leaf_log_probs as right

CHAPTER, LEVEL = 5, 2


def draw(n: int) -> dict[str, Tensor]:
    z = 2 * torch.randn(n, 3)
    z[0] = torch.tensor([100.0, -3.0, 60.0])  # two nodes that are very sure
    return {"z": z}


def _sums(yes: Tensor, no: Tensor) -> Tensor:
    halves = [yes[:, 0] + yes[:, 1], yes[:, 0] + no[:, 1]]
    return torch.stack([*halves, no[:, 0] + yes[:, 2], no[:, 0] + no[:, 2]], 1)


def less_one(z: Tensor) -> Tensor:
    """1 - d is rounded to 0, and 0 has no logarithm: never leave the logarithm, and
    use that 1 - σ(z) is σ(-z).
    """
    d = z.sigmoid()
    return _sums(d.log(), (1 - d).log())


def clamped(z: Tensor) -> Tensor:
    """A floor under the product hides the zero: the logarithm is finite, wrong, and has
    no gradient. Never leave the logarithm.
    """
    return right(z).exp().clamp(min=1e-12).log()


def negated(z: Tensor) -> Tensor:
    """log(1 - d) is not -log d: it is the log-sigmoid of -z."""
    log = torch.nn.functional.logsigmoid(z)
    return _sums(log, -log)


def one_less(z: Tensor) -> Tensor:
    """log(1 - d) is not 1 - log d: it is the log-sigmoid of -z."""
    log = torch.nn.functional.logsigmoid(z)
    return _sums(log, 1 - log)


def multiplied(z: Tensor) -> Tensor:
    """The logarithms are multiplied. That of a product is the sum of logarithms."""
    yes, no = (torch.nn.functional.logsigmoid(x).T for x in (z, -z))
    halves = [yes[0] * yes[1], yes[0] * no[1], no[0] * yes[2], no[0] * no[2]]
    return torch.stack(halves, 1)


def swapped(z: Tensor) -> Tensor:
    """Left and right are swapped: d is the probability of going left."""
    return right(-z)


def not_logged(z: Tensor) -> Tensor:
    """These are the probabilities. Their logarithms are wanted."""
    return right(z).exp()


def positive(z: Tensor) -> Tensor:
    """Logarithms of probabilities are never above 0: log σ(z) is -softplus(-z)."""
    return -right(-z)
