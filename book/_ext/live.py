"""Sphinx: figures that move in the page, with no kernel, no server and no framework.

    ```{live} thin
    ```

puts one on a page of prose. Chapters, which have no directives, get theirs where
``CHAPTERS`` says. The scripts are `_static/live/`; the weights of `book/live/`, which
`python book/weights.py` makes, become scripts too, since a page on a disk may load
nothing else. Without scripts, in print and without weights a figure is a picture.
"""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
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
}
# By chapter: the heading, and the figure to put below what stands first under it.
CHAPTERS = {
    "notebooks/05_tree_gates": ("One question at a time", "tree"),
    "notebooks/08_thin": ("The whole model", "thin"),
}
STILL = {
    "thin": (
        "routing.svg",
        "Stacked areas over the rotation from minus 90 to 90 degrees: how much each of "
        "the eight experts counts. Different experts lead in different parts of it.",
    ),
    "tree": (
        "plane.svg",
        "The plane in four colours, one for each leaf of a tree with three nodes, with "
        "straight borders that are faint where the tree is undecided.",
    ),
}
OFF = "Without JavaScript this figure is a picture. {}"
ABOUT = {
    "thin": "In its place you would draw a digit, turn it, and see what the frozen "
    "network believes, how the tree weighs the experts and what three models answer.",
    "tree": "In its place you would move the weights, the bias and the temperature of "
    "three nodes, and a point, and see how the leaves divide the plane.",
}
CAPTION = {
    "thin": "Turn the digit, or draw your own. The frozen network follows the angle, "
    "the tree passes the weight from leaf to leaf, and the digit is to stay. These are "
    "the networks themselves, one run of each with 1,000 labels ({}); of 10,000 test "
    "images they get {} % right. They know ten digits and nothing else.",
    "tree": "Move a node's line and the point. Each node cuts along a straight line, "
    "softly where the temperature is high; a leaf counts where the answers on its way "
    "agree.",
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


def figure(name: str, docname: str) -> nodes.raw:
    """The HTML of a figure: its picture, its caption, and what its script needs."""
    runs, caption = "", CAPTION[name]
    if name == "thin":
        told = {model: about(model) for model in MODELS}
        runs = "".join(f' data-{model}="{told[model]["run"]}"' for model in MODELS)
        hashes = "THIN {}, baseline {} and turned back {}".format(
            *(f"<code>{told[model]['run']}</code>" for model in MODELS)
        )
        right = "{:.1f}, {:.1f} and {:.1f}".format(
            *(told[model]["accuracy"] for model in MODELS)
        )
        caption = caption.format(hashes, right)
    picture, alt = STILL[name]
    source = f"{'../' * docname.count('/')}_static/{picture}"
    html = (
        f'<figure class="live" data-live="{name}"{runs}>'
        f'<div class="live-still"><img src="{source}" alt="{escape(alt)}">'
        '<p class="live-why" role="status"></p>'
        f"<noscript><p>{OFF.format(ABOUT[name])}</p></noscript></div>"
        f"<figcaption>{caption}</figcaption></figure>"
    )
    return nodes.raw("", html, format="html", classes=["live", name])


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
    """Put a chapter's figure before the first cell under its heading."""
    docname = app.env.docname
    heading, name = CHAPTERS.get(docname, ("", ""))
    for section in doctree.findall(nodes.section) if heading else ():
        if section[0].astext() == heading:
            blocks = (nodes.container, nodes.section)
            at = [isinstance(child, blocks) for child in section.children]
            section.insert(
                at.index(True) if any(at) else len(at), figure(name, docname)
            )
            return
    if heading:
        log.warning("%s has no heading %r for its figure", docname, heading)


def add_files(
    app: Sphinx, pagename: str, template: str, context: dict, doctree: Any
) -> None:
    """The scripts of the figures of a page, on that page alone."""
    found = doctree.findall(nodes.raw) if doctree is not None else ()
    names = {each["classes"][1] for each in found if "live" in each["classes"]}
    for script in dict.fromkeys(s for name in sorted(names) for s in SCRIPTS[name]):
        app.add_js_file(f"live/{script}.js", loading_method="defer")
    if names:
        app.add_css_file("live/live.css")


def write_weights(app: Sphinx, error: Exception | None) -> None:
    """Each checkpoint as a script that leaves it where the figure looks for it."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "live"
    folder.mkdir(parents=True, exist_ok=True)
    for model in MODELS:
        stored = base64.b64encode(stored_at(model).read_bytes()).decode()
        place = f"((globalThis.thinMini ??= {{}}).weights ??= {{}}).{model}"
        (folder / f"weights-{model}.js").write_text(f'{place} = "{stored}";\n', "ascii")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and what goes along with it."""
    app.add_directive("live", Live)
    app.connect("doctree-read", into_chapter)
    app.connect("html-page-context", add_files)
    app.connect("build-finished", write_weights)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
