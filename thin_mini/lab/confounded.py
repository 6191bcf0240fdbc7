"""When the exogenous variable goes with the task, and what dispelling does then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from thin_mini.lab.contest import CHOSEN, USUAL, few_labels
from thin_mini.lab.plans import Plan, recipe
from thin_mini.lab.rows import Row, Run

STRENGTHS = (0.0, 0.5, 0.8, 0.95)
HEADLINE = 0.8  # nine in ten digits are turned to their side
STRONG = 0.5  # λ, the largest of Figures 4 and 5
# As the contest has them: of a gate and of THIN, those are the usual settings.
TUNED = ", as tuned"
# Name of a row: the model, whether F_φ starts from γ_τ, λ.
MODELS: dict[str, tuple[str, bool, float]] = {
    "Baseline": ("baseline", False, 0.0),
    "Baseline" + TUNED: ("baseline", False, 0.0),
    "Tree gate": ("exogenous", False, 0.0),
    "THIN": ("exogenous", False, 0.005),
    "Undone, then baseline" + TUNED: ("undone", False, 0.0),
    "Baseline from γ_τ": ("baseline", True, 0.0),
    "Baseline from γ_τ, λ = 0.5": ("baseline", True, STRONG),
    "Tree gate from γ_τ": ("exogenous", True, 0.0),
    "THIN from γ_τ": ("exogenous", True, 0.005),
    "THIN from γ_τ, λ = 0.5": ("exogenous", True, STRONG),
}
# How h_endo is emptied, and with which weights; "" is Eq. 7.
REMOVED: dict[str, tuple[str, tuple[float, ...]]] = {
    "nothing": ("", (0.0,)),
    "Eq. 7": ("", (0.005, 0.05, STRONG)),
    "Eq. 7, centred": ("centred", (0.05, STRONG)),
    "Eq. 7, a random reader": ("random", (0.05, STRONG)),
    "Eq. 7, c_σ retrained": ("retrained", (0.05, STRONG)),
    "gradient reversal": ("reversal", (0.1, 1.0)),
    "cross-covariance": ("xcov", (1.0, 10.0)),
    "erased after training": ("erased", (0.0,)),
}


def runs_of(
    plan: Plan, model: str, labels: int, start: bool, dispel: float, **own: Any
) -> tuple[Run, ...]:
    """A row's runs, with the angle probed in h_endo."""
    own |= {"source": plan.source, "by": plan.world.by, "start": start}
    own |= {"dispel": dispel, "gate_on": plan.gate_on, "apart": True, "probed": True}
    own.setdefault("protocol", plan.protocol(labels))
    return tuple(
        plan.run(model, labels, seed, networks=(plan.network(seed),), **own)
        for seed in plan.each_seed
    )


@recipe("confounding", ["mnist-r"])
def confounded(plan: Plan) -> list[Row]:
    """Training digits that tell their angle: how the gate's gain turns.

    thin-mini reproduce confounding --data mnist-r: 260 runs, 53 minutes on two cores
        Tree gate, confounded 0.95 less Baseline, confounded 0.95: -7.94 ± 2.12
    """
    rows, n = [], few_labels(plan)
    usual = plan.protocol(n)
    for strength in STRENGTHS:
        suffix = f", confounded {strength:g}"
        each = replace(plan, seeds=plan.seeds * (2 if strength == HEADLINE else 1))
        for name, (model, start, dispel) in MODELS.items():
            protocol = usual
            if name.endswith(TUNED):
                lr, times = CHOSEN["mnist-r"].get(name.removesuffix(TUNED), USUAL)
                protocol = replace(usual, lr=lr, epochs=times * usual.epochs)
            own = {"confounded": strength, "protocol": protocol}
            # What dispelling brings is held against the same start without it.
            first = f"{TITLES[model]} from γ_τ" if start and dispel else "Baseline"
            rows.append(
                Row(
                    name + suffix,
                    runs_of(each, model, n, start, dispel, **own),
                    reference=None if name == "Baseline" else first + suffix,
                    group={"model": name, "confounded": strength},
                )
            )
    return rows


TITLES = {"baseline": "Baseline", "exogenous": "Tree gate"}
# From a random start c_σ reads nothing: what differs from Eq. 7 in the reader is left
# out there.
NEED_NO_READER = ("", "reversal", "xcov", "erased")


@recipe("removers", ["mnist-r"])
def removers(plan: Plan) -> list[Row]:
    """Eq. 7 beside other ways to empty h_endo, from both starts.

    thin-mini reproduce removers --data mnist-r: 260 runs, 52 minutes on two cores
        Eq. 7, λ = 0.5, from γ_τ, confounded 0.8 less Nothing, from γ_τ: +0.48 ± 0.35
    """
    rows, n = [], few_labels(plan)
    for strength in (0.0, HEADLINE):
        each = replace(plan, seeds=plan.seeds * (2 if strength else 1))
        for start in (False, True):
            about = f"from {'γ_τ' if start else 'a random start'}"
            suffix = f", {about}, confounded {strength:g}"
            for name, (remover, weights) in REMOVED.items():
                if not start and remover not in NEED_NO_READER:
                    continue
                for weight in weights[-1:] if strength else weights:
                    title = f"{name}, λ = {weight:g}" if weight else name
                    own = {"remover": remover, "confounded": strength}
                    group = {"removed": title, "start": about, "confounded": strength}
                    first = None if name == "nothing" else f"Nothing{suffix}"
                    runs = runs_of(each, "baseline", n, start, weight, **own)
                    row = title[0].upper() + title[1:] + suffix
                    rows.append(Row(row, runs, reference=first, group=group))
    return rows
