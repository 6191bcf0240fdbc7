"""Training and evaluation, on accelerate: one loop for a laptop and for many GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, set_seed
from torch import Tensor, nn
from tqdm import tqdm

from thin_mini import checks, data
from thin_mini.checkpoints import load_checkpoint, save_checkpoint, starting_point
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.devices import check_place, device_of, not_finite
from thin_mini.doors import check_arguments, check_data, check_model
from thin_mini.frozen import trained_parameters
from thin_mini.locks import claim
from thin_mini.metrics import Report, report
from thin_mini.models import Classifier, Condition, Oracle


def fit(
    model: Classifier,
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
    dispel = model.dispel if dispel is None else dispel
    if checkpoint is not None:
        checks.instance("checkpoint", checkpoint, (str, os.PathLike), "name a file")
        checkpoint = Path(checkpoint)
    check_arguments(
        model, dataset, valid, epochs, dispel, batch_size, lr, schedule, shift, seed
    )
    # As Python's own: NumPy's numbers suit neither torch nor a checkpoint.
    epochs, batch_size, shift, seed = map(int, (epochs, batch_size, shift, seed))
    lr, dispel = float(lr), float(dispel)
    device = device_of(model)
    set_seed(seed)
    accelerator = check_place(Accelerator(device_placement=False), device)
    if min(batch_size, len(dataset)) < 2 * accelerator.num_processes:
        raise ValueError(
            f"batch norm needs at least 2 images in a batch, got batch_size="
            f"{batch_size}, {len(dataset)} images and {accelerator.num_processes} "
            "process(es) to share them"
        )
    batch_size = min(batch_size, len(dataset))
    n_steps = len(dataset) // batch_size

    optimizer = torch.optim.Adam(
        trained_parameters(model),
        lr=lr,
        fused=device.type in ("cpu", "cuda"),
    )
    scheduler: torch.optim.lr_scheduler.LRScheduler
    if schedule == "one-cycle":
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=lr, total_steps=epochs * n_steps
        )
    else:
        scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)

    state = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    history: list[dict[str, float]] = []
    best: dict[str, Tensor] | None = None
    # Now, and not after an epoch.
    with nullcontext() if checkpoint is None else claim(checkpoint, file=True):
        if checkpoint is not None:
            recipe = {
                **starting_point(model),
                "data": dataset.fingerprint(),
                "valid": "" if valid is None else valid.fingerprint(),
                "epochs": epochs,
                "dispel": dispel,
                "batch_size": batch_size,
                "lr": lr,
                "schedule": schedule,
                "shift": shift,
                "seed": seed,
            }
            history, best = load_checkpoint(checkpoint, state, recipe)

        step, prepared = accelerator.prepare(Losses(model, dispel), optimizer)
        images, target = dataset.images.to(device), dataset.target.to(device)
        # A frozen side that sees the images move has another answer every time. An
        # oracle has not, and could not be asked without the labels.
        moving = shift > 0 and not isinstance(model.context, Oracle)
        condition = None if moving else precompute(model, dataset)
        condition = condition and condition.to(device)
        valid_condition = None if valid is None else precompute(model, valid)

        hidden = not (progress and accelerator.is_main_process)
        bar = tqdm(
            total=epochs * n_steps,
            initial=len(history) * n_steps,
            desc=progress if isinstance(progress, str) else "training",
            leave=False,
            disable=hidden or bool(os.environ.get("TQDM_DISABLE")),
        )
        for epoch in range(len(history), epochs):
            model.train()
            sums = torch.zeros(2, device=device)
            offsets = draw_offsets(len(dataset), shift, seed, epoch).to(device)
            shares = batches(len(dataset), batch_size, seed, epoch, accelerator)
            # At once, since each copy waits for what the device is at.
            for index in torch.stack([*shares]).to(device):
                batch = images[index]
                if shift:
                    batch = data.shift(batch, offsets[index])
                sup, sim = step(batch, target[index], condition and condition.at(index))
                prepared.zero_grad()
                accelerator.backward(sup + dispel * sim)
                prepared.step()
                scheduler.step()
                sums += torch.stack([sup.detach(), sim.detach()])
                bar.update()
            sup_mean, sim_mean = (accelerator.reduce(sums, "mean") / n_steps).tolist()
            for (
                buffer
            ) in model.buffers():  # each process has batch statistics of its own
                broadcast(buffer)
            # Here and not in every step, which would have to wait for the device.
            wrong = not_finite({"the loss": sums} | model.state_dict(), accelerator)
            if wrong:
                bar.close()
                raise FloatingPointError(
                    f"{wrong} in epoch {epoch + 1}: lower lr (now {lr}) or dispel (now "
                    f"{dispel})"
                )
            row = {"epoch": epoch + 1, "sup": sup_mean, "sim": sim_mean}
            if valid is not None:
                row["valid"] = evaluate(
                    model, valid, condition=valid_condition
                ).accuracy
                if row["valid"] > max((r["valid"] for r in history), default=-1.0):
                    best = {
                        k: v.detach().clone() for k, v in model.state_dict().items()
                    }
            history.append(row)
            if checkpoint is not None and accelerator.is_main_process:
                save_checkpoint(checkpoint, state, recipe, history, best)
        bar.close()
        if best is not None:
            model.load_state_dict(best)
    model.eval()
    return pd.DataFrame(history).set_index("epoch")


@torch.no_grad()
def evaluate(
    model: Classifier,
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
    check_data(model, dataset)
    batch_size = checks.whole("batch_size", batch_size)
    if condition is not None:
        mend = "pass what tm.precompute gives for this data set"
        checks.instance("condition", condition, Condition, mend)
    if condition is not None and len(condition.h_g) != len(dataset):
        raise ValueError(
            f"{len(dataset)} images but a condition of {len(condition.h_g)} rows: pass "
            "what tm.precompute gives for this data set"
        )
    model.eval()
    device = device_of(model)
    if condition is None:
        condition = precompute(model, dataset, batch_size)
    logits = []
    for index in torch.arange(len(dataset)).split(batch_size):
        known = condition and condition.at(index, device)
        logits.append(model(dataset.images[index].to(device), known).cpu())
    return report(torch.cat(logits), dataset.target, dataset.exo, dataset.n_exo)


def precompute(
    model: Classifier, dataset: ExogenousDataset, batch_size: int = 1024
) -> Condition | None:
    """The gate's input and z_exo for a whole data set, computed once.

    Returns:
        The answers, on the CPU; None if the model has no context (its gate looks at
        h_endo, or not at all).
    """
    check_model(model)
    checks.instance("the data", dataset, ExogenousDataset, "pass one data set")
    batch_size = checks.whole("batch_size", batch_size)
    if model.context is None:
        return None
    device = device_of(model)
    parts = [
        model.context.condition(
            dataset.images[index].to(device), dataset.exo[index].to(device)
        )
        for index in torch.arange(len(dataset)).split(batch_size)
    ]
    columns = zip(*(part.to("cpu") for part in parts), strict=True)
    return Condition(*map(torch.cat, columns))


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


class Losses(nn.Module):
    """Both losses as one forward pass, so that data-parallel wrappers see it."""

    def __init__(self, model: Classifier, dispel: float) -> None:
        super().__init__()
        checks.lambda_(dispel)
        self.model, self.dispel = model, dispel

    def forward(
        self, images: Tensor, target: Tensor, condition: Condition | None
    ) -> tuple[Tensor, Tensor]:
        return self.model.losses(images, target, condition, self.dispel)
