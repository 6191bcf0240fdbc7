"""Which pictures a process reads, and when: the same however many processes share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import tee

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader

from thin_mini.basics.bars import progress_bar
from thin_mini.data.photos.pictures import Pictures, class_batches, plain_batches

# What is asked of images (N, C, H, W), where the model is, and of their indices (N,):
# tensors of N rows.
Question = Callable[[Tensor, Tensor], tuple[Tensor, ...]]


@dataclass
class Feed:
    """Deals pictures out to the processes of an accelerator.

    Every ``num_processes``-th picture of a batch falls to this process. The batch
    follows from the seed and the step alone, and what augmentation does to a picture
    from its seed, the step and the index. So nothing needs to be remembered to go on
    in the middle, and workers have no random numbers of their own.

    Args:
        accelerator: Which processes there are.
        batch_size: Images in a step, over all processes.
        balanced: Whether the classes come up in turn.
        seed: Draws the batches.
        workers: Processes that read for this one.
    """

    accelerator: Accelerator
    batch_size: int
    balanced: bool = False
    seed: int = 0
    workers: int = 0

    def share(self, data: Pictures, step: int) -> Tensor:
        """The indices of this process in the batch of a step, counted from 1."""
        if self.balanced:
            target = data.files.target
            batch = class_batches(target, self.batch_size, self.seed, step - 1)
        else:
            batch = plain_batches(len(data), self.batch_size, self.seed, step - 1)
        return batch[self.accelerator.process_index :: self.accelerator.num_processes]

    def steps(
        self, data: Pictures, first: int, last: int
    ) -> Iterator[tuple[int, tuple[Tensor, Tensor, Tensor]]]:
        """Each step's number; indices (n,), images (n, C, H, W) and target (n,)."""
        todo = range(first, last + 1)
        shares, ahead = tee(self.share(data, step) for step in todo)
        keys = (
            [(step, i) for i in share.tolist()]
            for step, share in zip(todo, ahead, strict=True)
        )
        batches = zip(todo, shares, self._load(data, keys), strict=False)
        for step, share, (images, target, _) in batches:
            yield step, (share, images, target)

    @torch.no_grad()
    def ask(
        self,
        question: Question,
        data: Pictures,
        n: int,
        device: torch.device,
        label: str = "",
    ) -> list[Tensor]:
        """Answers about all images, each asked once and in one of the processes.

        Args:
            question: What to ask.
            data: The images.
            n: How many to ask about at a time.
            device: Where they are asked about.
            label: Of a bar; without one none is shown.

        Returns:
            Each of its tensors with len(data) rows in float32, on the CPU of every
            process.
        """
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        rows = math.ceil(len(data) / world)
        # Of one length everywhere: the first images fill up what is missing.
        own = torch.arange(rank, rows * world, world) % len(data)
        keys = ([(0, i) for i in part.tolist()] for part in own.split(n))
        loaded = zip(own.split(n), self._load(data, keys), strict=True)
        answers = []
        bar = progress_bar(len(own), label, unit=" images", shown=bool(label))
        with bar:
            for part, (images, _, _) in loaded:
                with self.accelerator.autocast():
                    answers.append(question(to_device(images, device), part))
                bar.update(len(part))
        columns = [torch.cat(column).float() for column in zip(*answers, strict=True)]
        # (world·rows, …), all of one process together, to len(data) in their order
        return [
            self.accelerator.gather(column)
            .cpu()
            .unflatten(0, (world, rows))
            .transpose(0, 1)
            .flatten(0, 1)[: len(data)]
            for column in columns
        ]

    def _load(
        self, data: Pictures, keys: Iterable[list[tuple[int, int]]]
    ) -> DataLoader[tuple[Tensor, Tensor, Tensor]]:
        return DataLoader(
            data,
            batch_sampler=keys,
            num_workers=self.workers,
            pin_memory=self.accelerator.device.type == "cuda",
            generator=torch.Generator(),  # leaves the global one as it is
        )


def to_device(images: Tensor, device: torch.device) -> Tensor:
    """Images (N, C, H, W), laid out there as convolutions like them best."""
    return images.to(device, memory_format=torch.channels_last, non_blocking=True)


def fingerprint(data: Pictures) -> str:
    """A hash of names, labels and preparation, to tell two runs' data apart.

    The pictures themselves are not read: there may be too many of them.
    """
    prepare = getattr(data.normalize, "__name__", str(type(data.normalize)))
    about = (data.files.paths, data.size, repr(data.changes), prepare)
    digest = hashlib.sha256(repr(about).encode())
    if data.changes is not None:
        digest.update(str(data.seed).encode())
    for labels in (data.files.target, data.files.identity):
        digest.update(labels.numpy().data)
    return digest.hexdigest()[:16]
