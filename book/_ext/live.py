"""Sphinx: figures that move in the page, with no kernel, no server and no framework.

    ```{live} thin
    ```

puts one on a page of prose. Chapters, which have no directives, get theirs where
``CHAPTERS`` says. The scripts are `_static/live/`; the weights of `book/live/`, which
`python book/weights.py` makes, become scripts too, since a page on a disk may load
nothing else; ``live_data`` makes scripts of results. Without scripts, in print and
without weights or numbers a figure is a picture.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import live_data
from docutils import nodes
from live_words import WORDS, numbers_of
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)
WEIGHTS = Path(__file__).parents[1] / "live"
MODELS = ("thin", "baseline", "undone")
SCRIPTS = {
    "thin": ("net", "digits", "parts", "thin"),
    "tree": ("net", "parts", "tree"),
    "lambda": ("stats", "parts", "data-lambda", "lambda"),
    "arrows": ("parts", "arrows"),
    "interval": ("stats", "parts", "data-interval", "interval"),
    "map": ("stats", "parts", "data-map", "map"),
    "faces": ("face", "parts", "data-faces", "faces"),
}


OFF = "Without JavaScript this figure is a picture. In its place you would {}."


class Spot(NamedTuple):
    """Where a chapter has a figure.

    Attributes:
        place: A heading, and the figure goes below what stands first under it; or how
            a paragraph begins, and it goes below that one.
        name: Of the figure.
        first: What the figure shows at first, if it has a choice.
    """

    place: str
    name: str
    first: str = ""


CHAPTERS = {
    "notebooks/04_deep_ensembles": [Spot("What is such an interval?", "interval")],
    "notebooks/05_tree_gates": [Spot("One question at a time", "tree")],
    "notebooks/07_dispelling": [
        Spot(r"|\cos| near 0 says", "arrows"),
        Spot("The start decides", "lambda"),
    ],
    "notebooks/08_thin": [
        Spot("The whole model", "thin"),
        Spot("Figure 4: how much to dispel", "lambda", "THIN, 60,000 labels"),
    ],
    "notebooks/11_when_conditioning_pays": [
        Spot("All of it in one map", "map"),
    ],
    "notebooks/12_faces": [
        Spot("Can one person", "faces"),
    ],
}


def stored_at(model: str) -> Path:
    """The checkpoint of a model, which must be there."""
    path = WEIGHTS / f"{model}.safetensors"
    if not path.is_file():
        raise ExtensionError(
            f"{path} is missing: put it back, or make it with `python book/weights.py`"
        )
    return path


def about(model: str) -> dict[str, Any]:
    """What the checkpoint of a model says of itself."""
    with stored_at(model).open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return json.loads(header["__metadata__"]["thin_mini"])


def figure(name: str, docname: str, first: str = "") -> nodes.figure:
    """A figure: its picture with what its script needs, and its caption."""
    words, needs, told = WORDS[name], "", numbers_of(name)
    if first:
        needs = f' data-first="{escape(first)}"'
    if name == "thin":
        by_model = {model: about(model) for model in MODELS}
        runs = {model: own["run"] for model, own in by_model.items()}
        needs += "".join(f' data-{model}="{run}"' for model, run in runs.items())
        told["hashes"] = "THIN {}, baseline {} and turned back {}".format(
            *(f"<code>{run}</code>" for run in runs.values())
        )
        right = (own["accuracy"] for own in by_model.values())
        told["right"] = "{:.1f}, {:.1f} and {:.1f}".format(*right)
    source = f"{'../' * docname.count('/')}_static/{words.picture}"
    html = (
        f'<div class="live-box" data-live="{name}"{needs}>'
        f'<div class="live-still"><img src="{source}" alt="{escape(words.alt)}">'
        '<p class="live-why" role="status"></p>'
        f"<noscript><p>{OFF.format(words.instead)}</p></noscript></div></div>"
    )
    text = words.caption.format(**told)  # Sphinx numbers no figure without text
    caption = [
        nodes.literal("", part) if i % 2 else nodes.Text(part)
        for i, part in enumerate(re.split("</?code>", text))
    ]
    return nodes.figure(
        "",
        nodes.raw("", html, format="html"),
        nodes.caption("", "", *caption),
        classes=["live", name],
        ids=[f"figure-{name}"],
    )


class Live(SphinxDirective):
    """``{live}``: a figure by its name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The figure, or an error that names those there are."""
        (name,) = self.arguments
        if name not in SCRIPTS:
            raise self.error(f"live must be one of {[*SCRIPTS]}, got {name!r}")
        return [figure(name, self.env.docname)]


def into_chapter(app: Sphinx, doctree: nodes.document) -> None:
    """Put a chapter's figures where ``CHAPTERS`` wants them."""
    docname = app.env.docname
    for place, name, first in CHAPTERS.get(docname, ()):
        for parent, at in places(doctree, place):
            parent.insert(at, figure(name, docname, first))
            break
        else:
            log.warning("%s has no place %r for its figure", docname, place)


def places(doctree: nodes.document, place: str) -> Iterator[tuple[nodes.Element, int]]:
    """Where a figure goes: before the first cell under a heading, or below a text."""
    for section in doctree.findall(nodes.section):
        for i, child in enumerate(section.children):
            if isinstance(child, nodes.paragraph) and child.astext().startswith(place):
                yield section, i + 1
        if section[0].astext() == place:
            blocks = (nodes.container, nodes.section)
            at = [isinstance(child, blocks) for child in section.children]
            yield section, at.index(True) if any(at) else len(at)


def add_files(
    app: Sphinx, pagename: str, template: str, context: dict, doctree: Any
) -> None:
    """The scripts of the figures of a page, on that page alone."""
    found = doctree.findall(nodes.figure) if doctree is not None else ()
    names = {each["classes"][1] for each in found if "live" in each["classes"]}
    for script in dict.fromkeys(s for name in sorted(names) for s in SCRIPTS[name]):
        app.add_js_file(f"live/{script}.js", loading_method="defer")
    if names:
        app.add_css_file("live/live.css")


def write_weights(folder: Path) -> None:
    """Each checkpoint as a script that leaves it where the figure looks for it."""
    for model in MODELS:
        stored = base64.b64encode(stored_at(model).read_bytes()).decode()
        place = f"((globalThis.thinMini ??= {{}}).weights ??= {{}}).{model}"
        (folder / f"weights-{model}.js").write_text(f'{place} = "{stored}";\n', "ascii")


def write_files(app: Sphinx, error: Exception | None) -> None:
    """What figures are made of that the build makes: weights, numbers, pictures."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "live"
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder)
    for file, write in live_data.files():
        write(folder / file)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and what goes along with it."""
    app.add_directive("live", Live)
    app.connect("doctree-read", into_chapter)
    app.connect("html-page-context", add_files)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
