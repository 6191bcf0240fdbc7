"""Pictures for training at scale: read one by one, changed and put into batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Annotated

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import InterpolationMode, v2

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Seed
from thin_mini.basics.kinds import checked
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.reading import to_tensor

# VGG-Face was trained on 0..255 in the order blue, green, red, minus these means.
VGGFACE_MEAN = (93.5940, 104.7624, 129.1863)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Step = Annotated[int, partial(checks.whole, low=0)]


class Pictures(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Pictures read one by one, for training on more of them than memory holds.

    ``pictures[step, index]`` is the picture as training step ``step`` sees it: its
    changes are drawn from (seed, step, index) and nothing else, so that any number
    of workers, processes and resumed runs see the same. ``pictures[index]`` is step 0.

    The changes are those of section 4.3: a rotation of up to 10 degrees, a flip,
    brightness, contrast, saturation and hue. How strong the last four are the paper
    does not say: up to 20 % each, and 5 % of the colour circle, are our choice.

    Args:
        files: The list.
        size: Height and width (the paper: 224).
        augment: Whether to change the pictures at random.
        seed: Draws the changes, at least 0.
        normalize: What the network wants done to an image (3, size, size) in 0..1:
            :func:`imagenet_input` or :func:`vggface_input`, for example.

    Returns:
        From ``[...]``: float32 (3, size, size), the expression and the identity.

    Raises:
        ValueError: If ``size`` or ``seed`` is out of range.
        IndexError: From ``[...]``, if there is no such picture.
        DataError: From ``[...]``, if the picture cannot be read.
    """

    @checked
    def __init__(
        self,
        files: FaceFiles,
        size: Count = 224,
        augment: bool = False,
        seed: Seed = 0,
        normalize: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.files, self.size, self.seed, self.normalize = files, size, seed, normalize
        self.changes = augmentation() if augment else None

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, key: int | tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        step, index = map(int, key if isinstance(key, tuple) else (0, key))
        image = to_tensor(self.files.picture(index), self.size)
        index %= len(self)  # -1 is the last, with its changes
        if self.changes is not None:
            # The CPU's generator alone: torch.manual_seed would also reset the GPU's.
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(_seed(self.seed, step, index))
                image = self.changes(image)
        if self.normalize is not None:
            image = self.normalize(image).float()  # what networks take
        return image, self.files.target[index], self.files.identity[index]


def augmentation() -> v2.Transform:
    """The random changes of section 4.3, for an image (3, H, W) in 0..1."""
    return v2.Compose(
        [
            v2.RandomRotation(10, interpolation=InterpolationMode.BILINEAR),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
        ]
    )


def _check_rgb(image: Tensor) -> None:
    checks.instance("image", image, Tensor, "pass a tensor (3, H, W)")
    if image.ndim < 3 or image.shape[-3] != 3 or not image.is_floating_point():
        raise ValueError(
            f"image must be (…, 3, H, W) of floats in 0..1, got {image.dtype} "
            f"{tuple(image.shape)}"
        )


def imagenet_input(image: Tensor) -> Tensor:
    """What networks trained on ImageNet take: (..., 3, H, W) in 0..1 → normalised."""
    _check_rgb(image)
    # Not torchvision's, which looks at its values and waits for a device.
    mean, std = image.new_tensor([IMAGENET_MEAN, IMAGENET_STD])[..., None, None]
    return (image - mean) / std


def vggface_input(image: Tensor) -> Tensor:
    """What VGG-Face takes: (..., 3, H, W) in 0..1 → 0..255, BGR, less the means."""
    _check_rgb(image)
    return 255 * image.flip(-3) - image.new_tensor(VGGFACE_MEAN)[:, None, None]


@checked
def plain_batches(n: int, batch_size: int, seed: Seed, step: Step) -> Tensor:
    """The images of training step ``step``: shuffled epochs, the last part dropped.

    Args:
        n: Number of images.
        batch_size: B.
        seed: Draws the order.
        step: Counted from 0.

    Returns:
        int64 (B,), the same for the same arguments.

    Raises:
        ValueError: If the batch is larger than the data set, or empty, or a number
            is no whole one from 0 up.
    """
    checks.whole("batch_size", batch_size, 1, n)
    epoch, place = divmod(step, n // batch_size)
    order = _permutation(n, seed, 0, epoch)
    return order[place * batch_size :][:batch_size].clone()


@checked
def class_batches(target: Tensor, batch_size: Count, seed: Seed, step: Step) -> Tensor:
    """The images of training step ``step``, the seven expressions in turn.

    Section 4.2 samples AffectNet so. The turns go on from one batch to the next, and
    each class goes through all its images, shuffled, before it shows one again.

    Args:
        target: int64 (N,), the expressions.
        batch_size: B.
        seed: Draws the orders.
        step: Counted from 0.

    Returns:
        int64 (B,), the same for the same arguments.

    Raises:
        ValueError: If an expression has no image, a label is out of range, or the
            batch is empty; if a number is no whole one from 0 up.
    """
    checks.labels("target", target, checks.rows("target", target), len(EXPRESSIONS))
    labels = target.numpy().astype(np.uint8)  # so small that sorting is a radix sort
    counts = np.bincount(labels, minlength=len(EXPRESSIONS))
    empty = [e for e, n in zip(EXPRESSIONS, counts, strict=True) if n == 0]
    if empty:
        raise ValueError(
            f"no image of {', '.join(empty)}: sampling the classes in turn needs all "
            f"{len(EXPRESSIONS)} expressions: add pictures, or take balanced=False"
        )
    images = np.split(labels.argsort(kind="stable"), counts.cumsum()[:-1])
    index = []
    for place in range(step * batch_size, (step + 1) * batch_size):
        turn, c = divmod(place, len(EXPRESSIONS))
        cycle, at = divmod(turn, len(images[c]))
        order = _permutation(len(images[c]), seed, 1 + c, cycle)
        index.append(int(images[c][order[at]]))
    return torch.tensor(index)


def _seed(*key: int) -> int:
    """One seed made of several numbers, so that close keys give unrelated draws."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


@lru_cache(maxsize=32)
def _permutation(n: int, *key: int) -> Tensor:
    """A random order of 0..n-1; kept, because the steps of one epoch share it."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(_seed(*key)))
