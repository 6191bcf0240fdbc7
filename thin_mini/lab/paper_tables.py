"""The recipes of the paper's tables.

The paper's faces may not be passed on, so theirs are drawn (``"cartoons"``) or from a
folder of photographs (``"photos"``). The paper's numbers beside them are those of
RAF-DB, and only the directions of differences are judged.
"""

from __future__ import annotations

from dataclasses import replace

from thin_mini.lab.plans import BINNED, FACES, RANDOM, Plan, architectures, recipe
from thin_mini.lab.runs import Row
from thin_mini.paper import MODELS, NAMES


@recipe("table1", (*BINNED, *FACES), ".*(range-relative|pair accuracy)")
def table1(plan: Plan) -> list[Row]:
    """How well the exogenous variable is recognised."""
    amounts = {plan.world.by.capitalize(): plan.all_labels}
    if plan.world.views > 1:
        amounts["Four angles a digit"] = plan.world.views * plan.all_labels
    rows = []
    for what, n in amounts.items():
        networks = tuple(plan.network(seed, n) for seed in plan.each_seed)
        paper = plan.world.recognised
        for way, metric in plan.world.ways.items():
            rows.append(Row(f"{what}, {way}", networks, paper, metric))
    return rows


@recipe(
    "table2-paper",
    ["mnist-r"],
    "THIN",
    "the same, trained by the paper's protocol",
    paper_protocol=True,
)
@recipe("table2", BINNED, "THIN")
def table2(plan: Plan) -> list[Row]:
    """The six architectures."""
    return architectures(plan)


@recipe("table3", ["mnist-rs"], "Rotation")
def table3(plan: Plan) -> list[Row]:
    """Gates on the digit, the scale, the rotation and both."""
    gates = {
        "Scale": (("scale",), 97.22),
        "Rotation": (("rotation",), 97.4),
        "Rotation + Scale": (("rotation", "scale"), 97.63),
    }
    rows = [plan.row("tree", about={"name": "Digit", "paper": 96.68})]
    for name, (by, paper) in gates.items():
        about = {"name": name, "paper": paper, "reference": "Digit"}
        rows.append(plan.row("exogenous", by=by, about=about))
    return rows


@recipe("table4", FACES, "THIN")
def table4(plan: Plan) -> list[Row]:
    """Faces, encoders started from the identity network."""
    rows = []
    for n in plan.amounts:
        suffix, group = f", {n:,} labels", {"labels": n}
        # What the paper starts from ImageNet starts at random here.
        first = {"name": f"{NAMES['baseline']}, {RANDOM}{suffix}", "group": group}
        rows.append(plan.row("baseline", n, about=first, start=False))
        group_of = {"group": group}
        made = architectures(plan, n, suffix, models=MODELS, about=group_of)
        rows += [replace(made[0], reference=rows[-1].name), *made[1:]]
    return rows


@recipe("table4-random", ["cartoons"], "THIN")
def table4_random(plan: Plan) -> list[Row]:
    """The same, started at random, and an oracle of the true traits."""
    rows = []
    for n in plan.amounts:
        about = {"group": {"labels": n}, "paper": None}
        rows += architectures(plan, n, f", {n:,} labels", about=about, start=False)
    return rows
