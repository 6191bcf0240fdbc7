"""The book's face: its mark, and what its pages say of themselves."""

import base64
import importlib.util
import json
import re
import sys
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import check_pages
import pytest
import yaml
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))
import icons  # noqa: E402
import light  # noqa: E402
import spoken  # noqa: E402

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
SITE = CONFIG["html"]["baseurl"]

INDEX = """
Front
=====

.. title:: Not the front

.. toctree::
   told

..

   An aside. It is long enough to be taken for a description of the page.

Short. But *this* sentence, with "quotes" & more, has what it takes. A third.
"""
TOLD = """
.. meta::
   :description: What its author says.

Told
====

Something else: :math:`x`.

.. image:: drawn.svg

.. image:: other.svg
"""


def copied(app, error):
    """As packages do: at the end of the build, all their files."""
    static = Path(app.outdir) / "_static"
    for name, text in {
        "mathjax/sre/en.json": "MathJax",
        "mathjax/tex-svg-full.js": "MathJax",
        "mathjax/tex-chtml.js": "MathJax",
        "locales/de/book.mo": "Suche",
        "live/weights.js": "put together by a script",
        "tool.js": "x = 1;\n//# sourceMappingURL=tool.js.map",
        "tool.js.map": "{}",
        "unasked.js": "y = 2;",
        "tool.LICENSE.txt": "stays",
        "drawn.svg": "<svg>drawn</svg>",
        "other.svg": "<svg>of the same name</svg>",
    }.items():
        (static / name).parent.mkdir(parents=True, exist_ok=True)
        (static / name).write_text(text, "utf-8")


def setup(app):
    """This module stands in for that extension."""
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("build-finished", copied)
    app.add_js_file("tool.js")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A book of two pages and what stands in their heads, by name and by property."""
    root = tmp_path_factory.mktemp("book")
    (root / "index.rst").write_text(INDEX, "utf-8")
    (root / "told.rst").write_text(TOLD, "utf-8")
    for name in ("drawn", "other"):
        (root / f"{name}.svg").write_text(f"<svg>{name}</svg>", "utf-8")
    extensions = ["sphinx.ext.mathjax", __name__, "about_pages", "light"]
    book = {"extensions": extensions, "html_baseurl": SITE, "project": "P"}
    Sphinx(root, None, root / "html", root / "trees", "html", book, status=None).build()
    return root / "html"


def head(page):
    text = page.read_text("utf-8")
    found = re.findall(
        r'<meta (?:name|property)="([^"]+)"[^>]* content="([^"]*)"', text
    )
    other = re.findall(r'<meta content="([^"]*)" name="([^"]+)"', text)
    return found + [pair[::-1] for pair in other]


def test_a_page_is_described_by_its_first_sentence_that_says_enough(pages):
    said = dict(head(pages / "index.html"))
    about = "Short. But this sentence, with “quotes” &amp; more, has what it takes."
    assert said["description"] == said["og:description"] == about
    assert said["og:url"] == f"{SITE}index.html"
    assert said["og:image"] == f"{SITE}_static/card.png"


def test_an_authors_description_stands_once(pages):
    found = head(pages / "told.html")
    assert [v for k, v in found if k == "description"] == ["What its author says."]
    assert dict(found)["og:description"] == "What its author says."


def test_the_site_map_has_every_page(pages):
    places = ElementTree.parse(pages / "sitemap.xml").getroot().findall("{*}url/{*}loc")
    assert [p.text for p in places] == [f"{SITE}index.html", f"{SITE}told.html"]


def test_formulas_need_one_file_and_no_other_is_there(pages):
    told = (pages / "told.html").read_text("utf-8")
    assert re.findall(r'src="_static/(mathjax/[^"?]*)', told) == [light.BUNDLE]
    assert [p.name for p in pages.rglob("mathjax/*")] == ["tex-svg-full.js"]


def test_a_picture_lies_there_once(pages):
    told = (pages / "told.html").read_text("utf-8")
    sources = ["_static/drawn.svg", "_images/other.svg"]
    assert re.findall(r'<img [^>]*src="([^"]+)"', told) == sources
    assert [path.name for path in (pages / "_images").iterdir()] == ["other.svg"]
    assert (pages / "_static" / "drawn.svg").is_file()


def test_what_no_page_asks_for_is_dropped(pages):
    found = {
        p.relative_to(pages / "_static").as_posix()
        for p in (pages / "_static").rglob("*.*")
    }
    assert {"tool.js", "tool.LICENSE.txt", "live/weights.js"} <= found
    assert not {"tool.js.map", "unasked.js", "locales/de/book.mo"} & found
    assert not (pages / "_static" / "locales").exists()
    assert (pages / "_static" / "tool.js").read_text("utf-8") == "x = 1;\n"
    assert [*check_pages.problems(pages, ["index", "told"])] == []


def test_no_script_keeps_the_first_paint_waiting(pages):
    told = (pages / "told.html").read_text("utf-8")
    waits = re.findall(r"<script (?!defer|async)[^>]*src=\"([^\"?]+)", told)
    assert waits == ["_static/documentation_options.js"]
    assert '<script defer src="_static/tool.js' in told
    head = """<link rel="preload" as="font" href="webfonts/fa.woff2" />
<link href="../_static/vendor/fontawesome/6/css/all.min.css?d=1" rel="stylesheet" />
<link href="../_static/styles/theme.css?d=1" rel="stylesheet" />
<script src="../_static/vendor/fontawesome/6/js/all.min.js"></script>"""
    assert light.lighter(head).split("\n") == [
        "",
        '<link href="../_static/icons.css" rel="stylesheet" />',
        '<link href="../_static/basic.css" rel="stylesheet" />',
    ]


def test_the_icons_are_those_that_pages_name_and_no_others():
    theme = pytest.importorskip("pydata_sphinx_theme")
    static = Path(theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    (package,) = (static / "vendor" / "fontawesome").iterdir()
    text = (
        '<i class="fas fa-bars"></i><i class="fab fa-github"></i> .x{content:"\\f107"}'
    )
    sheet = icons.sheet(package, text)
    assert re.findall(r"^\.(fa-\S+?)::before", sheet, re.M) == ["fa-bars", "fa-github"]
    fonts = re.findall(r"base64,([^)]+)\);unicode-range:(\S+?)}", sheet)
    assert [span for _, span in fonts] == ["U+F0C9,U+F107", "U+F09B"]
    for data, span in fonts:
        font = TTFont(BytesIO(base64.b64decode(data)))
        assert {f"U+{point:X}" for point in font.getBestCmap()} == {*span.split(",")}
        assert font["name"].getDebugName(1) is None  # a name that is reserved
    assert "SIL OFL" in sheet[:300]
    assert len(sheet) < 5_000


def test_the_package_of_mathjax_has_the_bundle():
    (found,) = importlib.util.find_spec(
        "sphinx-mathjax-offline"
    ).submodule_search_locations
    assert (Path(found) / "static" / light.BUNDLE).is_file()


def test_the_book_has_a_mark_a_card_and_an_edit_button():
    mark = ROOT / CONFIG["logo"]
    assert CONFIG["html"]["favicon"] == CONFIG["logo"]
    assert ElementTree.parse(mark).getroot().get("viewBox") == "0 0 64 64"
    with Image.open(ROOT / "book" / "_static" / "card.png") as card:
        assert card.size == (1200, 630)  # what messengers ask for
    assert CONFIG["html"]["use_edit_page_button"]
    owner, name = CONFIG["repository"]["url"].split("/")[-2:]
    assert f"https://{owner}.github.io/{name}/" == SITE


def first_words(page):
    """The first paragraph below the heading, or the description above it."""
    file = ROOT / f"{page}.md"
    if not file.exists():
        cells = json.loads(file.with_suffix(".ipynb").read_text("utf-8"))["cells"]
        return "".join(cells[0]["source"]).split("\n\n")[1]
    text = file.read_text("utf-8")
    # At the top, without myst, it is deprecated, and the build warns.
    given = re.search(r"^myst:\n  html_meta:\n    description: (.+)$", text, re.M)
    return given[1] if given else re.split(r"^# .*\n\n", text, flags=re.M)[1]


@pytest.mark.parametrize("page", check_pages.read_toc())
def test_every_page_begins_with_words_that_describe_it(page):
    words = first_words(page)
    assert len(words) >= 40
    assert re.match(r"[*A-Z`]", words), words


def test_what_folds_in_the_sidebar_has_a_name():
    """The theme's arrow is a picture without words."""
    soup = pytest.importorskip("bs4").BeautifulSoup(
        '<li><a href="x">Lesson plans</a><details><summary></summary></details></li>',
        "html.parser",
    )
    context = {"generate_toctree_html": lambda kind: soup}
    spoken.name_toggles(None, "page", "page.html", context, None)
    folds = context["generate_toctree_html"]("sidebar").select("summary")
    assert [fold["aria-label"] for fold in folds] == ["Pages below: Lesson plans"]
    spoken.name_toggles(None, "page", "page.html", {}, None)  # as of an e-book
