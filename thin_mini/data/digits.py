"""MNIST-R and MNIST-RS: handwritten digits, rotated and scaled (section 3.4)."""

from __future__ import annotations

import logging
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor
from torchvision.datasets import MNIST

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Seed, Share
from thin_mini.basics.kinds import checked
from thin_mini.data import store
from thin_mini.data.dataset import ExogenousDataset, binned

log = logging.getLogger("thin_mini")

Source = Annotated[str, checks.one_of("auto", "mnist", "digits")]
# The exogenous variables: their name, from where to where, and in how many bins.
VARIABLES = {"rotation": ("rotation (°)", -90, 90, 18), "scale": ("scale", 0.5, 1, 10)}
# A name, how often each image is shown by default, and (images, labels) for both parts.
Digits = tuple[str, int, list[tuple[Tensor, Tensor]]]
# The stand-in has few images, so it shows each of them under several rotations.
STAND_IN_ROTATIONS = 10
STAND_IN_TEST = 360  # the last of its 1,797 images
# Where MNIST was sought: the network is asked, and its failure told, once.
_in_vain: set[tuple[str, ...]] = set()


@checked
def mnist_r(
    n_train: Count | None = None,
    n_test: Count | None = None,
    *,
    seed: Seed = 0,
    source: Source = "auto",
    confounded: Share = 0.0,
) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Digits rotated by a fixed angle each, drawn evenly from -90..90 degrees.

    Args:
        n_train: Number of training images; by default all (60,000 for MNIST). A
            smaller set is a prefix of a larger one. Beyond the number of digits
            there are, each is shown again under further rotations.
        n_test: The same for the test images (10,000).
        seed: Draws the order and the angles.
        source: ``"mnist"``, scikit-learn's ``"digits"``, or ``"auto"``: MNIST where
            it can be had, else the digits, said aloud.
        confounded: The share of the training images whose side the digit decides:
            below five to the left, from five on to the right. The test is even.

    Returns:
        ``(train, test)``, images (N, 1, 28, 28), ``exo`` the bin of the angle.

    Raises:
        ValueError: If the source is unknown, a number of images is below 1 or
            ``confounded`` does not lie in 0..1.
        DataError: If MNIST is damaged, or asked for by name and not to be had.
    """
    return _make((n_train, n_test), seed, source, confounded=confounded)


@checked
def mnist_rs(
    n_train: Count | None = None,
    n_test: Count | None = None,
    *,
    by: Annotated[str, checks.one_of(*VARIABLES)] = "rotation",
    seed: Seed = 0,
    source: Source = "auto",
) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Digits rotated as in :func:`mnist_r` and scaled by 0.5..1 (Table 3).

    Args:
        n_train: As in :func:`mnist_r`.
        n_test: The same for the test images.
        by: The exogenous variable: ``"rotation"`` (18 bins) or ``"scale"`` (10 bins).
            The images are the same either way.
        seed: Draws the order, the angles and the scales.
        source: As in :func:`mnist_r`.

    Returns:
        ``(train, test)``, images (N, 1, 28, 28), ``exo`` the bin of the variable.

    Raises:
        ValueError: If the source or the variable is unknown or a number below 1.
        DataError: If MNIST is damaged, or asked for by name and not to be had.
    """
    return _make((n_train, n_test), seed, source, by, scaled=True)


@checked
def rotate(images: Tensor, degrees: Tensor, scale: Tensor | None = None) -> Tensor:
    """Rotate each image about its centre, counter-clockwise, keeping its ink inside.

    A digit whose ink would leave the frame at some angle is first made a little
    smaller, whatever its angle, so that size does not give the angle away.

    Args:
        images: float32 (N, 1, S, S), background 0.
        degrees: (N,) angles.
        scale: (N,) factors up to 1 to shrink the images by as well.

    Returns:
        float32 (N, 1, S, S), bilinearly interpolated.

    Raises:
        ValueError: If shapes disagree, a pixel leaves 0..1, an angle is not finite or
            a factor does not lie above 0 and up to 1.
    """
    # In float64, too: the check against the hand-made computes in it.
    checks.images("images", images.float() if images.is_floating_point() else images)
    checks.shaped("images", images, "N", 1, "S", "S")
    checks.factor("degrees", degrees, len(images))
    if scale is not None:
        checks.factor("scale", scale, len(images), 0, 1)
        if (scale == 0).any():
            raise ValueError("scale must lie above 0: nothing would be left to see")
    # Computed on the CPU in float64, which not every GPU has.
    device, images, degrees = images.device, images.cpu(), degrees.cpu()
    scale = torch.ones_like(degrees) if scale is None else scale.cpu()
    size = images.shape[-1]
    middle = (size - 1) / 2
    axis = torch.arange(size) - middle
    radius = torch.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)  # (S, S) pixels
    rotated = []
    # In slices, since the sampling grid is twice as large as the images themselves.
    parts = (values.split(8192) for values in (images, degrees, scale))
    for image, angle, factor in zip(*parts, strict=True):
        reach = (radius * (image[:, 0] > 0)).flatten(1).amax(1)  # (n,)
        # Half a pixel more than the farthest centre: ink spreads when interpolated.
        shrink = ((reach + 0.5) / middle).clamp(min=1) / factor
        shrink = shrink.to(image.dtype)
        a = torch.deg2rad(angle.to(image.dtype))
        cos, sin = shrink * torch.cos(a), shrink * torch.sin(a)
        zero = torch.zeros_like(cos)
        # Maps a point of the output (x right, y down) back to the input.
        back = torch.stack([cos, -sin, zero, sin, cos, zero], 1).view(-1, 2, 3)
        grid = F.affine_grid(back, list(image.shape), align_corners=False)
        rotated.append(F.grid_sample(image, grid, align_corners=False))
    return torch.cat(rotated).to(device)


def _make(
    sizes: tuple[int | None, int | None],
    seed: int,
    source: str,
    by: str = "rotation",
    scaled: bool = False,
    confounded: float = 0.0,
) -> tuple[ExogenousDataset, ExogenousDataset]:
    name, shown, digits = _find(source)
    exo_name, low, high, n_exo = VARIABLES[by]
    edges = torch.linspace(low, high, n_exo + 1, dtype=torch.float64)
    parts = []
    for split, ((images, target), wanted) in enumerate(zip(digits, sizes, strict=True)):
        n = wanted or shown * len(images)
        # NumPy's generators, because their first draws do not depend on how many
        # follow: that makes a small set a prefix of a large one.
        draws = [np.random.default_rng([seed, split, i]) for i in range(4)]
        order = draws[0].permutation(len(images))
        index = torch.from_numpy(order[np.arange(n) % len(images)])
        degrees = torch.from_numpy(draws[1].uniform(-90, 90, n))
        scale = torch.from_numpy(draws[2].uniform(0.5, 1, n))
        if confounded and split == 0:
            decided = torch.from_numpy(draws[3].uniform(0, 1, n)) < confounded
            side = torch.where(target[index] < 5, degrees.abs(), -degrees.abs())
            degrees = torch.where(decided, side, degrees)
        parts.append(
            ExogenousDataset(
                images=rotate(images[index], degrees, scale if scaled else None),
                target=target[index],
                exo=binned(degrees if by == "rotation" else scale, edges),
                n_classes=10,
                n_exo=n_exo,
                source=f"{name}, {min(n, len(images)):,} images under {n:,} rotations"
                + (" and scales" if scaled else ""),
                exo_edges=edges,
                exo_name=exo_name,
            )
        )
    return parts[0], parts[1]


def _find(source: str) -> Digits:
    """MNIST's digits or the stand-in's."""
    if source == "digits" or (source == "auto" and store.stand_in_wanted()):
        return _from_scikit_learn()
    asked = (str(store.cache_folder()), *store.MIRRORS)
    first = source == "mnist" or asked not in _in_vain
    try:
        root = str(store.find_mnist(download=first))
    except store.OfflineError as error:  # a damaged copy stays an error
        if source == "mnist":
            raise
        if first:
            _in_vain.add(asked)
            log.warning(
                "%s. Going on with scikit-learn's digits instead of MNIST, until "
                "Python starts anew or source='mnist' finds it.",
                error,
            )
        return _from_scikit_learn()
    parts = [MNIST(root, train=train) for train in (True, False)]
    return "MNIST", 1, [(p.data[:, None].float() / 255, p.targets) for p in parts]


def _from_scikit_learn() -> Digits:
    digits = load_digits()
    images = torch.from_numpy(digits.images).float()[:, None] / 16  # (1797, 1, 8, 8)
    # As in MNIST: a 20x20 digit in the middle of a 28x28 frame.
    images = F.interpolate(images, size=20, mode="bilinear", align_corners=False)
    images, target = F.pad(images, (4, 4, 4, 4)), torch.from_numpy(digits.target).long()
    n = len(images) - STAND_IN_TEST
    parts = [(images[:n], target[:n]), (images[n:], target[n:])]
    return "scikit-learn digits, a stand-in for MNIST", STAND_IN_ROTATIONS, parts
