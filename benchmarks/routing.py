"""Soft routing, all experts for each image, against hard: only the likeliest."""

from __future__ import annotations

from collections.abc import Callable

import torch
from experts import first_layers
from timing import compare
from torch import Tensor

import thin_mini as tm

LEAVES = (8, 32, 128, 512, 1024)
BATCH, IN_FEATURES, HIDDEN, CLASSES = 256, 784, 32, 10


def routed(
    experts: tm.Experts, layers: tuple[Tensor, Tensor], h: Tensor, leaf: Tensor
) -> Tensor:
    """Each image goes to one expert of one hidden layer, and the others do not run.

    Args:
        experts: L of them, in evaluation mode, where an image's answer is its own.
        layers: Their ``first_layers``.
        h: (N, D).
        leaf: (N,) which expert, such as ``gate(h_g).argmax(1)``.

    Returns:
        (N, K), what ``experts(h)`` has for these.
    """
    order = leaf.argsort()  # the images of one expert next to each other
    leaf, h = leaf[order], h[order]
    used, counts = leaf.unique_consecutive(return_counts=True)
    weight, bias = layers
    parts = zip(used, h.split(counts.tolist()), strict=True)
    a = torch.cat([part @ weight[i].T for i, part in parts]) + bias[leaf]  # (N, H)
    norm = experts.norm
    mean, scale, shift = (
        values.view(bias.shape)[leaf]
        for values in (
            norm.running_mean,
            norm.weight * (norm.running_var + norm.eps).rsqrt(),
            norm.bias,
        )
    )
    a = torch.relu((a - mean) * scale + shift)[:, None]  # (N, 1, H)
    z = torch.baddbmm(experts.bias[leaf], a, experts.weight[leaf])[:, 0]
    return z[order.argsort()]  # (N, K)


def candidates(
    experts: tm.Experts, h: Tensor, g: Tensor
) -> dict[str, Callable[[], Tensor]]:
    """z = Z·g with every expert, with the likeliest, and with the likeliest two."""
    layers = first_layers(experts)

    def soft() -> Tensor:
        return torch.einsum("nlk,nl->nk", experts(h), g)

    def likeliest() -> Tensor:
        return routed(experts, layers, h, g.argmax(1))

    def likeliest_two() -> Tensor:
        share, leaf = g.topk(2)  # (N, 2)
        share = share / share.sum(1, keepdim=True)
        z = routed(experts, layers, h.repeat(2, 1), leaf.T.flatten())
        return torch.einsum("tnk,nt->nk", z.view(2, len(h), -1), share)

    def gathered() -> Tensor:
        """The likeliest, its first layer copied for each image instead of grouped."""
        leaf, norm = g.argmax(1), experts.norm
        size = experts.n_experts, experts.hidden
        mean, variance, scale, shift = (
            values.view(size)[leaf]
            for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        weight, bias = (part[leaf] for part in layers)  # (N, H, D) and (N, H)
        a = (weight @ h[:, :, None])[:, :, 0] + bias
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
