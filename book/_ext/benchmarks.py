"""Sphinx: speeds in prose and as tables, drawn from results/.

    {speed}`gates | depth 8 | plain product`        0.89 (times as long as ours)
    {speed}`images | sprites, 64×64 | ours | images_per_second`        26,860

The directive ``benchmarks`` takes a section of ``benchmarks.json`` and draws it as a
table of ratios; ``slower`` lists every alternative that beats ours, and what
``time-to-accuracy`` and ``gpu`` found is said, or that they were not measured.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

RESULTS = Path(__file__).parents[2] / "results"
SPEEDS, TIMES = RESULTS / "benchmarks.json", RESULTS / "time_to_accuracy.json"
GPU = RESULTS / "gpu.json"
NO_GPU = "No GPU has run this yet; on a machine that has one, the numbers come from "
# Sections in which the first column is ours and the others are its alternatives.
RIVALS = ("gates", "experts", "images")
NOISE = 0.1  # as far as two columns of the same code were seen to differ

Sections = dict[str, dict[str, dict[str, dict[str, float]]]]


def load(path: Path = SPEEDS) -> dict:
    """What is stored; {} where nothing is."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def lookup(sections: Sections, text: str) -> str:
    """The number that a role's text names, or a KeyError."""
    section, shape, name, *rest = (part.strip() for part in text.split("|"))
    value = sections[section][shape][name][rest[0] if rest else "ratio"]
    return f"{value:,}" if isinstance(value, int) else as_ratio(value)


def as_ratio(value: float) -> str:
    """Two decimals, and three where two would leave a single digit."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def slower(sections: Sections) -> list[tuple[str, str, str, float]]:
    """Section, shape, alternative and ratio, wherever the alternative beats ours."""
    return [
        (section, shape, name, row["ratio"])
        for section in RIVALS
        for shape, rows in sections[section].items()
        for name, row in rows.items()
        if row["ratio"] < 1 - NOISE
    ]


def as_table(titles: list[str], lines: list[list[str]]) -> nodes.table:
    """A table of text."""
    group = nodes.tgroup("", cols=len(titles))
    group += [nodes.colspec(colwidth=100 // len(titles)) for _ in titles]
    rows = [
        nodes.row("", *(nodes.entry("", nodes.paragraph("", cell)) for cell in cells))
        for cells in (titles, *lines)
    ]
    group += [nodes.thead("", rows[0]), nodes.tbody("", *rows[1:])]
    return nodes.table("", group, classes=["measured-table"])


def section_table(tables: dict[str, dict[str, dict[str, float]]]) -> nodes.table:
    """A line for each shape: milliseconds of the first candidate, then ratios."""
    names = list(next(iter(tables.values())))
    lines = []
    for shape, rows in tables.items():
        ratios = [as_ratio(rows[name]["ratio"]) for name in names[1:]]
        lines.append([shape, f"{rows[names[0]]['ms']:.2f} ms", *ratios])
    return as_table(["", *names], lines)


def slower_table(sections: Sections) -> nodes.Node:
    """Every place where an alternative beats ours."""
    found = [
        [section, shape, name, as_ratio(ratio)]
        for section, shape, name, ratio in slower(sections)
    ]
    if not found:
        return nodes.paragraph("", "Nowhere.")
    return as_table(["", "shape", "faster than ours", "its time / ours"], found)


def time_to_accuracy(content: dict) -> nodes.Node:
    """Two sentences, or one if nothing was measured."""
    if not content:
        return nodes.paragraph("", "This has not been measured yet.")
    told, target = content["summary"], content["target"]
    seeds = told["seeds"]
    count = f"{seeds} seed{'s' if seeds > 1 else ''}"
    theirs = (
        f"reached {target} % in {told['paper_reached']} of {count}, in "
        f"{told['paper_seconds']:,} s and at most {told['paper_epochs']} epochs; its "
        f"best accuracy was {told['paper_best']:.2f} %"
    )
    if told["ours_epochs"] is None:
        ours = "No length of ours ended there under every seed."
    else:
        bound = "at least " if told["lower_bound"] else ""
        ours = (
            f"Ours ended there under every seed after {told['ours_epochs']} epochs and "
            f"{told['ours_seconds']:,} s: {bound}{told['ratio']:.1f} times shorter."
        )
    return nodes.paragraph("", f"The paper's protocol {theirs}. {ours}")


def gpu(report: dict) -> list[nodes.Node]:
    """Each part of ``gpu.py``, with its chip and whether it came to its end."""
    if not report:
        command = nodes.literal("", "python benchmarks/gpu.py")
        return [nodes.paragraph("", "", nodes.Text(NO_GPU), command, nodes.Text("."))]
    draw = {
        "tests": ("The device tests", gpu_checks),
        "resume": ("Exact resume", gpu_checks),
        "vgg16": ("THIN on VGG-16 beside plain VGG-16", gpu_vgg16),
        "table2": ("Table 2, all seeds together", gpu_table2),
    }
    found: list[nodes.Node] = []
    for part, entry in report.items():
        title, content = draw[part]
        made = entry["made"]
        about = f"{title}, on {made['device']} with PyTorch {made['torch']}"
        if entry["size"] != "full":
            about += ", in a tiny size that says nothing about speed"
        if entry["state"] != "done":
            about += f"; {entry['state']}"
        found += [nodes.paragraph("", about + "."), *content(entry)]
    return found


def gpu_checks(entry: dict) -> list[nodes.Node]:
    """A line for each thing that was checked."""
    lines = [
        [name, "holds" if check["holds"] else "does not hold", check["about"]]
        for name, check in entry.get("checks", {}).items()
    ]
    return [as_table(["checked", "", "found"], lines)] if lines else []


def gpu_vgg16(entry: dict) -> list[nodes.Node]:
    """A line for each setting and network."""
    titles = ["", "network", "images a second", "its time / plain", "memory, GB"]
    lines = [
        [
            *(setting, name, f"{row['images_per_second']:,.0f}"),
            *(f"{row['time_ratio']:.2f}", f"{row['peak_memory_gb'] or '?'}"),
            percent(row["share_of_measured_peak"]),
            percent(row["share_of_data_sheet"]),
        ]
        for setting, rows in entry.get("settings", {}).items()
        for name, row in rows.items()
    ]
    shares = ["of a large product's speed", "of the data sheet's"]
    return [as_table([*titles, *shares], lines)] if lines else []


def percent(share: float | None) -> str:
    """Without decimals; "?" for what is not known."""
    return "?" if share is None else f"{100 * share:.0f} %"


def gpu_table2(entry: dict) -> list[nodes.Node]:
    """A line for each row, and how long they take together."""
    found: list[nodes.Node] = []
    lines = []
    for name, row in entry.get("lines", {}).items():
        accuracy = row.get("accuracy")
        mean = f"{sum(accuracy) / len(accuracy):.2f} %" if accuracy else "–"
        whole = "whole" if not row["extrapolated"] else f"{row['steps_made']:,} steps"
        seconds = f"{row['seconds']:.1f} s"
        lines.append([name, seconds, whole, f"{row['ms_per_step']:.2f} ms", mean])
    if lines:
        titles = ["", "time", "made", "a step of all seeds", "mean accuracy"]
        found.append(as_table(titles, lines))
    if "table_seconds" in entry:
        about = (
            f"{entry['seeds']} seeds of {entry['images']:,} images ({entry['data']})"
        )
        took, rest = "took", ""
        if entry["table_extrapolated"]:
            took = "would take about"
            rest = ", extrapolated for the rows of which only some steps were made"
        text = f"The table, {about}, {took} {entry['table_seconds']:,.0f} s{rest}."
        found.append(nodes.paragraph("", text))
    if "ms_per_step" in entry:
        ways = "; ".join(f"{w}, {ms:.2f} ms" for w, ms in entry["ms_per_step"].items())
        text = f"THIN, one step of every seed in each of the ways: {ways}."
        found.append(nodes.paragraph("", text))
    return found


class Speed(SphinxRole):
    """``{speed}``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Put the number in the text."""
        self.env.note_dependency(str(SPEEDS))
        try:
            return [nodes.inline("", lookup(load(), self.text))], []
        except (KeyError, ValueError) as error:
            about = f"no {error} in {self.text!r}: run `make bench`"
            return [], [self.inliner.reporter.error(about, line=self.lineno)]


class Benchmarks(SphinxDirective):
    """``{benchmarks}`` and what to draw."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw, or say what is missing."""
        wanted = self.arguments[0]
        for path in (SPEEDS, TIMES, GPU):
            self.env.note_dependency(str(path))
        draw = {
            "slower": partial(slower_table, load()),
            "time-to-accuracy": partial(time_to_accuracy, load(TIMES)),
        }
        try:
            if wanted == "gpu":
                return gpu(load(GPU))
            if wanted in draw:
                return [draw[wanted]()]
            return [section_table(load()[wanted])]
        except KeyError as error:
            raise self.error(f"no {error} for {wanted!r}: run `make bench`") from error


def setup(app: Sphinx) -> dict[str, bool]:
    """Register both."""
    app.add_role("speed", Speed())
    app.add_directive("benchmarks", Benchmarks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
