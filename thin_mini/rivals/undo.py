"""Undoing an exogenous variable: the frozen network's guess, and its inverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.devices import device_of
from thin_mini.basics.kinds import checked
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.data.digits import rotate
from thin_mini.inference import in_batches
from thin_mini.models import ExogenousNetwork
from thin_mini.rivals.views import Variable, zoomed


@checked
@torch.no_grad()
def expected(network: ExogenousNetwork, images: Tensor, centers: Tensor) -> Tensor:
    """The value that a frozen network expects: its probabilities times the bins.

    Args:
        network: Trained and frozen.
        images: (N, C, H, W).
        centers: (n_exo,), the middle of each bin, in the unit of the variable.

    Returns:
        (N,), on the CPU.

    Raises:
        ValueError: If there is not one centre for each class of the network, or it is
            not frozen.
    """
    checks.images("images", images)
    mend = ", one of each class, as exo_centers of the network's data"
    checks.floats("centers", centers, network.n_classes, mend=mend)
    if not network.frozen:
        raise ValueError("train the network first and pass network.freeze()")
    device = device_of(network)

    def batch(index: Tensor) -> tuple[Tensor]:
        return (network.condition(images[index].to(device)).z_exo.softmax(1),)

    return in_batches(batch, len(images))[0].to(centers.dtype) @ centers


# What takes a variable of this value away again.
INVERSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "rotation": lambda images, degrees: rotate(images, -degrees),
    "scale": lambda images, scale: zoomed(images, -scale.log2()),
}


@checked
def undo(
    dataset: ExogenousDataset,
    network: ExogenousNetwork,
    variable: Variable,
    centers: Tensor,
) -> ExogenousDataset:
    """The same images with a variable taken away, as far as a network knows it.

    Args:
        dataset: The images.
        network: That predicts the variable, frozen.
        variable: ``"rotation"`` or ``"scale"``.
        centers: The middle of each of its bins, (n_exo,).

    Raises:
        ValueError: If there is no inverse for the variable.
    """
    value = expected(network, dataset.images, centers)
    images = INVERSES[variable](dataset.images, value).clamp(0, 1)
    return replace(dataset, images=images)
