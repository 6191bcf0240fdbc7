"""What of a run takes the exogenous variable out of h_endo, and what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from thin_mini.basics.devices import device_of
from thin_mini.basics.frozen import wake
from thin_mini.data import ExogenousDataset
from thin_mini.exogenous import ExogenousNetwork
from thin_mini.inference import embed, in_batches
from thin_mini.lab.rows import Run
from thin_mini.losses import absolute_cosine
from thin_mini.metrics import exogenous_accuracy, probe
from thin_mini.models import Condition, Model
from thin_mini.networks import MLP
from thin_mini.rivals.forgetting import (
    CrossCovariance,
    Dispelling,
    Eraser,
    Retrained,
    Reversal,
)

ERASED_ON = 10_000  # images with exogenous labels, to erase by
PROBED = 4_000  # test images to fit a probe on at most; as many others measure it


class ReadBy(nn.Module):
    """A context whose gate sees one network and whose loss reads with another."""

    def __init__(self, gate: ExogenousNetwork, reader: ExogenousNetwork) -> None:
        super().__init__()
        self.gate, self.reader = gate, reader
        self.gate_features = gate.gate_features

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        """h_g of the one, z_exo of the other."""
        h_g, _ = self.gate.condition(images)
        return Condition(h_g, self.reader.condition(images).z_exo)


def _random(network: ExogenousNetwork) -> ExogenousNetwork:
    """The same encoder with a classifier that has learned nothing."""
    head = MLP(network.encoder.out_features, network.head.hidden, network.n_classes)
    return ExogenousNetwork(
        network.encoder, network.n_classes, gate_on="features", head=head
    ).freeze()


def _copied(network: ExogenousNetwork) -> nn.Module:
    head = deepcopy(network.head)
    wake(head)
    return head


REMOVERS: dict[str, Callable[[ExogenousNetwork], nn.Module | None]] = {
    "centred": lambda network: Dispelling(network.head, centred=True),
    "random": lambda network: Dispelling(network.head),
    "retrained": lambda network: Retrained(_copied(network)),
    "reversal": lambda n: Reversal(n.encoder.out_features, n.n_classes),
    "xcov": lambda network: CrossCovariance(),
    "erased": lambda network: None,
}


def read_by(run: Run, model: Model, networks: list[ExogenousNetwork]) -> None:
    """Give a model what its second loss reads with, unless it has it."""
    if not networks:
        return
    network = networks[0]
    with torch.random.fork_rng():
        torch.manual_seed(run.seed)
        if run.remover == "random":
            reader = _random(network)
            model.context, network = ReadBy(network, reader), reader
        elif model.context is None:
            model.context = network
        if run.remover:
            model.remover = REMOVERS[run.remover](network)


def erase(run: Run, model: Model, others: ExogenousDataset) -> None:
    """Take out of a trained model's h_endo what a linear reader could use."""
    part = others.subset(slice(ERASED_ON))
    eraser = Eraser(embed(model.encoder, part.images), part.exo)
    layers = nn.Sequential(nn.Flatten(), eraser.to(device_of(model)))
    model.encoder.layers = nn.Sequential(model.encoder.layers, layers)


@torch.no_grad()
def readable(
    run: Run, model: Model, test: ExogenousDataset, network: ExogenousNetwork
) -> dict[str, float]:
    """``|cos|`` of Eq. 7, and what c_σ, a linear probe and an MLP read, in percent."""
    h, device = embed(model.encoder, test.images), device_of(network)

    def answers(index: Tensor) -> tuple[Tensor, Tensor]:
        z_exo = network.condition(test.images[index].to(device)).z_exo
        return network.classify(h[index].to(device)), z_exo

    z, z_exo = in_batches(answers, len(h))
    found = {"read": exogenous_accuracy(z, test.exo)["exact"]}
    found["cosine"] = absolute_cosine(z, z_exo).mean().item()
    n = min(PROBED, len(h) // 2)
    fitted, left = slice(n), slice(n, 2 * n)
    parts = (h[fitted], test.exo[fitted]), (h[left], test.exo[left])
    for kind in ("linear", "mlp"):
        found[kind] = probe(*parts, kind, run.seed)
    return {name: round(value, 4) for name, value in found.items()}
