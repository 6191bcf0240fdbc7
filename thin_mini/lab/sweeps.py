"""The recipes that vary one thing: what a gate knows, λ, the labels, a setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from thin_mini.lab.plans import RANDOM, Plan, recipe
from thin_mini.lab.rows import Row
from thin_mini.paper import NAMES

LAMBDAS = (0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5)  # Figures 4 and 5
FRESH = 100  # the first of the seeds whose people no other recipe has seen
# What the gate looks at, and λ, from random starts: the best in ``choices`` with few
# labels and with many. A test holds them to the committed results.
BEST = (("pooled", 0.5), ("hidden", 0.01))
Changes = dict[str, Any]  # of a row and its runs


@recipe("told", ["cartoons"])
def knowledge(plan: Plan) -> list[Row]:
    """What a gate has to know about people.

    thin-mini reproduce told --data cartoons: 45 runs, 39 minutes on two cores
        Told every trait less Told nothing: +2.95 ± 0.40
    """
    settings: list[tuple[str, str, Changes]] = [
        ("Told nothing", "baseline", {}),
        ("Told every trait", "oracle", {}),
        ("Told the resting expression", "oracle", {"oracle_knows": "resting"}),
        ("Told the other traits", "oracle", {"oracle_knows": "others"}),
    ]
    for name, model, own in (
        ("Sees the picture", "exogenous", {}),
        ("Sees all pictures of the person", "oracle", {"oracle_knows": "portraits"}),
    ):
        for on in ("pooled", "hidden"):
            settings.append((f"{name}, {on}", model, {**own, "gate_on": on}))
    n = plan.amounts[-1]  # many, since people have several pictures then
    same: Changes = {"reference": "Told nothing", "start": False}
    return [
        plan.row(model, n, name=name, **same, **own) for name, model, own in settings
    ]


@recipe("chosen", ["cartoons"], first=FRESH)
def best_settings(plan: Plan) -> list[Row]:
    """The settings that choices prefers for faces, with new seeds.

    And so on people whom nothing has seen before.

    thin-mini reproduce chosen --data cartoons: 35 runs, 18 minutes on two cores
        THIN less Exogenous tree-gated deep ensemble, 16,000 labels: +0.15 ± 0.07
    """
    rows = []
    for n, (gate_on, dispel) in zip(plan.amounts, BEST, strict=True):
        reference = None
        for model in ("baseline", "exogenous", "thin"):
            own: Changes = {"gate_on": gate_on, "start": False}
            own["dispel"] = dispel if model == "thin" else 0.0
            name = f"{NAMES[model]}, {n:,} labels"
            rows.append(plan.row(model, n, name=name, reference=reference, **own))
            reference = name
    return rows


@recipe("fig5", ["cartoons", "photos"], "the same for faces")
@recipe("fig4", ["mnist-r"])
def dispelling(plan: Plan) -> list[Row]:
    """λ from 0 to 0.5.

    thin-mini reproduce fig5 --data cartoons: 40 runs, 16 minutes on two cores
        λ = 0.01 less λ = 0: +0.23 ± 0.17
    thin-mini reproduce fig5 --data photos: 40 runs, 23 minutes on two cores
        λ = 0.01 less λ = 0: +0.05 ± 0.93
    thin-mini reproduce fig4 --data mnist-r: 40 runs, 53 minutes on two cores
        λ = 0.005 less λ = 0: +0.01 ± 0.16
    """
    known = plan.world.accuracies
    # The points that the paper's text gives as numbers.
    papers = {0.0: known["exogenous"], plan.world.dispel: known["thin"]}
    rows = []
    for value in LAMBDAS:
        about: Changes = {"name": f"λ = {value:g}", "reference": "λ = 0"}
        about["paper"] = papers.get(value)
        rows.append(plan.row("thin", plan.amounts[0], dispel=value, **about))
    return rows


@recipe(
    "labels-plain",
    ["mnist-r", "dsprites"],
    "few labels, without random shifts",
    plain=True,
)
@recipe("labels", ["mnist-r", "dsprites"])
def amounts_of_labels(plan: Plan) -> list[Row]:
    """From few labels to all, of the task and of the exogenous variable.

    thin-mini reproduce labels-plain --data mnist-r: 155 runs, 35 minutes on two cores
        THIN less Baseline, 1,000 labels: +3.02 ± 0.59
    thin-mini reproduce labels-plain --data dsprites: 170 runs, 32 minutes on two cores
        THIN less Baseline, 2,000 labels: +4.52 ± 1.56
    thin-mini reproduce labels --data mnist-r: 215 runs, 97 minutes on two cores
        THIN less Baseline, 1,000 labels: +1.98 ± 0.49
    thin-mini reproduce labels --data dsprites: 230 runs, 70 minutes on two cores
        THIN less Baseline, 2,000 labels: +0.16 ± 0.50
    """
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
        own: dict[str, Any] = {"against": same, "exo_labels": exo, "paper": None}
        for model in models:
            own["group"] = {"model": model, "labels": n, "exo_labels": exo}
            rows += plan.architectures(n, suffix, models=[model], **own)
    return rows


@recipe("same-input", ["mnist-r"], plain=True)
def same_gate_input(plan: Plan) -> list[Row]:
    """Gates of labels-plain that see the probabilities, as those of labels do.

    thin-mini reproduce same-input --data mnist-r: 65 runs, 12 minutes on two cores
        THIN less Baseline, 1,000 labels: +1.79 ± 0.32
    """
    everything, few = plan.all_labels, plan.few_labels
    rows = []
    for n in [few] if few == 64 else [250, few, 4_000]:
        own: dict[str, Any] = {"exo_labels": everything, "paper": None}
        own |= {"gate_on": plan.world.gate_on, "group": {"labels": n}}
        models = "baseline", "simple", "exogenous", "thin"
        rows += plan.architectures(n, f", {n:,} labels", models=models, **own)
    return rows


@recipe("six-scales", ["dsprites"], n_scales=6)
def six_scales(plan: Plan) -> list[Row]:
    """The official six scales in place of ten bins, few labels.

    thin-mini reproduce six-scales --data dsprites: 35 runs, 9 minutes on two cores
        THIN less Baseline, six scales: +0.19 ± 0.58
    """
    networks, suffix = tuple(map(plan.network, plan.each_seed)), ", six scales"
    few = plan.architectures(plan.few_labels, suffix, paper=None)
    return [Row(f"Scale, exact bin{suffix}", networks, None, "exact"), *few]


@recipe("choices", ["mnist-r", "dsprites"])
def one_by_one(plan: Plan) -> list[Row]:
    """Settings, one changed at a time, on validation images.

    thin-mini reproduce choices --data mnist-r: 55 runs, 9 minutes on two cores
        Baseline, no shift less Baseline, as chosen: -7.45 ± 0.54
    thin-mini reproduce choices --data dsprites: 55 runs, 14 minutes on two cores
        Baseline, no shift less Baseline, as chosen: -10.12 ± 1.63
    """
    usual, rows = plan.protocol(plan.few_labels), []

    def add(model: str, what: str, **own: Any) -> None:
        own |= {"reference": f"{NAMES[model]}, as chosen", "on": "valid"}
        name = f"{NAMES[model]}, {what}"
        rows.append(plan.row(model, plan.few_labels, name=name, **own))

    half, twice = max(1, usual.epochs // 2), 2 * usual.epochs
    add("baseline", "as chosen")
    add("baseline", "no shift", protocol=replace(usual, shift=0))
    add("baseline", "half the passes", protocol=replace(usual, epochs=half))
    add("baseline", "twice the passes", protocol=replace(usual, epochs=twice))
    add("exogenous", "as chosen")
    add("exogenous", "no shift", protocol=replace(usual, shift=0))
    for part in ("hidden", "features", "probabilities"):
        add("exogenous", f"gate on {part}", gate_on=part)
    for value in (0.05, 0.5):
        add("exogenous", f"λ = {value:g}", dispel=value)
    return rows


@recipe("choices", ["cartoons"])
def one_by_one_on_faces(plan: Plan) -> list[Row]:
    """Settings on validation people, one changed at a time.

    thin-mini reproduce choices --data cartoons: 125 runs, 53 minutes on two cores
        Baseline, no shift less Baseline, as chosen, 1,000 labels: -9.89 ± 0.62
    """
    usual, rows = plan.protocol(plan.amounts[0]), []

    def add(n: int, model: str, what: str, **own: Any) -> None:
        # The baseline that starts as the row does; a baseline, the one as chosen.
        alike = RANDOM if "start" in own and model != "baseline" else "as chosen"
        own |= {"reference": f"{NAMES['baseline']}, {alike}, {n:,} labels"}
        name = f"{NAMES[model]}, {what}, {n:,} labels"
        rows.append(plan.row(model, n, name=name, on="valid", **own))

    for n in plan.amounts:
        few = n == plan.amounts[0]
        parts = ("pooled", "features", "hidden", "probabilities")
        add(n, "baseline", "as chosen")
        if few:
            add(n, "baseline", "no shift", protocol=replace(usual, shift=0))
            add(n, "baseline", "lr 1e-3", protocol=replace(usual, lr=1e-3))
        for on in parts if few else parts[::2]:
            add(n, "exogenous", f"gate on {on}", gate_on=on)
        for value in (0.01, 0.1) if few else ():
            add(n, "thin", f"λ = {value:g}", dispel=value)
    for n, (better, _) in zip(plan.amounts, BEST, strict=True):
        add(n, "baseline", RANDOM, start=False)
        for on in ("pooled", "hidden"):
            add(n, "exogenous", f"gate on {on}, {RANDOM}", gate_on=on, start=False)
        for value in (0.01, 0.1, 0.5):
            what = f"gate on {better}, λ = {value:g}, {RANDOM}"
            add(n, "thin", what, gate_on=better, dispel=value, start=False)
    return rows
