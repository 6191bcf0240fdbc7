"""When the gate starves: heads and gates that spare labels, on drawn faces."""

from __future__ import annotations

from typing import Any

from thin_mini.lab import contest
from thin_mini.lab.contest import Rival
from thin_mini.lab.plans import Plan, recipe
from thin_mini.lab.rows import Row, Run

REFERENCE, SIMPLE = "Baseline", "Simple ensemble"
# A head or a gate: which of ``rival_models`` or of ``build``, and changes of its runs.
HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    REFERENCE: ("baseline", {}),
    "Baseline, slower": ("baseline", {"lr": 1e-3}),
    "Baseline, smaller first logits": ("scaled", {}),
    SIMPLE: ("simple", {}),
    "Tree gate": ("told-tree", {}),
    "Random frozen tree": ("frozen-tree", {}),
    "Tree blended with uniform": ("blended", {}),
    "Annealed tree": ("annealed", {}),
    "Shared head, small differences": ("shrunk", {"dispel": 0.01}),
    "FiLM": ("film-hidden", {}),
    "FiLM, experts": ("film-experts", {}),
    "Concatenation": ("concatenated", {}),
    "Concatenation, experts": ("concatenated-experts", {}),
}
PLAIN = (REFERENCE, "Baseline, slower", "Baseline, smaller first logits", SIMPLE)
TOLD_HEADS = tuple(title for title in HEADS if title not in PLAIN)
BEST = "Concatenation, experts"
# Identity cannot be undone, but a person's average can be taken away (``Centred``).
AVERAGED_OVER = (1, 5)  # pictures
WITHOUT = {k: f"Person's average removed, k = {k}" for k in AVERAGED_OVER}
HEADS |= {title: ("centred", {"pictures": k}) for k, title in WITHOUT.items()}
# What a head is told, and how its runs say so, ...
_POOLED = {"gate_on": "pooled"}
_COMPONENTS = _POOLED | {"summary": "components"}
TOLD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "who it is": {"truth": True, "oracle_knows": "person"},
    "every trait": {"truth": True},
    "the resting expression": {"truth": True, "oracle_knows": "resting"},
    "the pooled map": _POOLED,
    "8 components": _COMPONENTS,
    "8 components of the hidden layer": _COMPONENTS | {"gate_on": "hidden"},
    "8 clusters": _POOLED | {"summary": "clusters"},
    "8 components of 5 pictures": _COMPONENTS | {"pictures": 5},
    "8 components of 10 pictures": _COMPONENTS | {"pictures": 10},
}
# ... and which heads are.
TRIED: dict[str, tuple[str, ...]] = {
    "nothing": PLAIN,
    "who it is": tuple(WITHOUT.values()),
    "every trait": TOLD_HEADS,
    "the resting expression": ("Tree gate", BEST),
    "the pooled map": ("Tree gate", BEST),
    "8 components": tuple(
        title for title in TOLD_HEADS if title not in ("Annealed tree", "FiLM")
    ),
    "8 components of the hidden layer": (BEST,),
    "8 clusters": ("Tree gate", BEST),
    "8 components of 5 pictures": (BEST,),
    "8 components of 10 pictures": ("Shared head, small differences", BEST),
}


def name_of(title: str, told: str) -> str:
    """Of a row."""
    return title if told in ("nothing", "who it is") else f"{title}, told {told}"


def runs_of(plan: Plan, title: str, told: str, on: str) -> tuple[Run, ...]:
    """A row's runs, all encoders from random starts of their own."""
    n, (model, changes) = plan.few_labels, HEADS[title]
    changes = changes | TOLD[told]
    lr = changes.pop("lr", plan.protocol(n).lr)
    rival = Rival(title, model, told, "gate_on" in changes, changes)
    return contest.runs_of(plan, rival, n, (lr, 1), on=on)


def rows_of(plan: Plan, tried: dict[str, tuple[str, ...]], on: str) -> list[Row]:
    """A row for each head and what it is told."""
    rows = []
    for told, titles in tried.items():
        for title in titles:
            group: dict[str, object] = {"head": title, "told": told}
            rows.append(
                Row(
                    name_of(title, told),
                    runs_of(plan, title, told, on=on),
                    reference=None if title == REFERENCE else REFERENCE,
                    beside=None if title in PLAIN else SIMPLE,
                    group=group,
                    comparable=False,
                )
            )
    return rows


@recipe("starving", ["cartoons"])
def spared(plan: Plan) -> list[Row]:
    """Heads and gates that spare labels, 1,000 labels, on validation people.

    thin-mini reproduce starving --data cartoons: 165 runs, 46 minutes on two cores
        Tree gate, told every trait less Baseline: -1.82 ± 0.75
    """
    return rows_of(plan, TRIED, "valid")
