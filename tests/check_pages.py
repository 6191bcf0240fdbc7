"""Check the built book: every page of _toc.yml is there and can be read offline.

    python tests/check_pages.py [folder of the HTML]

Offline means that no page loads a script, a style, a font, an image or a frame from
another host. Links may lead anywhere. What a page loads of its own is there, and each
page says in its own words what it is, and of which book.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).parents[1]
BOOK = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["title"]
REMOTE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
LOADS = {"src", "srcset", "poster", "data"}
# What a <link> may fetch by itself; canonical, next, prev and the like only point.
LINKS_THAT_LOAD = {"stylesheet", "preload", "modulepreload", "icon", "prefetch"}
IN_STYLE = re.compile(
    r"""(?:url\(\s*['"]?|@import\s+['"])((?:https?:)?//[^'")\s]+)""", re.IGNORECASE
)
STYLE_LOADS = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")\s]+)""")
IN_SCRIPT = re.compile(
    r"""(?:\bfrom|\bimport|\bimport\(|importScripts\()\s*['"](https?://[^'"]+)"""
)


def toc_pages(entry: object) -> Iterator[str]:
    """The pages that a table of contents names, without suffix, in order."""
    if isinstance(entry, dict):
        for key in ("root", "file"):
            if key in entry:
                yield re.sub(r"\.(md|ipynb|rst)$", "", str(entry[key]))
        for value in entry.values():
            yield from toc_pages(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from toc_pages(value)


def read_toc(root: Path = ROOT) -> list[str]:
    """The pages of the book's table of contents."""
    return list(toc_pages(yaml.safe_load((root / "_toc.yml").read_text("utf-8"))))


class Loads(HTMLParser):
    """Collects what a page loads, and what it says of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []  # addresses, of this host and of others
        self.remote: list[str] = []  # of others, in styles and scripts as well
        self.title, self.site = "", ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at what an element fetches."""
        self._inside = tag if tag in ("style", "script", "title") else ""
        values = {name: value or "" for name, value in attrs}
        if values.get("property") == "og:site_name":
            self.site = values.get("content", "")
        fetched = [value for name, value in values.items() if name in LOADS]
        if tag == "link" and LINKS_THAT_LOAD & set(values.get("rel", "").split()):
            fetched.append(values.get("href", ""))
        self.loaded += fetched
        self.remote += [address for address in fetched if REMOTE.match(address)]
        self.remote += IN_STYLE.findall(values.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave a style, a script or a title."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Look at styles, scripts and titles written into the page."""
        if self._inside == "style":
            self.remote += IN_STYLE.findall(data)
        elif self._inside == "script":
            self.remote += IN_SCRIPT.findall(data)
        elif self._inside == "title" and not self.title:  # drawings have theirs below
            self.title = data


def read(path: Path) -> Loads:
    """An HTML page."""
    page = Loads()
    page.feed(path.read_text("utf-8", errors="replace"))
    page.close()
    return page


def remote_loads(path: Path) -> list[str]:
    """The addresses on other hosts that an HTML page or a style sheet loads."""
    if path.suffix == ".css":
        return IN_STYLE.findall(path.read_text("utf-8", errors="replace"))
    return read(path).remote


def missing_loads(path: Path) -> Iterator[str]:
    """The addresses beside it that an HTML page or a style sheet loads in vain."""
    if path.suffix == ".css":
        addresses = STYLE_LOADS.findall(path.read_text("utf-8", errors="replace"))
    else:
        addresses = read(path).loaded
    for address in addresses:
        parts = urlsplit(address)
        local = parts.path and not parts.scheme and not parts.netloc
        if local and not (path.parent / unquote(parts.path)).is_file():
            yield address


def names(html: Path, pages: list[str]) -> Iterator[str]:
    """What is wrong with how pages name themselves and their book."""
    titles: dict[str, str] = {}
    for page in pages:
        told = read(html / f"{page}.html")
        title = told.title.removesuffix(f" — {BOOK}")
        if title == told.title or title == BOOK:
            yield f"{page}.html is called {told.title!r}, and not by its own name"
        if told.site != BOOK:
            yield f"{page}.html says that it is of {told.site!r}, not of {BOOK!r}"
        if title in titles:
            yield f"{page}.html is called as {titles[title]}.html is: {title!r}"
        titles[title] = page


def problems(html: Path, pages: list[str]) -> list[str]:
    """Everything that is wrong with a built book, a line each."""
    found = [
        f"{page}.html is missing"
        for page in pages
        if not (html / f"{page}.html").is_file()
    ]
    for path in sorted([*html.rglob("*.html"), *html.rglob("*.css")]):
        name = path.relative_to(html)
        found += [f"{name} loads {address}" for address in remote_loads(path)]
        found += [f"{name} lacks {address}" for address in missing_loads(path)]
    return found


def main() -> int:
    """Print the problems, or that there are none."""
    html = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "html"
    pages = read_toc()
    found = problems(html, pages)
    if not found:
        found = [*names(html, pages)]
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"all {len(pages)} pages are there and have what they load")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
