"""The ledger: what the paper says, where it is here, and whether it holds."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from thin_mini.files import PACKAGE, DataError, regular_file, whole_file
from thin_mini.lab import results, verdicts
from thin_mini.lab.recipes import row_of, rows_of
from thin_mini.lab.results import SEEDS as SEEDS

SIGNS = {"higher": 1.0, "lower": -1.0, None: 0.0}
KINDS = ("equation", "table row", "figure", "sentence")
PENDING = "pending"
MEASURED = (*verdicts.VERDICTS, *verdicts.LEVELS)
VERDICTS = (*MEASURED, "implemented", "open", PENDING)
# In C, where PyYAML was built with it: ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FILE = PACKAGE.parent / "book" / "ledger.yml"  # in the repository


@dataclass(frozen=True)
class Result:
    """A row of a recipe, less another, seed by seed, if there is a ``reference``."""

    recipe: str
    data: str
    row: str
    reference: str | None = None
    metric: str | None = None  # or the row's; by_bin:0,17 is the mean of those bins


@dataclass(frozen=True)
class Entry:
    """One thing that the paper says, ``says`` in our words.

    Its number is a ``value`` (percent), a ``difference`` of two entries that
    ``compares`` names (points; in percent, as printed: ``relative``) or, where there is
    none, a ``direction``. A direction beside a difference is all that is judged: the
    result is of other data than the paper's. ``close`` says that the claim is that two
    rows are close. The ``result`` that judges is of the setting that is nearest to the
    paper's, with all labels if there are such runs; ``also`` has others, shown with
    verdicts of their own, by what they are. ``chapter`` is a page without suffix,
    ``cell`` a cell's id, ``symbol`` a dotted name, ``test`` is ``tests/file.py::name``.
    """

    id: str
    kind: str
    section: str
    says: str
    verdict: str
    value: float | None = None
    difference: float | None = None
    relative: float | None = None
    direction: str | None = None
    close: bool = False
    compares: tuple[str, ...] = ()
    chapter: str | None = None
    cell: str | None = None
    symbol: str | None = None
    test: str | None = None
    result: Result | None = None
    also: dict[str, Result] = field(default_factory=dict)


def load(path: Path = FILE) -> list[Entry]:
    """Read and check a ledger; a ValueError names the entry and what is wrong."""
    try:
        regular_file(path)  # a pipe would be waited for
        items = yaml.load(path.read_text("utf-8"), Loader=LOADER)
    except (OSError, DataError, UnicodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    entries = [_entry(item) for item in items or []]
    ids = [entry.id for entry in entries]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"more than one entry is called {', '.join(twice)}")
    return entries


def _entry(item: Any) -> Entry:
    try:
        r = Result(**item["result"]) if "result" in item else None
        also = {about: Result(**own) for about, own in item.get("also", {}).items()}
        compares = tuple(item.get("compares", ()))
        e = Entry(**(item | {"compares": compares, "result": r, "also": also}))
    except (TypeError, AttributeError) as error:  # the message names the key
        raise ValueError(f"{str(item)[:60]}: {error}") from error
    gain = e.direction if e.difference is None else e.difference
    nothing = e.value is None, gain is None and not e.close
    claims = 2 - sum(nothing)
    turned = e.difference is not None and e.direction == _sign(-e.difference)
    fitting = MEASURED if r else ("implemented", "open")
    proven = e.symbol and e.test
    wrong = {
        f"unknown kind {e.kind!r}": e.kind not in KINDS,
        f"unknown verdict {e.verdict!r}": e.verdict not in VERDICTS,
        "close is true or false": not isinstance(e.close, bool),
        "a direction is higher or lower": e.direction not in (None, "higher", "lower"),
        "the direction is not that of the difference": turned,
        "give one of value, difference, direction, close": not bool(r) <= claims <= 1,
        "only a value has no reference": any(
            bool(own.reference) == bool(e.value) for own in results_of(e).values()
        ),
        "also goes with a result": bool(e.also) and r is None,
        f"{e.verdict!r} does not fit": e.verdict not in (*fitting, PENDING),
        "name symbol and test": e.verdict == "implemented" and not proven,
        "name a chapter": not e.chapter and (r or e.verdict != PENDING),
    }
    if found := [about for about, is_wrong in wrong.items() if is_wrong]:
        raise ValueError(f"{e.id}: {found[0]}")
    return e


def results_of(entry: Entry) -> dict[str, Result]:
    """What is held against an entry, by what it is: that which judges has no name."""
    return ({"": entry.result} if entry.result else {}) | entry.also


def measured(result: Result, root: Path | None = None) -> list[float]:
    """Its numbers, seed by seed, on real MNIST; empty if fewer than ``SEEDS``."""
    return results.measured(**asdict(result), root=root)


def computed_verdict(entry: Entry, root: Path) -> str:
    """What the results say; the entry's own verdict where it has no result."""
    return judged(entry, entry.result, root) if entry.result else entry.verdict


def judged(entry: Entry, result: Result, root: Path) -> str:
    """What a result says of an entry's claim, its own or one of its ``also``.

    The paper's number is held against as many labels as the paper's, by its data; with
    few, and where it has a ``direction`` beside it, its sign alone.
    """
    ours = measured(result, root)
    if not ours:
        return PENDING
    rows = rows_of(result.recipe, result.data, SEEDS, "paper", "mnist")
    row = row_of(rows, result.row)
    metric, labels = (result.metric or row.metric).partition(":")[0], row.runs[0].labels
    smallest = verdicts.smallest_effect(metric, labels)
    if entry.value is not None:
        return verdicts.judge_level(entry.value, ours, smallest)
    level = None
    if result.reference and metric not in verdicts.SCALES:
        other = replace(result, row=result.reference, reference=None)
        level = fmean(measured(other, root))
    number = entry.direction is None and labels >= verdicts.MANY
    paper = SIGNS[entry.direction] if entry.difference is None else entry.difference
    return verdicts.judge(paper, ours, smallest, number, entry.close, level)


def corrected(
    entries: list[Entry], root: Path
) -> dict[str, tuple[float, float, float]]:
    """By id, p of no difference, and corrected by Holm and by Benjamini and Hochberg.

    Of two entries that rest on the same differences the first has it.
    """
    found: dict[tuple[float, ...], str] = {}
    for e in entries:
        if e.result and e.result.reference and (ours := measured(e.result, root)):
            found.setdefault(tuple(ours), e.id)
    p = [verdicts.p_value(ours) for ours in found]
    holm, hochberg = verdicts.corrected(p)
    return dict(zip(found.values(), zip(p, holm, hochberg, strict=True), strict=True))


def _sign(difference: float) -> str:
    return "higher" if difference > 0 else "lower"


def disagreements(entries: list[Entry], root: Path) -> dict[str, tuple[str, str]]:
    """By id, the verdicts that stand against what the results say, and those."""
    found = {e.id: (e.verdict, computed_verdict(e, root)) for e in entries}
    return {name: pair for name, pair in found.items() if len(set(pair)) > 1}


def update(path: Path, root: Path) -> None:
    """Rewrite the verdicts that disagree with the results, and nothing else.

    Raises:
        ValueError: If runs that verdicts rest on are not in ``root``: nothing is
            written then.
    """
    text = path.read_text("utf-8")
    wrong = disagreements(load(path), root)
    if lost := [name for name, (_, now) in wrong.items() if now == PENDING]:
        raise ValueError(
            f"{root} lacks the runs of {len(lost)} verdicts, {lost[0]} first: {path} "
            "stays as it is; make them, or name their folder with --results"
        )
    for name, (_, now) in wrong.items():
        pattern = rf"(^- id: {re.escape(name)}$(?:\n .*)*?\n  verdict: ).*$"
        text = re.sub(pattern, rf"\g<1>{now}", text, flags=re.M)
    with whole_file(path) as temporary:
        temporary.write_text(text, "utf-8")
