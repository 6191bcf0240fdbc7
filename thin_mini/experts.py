"""The committee of weak classifiers: h_endo ↦ Z (Eqs. 1 and 2)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from thin_mini.basics import checks

BLOCK = 2**21  # weights, 8 MB


class Experts(nn.Module):
    """L small classifiers, evaluated together.

    Averaged, with one hidden layer each, they are one :class:`MLP` of L·H hidden units;
    weighed by a gate, that network with its hidden units in L groups, each multiplied
    by its g (chapters 4 and 6).

    Expert l is Linear → batch norm → ReLU → Linear, or has several hidden layers. The
    first layers of all experts see the same h, so they are one wide ``Linear``; later
    layers are one batched product each. ``benchmarks/`` compares this with the
    alternatives.

    Args:
        in_features: Size D of the representation.
        hidden: Hidden units H of each expert, or of each of its hidden layers.
        n_classes: K.
        n_experts: L.

    Shape:
        h (N, D) → Z (N, L, K), the logits of every expert. (The paper writes Z as a
        K×L matrix for one image.)
    """

    def __init__(
        self,
        in_features: int,
        hidden: int | tuple[int, ...],
        n_classes: int,
        n_experts: int,
    ) -> None:
        super().__init__()
        widths = checks.widths(hidden)
        checks.whole("in_features", in_features)
        checks.whole("n_classes", n_classes)
        checks.whole("n_experts", n_experts)
        self.in_features, self.hidden = in_features, widths[-1]
        self.n_classes, self.n_experts = n_classes, n_experts
        self.first = wide_linear(in_features, n_experts * widths[0])
        # One statistic for each unit, so the same as one batch norm for each expert.
        self.norm = nn.BatchNorm1d(n_experts * widths[0])
        self.deeper = nn.ModuleList(
            _Hidden(n_experts, before, after) for before, after in pairwise(widths)
        )
        self.weight, self.bias = _stacked(n_experts, self.hidden, n_classes)

    def forward(self, h: Tensor) -> Tensor:
        checks.layer_features(self, h)
        a = torch.relu(self.norm(self.first(h)))  # (N, L·H)
        for layer in self.deeper:
            a = layer(a)
        a = a.unflatten(1, (self.n_experts, self.hidden))  # (N, L, H)
        a = a.transpose(0, 1)  # (L, N, H)
        return torch.baddbmm(self.bias, a, self.weight).transpose(0, 1)  # (N, L, K)


def wide_linear(in_features: int, out_features: int) -> nn.Module:
    """A linear layer, or several side by side where it has very many weights.

    The gradient of a weight is one piece of memory. The C library gives pieces of over
    32 MB back after each pass, and to get them again page by page takes as long as the
    product itself; smaller ones it keeps (``benchmarks/experts.py``).
    """
    n_blocks = math.ceil(in_features * out_features / BLOCK)
    if n_blocks == 1:
        return nn.Linear(in_features, out_features)
    rows = torch.arange(out_features).tensor_split(n_blocks)
    return _Blocks(nn.Linear(in_features, len(part)) for part in rows)


class _Blocks(nn.ModuleList):
    """Linear layers side by side: (N, D) → (N, all their outputs)."""

    def forward(self, h: Tensor) -> Tensor:
        return torch.cat([block(h) for block in self], 1)


class _Hidden(nn.Module):
    """A further hidden layer of every expert: (N, L·H) → (N, L·H')."""

    def __init__(self, n_experts: int, before: int, after: int) -> None:
        super().__init__()
        self.weight, self.bias = _stacked(n_experts, before, after)
        self.norm = nn.BatchNorm1d(n_experts * after)

    def forward(self, a: Tensor) -> Tensor:
        n_experts, before, _ = self.weight.shape
        a = a.unflatten(1, (n_experts, before)).transpose(0, 1)  # (L, N, H)
        a = torch.baddbmm(self.bias, a, self.weight).transpose(0, 1)  # (N, L, H')
        return torch.relu(self.norm(a.flatten(1)))


def _stacked(n_experts: int, before: int, after: int) -> tuple[nn.Parameter, ...]:
    """A weight (L, before, after) and a bias (L, 1, after), as nn.Linear draws them."""
    bound = 1 / math.sqrt(before)
    weight = torch.empty(n_experts, before, after).uniform_(-bound, bound)
    bias = torch.empty(n_experts, 1, after).uniform_(-bound, bound)
    return nn.Parameter(weight), nn.Parameter(bias)
