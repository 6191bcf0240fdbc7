"""The steps of a long run, behind ``train`` and ``train_folder``."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pandas as pd
import torch
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import set_seed
from torch import Tensor, nn

from thin_mini.basics.bars import progress_bar
from thin_mini.basics.checkpoints import starting_point
from thin_mini.basics.devices import device_of
from thin_mini.basics.locks import claim
from thin_mini.data.photos.pictures import Pictures
from thin_mini.large.feed import Feed, Question, fingerprint, to_device
from thin_mini.large.logbook import Logbook
from thin_mini.large.microbatch import MicroBatches
from thin_mini.large.preflight import make_accelerator, own_precision
from thin_mini.large.settings import Settings
from thin_mini.loop import Losses, adam, minimise
from thin_mini.models import Condition, Model


def run(
    model: Model,
    data: Pictures,
    valid: Pictures,
    folder: Path,
    settings: Settings,
    progress: bool,
) -> pd.DataFrame:
    """What :func:`train` does with a model that is where it shall be trained."""
    recipe = {
        **starting_point(model),
        "data": fingerprint(data),
        "valid": fingerprint(valid),
        **settings.part_of("recipe"),
    }
    with own_precision():
        set_seed(settings.seed)
        accelerator = make_accelerator(device_of(model), settings, folder)
        optimizer = adam(model, settings.lr)
        with claim(folder):
            book = Logbook(
                folder, model, optimizer, recipe, accelerator, settings.resume
            )
            with closing(book):
                shown = progress and accelerator.is_main_process
                Run(model, data, valid, settings, book).go_on(optimizer, shown)
            accelerator.wait_for_everyone()
    book.load_best()
    model.eval()
    return book.table()


class Run:
    """Training from the step that a logbook stands at to the last one.

    Args:
        model: Where it is trained.
        data: Training images.
        valid: Images to choose the best weights on.
        settings: All that determines the result otherwise.
        book: What is kept of it.

    Raises:
        ValueError: If the logbook has more steps than are asked for.
    """

    def __init__(
        self,
        model: Model,
        data: Pictures,
        valid: Pictures,
        settings: Settings,
        book: Logbook,
    ) -> None:
        if book.step > settings.steps:
            raise ValueError(
                f"{book.folder} holds a run that has done {book.step} steps: ask for "
                f"at least as many (steps is {settings.steps}), or choose another "
                "folder"
            )
        self.model, self.data, self.valid = model, data, valid
        self.settings, self.book, self.accelerator = settings, book, book.accelerator
        self.losses = Losses(model, settings.dispel)
        self.micro = MicroBatches(
            self.losses,
            settings.dispel,
            settings.batch_size,
            settings.accumulate,
            self.accelerator,
        )
        self.feed = Feed(
            self.accelerator,
            settings.batch_size,
            settings.balanced,
            settings.seed,
            settings.workers,
        )

    def go_on(self, optimizer: torch.optim.Optimizer, shown: bool) -> None:
        """Train, and add a row to the book at each interval."""
        model, data, book, micro = self.model, self.data, self.book, self.micro
        steps, size = self.settings.steps, self.settings.batch_size
        # Without augmentation, and if every image comes up, one answer of the frozen
        # side serves for the whole run.
        once = data.changes is None and steps * size >= len(data)
        label = "asking the frozen side" if shown else ""
        frozen = self.condition(data, label) if once else None
        frozen_valid = self.condition(self.valid, label)
        prepared = self.prepare(optimizer, frozen)

        def gradients(step: int, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
            index, images, target = batch
            return micro(images, target, frozen and frozen.at(index), step)

        def update() -> None:
            prepared.step()
            bar.update(size)

        done, started = book.step, time.perf_counter()
        bar = progress_bar(
            steps * size, "training", done=done * size, unit=" images", shown=shown
        )
        with bar:
            for step, sup, sim in minimise(
                self.feed.steps(data, done + 1, steps),
                gradients,
                update,
                model,
                self.accelerator,
                every=self.settings.every,
                done=done,
                steps=steps,
                stop=self.stop,
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
        self, optimizer: torch.optim.Optimizer, frozen: Condition | None
    ) -> AcceleratedOptimizer:
        """Bring model and optimiser to all processes, in pieces that fit them all."""
        micro = self.micro
        micro.pieces = max(micro.pieces, min(self.book.pieces, micro.share // 2))
        self.model.train()
        if self.accelerator.num_processes > 1:
            micro.rehearse(self.data[0][0], frozen)
            if device_of(self.model).type == "cuda":
                _synchronise_batch_norm(self.model)
        if self.settings.compile:
            self.losses.compile()
        micro.prepared, prepared = self.accelerator.prepare(self.losses, optimizer)
        return prepared

    def stop(self, wrong: str, step: int) -> NoReturn:
        """Say what has become of a value in a step, and what to do."""
        raise FloatingPointError(
            f"{wrong} in step {step}: lower lr (now {self.settings.lr}) or dispel (now "
            f"{self.settings.dispel}); {self.book.kept()}"
        )

    def condition(self, data: Pictures, label: str) -> Condition | None:
        """What the frozen side says of all images, or None if there is none."""
        context = self.model.context
        if context is None:
            return None
        return Condition(*self.ask(lambda x, _: context.condition(x), data, label))

    def logits(self, known: Condition | None) -> Tensor:
        """What the model says of the validation images (N, K)."""
        device = device_of(self.model.eval())

        def answer(images: Tensor, index: Tensor) -> tuple[Tensor]:
            return (self.model(images, known and known.at(index, device)),)

        return self.ask(answer, self.valid)[0]

    def ask(
        self, question: Question, data: Pictures, label: str = ""
    ) -> tuple[Tensor, ...]:
        """Answers about all images in float32, computed as in training."""
        device = device_of(self.model)

        def ask(images: Tensor, index: Tensor) -> tuple[Tensor, ...]:
            with self.accelerator.autocast():
                answers = question(to_device(images, device), index)
            return tuple(part.float() for part in answers)

        return self.feed.ask(ask, data, self.micro.size, label)


def _synchronise_batch_norm(model: Model) -> None:
    """Batch statistics over all processes, in what is trained."""
    for name, part in model.named_children():
        if name != "context":
            synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(part)
            setattr(model, name, synchronised)
