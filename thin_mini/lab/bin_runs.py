"""What the worlds with bins need: data, an oracle, and the numbers of a result."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from thin_mini import data
from thin_mini.basics.devices import device_of
from thin_mini.data import ExogenousDataset
from thin_mini.inference import evaluate, in_batches, precompute
from thin_mini.lab.rows import Run
from thin_mini.losses import absolute_cosine
from thin_mini.metrics import Report, exogenous_accuracy, leaf_usage
from thin_mini.models import Condition, ExogenousNetwork, GatedEnsemble, Model, Oracle


def load(run: Run, n: int) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Training and test images of what is drawn or turned by a bin."""
    own: dict[str, Any] = {"seed": run.seed, "source": run.source or "rendered"}
    if run.data == "dsprites":
        return data.dsprites(n, run.n_test, n_scales=run.n_scales, **own)
    if run.data == "mnist-rs":
        return data.mnist_rs(n, run.n_test, by=run.by, **own)
    return data.mnist_r(n, run.n_test, confounded=run.confounded, **own)


def encoder(run: Run) -> None:
    """None of its own: a model draws it."""


def oracle(run: Run, train: ExogenousDataset, *_: object) -> Oracle:
    """An oracle that tells the gate the bin, or two smooth numbers of its place."""
    if run.oracle_knows != "smooth":
        return Oracle(train.n_exo)
    turn = (torch.arange(train.n_exo) + 0.5) * (math.pi / train.n_exo)
    return Oracle(train.n_exo, torch.stack([turn.cos(), turn.sin()], 1))


def measure(run: Run, model: Model, test: ExogenousDataset) -> dict[str, Any]:
    """Those of :func:`classified`, the accuracy by bin, and a network's three ways."""
    metrics, report = classified(model, test)
    bins = report.by_bin.tolist()
    metrics["by_bin"] = [
        None if math.isnan(value) else round(value, 2) for value in bins
    ]
    if run.model == "network":
        ways = exogenous_accuracy(report.logits, test.exo)
        metrics |= {name: round(value, 4) for name, value in ways.items()}
    return metrics


def classified(model: Model, test: ExogenousDataset) -> tuple[dict[str, Any], Report]:
    """What is said of every classifier, and the report that it comes from."""
    condition = precompute(model, test)
    report = evaluate(model, test, condition=condition)
    counts = zip(report.confusion.diagonal(), report.confusion.sum(1), strict=True)
    metrics = {
        "accuracy": round(report.accuracy, 4),
        "by_class": [  # None without images
            round(100 * hits / count, 2) if count else None for hits, count in counts
        ],
        "calibration": round(report.calibration, 4),
    }
    if isinstance(model, GatedEnsemble):
        metrics |= _inside(model, test, condition)
    return metrics, report


@torch.no_grad()
def _inside(
    model: GatedEnsemble, test: ExogenousDataset, condition: Condition | None
) -> dict[str, float]:
    """How many leaves are in use (1 to L), and L_sim (Eq. 7) where there is one."""
    device, context = device_of(model), model.context

    def batch(index: Tensor) -> tuple[Tensor, ...]:
        h_endo = model.encoder(test.images[index].to(device))
        if condition is None:
            return (model.gate(h_endo),)
        known = condition.at(index, device)
        g = model.gate(known.h_g)
        if not isinstance(context, ExogenousNetwork):
            return (g,)
        return g, absolute_cosine(context.classify(h_endo), known.z_exo)

    g, *cosine = in_batches(batch, len(test))
    found = {"leaves": round(leaf_usage(g)[1], 3)}
    if cosine:
        found["cosine"] = round(cosine[0].mean().item(), 4)
    return found
