"""The paper's experiments on faces as data: Table 4, Figure 5, and the map of labels.

The paper's data sets may not be passed on, so the rows are made on drawn faces
(``"cartoons"``) and on a folder of photographs (``"photos"``). The paper's numbers
beside them are those of RAF-DB, and only the directions of differences are judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from thin_mini.paper import FACE_LAMBDA, NAMES, TABLE_1, TABLE_4
from thin_mini.plans import beside, lambda_sweep
from thin_mini.profiles import Profile
from thin_mini.runs import CELEBRITIES, Protocol, Row, Run

FRESH = 100  # the first of the seeds whose people no other recipe has seen
RANDOM = "random start"
MODELS = tuple(name for name in NAMES if name != "oracle")  # of Table 4
SCRATCH = f"Baseline, {RANDOM}"
# Images, people and test images under each profile. The photographs are the 11,959
# of LFW with an expression label, split by person; all 5,265 people are classes.
CARTOONS = {
    "smoke": (512, 32, 256),
    "lecture": (8_000, 400, 2_000),
    "paper": (40_000, 2_000, 5_000),
}
PHOTOS = (10_196, 5_265, 1_763)
GATE_INPUTS = ("pooled", "features", "hidden", "probabilities")
# What the gate looks at, and λ, from random starts: the best in ``choices`` with few
# labels and with many. A test holds them to the committed results.
CHOSEN = (("pooled", 0.5), ("hidden", 0.01))


@dataclass(frozen=True)
class FacePlan:
    """What all rows of a recipe on faces share."""

    data: str
    budget: Profile
    seeds: int
    first: int = 0  # of the seeds

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Training images, the people whom they show, and test images."""
        return PHOTOS if self.data == "photos" else CARTOONS[self.budget.name]

    @property
    def few_labels(self) -> int:
        """Few expression labels, as beside the identities there are."""
        return 64 if self.budget.name == "smoke" else 1_000

    @property
    def amounts(self) -> list[int]:
        """Expression labels, few and many; of the photographs, all there are."""
        n = self.sizes[0]
        if self.data == "photos":
            return [n]
        return sorted({self.few_labels, min(n, 16_000)})

    def protocol(self, labels: int) -> Protocol:
        """Ours; ``choices`` on faces bears its settings out."""
        if self.budget.name == "smoke":
            return Protocol(self.budget.epochs)
        passes = ((2_000, 30), (5_000, 15), (20_000, 8))
        return Protocol(next((n for limit, n in passes if labels <= limit), 6))

    def network(self, seed: int) -> Run:
        """The network that knows people: others than those whose expressions are read.

        So was the paper's. Of the photographs there are no others.
        """
        n, people, n_test = self.sizes
        return Run(
            self.data,
            CELEBRITIES if self.data == "cartoons" else "",
            "network",
            "identity",
            n,
            n_test,
            seed,
            self.protocol(n),
            n_people=people,
        )

    def row(
        self,
        model: str,
        labels: int,
        *,
        name: str | None = None,
        dispel: float | None = None,
        gate_on: str = "pooled",
        start: bool = True,
        on: str = "test",
        told: str = "traits",
        protocol: Protocol | None = None,
        **about: object,
    ) -> Row:
        """A row of one architecture."""
        gated = model in ("exogenous", "thin")
        if dispel is None:
            dispel = FACE_LAMBDA if model == "thin" else 0.0
        _, people, n_test = self.sizes
        looks = gated or told == "portraits"

        def run(seed: int) -> Run:
            return Run(
                self.data,
                "",
                "exogenous" if gated else model,
                "identity",
                labels,
                n_test,
                seed,
                protocol or self.protocol(labels),
                (self.network(seed),) if looks or start else (),
                gate_on if looks else "hidden",
                dispel,
                on,
                n_people=people,
                start=start,
                told=told,
            )

        seeds = range(self.first, self.first + self.seeds)
        runs = tuple(run(seed) for seed in seeds)
        about = {"comparable": False} | about
        return Row(name or NAMES[model], runs, **about)  # type: ignore[arg-type]


def identity(plan: FacePlan) -> list[Row]:
    """Table 1's row: pairs of people whom the network has never seen."""
    networks = tuple(plan.network(seed) for seed in range(plan.seeds))
    return [
        Row("Identity, pair accuracy", networks, TABLE_1["identity"], "pair_accuracy")
    ]


def table4(plan: FacePlan) -> list[Row]:
    """The architectures, all but the first started from the identity network."""
    rows = []
    papers = TABLE_4["RAF-DB"][1:]  # its first row starts from ImageNet
    for labels in plan.amounts:
        about, group = f", {labels:,} labels", {"labels": labels}
        first, usual = SCRATCH + about, NAMES["baseline"] + about
        scratch = plan.row(
            "baseline",
            labels,
            name=first,
            start=False,
            group=group,
        )
        rows.append(scratch)
        for model, paper in zip(MODELS, papers, strict=True):
            rows.append(
                plan.row(
                    model,
                    labels,
                    name=NAMES[model] + about,
                    paper=paper,
                    reference=first if model == "baseline" else usual,
                    beside=beside(model, about),
                    group=group,
                )
            )
    return rows


def table4_random(plan: FacePlan) -> list[Row]:
    """The same, every encoder started at random, and an oracle that knows traits."""
    rows = []
    for labels in plan.amounts:
        about, group = f", {labels:,} labels", {"labels": labels}
        for model, name in NAMES.items():
            rows.append(
                plan.row(
                    model,
                    labels,
                    name=name + about,
                    start=False,
                    reference=None
                    if model == "baseline"
                    else NAMES["baseline"] + about,
                    beside=beside(model, about),
                    group=group,
                )
            )
    return rows


def told(plan: FacePlan) -> list[Row]:
    """What a gate must know of people: the rows of ``table4_random`` taken apart."""
    labels, first = plan.amounts[-1], "Told nothing"  # people have several pictures
    settings: dict[str, tuple[str, dict]] = {
        first: ("baseline", {}),
        "Told every trait": ("oracle", {}),
        "Told the resting expression": ("oracle", {"told": "resting"}),
        "Told the other traits": ("oracle", {"told": "others"}),
    }
    for on in ("pooled", "hidden"):
        settings[f"Sees the picture, {on}"] = ("exogenous", {"gate_on": on})
    for on in ("pooled", "hidden"):
        seen = {"gate_on": on, "told": "portraits"}
        settings[f"Sees all pictures of the person, {on}"] = ("oracle", seen)
    return [
        plan.row(
            model,
            labels,
            name=name,
            start=False,
            reference=None if name == first else first,
            **setting,
        )
        for name, (model, setting) in settings.items()
    ]


def chosen(plan: FacePlan) -> list[Row]:
    """The settings that ``choices`` prefers, on people whom nothing has seen before."""
    plan, rows = replace(plan, first=FRESH), []
    for n, (gate_on, dispel) in zip(plan.amounts, CHOSEN, strict=True):
        reference = None
        for model in ("baseline", "exogenous", "thin"):
            name = f"{NAMES[model]}, {n:,} labels"
            rows.append(
                plan.row(
                    model,
                    n,
                    name=name,
                    gate_on=gate_on,
                    dispel=dispel if model == "thin" else None,
                    start=False,
                    reference=reference,
                )
            )
            reference = name
    return rows


def fig5(plan: FacePlan) -> list[Row]:
    """THIN with the identity-dispelling loss from nothing to too much."""
    n = plan.few_labels if plan.data == "cartoons" else plan.sizes[0]
    return lambda_sweep(partial(plan.row, "thin", n), {0.0: 87.29, 0.01: 87.81})


def face_choices(plan: FacePlan) -> list[Row]:
    """Settings on validation people, one changed at a time."""
    few, *many = plan.amounts
    usual = plan.protocol(few)
    settings: list[tuple[int, str, str, dict]] = [
        (few, "baseline", "as chosen", {}),
        (few, "baseline", "no shift", {"protocol": replace(usual, shift=0)}),
        (few, "baseline", "lr 1e-3", {"protocol": replace(usual, lr=1e-3)}),
        *((few, "exogenous", f"gate on {on}", {"gate_on": on}) for on in GATE_INPUTS),
        *((few, "thin", f"λ = {value:g}", {"dispel": value}) for value in (0.01, 0.1)),
    ]
    for n in many:
        settings.append((n, "baseline", "as chosen", {}))
        for on in ("pooled", "hidden"):
            settings.append((n, "exogenous", f"gate on {on}", {"gate_on": on}))
    for n, (better, _) in zip(plan.amounts, CHOSEN, strict=True):
        at_random: list[tuple[str, str, dict]] = [("baseline", "", {})]
        for on in ("pooled", "hidden"):
            at_random.append(("exogenous", f"gate on {on}, ", {"gate_on": on}))
        for value in (0.01, 0.1, 0.5):
            about = f"gate on {better}, λ = {value:g}, "
            at_random.append(("thin", about, {"gate_on": better, "dispel": value}))
        for model, about, setting in at_random:
            settings.append((n, model, about + RANDOM, setting | {"start": False}))
    rows = []
    for n, model, about, setting in settings:
        # The baseline that starts as the row does; a baseline, the one as chosen.
        alike = RANDOM if "start" in setting and model != "baseline" else "as chosen"
        first = f"{NAMES['baseline']}, {alike}, {n:,} labels"
        name = f"{NAMES[model]}, {about}, {n:,} labels"
        reference = None if name == first else first
        rows.append(
            plan.row(model, n, name=name, on="valid", reference=reference, **setting)
        )
    return rows
