"""The browsers that walk_book.py walks with, and a page in them with no network."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Playwright

SCRIPT = Path(__file__).with_name("walk_book.js").read_text("utf8")
CHROMIUMS = ("chromium", "google-chrome", "chromium-browser", "chrome")
PATIENCE = 180_000  # milliseconds, for a machine that has other work
STILL = """*, ::before, ::after { transition: none !important }
html { scroll-behavior: auto !important }"""
SETTLED = """async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
}"""


def chromium() -> str | None:
    """The system's Chromium, which ``CHROMIUM`` may name."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, CHROMIUMS)]
    return next(filter(None, found), None)


def firefox(playwright: Playwright) -> str | None:
    """The Firefox that playwright has installed: it drives no other."""
    path = playwright.firefox.executable_path
    return path if Path(path).exists() else None


def browser_of(playwright: Playwright, engine: str = "chromium") -> Any:
    """A browser, without a window."""
    if engine == "firefox":
        return playwright.firefox.launch()
    how = ["--no-sandbox", "--disable-gpu"]
    return playwright.chromium.launch(executable_path=chromium(), args=how)


def opened(browser: Any, said: list[str], **how: Any) -> Page:
    """A page that reaches nothing but the disk, and what goes wrong in it."""
    desktop = {"width": 1280, "height": 900}
    context = browser.new_context(**{"viewport": desktop, **how})
    context.set_offline(True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()

    def asked(request: Any) -> None:
        if urlsplit(request.url).scheme not in ("file", "data", "blob", "about"):
            said.append(f"asks for {request.url}")

    page.on("request", asked)
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(f"exception: {error}"))
    page.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
    return page


def turn_to(page: Page, address: str) -> None:
    """Load a page, wait until its formulas stand, and make its questions known.

    Nothing glides in it: what is measured would be on its way from theme to theme.
    """
    page.goto(address)
    page.add_style_tag(content=STILL)
    page.evaluate(SETTLED)
    page.evaluate(SCRIPT)
