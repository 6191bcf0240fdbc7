"""What readers do in the built book: search, switch, go by keyboard, move a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, sync_playwright
from walk_browser import browser_of, opened, turn_to

Failure = tuple[str, str, str]  # the page, the rule, the element
FRONT = "book/intro.html"
SEARCHES = ("tree gate", "dispelling")
# Where every stop of the keyboard is looked at, and how many there are at most.
BY_KEYBOARD = (FRONT, "notebooks/05_tree_gates.html", "book/ledger.html")
STOPS = 120
LOADED = ".live-app .live-said:not(:empty)"
# Which element takes a finger that drags, and no other does.
SURFACES = """e => [...e.querySelectorAll(".live-app *")].findIndex(x =>
  getComputedStyle(x).touchAction === "none")"""


def search(root: Path, browser: Any) -> Iterator[Failure]:
    """Through the field that a key opens."""
    for words in SEARCHES:
        page = opened(browser, [])
        turn_to(page, (root / FRONT).as_uri())
        page.keyboard.press("Control+k")
        page.locator("input[name=q]:visible").first.fill(words)
        page.keyboard.press("Enter")
        try:
            page.wait_for_selector("#search-results ul.search li > a", timeout=60_000)
        except TimeoutError:
            yield "search.html", "search", f"nothing for {words!r}"
        page.context.close()


def switch(root: Path, browser: Any) -> Iterator[Failure]:
    """The theme: of the system first, then of the switch, kept on the next page."""
    shown = "document.documentElement.dataset.theme"
    for system in ("light", "dark"):
        page = opened(browser, [], color_scheme=system)
        turn_to(page, (root / FRONT).as_uri())
        if (theme := page.evaluate(shown)) != system:
            yield FRONT, "theme", f"a {system} system gets {theme}"
        button = page.locator("button.theme-switch-button:visible").first
        themes = set()
        for _ in range(3):
            button.click()
            themes.add(last := page.evaluate(shown))
        if themes != {"light", "dark"}:
            yield FRONT, "theme", f"the switch only reaches {themes}"
        page.goto((root / "book" / "glossary.html").as_uri())
        if page.evaluate(shown) != last:
            yield "book/glossary.html", "theme", f"the {last} one is forgotten"
        page.context.close()


def by_keyboard(root: Path, browser: Any) -> Iterator[Failure]:
    """Where the keyboard goes and nothing shows it."""
    for scheme in ("light", "dark"):
        page = opened(browser, [], color_scheme=scheme)
        for name in BY_KEYBOARD:
            turn_to(page, (root / name).as_uri())
            for _ in range(STOPS):
                page.keyboard.press("Tab")
                if found := page.evaluate("walk.unseen()"):
                    yield name, f"focus, {scheme}", found
        page.context.close()


def changes(figure: Locator, act: Callable[[], Any]) -> bool:
    """Whether the figure says something new after what a reader does."""
    said = figure.locator(".live-said")
    before = said.inner_text()
    act()
    for _ in range(40):
        figure.page.wait_for_timeout(100)
        if said.inner_text() != before:
            return True
    return False


def tapped(page: Page, control: Locator, share: float) -> None:
    """A finger on a control, at a share of its width."""
    control.scroll_into_view_if_needed()
    box = control.bounding_box() or {}
    x, y = box["x"] + share * box["width"], box["y"] + box["height"] / 2
    page.touchscreen.tap(x, y)


def dragged(page: Page, surface: Locator) -> None:
    """A finger that goes over a drawing, or takes its handle along."""
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box() or {}
    reach = max(box["width"], 80)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    session = page.context.new_cdp_session(page)
    for i in range(6):
        x, y = (start + (i - 1) * reach / 20 for start in middle)
        points = [{"x": x, "y": y}]
        kind = "touchStart" if i == 0 else "touchMove"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def stuck(page: Page, figure: Locator, engine: str) -> Iterator[tuple[str, str]]:
    """The ways in which a figure does not react."""
    sliders = figure.locator("input[type=range], [role=slider]")
    for slider in sliders.all():
        name = slider.get_attribute("aria-label") or "a slider without a name"
        if not any(
            changes(figure, lambda k=key, s=slider: s.press(k))
            for key in ("ArrowRight", "ArrowLeft", "ArrowUp")
        ):
            yield "keyboard", name
    buttons = figure.locator("button[aria-pressed=false]")
    for act, way in ((lambda b: b.press("Enter"), "keyboard"), (Locator.tap, "touch")):
        if buttons.count() and not changes(figure, lambda a=act: a(buttons.first)):
            yield way, buttons.first.inner_text()
    ranges = figure.locator("input[type=range]")
    if ranges.count() and not any(
        changes(figure, lambda s=share: tapped(page, ranges.first, s))
        for share in (0.8, 0.3)
    ):
        yield "touch", ranges.first.get_attribute("aria-label") or "a slider"
    at = figure.evaluate(SURFACES)
    surface = figure.locator(".live-app *").nth(at)
    by_hand = at >= 0 and engine == "chromium"
    if by_hand and not changes(figure, lambda: dragged(page, surface)):
        yield "touch", "a finger that drags over the drawing"


def figures(root: Path, browser: Any, engine: str) -> Iterator[Failure]:
    """Each figure that moves, on a phone, and each as it is without scripts."""
    names = [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*.html"))
        if 'class="live"' in path.read_text("utf8")
    ]
    phone = {"viewport": {"width": 390, "height": 844}}
    page = opened(browser, [], has_touch=True, **phone)
    plain = opened(browser, [], java_script_enabled=False, **phone)
    for name in names:
        turn_to(page, (root / name).as_uri())
        for figure in page.locator("figure.live").all():
            what = figure.get_attribute("data-live")
            figure.scroll_into_view_if_needed()
            try:
                figure.locator(LOADED).wait_for(timeout=60_000)
            except TimeoutError:
                yield name, "figure", f"{what} does not move, or says nothing"
                continue
            if not figure.locator(".live-said[aria-live=polite]").count():
                yield name, "figure", f"{what}: its words are no live region"
            for way, where in stuck(page, figure, engine):
                yield name, f"figure, {way}", f"{what}: nothing is said after {where}"
        plain.goto((root / name).as_uri())
        for figure in plain.locator("figure.live").all():
            for part in ("img", "noscript"):
                if not figure.locator(part).first.is_visible():
                    what = figure.get_attribute("data-live")
                    yield name, "without scripts", f"{what} shows no {part}"


def as_readers(root: Path, engine: str) -> list[Failure]:
    """All that fails of what readers do."""
    with sync_playwright() as playwright:
        browser = browser_of(playwright, engine)
        parts = search, switch, by_keyboard
        found = [failure for part in parts for failure in part(root, browser)]
        return [*found, *figures(root, browser, engine)]
