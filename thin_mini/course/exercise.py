"""An exercise as the checker sees it, read from its file in ``exercises``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from thin_mini.course import exercises

TEXT = re.compile(
    r"(.+?)\n\nObjective: (.+?)\n\n1\. (.+?)\n2\. (.+?)\n3\. (.+?)\n\nNotice: (.+)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        name: Such as ``"tree-gate"``.
        chapter: Where it stands.
        level: 1 to warm up, 2 to build, 3 to explore.
        task: What goes in and what is to come out.
        objective: Of the chapter's objectives, the one that it checks.
        hints: Three, each saying more than the one before.
        notice: What to notice once it is right.
        draw: How many rows → the inputs by name, in the order of the call.
        right: The same inputs → what should come.
        mistakes: By what to say about it, each a function that is wrong in one way.
        gradients: Whether gradients are compared, device and type kept: not where the
            answer is a measure, which may be a number as well.
    """

    name: str
    chapter: int
    level: int
    task: str
    objective: str
    hints: tuple[str, ...]
    notice: str
    draw: Callable[[int], dict[str, Any]]
    right: Callable[..., Any]
    mistakes: Mapping[str, Callable[..., Any]]
    gradients: bool


def names() -> list[str]:
    """Of all exercises, in the order of the alphabet."""
    return sorted(m.name.replace("_", "-") for m in iter_modules(exercises.__path__))


def no_such(kind: str, name: str, names: list[str]) -> ValueError:
    """The error that lists the names that are nearest."""
    near = ", ".join(get_close_matches(name, names, n=3, cutoff=0.3) or names)
    return ValueError(f"no {kind} is called {name!r}; near it: {near}")


@lru_cache
def find(name: str) -> Exercise:
    """The exercise of that name.

    Raises:
        ValueError: If there is none, with the names that are nearest.
    """
    if name not in names():
        raise no_such("exercise", name, names())
    file = import_module(f"{exercises.__name__}.{name.replace('-', '_')}")
    told = TEXT.fullmatch(inspect.getdoc(file) or "")
    if told is None:
        raise ValueError(f"the docstring of {file.__name__} lacks one of its parts")
    task, objective, *hints, notice = (" ".join(part.split()) for part in told.groups())
    own = {
        key: value
        for key, value in vars(file).items()
        if inspect.isfunction(value) and value.__module__ == file.__name__
    }
    mistakes = {
        " ".join((inspect.getdoc(wrong) or key).split()): wrong
        for key, wrong in own.items()
        if key not in ("draw", "right") and key[0] != "_"
    }
    return Exercise(
        name, file.CHAPTER, file.LEVEL, task, objective, (*hints,), notice, file.draw,
        file.right, mistakes, getattr(file, "GRADIENTS", True),
    )  # fmt: skip
