"""Random changes of an image that change neither of its labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shift(images: Tensor, offsets: Tensor) -> Tensor:
    """Move each image by whole pixels; what comes in at the border is 0.

    Args:
        images: (N, C, H, W).
        offsets: int64 (N, 2), pixels down and to the right, negative ones up and left.

    Returns:
        (N, C, H, W).
    """
    n, _, height, width = images.shape
    reach = int(offsets.abs().max())
    padded = F.pad(images, (reach, reach, reach, reach))
    device = images.device
    rows = torch.arange(height, device=device) + (reach - offsets[:, :1])  # (N, H)
    columns = torch.arange(width, device=device) + (reach - offsets[:, 1:])  # (N, W)
    image = torch.arange(n, device=device)[:, None, None]
    # (N, H, W, C) → (N, C, H, W)
    picked = padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None]]
    return picked.permute(0, 3, 1, 2)
