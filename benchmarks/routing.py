"""Soft routing, all experts for each image, against hard: only the likeliest."""

from __future__ import annotations

from collections.abc import Callable

import torch
from timing import compare
from torch import Tensor

import thin_mini as tm

LEAVES = (8, 32, 128, 512, 1024)
BATCH, IN_FEATURES, HIDDEN, CLASSES = 256, 784, 32, 10


def candidates(
    experts: tm.Experts, h: Tensor, g: Tensor
) -> dict[str, Callable[[], Tensor]]:
    """z = Z·g with every expert, with the likeliest, and with the likeliest two."""

    def soft() -> Tensor:
        return torch.einsum("nlk,nl->nk", experts(h), g)

    def likeliest() -> Tensor:
        return experts.routed(h, g.argmax(1))

    def likeliest_two() -> Tensor:
        share, leaf = g.topk(2)  # (N, 2)
        share = share / share.sum(1, keepdim=True)
        z = experts.routed(h.repeat(2, 1), leaf.T.flatten())
        return torch.einsum("tnk,nt->nk", z.view(2, len(h), -1), share)

    def gathered() -> Tensor:
        """The likeliest, its first layer copied for each image instead of grouped."""
        leaf, norm = g.argmax(1), experts.norm
        size = experts.n_experts, experts.hidden
        mean, variance, scale, shift = (
            values.view(size)[leaf]
            for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        weight = experts.first.weight.view(*size, -1)[leaf]  # (N, H, D)
        a = (weight @ h[:, :, None])[:, :, 0] + experts.first.bias.view(size)[leaf]
        a = torch.relu((a - mean) * (variance + norm.eps).rsqrt() * scale + shift)
        return (a[:, None] @ experts.weight[leaf] + experts.bias[leaf])[:, 0]

    return {
        "all experts": soft,
        "likeliest": likeliest,
        "likeliest two": likeliest_two,
        "likeliest, gathered": gathered,
    }


@torch.no_grad()
def measure() -> dict:
    table = {}
    for n in LEAVES:
        experts = tm.Experts(IN_FEATURES, HIDDEN, CLASSES, n).eval()
        h, g = torch.randn(BATCH, IN_FEATURES), torch.randn(BATCH, n).softmax(1)
        table[f"L={n}"] = compare(
            candidates(experts, h, g), rounds=25 if n < 512 else 9
        )
    return table
