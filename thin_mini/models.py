"""The architectures of Figure 3, as one class with different parts."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.encoders import ConvEncoder
from thin_mini.experts import Experts
from thin_mini.gates import SoftmaxGate, TreeGate, UniformGate
from thin_mini.losses import dispelling_loss

PAPER_LAMBDA = 0.005  # λ of Eq. 8 on MNIST-R, section 4.1
ARCHITECTURES = ("baseline", "simple", "tree", "exogenous", "oracle", "thin")


class Condition(NamedTuple):
    """What the exogenous side says of some images. It never changes, so cache it."""

    h_g: Tensor  # (N, C), the gate's input
    z_exo: Tensor  # (N, n_exo), for the dispelling loss; (N, 0) from an oracle


class MLP(nn.Module):
    """Two fully connected layers: Linear → batch norm → ReLU → Linear."""

    def __init__(self, in_features: int, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.first = nn.Linear(in_features, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.last = nn.Linear(hidden, n_classes)

    def embed(self, h: Tensor) -> Tensor:
        """The hidden layer: (N, in_features) → (N, hidden)."""
        return torch.relu(self.norm(self.first(h)))

    def forward(self, h: Tensor) -> Tensor:
        return self.last(self.embed(h))  # (N, n_classes)


class Classifier(nn.Module):
    """The baseline: an encoder, then one strong classifier (Figure 3, top left)."""

    context: ExogenousNetwork | Fused | Oracle | None

    def __init__(self, encoder: ConvEncoder, n_classes: int, hidden: int = 256) -> None:
        super().__init__()
        self.encoder, self.n_classes = encoder, n_classes
        self.context, self.dispel = None, 0.0
        self.head = MLP(encoder.out_features, hidden, n_classes)

    def logits(self, h_endo: Tensor, condition: Condition | None) -> Tensor:
        """The classification layer C_Θ: h_endo (N, D) → z (N, K)."""
        return self.head(h_endo)

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
            layer), ``"features"`` (h_exo itself) or ``"probabilities"``. The paper
            says h_exo; the hidden layer did better in our runs (chapter 6).
    """

    def __init__(
        self,
        encoder: ConvEncoder,
        n_classes: int,
        hidden: int = 256,
        gate_on: str = "hidden",
    ) -> None:
        super().__init__(encoder, n_classes, hidden)
        sizes = {
            "hidden": hidden,
            "features": encoder.out_features,
            "probabilities": n_classes,
        }
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
            hidden = self.head.embed(h)
            z = self.head.last(hidden)
        if self.gate_on == "features":
            return Condition(h, z)
        return Condition(hidden if self.gate_on == "hidden" else z.softmax(1), z)

    def freeze(self) -> ExogenousNetwork:
        """Fix every parameter and running statistic for good; returns itself.

        Gradients still flow *through* the network to its input, as Eq. 7 needs.
        """
        self.frozen = True
        for module in self.modules():
            # A hook, because .train() on any enclosing or inner module would wake
            # the batch norms; now each goes back to sleep before it is used.
            module.register_forward_pre_hook(_stay_in_eval_mode)
            # Copies, because an optimiser made before may still hold the originals.
            for name, p in module.named_parameters(recurse=False):
                fixed = nn.Parameter(p.detach().clone(), requires_grad=False)
                setattr(module, name, fixed)
        return self.eval()

    def train(self, mode: bool = True) -> ExogenousNetwork:
        """As in any module, until it is frozen: then it stays in evaluation mode."""
        super().train(mode and not self.frozen)
        return self


def _stay_in_eval_mode(module: nn.Module, inputs: object) -> None:
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
    """Stands where an exogenous network would and gives the true label, one-hot."""

    def __init__(self, n_exo: int) -> None:
        super().__init__()
        self.gate_features = n_exo

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        if exo is None:
            raise ValueError(
                "the oracle needs the true exogenous labels: pass "
                "condition=model.context.condition(images, exo)"
            )
        h_g = F.one_hot(exo, self.gate_features).float()
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

    Raises:
        ValueError: If sizes of two parts do not fit, or the context is not frozen.
    """

    def __init__(
        self,
        encoder: ConvEncoder,
        experts: Experts,
        gate: UniformGate | SoftmaxGate | TreeGate,
        context: ExogenousNetwork | Fused | Oracle | None = None,
        dispel: float = 0.0,
    ) -> None:
        nn.Module.__init__(self)
        self.encoder, self.experts, self.gate = encoder, experts, gate
        self.context, self.dispel = context, dispel
        self.n_classes = experts.n_classes
        seen = encoder.out_features if context is None else context.gate_features
        for part, got, needed in (
            ("experts.in_features", experts.in_features, encoder.out_features),
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
        z = self.experts(h_endo)  # (N, L, K)
        g = self.gate(h_endo if condition is None else condition.h_g)  # (N, L)
        return torch.einsum("nlk,nl->nk", z, g)  # (N, K)


def build(
    name: str,
    n_classes: int,
    *,
    exogenous: ExogenousNetwork | Fused | None = None,
    n_exo: int | None = None,
    n_experts: int = 8,
    hidden: int = 32,
    in_channels: int = 1,
    image_size: int = 28,
    seed: int | None = None,
) -> Classifier:
    """Build a row of Table 2, about 200,000 trainable parameters each.

    Args:
        name: ``"baseline"``, ``"simple"``, ``"tree"``, ``"exogenous"``, ``"oracle"``
            or ``"thin"``. The last has the parts of ``"exogenous"`` and is trained
            with the dispelling loss, λ = 0.005.
        n_classes: K.
        exogenous: The frozen network for ``"exogenous"`` and ``"thin"``; the former
            takes several as well, :class:`Fused`.
        n_exo: Number of exogenous classes, for ``"oracle"``.
        n_experts: L, a power of two where the gate is a tree.
        hidden: Hidden units of an expert; the baseline's classifier has L times as
            many.
        in_channels: Of the images.
        image_size: Of the images, in pixels.
        seed: Draws the initial weights; None uses PyTorch's global generator.

    Raises:
        ValueError: If the name is unknown, a part is missing or sizes do not fit.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"name must be one of {ARCHITECTURES}, got {name!r}")
    if n_experts < 1 or hidden < 1:
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
        if n_exo is None:
            raise ValueError("the oracle needs n_exo, the number of exogenous classes")
        context = Oracle(n_exo)
    elif name in ("exogenous", "thin"):
        if exogenous is None:
            raise ValueError(f"{name!r} needs exogenous=, a trained and frozen network")
        context = exogenous
    # The fork leaves the global generator as it was.
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        encoder = ConvEncoder(in_channels, image_size)
        if name == "baseline":
            return Classifier(encoder, n_classes, hidden * n_experts)
        experts = Experts(encoder.out_features, hidden, n_classes, n_experts)
        if name == "simple":
            return GatedEnsemble(encoder, experts, UniformGate(n_experts))
        seen = encoder.out_features if context is None else context.gate_features
        dispel = PAPER_LAMBDA if name == "thin" else 0.0
        return GatedEnsemble(encoder, experts, TreeGate(seen, depth), context, dispel)


def n_trainable(model: nn.Module) -> int:
    """Number of parameters that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
