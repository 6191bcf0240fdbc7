"""One pass over images serves every question: logits, accuracy, the frozen side."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.devices import device_of
from thin_mini.basics.kinds import checked
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.doors import check_data, check_model
from thin_mini.metrics import Report, report
from thin_mini.networks import Condition, Model


@checked
@torch.no_grad()
def predict(
    model: Model,
    dataset: ExogenousDataset,
    batch_size: int = 1024,
    condition: Condition | None = None,
) -> Tensor:
    """The logits (N, K) of all images, on the CPU; arguments as in :func:`evaluate`."""
    check_data(model, dataset)
    if condition is None:
        condition = precompute(model, dataset, batch_size)
    elif condition.n_rows != len(dataset):
        raise ValueError(
            f"{len(dataset)} images but a condition of {condition.n_rows} rows: pass "
            "what tm.precompute gives for this data set"
        )
    model.eval()
    device = device_of(model)

    def logits(index: Tensor) -> tuple[Tensor]:
        known = condition and condition.at(index, device)
        return (model(dataset.images[index].to(device), known),)

    return in_batches(logits, len(dataset), batch_size)[0]


@checked
def evaluate(
    model: Model,
    dataset: ExogenousDataset,
    batch_size: int = 1024,
    condition: Condition | None = None,
) -> Report:
    """Accuracy, accuracy by exogenous bin, confusion matrix and calibration.

    Args:
        model: The model, whatever its gate looks at.
        dataset: Images and labels to compare with.
        batch_size: Images in one pass.
        condition: What :func:`precompute` gave for these images, if it is at hand.

    Returns:
        A :class:`thin_mini.metrics.Report`, on the CPU; the model is left in evaluation
        mode.
    """
    logits = predict(model, dataset, batch_size, condition)
    return report(logits, dataset.target, dataset.exo, dataset.n_exo)


@checked
def precompute(
    model: Model, dataset: ExogenousDataset, batch_size: int = 1024
) -> Condition | None:
    """The gate's input and z_exo for a whole data set, computed once.

    Returns:
        The answers, on the CPU; None if the model has no context (its gate looks at
        h_endo, or not at all).
    """
    check_model(model)
    context, device = model.context, device_of(model)
    if context is None:
        return None

    def known(index: Tensor) -> Condition:
        images, exo = dataset.images[index], dataset.exo[index]
        return context.condition(images.to(device), exo.to(device))

    return Condition(*in_batches(known, len(dataset), batch_size))


@torch.no_grad()
def embed(encoder: nn.Module, images: Tensor, batch_size: int = 512) -> Tensor:
    """The representation: images (N, C, H, W) → h (N, D), on the CPU."""
    device = device_of(encoder.eval())

    def batch(index: Tensor) -> tuple[Tensor]:
        return (encoder(images[index].to(device)),)

    return in_batches(batch, len(images), batch_size)[0]


def in_batches(
    ask: Callable[[Tensor], tuple[Tensor, ...]], n: int, batch_size: int = 1024
) -> tuple[Tensor, ...]:
    """Ask about 0..n - 1, some indices at a time; n rows of each answer, on the CPU."""
    batch_size = checks.whole("batch_size", batch_size)
    parts = [
        tuple(column.cpu() for column in ask(index))
        for index in torch.arange(n).split(batch_size)
    ]
    return tuple(map(torch.cat, zip(*parts, strict=True)))
