"""The architectures of Figure 3, as one class with different parts."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.encoders import ConvEncoder, Encoder, MapPool
from thin_mini.experts import Experts
from thin_mini.gates import SoftmaxGate, TreeGate, UniformGate
from thin_mini.losses import dispelling_loss
from thin_mini.paper import PAPER_LAMBDA

ARCHITECTURES = ("baseline", "simple", "tree", "exogenous", "oracle", "thin")


class Condition(NamedTuple):
    """What the exogenous side says of some images. It never changes, so cache it."""

    h_g: Tensor  # (N, C), the gate's input
    z_exo: Tensor  # (N, n_exo), for the dispelling loss; (N, 0) from an oracle

    def at(self, index: Tensor, device: torch.device | None = None) -> Condition:
        """The same of some of the images only, on the device if one is named."""
        return Condition(self.h_g[index].to(device), self.z_exo[index].to(device))


class MLP(nn.Module):
    """Fully connected layers, batch-normalised and rectified, and a last one.

    Args:
        in_features: Size of the input.
        hidden: Units of the hidden layer, or of each of several.
        n_classes: Size of the output.
    """

    def __init__(
        self, in_features: int, hidden: int | tuple[int, ...], n_classes: int
    ) -> None:
        super().__init__()
        widths = (hidden,) if isinstance(hidden, int) else hidden
        self.in_features, self.hidden = in_features, widths[-1]
        self.first = nn.Linear(in_features, widths[0])
        self.norm = nn.BatchNorm1d(widths[0])
        self.deeper = nn.ModuleList(
            nn.Sequential(nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU())
            for before, after in pairwise(widths)
        )
        self.last = nn.Linear(self.hidden, n_classes)

    def embed(self, h: Tensor) -> Tensor:
        """The last hidden layer: (N, in_features) → (N, hidden)."""
        h = torch.relu(self.norm(self.first(h)))
        for layer in self.deeper:
            h = layer(h)
        return h

    def forward(self, h: Tensor) -> Tensor:
        return self.last(self.embed(h))  # (N, n_classes)


class Classifier(nn.Module):
    """The baseline: an encoder, then one strong classifier (Figure 3, top left).

    Args:
        encoder: F_φ.
        n_classes: K.
        hidden: Units of the classifier's hidden layer, or of each of several.
        pool: What shrinks h_endo for the classifier, such as :class:`MapPool`.
    """

    context: ExogenousNetwork | Fused | Oracle | None

    def __init__(
        self,
        encoder: Encoder,
        n_classes: int,
        hidden: int | tuple[int, ...] = 256,
        pool: MapPool | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.n_classes, self.pool = encoder, n_classes, pool
        self.context, self.dispel = None, 0.0
        self.head = MLP(_pooled(encoder, pool), hidden, n_classes)

    def logits(self, h_endo: Tensor, condition: Condition | None) -> Tensor:
        """The classification layer C_Θ: h_endo (N, D) → z (N, K)."""
        return self.head(h_endo if self.pool is None else self.pool(h_endo))

    def forward(self, images: Tensor, condition: Condition | None = None) -> Tensor:
        """images (N, C, H, W) → z (N, K); pass ``condition`` where it is known."""
        return self.logits(self.encoder(images), self._condition(images, condition))

    def losses(
        self,
        images: Tensor,
        target: Tensor,
        condition: Condition | None = None,
        dispel: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """L_sup (Eq. 6) and L_sim (Eq. 7), the latter 0 and uncomputed if λ is 0.

        Raises:
            ValueError: If λ is not 0 and there is no exogenous network to read with.
        """
        condition = self._condition(images, condition)
        h_endo = self.encoder(images)
        sup = F.cross_entropy(self.logits(h_endo, condition), target)
        if dispel == 0:
            return sup, torch.zeros_like(sup)
        if condition is None or not isinstance(self.context, ExogenousNetwork):
            raise ValueError(
                f"dispel={dispel} needs a model with a frozen exogenous network: "
                "build 'exogenous' or 'thin', or pass dispel=0"
            )
        return sup, dispelling_loss(self.context.classify(h_endo), condition.z_exo)

    def _condition(
        self, images: Tensor, condition: Condition | None
    ) -> Condition | None:
        if condition is None and self.context is not None:
            return self.context.condition(images)
        return condition


class ExogenousNetwork(Classifier):
    """c_σ(γ_τ(I)), the network that knows the exogenous variable (section 3.1).

    Trained first, on the exogenous labels, then frozen by :meth:`freeze`.

    Args:
        encoder: γ_τ.
        n_classes: Number of exogenous classes.
        hidden: Hidden units of the classifier c_σ.
        gate_on: What a gate gets to see: ``"hidden"`` (the classifier's hidden
            layer), ``"features"`` (h_exo itself), ``"pooled"`` (its mean over the
            map, as the authors' code has it for faces) or ``"probabilities"``. The
            paper says h_exo; ``choices`` compares them (chapter 11).
        head: A classifier c_σ that is there already, instead of one to be trained:
            h (N, D) → logits (N, n_classes). See :func:`thin_mini.adapt`.
    """

    def __init__(
        self,
        encoder: Encoder,
        n_classes: int,
        hidden: int | tuple[int, ...] = 256,
        gate_on: str = "hidden",
        head: nn.Module | None = None,
    ) -> None:
        super().__init__(encoder, n_classes, hidden if head is None else 1)
        sizes = {
            "hidden": self.head.hidden,
            "features": encoder.out_features,
            "pooled": encoder.out_shape[0],
            "probabilities": n_classes,
        }
        if head is not None:
            del sizes["hidden"]  # what another's classifier has inside is not known
            self.head = cast(MLP, head)
        if gate_on not in sizes:
            raise ValueError(f"gate_on must be one of {list(sizes)}, got {gate_on!r}")
        self.gate_on, self.gate_features = gate_on, sizes[gate_on]
        self.frozen = False

    def encode(self, images: Tensor) -> Tensor:
        """γ_τ: images (N, C, H, W) → h_exo (N, D)."""
        return self.encoder(images)

    def classify(self, h: Tensor) -> Tensor:
        """c_σ: h_exo or h_endo (N, D) → exogenous logits (N, n_exo)."""
        return self.head(h)

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        """The gate's input and z_exo^(exo), without gradient."""
        with torch.no_grad():
            h = self.encode(images)
            if self.gate_on == "hidden":
                hidden = self.head.embed(h)
                return Condition(hidden, self.head.last(hidden))
            z = self.classify(h)
            if self.gate_on == "probabilities":
                return Condition(z.softmax(1), z)
            if self.gate_on == "pooled":
                h = h.unflatten(1, self.encoder.out_shape).mean((2, 3))  # (N, C)
        return Condition(h, z)

    def freeze(self) -> ExogenousNetwork:
        """Fix every parameter and running statistic for good; returns itself.

        Gradients still flow *through* the network to its input, as Eq. 7 needs.
        """
        self.frozen = True
        for module in self.modules():
            # A hook, because .train() on any enclosing or inner module would wake
            # the batch norms; now each goes back to sleep before it is used.
            module.register_forward_pre_hook(stay_in_eval_mode)
            # Copies, because an optimiser made before may still hold the originals.
            for name, p in module.named_parameters(recurse=False):
                fixed = nn.Parameter(p.detach().clone(), requires_grad=False)
                setattr(module, name, fixed)
        return self.eval()

    def train(self, mode: bool = True) -> ExogenousNetwork:
        """As in any module, until it is frozen: then it stays in evaluation mode."""
        super().train(mode and not self.frozen)
        return self


def stay_in_eval_mode(module: nn.Module, inputs: object) -> None:
    """The hook of a frozen module."""
    module.training = False


class Fused(nn.Module):
    """Several frozen networks as one: the gate sees their outputs side by side.

    One exogenous variable each, as in Table 3. There is no dispelling loss for it.
    """

    def __init__(self, *networks: ExogenousNetwork) -> None:
        super().__init__()
        if len(networks) < 2 or not all(network.frozen for network in networks):
            raise ValueError("pass at least two trained and frozen networks")
        self.networks = nn.ModuleList(networks)
        self.gate_features = sum(network.gate_features for network in networks)

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        networks = (cast(ExogenousNetwork, network) for network in self.networks)
        parts = [network.condition(images) for network in networks]
        h_g = torch.cat([part.h_g for part in parts], 1)  # (N, sum of sizes)
        return Condition(h_g, h_g[:, :0])


class Oracle(nn.Module):
    """Stands where an exogenous network would and tells what is true.

    Args:
        n_exo: Number of exogenous classes.
        table: (n_exo, C), what it says of each of them; by default one-hot.
    """

    table: Tensor

    def __init__(self, n_exo: int, table: Tensor | None = None) -> None:
        super().__init__()
        table = torch.eye(n_exo) if table is None else table
        if table.ndim != 2 or len(table) != n_exo:
            raise ValueError(
                f"table must be ({n_exo}, C), a row for each exogenous class, got "
                f"{tuple(table.shape)}"
            )
        self.register_buffer("table", table, persistent=False)
        self.gate_features = table.shape[1]

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        if exo is None:
            raise ValueError(
                "the oracle needs the true exogenous labels: pass "
                "condition=model.context.condition(images, exo)"
            )
        h_g = self.table[exo]  # (N, C)
        return Condition(h_g, h_g[:, :0])


class GatedEnsemble(Classifier):
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
        ValueError: If sizes of two parts do not fit, or the context is not frozen.
    """

    def __init__(
        self,
        encoder: Encoder,
        experts: Experts,
        gate: UniformGate | SoftmaxGate | TreeGate,
        context: ExogenousNetwork | Fused | Oracle | None = None,
        dispel: float = 0.0,
        pool: MapPool | None = None,
    ) -> None:
        nn.Module.__init__(self)
        self.encoder, self.experts, self.gate = encoder, experts, gate
        self.context, self.dispel, self.pool = context, dispel, pool
        self.n_classes = experts.n_classes
        pooled = _pooled(encoder, pool)
        seen = pooled if context is None else context.gate_features
        for part, got, needed in (
            ("experts.in_features", experts.in_features, pooled),
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
        return torch.einsum("nlk,nl->nk", z, g)  # (N, K)


def build(
    name: str,
    n_classes: int,
    *,
    exogenous: ExogenousNetwork | Fused | Oracle | None = None,
    n_exo: int | None = None,
    n_experts: int = 8,
    hidden: int | tuple[int, ...] = 32,
    in_channels: int = 1,
    image_size: int = 28,
    encoder: Encoder | None = None,
    pool: MapPool | None = None,
    seed: int | None = None,
) -> Classifier:
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
        encoder: F_φ, by default a new :class:`ConvEncoder`.
        pool: What shrinks h_endo for the experts or the baseline's classifier.
        seed: Draws the initial weights; None uses PyTorch's global generator.

    Raises:
        ValueError: If the name is unknown, a part is missing or sizes do not fit.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"name must be one of {ARCHITECTURES}, got {name!r}")
    widths = (hidden,) if isinstance(hidden, int) else hidden
    if min(n_experts, *widths) < 1:
        raise ValueError(
            f"n_experts and hidden must be at least 1, got {n_experts} and {hidden}"
        )
    depth = n_experts.bit_length() - 1
    if name not in ("baseline", "simple") and n_experts != 2**depth:
        raise ValueError(
            f"a tree of depth d gates 2**d experts, and {n_experts} is no power of "
            f"two: take {2**depth} or {2 ** (depth + 1)}"
        )
    context: ExogenousNetwork | Fused | Oracle | None = None
    if name == "oracle":
        if n_exo is not None:
            exogenous = Oracle(n_exo)
        if not isinstance(exogenous, Oracle):
            raise ValueError("the oracle needs n_exo, the number of exogenous classes")
        context = exogenous
    elif name in ("exogenous", "thin"):
        if exogenous is None or isinstance(exogenous, Oracle):
            raise ValueError(f"{name!r} needs exogenous=, a trained and frozen network")
        context = exogenous
    # The fork leaves the global generator as it was.
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        if encoder is None:
            encoder = ConvEncoder(in_channels, image_size)
        pooled = _pooled(encoder, pool)
        if name == "baseline":
            strong = _as_large(pooled, widths, n_classes, n_experts)
            return Classifier(encoder, n_classes, strong, pool)
        experts = Experts(pooled, widths, n_classes, n_experts)
        gate: UniformGate | TreeGate = UniformGate(n_experts)
        if name != "simple":
            gate = TreeGate(pooled if context is None else context.gate_features, depth)
        dispel = PAPER_LAMBDA if name == "thin" else 0.0
        return GatedEnsemble(encoder, experts, gate, context, dispel, pool)


def _pooled(encoder: Encoder, pool: MapPool | None) -> int:
    """Size of what the classification layer sees of h_endo."""
    if pool is None:
        return encoder.out_features
    if pool.shape != encoder.out_shape:
        raise ValueError(
            f"the pool takes maps {pool.shape}, the encoder makes {encoder.out_shape}: "
            "build it as MapPool(encoder.out_shape)"
        )
    return pool.out_features


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
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
