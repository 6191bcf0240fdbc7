"""What the moving figures show of results/: scripts of numbers, and still pictures.

A page on a disk may load scripts alone, so numbers are a script that leaves them where
the figure looks. They are those of each seed; the page computes means and intervals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from thin_mini.basics.intervals import mean_interval
from thin_mini.data import factors
from thin_mini.data.cartoons import draw_people
from thin_mini.insight import plots
from thin_mini.lab import results
from thin_mini.lab.confounded import TUNED
from thin_mini.lab.recipes import RECIPES, row_of, rows_of
from thin_mini.lab.rows import Row, Run
from thin_mini.lab.verdicts import smallest_effect

VERSION = 1  # of what is written; parts.js asks for the same
MEASURES = {
    "accuracy": "digits",
    "read": "c_σ",
    "linear": "a linear probe",
    "mlp": "an MLP probe",
}  # in percent, beside |cos|


STARTS = {"apart": "a random start", "network": "γ_τ"}


def rows(recipe: str, data: str) -> list[Row]:
    """A recipe's committed rows."""
    return rows_of(recipe, data, results.SEEDS, "paper", "mnist")


def by_seed(row: Row, metric: str = "accuracy") -> list[float | None] | None:
    """A row's numbers in the order of its seeds, or None if a result has none such."""
    try:
        found = results.values(replace(row, metric=metric))
    except results.ResultError:  # not measured of these runs
        return None
    return [found.get(run.seed) for run in row.runs] if found else None


def start_of(run: Run) -> str:
    """Where F_φ starts: as γ_τ ends, as it began by accident, or on its own."""
    if run.start:
        return "network"
    return "apart" if run.apart else "together"


@cache
def of_lambda() -> list[dict[str, Any]]:
    """Each model under each λ: from which start, and what was measured of it."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for recipe in ("removers", "confounding", "fig4"):
        for row in rows(recipe, "mnist-r"):
            run = row.runs[0]
            title = {"baseline": "Baseline", "exogenous": "THIN"}.get(run.model)
            values = {metric: by_seed(row, metric) for metric in (*MEASURES, "cosine")}
            tuned = TUNED in row.name
            if title is None or run.remover or tuned or values["accuracy"] is None:
                continue
            line = {
                "model": f"{title}, {run.labels:,} labels",
                "start": start_of(run),
                "confounded": run.confounded,
                "lambda": run.dispel,
                "values": values,
            }
            found.setdefault(tuple([*line.values()][:4]), line)
    return [*found.values()]


# For the interval: what it is called, the recipe, and the two rows.
PAIRS = (
    ("1,000 labels", "labels", "{}, 1,000 labels, 60,000 exogenous"),
    ("250 labels", "labels", "{}, 250 labels, 60,000 exogenous"),
    ("60,000 labels, as in Table 2", "table2", "{}"),
)


def of_interval() -> list[dict[str, Any]]:
    """THIN and the baseline by seed, and what the paper claims of the two."""
    found = []
    for title, recipe, name in PAIRS:
        own = rows(recipe, "mnist-r")
        ours, other = (row_of(own, name.format(n)) for n in ("THIN", "Baseline"))
        claimed = ours.paper is not None and other.paper is not None
        line = {
            "title": title,
            "names": ["Baseline", "THIN"],
            "ours": by_seed(ours),
            "other": by_seed(other),
            "smallest": smallest_effect("accuracy", ours.runs[0].labels),
            "paper": round(ours.paper - other.paper, 4) if claimed else None,
        }
        found.append(line)
    return found


# Of the map: its recipes, and the titles that the contest gives to their models.
MAPS = {"labels": "", "labels-plain": ", no shifts", "rivals": ", the contest"}
TITLES = {"simple": "Simple ensemble", "tree": "Tree gate on h_endo"}
TITLES |= {"exogenous": "Tree gate", "thin": "THIN"}
DATA = {"mnist-r": "MNIST-R", "mnist-rs": "MNIST-RS", "dsprites": "dSprites"}
DATA |= {"cartoons": "drawn faces"}


def of_map() -> list[dict[str, Any]]:
    """Every rival under every amount of labels that has been run."""
    found = []
    for recipe, suffix in MAPS.items():
        for data in RECIPES[recipe].makers:
            for row in rows(recipe, data):
                values = by_seed(row)
                if values is None or len([v for v in values if v is not None]) < 2:
                    continue
                run, model = row.runs[0], str(row.group.get("model", ""))
                name = row.group.get("rival") or TITLES.get(model, model.capitalize())
                knows = "the truth" if model == "oracle" else row.group.get("uses", "")
                line = {
                    "place": DATA[data] + suffix,
                    "name": name,
                    "uses": knows,
                    "sees": run.gate_sees,
                    "labels": run.labels,
                    "exo": run.networks[0].labels if run.networks else None,
                    "values": values,
                }
                found.append(line)
    order = [title + suffix for title in DATA.values() for suffix in MAPS.values()]
    return sorted(found, key=lambda line: order.index(line["place"]))


def still_map() -> Figure:
    """Gains over the task labels, with all exogenous ones."""
    table = results.published("labels", "mnist-r")
    return plots.gains(table[table["exo_labels"] == 60_000], "labels", "task labels")


def still_interval() -> Figure:
    """Differences seed by seed, their means and intervals."""
    figure, axis = plt.subplots(figsize=(6, 2.6))
    lines = of_interval()
    for y, line in enumerate(reversed(lines)):
        pairs = zip(line["ours"], line["other"], strict=True)
        gaps = [ours - other for ours, other in pairs]
        axis.plot(gaps, [y + 0.2] * len(gaps), "o", mfc="none", ms=5, color="C0")
        mean, half = mean_interval(gaps)
        axis.errorbar(mean, y, xerr=half, fmt="o", capsize=3, color="C0")
    axis.axvline(0, color=plots.INK, lw=0.8)
    axis.set_yticks(range(len(lines)), [line["title"] for line in reversed(lines)])
    axis.set(xlabel="THIN less baseline, points", ylim=(-0.5, len(lines) - 0.3))
    return figure


def still_lambda() -> Figure:
    """Accuracy and what is read, over λ, of the baseline from both starts."""
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.8))
    for start, look in (("apart", "o:"), ("network", "^-")):
        own = [
            line
            for line in of_lambda()
            if line["model"].startswith("Baseline")
            and (line["start"], line["confounded"]) == (start, 0)
        ]
        own.sort(key=lambda line: line["lambda"])
        for i, (metric, name) in enumerate(MEASURES.items()):
            ends = [mean_interval(line["values"][metric]) for line in own]
            means, halves = zip(*ends, strict=True)
            label = f"{name}, from {STARTS[start]}"
            look_of = {"fmt": look, "color": f"C{i}", "capsize": 2, "ms": 4, "lw": 1}
            axis = axes[int(metric != "accuracy")]
            axis.errorbar(range(len(own)), means, halves, label=label, **look_of)
            axis.set_xticks(range(len(own)), [f"{line['lambda']:g}" for line in own])
    for axis, label in zip(axes, ("test accuracy (%)", "angle read (%)"), strict=True):
        axis.set(xlabel="λ", ylabel=label)
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def still_arrows() -> Figure:
    """Two answers with nothing in common but a large part that all images share."""
    figure, axis = plt.subplots(figsize=(4, 4))
    for end, about, color in (
        ((1, 2.5), "about h_exo", "C0"),
        ((0, 3.5), "about h_endo", "C1"),
    ):
        own = {"arrowstyle": "-|>", "color": color, "lw": 2.5}
        axis.annotate("", end, (0, 0), arrowprops=own)
        axis.text(end[0] + 0.1, end[1], about, color=color, va="center")
    axis.annotate("", (0, 2.5), (0, 0), arrowprops={"arrowstyle": "->", "lw": 1})
    axis.text(-0.1, 1.2, "what all share", ha="right")
    axis.set(xlim=(-2, 2.4), ylim=(-0.2, 3.8), aspect="equal")
    axis.axis("off")
    return figure


def of_faces() -> dict[str, Any]:
    """What drawn faces are made of, and the people of chapter 12."""
    people = draw_people(6, resemblance=0, seed=4)
    return {
        "traits": factors.TRAITS,
        "actions": factors.ACTIONS,
        "nuisances": factors.NUISANCES,
        "expressions": factors.PROTOTYPES,
        "stops": factors.STOPS,
        "people": [[round(t, 4) for t in traits] for traits in people.tolist()],
    }


# By figure: its numbers, if it has any, and its still picture.
NUMBERS: dict[str, Callable[[], Any]] = {
    "lambda": of_lambda,
    "interval": of_interval,
    "map": of_map,
    "faces": of_faces,
}
STILLS: dict[str, Callable[[], Figure]] = {
    "lambda": still_lambda,
    "arrows": still_arrows,
    "interval": still_interval,
    "map": still_map,
}


def mean_of(line: dict[str, Any], metric: str) -> float:
    """Of a line of numbers."""
    return mean_interval(line["values"][metric])[0]


def of_model(model: str, start: str, dispel: float = 0) -> dict[str, Any]:
    """The line of a model under some λ, without confounding."""
    wanted = (model, start, 0, dispel)
    keys = ("model", "start", "confounded", "lambda")
    return next(x for x in of_lambda() if tuple(x[k] for k in keys) == wanted)


def files() -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Each file by its name, and what writes it."""

    def script(name: str) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            told = {"version": VERSION, "rows": NUMBERS[name]()}
            text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            place = f"((globalThis.thinMini ??= {{}}).data ??= {{}}).{name}"
            path.write_text(f"{place} = {text};\n", "utf-8")

        return write

    def picture(name: str) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            plots.use_style()
            # Text as text, and ids that do not change from build to build.
            with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
                figure = STILLS[name]()
                figure.savefig(path, format="svg", metadata={"Date": None})
                plt.close(figure)

        return write

    for name in NUMBERS:
        yield f"data-{name}.js", script(name)
    for name in STILLS:
        yield f"still-{name}.svg", picture(name)
