"""What the book's own pages say agrees with the library and with one another."""

import contextlib
import dataclasses
import inspect
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import check_pages
import pytest
from conftest import MNIST_FOLDER

import thin_mini as tm
from thin_mini.profiles import PROFILES, Profile

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
sys.path.append(str(BOOK / "_ext"))
import whole_lines  # noqa: E402

PAGES = sorted(BOOK.rglob("*.md"))
TEXT = {p.relative_to(BOOK).as_posix(): p.read_text("utf-8") for p in PAGES}
CHAPTERS = [page for page in check_pages.read_toc() if page.startswith("notebooks/")]
SVG = "{http://www.w3.org/2000/svg}"

each_page = pytest.mark.parametrize("name", TEXT)


def without_code(text: str) -> str:
    """A page less its code blocks; directives such as {glossary} stay."""

    def kept(block: re.Match) -> str:
        return block[0] if block[1].startswith("{") else ""

    return re.sub(r"^```(\S*)[^\n]*\n.*?^```$", kept, text, flags=re.M | re.S)


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose header row begins with ``header``."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {header} "):
            next(lines)  # the rule
            break
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_profiles_are_those_of_the_library():
    table = {
        tuple(cell.strip("`").replace(",", "") for cell in row)
        for row in rows(TEXT["using.md"], "profile")
    }
    sizes = [f.name for f in dataclasses.fields(Profile) if f.name != "device"]
    assert table == {
        tuple(str(getattr(p, name)) for name in sizes) for p in PROFILES.values()
    }


def test_minutes_and_titles_are_those_of_the_chapters():
    told = []
    for number, chapter in enumerate(CHAPTERS, 1):
        notebook = json.loads((ROOT / f"{chapter}.ipynb").read_text("utf-8"))
        first = "".join(notebook["cells"][0]["source"])
        title = re.search(r"^# (.+)$", first, re.M).group(1)
        minutes = re.search(r"\*\*Time\*\* (\d+) minutes to read", first).group(1)
        told.append([f"{number} · {title}", minutes])
    assert [row[:2] for row in rows(TEXT["using.md"], "chapter")] == told


@pytest.fixture(scope="module")
def examples(digits, exogenous):
    """An instance of each class whose attributes the notation names."""
    return {
        tm.ConvEncoder: exogenous.encoder,
        tm.Experts: tm.Experts(4, 2, 3, 4),
        tm.TreeGate: tm.TreeGate(4, 2),
        tm.GatedEnsemble: tm.build("thin", 10, exogenous=exogenous),
        "train": digits[0],
        "tm": tm,
    }


def resolve(name: str, examples: dict) -> None:
    """Follow ``tm.Class.attribute`` or ``tm.function(argument)``, or fail."""
    path, argument = re.fullmatch(r"([\w.]+)(?:\((\w+)\))?", name).groups()
    start, *parts = path.split(".")
    thing = examples[start]
    for part in parts:
        if not hasattr(thing, part):
            thing = examples[thing]
        thing = getattr(thing, part)
    assert argument is None or argument in inspect.signature(thing).parameters


def test_every_name_in_the_notation_is_in_the_library(examples):
    column = [
        [cell.strip() for cell in line.strip("|").split("|")][3]
        for line in TEXT["notation.md"].splitlines()
        if line.startswith("|")
    ]
    names = [name for cell in column for name in re.findall(r"`([^`]+)`", cell)]
    assert len(names) > 30
    for name in names:
        resolve(name, examples)
    with pytest.raises((AttributeError, KeyError, AssertionError)):
        resolve("tm.TreeGate.no_such_thing", examples)


@each_page
def test_links_lead_somewhere(name):
    text = without_code(TEXT[name])
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    for target in targets:
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (BOOK / name).parent / path if path else BOOK / name
        assert file.is_file(), target
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), target


@each_page
def test_pictures_are_there_and_described(name):
    text = without_code(TEXT[name])
    for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text):
        assert len(alt) > 20, target
        assert (BOOK / target).is_file(), target
    for tag in re.findall(r"<(?:img|source)\b[^>]*>", text):
        # In the built book the page lies one folder below _static.
        (target,) = re.findall(r'(?:src|srcset)="\.\./(_static/[^"]+)"', tag)
        assert (BOOK / target).is_file(), target
        assert tag.startswith("<source") or re.search(r'alt="[^"]{20,}"', tag), tag
    for directive in re.findall(
        r"^(?:```|:::)\{(?:image|figure)\}.*?^(?:```|:::)$", text, re.M | re.S
    ):
        assert re.search(r"^:alt: \S.{20,}", directive, re.M), directive


def test_every_page_is_in_the_table_of_contents():
    toc = check_pages.read_toc()
    assert [page for page in toc if not list(ROOT.glob(f"{page}.*"))] == []
    assert {f"book/{name.removesuffix('.md')}" for name in TEXT} <= set(toc)


def entries() -> dict[str, str]:
    """The references: each key with its fields."""
    text = (BOOK / "references.bib").read_text("utf-8")
    found = re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", text, re.M | re.S)
    assert len(found) == text.count("\n@") + 1
    counted = Counter(key for key, _ in found)
    assert [key for key, n in counted.items() if n > 1] == []
    return dict(found)


def test_references_can_be_looked_up():
    for key, entry in entries().items():
        assert re.search(r"^ *(doi|url|eprint) *= *\{\S+\}", entry, re.M), key


def test_citations_have_a_reference_and_each_is_cited_somewhere():
    cited = re.findall(r"\{cite:p\}`([^`]+)`", "\n".join(TEXT.values()))
    keys = {key for group in cited for key in group.split(",")}
    assert keys == set(entries())


def test_glossary_is_in_order_and_explains_the_terms_that_are_used():
    (body,) = re.findall(
        r"^```\{glossary\}\n(.*?)^```$", TEXT["glossary.md"], re.M | re.S
    )
    terms = [line.lower() for line in body.splitlines() if re.match(r"\S", line)]
    assert terms == sorted(terms)
    used = re.findall(r"\{term\}`([^`]+)`", "\n".join(TEXT.values()))
    assert {re.sub(r".*<(.+)>", r"\1", term).lower() for term in used} <= set(terms)


@pytest.mark.parametrize("name", ["thin", "thin-narrow", "routing"])
def test_drawings_stand_alone(name):
    file = BOOK / "_static" / f"{name}.svg"
    text = file.read_text("utf-8")
    assert len(text) < 50_000
    assert not re.search(r"@import|url\(['\"]?https?:|href=\"https?:|<script", text)
    root = ElementTree.fromstring(text)
    assert root.find(f"{SVG}title").text
    if name != "routing":  # matplotlib writes a title but no description
        assert root.find(f"{SVG}desc").text


@pytest.mark.skipif(MNIST_FOLDER is None, reason="needs MNIST in THIN_MINI_DATA")
def test_numbers_of_the_data_card(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", str(MNIST_FOLDER))
    code, told = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", TEXT["data.md"], re.S
    ).groups()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == told


def test_a_line_that_was_printed_in_pieces_is_one_line():
    def piece(text, name="stdout"):
        return {"output_type": "stream", "name": name, "text": text}

    figure = {"output_type": "display_data"}
    outputs = [piece("26.8 % before, "), piece("a", "stderr"), figure]
    outputs += [piece("28.9 % after"), piece("\nthen\n"), piece("b\n", "stderr")]
    whole = piece("26.8 % before, 28.9 % after\nthen\n")
    assert whole_lines.whole_lines(outputs) == [whole, piece("ab\n", "stderr"), figure]
    render = pytest.importorskip("myst_nb.core.render")
    before = render.coalesce_streams
    try:
        whole_lines.setup(None)
        pieces = [piece("one "), piece("line\n")]
        assert render.coalesce_streams(pieces) == [piece("one line\n")]
    finally:
        render.coalesce_streams = before


def test_every_public_name_stands_in_the_pages_of_the_library():
    text = "".join(page.read_text("utf8") for page in BOOK.glob("api/*.md"))
    shown = {*re.findall(r"automodule:: ([\w.]+)", text)}
    rooms = tm, tm.data, tm.rivals, tm.course
    for room in rooms:
        for name in room.__all__:
            own = getattr(room, name)
            if inspect.ismodule(own):  # a room or a file of its own
                there = {module for module in shown if module.startswith(own.__name__)}
            else:
                there = shown & {getattr(own, "__module__", "")}
            assert there or not hasattr(own, "__module__"), f"{room.__name__}.{name}"
    index = (BOOK / "api.md").read_text("utf8")
    assert all(f"(api/{page.name})" in index for page in BOOK.glob("api/*.md"))
