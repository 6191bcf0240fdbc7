"""The one loop: Eq. 8 minimised step by step, for ``fit`` and for ``train``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.devices import device_of
from thin_mini.basics.frozen import trained_parameters
from thin_mini.networks import Condition, Model

LOOK_EVERY = 20  # steps; to look at a loss means to wait for the device
Batch = TypeVar("Batch")


class Losses(nn.Module):
    """Both losses as one forward pass, so that data-parallel wrappers see it."""

    def __init__(self, model: Model, dispel: float) -> None:
        super().__init__()
        checks.lambda_(dispel)
        self.model, self.dispel = model, dispel

    def forward(
        self, images: Tensor, target: Tensor, condition: Condition | None
    ) -> tuple[Tensor, Tensor]:
        return self.model.losses(images, target, condition, self.dispel)


def adam(model: nn.Module, lr: float) -> torch.optim.Adam:
    """The optimiser of everything in ``model`` that is not frozen."""
    fused = device_of(model).type in ("cpu", "cuda")
    return torch.optim.Adam(trained_parameters(model), lr=lr, fused=fused)


def minimise(
    batches: Iterable[tuple[int, Batch]],
    gradients: Callable[[int, Batch], Tensor],
    update: Callable[[], object],
    model: Model,
    accelerator: Accelerator,
    *,
    every: int,
    done: int,
    steps: int,
    stop: Callable[[str, int], NoReturn],
) -> Iterator[tuple[int, float, float]]:
    """Take steps, and come back after each row's worth of them.

    Args:
        batches: Steps, counted from 1, and their batches.
        gradients: Leaves the gradients of Eq. 8 in the parameters and returns L_sup
            and L_sim (2,), means over all processes.
        update: Changes the weights.
        model: Where it is trained.
        accelerator: Which processes there are.
        every: Steps from row to row.
        done: Steps that an earlier process has taken.
        steps: The last one.
        stop: Raises the error of a value that is not finite, and its step.

    Yields:
        The step and the means of L_sup and L_sim since the last row.
    """
    model.train()
    sums = torch.zeros(2, device=device_of(model))
    unseen: list[Tensor] = []  # losses of the latest steps
    for step, batch in batches:
        means = gradients(step, batch)
        update()
        sums += means
        unseen.append(means)
        at_row = step % every == 0 or step == steps
        if at_row or len(unseen) == LOOK_EVERY:
            # Every process sees the same means, so none stops alone.
            finite = torch.stack(unseen).isfinite().all(1).tolist()
            if not all(finite):
                first = finite.index(False)
                value = unseen[first].sum().item()
                stop(f"the loss became {value}", step - len(unseen) + 1 + first)
            unseen.clear()
        if not at_row:
            continue
        for buffer in model.buffers():  # each process has batch statistics of its own
            broadcast(buffer)
        if wrong := not_finite(model.state_dict(), accelerator):
            stop(wrong, step)
        sup, sim = (sums / (step - done)).tolist()
        yield step, sup, sim
        model.train()
        sums.zero_()
        done = step


def not_finite(values: dict[str, Tensor], accelerator: Accelerator) -> str:
    """Which value is not finite on any process, in words; "" if all are.

    Every process gets the same answer, so that none goes on alone and waits for ever
    for one that has stopped.
    """
    floats = {k: v for k, v in values.items() if v.is_floating_point() and v.numel()}
    largest = torch.stack([v.detach().abs().max().float() for v in floats.values()])
    largest = accelerator.reduce(largest, "sum")  # a NaN stays one in max and in sum
    for name, value in zip(floats, largest.tolist(), strict=True):
        if not math.isfinite(value):
            return f"{name} became {value}"
    return ""
