"""logits (N, K), target (N,), z_endo and z_exo (N, C), dispel → THIN's loss, Eq. 8.

Objective: write THIN from memory, forward pass, loss and training step.

1. Two terms: the cross entropy of the digits, and λ times the loss of chapter 7.
2. `torch.nn.functional.cross_entropy` takes the mixed logits as they are.
3. The second term is `dispel` times `tm.dispelling_loss(z_endo, z_exo)`; add the two.

Notice: λ weighs two losses of unlike size; 0.005 of a cosine is a light hand.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy

from thin_mini.losses import thin_loss as right

CHAPTER, LEVEL = 8, 2


def draw(n: int) -> dict[str, Any]:
    parts = {"z_endo": torch.randn(n, 5), "z_exo": torch.randn(n, 5), "dispel": 0.7}
    return {"logits": 2 * torch.randn(n, 4), "target": torch.randint(4, (n,)), **parts}


def softmax_too_early(logits: Tensor, *rest: Any) -> Tensor:
    """A softmax too early: the cross entropy takes logits, and has its own."""
    return right(logits.softmax(1), *rest)


def unweighted(*parts: Any) -> Tensor:
    """λ is missing: both terms count alike, and the cosine outweighs the digits."""
    return right(*[*parts[:4], 1.0])


def on_the_task(*parts: Any) -> Tensor:
    """λ weighs the wrong term: it belongs to the dispelling loss."""
    return parts[4] * right(*[*parts[:4], 1 / parts[4]])


def rewarded(*parts: Any) -> Tensor:
    """The second term has the wrong sign: likeness would be rewarded."""
    return 2 * cross_entropy(*parts[:2]) - right(*parts)


def into_frozen(logits: Tensor, target: Tensor, *rest: Any) -> Tensor:
    """Gradients go into the frozen branch: z_exo is a constant of Eq. 7."""
    similar = cosine_similarity(*rest[:2]).abs().mean()
    return cross_entropy(logits, target) + rest[2] * similar


def exchanged(logits: Tensor, target: Tensor, *rest: Any) -> Tensor:
    """z_endo and z_exo are exchanged: it is z_exo that gets the gradient."""
    return right(logits, target, rest[1], rest[0], rest[2])


def cut(logits: Tensor, target: Tensor, z_endo: Tensor, *rest: Any) -> Tensor:
    """`no_grad` or `detach` where the gradient should pass: z_endo gets none of it."""
    return right(logits, target, z_endo.detach(), *rest)
