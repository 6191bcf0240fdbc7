"""The pages of the built book as they are where nothing moves, opens or runs.

What an e-book and a PDF are made of: each page of `_toc.yml`, opened in Chromium until
its formulas stand, and frozen by `freeze.js`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml
from playwright.sync_api import Page as Window
from playwright.sync_api import sync_playwright
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
SCRIPT = Path(__file__).with_name("freeze.js").read_text("utf-8")
STYLE = Path(__file__).with_name("book.css").read_text("utf-8")
CODE = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")
RIGHTS = "Prose and figures CC BY 4.0, code MIT"
SETTLED = """async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
}"""
# What would only move or be looked at.
NOT_FROZEN = re.compile(
    "/_static/(live|scripts|vendor)/|[.](css|png|svg|woff2?)([?]|$)"
)
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # as terminals' colours have
BROWSERS = ("chromium", "google-chrome", "chromium-browser", "chrome")
PATIENCE = 180_000  # milliseconds, for a machine that has other work


class Place(NamedTuple):
    """A page's place in the book.

    Attributes:
        name: Of its file, without its ending.
        depth: 0, or more for a page below another one.
        part: The title of the part that begins with it, or nothing.
    """

    name: str
    depth: int = 0
    part: str = ""


class Page(NamedTuple):
    """A frozen page.

    Attributes:
        place: In the book.
        title: With the chapter's number.
        body: XHTML.
        images: Where each is to lie in an e-book, and where it lies in the built book.
        style: What MathJax's drawings need.
    """

    place: Place
    title: str
    body: str
    images: dict[str, str]
    style: str

    @property
    def slug(self) -> str:
        """The page's name as one of a file, or of a place in one."""
        return self.place.name.replace("/", "-")


def places(toc: Path = ROOT / "_toc.yml") -> Iterator[Place]:
    """The pages of a table of contents, in their order."""

    def below(entries: list[dict], depth: int, part: str = "") -> Iterator[Place]:
        for entry in entries:
            yield Place(entry["file"], depth, part)
            yield from below(entry.get("sections", []), depth + 1)
            part = ""

    told = yaml.safe_load(toc.read_text("utf-8"))
    yield Place(told["root"])
    for part in told["parts"]:
        yield from below(part["chapters"], 0, part.get("caption", ""))


def browser() -> str:
    """The system's Chromium, which ``CHROMIUM`` may name."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]
    for path in filter(None, found):
        return path
    raise SystemExit("no Chromium was found: install it, or name it in CHROMIUM")


@contextmanager
def opened() -> Iterator[Window]:
    """A window of a Chromium that reaches nothing but the disk."""
    with sync_playwright() as playwright:
        how = ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"]
        run = playwright.chromium.launch(executable_path=browser(), args=how)
        context = run.new_context(color_scheme="light", offline=True)
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


def frozen(
    wanted: list[Place], html: Path = HTML, paper: bool = False
) -> Iterator[Page]:
    """Freeze pages of the built book.

    Args:
        wanted: The pages.
        html: Where the built book lies.
        paper: As places of one file, with formulas drawn; else for an e-book.
    """
    html = html.resolve()
    about = {"root": f"{html.as_uri()}/", "site": CONFIG["html"]["baseurl"]}
    about |= {"pages": [place.name for place in wanted], "paper": paper}
    with opened() as window:
        window.route(NOT_FROZEN, lambda route: route.abort())
        for place in wanted:
            file = html / f"{place.name}.html"
            if not file.is_file():
                raise SystemExit(f"{file} is missing: run `make book` first")
            window.goto(file.as_uri())
            window.evaluate(SETTLED)
            told = window.evaluate(SCRIPT, about | {"page": place.name})
            told["body"] = NO_XML.sub("", told["body"])
            yield Page(place, **told)
