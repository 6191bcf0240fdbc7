"""From a folder of faces to a trained model and its test accuracy (section 4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor, nn

from thin_mini import results
from thin_mini.data.face_files import FaceFiles
from thin_mini.data.face_folders import open_faces
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.pictures import Pictures, imagenet_input, vggface_input
from thin_mini.data.store import check_writable, whole_file
from thin_mini.encoders import ConvEncoder, Encoder, MapPool, VGG16Encoder
from thin_mini.face_recipes import FACE_LAMBDA
from thin_mini.identity import starting_encoder
from thin_mini.metrics import report
from thin_mini.models import ExogenousNetwork, build, n_trainable
from thin_mini.preflight import check_settings, make_accelerator, own_precision
from thin_mini.presets import MODELS, PRESETS, RESULT, Preset
from thin_mini.scaling import predict, train
from thin_mini.training import fit
from thin_mini.weights import download_vgg16, load_vgg16, vgg_face

GATED_BY_IDENTITY = ("exogenous", "thin")
WEIGHTS = {"imagenet": imagenet_input, "vggface": vggface_input}
FIT = "fit"  # in place of a file with an identity network
IDENTITY = "identity.pt"
N_VALID = 256  # section 4.3; a tenth of the images where there are not so many


def train_folder(
    folder: Path,
    out: Path,
    *,
    layout: str = "auto",
    model: str = "thin",
    encoder: str = "small",
    weights: Path | None = None,
    weights_of: str = "vggface",
    identity: str | None = None,
    size: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    dispel: float | None = None,
    seed: int = 0,
    progress: bool = True,
    **settings: Any,
) -> dict[str, Any]:
    """Train a row of Table 4 on a folder of faces and measure it on its test images.

    Args:
        folder: The data set, as :func:`thin_mini.data.open_faces` reads it.
        out: For everything that is made; a run found there is gone on with.
        layout: Of the folder.
        model: One of ``MODELS``.
        encoder: ``"small"``, three convolutions, or ``"vgg16"``, the paper's.
        weights: What VGG-16 starts from. By default the download for ImageNet, and
            for VGG-Face the file of ``identity``.
        weights_of: ``"imagenet"`` or ``"vggface"``, which says how to prepare images.
        identity: A file of VGG-Face, for ``"vgg16"``; ``"fit"``, for ``"small"``, to
            train an identity network on the folder's own people, which the encoder
            then starts from. By default ``"fit"`` where the model needs one.
        size: Height and width of the images. This and the following are by default
            what ``PRESETS`` has for the encoder.
        steps: As in :func:`thin_mini.scaling.train`.
        batch_size: As there.
        lr: As there.
        dispel: λ of Eq. 8, by default 0.01 for ``"thin"`` (section 4.4), else 0.
        seed: Draws the validation images, the weights, the batches and the changes.
        progress: Whether to show bars.
        **settings: ``balanced``, ``mixed_precision``, ``accumulate``, ``workers``,
            ``compile``, ``device`` and ``resume``, as there.

    Returns:
        What ``result.json`` holds.

    Raises:
        ValueError: If options do not go together, and all that ``train`` raises.
        DataError: If the data set or a file of weights is missing or damaged.
    """
    preset = _check_options(model, encoder, weights, weights_of, identity)
    size = preset.size if size is None else size
    steps = preset.steps if steps is None else steps
    batch_size = preset.batch_size if batch_size is None else batch_size
    lr = preset.lr if lr is None else lr
    if dispel is None:
        dispel = FACE_LAMBDA if model == "thin" else 0.0
    defaults: dict[str, Any] = {"mixed_precision": "no", "device": "auto"}
    settings = defaults | {"accumulate": 1, "workers": 0, "balanced": False} | settings
    precision, workers = settings["mixed_precision"], settings["workers"]
    pieces, every = settings["accumulate"], preset.every
    check_settings(steps, batch_size, lr, dispel, precision, pieces, workers, every)
    with own_precision():  # this also decides the device of all that follows
        make_accelerator(settings["device"], precision)
    check_writable(out)
    progress = progress and PartialState().is_main_process

    train_files, test_files = (
        part.readable(progress) for part in open_faces(folder, layout)
    )
    n_valid = min(N_VALID, max(1, len(train_files) // 10))
    rest, valid_files = train_files.split(n_valid, seed)
    if encoder == "small":
        network, start = _small(rest, size, model, identity, out, seed, progress)
    else:
        network, start = _vgg16(size, weights, weights_of, identity)
    built = build(
        model,
        len(EXPRESSIONS),
        exogenous=network if model in GATED_BY_IDENTITY else None,
        n_experts=preset.n_experts,
        hidden=preset.hidden,
        encoder=start,
        pool=MapPool(start.out_shape) if encoder == "vgg16" else None,
        seed=seed,
    )
    history = train(
        built,
        Pictures(rest, size, augment=True, seed=seed),
        Pictures(valid_files, size),
        steps=steps,
        folder=out,
        batch_size=batch_size,
        lr=lr,
        dispel=dispel,
        every=every,
        seed=seed,
        progress=progress,
        **settings,
    )
    logits = predict(built, Pictures(test_files, size), workers=workers)
    result = {
        "data": rest.source,
        "images": [len(rest), len(valid_files), len(test_files)],
        "model": model,
        "encoder": encoder,
        "start": _start(encoder, weights_of, network),
        "size": size,
        "parameters": n_trainable(built),
        "steps": steps,
        "batch_size": batch_size,
        "lr": lr,
        "dispel": dispel,
        "balanced": settings["balanced"],
        "mixed_precision": precision,
        "seed": seed,
        "best_step": int(history["valid"].idxmax()),
        "valid": round(float(history["valid"].max()), 4),
        **_measures(logits, test_files.target),
        "processes": PartialState().num_processes,
        "images_per_second": round(float(history["images_per_second"].median()), 1),
        "provenance": results.provenance(),
    }
    if PartialState().is_main_process:
        with whole_file(out / RESULT) as temporary:
            temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return result


def _start(encoder: str, weights_of: str, network: ExogenousNetwork | None) -> str:
    """What F_φ starts from: published weights, the identity network's, or none."""
    if encoder == "vgg16":
        return weights_of
    return "random" if network is None else "identity"


def _check_options(
    model: str,
    encoder: str,
    weights: Path | None,
    weights_of: str,
    identity: str | None,
) -> Preset:
    for name, value, known in (
        ("model", model, MODELS),
        ("encoder", encoder, tuple(PRESETS)),
        ("weights-of", weights_of, tuple(WEIGHTS)),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {known}, got {value!r}")
    if encoder == "small":
        if weights is not None or identity not in (None, FIT):
            raise ValueError(
                "files of weights are for VGG-16: add --encoder vgg16, or leave out "
                "--weights and --identity FILE"
            )
    elif identity == FIT:
        raise ValueError(
            "--identity fit is for --encoder small: pass a file of VGG-Face"
        )
    elif identity is None and model in GATED_BY_IDENTITY:
        raise ValueError(
            f"{model!r} needs to know people: pass --identity FILE (VGG-Face), or "
            "train --model tree"
        )
    elif weights is None and identity is None and weights_of == "vggface":
        raise ValueError(
            "nothing to start from: pass --weights FILE, or --weights-of imagenet to "
            "download ImageNet's"
        )
    return PRESETS[encoder]


def _small(
    files: FaceFiles,
    size: int,
    model: str,
    identity: str | None,
    out: Path,
    seed: int,
    progress: bool,
) -> tuple[ExogenousNetwork | None, Encoder]:
    """An identity network trained on the folder's people, and F_φ started from it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = ConvEncoder(3, size, (16, 32, 64))
        if identity is None and model not in GATED_BY_IDENTITY:
            return None, encoder
        if not files.identified:
            raise ValueError(
                f"{files.name} does not say who is who, so no identity network can be "
                "trained on it: train --model tree, or use --encoder vgg16"
            )
        network = ExogenousNetwork(encoder, len(files.people))
    people = files.load(size, progress=progress).exogenous()
    # As the recipes on faces train theirs.
    fit(
        network,
        people,
        epochs=8,
        batch_size=64,
        shift=1,
        seed=seed,
        checkpoint=out / IDENTITY,
        progress=progress,
    )
    network.cpu().freeze()
    return network, starting_encoder(network)


def _vgg16(
    size: int, weights: Path | None, weights_of: str, identity: str | None
) -> tuple[ExogenousNetwork | None, Encoder]:
    """VGG-Face, and F_φ from published weights; each prepares images as it needs."""
    network = None
    if identity is not None:
        network = vgg_face(identity)
        network.encoder.layers = Prepared(vggface_input, network.encoder.layers)
    if weights_of == "imagenet" and weights is None:
        with PartialState().local_main_process_first():
            weights = download_vgg16()
    encoder = load_vgg16(VGG16Encoder(size), weights or str(identity))
    encoder.layers = Prepared(WEIGHTS[weights_of], encoder.layers)
    return network, encoder


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


def _measures(logits: Tensor, target: Tensor) -> dict[str, Any]:
    """Test accuracy, the recall of each expression (None without images), counts."""
    found = report(logits, target, torch.zeros_like(target), 1)
    counts = zip(found.confusion.diagonal(), found.confusion.sum(1), strict=True)
    recalls = [round(100 * hits / n, 2) if n else None for hits, n in counts]
    return {
        "test": round(found.accuracy, 4),
        "recall": dict(zip(EXPRESSIONS, recalls, strict=True)),
        "confusion": found.confusion.tolist(),
    }
