"""Sphinx: the ledger as a page, and numbers in prose, both drawn from results/.

Roles, with parts separated by ``|``; the last part may be ``metric=...``:

    {ours}`table2 | mnist-r | THIN`                       97.90 ± 0.10 %
    {difference}`table2 | mnist-r | THIN | Baseline`      +0.30 ± 0.12 points

Directives: ``ledger``, ``not-reproduced``, ``tests`` (p-values), ``relative-gains``,
``measured`` (a recipe and its data, and as its content parts of the names of the rows
that are wanted), ``parameters`` (a recipe and its data) and ``costs``. Where runs are
missing they say "pending".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from thin_mini.basics.intervals import mean_interval
from thin_mini.lab import ledger, results, verdicts
from thin_mini.lab.ledger import Entry, Result
from thin_mini.lab.recipes import RECIPES, rows_of
from thin_mini.lab.rows import Row

SIGNED = {"difference": "+", "ours": ""}
UNITS = {"difference": "points", "ours": "%"}
# A metric that is no percentage has no unit, and a difference of two is no point.
REMEMBER = "What to remember"  # the section at a chapter's end, and before it
BESIDE = "The paper beside ours"  # open with so many claims at most:
OPEN = 8
UNITLESS = ("cosine", "inter_intra", "leaves")


def number(result: Result, unit: bool = True) -> str:
    """Our number with its interval, or "pending"."""
    values = ledger.measured(result, results.default_folder())
    if not values:
        return ledger.PENDING
    kind = "difference" if result.reference else "ours"
    mean, half = mean_interval(values)
    plain, digits = result.metric in UNITLESS, 3 if result.metric in UNITLESS else 2
    text = f"{mean:{SIGNED[kind]}.{digits}f} ± {half:.{digits}f}"
    text = text.replace("-", "\N{MINUS SIGN}")
    return text if plain or not unit else f"{text}\N{NO-BREAK SPACE}{UNITS[kind]}"


def parse(kind: str, text: str) -> Result:
    """What a role's text names; a ValueError says what is wrong with it."""
    *parts, last = (part.strip() for part in text.split("|"))
    metric = None
    if last.startswith("metric="):
        metric = last.removeprefix("metric=")
    else:
        parts.append(last)
    wanted = 4 if kind == "difference" else 3
    if len(parts) != wanted:
        raise ValueError(f"{kind} takes {wanted} parts, got {text!r}")
    return Result(*parts, metric=metric)


def wanted_rows(recipe: str, data: str, names: list[str]) -> list[Row]:
    """The rows of a recipe whose names contain one of ``names``; all without names."""
    rows = rows_of(recipe, data, ledger.SEEDS, "paper", "mnist")
    for name in names:
        if not any(name in row.name for row in rows):
            raise ValueError(f"{recipe} on {data} has no row {name!r}")
    return [row for row in rows if not names or any(n in row.name for n in names)]


class Number(SphinxRole):
    """``{ours}`` and ``{difference}``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Put the number in the text."""
        try:
            text = number(parse(self.name, self.text))
        except (ValueError, results.ResultError) as error:
            message = self.inliner.reporter.error(str(error), line=self.lineno)
            return [], [message]
        classes = ["measured", "pending"] if text == ledger.PENDING else ["measured"]
        return [nodes.inline("", text, classes=classes)], []


def paper_number(entry: Entry) -> str:
    """The paper's number: a level as it is, a difference with its sign."""
    if entry.value is not None:
        return f"{entry.value:.2f}"
    claim = "close" if entry.close else entry.direction or ""
    if entry.difference is None:
        return claim
    told = f"{entry.difference:+.2f}".replace("-", "\N{MINUS SIGN}")
    return f"{told}, {claim}" if entry.close else told


def place(entry: str) -> str:
    """The id of an entry's row, without the dots that scripts take for classes."""
    return f"ledger-{entry.replace('.', '-')}"


def slug(text: str) -> str:
    """A verdict or a kind as a class."""
    return text.replace(" ", "-")


def link(text: str, docname: str, target: str, kind: str = "doc") -> pending_xref:
    """A link to a page or a label, which the build checks."""
    return pending_xref(
        "",
        nodes.inline("", text),
        refdomain="std",
        reftype=kind,
        reftarget=target,
        refdoc=docname,
        refexplicit=True,
        refwarn=True,
    )


def badge(verdict: str) -> nodes.inline:
    """A verdict, for the eye."""
    return nodes.inline("", verdict, classes=["verdict", f"verdict-{slug(verdict)}"])


def table(
    titles: list[str], widths: list[int], lines: list[list], style: str
) -> nodes.table:
    """A table; each cell is text or a list of nodes, and a line may be a whole row."""

    def row(cells: list) -> nodes.row:
        if isinstance(cells, nodes.row):
            return cells
        made = nodes.row()
        for cell in cells:
            content = [nodes.Text(cell)] if isinstance(cell, str) else cell
            made += nodes.entry("", nodes.paragraph("", "", *content))
        return made

    head = nodes.thead("", row(titles))
    body = nodes.tbody("", *(row(line) for line in lines))
    group = nodes.tgroup("", cols=len(titles))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += [head, body]
    return nodes.table("", group, classes=["colwidths-given", *style.split()])


def compared(entries: list[Entry], docname: str) -> nodes.table:
    """What the paper says, its number beside ours, and the verdict."""
    lines: list[list] = [
        [
            [
                nodes.Text(f"{entry.says} "),
                link(entry.id, docname, place(entry.id), "ref"),
            ],
            paper_number(entry),
            number(entry.result, unit=False),
            [badge(entry.verdict)],
        ]
        for entry in entries
        if entry.result
    ]
    titles = ["the paper says", "paper", "ours", "verdict"]
    return table(titles, [49, 11, 19, 21], lines, "ledger short")


class FromResults(SphinxDirective):
    """What the directives share: files that the page depends on, and errors."""

    has_content = True
    optional_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Draw, or say what is wrong and where."""
        self.env.note_dependency(str(ledger.FILE))
        self.env.note_reread()  # results may have changed
        try:
            return self.draw()
        except (ValueError, results.ResultError) as error:
            raise self.error(str(error)) from error

    def draw(self) -> list[nodes.Node]:
        """The nodes to put in the page."""
        raise NotImplementedError

    def place(self, entry: Entry) -> list[nodes.Node]:
        """Where in the book: a link, or the name of a page that is still to come."""
        if entry.chapter is None:
            return [nodes.Text("to come")]
        name = entry.chapter.rpartition("/")[2]
        number = re.match(r"(\d\d)_", name)
        text = f"chapter {int(number[1])}" if number else name.replace("_", " ")
        if entry.chapter not in self.env.found_docs:
            return [nodes.Text(text)]
        if entry.cell is None:
            return [link(text, self.env.docname, f"/{entry.chapter}")]
        return [link(f"{text}, cell {entry.cell}", self.env.docname, entry.cell, "ref")]


class LedgerPage(FromResults):
    """All entries as a table, with a filter above it."""

    def draw(self) -> list[nodes.Node]:
        """Summary, filter and table."""
        entries = ledger.load()
        verdicts = Counter(entry.verdict for entry in entries)
        kinds = Counter(entry.kind for entry in entries)
        told = [(v, verdicts[v]) for v in ledger.VERDICTS if verdicts[v]]
        summary = nodes.paragraph(classes=["ledger-summary"])
        summary += nodes.strong("", f"{len(entries)} entries: ")
        for i, (verdict, count) in enumerate(told):
            summary += [nodes.Text(" · " if i else ""), badge(verdict)]
            summary += nodes.Text(f"\N{NO-BREAK SPACE}{count}")
        options = {
            "verdict": told,
            "kind": [(kind, kinds[kind]) for kind in ledger.KINDS],
        }
        lines = [self.row(entry) for entry in entries]
        titles = ["paper", "in the book", "code and test", "numbers", "verdict"]
        return [
            summary,
            nodes.raw("", self.controls(options), format="html"),
            table(titles, [34, 11, 23, 20, 12], lines, "ledger whole"),
        ]

    def controls(self, options: dict[str, list[tuple[str, int]]]) -> str:
        """The filter, hidden until its script runs."""
        selects = "".join(
            f'<label>{name} <select name="{name}"><option value="">all</option>'
            + "".join(
                f'<option value="{slug(value)}">{value} ({count})</option>'
                for value, count in values
            )
            + "</select></label>"
            for name, values in options.items()
        )
        return (
            '<form class="ledger-filter" role="search" hidden>'
            '<label>words <input type="search" name="words"></label>'
            f'{selects}<output aria-live="polite"></output></form>'
        )

    def row(self, entry: Entry) -> nodes.row:
        """An entry: a row that can be linked to and carries what to filter by."""
        label = place(entry.id)
        made = nodes.row(
            ids=[label],
            classes=[f"kind-{slug(entry.kind)}", f"is-{slug(entry.verdict)}"],
        )
        # So that other pages can link here.
        self.env.get_domain("std").anonlabels[label] = self.env.docname, label
        about = f"§ {entry.section} · {entry.id}"
        code = []
        if entry.symbol:
            name = entry.symbol.removeprefix("thin_mini.")
            code.append(nodes.paragraph("", "", nodes.literal("", name)))
        if entry.test:
            file, _, name = entry.test.removeprefix("tests/").partition("::")
            says = name.removeprefix("test_").replace("_", " ")
            code.append(nodes.paragraph("", f"{says} ({file})"))
        numbers = [nodes.paragraph("", f"paper {paper_number(entry)}")]
        root = results.default_folder()
        for what, own in ledger.results_of(entry).items():
            said = nodes.inline("", number(own, unit=False), classes=["measured"])
            shown = nodes.paragraph("", f"{what or 'ours'} ", said)
            shown["classes"] += [] if what else ["of-ours"]
            if what:  # it stands beside what judges
                shown += [nodes.Text(" "), badge(ledger.judged(entry, own, root))]
            source = f"{own.recipe}, {own.data}"
            numbers += [shown, nodes.paragraph("", source, classes=["of-recipe"])]
        for cell in (
            [
                nodes.paragraph("", about, classes=["ledger-id"]),
                nodes.paragraph("", entry.says),
            ],
            [nodes.paragraph("", "", *self.place(entry))],
            code,
            numbers if entry.result or paper_number(entry) else [],
            [nodes.paragraph("", "", badge(entry.verdict))],
        ):
            made += nodes.entry("", *cell)
        return made


class NotReproduced(FromResults):
    """The entries that the runs do not bear out, with their numbers."""

    def draw(self) -> list[nodes.Node]:
        """A table, or a sentence if there is none."""
        bad = (*verdicts.VERDICTS[:0:-1], verdicts.LEVELS[1])  # the worst first
        entries = ledger.load()
        found = [
            entry for verdict in bad for entry in entries if entry.verdict == verdict
        ]
        waiting = sum(
            entry.result is not None and entry.verdict == ledger.PENDING
            for entry in entries
        )
        told = f"{waiting} more wait for their runs." if waiting else ""
        if not found:
            return [nodes.paragraph("", f"Nothing so far. {told}")]
        drawn = compared(found, self.env.docname)
        return [drawn, nodes.paragraph("", told)] if told else [drawn]


class Tests(FromResults):
    """Every difference that is judged, with its p-value and the corrected ones."""

    def draw(self) -> list[nodes.Node]:
        """A sentence that counts them, and the table."""
        entries = {entry.id: entry for entry in ledger.load()}
        found = ledger.corrected(list(entries.values()), results.default_folder())
        below = [sum(p[i] < 0.05 for p in found.values()) for i in range(3)]
        told = (
            f"Of {len(found)} tests {below[0]} have p < 0.05; without any effect "
            f"{len(found) / 20:.1f} would. Corrected for their number, "
            f"{below[2]} remain by Benjamini and Hochberg and {below[1]} by Holm."
        )
        lines = [
            [
                [link(name, self.env.docname, place(name), "ref")],
                number(entries[name].result, unit=False),
                *(f"{value:.4f}" for value in p),
                [badge(entries[name].verdict)],
            ]
            for name, p in sorted(found.items(), key=lambda item: item[1])
        ]
        titles = ["entry", "ours", "p", "Holm", "BH", "verdict"]
        widths = [34, 18, 11, 11, 11, 15]
        return [
            nodes.paragraph("", told),
            table(titles, widths, lines, "measured-table"),
        ]


class RelativeGains(FromResults):
    """Every gain that the paper prints in percent, beside the points that it is."""

    def draw(self) -> list[nodes.Node]:
        """A table of all entries with ``relative``."""
        entries = {entry.id: entry for entry in ledger.load()}
        lines = []
        for entry in entries.values():
            if entry.relative is None or entry.difference is None:
                continue
            ours, other = (entries[name].value or 0.0 for name in entry.compares)
            lines.append(
                [
                    [link(entry.id, self.env.docname, place(entry.id), "ref")],
                    f"{ours:.2f}, {other:.2f}",
                    f"+{entry.relative:g}",
                    f"{100 * (ours / other - 1):+.2f}",
                    f"{entry.difference:+.2f}",
                ]
            )
        titles = ["sentence", "accuracies", "printed", "in %", "points"]
        return [table(titles, [36, 22, 14, 14, 14], lines, "measured-table")]


class Measured(FromResults):
    """Rows of a recipe: paper, ours, the differences, and what a gate sees."""

    required_arguments = 2
    optional_arguments = 0

    def draw(self) -> list[nodes.Node]:
        """A table of the rows that are wanted."""
        recipe, data = self.arguments
        rows = wanted_rows(
            recipe, data, [line for line in self.content if line.strip()]
        )
        lines = []
        for row in rows:
            less = [
                number(Result(recipe, data, row.name, other), False) if other else ""
                for other in (row.reference, row.beside)
            ]
            paper = "" if row.paper is None else f"{row.paper:.2f}"
            ours = number(Result(recipe, data, row.name), False)
            sees = row.runs[0].gate_sees
            lines.append([row.name, paper, ours, *less, sees])
        titles = ["", "paper", "ours", "difference", "from simple", "gate sees"]
        widths = [30, 10, 16, 16, 16, 12]
        keep = [i for i in range(6) if i == 0 or any(line[i] for line in lines)]
        return [
            table(
                [titles[i] for i in keep],
                [widths[i] for i in keep],
                [[line[i] for i in keep] for line in lines],
                "measured-table",
            )
        ]


class Parameters(FromResults):
    """How many parameters each row's models have, as their result files say."""

    required_arguments = 2
    optional_arguments = 0

    def draw(self) -> list[nodes.Node]:
        """A table: a row, what is trained, and the frozen networks on top."""
        recipe, data = self.arguments
        root = results.default_folder()

        def count(runs: tuple) -> str:
            found = [results.read(run, root) for run in runs]
            if not all(found):
                return ledger.PENDING
            return f"{sum(result['parameters'] for result in found if result):,}"

        lines = [
            [row.name, count(row.runs[:1]), count(row.runs[0].networks)]
            for row in wanted_rows(recipe, data, [])
        ]
        titles = ["model", "trained", "frozen beside it"]
        return [table(titles, [50, 25, 25], lines, "measured-table")]


class Costs(FromResults):
    """What stands over each recipe: its command, what its runs took, what they say."""

    optional_arguments = 0

    def draw(self) -> list[nodes.Node]:
        """A table: a command, runs, minutes on two cores, and the headline result."""
        lines: list[list] = []
        for recipe in RECIPES.values():
            for data, (runs, minutes, found) in recipe.heads.items():
                command = [nodes.literal("", recipe.command(data))]
                found = found.replace(" -", " \N{MINUS SIGN}")
                lines.append([command, str(runs), str(minutes), found])
        titles = ["command", "runs", "minutes on two cores", "headline"]
        return [table(titles, [35, 15, 15, 35], lines, "measured-table")]


def beside(app: Sphinx, doctree: nodes.document) -> None:
    """Put the paper's numbers beside ours, before what a chapter wants remembered."""
    entries = [
        entry
        for entry in ledger.load()
        if entry.result and entry.chapter == app.env.docname
    ]
    for section in doctree.findall(nodes.section):
        if not entries or section.next_node(nodes.title).astext() != REMEMBER:
            continue
        app.env.note_reread()  # results may have changed
        fold = "" if len(entries) > OPEN else " open"
        told = f"<details class='beside'{fold}><summary>{BESIDE}: {len(entries)}"
        told += " claims</summary>" if len(entries) > 1 else " claim</summary>"
        place = section.parent.index(section)
        section.parent[place:place] = [
            nodes.raw("", told, format="html"),
            compared(entries, app.env.docname),
            nodes.raw("", "</details>", format="html"),
        ]
        return


def name_cells(app: Sphinx, doctree: nodes.document) -> None:
    """Give every cell of a chapter its own id as an anchor, for links to it."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    cells = json.loads(path.read_text("utf-8"))["cells"]
    labels = app.env.get_domain("std").anonlabels
    named = set()
    for node in doctree.findall(nodes.Element):
        # MyST-NB counts the lines of cell i from 10000 * (i + 1).
        index = (node.line or 0) // 10_000 - 1
        if isinstance(node, nodes.document) or not 0 <= index < len(cells):
            continue
        name = cells[index].get("id")
        if name and name not in named:
            named.add(name)
            node["ids"].append(name)
            labels[name] = app.env.docname, name


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """The filter's script, on the one page that has a filter."""
    if pagename == "book/ledger":
        app.add_js_file("ledger.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything above."""
    app.add_role("ours", Number())
    app.add_role("difference", Number())
    app.add_directive("ledger", LedgerPage)
    app.add_directive("not-reproduced", NotReproduced)
    app.add_directive("tests", Tests)
    app.add_directive("relative-gains", RelativeGains)
    app.add_directive("measured", Measured)
    app.add_directive("parameters", Parameters)
    app.add_directive("costs", Costs)
    app.connect("doctree-read", name_cells)
    app.connect("doctree-read", beside)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
