"""g (N, L), weights of the gate, and Z (N, L, K) → the mixed logits z (N, K).

Objective: build every architecture of the paper's Figure 3 from the same parts.

1. z = Z·g: each expert's logits times its weight, added up over the experts.
2. g needs a third axis before it can multiply Z.
3. `(g[:, :, None] * Z)` is (N, L, K); sum it over the axis of the experts.

Notice: every architecture here is this one line; only what g looks at differs.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 6, 2


def draw(n: int) -> dict[str, Tensor]:
    return {"g": torch.randn(n, 4).softmax(1), "Z": 2 * torch.randn(n, 4, 3)}


def right(g: Tensor, Z: Tensor) -> Tensor:
    return torch.einsum("nlk,nl->nk", Z, g)


def probabilities(g: Tensor, Z: Tensor) -> Tensor:
    """This mixes probabilities. The paper mixes logits; the softmax comes after."""
    return right(g, Z.softmax(2))


def finished(g: Tensor, Z: Tensor) -> Tensor:
    """A softmax too early: the loss takes z as it is, and has a softmax of its own."""
    return right(g, Z).softmax(1)


def blind(g: Tensor, Z: Tensor) -> Tensor:
    """The gate is not asked: this is the plain average of chapter 4."""
    return Z.mean(1) + 0 * g.sum()


def again(g: Tensor, Z: Tensor) -> Tensor:
    """g is a distribution already: a softmax of it makes all weights nearly alike."""
    return right(g.softmax(1), Z)


def hard(g: Tensor, Z: Tensor) -> Tensor:
    """Only the first expert of each image is heard, and the gate gets no gradient."""
    return Z[torch.arange(len(Z)), g.argmax(1)]


def cut(g: Tensor, Z: Tensor) -> Tensor:
    """The gate is detached, or under `no_grad`: it is right, and never learns."""
    return right(g.detach(), Z)
