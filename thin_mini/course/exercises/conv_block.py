"""x (N, C, S, S), weight (M, C, 3, 3), gain and shift (M,) → one block (N, M, S/2,
S/2).

Objective: check a convolution block by hand.

1. Four steps: convolution padded by 1, batch norm, ReLU, the maximum of 2×2 pixels.
2. `F.unfold(x, 3, padding=1)` cuts the patches out: one matrix product is left.
3. Mean and variance are over images and both axes of pixels, one pair for each channel.

Notice: the maximum may be taken before the ReLU: both keep the order of numbers.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

CHAPTER, LEVEL = 2, 2


def draw(n: int) -> dict[str, Tensor]:
    return {
        "x": torch.rand(n, 2, 8, 8),
        "weight": torch.randn(3, 2, 3, 3),
        "gain": torch.randn(3),
        "shift": torch.randn(3),
    }


def _norm(maps: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    return F.batch_norm(maps, None, None, gain, shift, training=True)


def right(x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    return F.max_pool2d(_norm(F.conv2d(x, weight, padding=1), gain, shift).relu(), 2)


def unbiased(x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """The variance is divided by N - 1. A batch norm divides by N (`correction=0`)."""
    m = x.numel() / x.shape[1]  # numbers of each channel
    return right(x, weight, gain * (1 - 1 / m) ** 0.5, shift)


def mirrored(x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """The weights are mirrored. What networks call a convolution lays them on as they
    are; only the mathematicians' turns them by half a turn.
    """
    return right(x, weight.flip(2, 3), gain, shift)


def averaged(x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """This is the average of 2×2 pixels. The block takes the maximum."""
    return F.avg_pool2d(_norm(F.conv2d(x, weight, padding=1), gain, shift).relu(), 2)


def unrectified(x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """The ReLU is missing: there are negative numbers."""
    return F.max_pool2d(_norm(F.conv2d(x, weight, padding=1), gain, shift), 2)


def rectified_too_early(
    x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor
) -> Tensor:
    """The ReLU comes before the batch norm, which moves numbers below 0 again."""
    return F.max_pool2d(_norm(F.conv2d(x, weight, padding=1).relu(), gain, shift), 2)


def bare(x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """The batch norm is missing, and with it gain and shift."""
    return F.max_pool2d(F.conv2d(x, weight, padding=1).relu(), 2)


def alone(x: Tensor, weight: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Mean and variance are of single images. A batch norm takes the batch together."""
    maps = F.conv2d(x, weight, padding=1)
    return F.max_pool2d(F.instance_norm(maps, weight=gain, bias=shift).relu(), 2)
