"""From a folder of faces to a trained model and its test accuracy (section 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor

from thin_mini.basics.devices import choose_device
from thin_mini.basics.locks import claim
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.fer import open_faces
from thin_mini.data.photos.pictures import Pictures
from thin_mini.files import DataError, provenance
from thin_mini.large.logbook import CHECKPOINT, LOG
from thin_mini.large.preflight import (
    check_batches,
    check_folders,
    check_image_size,
    check_settings,
    check_share,
    make_accelerator,
    own_precision,
    validation,
)
from thin_mini.large.presets import MODELS, PRESETS, RESULT, Preset
from thin_mini.large.run_folder import IDENTITY, MODEL, SETTINGS, write_json
from thin_mini.large.scaling import predict, train
from thin_mini.large.starts import (
    GATED_BY_IDENTITY,
    WEIGHTS,
    put_together,
    small_start,
    vgg16_start,
)
from thin_mini.large.trained import save_model
from thin_mini.metrics import report
from thin_mini.models import ExogenousNetwork, n_trainable
from thin_mini.paper import FACE_LAMBDA

FIT = "fit"  # in place of a file with an identity network


def train_folder(
    folder: Path | str,
    out: Path | str,
    *,
    layout: str = "auto",
    twins: str = "refuse",
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
        twins: What to do with pictures in both parts, as there.
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
        steps: As in :func:`thin_mini.large.scaling.train`.
        batch_size: As there.
        lr: As there.
        dispel: λ of Eq. 8, by default 0.01 for ``"thin"`` (section 4.4), else 0.
        seed: Draws the validation images, the weights, the batches and the changes.
        progress: Whether to show bars.
        **settings: ``balanced``, ``mixed_precision``, ``accumulate``, ``workers``,
            ``compile``, ``device`` (by default ``"auto"``) and ``resume``, as there.

    Returns:
        What ``result.json`` holds.

    Raises:
        ValueError: If options do not go together, and all that ``train`` raises.
        DataError: If the data set or a file of weights is missing or damaged, or
            another process is training in ``out``.
    """
    preset = _check_options(model, encoder, weights, weights_of, identity)
    size = preset.size if size is None else size
    steps = preset.steps if steps is None else steps
    batch_size = preset.batch_size if batch_size is None else batch_size
    lr = preset.lr if lr is None else lr
    if dispel is None:
        dispel = FACE_LAMBDA if model == "thin" else 0.0
    defaults: dict[str, Any] = {"mixed_precision": "no", "device": "auto"}
    defaults |= {"accumulate": 1, "workers": 0, "balanced": False, "resume": True}
    settings = defaults | settings
    precision, pieces = settings["mixed_precision"], settings["accumulate"]
    check_settings(
        *(steps, batch_size, lr, dispel, precision, pieces, settings["workers"]),
        *(preset.every, seed),
    )
    check_image_size(size, encoder)
    folder, out = check_folders(folder, out)
    device = choose_device(settings.pop("device"))
    with own_precision():
        make_accelerator(device, precision)
    check_share(batch_size, pieces, PartialState().num_processes)
    progress = progress and PartialState().is_main_process

    train_files, test_files = open_faces(folder, layout, twins=twins)
    with claim(out):
        train_files, test_files = (
            part.readable(progress) for part in (train_files, test_files)
        )
        rest, valid_files = validation(train_files, seed)
        check_batches(rest.target, batch_size, settings["balanced"])
        if not settings["resume"]:
            _forget(out)
        if encoder == "small":
            knows = identity == FIT or model in GATED_BY_IDENTITY
            checkpoint = out / IDENTITY if knows else None
            network, start = small_start(rest, size, checkpoint, seed, progress, device)
        else:
            network, start = vgg16_start(size, weights, weights_of, identity)
        about = {
            "data": rest.source,
            "images": [len(rest), len(valid_files), len(test_files)],
            "model": model,
            "encoder": encoder,
            "start": _start(encoder, weights_of, network),
            "size": size,
            "n_experts": preset.n_experts,
            "hidden": preset.hidden,
            "steps": steps,
            "batch_size": batch_size,
            "lr": lr,
            "dispel": dispel,
            "balanced": settings["balanced"],
            "mixed_precision": precision,
            "seed": seed,
        }
        built = put_together(about, network, start)
        if PartialState().is_main_process and not (out / CHECKPOINT).exists():
            write_json(out / SETTINGS, about)
        history = train(
            built.to(device),
            Pictures(rest, size, augment=True, seed=seed),
            Pictures(valid_files, size),
            steps=steps,
            folder=out,
            batch_size=batch_size,
            lr=lr,
            dispel=dispel,
            every=preset.every,
            seed=seed,
            progress=progress,
            **settings,
        )
        pictures, label = Pictures(test_files, size), "testing" if progress else ""
        logits = predict(built, pictures, workers=settings["workers"], label=label)
        result = about | {
            "parameters": n_trainable(built),
            "best_step": int(history["valid"].idxmax()),
            "valid": round(float(history["valid"].max()), 4),
            **measures(logits, test_files.target),
            "processes": PartialState().num_processes,
            "images_per_second": round(float(history["images_per_second"].median()), 1),
            "provenance": provenance(),
        }
        if PartialState().is_main_process:
            save_model(out, built, about)
            write_json(out / RESULT, result)
    return result


def measures(logits: Tensor, target: Tensor) -> dict[str, Any]:
    """What is said of a model's answers to test images.

    Args:
        logits: (N, 7).
        target: (N,), the expressions.

    Returns:
        ``test``, the accuracy in percent; the same of always saying the ``majority``
        expression; the ``recall`` of each expression, None without images, and the
        ``count`` of images behind it; the ``confusion`` as counts.
    """
    found = report(logits, target, torch.zeros_like(target), 1)
    counts = found.confusion.sum(1).tolist()
    hits = found.confusion.diagonal().tolist()
    recalls = [
        round(100 * right / n, 2) if n else None
        for right, n in zip(hits, counts, strict=True)
    ]
    most = max(range(len(counts)), key=counts.__getitem__)
    return {
        "test": round(found.accuracy, 4),
        "majority": {
            "expression": EXPRESSIONS[most],
            "accuracy": round(100 * counts[most] / len(target), 4),
        },
        "recall": dict(zip(EXPRESSIONS, recalls, strict=True)),
        "count": dict(zip(EXPRESSIONS, counts, strict=True)),
        "confusion": found.confusion.tolist(),
    }


def _forget(out: Path) -> None:
    """Remove what an earlier run made, so that this one starts anew whole."""
    if PartialState().is_main_process:
        for name in (CHECKPOINT, IDENTITY, SETTINGS, MODEL, RESULT, LOG):
            (out / name).unlink(missing_ok=True)
    PartialState().wait_for_everyone()


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
    for file in (weights, None if identity == FIT else identity):
        if file is not None and not Path(file).is_file():
            raise DataError(f"there is no file {file}: name a file of weights")
    return PRESETS[encoder]
