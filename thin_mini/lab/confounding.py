"""When the exogenous variable goes with the task, and what dispelling does then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from thin_mini.lab.contest import few_labels
from thin_mini.lab.plans import Plan, recipe
from thin_mini.lab.rows import Row, Run

STRENGTHS = (0.0, 0.5, 0.8, 0.95)
HEADLINE = 0.8  # nine in ten digits are turned to their side
STRONG = 0.5  # λ, the largest of Figures 4 and 5
# Name of a row: the model, whether F_φ starts from γ_τ, λ.
MODELS: dict[str, tuple[str, bool, float]] = {
    "Baseline": ("baseline", False, 0.0),
    "Tree gate": ("exogenous", False, 0.0),
    "THIN": ("exogenous", False, 0.005),
    "THIN, λ = 0.5": ("exogenous", False, STRONG),
    "Undone, then baseline": ("undone", False, 0.0),
    "Baseline from γ_τ": ("baseline", True, 0.0),
    "Baseline from γ_τ, λ = 0.5": ("baseline", True, STRONG),
    "Tree gate from γ_τ": ("exogenous", True, 0.0),
    "THIN from γ_τ": ("exogenous", True, 0.005),
    "THIN from γ_τ, λ = 0.5": ("exogenous", True, STRONG),
}
# How h_endo is emptied, and with which weight; "" is Eq. 7.
REMOVED: dict[str, tuple[str, float]] = {
    "nothing": ("", 0.0),
    "Eq. 7": ("", STRONG),
    "Eq. 7, centred": ("centred", STRONG),
    "Eq. 7, a random reader": ("random", STRONG),
    "Eq. 7, c_σ retrained": ("retrained", STRONG),
    "gradient reversal": ("reversal", 0.1),
    "cross-covariance": ("xcov", 1.0),
    "erased after training": ("erased", 0.0),
}


def runs_of(
    plan: Plan, model: str, labels: int, start: bool, dispel: float, **own: Any
) -> tuple[Run, ...]:
    """A row's runs, with the angle probed in h_endo."""
    own |= {"source": plan.source, "by": plan.world.by, "start": start}
    own |= {"dispel": dispel, "gate_on": plan.gate_on, "apart": True, "probed": True}
    own["protocol"] = plan.protocol(labels)
    return tuple(
        plan.run(model, labels, seed, networks=(plan.network(seed),), **own)
        for seed in plan.each_seed
    )


@recipe("confounding", ["mnist-r"])
def confounded(plan: Plan) -> list[Row]:
    """Training digits that tell their angle: how the gate's gain turns."""
    rows, n = [], few_labels(plan)
    for strength in STRENGTHS:
        more = replace(plan, seeds=2 * plan.seeds) if strength == HEADLINE else plan
        suffix = f", confounded {strength:g}"
        for name, (model, start, dispel) in MODELS.items():
            # What dispelling brings is held against the same start without it.
            first = f"{model_title(model)} from γ_τ" if start and dispel else "Baseline"
            rows.append(
                Row(
                    name + suffix,
                    runs_of(more, model, n, start, dispel, confounded=strength),
                    reference=None if name == "Baseline" else first + suffix,
                    group={"model": name, "confounded": strength},
                )
            )
    return rows


def model_title(model: str) -> str:
    """As the rows call it."""
    return {"baseline": "Baseline", "exogenous": "Tree gate"}[model]


@recipe("removers", ["mnist-r"])
def removers(plan: Plan) -> list[Row]:
    """Eq. 7 beside other ways to empty h_endo, from both starts."""
    rows, n = [], few_labels(plan)
    for strength in (0.0, HEADLINE):
        for model in ("baseline", "exogenous"):
            for start in (False, True):
                about = f"{model_title(model)} from {'γ_τ' if start else 'random'}"
                suffix = f", {about}, confounded {strength:g}"
                for name, (remover, dispel) in REMOVED.items():
                    own = {"remover": remover, "confounded": strength}
                    group = {"removed": name, "model": about, "confounded": strength}
                    first = None if name == "nothing" else f"Removed: nothing{suffix}"
                    runs = runs_of(plan, model, n, start, dispel, **own)
                    row = Row(f"Removed: {name}{suffix}", runs, reference=first)
                    rows.append(replace(row, group=group))
    return rows
