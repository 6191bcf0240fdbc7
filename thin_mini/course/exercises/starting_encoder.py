"""h (N, D), fresh and frozen, two equal networks → what fresh says of h, started there.

The fresh one takes over all that the frozen one knows, stays trainable and is used
asleep (`eval`); the frozen one stays as it is.

Objective: start an encoder from a network that knows people.

1. A network is more than its parameters: a batch norm keeps running statistics.
2. `state_dict()` has both, and `load_state_dict` takes them over.
3. Load frozen's state into fresh, call `fresh.eval()`, and hand back `fresh(h)`.

Notice: both begin as one and go apart from the first step; a copy is not a shared one.
"""

from typing import Any

import torch
from torch import Tensor, nn

from thin_mini.networks import MLP

CHAPTER, LEVEL = 13, 2


def draw(n: int) -> dict[str, Any]:
    fresh, frozen = MLP(5, 4, 3), MLP(5, 4, 3)
    frozen(3 * torch.randn(50, 5))  # leaves statistics behind
    nn.init.normal_(frozen.norm.weight)
    frozen.eval().requires_grad_(False)
    return {"h": torch.randn(n, 5), "fresh": fresh, "frozen": frozen}


def right(h: Tensor, fresh: nn.Module, frozen: nn.Module) -> Tensor:
    fresh.load_state_dict(frozen.state_dict())
    return fresh.eval()(h)


def shared(h: Tensor, fresh: nn.Module, frozen: nn.Module) -> Tensor:
    """The frozen network itself answers, or its copy, and fresh is where it was."""
    return frozen(h)


def parameters_alone(h: Tensor, fresh: nn.Module, frozen: nn.Module) -> Tensor:
    """Only the parameters came along: the batch norm's statistics stayed behind."""
    nn.utils.vector_to_parameters(
        nn.utils.parameters_to_vector(frozen.parameters()), fresh.parameters()
    )
    return fresh.eval()(h)


def awake(h: Tensor, fresh: nn.Module, frozen: nn.Module) -> Tensor:
    """The batch norm is awake: it takes the batch's statistics and moves its own."""
    right(h, fresh, frozen)
    return fresh.train()(h)


def frozen_too(h: Tensor, fresh: nn.Module, frozen: nn.Module) -> Tensor:
    """The copy is frozen as well: it has to be trainable, or it learns nothing."""
    return right(h, fresh.requires_grad_(False), frozen)


def unstarted(h: Tensor, fresh: nn.Module, frozen: nn.Module) -> Tensor:
    """Nothing was taken over: this is a random start."""
    return fresh.eval()(h)
