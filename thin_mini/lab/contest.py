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

USUAL = (0.03, 2)  # what most rivals take
HEADLINE = 1_000
# What validation images prefer to it (learning rate, times the passes of the other
# recipes) with 1,000 labels.
CHOSEN: dict[str, dict[str, tuple[float, int]]] = {
    "mnist-r": {
        "Baseline": (0.01, 2),
        "Large baseline": (0.01, 2),
        "Tree gate on h_endo": (0.01, 2),
        "Averaged over changes": (0.01, 2),
        "Small changes, averaged": (0.01, 2),
        "Tree gate": (0.003, 1),
        "THIN": (0.003, 1),
        "Concatenation": (0.01, 2),
        "FiLM of h_endo": (0.03, 1),
        "FiLM of hidden units": (0.01, 2),
        "Reversal, weight 0.1": (0.003, 1),
        "Multi-task, weight 1": (0.01, 1),
        "Reversal, weight 1": (0.003, 1),
        "Oracle": (0.01, 1),
        "Oracle, two smooth numbers": (0.003, 2),
        "Tree gate without batch norm": (0.01, 2),
        "Tree gate, 2 experts": (0.01, 2),
        "Tree gate, 4 experts": (0.01, 1),
        "Tree gate, 16 experts": (0.03, 1),
        "Tree gate, 32 experts": (0.03, 1),
    }
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
    seen = plan.gate_on if rival.network else "hidden"
    own |= {"start": False, "apart": True, "gate_on": seen, **changes}
    runs = []
    for seed in plan.each_seed:
        networks = (plan.network(seed),) if rival.network else ()
        runs.append(plan.run(rival.model, labels, seed, networks=networks, **own))
    return tuple(runs)


@recipe("rivals", ["mnist-r"])
def contest(plan: Plan) -> list[Row]:
    """All ways to use an exogenous variable, or to do without.

    thin-mini reproduce rivals --data mnist-r: 170 runs, 40 minutes on two cores
        Undone, then baseline less Baseline, 1,000 labels: +3.69 ± 0.75
    """
    n = few_labels(plan)
    suffix, rows = f", {n:,} labels", []
    for title, rival in RIVALS.items():
        runs = runs_of(plan, rival, n, CHOSEN[plan.world.name].get(title, USUAL))
        group = {"rival": title, "uses": rival.uses, "labels": n}
        row = Row(title + suffix, runs, reference="Baseline" + suffix, group=group)
        rows.append(replace(row, reference=None) if title == "Baseline" else row)
    return rows


def few_labels(plan: Plan) -> int:
    """Labels of the contest."""
    return 128 if plan.budget.name == "smoke" else HEADLINE
