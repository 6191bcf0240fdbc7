"""One training step in as many pieces as memory needs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils.memory import should_reduce_batch_size
from torch import Tensor, nn

from thin_mini.basics.devices import device_of
from thin_mini.large.feed import to_device
from thin_mini.loop import Losses
from thin_mini.losses import total_loss
from thin_mini.models import Condition

Result = TypeVar("Result")


@dataclass
class MicroBatches:
    """Forward and backward passes over this process's share of a batch.

    The share is cut into ``pieces`` micro-batches, whose gradients add up to those of
    the mean loss over the whole batch. Each micro-batch has batch statistics of its
    own where the model has batch norm. When memory runs out, ``pieces`` doubles and
    the step starts again, as if nothing had happened: accelerate's
    ``find_executable_batch_size`` would start the whole run again.

    Args:
        losses: (images, target, condition) → L_sup and L_sim, and λ of Eq. 8.
        batch_size: Images in a step, over all processes.
        pieces: Micro-batches to begin with.
        accelerator: Which processes there are.

    Attributes:
        prepared: What accelerate makes of ``losses``, to be set before the first step.
    """

    losses: Losses
    batch_size: int
    pieces: int
    accelerator: Accelerator

    def __post_init__(self) -> None:
        self.prepared: nn.Module = self.losses
        self.share = self.batch_size // self.accelerator.num_processes  # the smallest

    @property
    def size(self) -> int:
        """Images in the smallest micro-batch."""
        return self.share // self.pieces

    def __call__(
        self, images: Tensor, target: Tensor, condition: Condition | None, step: int
    ) -> Tensor:
        """Leave the gradients of Eq. 8 in the parameters.

        Args:
            images: (n, C, H, W), this process's share, anywhere.
            target: (n,).
            condition: What the frozen side says of them; None to ask it.
            step: For messages.

        Returns:
            L_sup and L_sim, the means over the whole batch, on every process.

        Raises:
            MemoryError: If memory runs out and there is no way on.
        """
        self.losses.zero_grad()
        before = self.pieces
        while (
            means := self._tried(lambda: self._passes(images, target, condition))
        ) is None:
            if self.accelerator.num_processes > 1:
                raise MemoryError(
                    f"out of memory on process {self.accelerator.process_index} at "
                    f"step {step}: start again with accumulate={2 * self.pieces} (now "
                    f"{self.pieces}); it resumes from its last checkpoint"
                )
            self._halve()
        self._say(before)
        return self.accelerator.reduce(means, "sum")

    def rehearse(self, image: Tensor, condition: Condition | None) -> None:
        """Find, before training, the pieces that fit the memory of every process.

        Processes wait for each other in every step, so one alone cannot start its
        step again. This runs the largest micro-batch without the others, and changes
        nothing.

        Args:
            image: Any image, (C, H, W).
            condition: What the frozen side says of any ``batch_size`` images.
        """
        before, undo = self.pieces, _Snapshot(self.losses)
        failed = torch.zeros(1, device=device_of(self.losses))
        while not failed and not self._tried(lambda: self._rehearsal(image, condition)):
            try:
                self._halve()
            except MemoryError:
                failed += 1  # and yet the others must hear of it
        undo.restore()
        pieces = self.accelerator.gather(failed.new_tensor([self.pieces]))
        self.pieces = int(pieces.max())
        if self.accelerator.reduce(failed, "sum") > 0:
            raise MemoryError(self._too_large())
        if self.accelerator.is_main_process:
            self._say(before)

    def _passes(
        self, images: Tensor, target: Tensor, condition: Condition | None
    ) -> Tensor:
        device = device_of(self.losses)
        means = torch.zeros(2, device=device)
        pieces = torch.arange(len(images)).tensor_split(self.pieces)
        for i, piece in enumerate(pieces):
            last = i == len(pieces) - 1
            # Gradients travel between processes once a step, with the last piece.
            with nullcontext() if last else self.accelerator.no_sync(self.prepared):
                sup, sim = self.prepared(
                    to_device(images[piece], device),
                    target[piece].to(device, non_blocking=True),
                    condition and condition.at(piece, device),
                )
                share = len(piece) / self.batch_size
                # Gradients are averaged over the processes, hence the factor.
                factor = share * self.accelerator.num_processes
                self.accelerator.backward(
                    factor * total_loss(sup, sim, self.losses.dispel)
                )
            means += share * torch.stack([sup.detach(), sim.detach()])
        return means

    def _rehearsal(self, image: Tensor, condition: Condition | None) -> bool:
        """The largest micro-batch, with room for what Adam and the processes need."""
        largest = math.ceil(self.batch_size / self.accelerator.num_processes)
        n = math.ceil(largest / self.pieces)
        device = device_of(self.losses)
        parameters = [p for p in self.losses.parameters() if p.requires_grad]
        # Adam's two moments, and the gradients on their way.
        room = [torch.empty_like(p) for p in parameters for _ in range(3)]
        with self.accelerator.autocast():
            sup, sim = self.losses(
                to_device(image.expand(n, *image.shape), device),
                torch.zeros(n, dtype=torch.int64, device=device),
                condition and condition.at(torch.arange(n), device),
            )
        total_loss(sup, sim, self.losses.dispel).backward()
        del room
        return True

    def _tried(self, attempt: Callable[[], Result]) -> Result | None:
        """What an attempt gives; None, and all as it was, where memory runs out."""
        before = _Snapshot(self.losses)
        try:
            return attempt()
        except RuntimeError as error:
            # The first says it of every kind of GPU, the second of a CPU.
            kind = torch.cuda.OutOfMemoryError
            if not isinstance(error, kind) and not should_reduce_batch_size(error):
                raise
        # Only here, where the error and what its traceback holds are gone.
        before.restore()
        return None

    def _halve(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self.share // (2 * self.pieces) < 2:
            raise MemoryError(self._too_large())
        self.pieces *= 2

    def _too_large(self) -> str:
        return (
            f"out of memory with {self.size} images in a micro-batch, "
            "and batch norm needs 2: take smaller images, mixed_precision='bf16' or a "
            "device with more memory"
        )

    def _say(self, before: int) -> None:
        if self.pieces != before:
            warnings.warn(
                f"out of memory: continuing with {self.pieces} micro-batches to a "
                f"step, each of about {self.size} images",
                stacklevel=3,
            )


class _Snapshot:
    """What a forward pass changes, to be put back as it was."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.buffers = [b.clone() for b in module.buffers()]
        self.rng = torch.get_rng_state()

    def restore(self) -> None:
        for buffer, value in zip(self.module.buffers(), self.buffers, strict=True):
            buffer.copy_(value)
        torch.set_rng_state(self.rng)
        self.module.zero_grad()
