"""The recipes that vary one thing: what a gate knows, λ, the labels, a setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from thin_mini.lab.plans import BINNED, FACES, RANDOM, Plan, architectures, recipe
from thin_mini.lab.runs import Row
from thin_mini.paper import NAMES

LAMBDAS = (0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5)  # Figures 4 and 5
FRESH = 100  # the first of the seeds whose people no other recipe has seen
# What the gate looks at, and λ, from random starts: the best in ``choices`` with few
# labels and with many. A test holds them to the committed results.
CHOSEN = (("pooled", 0.5), ("hidden", 0.01))
FEW = "THIN, [12],000 labels, 60,000"  # where conditioning should pay
Changes = dict[str, Any]  # of runs


@recipe("told", ["cartoons"], "Told every trait")
def told(plan: Plan) -> list[Row]:
    """What a gate has to know about people."""
    first = "Told nothing"
    settings: dict[str, tuple[str, dict[str, Any]]] = {
        first: ("baseline", {}),
        "Told every trait": ("oracle", {}),
        "Told the resting expression": ("oracle", {"oracle_knows": "resting"}),
        "Told the other traits": ("oracle", {"oracle_knows": "others"}),
    }
    for on in ("pooled", "hidden"):
        settings[f"Sees the picture, {on}"] = ("exogenous", {"gate_on": on})
    for on in ("pooled", "hidden"):
        seen = {"gate_on": on, "oracle_knows": "portraits"}
        settings[f"Sees all pictures of the person, {on}"] = ("oracle", seen)
    rows = []
    for name, (model, own) in settings.items():
        about = {"name": name, "reference": first}
        n = plan.amounts[-1]  # many, since people have several pictures then
        rows.append(plan.row(model, n, about=about, start=False, **own))
    return rows


@recipe("chosen", ["cartoons"], "THIN", first=FRESH)
def chosen(plan: Plan) -> list[Row]:
    """The settings that choices prefers for faces, with new seeds.

    And so on people whom nothing has seen before.
    """
    rows = []
    for n, (gate_on, dispel) in zip(plan.amounts, CHOSEN, strict=True):
        reference = None
        for model in ("baseline", "exogenous", "thin"):
            name = f"{NAMES[model]}, {n:,} labels"
            about = {"name": name, "reference": reference}
            own: Changes = {"gate_on": gate_on, "start": False}
            own["dispel"] = dispel if model == "thin" else 0.0
            rows.append(plan.row(model, n, about=about, **own))
            reference = name
    return rows


@recipe("fig5", FACES, "λ = 0.01$", "the same for faces")
@recipe("fig4", ["mnist-r"], "λ = 0.005")
def dispelling(plan: Plan) -> list[Row]:
    """λ from 0 to 0.5."""
    n, world = plan.amounts[0], plan.world
    # The points that the paper's text gives as numbers.
    papers = {
        0.0: world.accuracies["exogenous"],
        world.dispel: world.accuracies["thin"],
    }
    rows = []
    for value in LAMBDAS:
        about = {"name": f"λ = {value:g}", "paper": papers.get(value)}
        about["reference"] = "λ = 0"
        rows.append(plan.row("thin", n, about=about, dispel=value))
    return rows


@recipe("labels-plain", BINNED, FEW, "few labels, without random shifts", plain=True)
@recipe("labels", BINNED, FEW)
def labels(plan: Plan) -> list[Row]:
    """From few labels to all, of the task and of the exogenous variable."""
    everything, few = plan.all_labels, plan.few_labels
    steps = [64, 128] if few == 64 else [250, 1_000, 4_000, 16_000]
    # Without shifts, only where labels are few.
    tasks = {*steps[:3], few} if plan.plain else {*steps, few, everything}
    amounts = [(n, everything) for n in sorted(tasks) if n <= everything]
    amounts += [(few, n) for n in steps[1:] if n < everything]
    if plan.world.views > 1:  # an angle costs nothing: each digit under several
        amounts.append((few, plan.world.views * everything))
    rows = []
    for n, exo in dict.fromkeys(amounts):
        # Without exogenous labels nothing changes but with them.
        models = NAMES if exo == everything else ("exogenous", "thin")
        same, suffix = (f", {n:,} labels, {m:,} exogenous" for m in (everything, exo))
        made = architectures(
            plan, n, suffix, models=models, against=same, exo_labels=exo
        )
        for model, row in zip(models, made, strict=True):
            group = {"model": model, "labels": n, "exo_labels": exo}
            rows.append(replace(row, paper=None, group=group))
    return rows


@recipe("six-scales", ["dsprites"], "THIN", n_scales=6)
def six_scales(plan: Plan) -> list[Row]:
    """The official six scales in place of ten bins, few labels."""
    networks, suffix = tuple(map(plan.network, plan.each_seed)), ", six scales"
    few = architectures(plan, plan.few_labels, suffix, about={"paper": None})
    return [Row(f"Scale, exact bin{suffix}", networks, None, "exact"), *few]


@recipe("choices", BINNED, "Baseline, no shift")
def choices(plan: Plan) -> list[Row]:
    """Settings, one changed at a time, on validation images."""
    usual = plan.protocol(plan.few_labels)
    half, twice = max(1, usual.epochs // 2), 2 * usual.epochs
    no_shift: Changes = {"protocol": replace(usual, shift=0)}
    settings: list[tuple[str, str, Changes]] = [
        ("baseline", "as chosen", {}),
        ("baseline", "no shift", no_shift),
        ("baseline", "half the passes", {"protocol": replace(usual, epochs=half)}),
        ("baseline", "twice the passes", {"protocol": replace(usual, epochs=twice)}),
        ("exogenous", "as chosen", {}),
        ("exogenous", "no shift", no_shift),
    ]
    for part in ("hidden", "features", "probabilities"):
        settings.append(("exogenous", f"gate on {part}", {"gate_on": part}))
    for value in (0.05, 0.5):
        settings.append(("exogenous", f"λ = {value:g}", {"dispel": value}))
    rows = []
    for model, what, own in settings:
        about = {"name": f"{NAMES[model]}, {what}"}
        about["reference"] = f"{NAMES[model]}, as chosen"
        rows.append(plan.row(model, plan.few_labels, about=about, on="valid", **own))
    return rows


@recipe("choices", ["cartoons"], "")
def face_choices(plan: Plan) -> list[Row]:
    """Settings on validation people, one changed at a time."""
    few, *many = plan.amounts
    usual = plan.protocol(few)
    gates: list[tuple[str, str, Changes]] = [
        ("exogenous", f"gate on {on}", {"gate_on": on})
        for on in ("pooled", "features", "hidden", "probabilities")
    ]
    settings: list[tuple[int, str, str, Changes]] = [
        (few, "baseline", "as chosen", {}),
        (few, "baseline", "no shift", {"protocol": replace(usual, shift=0)}),
        (few, "baseline", "lr 1e-3", {"protocol": replace(usual, lr=1e-3)}),
        *((few, *gate) for gate in gates),
        *((few, "thin", f"λ = {value:g}", {"dispel": value}) for value in (0.01, 0.1)),
    ]
    for n in many:
        settings.append((n, "baseline", "as chosen", {}))
        settings += [(n, *gate) for gate in gates[::2]]
    for n, (better, _) in zip(plan.amounts, CHOSEN, strict=True):
        settings.append((n, "baseline", RANDOM, {"start": False}))
        for model, what, own in gates[::2]:
            settings.append((n, model, f"{what}, {RANDOM}", {**own, "start": False}))
        for value in (0.01, 0.1, 0.5):
            what = f"gate on {better}, λ = {value:g}, {RANDOM}"
            own = {"gate_on": better, "dispel": value, "start": False}
            settings.append((n, "thin", what, own))
    rows = []
    for n, model, what, own in settings:
        # The baseline that starts as the row does; a baseline, the one as chosen.
        alike = RANDOM if "start" in own and model != "baseline" else "as chosen"
        about = {"name": f"{NAMES[model]}, {what}, {n:,} labels"}
        about["reference"] = f"{NAMES['baseline']}, {alike}, {n:,} labels"
        rows.append(plan.row(model, n, about=about, on="valid", **own))
    return rows
