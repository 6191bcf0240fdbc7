"""h (N, D) and reader, a network with a batch norm → its logits, as if it were frozen.

Objective: freeze a network so that it really stays frozen, yet lets gradients through.

1. Three things are to hold: parameters, running statistics, and a way for gradients.
2. `requires_grad_(False)` is for the first, `eval()` for the second; not `no_grad`.
3. Do both to the reader, in its own methods, and then call it on h.

Notice: the gradient passes through a frozen network and leaves nothing behind in it.
"""

from typing import Any

import torch
from torch import Tensor, nn

from thin_mini.networks import MLP

CHAPTER, LEVEL = 3, 2


def draw(n: int) -> dict[str, Any]:
    reader = MLP(5, 4, 3)
    reader(3 * torch.randn(50, 5))  # leaves statistics behind
    return {"h": torch.randn(n, 5), "reader": reader}


def right(h: Tensor, reader: nn.Module) -> Tensor:
    return reader.eval().requires_grad_(False)(h)


def awake(h: Tensor, reader: nn.Module) -> Tensor:
    """The batch norm is awake: it takes the batch's statistics and moves its own."""
    return reader.train().requires_grad_(False)(h)


def trained(h: Tensor, reader: nn.Module) -> Tensor:
    """Gradients arrive in the frozen branch: its parameters would be trained along."""
    return reader.eval()(h)


def unfrozen(h: Tensor, reader: nn.Module) -> Tensor:
    """Nothing is frozen: the batch norm is awake, and the parameters take gradients."""
    return reader.train()(h)


def cut(h: Tensor, reader: nn.Module) -> Tensor:
    """`no_grad` or `detach` stops the gradient that should pass through to h."""
    return right(h, reader).detach()
