"""The committee of weak classifiers: h_endo ↦ Z (Eqs. 1 and 2)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from thin_mini.basics import checks


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
        self.first = nn.Linear(in_features, n_experts * widths[0])
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

    def routed(self, h: Tensor, leaf: Tensor) -> Tensor:
        """Hard routing: each image goes to one expert, and the others do not run.

        Args:
            h: (N, D).
            leaf: (N,) which expert, such as ``gate(h_g).argmax(1)``.

        Returns:
            (N, K), the logits that ``forward`` has for these experts.

        Raises:
            RuntimeError: In training, where batch norm needs every image.
            NotImplementedError: If the experts have several hidden layers.
            ValueError: If the two do not fit together.
            IndexError: If there is no such expert.
        """
        checks.layer_features(self, h)
        if self.deeper:
            raise NotImplementedError("routed is for experts with one hidden layer")
        if self.training:
            raise RuntimeError("routed needs running statistics: call .eval() first")
        checks.instance("leaf", leaf, Tensor, "pass a tensor (N,)")
        if leaf.shape != h.shape[:1]:
            raise ValueError(f"{len(h)} images but leaf is {tuple(leaf.shape)}")
        if ((leaf < 0) | (leaf >= self.n_experts)).any():
            raise IndexError(f"leaf must lie between 0 and {self.n_experts - 1}")
        order = leaf.argsort()  # the images of one expert next to each other
        used, counts = leaf[order].unique_consecutive(return_counts=True)
        parts = h[order].split(counts.tolist())
        first = self.first.weight.view(self.n_experts, self.hidden, -1)
        a = torch.cat([part @ first[i].T for i, part in zip(used, parts, strict=True)])

        def own(values: Tensor) -> Tensor:  # (L·H,) → (N, H), as the images lie in a
            return values.view(self.n_experts, self.hidden)[leaf[order]]

        variance = self.norm.get_buffer("running_var") + self.norm.eps
        a = a + own(self.first.bias) - own(self.norm.get_buffer("running_mean"))
        a = a * own(self.norm.weight * variance.rsqrt()) + own(self.norm.bias)
        a = torch.relu(a)[:, None]  # (N, 1, H)
        z = torch.baddbmm(self.bias[leaf[order]], a, self.weight[leaf[order]])[:, 0]
        return z[order.argsort()]  # (N, K)


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
