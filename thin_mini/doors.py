"""What ``fit`` and ``evaluate`` are handed, checked before any work is done."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from accelerate import PartialState

from thin_mini.basics import checks
from thin_mini.basics.frozen import trained_parameters
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.networks import Model

SCHEDULES = ("one-cycle", "constant")


@dataclass(frozen=True)
class Fit:
    """What determines ``fit`` beside the model and the data, as Python's own numbers.

    Raises:
        ValueError: That names the first of them that is out of range.
    """

    epochs: int
    dispel: float
    batch_size: int = 128
    lr: float = 3e-3
    schedule: str = "one-cycle"
    shift: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        checks.whole("epochs", self.epochs)
        checks.whole("batch_size", self.batch_size, None)
        checks.seed_number(self.seed)
        checks.lambda_(self.dispel)
        if not 0 < checks.number("lr", self.lr) < math.inf:
            raise ValueError(f"lr must be a number above 0, got {self.lr}")
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"schedule must be one of {SCHEDULES}, got {self.schedule!r}"
            )
        checks.whole("shift", self.shift, None)
        # NumPy's numbers suit neither torch nor a checkpoint.
        for name in ("epochs", "batch_size", "shift", "seed"):
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in ("lr", "dispel"):
            object.__setattr__(self, name, float(getattr(self, name)))


def check_model(model: Model) -> None:
    """Raise an error unless this is a model in float32, as images are."""
    checks.instance(
        "model", model, Model, "pass what tm.build gives, or a model of its parts"
    )
    wrong = {p.dtype for p in model.parameters()} - {torch.float32}
    if wrong:
        raise ValueError(
            f"the model has weights of type {wrong.pop()} and images are float32: "
            "write model.float(), and for half precision use torch.autocast"
        )


def check_data(model: Model, dataset: ExogenousDataset) -> None:
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


def check_fit(
    model: Model, dataset: ExogenousDataset, valid: ExogenousDataset | None, how: Fit
) -> None:
    """Raise an error unless ``fit`` can train this model so on these data."""
    shape = dataset.images.shape[1:]
    if valid is not None:
        check_data(model, valid)
        if valid.images.shape[1:] != shape:
            raise ValueError(
                f"the images of valid are {tuple(valid.images.shape[1:])} and those to "
                f"train on {tuple(shape)}: make them alike"
            )
    if not 0 <= how.shift < min(shape[1:]):
        raise ValueError(
            f"shift must be at least 0 pixels and less than the image's width, "
            f"{shape[-1]}, got {how.shift}"
        )
    n, processes = len(dataset), PartialState().num_processes
    if min(how.batch_size, n) < 2 * processes:
        raise ValueError(
            f"batch norm needs at least 2 images in a batch, got batch_size="
            f"{how.batch_size}, {n} images and {processes} process(es) to share them"
        )
    if not trained_parameters(model):
        raise ValueError("nothing to train: every parameter of the model is frozen")
    model.check_trainable()
