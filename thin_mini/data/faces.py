"""Drawn faces: who it is, what the face does, and what disturbs the picture.

A face is a few soft-edged shapes in coordinates of its own, u to the right and v down,
in which the head reaches from about -0.9 to 0.9. All images are drawn at once, on the
device of their factors.
"""

from __future__ import annotations

import torch
from torch import Tensor

EXPRESSIONS = (
    "neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger",
)  # fmt: skip
# Who it is, each a number in 0..1. The last four are the resting expression: what this
# face looks like when it expresses nothing, so that one person's neutral mouth can
# equal another's smile.
TRAITS = (
    "head_width", "jaw", "eye_distance", "eye_size", "eye_height", "brow_thickness",
    "brow_height", "nose_length", "nose_width", "mouth_width", "mouth_height", "lips",
    "skin", "hair_color", "hairline", "hair_length", "age", "glasses",
    "resting_mouth", "resting_brow_tilt", "resting_brow_height", "resting_eyes",
)  # fmt: skip
# What the face does, 0 (at rest) to 1: the facial action coding system's unit behind.
ACTIONS = (
    "inner_brow",  # 1, raised
    "outer_brow",  # 2, raised
    "frown",  # 4, brows lowered and drawn together
    "wide_eyes",  # 5
    "squint",  # 6 and 7
    "nose_wrinkle",  # 9
    "upper_lip",  # 10, raised
    "smile",  # 12, corners pulled up
    "droop",  # 15, corners pulled down
    "stretch",  # 20, corners pulled apart
    "press",  # 24, lips pressed together
    "open",  # 25 and 26, jaw dropped
)
# What disturbs the picture, each 0..1; 0.5 is straight, centred and evenly lit, and
# occlusion and noise are absent at 0.
NUISANCES = (
    "yaw", "roll", "shift_x", "shift_y", "zoom", "light_x", "light_y", "brightness",
    "background", "occlusion", "occlusion_x", "occlusion_y", "noise", "noise_seed",
)  # fmt: skip
PROTOTYPES: dict[str, dict[str, float]] = {
    "neutral": {},
    "happiness": {"smile": 1, "squint": 0.6, "open": 0.25},
    "sadness": {"inner_brow": 0.9, "frown": 0.3, "droop": 0.9, "squint": 0.2},
    "surprise": {"inner_brow": 1, "outer_brow": 1, "wide_eyes": 0.9, "open": 1},
    "fear": {
        "inner_brow": 1, "outer_brow": 0.4, "frown": 0.4, "wide_eyes": 1, "stretch": 1,
        "open": 0.45, "droop": 0.3,
    },
    "disgust": {
        "nose_wrinkle": 1, "upper_lip": 1, "squint": 0.7, "droop": 0.5, "frown": 0.4,
    },
    "anger": {"frown": 1, "squint": 0.4, "wide_eyes": 0.2, "press": 1, "droop": 0.4},
}  # fmt: skip
SKIN = ((0.98, 0.86, 0.76), (0.93, 0.74, 0.60), (0.78, 0.56, 0.41), (0.50, 0.33, 0.23))
HAIR = ((0.13, 0.10, 0.09), (0.36, 0.22, 0.13), (0.62, 0.32, 0.14), (0.85, 0.68, 0.38))
IRIS = ((0.25, 0.16, 0.10), (0.30, 0.42, 0.55), (0.35, 0.45, 0.28))
CLOTH = ((0.35, 0.45, 0.60), (0.62, 0.40, 0.42), (0.40, 0.55, 0.45))
BACKGROUND = ((0.83, 0.88, 0.92), (0.92, 0.89, 0.83), (0.85, 0.90, 0.83))
REACH = 1.12  # of the picture, in units of the face
CHUNK = 32  # images drawn at a time: what they need then fits a processor's cache


def expression_actions(expression: Tensor, intensity: Tensor) -> Tensor:
    """The actions of basic expressions: classes (N,) and 0..1 (N,) → (N, 12)."""
    table = torch.tensor(
        [[PROTOTYPES[name].get(a, 0.0) for a in ACTIONS] for name in EXPRESSIONS]
    )
    return table.to(intensity)[expression] * intensity[:, None]


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
    if size < 16:
        raise ValueError(f"size must be at least 16 pixels, got {size}")
    if nuisance is None:
        nuisance = torch.full_like(identity[:, :1], 0.5).repeat(1, len(NUISANCES))
        nuisance[:, [NUISANCES.index(name) for name in ("occlusion", "noise")]] = 0
    for name, factors, names in (
        ("identity", identity, TRAITS),
        ("actions", actions, ACTIONS),
        ("nuisance", nuisance, NUISANCES),
    ):
        if factors.shape != (len(identity), len(names)):
            raise ValueError(
                f"{name} must be ({len(identity)}, {len(names)}), got "
                f"{tuple(factors.shape)}"
            )
        wrong = ~((factors >= 0) & (factors <= 1))
        if wrong.any():
            row, column = wrong.nonzero()[0].tolist()
            raise ValueError(
                f"{names[column]} of face {row} must lie between 0 and 1, got "
                f"{factors[row, column].item()}"
            )
    parts = zip(*(f.split(CHUNK) for f in (identity, actions, nuisance)), strict=True)
    return torch.cat([_Face(*part, size=size).picture() for part in parts])


def _named(names: tuple[str, ...], values: Tensor) -> dict[str, Tensor]:
    """Columns by name, each (n, 1, 1), to go with pixels (n, H, W)."""
    return {name: values[:, i, None, None].float() for i, name in enumerate(names)}


def _color(stops: tuple[tuple[float, ...], ...], t: Tensor) -> Tensor:
    """A colour between stops: t (n, 1, 1) in 0..1 → (n, 3, 1, 1)."""
    colors = torch.tensor(stops, device=t.device)
    place = t.flatten() * (len(stops) - 1)
    low = place.long().clamp(0, len(stops) - 2)
    mixed = torch.lerp(colors[low], colors[low + 1], (place - low)[:, None])
    return mixed[:, :, None, None]


def _ellipse(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """About the distance to an ellipse with half axes a and b, negative inside."""
    return (torch.sqrt((x / a) ** 2 + (y / b) ** 2) - 1) * torch.minimum(a, b)


def _both(*distances: Tensor) -> Tensor:
    """The distance to what lies inside all of the shapes."""
    inside = distances[0]
    for distance in distances[1:]:
        inside = torch.maximum(inside, distance)
    return inside


class _Face:
    """n faces, painted from back to front. Shapes are signed distances (n, h, w)."""

    def __init__(
        self, identity: Tensor, actions: Tensor, nuisance: Tensor, *, size: int
    ) -> None:
        self.p, self.m = _named(TRAITS, identity), _named(ACTIONS, actions)
        self.d = d = _named(NUISANCES, nuisance)
        zoom = 1 / (0.92 + 0.16 * d["zoom"])
        middles = (torch.arange(size, device=identity.device) + 0.5) / size
        axis = (2 * middles - 1) * REACH
        self.x = (axis[None, None, :] - 0.12 * (d["shift_x"] - 0.5)) * zoom
        self.y = (axis[None, :, None] - 0.12 * (d["shift_y"] - 0.5) - 0.02) * zoom
        roll = 0.5 * (d["roll"] - 0.5)
        self.all_u = self.x * roll.cos() + self.y * roll.sin()  # (n, size, size)
        self.all_v = self.y * roll.cos() - self.x * roll.sin()
        self.edge = zoom * (2 * REACH / size)  # edges are one pixel wide
        self.turn = 0.22 * (d["yaw"] - 0.5)  # features slide over a head that turns
        self.size, self.n = size, len(identity)
        self.skin = _color(SKIN, self.p["skin"])  # (n, 3, 1, 1)
        self.dark = 0.62 * self.skin
        grey = 3 * (self.p["age"] - 0.75).clamp(min=0)[:, None]
        hair = _color(HAIR, self.p["hair_color"])
        self.hair = torch.lerp(hair, torch.full_like(hair, 0.78), grey)
        self.width = 0.56 + 0.14 * self.p["head_width"]
        background = _color(BACKGROUND, d["background"])
        self.image = background.expand(-1, -1, size, size).clone()
        self.look_at(-2, 2, 2)

    def look_at(self, top: float, bottom: float, side: float) -> None:
        """Paint on a part of the picture only, wide enough for every pose."""

        def pixels(low: float, high: float, slack: float) -> slice:
            first, last = ((v / REACH + 1) / 2 for v in (low - slack, high + slack))
            return slice(
                max(0, int(first * self.size)),
                min(self.size, int(last * self.size) + 1),
            )

        rows, columns = pixels(top, bottom, 0.26), pixels(-side, side, 0.30)
        self.part = self.image[:, :, rows, columns]  # a view: painting changes it
        self.u = self.all_u[:, rows, columns]
        self.v = self.all_v[:, rows, columns]
        self.s = (self.u - self.turn).abs()  # both halves of the face at once

    def cover(self, distance: Tensor) -> Tensor:
        """How much of each pixel lies inside, 0..1, antialiased at the edge."""
        return (0.5 - distance / self.edge).clamp(0, 1)

    def paint(
        self, color: Tensor | float, distance: Tensor, alpha: Tensor | float = 1
    ) -> None:
        """Cover a shape with a colour."""
        self.blend(color, self.cover(distance) * alpha)

    def blend(self, color: Tensor | float, alpha: Tensor) -> None:
        """Mix a colour in, by alpha (n, h, w) in 0..1."""
        self.part.add_(alpha[:, None] * (color - self.part))

    def line(self, distance: Tensor, alpha: Tensor, *within: Tensor) -> None:
        """A thin dark line where ``distance`` is 0, as far as it lies ``within``."""
        self.paint(self.dark, _both(distance.abs() - 0.009, *within), alpha)

    def picture(self) -> Tensor:
        """Paint everything."""
        self.body()
        self.head()
        self.eyes()
        self.brows()
        self.nose()
        self.mouth()
        self.glasses()
        return self.disturbed()

    def body(self) -> None:
        """Hair behind the head, neck and shoulders."""
        long = 0.15 + 0.75 * self.p["hair_length"]
        wide, high = self.width + 0.13, torch.full_like(long, 0.86)
        crown = _both(_ellipse(self.u, self.v + 0.18, wide, high), self.v - long)
        sides = _both(self.u.abs() - self.width - 0.09, -self.v - 0.2, self.v - long)
        self.paint(0.8 * self.hair, torch.minimum(crown, sides))
        self.look_at(0.7, 1.4, 2)
        one = torch.ones_like(self.width)
        cloth = _color(CLOTH, self.p["hair_color"])
        self.paint(cloth, _ellipse(self.u, self.v - 1.42, one, 0.48 * one))
        neck = _both(self.u.abs() - 0.26, self.v - 1.05, 0.5 - self.v)
        self.paint(0.82 * self.skin, neck)

    def head(self) -> None:
        """Ears, a head that narrows to the chin, a fringe and cheeks."""
        self.look_at(-0.25, 0.40, 1.0)
        one = torch.ones_like(self.width)
        beside = self.u.abs() - self.width - 0.02
        self.paint(
            0.9 * self.skin, _ellipse(beside, self.v - 0.06, 0.09 * one, 0.16 * one)
        )
        self.look_at(-0.85, 0.9, 0.72)
        below = self.v.clamp(min=0)
        narrow = self.width * (1 - (0.30 - 0.26 * self.p["jaw"]) * below**1.5)
        tall = 0.80 + 0.07 * self.m["open"] * (self.v > 0)
        k = torch.sqrt((self.u / narrow) ** 2 + (self.v / tall) ** 2)
        skull = (k - 1) * self.width
        self.paint(self.skin, skull)
        line = 0.30 * self.p["hairline"] + 0.5 * (self.u - 0.1) ** 2
        top = _ellipse(self.u, self.v + 0.14, self.width + 0.07, 0.76 * one)
        self.paint(self.hair, _both(self.v + 0.62 - line, torch.minimum(top, skull)))
        self.look_at(0.05, 0.55, 0.8)
        height = self.v - 0.30 + 0.05 * self.m["squint"]
        blush = torch.exp(-(((self.s - 0.36) / 0.16) ** 2) - (height / 0.12) ** 2)
        pink = self.skin * torch.tensor([1.0, 0.72, 0.70]).to(self.skin)[:, None, None]
        self.blend(pink, blush * (0.20 + 0.20 * self.m["smile"]))

    def eyes(self) -> None:
        """White, iris, pupil, upper lid, and the lines that age and squinting draw."""
        self.look_at(-0.25, 0.10, 0.48)
        p, m = self.p, self.m
        self.eye_x = 0.22 + 0.10 * p["eye_distance"]
        self.eye_y = -0.10 + 0.08 * (p["eye_height"] - 0.5)
        wide = 0.10 + 0.05 * p["eye_size"]
        opening = 0.45 + 0.30 * p["resting_eyes"]
        opening = opening + 0.40 * m["wide_eyes"] - 0.33 * m["squint"]
        high = wide * opening.clamp(min=0.12)
        x, y = self.s - self.eye_x, self.v - self.eye_y
        eye = _ellipse(x, y, wide, high)
        self.paint(0.97, eye)
        radius, iris = torch.sqrt(x**2 + y**2), 0.062 + 0.014 * p["eye_size"]
        self.paint(_color(IRIS, p["hair_color"]), _both(eye, radius - iris))
        self.paint(0.05, _both(eye, radius - 0.5 * iris))
        self.paint(0.5 * self.dark, _both(eye.abs() - 0.018, y), 0.9)
        bag = _ellipse(x, y - 0.035, 1.05 * wide, high + 0.03)
        deep = 0.6 * (p["age"] - 0.35).clamp(min=0) + 0.5 * m["squint"]
        self.line(bag, deep.clamp(max=0.8), 0.02 - y)

    def brows(self) -> None:
        """Bands along tilted arches, and the furrows around them."""
        self.look_at(-0.58, -0.10, 0.52)
        p, m = self.p, self.m
        t = (self.s - self.eye_x) / 0.17  # -1 at the inner end, 1 at the outer
        tilt = 0.10 * (p["resting_brow_tilt"] - 0.5)
        lift = 0.06 * (p["brow_height"] - 0.5) + 0.08 * (p["resting_brow_height"] - 0.5)
        inner = 0.11 * m["frown"] + 0.05 * m["nose_wrinkle"] - 0.13 * m["inner_brow"]
        outer = -0.13 * m["outer_brow"] - 0.02 * m["frown"]
        inner, outer = inner + tilt, outer - tilt
        height = self.eye_y - 0.205 - lift - 0.035 * (1 - t**2)
        height = height + inner * (1 - t) / 2 + outer * (1 + t) / 2
        t = t + 0.18 * m["frown"]  # drawn together
        thick = (0.022 + 0.028 * p["brow_thickness"]) * (1 - 0.35 * t.clamp(-1, 1))
        brow = _both((self.v - height).abs() - thick, 0.17 * (t.abs() - 1))
        self.paint(0.75 * self.hair, brow)
        between = (self.v - self.eye_y + 0.17).abs() - 0.07
        furrow = (0.75 * m["frown"] + 0.4 * m["nose_wrinkle"]).clamp(max=0.8)
        self.line(self.s - 0.045, furrow, between)
        wave = self.v + 0.02 * (9 * self.s).cos()
        nearest = torch.minimum((wave + 0.43).abs(), (wave + 0.52).abs())
        old = 1.2 * (p["age"] - 0.5).clamp(min=0)
        old = old + 0.5 * m["inner_brow"] * m["outer_brow"]
        self.line(nearest, old.clamp(max=0.6), self.s - 0.30)

    def nose(self) -> None:
        """Tip, nostrils, the sides of the bridge, and wrinkles across it."""
        self.look_at(-0.08, 0.32, 0.22)
        m, one = self.m, torch.ones_like(self.width)
        self.tip = 0.17 + 0.10 * self.p["nose_length"] - 0.03 * m["nose_wrinkle"]
        self.wing = 0.07 + 0.06 * self.p["nose_width"] + 0.02 * m["nose_wrinkle"]
        y = self.v - self.tip
        self.paint(
            0.86 * self.skin, _ellipse(self.s, y + 0.03, self.wing, 0.075 * one), 0.5
        )
        nostril = _ellipse(
            self.s - 0.55 * self.wing, y - 0.005, 0.030 * one, 0.018 * one
        )
        self.paint(0.8 * self.dark, nostril)
        bridge = self.s - 0.035 - 0.10 * (self.v + 0.1).clamp(min=0)
        self.line(bridge, 0.35 * one, (self.v - self.tip / 2 + 0.04).abs() - 0.11)
        crease = self.v - 0.02 - 0.05 * (20 * (self.s - 0.05)).sin().abs()
        self.line(crease, 0.7 * m["nose_wrinkle"], self.s - 0.085)

    def mouth(self) -> None:
        """Lips along a curve, what lies between them, and folds from the nose."""
        self.look_at(0.15, 0.72, 0.40)
        p, m = self.p, self.m
        reach = 0.15 + 0.07 * p["mouth_width"] + 0.05 * m["smile"] + 0.08 * m["stretch"]
        reach = reach - 0.03 * m["open"] * (1 - m["smile"]) - 0.015 * m["press"]
        height = 0.44 + 0.05 * (p["mouth_height"] - 0.5) + 0.02 * m["open"]
        curve = 0.24 * (p["resting_mouth"] - 0.5) - 0.05 * m["upper_lip"]
        curve = curve + 0.13 * (m["smile"] - m["droop"])
        w = self.s / reach  # 0 in the middle, 1 at the corners
        bow = (1 - w**2).clamp(min=0)
        middle = height + curve * (0.4 - w.clamp(max=1.2) ** 2)
        half = (0.008 + (0.135 + 0.03 * m["stretch"]) * m["open"]) * bow.sqrt()
        lip = (0.022 + 0.030 * p["lips"]) * (1 - 0.75 * m["press"]) * bow
        upper = middle - half - 0.9 * lip - 0.02 * m["upper_lip"]
        lower = middle + half + 1.25 * lip
        ends = (w - 1) * reach
        red = self.skin * torch.tensor([0.86, 0.55, 0.53]).to(self.skin)[:, None, None]
        self.paint(red, _both(upper - self.v, self.v - lower, ends))
        gap = _both((self.v - middle).abs() - half, ends)
        self.paint(0.30 * red, gap)
        teeth = self.v - (middle - half + 0.06 + 0.03 * m["stretch"])
        self.paint(0.95, _both(gap, teeth) + 0.012, (4 * m["open"]).clamp(max=1))
        fold = self.s - self.wing - 0.05 - 0.55 * (self.v - self.tip).clamp(min=0)
        deep = 0.6 * m["smile"] + 0.7 * m["upper_lip"]
        deep = (deep + 0.6 * (p["age"] - 0.4).clamp(min=0)).clamp(max=0.42)
        self.line(fold, deep, (self.v - (self.tip + height) / 2 - 0.02).abs() - 0.10)

    def glasses(self) -> None:
        """For the quarter of the people whose trait lies above 0.75."""
        self.look_at(-0.25, 0.10, 0.52)
        one = torch.ones_like(self.width)
        rim = _ellipse(
            self.s - self.eye_x, self.v - self.eye_y - 0.01, 0.19 * one, 0.155 * one
        )
        bridge = _both((self.v - self.eye_y).abs() - 0.014, self.s - self.eye_x + 0.18)
        wears = (20 * (self.p["glasses"] - 0.75)).clamp(0, 1)
        self.paint(0.12, torch.minimum(rim.abs() - 0.016, bridge), wears)

    def disturbed(self) -> Tensor:
        """Light from one side, a square in front of the face, and grain."""
        self.look_at(-2, 2, 2)
        d = self.d
        slope = (d["light_x"] - 0.5) * self.u + (d["light_y"] - 0.5) * self.v
        light = (1 + 0.35 * slope) * (0.80 + 0.30 * d["brightness"])
        self.image.mul_(light[:, None])
        x, y = self.x - 2 * d["occlusion_x"] + 1, self.y - 2 * d["occlusion_y"] + 1
        square = torch.maximum(x.abs(), y.abs()) - 0.55 * d["occlusion"]
        self.paint(0.45, square, (d["occlusion"] > 0).float())
        self.image.add_(0.4 * (d["noise"] * (self.grain() - 0.5))[:, None])
        return self.image.clamp_(0, 1)

    def grain(self) -> Tensor:
        """White noise in 0..1 (n, size, size) that depends on its factor alone."""
        seed = (self.d["noise_seed"].double() * 2**30).long()
        pixel = torch.arange(self.size**2, device=seed.device)
        k = pixel.view(self.size, self.size) * 0x9E3779B1 + seed * 0x85EBCA77
        for shift in (15, 13, 16):  # mix the bits, as hash functions do
            k = ((k ^ (k >> shift)) * 0x2C1B3C6D) & 0xFFFFFFFF
        return (k >> 8).float() / 2**24
