"""What every row of Table 2 is made of, and the baseline."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.frozen import check_awake, trained_parameters
from thin_mini.encoders import Encoder, MapPool, pooled_features
from thin_mini.experts import wide_linear
from thin_mini.losses import dispelling_loss, task_loss

if TYPE_CHECKING:
    from thin_mini.exogenous import ExogenousNetwork


class Condition(NamedTuple):
    """What the exogenous side says of some images. It never changes, so cache it."""

    h_g: Tensor  # (N, C), the gate's input
    z_exo: Tensor  # (N, n_exo), for the dispelling loss; (N, 0) from an oracle

    @property
    def n_rows(self) -> int:
        """N; an error unless both parts have as many rows."""
        parts = self._asdict().items()
        n, m = (checks.rows(f"{name} of the condition", x) for name, x in parts)
        if n != m:
            raise ValueError(f"a condition has {n} rows of h_g and {m} of z_exo")
        return n

    def at(self, index: Tensor, device: torch.device | str | None = None) -> Condition:
        """The same of some of the images only, on the device if one is named."""
        checks.picked("index", index, self.n_rows)
        if device is not None:
            checks.instance("device", device, (torch.device, str), "pass a device")
        here = index.to(self.h_g.device)
        part = Condition(self.h_g[here], self.z_exo[here])
        return part if device is None else part.to(device)

    def to(self, device: torch.device | str) -> Condition:
        """The same on another device."""
        return Condition(self.h_g.to(device), self.z_exo.to(device))


@runtime_checkable
class Context(Protocol):
    """What a gate is told by: frozen networks, an oracle, or one composed by hand."""

    gate_features: int  # C

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        """images (N, C, H, W), and their exogenous labels (N,) where it needs them."""


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
        widths = checks.widths(hidden)
        checks.whole("in_features", in_features)
        checks.whole("n_classes", n_classes)
        self.in_features, self.hidden = in_features, widths[-1]
        self.first = wide_linear(in_features, widths[0])
        self.norm = nn.BatchNorm1d(widths[0])
        self.deeper = nn.ModuleList(
            nn.Sequential(nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU())
            for before, after in pairwise(widths)
        )
        self.last = nn.Linear(self.hidden, n_classes)

    def embed(self, h: Tensor) -> Tensor:
        """The last hidden layer: (N, in_features) → (N, hidden)."""
        mend = "build it for this representation"
        checks.layer_input(self, h, (self.in_features,), mend)
        h = torch.relu(self.norm(self.first(h)))
        for layer in self.deeper:
            h = layer(h)
        return h

    def forward(self, h: Tensor) -> Tensor:
        return self.last(self.embed(h))  # (N, n_classes)


class Model(nn.Module):
    """An encoder, a classification layer and, where there is one, the frozen side.

    Args:
        encoder: F_φ, which is trained.
        n_classes: K.
        context: Where a gate's input h_g comes from; None for h_endo.
        dispel: λ of Eq. 8 that ``fit`` uses unless told otherwise.
        pool: What shrinks h_endo for the classification layer.
    """

    def __init__(
        self,
        encoder: Encoder,
        n_classes: int,
        context: Context | None = None,
        dispel: float = 0.0,
        pool: MapPool | None = None,
    ) -> None:
        super().__init__()
        checks.lambda_(dispel)
        self.seen = pooled_features(encoder, pool)  # size of what the layer sees
        self.encoder, self.n_classes, self.pool = encoder, n_classes, pool
        self.context, self.dispel = context, dispel
        self.remover: nn.Module | None = None  # in place of Eq. 7

    def logits(self, h_endo: Tensor, condition: Condition | None) -> Tensor:
        """The classification layer C_Θ: h_endo (N, D) → z (N, K)."""
        raise NotImplementedError

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
            ValueError: If λ is negative, or is not 0 and there is no exogenous network
                to read with; if the condition is not that of these images.
        """
        checks.lambda_(dispel)
        checks.rows("images", images)
        condition = self._condition(images, condition)
        h_endo = self.encoder(images)
        sup = task_loss(self.logits(h_endo, condition), target)
        if dispel == 0:
            return sup, torch.zeros_like(sup)
        if condition is None or condition.z_exo.shape[1] == 0:
            raise ValueError(
                f"dispel={dispel} needs a model with a frozen exogenous network: "
                "build 'exogenous' or 'thin', or pass dispel=0"
            )
        if self.remover is not None:
            return sup, self.remover(h_endo, condition.z_exo)
        network = cast("ExogenousNetwork", self.context)
        return sup, dispelling_loss(network.classify(h_endo), condition.z_exo)

    def check_trainable(self) -> None:
        """Raise a ValueError if a part to be trained belongs to a frozen network."""
        parts = dict(self.named_children())
        context = parts.pop("context", None)
        parts.pop("remover", None)  # which may read with a frozen classifier
        for name, part in parts.items():
            check_awake(name, part, context)

    def requires_grad_(self, requires_grad: bool = True) -> Model:
        """As in any module, but for the frozen side."""
        super().requires_grad_(requires_grad)
        trained_parameters(self)
        return self

    def _condition(
        self, images: Tensor, condition: Condition | None
    ) -> Condition | None:
        """The condition of these images: the one that was handed in, or a new one."""
        if condition is None:
            return None if self.context is None else self.context.condition(images)
        if self.context is None:
            raise ValueError(
                "this model has no exogenous side: call it without a condition"
            )
        mend = "pass what model.context.condition(images) gives"
        checks.instance("condition", condition, tuple, mend)
        condition = Condition(*condition)  # a tracer makes a plain tuple of it
        if not torch.jit.is_tracing() and condition.n_rows != images.shape[0]:
            raise ValueError(
                f"{images.shape[0]} images but a condition of {condition.n_rows} rows: "
                "pass condition.at(index) of the same images"
            )
        return condition


class Classifier(Model):
    """The baseline: an encoder, then one large classifier (Figure 3, top left).

    Args:
        encoder: F_φ.
        n_classes: K.
        hidden: Units of the classifier's hidden layer, or of each of several.
        pool: What shrinks h_endo for the classifier, such as :class:`MapPool`.
        head: A classifier that is there already, instead of one to be trained.

    Raises:
        ValueError: If a size is out of range or the encoder belongs to a frozen
            network, and so would never train.
    """

    def __init__(
        self,
        encoder: Encoder,
        n_classes: int,
        hidden: int | tuple[int, ...] = 256,
        pool: MapPool | None = None,
        head: nn.Module | None = None,
    ) -> None:
        super().__init__(encoder, n_classes, pool=pool)
        if head is None:
            head = MLP(self.seen, hidden, n_classes)
        checks.instance("head", head, nn.Module, "pass a module, (N, D) to (N, K)")
        self.head = cast(MLP, head)
        self.check_trainable()

    def logits(self, h_endo: Tensor, condition: Condition | None) -> Tensor:
        """C_Θ: h_endo (N, D) → z (N, K)."""
        return self.head(h_endo if self.pool is None else self.pool(h_endo))
