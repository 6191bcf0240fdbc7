"""What else a network can do with h_exo: concatenation and FiLM beside the gates.

All have the shape of a gated ensemble: F_φ, a context, and a head that sees both
h_endo and h_g. A gate on experts of one hidden layer is a FiLM without shift, whose
scale is shared by the hidden units of an expert (chapter 20).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count
from thin_mini.basics.kinds import checked
from thin_mini.encoders import Encoder
from thin_mini.models import n_trainable
from thin_mini.networks import MLP, Condition, Context, Model


class Concatenated(nn.Module):
    """One classifier on both, side by side: h_endo (N, D), h_g (N, C) → z (N, K)."""

    @checked
    def __init__(
        self, in_features: Count, told: Count, hidden: Count, n_classes: Count
    ) -> None:
        super().__init__()
        self.in_features, self.told = in_features, told
        self.mlp = MLP(in_features + told, hidden, n_classes)

    def forward(self, h_endo: Tensor, h_g: Tensor) -> Tensor:
        _check_both("h_endo", h_endo, self.in_features, h_g, self.told)
        return self.mlp(torch.cat([h_endo, h_g], 1))


class FiLM(nn.Module):
    """Feature-wise linear modulation (arXiv 1709.07871): x ↦ x·(1 + γ(h_g)) + β(h_g).

    It starts as the identity.

    Args:
        told: Size C of h_g.
        n_features: Features that have a γ and a β of their own, F.
        each: Entries of x that share them, as those of a channel do.

    Shape:
        x (N, F·each), h_g (N, C) → (N, F·each).
    """

    @checked
    def __init__(self, told: Count, n_features: Count, each: Count = 1) -> None:
        super().__init__()
        self.told, self.n_features, self.each = told, n_features, each
        self.linear = nn.Linear(told, 2 * n_features)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, h_g: Tensor) -> Tensor:
        _check_both("x", x, self.n_features * self.each, h_g, self.told)
        both = self.linear(h_g).repeat_interleave(self.each, 1)  # (N, 2·F·each)
        gamma, beta = both.chunk(2, 1)
        return x * (1 + gamma) + beta


class Modulated(nn.Module):
    """A classifier whose input, or whose hidden layer, h_g scales and shifts by FiLM.

    Args:
        shape: (C, H, W) of h_endo's map, whose channels have a scale each.
        told: Size of h_g.
        hidden: Units of the hidden layer.
        n_classes: K.
        where: ``"input"`` or ``"hidden"``, there before it is rectified.

    Shape:
        h_endo (N, D), h_g (N, told) → z (N, K).
    """

    @checked
    def __init__(
        self,
        shape: tuple[int, ...],
        told: Count,
        hidden: Count,
        n_classes: Count,
        where: Annotated[str, checks.one_of("input", "hidden")] = "input",
    ) -> None:
        super().__init__()
        channels, height, width = checks.map_shape("shape", shape)
        self.where, self.told = where, told
        self.mlp = MLP(channels * height * width, hidden, n_classes)
        sizes = (channels, height * width) if where == "input" else (hidden, 1)
        self.film = FiLM(told, *sizes)

    def forward(self, h_endo: Tensor, h_g: Tensor) -> Tensor:
        _check_both("h_endo", h_endo, self.mlp.in_features, h_g, self.told)
        if self.where == "input":
            return self.mlp(self.film(h_endo, h_g))
        a = self.mlp.norm(self.mlp.first(h_endo))  # (N, hidden)
        return self.mlp.last(torch.relu(self.film(a, h_g)))


class Conditioned(Model):
    """F_φ and a head that is told h_g as well: z = head(h_endo, h_g).

    Args:
        encoder: F_φ.
        head: h_endo (N, D), h_g (N, C) → z (N, K).
        n_classes: K.
        context: Where h_g comes from, frozen.

    Raises:
        ValueError: If there is no context, or it is not frozen.
    """

    def __init__(
        self, encoder: Encoder, head: nn.Module, n_classes: int, context: Context
    ) -> None:
        check_context(context)
        checks.instance("head", head, nn.Module, "pass a module of h_endo and h_g")
        checks.whole("n_classes", n_classes)
        super().__init__(encoder, n_classes, context)
        self.head = head
        self.check_trainable()

    def logits(self, h_endo: Tensor, condition: Condition | None) -> Tensor:
        if condition is None:
            raise ValueError("a conditioned head needs a condition")
        return self.head(h_endo, condition.h_g)


class Shuffled(nn.Module):
    """A control: each image is told what belongs to the one before it.

    Args:
        context: What knows.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        check_context(context)
        self.context, self.gate_features = context, context.gate_features

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        """The other images' answers; a ValueError if there is only one image."""
        if checks.rows("images", images) < 2:
            raise ValueError("one image has no other to be told of: pass at least two")
        return Condition(*(x.roll(1, 0) for x in self.context.condition(images, exo)))


@checked
def matched(make: Callable[[int], nn.Module], wanted: Count) -> nn.Module:
    """What ``make`` builds with the number of hidden units that fits a budget best.

    Args:
        make: Hidden units ↦ a model whose size is linear in them.
        wanted: Trained parameters.

    Raises:
        ValueError: If more hidden units do not make it larger.
    """
    one, two = (n_trainable(make(hidden)) for hidden in (1, 2))
    if two <= one:
        raise ValueError("make must build larger models of more hidden units")
    return make(max(1, 1 + round((wanted - one) / (two - one))))


def _check_both(name: str, h: Tensor, n_features: int, h_g: Tensor, told: int) -> None:
    checks.shaped(name, h, "N", n_features)
    checks.shaped("h_g", h_g, len(h), told)


def check_context(context: object) -> None:
    """Raise a ValueError unless this is a frozen context."""
    if not isinstance(context, Context) or not getattr(context, "frozen", True):
        raise ValueError(
            "context must know something and never change: pass exogenous.freeze(), "
            f"a trained network, got {type(context).__name__}"
        )
