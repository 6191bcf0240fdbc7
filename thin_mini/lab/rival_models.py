"""The untrained models of the contest, each with as many parameters as the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.data import ExogenousDataset
from thin_mini.encoders import Encoder
from thin_mini.exogenous import ExogenousNetwork
from thin_mini.experts import Experts
from thin_mini.gates import SoftmaxGate, TreeGate
from thin_mini.models import Classifier, GatedEnsemble, build, n_trainable
from thin_mini.networks import MLP, Context, Model
from thin_mini.rivals.heads import (
    Concatenated,
    Conditioned,
    Modulated,
    Shuffled,
    matched,
)
from thin_mini.rivals.people import Centred
from thin_mini.rivals.readers import WithReader
from thin_mini.rivals.sparing import Annealed, Blended, MeanLayer, Shared, Shrunk
from thin_mini.rivals.views import Averaged, RandomChange, SpatialTransformer, after

READERS, UNDONE = ("multi-task", "reversal"), ("undone", "undone-truth")
NEEDED = "this run needs a frozen exogenous network: name one in networks="
UNITS = 256  # of the experts together, or of the baseline
# How far to change an image at random, and under which changes to look at it.
SMALL = {"rotation": 30.0, "scale": 0.25}
LARGE = {"rotation": 90.0, "scale": 0.5}
VIEWS = (-0.7, -0.35, 0.0, 0.35, 0.7)  # of the small change


@dataclass(frozen=True)
class Parts:
    """What a rival may be made of.

    Attributes:
        encoder: Draws F_φ.
        n_classes: K.
        by: The exogenous variable.
        context: The frozen networks, if there are any.
        untrained: Draws a network that has learned nothing.
        others: Reads the images with exogenous labels.
        seed: Of the initial weights.
        steps: Of training.
        albums: Draws further pictures of people, and which of them show whom.
    """

    encoder: Callable[[], Encoder]
    n_classes: int
    by: str
    context: Context | None
    untrained: Callable[[], ExogenousNetwork]
    others: Callable[[], ExogenousDataset]
    seed: int
    steps: int
    albums: Callable[[], tuple[Tensor, Tensor]]

    @property
    def told(self) -> Context:
        """The context, which there must be."""
        if self.context is None:
            raise ValueError(NEEDED)
        return self.context


def _gated(
    p: Parts, hidden: int, gate: SoftmaxGate | TreeGate, context: Context | None
) -> Model:
    encoder = p.encoder()
    experts = Experts(encoder.out_features, hidden, p.n_classes, gate.n_leaves)
    return GatedEnsemble(encoder, experts, gate, context)


def _softmax(p: Parts, told: bool) -> Model:
    context = p.told if told else None
    size = context.gate_features if context else p.encoder().out_features
    return _gated(p, UNITS // 8, SoftmaxGate(size, 8), context)


def _tree(p: Parts, context: Context, n_experts: int = 8, norm: bool = True) -> Model:
    gate = TreeGate(context.gate_features, int(math.log2(n_experts)))
    if not norm:
        gate.add_module("norm", nn.Identity())
    return _gated(p, UNITS // n_experts, gate, context)


def _trees(p: Parts, n_experts: int) -> Model:
    return _tree(p, p.told, n_experts)


def _film(p: Parts, hidden: int, where: str) -> Model:
    encoder = p.encoder()
    sizes = encoder.out_shape, p.told.gate_features, hidden, p.n_classes
    return Conditioned(encoder, Modulated(*sizes, where), p.n_classes, p.told)


def _concatenated(p: Parts, hidden: int) -> Model:
    encoder = p.encoder()
    sizes = encoder.out_features, p.told.gate_features, hidden, p.n_classes
    return Conditioned(encoder, Concatenated(*sizes), p.n_classes, p.told)


def _spared(p: Parts, kind: type[TreeGate], *more: int) -> Model:
    return _gated(p, UNITS // 8, kind(p.told.gate_features, 3, *more), p.told)


def _frozen_tree(p: Parts) -> Model:
    model = cast(GatedEnsemble, _tree(p, p.told))
    model.gate.requires_grad_(False)
    return model


def _shrunk(p: Parts) -> Model:
    encoder, half = p.encoder(), UNITS // 2
    experts = Shared(encoder.out_features, half // 8, p.n_classes, 8, half)
    return Shrunk(encoder, experts, TreeGate(p.told.gate_features, 3), p.told)


def _averaged_head(p: Parts, model: Model) -> Model:
    head = cast(Concatenated | Modulated, cast(Conditioned, model).head)
    head.mlp.last = MeanLayer(head.mlp.hidden, p.n_classes, 8)
    return model


def _scaled(p: Parts) -> Model:
    """The baseline, whose first logits are as small as those of a mean of experts."""
    model = Classifier(p.encoder(), p.n_classes)
    with torch.no_grad():
        for part in model.head.last.parameters():
            part.div_(math.sqrt(8))
    return model


def _centred(p: Parts) -> Model:
    encoder = p.encoder()
    head = MLP(encoder.out_features, UNITS, p.n_classes)
    return Centred(encoder, head, p.n_classes, p.told, *p.albums())


def _changed(p: Parts, reach: float) -> Encoder:
    return after(RandomChange(p.by, reach), p.encoder())


def _averaged(p: Parts, encoder: Encoder) -> Model:
    changes = [part * SMALL[p.by] for part in VIEWS]
    return Averaged(encoder, p.n_classes, UNITS, p.by, changes)


def _transformer(p: Parts, hidden: int) -> Model:
    encoder = p.encoder()
    layer = SpatialTransformer(encoder.in_shape)
    return Classifier(after(layer, encoder), p.n_classes, hidden)


class Alone(nn.Module):
    """A head that looks at h_g (N, C) alone: a probe of the task on a gate's input."""

    def __init__(self, told: int, n_classes: int) -> None:
        super().__init__()
        self.mlp = MLP(told, UNITS, n_classes)

    def forward(self, h_endo: Tensor, h_g: Tensor) -> Tensor:
        return self.mlp(h_g)


def _alone(p: Parts) -> Model:
    blind = Encoder(nn.Identity(), p.encoder().in_shape)
    head = Alone(p.told.gate_features, p.n_classes)
    return Conditioned(blind, head, p.n_classes, p.told)


def _reader(p: Parts, hidden: int, reverse: bool) -> Model:
    return WithReader(p.encoder(), p.n_classes, hidden, p.others(), reverse)


# Those that are made as large as is wanted, hidden units ↦ model, ...
SIZED: dict[str, Callable[[Parts, int], Model]] = {
    "concatenated": _concatenated,
    "film-input": lambda p, hidden: _film(p, hidden, "input"),
    "film-hidden": lambda p, hidden: _film(p, hidden, "hidden"),
    "concatenated-experts": lambda p, n: _averaged_head(p, _concatenated(p, n)),
    "film-experts": lambda p, n: _averaged_head(p, _film(p, n, "hidden")),
    "multi-task": lambda p, hidden: _reader(p, hidden, False),
    "reversal": lambda p, hidden: _reader(p, hidden, True),
    "transformer": _transformer,
}
# ... and those that have their size.
MODELS: dict[str, Callable[[Parts], Model]] = {
    "large": lambda p: Classifier(p.encoder(), p.n_classes, 2 * UNITS),
    "softmax": lambda p: _softmax(p, False),
    "softmax-exo": lambda p: _softmax(p, True),
    "changed-small": lambda p: Classifier(_changed(p, SMALL[p.by]), p.n_classes),
    "changed-large": lambda p: Classifier(_changed(p, LARGE[p.by]), p.n_classes),
    "averaged": lambda p: _averaged(p, p.encoder()),
    "changed-averaged": lambda p: _averaged(p, _changed(p, SMALL[p.by])),
    "alone": _alone,
    "shuffled": lambda p: _tree(p, Shuffled(p.told)),
    "untrained": lambda p: _tree(p, p.untrained().freeze()),
    "bare-tree": lambda p: _tree(p, p.told, norm=False),
    **{f"exogenous-{n}": partial(_trees, n_experts=n) for n in (2, 4, 16, 32)},
    "told-tree": lambda p: _tree(p, p.told),
    "frozen-tree": _frozen_tree,
    "blended": lambda p: _spared(p, Blended),
    "annealed": lambda p: _spared(p, Annealed, p.steps),
    "shrunk": _shrunk,
    "scaled": _scaled,
    "centred": _centred,
    **dict.fromkeys(UNDONE, lambda p: Classifier(p.encoder(), p.n_classes)),
}


def rival(name: str, parts: Parts) -> Model:
    """The untrained model of a rival."""
    checks.choice("model", name, [*SIZED, *MODELS])
    with torch.random.fork_rng():

        def drawn(hidden: int) -> Model:
            torch.manual_seed(parts.seed)
            return SIZED[name](parts, hidden)

        if name in SIZED:
            usual = build("baseline", parts.n_classes, encoder=parts.encoder())
            return cast(Model, matched(drawn, n_trainable(usual)))
        torch.manual_seed(parts.seed)
        return MODELS[name](parts)
