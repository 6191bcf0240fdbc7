"""Gates and experts that spare labels: each starts as the simple ensemble, or near it.

A gate costs labels, since each expert learns from its share of them (chapter 14). What
follows begins without a gate and departs from that as far as the labels bear out.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Lambda
from thin_mini.basics.kinds import checked
from thin_mini.encoders import Encoder
from thin_mini.experts import Experts
from thin_mini.gates import TreeGate
from thin_mini.models import GatedEnsemble
from thin_mini.networks import MLP, Condition, Context


class MeanLayer(nn.Linear):
    """The last layers of L experts that are averaged, as one.

    Their first layers are one wide layer already, so this alone makes an :class:`MLP`
    of L·H hidden units the simple ensemble: logits start √L times smaller, and a step
    of training moves them L times less.

    Args:
        hidden: L·H, hidden units of all experts together.
        n_classes: K.
        n_experts: L.

    Shape:
        (N, hidden) → (N, K).
    """

    @checked
    def __init__(self, hidden: Count, n_classes: Count, n_experts: Count) -> None:
        super().__init__(hidden, n_classes)
        self.n_experts = n_experts
        with torch.no_grad():  # as layers of H units are drawn
            self.weight *= math.sqrt(n_experts)

    def forward(self, x: Tensor) -> Tensor:
        checks.layer_features(self, x)
        return F.linear(x, self.weight / self.n_experts, self.bias)


class Blended(TreeGate):
    """g = a·tree(h) + (1 - a)/L with one learned a, at first a half.

    Arguments and shapes as of the tree.
    """

    @checked
    def __init__(self, in_features: Count, depth: int) -> None:
        super().__init__(in_features, depth)
        self.share = nn.Parameter(torch.zeros(1))  # the logit of a

    def log_probs(self, h: Tensor) -> Tensor:
        """log g, (N, L)."""
        uniform = F.logsigmoid(-self.share) - math.log(self.n_leaves)
        return torch.logaddexp(F.logsigmoid(self.share) + super().log_probs(h), uniform)


class Annealed(TreeGate):
    """A tree that starts uniform: after t of T steps its logits count t/T.

    Args:
        in_features: As of the tree.
        depth: As of the tree.
        steps: T, after which it is the tree itself.
    """

    seen: Tensor

    @checked
    def __init__(self, in_features: Count, depth: int, steps: Count) -> None:
        super().__init__(in_features, depth)
        self.steps = steps
        self.register_buffer("seen", torch.zeros(()))

    def node_logits(self, h: Tensor) -> Tensor:
        logits = super().node_logits(h) * (self.seen / self.steps).clamp(max=1)
        if self.training:
            self.seen += 1
        return logits


class Shared(Experts):
    """Experts that have most in common: Z_l = shared(h) + Δ_l(h), at first Δ = 0.

    Args:
        in_features: D.
        hidden: Units of each Δ_l.
        n_classes: K.
        n_experts: L.
        shared: Hidden units of what all share.
    """

    @checked
    def __init__(
        self,
        in_features: Count,
        hidden: Count,
        n_classes: Count,
        n_experts: Count,
        shared: Count,
    ) -> None:
        super().__init__(in_features, hidden, n_classes, n_experts)
        self.shared = MLP(in_features, shared, n_classes)
        self.shared.last = MeanLayer(shared, n_classes, n_experts)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, h: Tensor) -> Tensor:
        return self.shared(h)[:, None] + super().forward(h)  # (N, L, K)


class Shrunk(GatedEnsemble):
    """Gated experts whose differences are held small: z = shared(h) + Σ g_l·Δ_l(h).

    ``dispel`` weighs the squared weights of the last layers of all Δ_l.
    """

    @checked
    def __init__(
        self,
        encoder: Encoder,
        experts: Shared,
        gate: TreeGate,
        context: Context | None = None,
        dispel: Lambda = 0.01,
    ) -> None:
        super().__init__(encoder, experts, gate, context, dispel)

    def losses(
        self,
        images: Tensor,
        target: Tensor,
        condition: Condition | None = None,
        dispel: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """L_sup, and how much the experts differ; the latter 0 if its weight is."""
        checks.lambda_(dispel)
        sup, nothing = super().losses(images, target, condition)
        return sup, self.experts.weight.square().sum() if dispel else nothing
