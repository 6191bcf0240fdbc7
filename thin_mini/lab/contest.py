"""The contest: what else one could do with an exogenous variable, every rival alike.

Each has as many trained parameters as the baseline, as far as whole units allow, and
its learning rate and passes are chosen from one grid on validation images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from thin_mini.lab.plans import Plan, recipe
from thin_mini.lab.rows import Row, Run

GRID = [(lr, times) for lr in (3e-3, 1e-2, 3e-2) for times in (1, 2)]
USUAL = (3e-3, 1)  # the settings of the other recipes
CHOICE_SEEDS = 1
AMOUNTS = (250, 1_000, 4_000)
HEADLINE = 1_000
# What validation prefers to the usual (learning rate, times the passes) with 1,000
# labels; a test holds it to the committed results.
CHOSEN: dict[str, dict[str, tuple[float, int]]] = {}


@dataclass(frozen=True)
class Rival:
    """One way to use an exogenous variable, or to do without.

    Attributes:
        title: Of its rows.
        model: Which of ``rival_models`` or of ``build``.
        uses: What it knows of the variable.
        network: Whether it needs a frozen exogenous network.
        changes: Of its runs.
    """

    title: str
    model: str
    uses: str
    network: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


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
    for n in (2, 4, 16, 32):
        yield Rival(f"Tree gate, {n} experts", f"exogenous-{n}", answer, True)


RIVALS = {rival.title: rival for rival in _rivals()}


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
    own |= {"start": False, "apart": True, "gate_on": "hidden", **changes}
    if rival.network:
        own["gate_on"] = plan.gate_on
    runs = []
    for seed in plan.each_seed:
        networks = (plan.network(seed),) if rival.network else ()
        runs.append(plan.run(rival.model, labels, seed, networks=networks, **own))
    return tuple(runs)


@recipe("rival-choices", ["mnist-r", "dsprites"])
def settings(plan: Plan) -> list[Row]:
    """Learning rate and passes of every rival, on validation images."""
    few = replace(plan, seeds=min(plan.seeds, CHOICE_SEEDS))
    return [
        Row(
            named(title, lr, times),
            runs_of(few, rival, few_labels(plan), (lr, times), on="valid"),
            group={"rival": title, "lr": lr, "passes": times},
        )
        for title, rival in RIVALS.items()
        for lr, times in GRID
    ]


@recipe("rivals", ["mnist-r", "dsprites"])
def contest(plan: Plan) -> list[Row]:
    """All ways to use an exogenous variable, with few labels and with more."""
    rows = []
    headline = few_labels(plan)
    amounts = (64, headline) if headline < HEADLINE else AMOUNTS
    for n in dict.fromkeys(amounts):
        more = replace(plan, seeds=2 * plan.seeds) if n == headline else plan
        for title, rival in RIVALS.items():
            setting = CHOSEN.get(plan.world.name, {}).get(title, USUAL)
            suffix = f", {n:,} labels"
            rows.append(
                Row(
                    title + suffix,
                    runs_of(more, rival, n, setting),
                    reference=None if title == "Baseline" else "Baseline" + suffix,
                    group={"rival": title, "uses": rival.uses, "labels": n},
                )
            )
    return rows


def few_labels(plan: Plan) -> int:
    """Labels of the headline cell."""
    return 128 if plan.budget.name == "smoke" else HEADLINE


def named(title: str, lr: float, times: int) -> str:
    """The row of a rival under one setting."""
    return f"{title}, lr {lr:g}, {times} × passes"
