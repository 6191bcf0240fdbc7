"""The architectures of Figure 3, as one class with different parts."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.frozen import trained_parameters
from thin_mini.basics.precision import full, no_autocast
from thin_mini.encoders import ConvEncoder, Encoder, MapPool, pooled_features
from thin_mini.exogenous import ExogenousNetwork, Fused, Oracle
from thin_mini.experts import Experts
from thin_mini.gates import SoftmaxGate, TreeGate, UniformGate
from thin_mini.networks import MLP, Classifier, Condition, Context, Model
from thin_mini.paper import PAPER_LAMBDA

ARCHITECTURES = ("baseline", "simple", "tree", "exogenous", "oracle", "thin")

__all__ = [
    "ARCHITECTURES",
    "MLP",
    "PAPER_LAMBDA",
    "Classifier",
    "Condition",
    "ExogenousNetwork",
    "Fused",
    "GatedEnsemble",
    "Model",
    "Oracle",
    "build",
    "n_trainable",
]


class GatedEnsemble(Model):
    """Experts on h_endo, mixed by a gate: z = Z·g (Figure 3, the other three).

    Args:
        encoder: F_φ, trained here: I ↦ h_endo.
        experts: h_endo ↦ Z (N, L, K).
        gate: h_g ↦ g (N, L).
        context: Where the gate's input h_g comes from: None for h_endo, a frozen
            :class:`ExogenousNetwork`, several as :class:`Fused`, or an
            :class:`Oracle`.
        dispel: λ of Eq. 8 that ``fit`` uses unless told otherwise.
        pool: What shrinks h_endo for the experts, such as :class:`MapPool`.

    Raises:
        ValueError: If sizes of two parts do not fit, λ is negative, the context is not
            frozen, or a part belongs to a frozen network and so would never train.
    """

    def __init__(
        self,
        encoder: Encoder,
        experts: Experts,
        gate: UniformGate | SoftmaxGate | TreeGate,
        context: Context | None = None,
        dispel: float = 0.0,
        pool: MapPool | None = None,
    ) -> None:
        _check_context("context", context)
        checks.instance("experts", experts, Experts, "pass tm.Experts")
        gates = (UniformGate, SoftmaxGate, TreeGate)
        checks.instance("gate", gate, gates, "pass a gate, such as tm.TreeGate")
        super().__init__(encoder, experts.n_classes, context, dispel, pool)
        self.experts, self.gate = experts, gate
        self.check_trainable()
        seen = self.seen if context is None else context.gate_features
        for part, got, needed in (
            ("experts.in_features", experts.in_features, self.seen),
            ("gate.in_features", gate.in_features, seen),
            ("gate.n_leaves", gate.n_leaves, experts.n_experts),
        ):
            if got is not None and got != needed:
                raise ValueError(f"{part} is {got} but must be {needed}")
        if isinstance(context, ExogenousNetwork):
            if not context.frozen:
                raise ValueError(
                    "train the exogenous network first and pass exogenous.freeze()"
                )
            if context.encoder.out_features != encoder.out_features:
                raise ValueError(
                    f"h_exo has {context.encoder.out_features} features and h_endo "
                    f"{encoder.out_features}: the dispelling loss needs one size"
                )

    def logits(self, h_endo: Tensor, condition: Condition | None) -> Tensor:
        """z = Z·g: logits are mixed, the softmax comes after (Eq. 6)."""
        if self.pool is not None:
            h_endo = self.pool(h_endo)
        z = self.experts(h_endo)  # (N, L, K)
        g = self.gate(h_endo if condition is None else condition.h_g)  # (N, L)
        with no_autocast(z):
            return torch.einsum("nlk,nl->nk", full(z), full(g))  # (N, K)


def build(
    name: str,
    n_classes: int,
    *,
    exogenous: Context | None = None,
    n_exo: int | None = None,
    n_experts: int = 8,
    hidden: int | tuple[int, ...] = 32,
    in_channels: int = 1,
    image_size: int = 28,
    encoder: Encoder | None = None,
    pool: MapPool | None = None,
    seed: int | None = None,
) -> Model:
    """Build a row of Table 2 or 4; the rows have about as many parameters each.

    By default 200,000, as the paper has them for digits. For faces it has 100 million:
    ``n_experts=32, hidden=(512, 512), encoder=VGG16Encoder()`` and a ``MapPool``.

    Args:
        name: ``"baseline"``, ``"simple"``, ``"tree"``, ``"exogenous"``, ``"oracle"``
            or ``"thin"``. The last has the parts of ``"exogenous"`` and is trained
            with the dispelling loss, λ = 0.005.
        n_classes: K.
        exogenous: The frozen network for ``"exogenous"`` and ``"thin"``; the former
            takes several as well, :class:`Fused`, and ``"oracle"`` an :class:`Oracle`.
        n_exo: Number of exogenous classes, for ``"oracle"`` if it is given none.
        n_experts: L, a power of two where the gate is a tree.
        hidden: Units of an expert's hidden layer, or of each of several. The
            baseline's classifier has as many parameters as all experts together.
        in_channels: Of the images.
        image_size: Of the images, in pixels.
        encoder: F_φ, by default a new :class:`ConvEncoder`. To start from a frozen
            network's weights pass :func:`thin_mini.starting_encoder` of it.
        pool: What shrinks h_endo for the experts or the baseline's classifier.
        seed: Draws the initial weights; None uses PyTorch's global generator.

    Raises:
        ValueError: If the name is unknown, a number is out of range, a part is missing
            or sizes do not fit; if the encoder is of a frozen network.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"name must be one of {ARCHITECTURES}, got {name!r}")
    _check_context("exogenous", exogenous)
    if n_exo is not None:
        checks.whole("n_exo", n_exo)
    widths = checks.widths(hidden, None)
    n_experts = checks.whole("n_experts", n_experts, None)
    if min(n_experts, *widths) < 1:
        raise ValueError(
            f"n_experts and hidden must be at least 1, got {n_experts} and {hidden}"
        )
    checks.whole("n_classes", n_classes)
    if seed is not None:
        checks.seed_number(seed)
    depth = n_experts.bit_length() - 1
    if name not in ("baseline", "simple") and n_experts != 2**depth:
        raise ValueError(
            f"a tree of depth d gates 2**d experts, and {n_experts} is no power of "
            f"two: take {2**depth} or {2 ** (depth + 1)}"
        )
    context = _context(name, exogenous, n_exo)
    # The fork leaves the global generator as it was.
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        if encoder is None:
            encoder = ConvEncoder(in_channels, image_size)
        pooled = pooled_features(encoder, pool)
        if name == "baseline":
            strong = _as_large(pooled, widths, n_classes, n_experts)
            return Classifier(encoder, n_classes, strong, pool)
        experts = Experts(pooled, widths, n_classes, n_experts)
        gate: UniformGate | TreeGate = UniformGate(n_experts)
        if name != "simple":
            gate = TreeGate(pooled if context is None else context.gate_features, depth)
        dispel = PAPER_LAMBDA if name == "thin" else 0.0
        return GatedEnsemble(encoder, experts, gate, context, dispel, pool)


def _context(name: str, exogenous: Context | None, n_exo: int | None) -> Context | None:
    """What the gate of this architecture is told by."""
    if name == "oracle":
        if n_exo is not None:
            exogenous = Oracle(n_exo)
        if not isinstance(exogenous, Oracle):
            raise ValueError("the oracle needs n_exo, the number of exogenous classes")
    elif name not in ("exogenous", "thin"):
        return None
    elif exogenous is None or isinstance(exogenous, Oracle):
        raise ValueError(f"{name!r} needs exogenous=, a trained and frozen network")
    return exogenous


def _check_context(name: str, context: object) -> None:
    # One composed by hand serves as well, if it answers as these do.
    if context is not None and not hasattr(context, "condition"):
        raise TypeError(
            f"{name} is a {type(context).__name__}: pass a frozen "
            "tm.ExogenousNetwork, a tm.Fused or a tm.Oracle"
        )


def _as_large(
    in_features: int, widths: tuple[int, ...], n_classes: int, n_experts: int
) -> tuple[int, ...]:
    """Widths of one classifier with as many parameters as L experts of these."""
    if len(widths) == 1:
        return (widths[0] * n_experts,)
    sizes = pairwise((in_features, *widths, n_classes))
    wanted = n_experts * sum(before * after for before, after in sizes)
    # Equal widths w: (D + K)·w + (n - 1)·w² = wanted.
    a, b = len(widths) - 1, in_features + n_classes
    width = (math.sqrt(b**2 + 4 * a * wanted) - b) / (2 * a)
    return (round(width),) * len(widths)


def n_trainable(model: nn.Module) -> int:
    """Number of parameters that training changes."""
    return sum(p.numel() for p in trained_parameters(model))
