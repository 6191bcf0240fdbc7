"""What the networks of ``thin-mini train`` start from, and how they come together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor, nn

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.pictures import imagenet_input, vggface_input
from thin_mini.encoders import ConvEncoder, Encoder, MapPool
from thin_mini.large.identity_networks import starting_encoder
from thin_mini.large.run_folder import IDENTITY
from thin_mini.large.settings import FIT, GATED_BY_IDENTITY, FolderSettings
from thin_mini.large.weights import (
    VGG16Encoder,
    download_vgg16,
    load_vgg16,
    vgg_face,
    vgg_face_network,
)
from thin_mini.models import ExogenousNetwork, Model, build
from thin_mini.training import fit

WEIGHTS = {"imagenet": imagenet_input, "vggface": vggface_input}
WIDTHS = (16, 32, 64)  # of the small encoder's convolutions


class Prepared(nn.Module):
    """Layers behind the preparation of images that their weights were trained with.

    Args:
        prepare: ``imagenet_input`` or ``vggface_input``: images (N, C, H, W) in 0..1 to
            what the layers expect.
        layers: Of VGG-16.
    """

    def __init__(self, prepare: Callable[[Tensor], Tensor], layers: nn.Module) -> None:
        super().__init__()
        self.prepare = prepare
        # Named after it, so that a checkpoint of another preparation does not fit.
        self.add_module(prepare.__name__, layers)

    def forward(self, images: Tensor) -> Tensor:
        return self.get_submodule(self.prepare.__name__)(self.prepare(images))


def prepared(prepare: Callable[[Tensor], Tensor], encoder: Encoder) -> Encoder:
    """An encoder that prepares its images."""
    encoder.layers = Prepared(prepare, encoder.layers)
    return encoder


def start(
    settings: FolderSettings,
    files: FaceFiles,
    out: Path,
    progress: bool,
    device: torch.device,
) -> tuple[ExogenousNetwork | None, Encoder, str]:
    """What knows people, F_φ as it starts, and what it starts from.

    Args:
        settings: Of the run.
        files: The training pictures.
        out: The folder of the run, where a network that is trained here is kept.
        progress: Whether to show bars.
        device: Where to train it; both stay there.

    Raises:
        ValueError: If the data set would have to say who is who.
    """
    if settings.encoder == "vgg16":
        return *vgg16_start(settings), settings.weights_of
    knows = settings.identity == FIT or settings.model in GATED_BY_IDENTITY
    if knows and not files.identified:
        raise ValueError(
            f"{files.name} does not say who is who, so no identity network can be "
            "trained on it: train --model tree, or use --encoder vgg16"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        encoder = ConvEncoder(3, settings.size, WIDTHS)
        if not knows:
            return None, encoder, "random"
        network = ExogenousNetwork(encoder, len(files.people)).to(device)
    fit(
        network,
        files.load(settings.size, progress=progress).exogenous(),
        epochs=8,  # as the recipes on faces train theirs
        batch_size=64,
        shift=1,
        seed=settings.seed,
        checkpoint=out / IDENTITY,
        progress=progress and "training the identity network",
    )
    return network.freeze(), starting_encoder(network), "identity"


def vgg16_start(settings: FolderSettings) -> tuple[ExogenousNetwork | None, Encoder]:
    """VGG-Face, and F_φ from published weights; each prepares images as it needs."""
    network, weights = None, settings.weights or str(settings.identity)
    if settings.identity is not None:
        network = vgg_face(settings.identity)
        prepared(vggface_input, network.encoder)
    if settings.weights_of == "imagenet" and settings.weights is None:
        with PartialState().local_main_process_first():
            weights = download_vgg16()
    encoder = load_vgg16(VGG16Encoder(settings.size), weights)
    return network, prepared(WEIGHTS[settings.weights_of], encoder)


def put_together(
    about: dict[str, Any], network: ExogenousNetwork | None, encoder: Encoder
) -> Model:
    """The untrained model of a run: a row of Table 4.

    Args:
        about: Its ``model``, ``encoder``, ``n_experts``, ``hidden`` and ``seed``.
        network: What knows people; used by the rows that are gated by identity.
        encoder: F_φ.
    """
    hidden = about["hidden"]
    return build(
        about["model"],
        len(EXPRESSIONS),
        exogenous=network if about["model"] in GATED_BY_IDENTITY else None,
        n_experts=about["n_experts"],
        hidden=hidden if isinstance(hidden, int) else tuple(hidden),
        encoder=encoder,
        pool=MapPool(encoder.out_shape) if about["encoder"] == "vgg16" else None,
        seed=about["seed"],
    )


def rebuild(about: dict[str, Any], weights: dict[str, Tensor]) -> Model:
    """The model of a run without its files: built blank, then given its weights.

    Args:
        about: As for :func:`put_together`, and ``size`` and ``start``.
        weights: Its state dict, that of the frozen side included.
    """
    gated, size = about["model"] in GATED_BY_IDENTITY, about["size"]
    network: ExogenousNetwork | None = None
    encoder: Encoder
    with torch.random.fork_rng(devices=[]):  # for weights that are overwritten
        if about["encoder"] == "small":
            encoder, known = (ConvEncoder(3, size, WIDTHS) for _ in range(2))
            if gated:
                n_people = len(weights["context.head.last.bias"])
                network = ExogenousNetwork(known, n_people).freeze()
        else:
            encoder = prepared(WEIGHTS[about["start"]], VGG16Encoder(size))
            if gated:
                widths = [len(weights[f"context.head.{i}.weight"]) for i in (0, 2, 4)]
                network = vgg_face_network(size, widths).freeze()
                prepared(vggface_input, network.encoder)
        model = put_together(about, network, encoder)
    model.load_state_dict(weights)
    return model.eval()
