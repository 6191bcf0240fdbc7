"""How much to compute: one switch, ``THIN_MINI_PROFILE``, for every chapter."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Profile:
    """Sizes and epochs; the code is the same under every profile.

    Attributes:
        name: smoke, lecture or paper.
        n_images: Training images; every one has an exogenous label.
        n_labelled: Those of them that also have a task label, in the chapters where
            task labels are scarce.
        n_test: Test images.
        epochs: Passes over all the images.
        labelled_epochs: Passes over the labelled ones.
        n_seeds: Repetitions of a comparison.
        n_probe: Images that a probe is fitted on, and at most as many to test it.
        device: Where a chapter has its models, settled by ``tm.course.setup``; two
            profiles are equal whatever it is.
    """

    name: str
    n_images: int
    n_labelled: int
    n_test: int
    epochs: int
    labelled_epochs: int
    n_seeds: int
    n_probe: int
    device: str = field(default="cpu", compare=False)


PROFILES = {
    p.name: p
    for p in (
        Profile("smoke", 512, 256, 256, 1, 1, 2, 200),
        Profile("lecture", 16_000, 1_000, 3_000, 5, 6, 5, 1_500),
        Profile("paper", 60_000, 60_000, 10_000, 10, 10, 5, 5_000),
    )
}


def profile(name: str | None = None) -> Profile:
    """The profile called ``name``, by default the one ``THIN_MINI_PROFILE`` names.

    Raises:
        ValueError: If there is no such profile.
    """
    default = os.environ.get("THIN_MINI_PROFILE") or "lecture"
    named = default if name is None else name
    if named not in PROFILES:
        about = "" if name is not None else " in THIN_MINI_PROFILE"
        raise ValueError(
            f"unknown profile {named!r}{about}: choose from {', '.join(PROFILES)}"
        )
    return PROFILES[named]
