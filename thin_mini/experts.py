"""The committee of weak classifiers: h_endo ↦ Z (Eqs. 1 and 2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Experts(nn.Module):
    """L two-layer classifiers, evaluated together.

    Expert l is Linear → batch norm → ReLU → Linear. The first layers of all experts
    see the same h, so they are one wide ``Linear``; the second layers are one
    batched product. ``benchmarks/`` compares this with the alternatives.

    Args:
        in_features: Size D of the representation.
        hidden: Hidden units H of each expert.
        n_classes: K.
        n_experts: L.

    Shape:
        h (N, D) → Z (N, L, K), the logits of every expert. (The paper writes Z as a
        K×L matrix for one image.)
    """

    def __init__(
        self, in_features: int, hidden: int, n_classes: int, n_experts: int
    ) -> None:
        super().__init__()
        for name, value in (
            ("in_features", in_features),
            ("hidden", hidden),
            ("n_classes", n_classes),
            ("n_experts", n_experts),
        ):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.in_features, self.hidden = in_features, hidden
        self.n_classes, self.n_experts = n_classes, n_experts
        self.first = nn.Linear(in_features, n_experts * hidden)
        # One statistic for each unit, so the same as one batch norm for each expert.
        self.norm = nn.BatchNorm1d(n_experts * hidden)
        bound = 1 / math.sqrt(hidden)  # as nn.Linear draws its weights and biases
        self.weight = nn.Parameter(
            torch.empty(n_experts, hidden, n_classes).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(
            torch.empty(n_experts, 1, n_classes).uniform_(-bound, bound)
        )

    def forward(self, h: Tensor) -> Tensor:
        check_features(self, h, self.in_features)
        a = torch.relu(self.norm(self.first(h)))  # (N, L·H)
        a = a.view(len(h), self.n_experts, self.hidden).transpose(0, 1)  # (L, N, H)
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
            ValueError: If the two do not fit together.
        """
        check_features(self, h, self.in_features)
        if self.training:
            raise RuntimeError("routed needs running statistics: call .eval() first")
        if leaf.shape != h.shape[:1]:
            raise ValueError(f"{len(h)} images but leaf is {tuple(leaf.shape)}")
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


def check_features(module: nn.Module, h: Tensor, in_features: int) -> None:
    """Raise a ValueError that names both sizes unless ``h`` is (N, in_features)."""
    if h.ndim != 2 or h.shape[1] != in_features:
        raise ValueError(
            f"{type(module).__name__} takes (N, {in_features}), got {tuple(h.shape)}: "
            "build it with in_features equal to the size of the representation"
        )
