"""Check the built book: every page of _toc.yml is there and can be read offline.

    python tests/check_pages.py [folder of the HTML]

Offline means that no page loads a script, a style, a font, an image or a frame from
another host. Links may lead anywhere.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
REMOTE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
LOADS = {"src", "srcset", "poster", "data"}
# What a <link> may fetch by itself; canonical, next, prev and the like only point.
LINKS_THAT_LOAD = {"stylesheet", "preload", "modulepreload", "icon", "prefetch"}
IN_STYLE = re.compile(
    r"""(?:url\(\s*['"]?|@import\s+['"])((?:https?:)?//[^'")\s]+)""", re.IGNORECASE
)
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
    """Collects the addresses that a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.remote: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at what an element fetches."""
        self._inside = tag if tag in ("style", "script") else ""
        values = {name: value or "" for name, value in attrs}
        fetched = [value for name, value in values.items() if name in LOADS]
        if tag == "link" and LINKS_THAT_LOAD & set(values.get("rel", "").split()):
            fetched.append(values.get("href", ""))
        self.remote += [address for address in fetched if REMOTE.match(address)]
        self.remote += IN_STYLE.findall(values.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave a style or a script."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Look at styles and scripts written into the page."""
        if self._inside == "style":
            self.remote += IN_STYLE.findall(data)
        elif self._inside == "script":
            self.remote += IN_SCRIPT.findall(data)


def remote_loads(path: Path) -> list[str]:
    """The addresses on other hosts that an HTML page or a style sheet loads."""
    text = path.read_text("utf-8", errors="replace")
    if path.suffix == ".css":
        return IN_STYLE.findall(text)
    page = Loads()
    page.feed(text)
    page.close()
    return page.remote


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
    return found


def main() -> int:
    """Print the problems, or that there are none."""
    html = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "html"
    pages = read_toc()
    found = problems(html, pages)
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"all {len(pages)} pages are there and load nothing from other hosts")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
