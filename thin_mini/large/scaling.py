"""Training at scale: the protocol of section 4.3, on a laptop or on many GPUs."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NoReturn

import pandas as pd
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.bars import progress_bar
from thin_mini.basics.checkpoints import starting_point
from thin_mini.basics.devices import check_place, choose_device, device_of
from thin_mini.basics.kinds import checked
from thin_mini.basics.locks import claim
from thin_mini.data.photos.pictures import Pictures
from thin_mini.large.feed import Feed, fingerprint, to_device
from thin_mini.large.logbook import Logbook
from thin_mini.large.microbatch import MicroBatches
from thin_mini.large.preflight import (
    check_fit,
    check_settings,
    make_accelerator,
    own_precision,
)
from thin_mini.loop import Losses, adam, minimise
from thin_mini.models import Condition, Model


@checked
def train(
    model: Model,
    data: Pictures,
    valid: Pictures,
    *,
    steps: int,
    folder: Path | str,
    batch_size: int = 16,
    lr: float = 1e-5,
    dispel: float | None = None,
    balanced: bool = False,
    mixed_precision: str = "no",
    accumulate: int = 1,
    workers: int = 0,
    compile: bool = False,
    every: int = 1000,
    device: str | None = None,
    resume: bool = True,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Minimise Eq. 8 with Adam on pictures from disk, as section 4.3 does.

    The same call works in a notebook, under ``accelerate.notebook_launcher``, and in
    a script that ``torchrun`` or ``accelerate launch`` starts once for each GPU. Which
    images make a batch, and how they are changed, follows from the seed and the step
    alone. If the folder holds a checkpoint, training goes on from it to the same
    result, bit for bit on one CPU with the same versions and threads.

    Args:
        model: From :func:`thin_mini.build`, or composed by hand; trained in place.
        data: Training images.
        valid: Images to choose the best weights on (the paper: 256).
        steps: Updates of the weights (the paper: 100,000).
        folder: For ``checkpoint.pt``, ``log.csv`` and, where TensorBoard is
            installed, ``tensorboard/``. All processes must see it.
        batch_size: Images in a step, over all processes and micro-batches.
        lr: Learning rate of Adam.
        dispel: λ of Eq. 8; by default the model's own.
        balanced: Draw the classes in turn, as the paper does for AffectNet.
        mixed_precision: ``"no"``, or ``"bf16"`` to compute in bfloat16.
        accumulate: Micro-batches that a process cuts its share of a batch into.
            Doubled when memory runs out.
        workers: Processes that read pictures, for each process that trains.
        compile: Whether to use ``torch.compile``.
        every: Steps from one validation, log row and checkpoint to the next.
        device: By default the model stays where it is. ``"auto"`` first moves it to
            this process's accelerator, ``"cpu"``, ``"cuda"`` or ``"mps"`` to that one,
            as :func:`thin_mini.basics.devices.choose_device` finds it.
        resume: False starts anew where the folder holds a checkpoint.
        seed: For the batches; also sets every global generator.
        progress: Whether to show a bar (``TQDM_DISABLE=1`` hides every bar).

    Returns:
        One row for each interval: the means of L_sup and L_sim, the validation
        accuracy in percent, and images per second. The model has its best weights.

    Raises:
        ValueError: If an argument is out of range or not possible on this machine, or
            the checkpoint belongs to another run.
        DataError: If the folder cannot be written, lacks space, or another process is
            training in it.
        FloatingPointError: If the loss or a weight stops being a finite number.
        MemoryError: If memory does not suffice even for micro-batches of 2 images.
    """
    dispel = model.dispel if dispel is None else dispel
    check_settings(
        *(steps, batch_size, lr, dispel, mixed_precision, accumulate, workers),
        *(every, seed),
    )
    check_fit(model, data, valid, batch_size, balanced)
    recipe = {
        **starting_point(model),
        "data": fingerprint(data),
        "valid": fingerprint(valid),
        "batch_size": batch_size,
        "lr": lr,
        "dispel": dispel,
        "balanced": balanced,
        "mixed_precision": mixed_precision,
        "every": every,
        "seed": seed,
    }
    if device is not None:
        model.to(choose_device(device))
    place = device_of(model)
    with own_precision(), ExitStack() as stack:
        set_seed(seed)
        accelerator = make_accelerator(place, mixed_precision)
        losses = Losses(model, dispel)
        micro = MicroBatches(losses, dispel, batch_size, accumulate, accelerator)
        optimizer = adam(model, lr)
        stack.enter_context(claim(Path(folder)))
        book = Logbook(Path(folder), model, optimizer, recipe, accelerator, resume)
        if book.step > steps:
            raise ValueError(
                f"{folder} holds a run that has done {book.step} steps: ask for at "
                f"least as many (steps is {steps}), or choose another folder"
            )
        feed = Feed(accelerator, batch_size, balanced, seed, workers)
        # Without augmentation, and if every image comes up, one answer of the frozen
        # side serves for the whole run.
        once = data.changes is None and steps * batch_size >= len(data)
        shown = progress and accelerator.is_main_process
        label = "asking the frozen side" if shown else ""
        frozen = _condition(model, data, feed, micro, label) if once else None
        frozen_valid = _condition(model, valid, feed, micro, label)
        micro.pieces = max(micro.pieces, min(book.pieces, micro.share // 2))

        model.train()
        if accelerator.num_processes > 1:
            micro.rehearse(data[0][0], frozen)
            if place.type == "cuda":
                _synchronise_batch_norm(model)
        if compile:
            losses.compile()
        micro.prepared, prepared = accelerator.prepare(losses, optimizer)

        def gradients(step: int, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
            index, images, target = batch
            return micro(images, target, frozen and frozen.at(index), step)

        def update() -> None:
            prepared.step()
            bar.update(batch_size)

        def stop(wrong: str, step: int) -> NoReturn:
            raise FloatingPointError(
                f"{wrong} in step {step}: lower lr (now {lr}) or dispel (now "
                f"{dispel}); {book.kept()}"
            )

        done, started = book.step, time.perf_counter()
        bar = progress_bar(
            steps * batch_size,
            "training",
            done=done * batch_size,
            unit=" images",
            shown=shown,
        )
        with closing(book), bar:
            for step, sup, sim in minimise(
                *(feed.steps(data, done + 1, steps), gradients, update, model),
                *(accelerator,),
                every=every,
                done=done,
                steps=steps,
                stop=stop,
            ):
                speed = (step - done) * batch_size / (time.perf_counter() - started)
                logits = _logits(model, valid, frozen_valid, feed, micro)
                right = (logits.argmax(1) == valid.files.target).double()
                row = {"step": step, "sup": sup, "sim": sim}
                row |= {"valid": 100 * right.mean().item(), "images_per_second": speed}
                book.pieces = micro.pieces
                book.add(row)
                bar.set_postfix(valid=f"{row['valid']:.1f} %")
                done, started = step, time.perf_counter()
        accelerator.wait_for_everyone()
    book.load_best()
    model.eval()
    return book.table()


@checked
def predict(
    model: Model,
    data: Pictures,
    n: int = 64,
    workers: int = 0,
    label: str = "",
) -> Tensor:
    """The logits of all images (N, K), the work shared by all processes there are.

    Args:
        model: It stays where it is and is put in evaluation mode.
        data: The images, N of them.
        n: How many go through the model at a time.
        workers: Processes that read pictures.
        label: Of a bar; without one none is shown.
    """
    checks.whole("n", n)
    checks.whole("workers", workers, 0)
    device = device_of(model)
    accelerator = check_place(Accelerator(device_placement=False), device)
    feed = Feed(accelerator, n, workers=workers)
    model.eval()
    (logits,) = feed.ask(
        lambda images, _: (model(to_device(images, device)),), data, n, label
    )
    return logits


def _condition(
    model: Model, data: Pictures, feed: Feed, micro: MicroBatches, label: str
) -> Condition | None:
    """What the frozen side says of all images, or None if there is none."""
    context = model.context
    if context is None:
        return None
    device = device_of(model)

    def ask(images: Tensor, index: Tensor) -> tuple[Tensor, ...]:
        with feed.accelerator.autocast():
            known = context.condition(to_device(images, device))
        return tuple(part.float() for part in known)

    return Condition(*feed.ask(ask, data, micro.size, label))


def _logits(
    model: Model,
    data: Pictures,
    condition: Condition | None,
    feed: Feed,
    micro: MicroBatches,
) -> Tensor:
    device = device_of(model)
    model.eval()

    def ask(images: Tensor, index: Tensor) -> tuple[Tensor]:
        known = condition and condition.at(index, device)
        with feed.accelerator.autocast():
            return (model(to_device(images, device), known).float(),)

    return feed.ask(ask, data, micro.size)[0]


def _synchronise_batch_norm(model: Model) -> None:
    """Batch statistics over all processes, in what is trained."""
    for name, part in model.named_children():
        if name != "context":
            synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(part)
            setattr(model, name, synchronised)
