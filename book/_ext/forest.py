"""Sphinx: differences with their intervals as a picture, drawn from results/.

```{forest} rivals mnist-r
:by: uses
:name: rival
:where: labels = 1000
```
"""

from __future__ import annotations

import io
from html import escape
from typing import ClassVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from thin_mini.insight import plots
from thin_mini.lab import results


class Forest(SphinxDirective):
    """The rows of a recipe on one data set, less the row they are held against."""

    required_arguments = 2
    option_spec: ClassVar = {
        "by": directives.unchanged,
        "name": directives.unchanged,
        "where": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """A picture with its numbers as words for those who do not see it."""
        self.env.note_reread()  # results may have changed
        table = results.published(*self.arguments)
        for condition in filter(None, self.options.get("where", "").split(",")):
            column, value = (part.strip() for part in condition.split("="))
            table = table[table[column].astype(str) == value]
        if name := self.options.get("name"):
            table = table.set_index(name)
        if table["difference"].notna().sum() == 0:
            return [nodes.paragraph("", "These runs are pending.")]
        return [nodes.raw("", self.svg(table), format="html")]

    def svg(self, table: pd.DataFrame) -> str:
        """The figure, its text as text, with a description."""
        plots.use_style()
        # Ids that do not change from build to build.
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "forest"}):
            figure = plots.forest(table, self.options.get("by", ""))
            text = io.StringIO()
            figure.savefig(text, format="svg", metadata={"Date": None})
            plt.close(figure)
        found = table.dropna(subset="difference").sort_values("difference")[::-1]
        said = "; ".join(
            f"{row}: {line['difference']:+.2f} ± {line['difference_half']:.2f}"
            for row, line in found.iterrows()
        )
        label = escape(f"Points from the reference: {said}", quote=True)
        body = text.getvalue()[text.getvalue().index("<svg") :]
        return body.replace(
            "<svg", f'<svg class="forest" role="img" aria-label="{label}"', 1
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("forest", Forest)
    return {"parallel_read_safe": True}
