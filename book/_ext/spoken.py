"""Sphinx: names for what the theme leaves without words to a screen reader."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def name_toggles(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """The sidebar's arrows, which fold what is below a page, say of which page."""
    sidebar = context.get("generate_toctree_html")
    if sidebar is None:  # another theme, as that of an e-book
        return

    def named(*args: Any, **kwargs: Any) -> Any:
        soup = sidebar(*args, **kwargs)
        for summary in soup.select("summary") if soup else ():
            link = summary.find_parent("li").find("a")
            summary["aria-label"] = f"Pages below: {link.get_text(strip=True)}"
        return soup

    context["generate_toctree_html"] = named


def name_references(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """References are items of their list; the role that Docutils gives is no more."""
    if body := context.get("body"):
        context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, bool]:
    """After the theme has put its functions into the context."""
    app.connect("html-page-context", name_toggles, priority=900)
    app.connect("html-page-context", name_references)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
