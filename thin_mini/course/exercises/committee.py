"""h (N, D), first (L·H, D), last (L, H, K) and bias (L, K) → the experts' logits (N, L,
K).

Objective: write a committee of experts by hand and as two matrix products.

1. All experts read the same h, so their first layers are one wide product; then a ReLU.
2. The wide product is (N, L·H): `unflatten(1, (L, H))` gives each expert its own part.
3. The second is batched: `torch.einsum("nlh,lhk->nlk", a, last)`, plus the bias.

Notice: no loop, and no expert hears of another: a zero in one leaves the others alone.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 4, 2


def draw(n: int) -> dict[str, Tensor]:
    experts, hidden, classes = 3, 3, 4
    return {
        "h": torch.randn(n, 5),
        "first": torch.randn(experts * hidden, 5),
        "last": torch.randn(experts, hidden, classes),
        "bias": torch.randn(experts, classes),
    }


def _second(a: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    return torch.einsum("nlh,lhk->nlk", a, last) + bias


def right(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    return _second((h @ first.T).relu().unflatten(1, last.shape[:2]), last, bias)


def no_relu(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The ReLU is missing: two linear layers are one."""
    return _second((h @ first.T).unflatten(1, last.shape[:2]), last, bias)


def dealt_out(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The hidden units are dealt out one by one. An expert's stand side by side: the
    first H are the first expert's.
    """
    a = (h @ first.T).relu().unflatten(1, last.shape[:2][::-1])
    return _second(a.transpose(1, 2), last, bias)


def no_bias(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The bias of the second layers is missing."""
    return right(h, first, last, 0 * bias)


def averaged(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """This is their average already. Each expert's own logits are wanted, side by
    side.
    """
    return right(h, first, last, bias).mean(1)


def one_for_all(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """Every expert has the first one's second layer. Each has weights of its own."""
    return right(h, first, last[:1].expand_as(last), bias[:1].expand_as(bias))


def finished(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """A softmax too early: experts give logits, and are mixed before any softmax."""
    return right(h, first, last, bias).softmax(2)


def classes_first(h: Tensor, first: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """Experts and classes are exchanged: the order is image, expert, class."""
    return right(h, first, last, bias).transpose(1, 2)
