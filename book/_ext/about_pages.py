"""Sphinx: what pages say of themselves to browsers, search engines and messengers.

A page's description is its first sentence, or ``myst: {html_meta: {description: …}}``
in its front matter; with the book's card it stands beside links to the page. A site map
lists all pages.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

ENOUGH = 50  # characters: a shorter first sentence takes the next along
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")


def description(page: nodes.document) -> str:
    """The author's, or the beginning of the first paragraph that is no aside."""
    for given in page.findall(nodes.meta):
        if given.get("name") == "description":
            return given["content"]
    said = ""
    for paragraph in page.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            for sentence in SENTENCE_END.split(" ".join(paragraph.astext().split())):
                said = f"{said} {sentence}".strip()
                if len(said) >= ENOUGH:
                    return said
    return said


def add_head(
    app: Sphinx, name: str, _template: str, context: dict[str, Any], page: Any
) -> None:
    """Description and card, as elements of the page's head."""
    if page is None:  # the search, the index
        return
    about, site = description(page), app.config.html_baseurl
    shared = {
        "og:type": "article",
        "og:site_name": app.config.project,
        "og:title": re.sub("<.*?>", "", context["title"]),
        "og:description": about,
        "og:url": site + app.builder.get_target_uri(name),
        "og:image": f"{site}_static/card.png",
        "og:image:alt": "A turned 6 beside the words: THIN-mini, THIN step by step",
    }
    lines = [f'<meta property="{k}" content="{escape(v)}">' for k, v in shared.items()]
    lines.append('<meta name="twitter:card" content="summary_large_image">')
    if 'name="description"' not in context["metatags"]:
        lines.append(f'<meta name="description" content="{escape(about)}">')
    context["metatags"] += "\n" + "\n".join(lines)


def write_map(app: Sphinx, error: Exception | None) -> None:
    """The addresses of all pages, for search engines."""
    if error or app.builder.format != "html":
        return
    pages = (app.builder.get_target_uri(page) for page in sorted(app.env.found_docs))
    urls = "".join(
        f"<url><loc>{app.config.html_baseurl}{p}</loc></url>\n" for p in pages
    )
    (Path(app.outdir) / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n',
        "utf-8",
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx when."""
    app.connect("html-page-context", add_head)
    app.connect("build-finished", write_map)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
