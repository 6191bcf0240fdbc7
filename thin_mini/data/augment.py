"""Random changes of an image that change neither of its labels."""

from __future__ import annotations

import torch
from torch import Tensor

from thin_mini.basics import checks


def shift(images: Tensor, offsets: Tensor) -> Tensor:
    """Move each image by whole pixels; what comes in at the border is 0.

    Args:
        images: (N, C, H, W).
        offsets: int64 (N, 2), pixels down and to the right, negative ones up and left.

    Returns:
        (N, C, H, W).

    Raises:
        ValueError: If shapes disagree or an offset is no whole number.
    """
    checks.shaped("images", images, "N", "C", "H", "W")
    n, _, height, width = images.shape
    checks.whole_numbers("offsets", offsets, n, 2, mend=", down and to the right")
    device = images.device
    offsets = offsets.to(device)
    rows = torch.arange(height, device=device) - offsets[:, :1]  # (N, H)
    columns = torch.arange(width, device=device) - offsets[:, 1:]  # (N, W)
    # Not padded by the largest offset: to read it would be to wait for the device.
    within = ((rows >= 0) & (rows < height))[:, :, None, None]
    within = within & ((columns >= 0) & (columns < width))[:, None, :, None]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    image = torch.arange(n, device=device)[:, None, None]
    # (N, H, W, C) → (N, C, H, W)
    picked = images.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None]]
    return picked.where(within, picked.new_zeros(())).permute(0, 3, 1, 2)


def white_noise(seed: Tensor, size: int) -> Tensor:
    """White noise in 0..1, (N, size, size): a seed (N, 1, 1), in 0..1, decides it."""
    # On the CPU, since not every GPU has float64.
    whole = (seed.cpu().double() * 2**30).long().to(seed.device)
    pixel = torch.arange(size**2, device=seed.device)
    k = pixel.view(size, size) * 0x9E3779B1 + whole * 0x85EBCA77
    # Mix the bits, as hash functions do. After the first round only 32 of them count,
    # and int32 multiplies as uint32 would; what it shifts in is masked off.
    k = k.bitwise_xor_(k >> 15).to(torch.int32).mul_(0x2C1B3C6D)
    for right in (13, 16):
        k = (k ^ ((k >> right) & (2 ** (32 - right) - 1))).mul_(0x2C1B3C6D)
    return ((k >> 8) & 0xFFFFFF).float().mul_(2.0**-24)
