"""The walk through the built book can fail: two broken pages, and what it says."""

import pytest

pytest.importorskip("playwright", reason="`make walk` installs it")
import walk_book
import walk_browser
import walk_readers
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.skipif(
    walk_browser.chromium() is None, reason="needs Chromium"
)
HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>'
STYLE = """<style>
  * { transition: color 9s } html { background: white }
  [data-theme=dark] { background: black; color: white }
  .grey { color: #999 } pre { overflow: auto } a { color: inherit; outline: none }
</style>"""
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">
  <rect width="40" height="30" fill="#222"/><text x="2" y="20" fill="#333">lost</text>
  <g id="text_1"><path d="M50 5h30v20h-30z" fill="#999"/></g></svg>"""
SOUND = f"""{HEAD}{STYLE}<main><h1 id="top">Sound</h1><h2>And below</h2>
  <p>Words. <a href="#top">Up</a></p></main>"""
BROKEN = f"""{HEAD}{STYLE}<main><h1>Broken</h1><h3>Too deep</h3>
  <p class="grey" id="a">Faint</p><p id="a">A $$formula$$</p><img src="gone.png">
  <img src="drawing.svg" alt="A drawing"><a href="sound.html#nowhere">One</a>
  <a href="missing.html">Two</a><a href="javascript:void 0">Three</a><input>
  <div style="width: 600px">Wide</div><table style="width: 900px"><tr><td>x</table>
  <details><summary>Shut</summary></details>
  <pre style="width: 50px">a line that is long</pre>
  <script src="https://example.org/x.js"></script><script>gone()</script></main>"""
FIGURE = """<figure class="live" data-live="{name}"><div class="live-app">
  <input type="range" aria-label="How much" oninput="{does}">
  <p class="live-said" aria-live="polite">At first</p></div>
  <img src="drawing.svg" alt="A drawing"><noscript>A picture</noscript></figure>"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    (folder / "drawing.svg").write_text(DRAWING, "utf-8")
    moves = "this.parentNode.lastElementChild.textContent = this.value"
    live = FIGURE.format(name="deaf", does="") + FIGURE.format(name="heard", does=moves)
    pages = {"sound": SOUND, "broken": BROKEN, "live": f"{HEAD}<h1>Live</h1>{live}"}
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return folder


def test_each_rule_names_page_and_element(root):
    names = ["sound.html", "broken.html"]
    found, ids, links = walk_book.walk(root, names, "chromium")
    found += walk_book.led_nowhere(root, ids, links)
    assert {page for page, _, _ in found} == {"broken.html"}
    told = {(rule, word) for _, rule, what in found for word in what.split()}
    rules = {rule for _, rule, _ in found}
    expected = {
        *("heading", "id", "formula", "image", "words for an image", "label"),
        *("sideways at 390 px", "sideways at 320 px", "paper", "link", "console"),
        *("contrast, light", "contrast in a figure, light"),
        "contrast in a figure, dark",
    }
    assert expected <= rules
    assert {("heading", "deep</h3>"), ("contrast, light", 'class="grey"')} <= told
    text = " ".join(what for _, _, what in found)
    for word in ("gone.png", "#nowhere", "missing.html", "javascript:", "example.org"):
        assert word in text
    for word in ("cut off", "shut", "ends of lines lost", "gone is not defined"):
        assert word in text
    assert 'id="text_1"' in " ".join(w for _, r, w in found if r.endswith(", light"))


def test_a_figure_that_says_nothing_is_found(root):
    with sync_playwright() as playwright:
        browser = walk_browser.browser_of(playwright)
        found = [*walk_readers.figures(root, browser, "chromium")]
    assert {(rule, what.partition(":")[0]) for _, rule, what in found} == {
        ("figure, keyboard", "deaf"),
        ("figure, touch", "deaf"),
    }


def test_a_focus_that_nothing_shows_is_found(root):
    with sync_playwright() as playwright:
        page = walk_browser.opened(walk_browser.browser_of(playwright), [])
        walk_browser.turn_to(page, (root / "broken.html").as_uri())
        page.keyboard.press("Tab")
        assert "sound.html" in page.evaluate("walk.unseen()")
