"""The representation layers: I ↦ h (F_φ and γ_τ of section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvEncoder(nn.Module):
    """The paper's two 16@3×3 convolutions (section 4.1).

    Each is padded ("same"), batch-normalised, halved by max pooling and rectified.

    Args:
        in_channels: Channels of the image.
        image_size: Height and width of the image in pixels, a multiple of 4.
        width: Channels of each convolution.

    Shape:
        images (N, in_channels, image_size, image_size) → h (N, out_features), where
        out_features = width · (image_size / 4)², so 784 for a 28×28 image.
    """

    def __init__(
        self, in_channels: int = 1, image_size: int = 28, width: int = 16
    ) -> None:
        super().__init__()
        if image_size < 4 or image_size % 4:
            raise ValueError(f"image_size must be a multiple of 4, got {image_size}")
        self.in_shape = (in_channels, image_size, image_size)
        self.out_features = width * (image_size // 4) ** 2
        # Rectifying after the pooling gives the same values (both are monotone) and
        # touches a quarter of the pixels. No bias: batch norm would subtract it.
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, padding="same", bias=False),
            nn.BatchNorm2d(width),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding="same", bias=False),
            nn.BatchNorm2d(width),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
        )
        # Convolutions on a CPU are faster with their weights laid out channels-last.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[1:] != self.in_shape:
            raise ValueError(
                f"this encoder takes images (N, {', '.join(map(str, self.in_shape))}), "
                f"got {tuple(images.shape)}"
            )
        return self.layers(images)  # (N, out_features)
