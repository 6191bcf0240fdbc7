"""Walk the built book as readers do: in a real browser, from the disk, with no network.

    python tests/walk_book.py [folder of the HTML] [--only PART-OF-A-PATH]

``make walk`` does it with the system's Chromium, which ``CHROMIUM`` may name, and once
more with Firefox where playwright has installed one. Every failure names the page, the
rule and the element.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page, sync_playwright
from walk_browser import browser_of, chromium, firefox, opened, turn_to
from walk_readers import Failure, as_readers

ROOT = Path(__file__).parents[1]
PHONES = (390, 320)
PAPER = 718  # pixels of A4 less its margins
SHARES = 3  # of the pages for each core, so that no core waits long for the last
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# What the theme does, whatever the book: what of it, and why it stands.
THEMES_OWN = {
    "twice: search-input": "of the field of the search page; nothing refers to it",
}
Found = tuple[list[Failure], dict[str, set[str]], dict[str, list[str]]]


def looked_at(page: Page, root: Path, engine: str) -> Iterator[tuple[str, str]]:
    """Rules that the page breaks, on a desktop, on phones, on paper, in both themes."""
    yield from page.evaluate("walk.failures()")
    if engine == "chromium":
        page.evaluate(AXE)
        yield from page.evaluate("walk.violations", WCAG)
    for width in PHONES:
        page.set_viewport_size({"width": width, "height": 844})
        if wide := page.evaluate("walk.sideways()"):
            yield f"sideways at {width} px", wide
    page.set_viewport_size({"width": PAPER, "height": 1000})
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    for what in page.evaluate("walk.onPaper()"):
        yield "paper", what
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 900})
    drawings = {}
    for address in page.evaluate("walk.drawings()"):
        path = Path(unquote(urlsplit(address).path))
        drawings[address] = path.read_text("utf8")
    page.evaluate("walk.unfold", drawings)
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        for rule, what in page.evaluate("walk.unreadable()"):
            yield f"{rule}, {theme}", what


def walk(root: Path, names: list[str], engine: str) -> Found:
    """Each page: what fails, which places it has, where it leads."""
    failures: list[Failure] = []
    ids, links = {}, {}
    with sync_playwright() as playwright:
        said: list[str] = []
        page = opened(browser_of(playwright, engine), said, color_scheme="light")
        for name in names:
            said.clear()
            turn_to(page, (root / name).as_uri())
            ids[name] = {*page.evaluate("walk.ids()")}
            links[name] = page.evaluate("walk.links()")
            found = [*looked_at(page, root, engine), *(("console", s) for s in said)]
            failures += [(name, *failure) for failure in found]
    return failures, ids, links


def led_nowhere(root: Path, ids: dict, links: dict) -> Iterator[Failure]:
    """Links to files and to places in them that are not there."""
    for name, found in links.items():
        for link in dict.fromkeys(found):
            parts = urlsplit(link)
            if parts.scheme == "javascript":
                yield name, "link", f"no place: {link}"
            if parts.scheme or parts.netloc:
                continue
            path = root / name
            if parts.path:
                path = (path.parent / unquote(parts.path)).resolve()
            if not path.is_file():
                yield name, "link", f"leads nowhere: {link}"
            elif parts.fragment:
                there = ids.get(str(path.relative_to(root)))
                if there is not None and unquote(parts.fragment) not in there:
                    yield name, "link", f"no such place: {link}"


def walked(root: Path, names: list[str], engine: str, readers: bool) -> list[Failure]:
    """All that fails in one browser, with as many at work as there are cores."""
    cores = os.cpu_count() or 1
    shares = [names[i :: SHARES * cores] for i in range(SHARES * cores)]
    with get_context("spawn").Pool(cores) as pool:
        reading = pool.apply_async(as_readers, (root, engine)) if readers else None
        tasks = [(root, share, engine) for share in shares if share]
        walks = pool.starmap(walk, tasks, chunksize=1)
        failures = reading.get() if reading else []
    failures += [failure for found, _, _ in walks for failure in found]
    ids = {name: there for _, own, _ in walks for name, there in own.items()}
    links = {name: out for _, _, own in walks for name, out in own.items()}
    return [*failures, *led_nowhere(root, ids, links)]


def engines() -> list[str]:
    """The browsers there are; a line for each that is not."""
    with sync_playwright() as playwright:
        missing = {
            "chromium": None if chromium() else "install it, or name it in CHROMIUM",
            "firefox": None if firefox(playwright) else "`playwright install firefox`",
        }
    for engine, how in missing.items():
        if how:
            print(f"the walk with {engine} is skipped: none was found ({how})")
    return [engine for engine, how in missing.items() if how is None]


def is_walked(name: str) -> bool:
    """Not what pages load, slides, nor the page that leads on to the front page."""
    return not name.startswith(("_", "slides/")) and name != "index.html"


def main() -> int:
    """Print what fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", nargs="?", default=ROOT / "_build" / "html", type=Path
    )
    parser.add_argument("--only", default="", help="part of the paths of pages")
    told = parser.parse_args()
    root = told.folder.resolve()
    names = [str(path.relative_to(root)) for path in sorted(root.rglob("*.html"))]
    names = [name for name in names if told.only in name and is_walked(name)]
    if not names:
        raise SystemExit(f"no page in {root}: run `make book` first")
    status = 0
    for engine in engines():
        began = time.monotonic()
        failures = walked(root, names, engine, readers=not told.only)
        own = [f for f in failures if any(known in f[2] for known in THEMES_OWN)]
        ours = [failure for failure in failures if failure not in own]
        for name, rule, what in ours:
            print(f"{name} [{rule}] {' '.join(what.split())}")
        print(
            f"{engine}: {len(names)} pages walked, {len(ours)} failures, "
            f"{len(own)} of the theme, {time.monotonic() - began:.0f} s"
        )
        status |= bool(ours)
    return status


if __name__ == "__main__":
    sys.exit(main())
