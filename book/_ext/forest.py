"""Sphinx: results with their intervals as a picture, drawn from results/.

    ```{forest} rivals mnist-r
    :by: uses
    :name: rival
    parts of the names of the rows that are wanted
    ```

Differences from the rows that rows are held against, where they are; else their means.
The directive ``ledger-forest`` draws every difference that the ledger judges.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import ClassVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from docutils import nodes
from docutils.parsers.rst import directives
from ledger_pages import FromResults, wanted_rows
from matplotlib.figure import Figure
from sphinx.application import Sphinx

from thin_mini.basics.intervals import mean_interval
from thin_mini.insight import plots
from thin_mini.lab import ledger, results

OF_FIGURE = {"difference": "difference_half", "mean": "half"}


class Forest(FromResults):
    """The rows of a recipe on one data set."""

    required_arguments = 2
    optional_arguments = 0
    option_spec: ClassVar = {
        "by": directives.unchanged,
        "name": directives.unchanged,
    }

    def draw(self) -> list[nodes.Node]:
        """A picture, with its numbers as words for those who do not see it."""
        wanted = [line for line in self.content if line.strip()]
        rows = wanted_rows(*self.arguments, wanted)
        table = results.published(*self.arguments).loc[[row.name for row in rows]]
        if name := self.options.get("name"):
            table = table.set_index(name)
        table.index = short(table.index)
        if table["difference"].notna().any():
            return [picture(table, "difference", self.options.get("by", ""))]
        if table["mean"].notna().any():
            return [picture(table, "mean", "")]
        return [nodes.paragraph("", ledger.PENDING)]


class LedgerForest(FromResults):
    """Every difference of two accuracies that the ledger judges, beside the paper's."""

    def draw(self) -> list[nodes.Node]:
        """One line for each entry, by its id, in the colour of its verdict."""
        lines = []
        for entry in ledger.load():
            ours = ledger.measured(entry.result) if entry.result else []
            if not ours or entry.value is not None or entry.result.metric:
                continue
            mean, half = mean_interval(ours)
            line = {"entry": entry.id, "verdict": entry.verdict, "difference": mean}
            paper = None if entry.direction else entry.difference
            lines.append(line | {"difference_half": half, "paper_difference": paper})
        table = pd.DataFrame(lines).set_index("entry")
        return [picture(table, "difference", "verdict")]


def short(names: pd.Index) -> list[str]:
    """Names without the end that all of them share, from a comma on."""
    parts = [name.split(", ") for name in names]
    while min(map(len, parts)) > 1 and len({part[-1] for part in parts}) == 1:
        parts = [part[:-1] for part in parts]
    return [", ".join(part) for part in parts]


def picture(table: pd.DataFrame, of: str, by: str) -> nodes.raw:
    """Differences, or means, as an SVG with text as text and a description."""
    said = "; ".join(
        f"{row}: {line[of]:.2f} ± {line[OF_FIGURE[of]]:.2f}"
        for row, line in table.dropna(subset=of).sort_values(of)[::-1].iterrows()
    )
    plots.use_style()
    # Ids that do not change from build to build, nor meet those of another figure.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": said}):
        if of == "mean":
            figure: Figure = plots.intervals(table)
        else:
            figure = plots.forest(table, by, "points from the row it is held against")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        plt.close(figure)
    about = f'class="forest" role="img" aria-label="{escape(said, quote=True)}"'
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace("<svg", f"<svg {about}", 1)
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda m: m[0] if m[1] in used else "", svg)
    return nodes.raw("", svg, format="html")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directives."""
    app.add_directive("forest", Forest)
    app.add_directive("ledger-forest", LedgerForest)
    return {"parallel_read_safe": True}
