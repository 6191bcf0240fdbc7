"""Training at scale: the protocol of section 4.3, on a laptop or on many GPUs."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import set_seed
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.bars import progress_bar
from thin_mini.basics.checkpoints import starting_point
from thin_mini.basics.devices import check_place, choose_device, device_of
from thin_mini.basics.kinds import checked
from thin_mini.basics.locks import claim
from thin_mini.data.photos.pictures import Pictures
from thin_mini.large.feed import Feed, fingerprint
from thin_mini.large.logbook import Logbook
from thin_mini.large.microbatch import MicroBatches
from thin_mini.large.preflight import check_fit, make_accelerator, own_precision
from thin_mini.large.settings import Settings, settings_of
from thin_mini.loop import Losses, adam, minimise
from thin_mini.models import Condition, Model

__all__ = ["predict", "train"]


@checked
def train(
    model: Model,
    data: Pictures,
    valid: Pictures,
    *,
    folder: Path | str,
    progress: bool = True,
    **options: Any,
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
        folder: For ``checkpoint.pt``, ``log.csv`` and, where TensorBoard is
            installed, ``tensorboard/``. All processes must see it.
        progress: Whether to show a bar (``TQDM_DISABLE=1`` hides every bar).
        **options: ``steps``, ``batch_size``, ``lr`` and whatever else
            :class:`thin_mini.large.settings.Settings` has, by name.

    Returns:
        One row for each interval: the means of L_sup and L_sim, the validation
        accuracy in percent, and images per second. The model has its best weights.

    Raises:
        TypeError: If there is no such option, or a value is of another kind.
        ValueError: If a value is out of range or not possible on this machine, or
            the checkpoint belongs to another run.
        DataError: If the folder cannot be written, lacks space, or another process is
            training in it.
        FloatingPointError: If the loss or a weight stops being a finite number.
        MemoryError: If memory does not suffice even for micro-batches of 2 images.
    """
    if options.get("dispel") is None:
        options["dispel"] = model.dispel
    settings = settings_of(Settings, options)
    check_fit(model, data, valid, settings)
    if settings.device is not None:
        model.to(choose_device(settings.device))
    return LongRun(model, data, valid, Path(folder), settings, progress).train()


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
    device = device_of(model.eval())
    with own_precision():
        accelerator = check_place(Accelerator(device_placement=False), device)
        feed = Feed(accelerator, n, workers=workers)
        return feed.ask(lambda images, _: (model(images),), data, n, device, label)[0]


@dataclass
class LongRun:
    """What is behind :func:`train`: all steps that a model has still to take.

    Args:
        model: Where it shall be trained.
        data: Training images.
        valid: Images to choose the best weights on.
        folder: Where all is kept.
        settings: What determines the result otherwise.
        progress: Whether to show a bar.
    """

    model: Model
    data: Pictures
    valid: Pictures
    folder: Path
    settings: Settings
    progress: bool

    def train(self) -> pd.DataFrame:
        """Take the steps, and give the model its best weights; the log."""
        model, folder, settings = self.model, self.folder, self.settings
        size, resume = settings.batch_size, settings.resume
        recipe = {
            **starting_point(model),
            "data": fingerprint(self.data),
            "valid": fingerprint(self.valid),
            **settings.part_of("recipe"),
        }
        with own_precision():
            set_seed(settings.seed)
            accelerator = make_accelerator(device_of(model), settings, folder)
            self.accelerator, self.losses = accelerator, Losses(model, settings.dispel)
            optimizer, pieces = adam(model, settings.lr), settings.accumulate
            self.micro = MicroBatches(self.losses, size, pieces, accelerator)
            how = settings.balanced, settings.seed, settings.workers
            self.feed = Feed(accelerator, size, *how)
            with claim(folder):
                book = Logbook(folder, model, optimizer, recipe, accelerator, resume)
                with closing(book):
                    self.go_on(book, optimizer)
                accelerator.wait_for_everyone()
        book.load_best()
        model.eval()
        return book.table()

    def go_on(self, book: Logbook, optimizer: torch.optim.Optimizer) -> None:
        """Train, and add a row to the book at each interval."""
        model, data, micro = self.model, self.data, self.micro
        steps, size = self.settings.steps, self.settings.batch_size
        if book.step > steps:
            raise ValueError(
                f"{self.folder} holds a run that has done {book.step} steps: ask for "
                f"at least as many (steps is {steps}), or choose another folder"
            )
        shown = self.progress and self.accelerator.is_main_process
        # Without augmentation, and if every image comes up, one answer of the frozen
        # side serves for the whole run.
        once = data.changes is None and steps * size >= len(data)
        label = "asking the frozen side" if shown else ""
        frozen = self.condition(data, label) if once else None
        frozen_valid = self.condition(self.valid, label)
        prepared = self.prepare(optimizer, book.pieces, frozen)

        def gradients(step: int, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
            index, images, target = batch
            return micro(images, target, frozen and frozen.at(index), step)

        def update() -> None:
            prepared.step()
            bar.update(size)

        def stop(wrong: str, step: int) -> NoReturn:
            raise FloatingPointError(
                f"{wrong} in step {step}: lower lr (now {self.settings.lr}) or dispel "
                f"(now {self.settings.dispel}); {book.kept()}"
            )

        done, started = book.step, time.perf_counter()
        bar = progress_bar(
            steps * size, "training", done=done * size, unit=" images", shown=shown
        )
        batches, every = self.feed.steps(data, done + 1, steps), self.settings.every
        how = {"every": every, "done": done, "steps": steps}
        with bar:
            for step, sup, sim in minimise(
                batches, gradients, update, model, self.accelerator, stop=stop, **how
            ):
                speed = (step - done) * size / (time.perf_counter() - started)
                right = self.logits(frozen_valid).argmax(1) == self.valid.files.target
                row = {"step": step, "sup": sup, "sim": sim}
                row["valid"] = 100 * right.double().mean().item()
                book.pieces = micro.pieces
                book.add(row | {"images_per_second": speed})
                bar.set_postfix(valid=f"{row['valid']:.1f} %")
                done, started = step, time.perf_counter()

    def prepare(
        self, optimizer: torch.optim.Optimizer, pieces: int, frozen: Condition | None
    ) -> AcceleratedOptimizer:
        """Bring model and optimiser to all processes, in pieces that fit them all."""
        micro = self.micro
        micro.pieces = max(micro.pieces, min(pieces, micro.share // 2))
        self.model.train()
        if self.accelerator.num_processes > 1:
            micro.rehearse(self.data[0][0], frozen)
            if device_of(self.model).type == "cuda":
                self.synchronise_batch_norm()
        if self.settings.compile:
            self.losses.compile()
        micro.prepared, prepared = self.accelerator.prepare(self.losses, optimizer)
        return prepared

    def synchronise_batch_norm(self) -> None:
        """Take batch statistics over all processes, in what is trained."""
        for name, part in self.model.named_children():
            if name != "context":
                synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(part)
                setattr(self.model, name, synchronised)

    def condition(self, data: Pictures, label: str) -> Condition | None:
        """What the frozen side says of all images, or None if there is none."""
        context = self.model.context
        if context is None:
            return None

        def ask(images: Tensor, index: Tensor) -> Condition:
            return context.condition(images)

        device = device_of(self.model)
        return Condition(*self.feed.ask(ask, data, self.micro.size, device, label))

    def logits(self, known: Condition | None) -> Tensor:
        """What the model says of the validation images (N, K)."""
        device = device_of(self.model.eval())

        def ask(images: Tensor, index: Tensor) -> tuple[Tensor]:
            return (self.model(images, known and known.at(index, device)),)

        return self.feed.ask(ask, self.valid, self.micro.size, device)[0]
