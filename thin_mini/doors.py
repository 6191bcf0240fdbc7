"""What ``fit`` and ``evaluate`` are handed, checked before any work is done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from accelerate import PartialState

from thin_mini.basics.checks import Count, Lambda, Rate, Seed, one_of, whole
from thin_mini.basics.frozen import trained_parameters
from thin_mini.basics.kinds import check_fields
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.networks import Model

SCHEDULES = ("one-cycle", "constant")
AnyCount = Annotated[int, partial(whole, low=None)]  # what is too little, data decide


@dataclass(frozen=True)
class Fit:
    """What determines ``fit`` beside the model and the data, as Python's own numbers.

    Raises:
        ValueError: That names the first of them that is out of range.
    """

    epochs: Count
    dispel: Lambda
    batch_size: AnyCount = 128
    lr: Rate = 3e-3
    schedule: Annotated[str, one_of(*SCHEDULES)] = "one-cycle"
    shift: AnyCount = 0
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_fields(self)
        # NumPy's numbers suit neither torch nor a checkpoint.
        for name in ("epochs", "batch_size", "shift", "seed"):
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in ("lr", "dispel"):
            object.__setattr__(self, name, float(getattr(self, name)))


def check_model(model: Model) -> None:
    """Raise an error unless this is a model in float32, as images are."""
    wrong = {p.dtype for p in model.parameters()} - {torch.float32}
    if wrong:
        raise ValueError(
            f"the model has weights of type {wrong.pop()} and images are float32: "
            "write model.float(), and for half precision use torch.autocast"
        )


def check_data(model: Model, dataset: ExogenousDataset) -> None:
    """Raise an error unless these are a model and data of as many classes."""
    check_model(model)
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
