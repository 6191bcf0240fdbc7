"""The paper's synthetic experiments as data: which rows, which runs, which budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from thin_mini.data.store import OfflineError, find_mnist, stand_in_wanted
from thin_mini.face_recipes import (
    FacePlan,
    chosen,
    face_choices,
    fig5,
    identity,
    table4,
    table4_random,
    told,
)
from thin_mini.paper import NAMES, TABLE_1, TABLE_2
from thin_mini.plans import Plan, beside, lambda_sweep
from thin_mini.profiles import Profile, profile
from thin_mini.runs import Row


def table1(plan: Plan) -> list[Row]:
    """How well the exogenous variable is recognised, three ways (chapter 3)."""
    paper = TABLE_1[plan.data]
    variable, everything = plan.by.capitalize(), plan.all_labels
    amounts = {variable: everything}
    if plan.data == "mnist-r":
        amounts["Four angles a digit"] = 4 * everything
    ways = {
        "range-relative": "range_relative",
        "exact bin": "exact",
        "within one bin": "within_one",
    }
    return [
        Row(
            f"{about}, {way}",
            tuple(plan.network(plan.by, n, seed) for seed in range(plan.seeds)),
            paper,
            metric,
        )
        for about, n in amounts.items()
        for way, metric in ways.items()
    ]


def table2(plan: Plan) -> list[Row]:
    """The architectures at about 200,000 parameters each."""
    papers = TABLE_2[plan.data]
    return [
        plan.row(
            model,
            paper=paper,
            reference=None if model == "baseline" else "Baseline",
            beside=beside(model),
        )
        for model, paper in zip(NAMES, papers, strict=True)
    ]


def table3(plan: Plan) -> list[Row]:
    """Digits under rotation and scale, by what the gate looks at."""
    return [
        plan.row("tree", name="Digit", paper=96.68),
        *(
            plan.row("exogenous", name=name, by=by, paper=paper, reference="Digit")
            for name, by, paper in (
                ("Scale", ("scale",), 97.22),
                ("Rotation", ("rotation",), 97.4),
                ("Rotation + Scale", ("rotation", "scale"), 97.63),
            )
        ),
    ]


def fig4(plan: Plan) -> list[Row]:
    """THIN with the dispelling loss from nothing to too much."""
    return lambda_sweep(partial(plan.row, "thin"), {0.0: 98.07, 0.005: 98.26})


def labels(plan: Plan) -> list[Row]:
    """Where conditioning pays: from few task labels, and from few exogenous ones."""
    everything = plan.budget.n_images
    few = plan.few_labels
    steps = [64, 128] if few == 64 else [250, 1_000, 4_000, 16_000]
    # Without shifts, only where labels are few.
    tasks = {*steps[:3], few} if plan.plain else {*steps, few, everything}
    amounts = [(n, everything) for n in sorted(tasks) if n <= everything]
    amounts += [(few, n) for n in steps[1:] if n < everything]
    if plan.data == "mnist-r":  # an angle costs nothing: each digit under four
        amounts.append((few, 4 * everything))
    rows = []
    for task, exo in dict.fromkeys(amounts):
        # Without exogenous labels nothing changes but with them.
        models = NAMES if exo == everything else ("exogenous", "thin")
        for model in models:
            group = {"model": model, "labels": task, "exo_labels": exo}
            name = f"{NAMES[model]}, {task:,} labels, {exo:,} exogenous"
            same = f", {task:,} labels, {everything:,} exogenous"
            rows.append(
                plan.row(
                    model,
                    name=name,
                    labels=task,
                    exo_labels=exo,
                    reference=None if model == "baseline" else NAMES["baseline"] + same,
                    beside=beside(model, same),
                    group=group,
                )
            )
    return rows


def six_scales(plan: Plan) -> list[Row]:
    """The official six scales of dSprites instead of ten bins, where labels are few."""
    plan, n = replace(plan, n_scales=6), plan.few_labels
    networks, *_ = (row.runs for row in table1(plan))
    names = {model: f"{name}, six scales" for model, name in NAMES.items()}
    return [
        Row("Scale, exact bin, six scales", networks, None, "exact"),
        *(
            plan.row(
                model,
                name=name,
                labels=n,
                reference=None if model == "baseline" else names["baseline"],
                beside=beside(model, ", six scales"),
            )
            for model, name in names.items()
        ),
    ]


def choices(plan: Plan) -> list[Row]:
    """Settings on validation images, one changed at a time, where labels are few."""
    n = plan.few_labels
    usual = plan.protocol(n)
    passes = usual.epochs
    protocols = {
        "as chosen": usual,
        "no shift": replace(usual, shift=0),
        "half the passes": replace(usual, epochs=max(1, passes // 2)),
        "twice the passes": replace(usual, epochs=2 * passes),
    }
    settings: list[tuple[str, str, dict[str, Any]]] = [
        ("baseline", about, {"protocol": protocol})
        for about, protocol in protocols.items()
    ]
    for about in ("as chosen", "no shift"):
        settings.append(("exogenous", about, {"protocol": protocols[about]}))
    for part in ("hidden", "features", "probabilities"):
        settings.append(("exogenous", f"gate on {part}", {"gate_on": part}))
    for value in (0.05, 0.5):
        settings.append(("exogenous", f"λ = {value:g}", {"dispel": value}))
    return [
        plan.row(
            model,
            name=f"{NAMES[model]}, {about}",
            labels=n,
            on="valid",
            reference=None if about == "as chosen" else f"{NAMES[model]}, as chosen",
            **setting,
        )
        for model, about, setting in settings
    ]


DIGITS_AND_SPRITES = ("mnist-r", "dsprites")
FACES = ("cartoons", "photos")
# The data sets that a recipe runs on, and what makes its rows there.
RECIPES: dict[str, dict[str, Callable[[Any], list[Row]]]] = {
    "table1": dict.fromkeys(DIGITS_AND_SPRITES, table1)
    | dict.fromkeys(FACES, identity),
    "table2": dict.fromkeys(DIGITS_AND_SPRITES, table2),
    "table2-paper": {"mnist-r": table2},
    "table3": {"mnist-rs": table3},
    "table4": dict.fromkeys(FACES, table4),
    "table4-random": {"cartoons": table4_random},
    "told": {"cartoons": told},
    "chosen": {"cartoons": chosen},
    "fig4": {"mnist-r": fig4},
    "fig5": dict.fromkeys(FACES, fig5),
    "labels": dict.fromkeys(DIGITS_AND_SPRITES, labels),
    "labels-plain": dict.fromkeys(DIGITS_AND_SPRITES, labels),
    "six-scales": {"dsprites": six_scales},
    "choices": dict.fromkeys(DIGITS_AND_SPRITES, choices) | {"cartoons": face_choices},
}
DATA = tuple(dict.fromkeys(data for sets in RECIPES.values() for data in sets))


def data_of(recipe: str, data: str = "all") -> tuple[str, ...]:
    """The data sets that a recipe runs on, or the one of them that is asked for.

    All but the photographs, which not everyone has.

    Raises:
        ValueError: If there is no such recipe, or it does not run on these data.
    """
    if recipe not in RECIPES:
        raise ValueError(
            f"unknown recipe {recipe!r}: there are {', '.join(RECIPES)}"
            f"{nearest(recipe, RECIPES)}"
        )
    known = tuple(RECIPES[recipe])
    if data not in (*known, "all"):
        raise ValueError(
            f"{recipe} has no rows on {data!r}: choose from {', '.join(known)}, all"
            f"{nearest(data, known)}"
        )
    if data != "all":
        return (data,)
    return tuple(name for name in known if name != "photos")  # only asked by name


def rows_of(
    recipe: str,
    data: str,
    seeds: int = 5,
    profile_name: str | None = None,
    source: str | None = None,
) -> list[Row]:
    """The rows of a recipe on one data set.

    Args:
        recipe: A key of ``RECIPES``.
        data: One of the data sets that it runs on.
        seeds: Repetitions, at least 2.
        profile_name: The budget, by default the current profile's. The paper's
            numbers stand beside those of the paper profile alone.
        source: Where the digits come from; by default real MNIST under the paper
            profile, and else what there is.

    Raises:
        ValueError: If an argument is unknown or out of range.
        DataError: If the paper profile finds no MNIST.
    """
    data_of(recipe, data)
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 2:
        raise ValueError(f"an interval needs at least 2 seeds, got {seeds}")
    if source not in (None, "mnist", "digits"):
        raise ValueError(f"source must be 'mnist' or 'digits', got {source!r}")
    budget = profile(profile_name)
    rows = RECIPES[recipe][data](_plan(recipe, data, seeds, budget, source))
    if budget.name == "paper" and source != "digits":
        return rows
    # Fewer images and passes, or other digits: nothing to hold beside the paper.
    return [replace(row, paper=None) for row in rows]


def _plan(
    recipe: str, data: str, seeds: int, budget: Profile, source: str | None
) -> Plan | FacePlan:
    if data in FACES:
        return FacePlan(data, budget, seeds)
    if data == "dsprites":
        source = ""
    elif source is None:
        source = "mnist" if budget.name == "paper" or _has_mnist() else "digits"
    suffix = recipe.partition("-")[2]
    return Plan(data, source, budget, seeds, suffix == "paper", suffix == "plain")


def check_row(rows: list[Row], name: str) -> None:
    """Raise a ValueError with the names there are unless one of them is ``name``."""
    if name not in {row.name for row in rows}:
        names = ", ".join(repr(row.name) for row in rows)
        about = nearest(name, [row.name for row in rows])
        raise ValueError(f"unknown row {name!r}: there are {names}{about}")


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message: which known name was probably meant, if there is one."""
    by_lower = {own.lower(): own for own in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f"; the nearest is {by_lower[close[0]]!r}" if close else ""


def _has_mnist() -> bool:
    try:
        return not stand_in_wanted() and find_mnist(download=False) is not None
    except OfflineError:
        return False
