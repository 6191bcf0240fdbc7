"""Drawn faces: who it is, what the face does, and what disturbs the picture.

A face is a few soft-edged shapes in coordinates of its own, u to the right and v down,
in which the head reaches from about -0.9 to 0.9. All images are drawn at once, on the
device of their factors.
"""

from __future__ import annotations

from functools import reduce
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.nn.functional import hardsigmoid

from thin_mini.basics import checks
from thin_mini.basics.kinds import checked
from thin_mini.data.augment import white_noise
from thin_mini.data.factors import NAMES, side_by_side, tint

Value = Tensor | float
REACH = 1.12  # of the picture, in units of the face
CHUNK = 2**18  # pixels drawn at a time: what they need then fits a processor's cache
# From the back to the front, and the part of the picture that each can be in, whatever
# the pose: from its top to its bottom, and how far to either side.
PARTS = {
    "hair_behind": (-2, 2, 2), "body": (0.7, 1.4, 2), "ears": (-0.25, 0.4, 1),
    "head": (-0.85, 0.9, 0.72), "cheeks": (0.05, 0.55, 0.8), "eyes": (-0.25, 0.1, 0.48),
    "brows": (-0.58, -0.1, 0.52), "nose": (-0.08, 0.32, 0.22),
    "mouth": (0.15, 0.72, 0.4), "glasses": (-0.25, 0.1, 0.52),
}  # fmt: skip


@torch.no_grad()
@checked
def render_faces(
    identity: Tensor, actions: Tensor, nuisance: Tensor | None = None, size: int = 64
) -> Tensor:
    """Draw faces from explicit factors; the same factors give the same pixels.

    Args:
        identity: (N, 22), the ``TRAITS`` of each person, 0..1.
        actions: (N, 12), the ``ACTIONS`` of each face, 0..1.
        nuisance: (N, 14), the ``NUISANCES`` of each picture, 0..1; by default none.
        size: Height and width of an image in pixels.

    Returns:
        float32 (N, 3, size, size), red, green and blue in 0..1.

    Raises:
        ValueError: If a shape is wrong or a factor is out of range.
    """
    size = checks.whole("size", size, 16)
    factors = side_by_side(identity, actions, nuisance)
    images = factors.new_empty(len(factors), 3, size, size)
    n = max(1, CHUNK // size**2)
    for part in zip(factors.split(n), images.split(n), strict=True):
        _Face(*part).paint_all()
    return images


def _ellipse(x: Tensor, y: Tensor, a: Value, b: Value) -> Tensor:
    """About the distance to an ellipse of half axes a and b around 0; x, y change."""
    a, b = (torch.as_tensor(r, dtype=x.dtype, device=x.device) for r in (a, b))
    shorter = torch.minimum(a, b)
    x, y = x.mul_(shorter / a), y.mul_(shorter / b)
    return x.square_().addcmul_(y, y).sqrt_().sub_(shorter)


def _both(*distances: Tensor) -> Tensor:
    """The distance to what lies inside all of the shapes."""
    return reduce(torch.maximum, distances)


class _Face:
    """n faces, painted from back to front. Shapes are signed distances (n, h, w).

    Their arithmetic is done in place where it can be: a new tensor of that size costs
    more time than the sum that fills it.
    """

    def __init__(self, factors: Tensor, image: Tensor) -> None:
        # Each factor by its name, (n, 1, 1), to go with pixels.
        columns = zip(NAMES, factors.T[:, :, None, None], strict=True)
        self.f = f = SimpleNamespace(**dict(columns))
        self.image = image  # (n, 3, size, size), painted in place
        self.size = size = image.shape[-1]
        zoom = 1 / (0.92 + 0.16 * f.zoom)
        axis = (2 * (torch.arange(size, device=image.device) + 0.5) / size - 1) * REACH
        self.x = (axis[None, None, :] - 0.12 * (f.shift_x - 0.5)) * zoom
        self.y = (axis[None, :, None] - 0.12 * (f.shift_y - 0.5) - 0.02) * zoom
        roll = 0.5 * (f.roll - 0.5)
        self.all_u = self.x * roll.cos() + self.y * roll.sin()  # (n, size, size)
        self.all_v = self.y * roll.cos() - self.x * roll.sin()
        self.steep = -6 * size / (2 * REACH * zoom)  # edges are one pixel wide
        self.turn = 0.22 * (f.yaw - 0.5)  # features slide over a head that turns
        self.skin = tint("skin", f.skin)  # (n, 3, 1, 1)
        self.dark = 0.62 * self.skin
        grey = 3 * (f.age - 0.75).clamp(min=0)[:, None]
        hair = tint("hair", f.hair_color)
        self.hair = torch.lerp(hair, torch.full_like(hair, 0.78), grey)
        self.width = 0.56 + 0.14 * f.head_width
        self.eye_x = 0.22 + 0.10 * f.eye_distance
        self.eye_y = -0.10 + 0.08 * (f.eye_height - 0.5)
        self.tip = 0.17 + 0.10 * f.nose_length - 0.03 * f.nose_wrinkle
        self.wing = 0.07 + 0.06 * f.nose_width + 0.02 * f.nose_wrinkle

    def paint_all(self) -> None:
        self.image.copy_(tint("background", self.f.background))
        for part, window in PARTS.items():
            self.look_at(*window)
            getattr(self, part)()
        self.disturb()

    def look_at(self, top: float, bottom: float, side: float) -> None:
        """Paint on a part of the picture only, wide enough for every pose."""

        def pixels(low: float, high: float) -> slice:
            first, last = (int((v / REACH + 1) / 2 * self.size) for v in (low, high))
            return slice(max(0, first), min(self.size, last + 1))

        rows = pixels(top - 0.26, bottom + 0.26)
        columns = pixels(-side - 0.30, side + 0.30)
        self.part = self.image[:, :, rows, columns]  # a view: painting changes it
        self.u = self.all_u[:, rows, columns]
        self.v = self.all_v[:, rows, columns]
        self.s = (self.u - self.turn).abs_()  # both halves of the face at once

    def paint(self, color: Value, distance: Tensor, alpha: Value = 1.0) -> None:
        """Cover a shape with a colour, as far as ``alpha`` lets it."""
        # From 1 at -3 to 0 at 3 in a straight line, and flat beyond: antialiased.
        cover = hardsigmoid(distance * self.steep, inplace=True)
        self.blend(color, cover.mul_(alpha))

    def blend(self, color: Value, alpha: Tensor) -> None:
        """Mix a colour in, by alpha (n, h, w) in 0..1."""
        self.part.lerp_(torch.as_tensor(color).to(self.part), alpha[:, None])

    def line(self, distance: Tensor, alpha: Value, *within: Tensor) -> None:
        """A thin dark line where ``distance`` is 0, as far as it lies ``within``."""
        self.paint(self.dark, _both(distance.abs().sub_(0.009), *within), alpha)

    def reddish(self, *shares: float) -> Tensor:
        """The colour of the skin with so much of its red, green and blue."""
        return self.skin * torch.tensor(shares).to(self.skin)[:, None, None]

    def hair_behind(self) -> None:
        """What is seen of the hair beside and below the head."""
        crown = _ellipse(self.u.clone(), self.v + 0.18, self.width + 0.13, 0.86)
        sides = _both(self.u.abs().sub_(self.width + 0.09), -0.2 - self.v)
        long = self.v - (0.15 + 0.75 * self.f.hair_length)
        self.paint(0.8 * self.hair, _both(torch.minimum(crown, sides), long))

    def body(self) -> None:
        """Shoulders and neck."""
        shoulders = _ellipse(self.u.clone(), self.v - 1.42, 1.0, 0.48)
        self.paint(tint("cloth", self.f.hair_color), shoulders)
        neck = _both(self.u.abs().sub_(0.26), self.v - 1.05, 0.5 - self.v)
        self.paint(0.82 * self.skin, neck)

    def ears(self) -> None:
        """One at either side of the head."""
        x = self.u.abs().sub_(self.width + 0.02)
        self.paint(0.9 * self.skin, _ellipse(x, self.v - 0.06, 0.09, 0.16))

    def head(self) -> None:
        """An oval that narrows to the chin, and a fringe."""
        below = self.v.clamp(min=0)
        narrow = below.sqrt().mul_(below)  # to the power of 1.5, in less time
        narrow.mul_(-self.width * (0.30 - 0.26 * self.f.jaw)).add_(self.width)
        # Its height is 0.80 upwards, and downwards more as the mouth opens.
        longer = 1 / (0.80 + 0.07 * self.f.open) - 1 / 0.80
        along = (self.v / 0.80).addcmul_(below, longer)
        skull = (self.u / narrow).square_().addcmul_(along, along).sqrt_()
        skull.sub_(1).mul_(self.width)
        self.paint(self.skin, skull)
        fringe = (self.u - 0.1).square_().mul_(-0.5).add_(self.v)
        fringe.add_(0.62 - 0.30 * self.f.hairline)
        top = _ellipse(self.u.clone(), self.v + 0.14, self.width + 0.07, 0.76)
        self.paint(self.hair, _both(fringe, torch.minimum(top, skull)))

    def cheeks(self) -> None:
        """A blush, which a smile deepens."""
        x = (self.s - 0.36).div_(0.16)
        y = (self.v - (0.30 - 0.05 * self.f.squint)).div_(0.12)
        blush = x.square_().addcmul_(y, y).neg_().exp_()
        pink = self.reddish(1.0, 0.72, 0.70)
        self.blend(pink, blush.mul_(0.20 + 0.20 * self.f.smile))

    def eyes(self) -> None:
        """White, iris, pupil, upper lid, and the lines that age and squinting draw."""
        f = self.f
        wide = 0.10 + 0.05 * f.eye_size
        opening = 0.45 + 0.30 * f.resting_eyes + 0.40 * f.wide_eyes - 0.33 * f.squint
        high = wide * opening.clamp(min=0.12)
        x, y = self.s - self.eye_x, self.v - self.eye_y
        eye = _ellipse(x.clone(), y.clone(), wide, high)
        self.paint(0.97, eye)
        radius, iris = (x * x).addcmul_(y, y).sqrt_(), 0.062 + 0.014 * f.eye_size
        self.paint(tint("iris", f.hair_color), _both(eye, radius - iris))
        self.paint(0.05, _both(eye, radius - 0.5 * iris))
        self.paint(0.5 * self.dark, _both(eye.abs_().sub_(0.018), y), 0.9)
        bag = _ellipse(x, y - 0.035, 1.05 * wide, high + 0.03)
        deep = 0.6 * (f.age - 0.35).clamp(min=0) + 0.5 * f.squint
        self.line(bag, deep.clamp(max=0.8), 0.02 - y)

    def brows(self) -> None:
        """Bands along tilted arches, and the furrows around them."""
        f = self.f
        t = (self.s - self.eye_x).div_(0.17)  # -1 at the inner end, 1 at the outer
        tilt = 0.10 * (f.resting_brow_tilt - 0.5)
        lift = 0.06 * (f.brow_height - 0.5) + 0.08 * (f.resting_brow_height - 0.5)
        inner = 0.11 * f.frown + 0.05 * f.nose_wrinkle - 0.13 * f.inner_brow
        outer = -0.13 * f.outer_brow - 0.02 * f.frown
        inner, outer = inner + tilt, outer - tilt
        middle = self.eye_y - 0.240 - lift + (inner + outer) / 2
        height = (0.035 * t).add_((outer - inner) / 2).mul_(t).add_(middle)
        t.add_(0.18 * f.frown)  # drawn together
        thick = 0.022 + 0.028 * f.brow_thickness
        thick = t.clamp(-1, 1).mul_(-0.35 * thick).add_(thick)
        brow = height.sub_(self.v).abs_().sub_(thick)
        self.paint(0.75 * self.hair, _both(brow, t.abs_().sub_(1).mul_(0.17)))
        between = (self.v - (self.eye_y - 0.17)).abs_().sub_(0.07)
        furrow = (0.75 * f.frown + 0.4 * f.nose_wrinkle).clamp(max=0.8)
        self.line(self.s - 0.045, furrow, between)
        wave = (9 * self.s).cos_().mul_(0.02).add_(self.v)
        nearer = wave.add_(0.475).abs_().sub_(0.045)  # of two lines
        old = 1.2 * (f.age - 0.5).clamp(min=0) + 0.5 * f.inner_brow * f.outer_brow
        self.line(nearer, old.clamp(max=0.6), self.s - 0.30)

    def nose(self) -> None:
        """Tip, nostrils, the sides of the bridge, and wrinkles across it."""
        end = _ellipse(self.s.clone(), self.v - (self.tip - 0.03), self.wing, 0.075)
        self.paint(0.86 * self.skin, end, 0.5)
        x, y = self.s - 0.55 * self.wing, self.v - (self.tip + 0.005)
        self.paint(0.8 * self.dark, _ellipse(x, y, 0.030, 0.018))
        bridge = (self.v + 0.1).clamp_(min=0).mul_(-0.10).add_(self.s).sub_(0.035)
        self.line(bridge, 0.35, (self.v - (self.tip / 2 - 0.04)).abs_().sub_(0.11))
        crease = (self.s - 0.05).mul_(20).sin_().abs_().mul_(-0.05).add_(self.v)
        self.line(crease.sub_(0.02), 0.7 * self.f.nose_wrinkle, self.s - 0.085)

    def mouth(self) -> None:
        """Lips along a curve, what lies between them, and folds from the nose."""
        f = self.f
        reach = 0.15 + 0.07 * f.mouth_width + 0.05 * f.smile + 0.08 * f.stretch
        reach = reach - 0.03 * f.open * (1 - f.smile) - 0.015 * f.press
        height = 0.44 + 0.05 * (f.mouth_height - 0.5) + 0.02 * f.open
        curve = 0.24 * (f.resting_mouth - 0.5) - 0.05 * f.upper_lip
        curve = curve + 0.13 * (f.smile - f.droop)
        w = self.s / reach  # 0 in the middle, 1 at the corners
        bow = (w * w).neg_().add_(1).clamp_(min=0)
        middle = w.clamp_(max=1.2).square_().mul_(-curve).add_(height + 0.4 * curve)
        half = bow.sqrt().mul_(0.008 + (0.135 + 0.03 * f.stretch) * f.open)
        lip = bow.mul_((0.022 + 0.030 * f.lips) * (1 - 0.75 * f.press))
        above = (middle - self.v).sub_(half)  # what is open
        below = (self.v - middle).sub_(half)
        upper = above.sub(lip, alpha=0.9).sub_(0.02 * f.upper_lip)
        lower = below.sub(lip, alpha=1.25)
        ends, red = self.s - reach, self.reddish(0.86, 0.55, 0.53)
        self.paint(red, _both(upper, lower, ends))
        gap = _both(above, below, ends)
        self.paint(0.30 * red, gap)
        teeth = above.add_(0.06 + 0.03 * f.stretch).neg_()
        self.paint(0.95, _both(gap, teeth).add_(0.012), (4 * f.open).clamp(max=1))
        fold = (self.v - self.tip).clamp_(min=0).mul_(-0.55).add_(self.s)
        fold.sub_(self.wing + 0.05)
        deep = 0.6 * f.smile + 0.7 * f.upper_lip + 0.6 * (f.age - 0.4).clamp(min=0)
        between = (self.v - ((self.tip + height) / 2 + 0.02)).abs_().sub_(0.10)
        self.line(fold, deep.clamp(max=0.42), between)

    def glasses(self) -> None:
        """For the quarter of the people whose trait lies above 0.75."""
        x, y = self.s - self.eye_x, self.v - (self.eye_y + 0.01)
        rim = _ellipse(x, y, 0.19, 0.155).abs_().sub_(0.016)
        bridge = (self.v - self.eye_y).abs_().sub_(0.014)
        bridge = _both(bridge, self.s - (self.eye_x - 0.18))
        wears = (20 * (self.f.glasses - 0.75)).clamp(0, 1)
        self.paint(0.12, torch.minimum(rim, bridge), wears)

    def disturb(self) -> None:
        """Light from one side, a square in front of the face, and grain."""
        f = self.f
        gain = 0.80 + 0.30 * f.brightness
        light = self.all_u * (0.35 * gain * (f.light_x - 0.5))
        light.addcmul_(self.all_v, 0.35 * gain * (f.light_y - 0.5)).add_(gain)
        self.image.mul_(light[:, None])
        hidden = f.occlusion.flatten().nonzero().flatten()  # n' of the images
        x = (self.x - 2 * f.occlusion_x + 1)[hidden].abs()  # (n', 1, size)
        y = (self.y - 2 * f.occlusion_y + 1)[hidden].abs()  # (n', size, 1)
        square = torch.maximum(x, y) - 0.55 * f.occlusion[hidden]
        self.part, self.steep = self.image[hidden], self.steep[hidden]
        self.paint(0.45, square)
        self.image[hidden] = self.part
        if f.noise.any():
            grain = white_noise(f.noise_seed, self.size).sub_(0.5).mul_(0.4 * f.noise)
            self.image.add_(grain[:, None])
        self.image.clamp_(0, 1)
