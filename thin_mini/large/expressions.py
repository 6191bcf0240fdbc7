"""From a folder of faces to a trained model and its test accuracy (section 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor

from thin_mini.basics.devices import choose_device
from thin_mini.basics.kinds import checked
from thin_mini.basics.locks import claim
from thin_mini.basics.provenance import provenance
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.fer import open_faces
from thin_mini.data.photos.pictures import Pictures
from thin_mini.large.logbook import CHECKPOINT
from thin_mini.large.preflight import (
    check_batches,
    check_folders,
    make_accelerator,
    own_precision,
    validation,
)
from thin_mini.large.run_folder import RESULT, SETTINGS, forget, write_json
from thin_mini.large.scaling import LongRun, predict
from thin_mini.large.settings import FolderSettings, settings_of
from thin_mini.large.starts import put_together, start
from thin_mini.large.trained import save_model
from thin_mini.metrics import report
from thin_mini.models import n_trainable


@checked
def train_folder(
    folder: Path | str, out: Path | str, progress: bool = True, **options: Any
) -> dict[str, Any]:
    """Train a row of Table 4 on a folder of faces and measure it on its test images.

    Args:
        folder: The data set, as :func:`thin_mini.data.open_faces` reads it.
        out: For everything that is made; a run found there is resumed.
        progress: Whether to show bars.
        **options: ``model``, ``encoder``, ``identity``, ``steps`` and whatever else
            :class:`thin_mini.large.settings.FolderSettings` has, by name.

    Returns:
        What ``result.json`` holds.

    Raises:
        ValueError: If options do not go together, and all that ``train`` raises.
        DataError: If the data set or a file of weights is missing or damaged, or
            another process is training in ``out``.
    """
    settings = settings_of(FolderSettings, options)
    folder, out = check_folders(folder, out)
    device = choose_device(settings.device)
    with own_precision():  # what is not possible here is said before any work
        make_accelerator(device, settings)
    processes = PartialState()
    progress = progress and processes.is_main_process
    parts = open_faces(folder, settings.layout, twins=settings.twins)
    with claim(out):
        train_files, test_files = (part.readable(progress) for part in parts)
        rest, valid_files = validation(train_files, settings.seed)
        check_batches(rest.target, settings)
        if not settings.resume:
            forget(out)
        network, encoder, name = start(settings, rest, out, progress, device)
        about = {
            "data": rest.source,
            "images": [len(rest), len(valid_files), len(test_files)],
            "start": name,
            **settings.part_of("result"),
        }
        model = put_together(about, network, encoder).to(device)
        if processes.is_main_process and not (out / CHECKPOINT).exists():
            write_json(out / SETTINGS, about)
        history = LongRun(
            model,
            Pictures(rest, settings.size, augment=True, seed=settings.seed),
            Pictures(valid_files, settings.size),
            out,
            settings,
            progress,
        ).train()
        pictures, label = Pictures(test_files, settings.size), "testing"
        logits = predict(
            model, pictures, workers=settings.workers, label=label if progress else ""
        )
        result = about | {
            "parameters": n_trainable(model),
            "best_step": int(history["valid"].idxmax()),
            "valid": round(float(history["valid"].max()), 4),
            **measures(logits, test_files.target),
            "processes": processes.num_processes,
            "images_per_second": round(float(history["images_per_second"].median()), 1),
            "provenance": provenance(),
        }
        if processes.is_main_process:
            save_model(out, model, about)
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
