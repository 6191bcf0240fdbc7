"""What faces are made of: the seven expressions, and the factors of drawn ones."""

from __future__ import annotations

import torch
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.kinds import checked

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
NAMES = (*TRAITS, *ACTIONS, *NUISANCES)
# The colours between which a trait, or the background, chooses.
STOPS = {
    "skin": ((0.98, 0.86, 0.76), (0.93, 0.74, 0.60), (0.78, 0.56, 0.41),
             (0.50, 0.33, 0.23)),
    "hair": ((0.13, 0.10, 0.09), (0.36, 0.22, 0.13), (0.62, 0.32, 0.14),
             (0.85, 0.68, 0.38)),
    "iris": ((0.25, 0.16, 0.10), (0.30, 0.42, 0.55), (0.35, 0.45, 0.28)),
    "cloth": ((0.35, 0.45, 0.60), (0.62, 0.40, 0.42), (0.40, 0.55, 0.45)),
    "background": ((0.83, 0.88, 0.92), (0.92, 0.89, 0.83), (0.85, 0.90, 0.83)),
}  # fmt: skip
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


@checked
def expression_actions(expression: Tensor, intensity: Tensor) -> Tensor:
    """The actions of basic expressions: classes (N,) and 0..1 (N,) → (N, 12).

    Raises:
        ValueError: If there is no such class, or not one intensity for each.
    """
    checks.scores("intensity", intensity, 1)
    checks.labels("expression", expression, len(intensity), len(EXPRESSIONS))
    expression = expression.to(intensity.device)
    table = torch.tensor(
        [[PROTOTYPES[name].get(a, 0.0) for a in ACTIONS] for name in EXPRESSIONS]
    )
    return table.to(intensity)[expression] * intensity[:, None]


def side_by_side(identity: Tensor, actions: Tensor, nuisance: Tensor | None) -> Tensor:
    """The factors of N faces as one table, float32 (N, 48), in the order of NAMES.

    Raises:
        ValueError: If a shape is wrong or a factor is out of range.
    """
    n = checks.rows("identity", identity)
    if n == 0:
        raise ValueError("there are no faces to draw: pass at least one")
    if nuisance is None:
        straight = [0.5 * (name not in ("occlusion", "noise")) for name in NUISANCES]
        nuisance = torch.tensor(straight).expand(n, -1)
    checks.shaped("identity", identity, n, len(TRAITS))
    checks.shaped("actions", actions, n, len(ACTIONS))
    checks.shaped("nuisance", nuisance, n, len(NUISANCES))
    parts = (identity, actions, nuisance)
    table = torch.cat([part.to(identity.device).float() for part in parts], 1)
    wrong = ~((table >= 0) & (table <= 1))
    if wrong.any():
        row, column = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"{NAMES[column]} of face {row} must lie between 0 and 1, got "
            f"{table[row, column].item():g}"
        )
    return table


def tint(part: str, t: Tensor) -> Tensor:
    """A colour between the ``STOPS`` of a part: t (N, 1, 1) in 0..1 → (N, 3, 1, 1)."""
    stops = torch.tensor(STOPS[part], device=t.device)
    place = t.flatten() * (len(stops) - 1)
    low = place.long().clamp(0, len(stops) - 2)
    mixed = torch.lerp(stops[low], stops[low + 1], (place - low)[:, None])
    return mixed[:, :, None, None]
