"""What knows the exogenous variable: a frozen network, several, or an oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.frozen import freeze
from thin_mini.basics.kinds import checked
from thin_mini.encoders import Encoder
from thin_mini.networks import Classifier, Condition


class ExogenousNetwork(Classifier):
    """c_σ(γ_τ(I)), the network that knows the exogenous variable (section 3.1).

    Trained first, on the exogenous labels, then frozen by :meth:`freeze`.

    Args:
        encoder: γ_τ. If it is that of a frozen network it stays as it is, and only
            the classifier is trained.
        n_classes: Number of exogenous classes.
        hidden: Hidden units of the classifier c_σ.
        gate_on: What a gate gets to see: ``"hidden"`` (the classifier's hidden
            layer), ``"features"`` (h_exo itself), ``"pooled"`` (its mean over the
            map, as the authors' code has it for faces) or ``"probabilities"``. The
            paper says h_exo; ``choices`` compares them (chapter 22).
        head: A classifier c_σ that is there already, instead of one to be trained:
            h (N, D) → logits (N, n_classes). See :func:`thin_mini.adapt`.
    """

    @checked
    def __init__(
        self,
        encoder: Encoder,
        n_classes: int,
        hidden: int | tuple[int, ...] = 256,
        gate_on: str = "hidden",
        head: nn.Module | None = None,
    ) -> None:
        super().__init__(encoder, n_classes, hidden, head=head)
        sizes = {
            "features": encoder.out_features,
            "pooled": encoder.out_shape[0],
            "probabilities": n_classes,
        }
        if head is None:  # what another's classifier has inside is not known
            sizes = {"hidden": self.head.hidden, **sizes}
        if gate_on not in list(sizes):
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
        freeze(self)
        return self.eval()

    def train(self, mode: bool = True) -> ExogenousNetwork:
        """As in any module, until it is frozen: then it stays in evaluation mode."""
        super().train(mode and not self.frozen)
        return self

    def check_trainable(self) -> None:
        """Nothing to say: a classifier may be fitted on a frozen representation."""

    def apply(self, fn: Callable[[nn.Module], None]) -> ExogenousNetwork:
        """As in any module, until it is frozen: then it is left out.

        So that ``model.apply(initialise)`` draws new weights for what is trained.
        """
        return self if self.frozen else super().apply(fn)

    def extra_repr(self) -> str:
        return f"gate_on={self.gate_on!r}, frozen={self.frozen}"


class Fused(nn.Module):
    """Several frozen networks as one: the gate sees their outputs side by side.

    One exogenous variable each, as in Table 3. There is no dispelling loss for it.
    """

    def __init__(self, *networks: ExogenousNetwork) -> None:
        super().__init__()
        for network in networks:
            checks.instance("one", network, ExogenousNetwork, "pass frozen networks")
        if len(networks) < 2 or not all(network.frozen for network in networks):
            raise ValueError("pass at least two trained and frozen networks")
        if len({*networks}) < len(networks):
            raise ValueError("one network is named twice: pass each of them once")
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

    Raises:
        ValueError: If a size is wrong or the table holds anything but finite floats.
    """

    table: Tensor

    def __init__(self, n_exo: int, table: Tensor | None = None) -> None:
        super().__init__()
        checks.whole("n_exo", n_exo)
        table = torch.eye(n_exo) if table is None else table
        checks.features("table", table)
        if len(table) != n_exo:
            raise ValueError(
                f"table must be ({n_exo}, C), a row for each exogenous class, got "
                f"{tuple(table.shape)}"
            )
        self.register_buffer("table", table, persistent=False)
        self.n_exo, self.gate_features = table.shape

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        """What is true of the images, by their exogenous labels (N,).

        Raises:
            ValueError: If the labels are missing, or not one for each image and class.
        """
        if exo is None:
            raise ValueError(
                "the oracle needs the true exogenous labels: pass "
                "condition=model.context.condition(images, exo)"
            )
        checks.labels("exo", exo, checks.rows("images", images), self.n_exo)
        h_g = self.table[exo]  # (N, C)
        return Condition(h_g, h_g[:, :0])
