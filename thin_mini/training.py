"""Training and evaluation, on accelerate: one loop for a laptop and for many GPUs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from thin_mini import data
from thin_mini.basics.bars import progress_bar
from thin_mini.basics.checkpoints import Record, starting_point
from thin_mini.basics.devices import check_place, device_of
from thin_mini.basics.kinds import checked
from thin_mini.basics.locks import claim
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.doors import Fit, check_data, check_fit
from thin_mini.inference import evaluate, precompute
from thin_mini.loop import Losses, adam, minimise
from thin_mini.losses import total_loss
from thin_mini.models import Model, Oracle


@checked
def fit(
    model: Model,
    dataset: ExogenousDataset,
    *,
    epochs: int,
    valid: ExogenousDataset | None = None,
    dispel: float | None = None,
    batch_size: int = 128,
    lr: float = 3e-3,
    schedule: str = "one-cycle",
    shift: int = 0,
    seed: int = 0,
    checkpoint: Path | str | None = None,
    progress: bool | str = True,
) -> pd.DataFrame:
    """Minimise Eq. 8 with Adam; the frozen side is computed once, not every epoch.

    Args:
        model: From :func:`thin_mini.build`, or composed by hand; trained in place and
            where it is: ``model.to("cuda")`` before trains it on the GPU.
        dataset: Images with the task's labels.
        epochs: Passes over the data.
        valid: If given, the weights of the epoch that is best on it are kept.
        dispel: λ of Eq. 8; by default the model's own (0.005 for ``"thin"``, else 0).
        batch_size: Images in a step, over all processes.
        lr: Peak learning rate (one-cycle) or the learning rate (constant).
        schedule: ``"one-cycle"``, or ``"constant"`` as in the paper.
        shift: Move each image at random by up to so many pixels, anew in every epoch.
            The frozen side sees it moved as well, and is then run on every batch.
        seed: For the order of the images; also sets every global generator.
        checkpoint: A file to write after each epoch. If it is there already, training
            goes on from it to the same result, bit for bit on one CPU with
            the same versions and threads.
        progress: Whether to show a bar, or its label (``TQDM_DISABLE=1`` hides every
            bar).

    Returns:
        One row for each epoch: the mean of L_sup and of L_sim over its batches and,
        with ``valid``, the accuracy there in percent.

    Raises:
        TypeError: If the model or the data are something else.
        ValueError: If an argument is out of range, the model's classes are not the
            data's, or the checkpoint belongs to another run.
        DataError: If another process trains with the checkpoint, or its folder cannot
            be written.
        FloatingPointError: If the loss or a weight stops being a finite number. Every
            process raises it, at the end of that epoch and before a checkpoint of it.
    """
    check_data(model, dataset)
    how = Fit(
        epochs,
        model.dispel if dispel is None else dispel,
        batch_size,
        lr,
        schedule,
        shift,
        seed,
    )
    check_fit(model, dataset, valid, how)
    path = None if checkpoint is None else Path(checkpoint)
    set_seed(how.seed)
    optimizer, scheduler = optimiser(model, dataset, how)
    state = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    recipe = {
        **starting_point(model),
        "data": dataset.fingerprint(),
        "valid": "" if valid is None else valid.fingerprint(),
        **asdict(how),
    }
    with claim(path, file=True) if path else nullcontext():
        record = Record(path, state, recipe)
        known = None if valid is None else precompute(model, valid)
        done = len(record.history)
        for epoch, sup, sim in passes(
            model, dataset, how, optimizer, scheduler, done, progress
        ):
            row = {"epoch": epoch, "sup": sup, "sim": sim}
            if valid is not None:
                row["valid"] = evaluate(model, valid, condition=known).accuracy
            record.add(row)
    record.load_best()
    model.eval()
    return pd.DataFrame(record.history).set_index("epoch")


def optimiser(
    model: Model, dataset: ExogenousDataset, how: Fit
) -> tuple[torch.optim.Optimizer, LRScheduler]:
    """Adam for what of the model is trained, and its learning rate, step by step."""
    optimizer = adam(model, how.lr)
    if how.schedule == "constant":
        return optimizer, ConstantLR(optimizer, factor=1)
    steps = how.epochs * steps_of(dataset, how)
    return optimizer, OneCycleLR(optimizer, max_lr=how.lr, total_steps=steps)


def steps_of(dataset: ExogenousDataset, how: Fit) -> int:
    """Steps of one pass over the data; a last partial batch is left out."""
    return len(dataset) // min(how.batch_size, len(dataset))


def passes(
    model: Model,
    dataset: ExogenousDataset,
    how: Fit,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler,
    done: int = 0,
    progress: bool | str = False,
) -> Iterator[tuple[int, float, float]]:
    """Train pass after pass, and come back after each.

    Args:
        model: Trained in place.
        dataset: Images with the task's labels.
        how: Everything else that determines the result.
        optimizer: As :func:`optimiser` gives it, or a checkpoint has put it back.
        scheduler: The same.
        done: Passes that were made before.
        progress: As in :func:`fit`.

    Yields:
        The number of the pass, counted from 1, and the means of L_sup and L_sim.
    """
    device, n_steps = device_of(model), steps_of(dataset, how)
    accelerator = check_place(Accelerator(device_placement=False), device)
    losses, prepared = accelerator.prepare(Losses(model, how.dispel), optimizer)
    images, target = dataset.images.to(device), dataset.target.to(device)
    # A frozen side that sees the images move has another answer every time. An oracle
    # has not, and could not be asked without the labels.
    moving = how.shift > 0 and not isinstance(model.context, Oracle)
    known = None if moving else precompute(model, dataset)
    known = known and known.to(device)

    def gradients(step: int, batch: tuple[Tensor, Tensor]) -> Tensor:
        index, offsets = batch
        seen = images[index]
        if how.shift:
            seen = data.shift(seen, offsets[index])
        sup, sim = losses(seen, target[index], known and known.at(index))
        prepared.zero_grad()
        accelerator.backward(total_loss(sup, sim, how.dispel))
        means = torch.stack([sup.detach(), sim.detach()])
        return accelerator.reduce(means, "mean")

    def update() -> None:
        prepared.step()
        scheduler.step()
        bar.update()

    def stop(wrong: str, step: int) -> NoReturn:
        raise FloatingPointError(
            f"{wrong} in epoch {math.ceil(step / n_steps)}: lower lr (now {how.lr}) or "
            f"dispel (now {how.dispel})"
        )

    bar = progress_bar(
        how.epochs * n_steps,
        progress if isinstance(progress, str) else "training",
        done=done * n_steps,
        shown=bool(progress) and accelerator.is_main_process,
    )
    with bar:
        for step, sup, sim in minimise(
            drawn(len(dataset), how, done, accelerator, device),
            gradients,
            update,
            model,
            accelerator,
            every=n_steps,
            done=done * n_steps,
            steps=how.epochs * n_steps,
            stop=stop,
        ):
            yield step // n_steps, sup, sim


def drawn(
    n: int, how: Fit, done: int, accelerator: Accelerator, device: torch.device
) -> Iterator[tuple[int, tuple[Tensor, Tensor]]]:
    """Steps, counted from 1, with this process's images (M,) and all offsets (n, 2)."""
    batch_size = min(how.batch_size, n)
    for epoch in range(done, how.epochs):
        offsets = draw_offsets(n, how.shift, how.seed, epoch).to(device)
        shares = batches(n, batch_size, how.seed, epoch, accelerator)
        # At once, since each copy waits for what the device is at.
        indices = torch.stack([*shares]).to(device)
        for step, index in enumerate(indices, epoch * len(indices) + 1):
            yield step, (index, offsets)


def batches(
    n: int, batch_size: int, seed: int, epoch: int, accelerator: Accelerator
) -> Iterator[Tensor]:
    """This process's share of each batch, as indices; a last partial batch is left out.

    The order depends on the seed and the epoch alone, so that a resumed run and any
    number of processes see the same batches.
    """
    order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(n))
    share = slice(accelerator.process_index, None, accelerator.num_processes)
    for batch in order[: n // batch_size * batch_size].split(batch_size):
        yield batch[share]


def draw_offsets(n: int, shift: int, seed: int, epoch: int) -> Tensor:
    """How far each image moves in this epoch (n, 2), whatever process it falls to."""
    generator = np.random.default_rng([seed, epoch, 1])
    return torch.from_numpy(generator.integers(-shift, shift, (n, 2), endpoint=True))
