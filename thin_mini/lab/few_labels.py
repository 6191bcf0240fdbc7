"""When the gate starves: heads and gates that spare labels, on drawn faces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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
PLAIN = ("Baseline", "Baseline, slower", "Baseline, smaller first logits", SIMPLE)
TOLD_HEADS = tuple(title for title in HEADS if title not in PLAIN)
# What a head is told, and how its runs say so, ...
TOLD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "every trait": {"truth": True},
    "the resting expression": {"truth": True, "oracle_knows": "resting"},
    "the pooled map": {"gate_on": "pooled"},
    "8 components": {"gate_on": "pooled", "summary": "components"},
}
# ... and which heads are.
TRIED: dict[str, tuple[str, ...]] = {
    "nothing": PLAIN,
    "every trait": TOLD_HEADS,
    "the resting expression": ("Concatenation, experts",),
    "the pooled map": ("Tree gate", "Concatenation, experts"),
    "8 components": tuple(
        title for title in TOLD_HEADS if title not in ("Annealed tree", "FiLM")
    ),
}


def name_of(title: str, told: str) -> str:
    """Of a row."""
    return title if told == "nothing" else f"{title}, told {told}"


def runs_of(plan: Plan, title: str, told: str, **own: Any) -> tuple[Run, ...]:
    """A row's runs, all encoders from random starts of their own."""
    n = plan.few_labels
    model, changes = HEADS[title]
    own |= {"source": plan.source, "by": plan.world.by, "apart": True}
    own |= changes | TOLD[told]
    usual = plan.protocol(n)
    own["protocol"] = replace(usual, lr=own.pop("lr", usual.lr))
    networks = "gate_on" in own
    return tuple(
        plan.run(
            model,
            n,
            seed,
            networks=(plan.network(seed),) if networks else (),
            **own,
        )
        for seed in plan.each_seed
    )


def rows_of(plan: Plan, tried: dict[str, tuple[str, ...]], on: str) -> list[Row]:
    """A row for each head and what it is told."""
    rows = []
    for told, titles in tried.items():
        for title in titles:
            group = {"head": title, "told": told}
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
    """Heads and gates that spare labels, 1,000 labels, on validation people."""
    return rows_of(plan, TRIED, "valid")
