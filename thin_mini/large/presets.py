"""What ``thin-mini train`` offers, and with which settings, without heavy imports."""

from __future__ import annotations

from dataclasses import dataclass

# The rows of Table 4.
MODELS = ("baseline", "simple", "tree", "exogenous", "thin")
RESULT = "result.json"


@dataclass(frozen=True)
class Preset:
    """What an encoder is trained with unless told otherwise."""

    size: int
    steps: int
    batch_size: int
    lr: float
    every: int
    n_experts: int
    hidden: int | tuple[int, ...]


PRESETS = {
    "small": Preset(48, 1_000, 64, 1e-3, 100, 8, 32),  # minutes on a laptop
    "vgg16": Preset(224, 100_000, 16, 1e-5, 1_000, 32, (512, 512)),  # the paper's
}
# What F_φ starts from, as the names of rows have it.
STARTS = {
    "random": "random start",
    "imagenet": "from ImageNet",
    "identity": "from the identity network",
    "vggface": "from VGG-Face",
}
