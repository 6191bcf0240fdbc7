"""What ``fit`` and ``evaluate`` are handed, checked before any work is done."""

from __future__ import annotations

import math

import torch

from thin_mini import checks
from thin_mini.classifier import Classifier
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.frozen import trained_parameters

SCHEDULES = ("one-cycle", "constant")


def check_model(model: Classifier) -> None:
    """Raise an error unless this is a model in float32, as images are."""
    checks.instance(
        "model", model, Classifier, "pass what tm.build gives, or a model of its parts"
    )
    wrong = {p.dtype for p in model.parameters()} - {torch.float32}
    if wrong:
        raise ValueError(
            f"the model has weights of type {wrong.pop()} and images are float32: "
            "write model.float(), and for half precision use torch.autocast"
        )


def check_data(model: Classifier, dataset: ExogenousDataset) -> None:
    """Raise an error unless these are a model and data of as many classes."""
    check_model(model)
    checks.instance(
        "the data", dataset, ExogenousDataset, "pass one data set, such as train"
    )
    if model.n_classes != dataset.n_classes:
        raise ValueError(
            f"the model has {model.n_classes} classes and the data "
            f"{dataset.n_classes}: build the model with n_classes=dataset.n_classes"
        )


def check_arguments(
    model: Classifier,
    dataset: ExogenousDataset,
    valid: ExogenousDataset | None,
    epochs: int,
    dispel: float,
    batch_size: int,
    lr: float,
    schedule: str,
    shift: int,
    seed: int,
) -> None:
    """Raise an error that names the first argument of ``fit`` that cannot be right."""
    if valid is not None:
        check_data(model, valid)
    checks.whole("epochs", epochs)
    checks.whole("batch_size", batch_size, None)
    checks.seed_number(seed)
    checks.lambda_(dispel)
    if not 0 < checks.number("lr", lr) < math.inf:
        raise ValueError(f"lr must be a number above 0, got {lr}")
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {SCHEDULES}, got {schedule!r}")
    if not 0 <= checks.whole("shift", shift, None) < min(dataset.images.shape[2:]):
        raise ValueError(
            f"shift must be at least 0 pixels and less than the image's width, "
            f"{dataset.images.shape[-1]}, got {shift}"
        )
    if valid is not None and valid.images.shape[1:] != dataset.images.shape[1:]:
        raise ValueError(
            f"the images of valid are {tuple(valid.images.shape[1:])} and those to "
            f"train on {tuple(dataset.images.shape[1:])}: make them alike"
        )
    if not trained_parameters(model):
        raise ValueError("nothing to train: every parameter of the model is frozen")
    model.check_trainable()
