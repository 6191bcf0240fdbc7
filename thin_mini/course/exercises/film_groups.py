"""a (N, L * D) and g (N, L) → the hidden layer of a gate, (N, L * D), as FiLM has it.

a is the hidden layer before the rectifier, the D units of the first expert first; the
gate scales each expert's units by its weight, then comes the rectifier.

Objective: write concatenation, FiLM and gates as one layer.

1. One scale for each hidden unit: the D units of an expert share one.
2. g has to become as wide as a: each weight D times in a row.
3. `g.repeat_interleave(D, dim=1) * a`, then `torch.relu`.

Notice: no weight is below 0, so the scale may as well stand behind the rectifier.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 20, 2


def draw(n: int) -> dict[str, Tensor]:
    return {"a": torch.randn(n, 12), "g": (2 * torch.randn(n, 4)).softmax(1)}


def _wide(a: Tensor, g: Tensor) -> Tensor:
    return g.repeat_interleave(a.shape[1] // g.shape[1], 1)


def right(a: Tensor, g: Tensor) -> Tensor:
    return (_wide(a, g) * a).relu()


def interleaved(a: Tensor, g: Tensor) -> Tensor:
    """Neighbouring units get different weights: `repeat` runs through all experts."""
    return (g.repeat(1, a.shape[1] // g.shape[1]) * a).relu()


def one_plus(a: Tensor, g: Tensor) -> Tensor:
    """The scale is 1 + g here. A gate's weight is the whole scale, 1 + γ in FiLM."""
    return ((1 + _wide(a, g)) * a).relu()


def shifted(a: Tensor, g: Tensor) -> Tensor:
    """This adds, as concatenation does. A gate multiplies."""
    return (a + _wide(a, g)).relu()


def linear(a: Tensor, g: Tensor) -> Tensor:
    """The rectifier is missing: units below 0 should be silent."""
    return _wide(a, g) * a


def cut(a: Tensor, g: Tensor) -> Tensor:
    """The gate is detached, or under `no_grad`: it is right, and never learns."""
    return right(a, g.detach())
