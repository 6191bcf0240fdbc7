"""The numbers that a result file keeps."""

from __future__ import annotations

from math import isnan

import torch

from thin_mini.data import ExogenousDataset
from thin_mini.devices import device_of
from thin_mini.face_runs import face_measures
from thin_mini.inference import evaluate, precompute
from thin_mini.losses import absolute_cosine
from thin_mini.metrics import exogenous_accuracy, leaf_usage
from thin_mini.models import Condition, ExogenousNetwork, GatedEnsemble, Model
from thin_mini.runs import Run


def measure(run: Run, model: Model, test: ExogenousDataset) -> dict:
    """The numbers that a result file keeps, all on the test images."""
    if run.model == "network" and run.by == "identity":  # of strangers: no classes
        return face_measures(run, model, test)
    condition = precompute(model, test)
    report = evaluate(model, test, condition=condition)
    metrics = {
        "accuracy": round(report.accuracy, 4),
        "by_class": [
            round(100 * hits / count, 2) if count else None  # no images of it
            for hits, count in zip(
                report.confusion.diagonal(), report.confusion.sum(1), strict=True
            )
        ],
        "calibration": round(report.calibration, 4),
    }
    if run.by == "identity":
        metrics |= face_measures(run, model, test)
    else:
        metrics["by_bin"] = [
            None if isnan(value) else round(value, 2)
            for value in report.by_bin.tolist()
        ]
    if run.model == "network":
        ways = exogenous_accuracy(report.logits, test.exo)
        metrics |= {name: round(value, 4) for name, value in ways.items()}
    if isinstance(model, GatedEnsemble):
        metrics |= _inside(model, test, condition)
    return metrics


@torch.no_grad()
def _inside(
    model: GatedEnsemble, test: ExogenousDataset, condition: Condition | None
) -> dict[str, float]:
    """How many leaves are in use (1 to L), and L_sim (Eq. 7) where there is one."""
    shares, cosines = [], []
    device = device_of(model)
    for index in torch.arange(len(test)).split(1024):
        h_endo = model.encoder(test.images[index].to(device))
        known = condition and condition.at(index, device)
        shares.append(model.gate(h_endo if known is None else known.h_g).cpu())
        if known is not None and isinstance(model.context, ExogenousNetwork):
            z_endo = model.context.classify(h_endo)
            cosines.append(absolute_cosine(z_endo, known.z_exo).cpu())
    found = {"leaves": round(leaf_usage(torch.cat(shares))[1], 3)}
    if cosines:
        found["cosine"] = round(torch.cat(cosines).mean().item(), 4)
    return found
