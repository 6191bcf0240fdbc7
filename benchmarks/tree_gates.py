"""The ways from node logits to leaf probabilities (Eq. 4), forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable

import torch
from timing import Functions, compare, forward_backward
from torch import Tensor

from thin_mini import gates

BATCH = 128


def functions() -> Functions:
    """Ours, its two halves at every depth, and the product as Eq. 4 has it."""
    return {
        "ours": lambda z: gates.leaf_log_probs(z).exp(),
        "matrices": with_matrices_up_to(gates.MAX_DEPTH),
        "level by level": with_matrices_up_to(1),
        "plain product": product,
    }


def with_matrices_up_to(depth: int) -> Callable[[Tensor], Tensor]:
    """Ours, with another depth at which it changes from one way to the other."""

    def leaves(z: Tensor) -> Tensor:
        chosen, gates.MATRIX_DEPTH = gates.MATRIX_DEPTH, depth
        try:
            return gates.leaf_log_probs(z).exp()
        finally:
            gates.MATRIX_DEPTH = chosen

    return leaves


def product(z: Tensor) -> Tensor:
    """Products of probabilities instead of sums of logarithms."""
    d, mu, depth = torch.sigmoid(z), z.new_ones(len(z), 1), 0
    while mu.shape[1] <= z.shape[1]:
        level = d[:, 2**depth - 1 : 2 ** (depth + 1) - 1]
        mu = torch.stack([mu * level, mu * (1 - level)], 2).flatten(1)
        depth += 1
    return mu


def measure() -> dict:
    return {
        f"depth {depth}": compare(
            forward_backward(functions(), torch.randn(BATCH, 2**depth - 1))
        )
        for depth in range(1, gates.MAX_DEPTH + 1)
    }
