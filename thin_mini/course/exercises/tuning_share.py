"""base, gate, own_base, own_gate, (n,) by seed → what of the gain was tuning, a number.

base and gate were trained with one setting for all, the own ones each with its own. The
answer is in points: by how much the mean gain shrinks.

Objective: say how much of a gain is the baseline's tuning.

1. Two gains, seed by seed: with one setting for all, and each with its own.
2. What the second lacks to the first was the baseline's lack of tuning.
3. (gate less base) less (own_gate less own_base), then the mean.

Notice: nobody cheated. It is enough that the setting was found with one of the two.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 22, 2, False


def draw(n: int) -> dict[str, Tensor]:
    luck = 90 + torch.randn(n)
    up = {"base": 0.0, "gate": 1.5, "own_base": 1.0, "own_gate": 1.8}
    return {name: luck + by + 0.2 * torch.randn(n) for name, by in up.items()}


def right(*four: Tensor) -> Tensor:
    base, gate, own_base, own_gate = four
    return ((gate - base) - (own_gate - own_base)).mean()


def left_over(base: Tensor, gate: Tensor, own_base: Tensor, own_gate: Tensor) -> Tensor:
    """This is what is left of the gain when each has its own setting."""
    return (own_gate - own_base).mean()


def of_baseline(base: Tensor, gate: Tensor, own_base: Tensor, *_: Tensor) -> Tensor:
    """This is what tuning brought the baseline. The gate gained by its own as well."""
    return (own_base - base).mean()


def whole(base: Tensor, gate: Tensor, own_base: Tensor, own_gate: Tensor) -> Tensor:
    """This is the whole gain with one setting for all, tuning and gate together."""
    return (gate - base).mean()


def other_way(*four: Tensor) -> Tensor:
    """The sign is turned: a gain that shrinks was in part tuning, above 0."""
    return -right(*four)
