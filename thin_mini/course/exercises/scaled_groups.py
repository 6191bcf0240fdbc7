"""a (N, L·H), g (N, L), last (L, H, K), bias (L, K) → the gated ensemble's logits (N,
K).

Objective: build every architecture of the paper's Figure 3 from the same parts.

1. Without any experts: scale the hidden units a, then one matrix product.
2. Each of the L groups of H units is multiplied by its own g: `repeat_interleave(H,
   1)`.
3. The last layer is `last.flatten(0, 1)`; the biases are mixed by g: `g @ bias`.

Notice: a gate of experts is a scale for each group of one network's hidden units.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 6, 2


def draw(n: int) -> dict[str, Tensor]:
    return {
        "a": torch.randn(n, 12).relu(),
        "g": torch.randn(n, 4).softmax(1),
        "last": torch.randn(4, 3, 5),
        "bias": torch.randn(4, 5),
    }


def right(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    experts = torch.einsum("nlh,lhk->nlk", a.unflatten(1, last.shape[:2]), last) + bias
    return torch.einsum("nl,nlk->nk", g, experts)


def unmixed(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The biases are all added, whole. An expert's bias counts as much as the
    expert.
    """
    return right(a, g, last, 0 * bias) + bias.sum(0)


def mean_bias(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The biases are averaged alike, as in chapter 4. Here g mixes them."""
    return right(a, g, last, 0 * bias) + bias.mean(0)


def no_bias(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The biases are missing: g mixes them as well."""
    return right(a, g, last, 0 * bias)


def dealt_out(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The scales are dealt out one by one, 1 2 3 4 1 2 3 4. A group's units stand side
    by side: 1 1 1 2 2 2 (`repeat_interleave`, and not `repeat`).
    """
    scaled = a * g.repeat(1, last.shape[1])
    return scaled @ last.flatten(0, 1) + g @ bias


def blind(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The gate is not asked: this is the plain average of chapter 4."""
    return right(a, torch.ones_like(g) / g.shape[1] + 0 * g, last, bias)


def twice(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """g counts twice: once on the hidden units is all there is."""
    return right(a, g.square(), last, bias)


def cut(a: Tensor, g: Tensor, last: Tensor, bias: Tensor) -> Tensor:
    """The gate is detached, or under `no_grad`: it is right, and never learns."""
    return right(a, g.detach(), last, bias)
