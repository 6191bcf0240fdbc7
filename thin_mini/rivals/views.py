"""What a network can do about turned images without a label of the angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count
from thin_mini.basics.kinds import checked
from thin_mini.encoders import ConvEncoder, Encoder
from thin_mini.networks import Classifier, Condition


def turned(images: Tensor, degrees: Tensor) -> Tensor:
    """Turn each image about its centre, counter-clockwise, on its device.

    Args:
        images: (N, C, H, W).
        degrees: (N,).

    Returns:
        (N, C, H, W); what comes in at the border is 0.
    """
    checks.shaped("images", images, "N", "C", "H", "W")
    checks.factor("degrees", degrees, len(images))
    a = torch.deg2rad(degrees.to(images))
    cos, sin, zero = torch.cos(a), torch.sin(a), torch.zeros_like(a)
    back = torch.stack([cos, -sin, zero, sin, cos, zero], 1).view(-1, 2, 3)
    return warped(images, back)


def warped(images: Tensor, theta: Tensor) -> Tensor:
    """Images (N, C, H, W) under affine maps (N, 2, 3) of the output to the input."""
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def zoomed(images: Tensor, octaves: Tensor) -> Tensor:
    """Enlarge what each image shows by 2 ** octaves (N,), about the centre of its ink.

    Args:
        images: (N, 1, H, W), background 0.
        octaves: (N,), negative ones shrink.

    Returns:
        (N, 1, H, W), bilinearly interpolated.
    """
    checks.shaped("images", images, "N", 1, "H", "W")
    checks.factor("octaves", octaves, len(images))
    ink = images[:, 0] / images.sum((1, 2, 3)).clamp(min=1e-6)[:, None, None]
    # From -1 to 1 over the frame, as grid_sample counts.
    y, x = (
        (torch.arange(n, device=images.device) + 0.5) * 2 / n - 1
        for n in images.shape[-2:]
    )
    cx, cy = (ink.sum(1) * x).sum(1), (ink.sum(2) * y).sum(1)  # (N,)
    back = 2 ** -octaves.to(images)
    zero = torch.zeros_like(back)
    theta = torch.stack([back, zero, cx * (1 - back), zero, back, cy * (1 - back)], 1)
    return warped(images, theta.view(-1, 2, 3))


# By exogenous variable, what changes it in an image: degrees, or octaves of size.
CHANGES = {"rotation": turned, "scale": zoomed}
Variable = Annotated[str, checks.one_of(*CHANGES)]


class RandomChange(nn.Module):
    """Change an exogenous variable of each image at random, in training only.

    Args:
        variable: ``"rotation"`` or ``"scale"``.
        reach: The largest change either way, in degrees or in octaves.
    """

    @checked
    def __init__(self, variable: Variable, reach: float) -> None:
        super().__init__()
        self.variable, self.reach = variable, checks.number("reach", reach, 0, 180)

    def forward(self, images: Tensor) -> Tensor:
        if not self.training:
            return images
        n = checks.rows("images", images)
        part = 2 * torch.rand(n, device=images.device) - 1
        return CHANGES[self.variable](images, self.reach * part)


class SpatialTransformer(nn.Module):
    """A small network that warps each image before another sees it (arXiv 1506.02025).

    It starts with the identity and learns from the task alone.

    Args:
        in_shape: Channels, height and width of the images.
        hidden: Units of its hidden layer.
    """

    @checked
    def __init__(self, in_shape: tuple[int, int, int], hidden: Count = 32) -> None:
        super().__init__()
        self.look = ConvEncoder(in_shape[0], in_shape[1], (8, 8))
        self.first = nn.Linear(self.look.out_features, hidden)
        self.last = nn.Linear(hidden, 6)
        nn.init.zeros_(self.last.weight)
        with torch.no_grad():
            self.last.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(self, images: Tensor) -> Tensor:
        theta = self.last(torch.relu(self.first(self.look(images))))  # (N, 6)
        return warped(images, theta.view(-1, 2, 3))


@checked
def after(layer: nn.Module, encoder: Encoder) -> Encoder:
    """An encoder that sees what ``layer`` makes of the images."""
    return Encoder(nn.Sequential(layer, encoder.layers), encoder.in_shape)


class Averaged(Classifier):
    """A classifier that, once trained, looks at every image under several changes.

    Args:
        encoder: F_φ.
        n_classes: K.
        hidden: Units of the classifier.
        variable: As in :class:`RandomChange`.
        changes: Of the variable; the logits under them are averaged.
    """

    @checked
    def __init__(
        self,
        encoder: Encoder,
        n_classes: Count,
        hidden: Count,
        variable: Variable,
        changes: Sequence[float],
    ) -> None:
        super().__init__(encoder, n_classes, hidden)
        if not changes:
            raise ValueError("changes must name at least one")
        self.variable, self.changes = variable, tuple(changes)

    def forward(self, images: Tensor, condition: Condition | None = None) -> Tensor:
        if self.training:
            return super().forward(images, condition)
        change, n = CHANGES[self.variable], checks.rows("images", images)
        ones = images.new_ones(n)
        views = [change(images, amount * ones) for amount in self.changes]
        z = [super(Averaged, self).forward(view, condition) for view in views]
        return torch.stack(z).mean(0)  # (N, K)
