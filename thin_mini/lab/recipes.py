"""All recipes by name, and the rows that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from thin_mini.basics.kinds import checked
from thin_mini.data.store import OfflineError, find_mnist, stand_in_wanted

# Where the recipes enter themselves, in this order.
from thin_mini.lab import paper_tables, sweeps  # noqa: F401

# isort: split
from thin_mini.lab import contest  # noqa: F401

# isort: split
from thin_mini.lab import confounded  # noqa: F401

# isort: split
from thin_mini.lab import few_labels  # noqa: F401
from thin_mini.lab.plans import RECIPES, Plan
from thin_mini.lab.rows import Row
from thin_mini.lab.worlds import WORLDS
from thin_mini.profiles import profile


@checked
def data_of(recipe: str, data: str = "all") -> tuple[str, ...]:
    """The data sets that a recipe runs on, or the one of them that is asked for.

    All but those that not everyone has.

    Raises:
        ValueError: If there is no such recipe, or it does not run on these data.
    """
    known = look_up("unknown recipe", recipe, RECIPES).makers
    if data == "all":
        return tuple(name for name in known if not WORLDS[name].private)
    look_up(f"{recipe} has no rows on", data, {**known, "all": None})
    return (data,)


@checked
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
    if seeds < 2:
        raise ValueError(f"an interval needs at least 2 seeds, got {seeds}")
    if source not in (None, "mnist", "digits"):
        raise ValueError(f"source must be 'mnist' or 'digits', got {source!r}")
    budget, world, own = profile(profile_name), WORLDS[data], RECIPES[recipe]
    if source is None and world.sources:
        real = budget.name == "paper" or _has_mnist()
        source = "mnist" if real else "digits"
    came = source if source and world.sources else ""
    rows = own.makers[data](Plan(world, budget, seeds, came, **own.options))
    if budget.name == "paper" and source != "digits":
        return rows
    # Fewer images and passes, or other digits: nothing to hold beside the paper.
    return [replace(row, paper=None) for row in rows]


def committed_rows() -> list[Row]:
    """The rows of all recipes whose runs are committed."""
    return [
        row
        for name, recipe in RECIPES.items()
        for data in recipe.makers
        for row in rows_of(name, data, 5, "paper", "mnist")
    ]


@checked
def row_of(rows: list[Row], name: str) -> Row:
    """The row called ``name``, or a ValueError with the names there are."""
    return look_up("unknown row", name, {row.name: row for row in rows})


@checked
def look_up(about: str, name: str, known: Mapping[str, Any]) -> Any:
    """What is known by a name, or a ValueError that says which names there are."""
    if name in known:
        return known[name]
    names = ", ".join(map(repr, known))
    raise ValueError(f"{about} {name!r}: there are {names}{nearest(name, known)}")


@checked
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
