"""A training step of each architecture, as ``fit`` does it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from timing import compare

import thin_mini as tm

BATCH = 128


def measure() -> dict:
    train, _ = tm.data.mnist_r(BATCH, 1, source="digits")
    exo = tm.ExogenousNetwork(tm.ConvEncoder(), train.n_exo).freeze()

    def step(name: str, cached: bool = True) -> Callable[[], None]:
        model = tm.build(name, 10, exogenous=exo, n_exo=18, seed=0)
        trainable = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trainable, fused=True)
        condition = tm.precompute(model, train) if cached else None
        model.train()

        def run() -> None:
            sup, sim = model.losses(train.images, train.target, condition, model.dispel)
            optimizer.zero_grad()
            (sup + model.dispel * sim).backward()
            optimizer.step()

        return run

    candidates = {name: step(name) for name in tm.models.ARCHITECTURES}
    candidates["thin, nothing cached"] = step("thin", cached=False)
    return {f"N={BATCH}": compare(candidates, budget=0.15)}
