"""The representation layers: I ↦ h (F_φ and γ_τ of section 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.devices import device_of


class Encoder(nn.Module):
    """Layers that turn an image into a map of features, flattened to one vector.

    Args:
        layers: N images of ``in_shape`` → a map (N, C, H, W), or a vector (N, D).
        in_shape: Channels, height and width of the images.

    Attributes:
        out_shape: (C, H, W) of the map; (D, 1, 1) where there is only a vector.
        out_features: D = C · H · W.

    Shape:
        images (N, C, H, W) → h (N, out_features).
    """

    def __init__(self, layers: nn.Module, in_shape: tuple[int, int, int]) -> None:
        super().__init__()
        checks.instance("layers", layers, nn.Module, "pass a module, as nn.Sequential")
        in_shape = checks.map_shape("in_shape", in_shape)
        self.layers, self.in_shape = layers, in_shape
        # Convolutions are faster with their weights laid out channels-last.
        self.to(memory_format=torch.channels_last)
        was_training = layers.training
        with torch.no_grad():  # in evaluation mode, which leaves batch norm alone
            one = torch.zeros(1, *in_shape, device=device_of(layers))
            shape = layers.eval()(one).shape[1:]
        layers.train(was_training)
        self.out_shape = (*shape, *(1,) * (3 - len(shape)))
        self.out_features = math.prod(shape)

    def forward(self, images: Tensor) -> Tensor:
        checks.layer_input(self, images, self.in_shape, "build it for these images")
        return self.layers(images).flatten(1)  # (N, out_features)


class ConvEncoder(Encoder):
    """The paper's two 16@3×3 convolutions (section 4.1), or others like them.

    Each is padded ("same"), batch-normalised, halved by max pooling and rectified.

    Args:
        in_channels: Channels of the image.
        image_size: Height and width of the image in pixels, a multiple of 2 for each
            convolution.
        widths: Channels of each convolution.

    Shape:
        images (N, in_channels, image_size, image_size) → h (N, out_features), where
        out_features = 16 · (image_size / 4)² for the paper's, so 784 at 28×28.
    """

    def __init__(
        self,
        in_channels: int = 1,
        image_size: int = 28,
        widths: tuple[int, ...] = (16, 16),
    ) -> None:
        checks.whole("in_channels", in_channels)
        checks.whole("image_size", image_size, 0)
        widths = checks.widths(widths, name="widths")
        step = 2 ** len(widths)
        if image_size < step or image_size % step:
            raise ValueError(
                f"image_size must be a multiple of {step}, got {image_size}"
            )
        layers: list[nn.Module] = []
        for before, after in zip((in_channels, *widths), widths, strict=False):
            # Rectifying after the pooling gives the same values (both are monotone)
            # and touches a quarter of the pixels. No bias: batch norm would subtract
            # it.
            layers += [
                nn.Conv2d(before, after, 3, padding="same", bias=False),
                nn.BatchNorm2d(after),
                nn.MaxPool2d(2),
                nn.ReLU(),
            ]
        super().__init__(nn.Sequential(*layers), (in_channels, image_size, image_size))


class MapPool(nn.Module):
    """Halve a flattened map by max pooling, as the authors do before their experts.

    Their 7×7×512 map becomes 3×3×512, so that 32 experts on it have 84 million
    parameters and not 400.

    Args:
        shape: (C, H, W) of the map.

    Shape:
        h (N, C·H·W) → (N, out_features), where out_features = C · ⌊H/2⌋ · ⌊W/2⌋.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        shape = checks.map_shape("the map", shape)
        if min(shape[1:]) < 2:
            raise ValueError(f"a map of {shape[1]}×{shape[2]} cannot be halved")
        self.shape = shape
        self.out_features = shape[0] * (shape[1] // 2) * (shape[2] // 2)

    def forward(self, h: Tensor) -> Tensor:
        size = (math.prod(self.shape),)
        checks.layer_input(self, h, size, "build it as MapPool(encoder.out_shape)")
        pooled = nn.functional.max_pool2d(h.unflatten(1, self.shape), 2)
        return pooled.flatten(1)


def pooled_features(encoder: Encoder, pool: MapPool | None) -> int:
    """Size of what the classification layer sees of h_endo."""
    mend = "wrap layers as Encoder(layers, shape)"
    checks.instance("encoder", encoder, Encoder, mend)
    if pool is None:
        return encoder.out_features
    checks.instance("pool", pool, MapPool, "pass MapPool(encoder.out_shape)")
    if pool.shape != encoder.out_shape:
        raise ValueError(
            f"the pool takes maps {pool.shape}, the encoder makes {encoder.out_shape}: "
            "build it as MapPool(encoder.out_shape)"
        )
    return pool.out_features
