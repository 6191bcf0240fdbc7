"""The worlds: how each kind of data is drawn, read and measured, and who is told what.

A new kind of data is one more entry of ``WORLDS``, and one where its module loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from thin_mini import paper
from thin_mini.lab.rows import Run
from thin_mini.profiles import Profile

# (labels, epochs): over at most so many labelled images so many passes.
PASSES = ((500, 80), (2_000, 40), (8_000, 20), (30_000, 10), (100_000, 6), (10**9, 3))
FACE_PASSES = ((2_000, 30), (5_000, 15), (20_000, 8), (10**9, 6))
WAYS = {  # how well a network recognises the bin: the name of the way, its metric
    "range-relative": "range_relative",
    "exact bin": "exact",
    "within one bin": "within_one",
}
# Images, people and test images under each profile.
CARTOONS = {
    "smoke": (512, 32, 256),
    "lecture": (8_000, 400, 2_000),
    "paper": (40_000, 2_000, 5_000),
}
# The 11,959 of LFW with an expression label, split by person; all people are classes.
PHOTOS = dict.fromkeys(CARTOONS, (10_196, 5_265, 1_763))


@dataclass(frozen=True)
class World:
    """A kind of data with a task and an exogenous variable, by default in bins.

    Attributes:
        name: Of the data.
        by: The exogenous variable, unless a row says otherwise.
        n_classes: Of the task.
        module: Whose functions ``does`` has.
        ways: The metrics of a network's recognition of ``by``, by name.
        recognised: The first of them in the paper, in percent.
        gate_on: What a gate sees of a network; ``choices`` compares, on validation.
        dispel: λ of THIN.
        start: Whether F_φ starts from the network, as in section 4.3.
        few: Task labels where conditioning should pay.
        many: Those of a second table, unless one table with all labels is made.
        passes: Over the labelled images, as above.
        people: Training images, people and test images by profile, of faces.
        views: Under how many bins an image can be shown at no cost.
        sources: Where the images may come from, unless they are drawn.
        strangers: The source of networks, if they learn from other images.
        draws_validation: Whether ``load`` draws validation images; else they are cut
            from the training images.
        accuracies: The paper's by architecture; for faces those on RAF-DB.
        comparable: Whether these are of the same data, or only directions count.
        private: Whether not everyone has the data, so that they are asked for by name.
    """

    name: str
    by: str
    n_classes: int
    module: str = "bin_runs"
    ways: Mapping[str, str] = field(default_factory=lambda: WAYS)
    recognised: float | None = None
    gate_on: str = "hidden"
    dispel: float = paper.PAPER_LAMBDA
    start: bool = False
    few: int = 1_000
    many: int | None = None
    passes: tuple[tuple[int, int], ...] = PASSES
    people: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    views: int = 1
    sources: tuple[str, ...] = ()
    strangers: str = ""
    draws_validation: bool = False
    accuracies: Mapping[str, float] = field(default_factory=dict)
    comparable: bool = True
    private: bool = False

    @property
    def does(self) -> ModuleType:
        """What is done with its data, imported here since tables need none of it.

        Functions ``load`` (run, n) ↦ n training images, and the test images;
        ``encoder`` run ↦ F_φ or γ_τ, untrained, or None for the one that models draw;
        ``oracle`` (run, train, test, networks) ↦ what tells the gate the truth; and
        ``measure`` (run, model, test) ↦ the numbers that a result keeps.
        """
        return import_module(f"{__package__}.{self.module}")

    def sizes(self, budget: Profile) -> tuple[int, int, int]:
        """Training images, the people whom they show, and test images."""
        usual = budget.n_images, 0, budget.n_test
        return self.people.get(budget.name, usual)


def n_exo(run: Run) -> int:
    """Classes of the exogenous variable."""
    return {"rotation": 18, "scale": run.n_scales, "identity": run.n_people}[run.by]


_DIGITS: dict[str, Any] = {
    "by": "rotation",
    "n_classes": 10,
    "gate_on": "probabilities",
    "sources": ("mnist", "digits"),
}
_FACES: dict[str, Any] = {
    "by": "identity",
    "n_classes": 7,
    "module": "face_runs",
    "recognised": paper.TABLE_1["identity"],
    "ways": {"pair accuracy": "pair_accuracy"},
    "gate_on": "pooled",
    "dispel": paper.FACE_LAMBDA,
    "start": True,
    "passes": FACE_PASSES,
    "draws_validation": True,
    "accuracies": dict(zip(paper.MODELS, paper.TABLE_4["RAF-DB"][1:], strict=True)),
    "comparable": False,
}
_ALL = (
    World(
        "mnist-r",
        views=4,
        recognised=paper.TABLE_1["mnist-r"],
        accuracies=dict(zip(paper.NAMES, paper.TABLE_2["mnist-r"], strict=True)),
        **_DIGITS,
    ),
    World("mnist-rs", **_DIGITS),
    World(
        "dsprites",
        by="scale",
        n_classes=3,
        few=2_000,
        recognised=paper.TABLE_1["dsprites"],
        accuracies=dict(zip(paper.NAMES, paper.TABLE_2["dsprites"], strict=True)),
    ),
    World("cartoons", people=CARTOONS, many=16_000, strangers="celebrities", **_FACES),
    World("photos", people=PHOTOS, private=True, **_FACES),
)
WORLDS = {world.name: world for world in _ALL}
