"""The contest: what else one could do with an exogenous variable, every rival alike.

Each has as many trained parameters as the baseline, as far as whole units allow, and
its learning rate and passes are chosen from one grid on validation images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from thin_mini.lab.plans import Plan, recipe
from thin_mini.lab.rows import GATE_INPUTS, Row, Run

# Learning rates, and times the passes of the other recipes.
GRID = [(lr, times) for lr in (0.003, 0.01, 0.03) for times in (1, 2)]
CHOICE_SEEDS = 2
USUAL = (0.03, 2)  # what most rivals take
TIE = 0.05  # points on validation images up to which the usual setting is kept
FEW = 1_000  # labels of all rivals
HEADLINE = "mnist-r"  # where the main rivals have twice as many seeds with so few
# For the main rivals, too, or with very many for a few of them ...
AMOUNTS = {"mnist-r": (250, 4_000, 60_000), "dsprites": (250,)}
MANY = 10_000  # ... from so many on, with the usual passes, since these suffice
ONE = ("Tree gate", "Concatenation", "Undone, then baseline", "Undone by the truth")
SHORT = ("Baseline", "Small changes, averaged", *ONE)
MAIN = (
    *SHORT,
    "Simple ensemble",
    "THIN",
    "FiLM of hidden units",
    "Oracle, two smooth numbers",
)
CONTROLS = ("Tree gate, another's h_exo", "Tree gate, untrained network")
# Where gates see the hidden layer, which may know the task: on the answer alone, too.
ON_ANSWER = {"Tree gate": "exogenous", "Concatenation": "concatenated"}
ANSWERED = tuple(f"{title}, probabilities" for title in ON_ANSWER)
# Of faces, where nothing can be undone, with ``PEOPLE``.
TOLD = ("Tree gate", "THIN", "Concatenation", "FiLM of hidden units", "Oracle")
FACES = ("Baseline", "Simple ensemble", "Start from γ_τ", *TOLD)
INPUTS = "Concatenation, experts"
AVERAGE = "Person's average removed"  # the slowest: it has the baseline's setting
# Of digits turned and scaled: who knows both, as ``ONE`` knows the turn.
BOTH = ", both"
# What validation images prefer to it with few labels, and who; by title below.
PREFERRED: dict[str, dict[tuple[float, int], tuple[str, ...]]] = {
    "mnist-r": {
        (0.003, 1): ("Tree gate", "THIN", "Reversal, weight 0.1", "Reversal, weight 1"),
        (0.003, 2): ("Oracle, two smooth numbers",),
        (0.01, 1): ("Multi-task, weight 1", "Oracle", "Tree gate, 4 experts"),
        (0.01, 2): (
            "Baseline",
            "Concatenation",
            "FiLM of hidden units",
            "No image, hidden layer alone",
            "Tree gate without batch norm",
            "Tree gate, 2 experts",
        ),
        (0.03, 1): (
            "Averaged over changes",
            "Softmax gate",
            "FiLM of h_endo",
            "Tree gate, 16 experts",
            "Tree gate, 32 experts",
        ),
    },
    "dsprites": {
        (0.003, 2): (
            "Baseline",
            "Tree gate",
            "Concatenation",
            "Undone, then baseline",
            "Simple ensemble",
            "THIN",
            "FiLM of hidden units",
            "Tree gate, another's h_exo",
            "Concatenation, probabilities",
            "No image, hidden layer alone",
        ),
        (0.01, 2): (
            "Small changes, averaged",
            "Tree gate, untrained network",
            "Tree gate, probabilities",
        ),
    },
    "cartoons": {
        (0.01, 2): ("Baseline", "Simple ensemble", "THIN", "Concatenation", AVERAGE),
        (0.03, 1): ("Tree gate", "Oracle"),
    },
}
CHOSEN = {
    world: {title: own for own, titles in settings.items() for title in titles}
    for world, settings in PREFERRED.items()
}


@dataclass(frozen=True)
class Rival:
    """One way to use an exogenous variable, or to do without.

    Attributes:
        title: Of its rows.
        model: Which of ``rival_models`` or of ``build``.
        uses: What it knows of the variable.
        network: Whether it needs a frozen exogenous network.
        changes: Of its runs.
        by: Which variables it knows, by default that of the world.
    """

    title: str
    model: str
    uses: str
    network: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    by: tuple[str, ...] = ("",)


def _rivals() -> Iterator[Rival]:
    nothing, answer, labels, truth = "nothing", "h_exo", "exogenous labels", "the truth"
    yield Rival("Baseline", "baseline", nothing)
    yield Rival("Baseline without shifts", "baseline", nothing, changes={"shift": 0})
    yield Rival("Large baseline", "large", nothing)
    yield Rival("Simple ensemble", "simple", nothing)
    yield Rival("Tree gate on h_endo", "tree", nothing)
    yield Rival("Softmax gate on h_endo", "softmax", nothing)
    yield Rival("Random changes, small", "changed-small", nothing)
    yield Rival("Random changes, large", "changed-large", nothing)
    yield Rival("Averaged over changes", "averaged", nothing)
    yield Rival("Small changes, averaged", "changed-averaged", nothing)
    yield Rival("Spatial transformer", "transformer", nothing)
    yield Rival("Tree gate", "exogenous", answer, True)
    yield Rival("THIN", "exogenous", answer, True, {"dispel": "world"})
    yield Rival("Softmax gate", "softmax-exo", answer, True)
    yield Rival("Concatenation", "concatenated", answer, True)
    yield Rival("FiLM of h_endo", "film-input", answer, True)
    yield Rival("FiLM of hidden units", "film-hidden", answer, True)
    yield Rival("Undone, then baseline", "undone", answer, True)
    yield Rival("Start from γ_τ", "baseline", labels, True, {"start": True})
    for weight in (0.1, 1.0):
        own = {"dispel": weight}
        yield Rival(f"Multi-task, weight {weight:g}", "multi-task", labels, True, own)
        yield Rival(f"Reversal, weight {weight:g}", "reversal", labels, True, own)
    yield Rival("Oracle", "oracle", truth)
    smooth = {"oracle_knows": "smooth"}
    yield Rival("Oracle, two smooth numbers", "oracle", truth, False, smooth)
    yield Rival("Undone by the truth", "undone-truth", truth)
    yield Rival("Tree gate, another's h_exo", "shuffled", nothing, True)
    yield Rival("Tree gate, untrained network", "untrained", nothing)
    yield Rival("Tree gate without batch norm", "bare-tree", answer, True)
    for title, model in zip(ANSWERED, ON_ANSWER.values(), strict=True):
        yield Rival(title, model, answer, True, {"gate_on": "probabilities"})
    for n in (2, 4, 16, 32):
        yield Rival(f"Tree gate, {n} experts", f"exogenous-{n}", answer, True)


RIVALS = {rival.title: rival for rival in _rivals()}
TWO = {  # of two variables, or of the other one
    one + BOTH: replace(RIVALS[one], network=True, by=("rotation", "scale"))
    for one in ONE
}
TWO["Undone, then baseline, scale"] = replace(RIVALS[ONE[2]], by=("scale",))
_truth = {"truth": True}
_average = _truth | {"oracle_knows": "person", "pictures": 5}
PEOPLE = {  # who tells the experts by further inputs, or removes a person's average
    rival.title: rival
    for rival in (
        Rival(INPUTS, "concatenated-experts", "h_exo", True),
        Rival(f"{INPUTS}, oracle", "concatenated-experts", "the truth", False, _truth),
        Rival(AVERAGE, "centred", "the truth", False, _average),
    )
}
# No image: what each input that a gate may have tells of the task by itself.
PROBES = {
    title: Rival(title, "alone", "h_exo", True, {"gate_on": on})
    for on in ("probabilities", "hidden", "features")
    for title in [f"No image, {GATE_INPUTS[on]} alone"]
}
NAMED = RIVALS | TWO | PEOPLE | PROBES


def runs_of(
    plan: Plan, rival: Rival, labels: int, setting: tuple[float, int], **own: Any
) -> tuple[Run, ...]:
    """A rival's runs with a learning rate and times the usual passes."""
    lr, times = setting
    changes = dict(rival.changes)
    usual = plan.protocol(labels)
    shift = changes.pop("shift", usual.shift)
    own["protocol"] = replace(usual, lr=lr, epochs=times * usual.epochs, shift=shift)
    if changes.get("dispel") == "world":
        changes["dispel"] = plan.world.dispel
    own |= {"source": plan.source, "by": plan.world.by}
    seen = plan.gate_on if rival.network else "hidden"
    own |= {"start": False, "apart": True, "gate_on": seen, **changes}
    runs = []
    for seed in plan.each_seed:
        each = rival.by if rival.network else ()
        networks = tuple(plan.network(seed, by=variable) for variable in each)
        runs.append(plan.run(rival.model, labels, seed, networks=networks, **own))
    return tuple(runs)


@recipe("rival-choices", ["mnist-r", "dsprites", "cartoons"])
def settings(plan: Plan) -> list[Row]:
    """Learning rate and passes of every rival, on validation images.

    thin-mini reproduce rival-choices --data mnist-r: 434 runs, 106 minutes on two cores
        Tree gate, lr 0.003, 1 × passes: 93.50 ± 6.92
    thin-mini reproduce rival-choices --data dsprites: 206 runs, 45 minutes on two cores
        Tree gate, lr 0.003, 2 × passes: 97.73 ± 2.16
    thin-mini reproduce rival-choices --data cartoons: 122 runs, 50 minutes on two cores
        Tree gate, lr 0.03, 1 × passes: 77.50 ± 4.07
    """
    few = replace(plan, seeds=min(plan.seeds, CHOICE_SEEDS))
    return [
        Row(
            f"{title}, lr {lr:g}, {times} × passes",
            runs_of(few, NAMED[title], few_labels(plan), (lr, times), on="valid"),
            group={"rival": title, "setting": (lr, times)},
        )
        for title in (*entered(plan), *(() if plan.world.people else PROBES))
        if title != AVERAGE
        for lr, times in GRID
    ]


@recipe("rivals", ["mnist-r", "dsprites", "mnist-rs", "cartoons"])
def contest(plan: Plan) -> list[Row]:
    """All ways to use an exogenous variable, or to do without.

    thin-mini reproduce rivals --data mnist-r: 355 runs, 130 minutes on two cores
        Undone, then baseline less Baseline, 1,000 labels: +3.66 ± 0.44
    thin-mini reproduce rivals --data dsprites: 135 runs, 35 minutes on two cores
        Undone, then baseline less Baseline, 1,000 labels: +2.32 ± 0.71
    thin-mini reproduce rivals --data mnist-rs: 70 runs, 26 minutes on two cores
        Undone, then baseline, both less Baseline, 1,000 labels: +4.06 ± 0.90
    thin-mini reproduce rivals --data cartoons: 60 runs, 43 minutes on two cores
        Simple ensemble less Baseline, 1,000 labels: +2.04 ± 0.76
    """
    few = few_labels(plan)
    cells = {few: entered(plan)}
    if few == FEW:
        for n in AMOUNTS.get(plan.world.name, ()):
            some = SHORT if n >= MANY else (*MAIN, *ANSWERED)
            if n <= plan.all_labels:
                cells[n] = tuple(title for title in cells[few] if title in some)
    return [_row(plan, title, n) for n, titles in cells.items() for title in titles]


@recipe("gate-inputs", ["mnist-r", "dsprites"])
def probes(plan: Plan) -> list[Row]:
    """A probe of the task on each input that a gate may have.

    thin-mini reproduce gate-inputs --data mnist-r: 20 runs, 6 minutes on two cores
        No image, probabilities alone, 1,000 labels: 12.56 ± 0.14
    thin-mini reproduce gate-inputs --data dsprites: 20 runs, 7 minutes on two cores
        No image, hidden layer alone, 1,000 labels: 88.90 ± 2.75
    """
    rows = (_row(plan, title, few_labels(plan)) for title in PROBES)
    return [replace(row, reference=None) for row in rows]


def _row(plan: Plan, title: str, labels: int) -> Row:
    """A rival with so many labels, held against the baseline."""
    rival, world = NAMED[title], plan.world.name
    # Digits that are scaled, too, have what turned ones prefer.
    chosen = CHOSEN.get(world, CHOSEN[HEADLINE])
    lr, times = chosen.get(title.removesuffix(BOTH), USUAL)
    setting = (lr, times if labels < MANY else 1)
    if title in MAIN and (world, labels) == (HEADLINE, FEW):
        plan = replace(plan, seeds=2 * plan.seeds)
    suffix = f", {labels:,} labels"
    return Row(
        title + suffix,
        runs_of(plan, rival, labels, setting),
        reference=None if title == "Baseline" else "Baseline" + suffix,
        group={"rival": title, "uses": rival.uses, "labels": labels},
    )


def entered(plan: Plan) -> tuple[str, ...]:
    """The rivals that take part on some data."""
    if plan.world.name == HEADLINE:
        return tuple(title for title in RIVALS if title not in ANSWERED)
    if plan.world.people:
        return (*FACES, *PEOPLE)
    if plan.world.name == "mnist-rs":
        return (*SHORT, "Simple ensemble", *TWO)
    return (*MAIN, *CONTROLS, *ANSWERED)


def few_labels(plan: Plan) -> int:
    """Labels of the contest."""
    return 128 if plan.budget.name == "smoke" else FEW
