"""The slides: made of cells that exist, short, described, with the plans as notes."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import check_pages
import check_slides
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from test_sentences import NOTEBOOKS
from test_teaching import LESSONS, PAGES, plan, sections

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "book"))
import lesson_notes  # noqa: E402
import slides  # noqa: E402

OUTLINES = slides.outlines()
SLIDES = [
    pytest.param(session, slide, id=f"{session}-{at}")
    for session, deck in OUTLINES.items()
    for at, slide in enumerate(deck, 1)
]
MOST, WORDS, LINES = 25, 60, 22  # slides a session, words and lines of code a slide
each_session = pytest.mark.parametrize("session", OUTLINES)
browser = pytest.mark.skipif(not check_slides.CHROMIUM, reason="needs Chromium")
FIGURE = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"></svg>'


def stand_ins(chapter):
    """A chapter's cells with outputs that took no time: figures, tables, lines."""
    cells = {}
    for cell in NOTEBOOKS[chapter]:
        made = nbformat.from_dict({**cell, "source": "".join(cell["source"])})
        text = "data: stand-in\nprofile: smoke\n"
        made["outputs"] = [new_output("stream", name="stdout", text=text)]
        if "mystnb" in cell["metadata"]:
            data = {"image/svg+xml": FIGURE, "text/plain": "<Figure>"}
            made["outputs"] = [new_output("display_data", data=data)]
        elif "readable(" in made["source"]:
            data = {"text/html": "<style>a</style><table><tr><td>1</td></tr></table>"}
            made["outputs"] = [new_output("execute_result", data=data)]
        cells[cell["id"]] = made
    return cells


class Read(HTMLParser):
    """Counts the slides and their notes, and collects what pictures say."""

    def __init__(self):
        super().__init__()
        self.counts, self.alts = {"section": 0, "aside": 0}, []

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag == "img":
            self.alts.append(dict(attrs)["alt"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The slides of all sessions, from stand-in outputs."""
    out = tmp_path_factory.mktemp("slides")
    slides.bring(out)
    for session, deck in OUTLINES.items():
        slides.build(session, deck, stand_ins, out)
    return out


@pytest.mark.parametrize(("session", "slide"), SLIDES)
def test_a_slide_takes_cells_that_exist_and_is_no_wall_of_text(session, slide):
    for name in lesson_notes.cells_of(slide):
        cells = {cell["id"]: cell for cell in NOTEBOOKS[lesson_notes.chapter_of(name)]}
        cell, source = cells[name], "".join(cells[name]["source"])
        assert cell["cell_type"] == "code"
        if name in slide.get("code", "").split():
            assert source.count("\n") < LINES
        elif "plt.show()" in source:
            assert len(cell["metadata"]["mystnb"]["image"]["alt"]) > 20
    if "picture" in slide:
        assert len(slide["alt"]) > 20
        assert (slides.STATIC / slide["picture"]).is_file()
    text = re.sub(r"\$\$?[^$]+\$\$?", "x", f"{slide['title']} {slide.get('text', '')}")
    text = re.sub(r"\{\w+\}`[^`]+`", "x", text)
    assert len(re.findall(r"\w[\w'’-]*", text)) <= WORDS


@each_session
def test_a_session_has_at_most_25_slides_with_titles_of_their_own(session):
    titles = [slide["title"] for slide in OUTLINES[session]]
    assert 10 <= len(titles) <= MOST
    assert len(set(titles)) == len(titles)


@each_session
def test_the_notes_are_the_whole_plan_and_end_with_the_session(session):
    notes, clock = lesson_notes.notes(session, OUTLINES[session])
    assert clock == 90
    assert all(len(note) > 40 and "{ref}" not in note for note in notes)
    assert re.search(r"Homework:</em>.* Exercise \d+\.\d+", notes[-1], re.S)
    wanted = []
    for _, _, where in plan(
        sections(PAGES["syllabi"])[f"Session {session}, 90 minutes"]
    ):
        if link := re.search(r"lessons/(\d+)\.md", where):
            rows = plan(LESSONS[int(link[1])])
            marked = [row for row in rows if "•" in row[0]]
            wanted += [(int(link[1]), row) for row in marked or rows]
    inner = OUTLINES[session][1:-1]
    taken = [row for slide in inner for row in lesson_notes.plan_rows(slide)]
    assert [row for row in wanted if row not in taken] == []
    assert [row for row in taken if row not in wanted] == []


@each_session
def test_a_page_reads_nothing_from_elsewhere_and_describes_its_pictures(session, made):
    page = made / f"{session}.html"
    text = page.read_text("utf-8")
    assert check_pages.remote_loads(page) == []
    assert check_pages.remote_loads(made / "slides.css") == []
    read = Read()
    read.feed(text)
    assert read.counts["section"] == read.counts["aside"] == len(OUTLINES[session])
    assert read.alts
    assert min(map(len, read.alts)) > 20
    for source in re.findall(r'(?:src|href)="([^"#]+)"', text):
        assert (made / source).is_file(), source
    left = re.sub(r"<(script|pre|aside).*?</\1>", "", text, flags=re.S)
    assert not re.search(r"\{\w+\}`|\$|\*\*", left)
    assert "data: stand-in · profile: smoke" in text


@browser
def test_a_browser_sees_what_does_not_fit_and_nothing_else(tmp_path):
    full = {"title": "Full", "text": "word " * 600, "show": "ch01-07"}
    wide = {"title": "Wide", "text": "w" * 200, "plan": "1 ch01-07"}
    slides.bring(tmp_path)
    slides.build(
        1, [*OUTLINES[1][:-1], full, wide, OUTLINES[1][-1]], stand_ins, tmp_path
    )
    count, found = check_slides.measured(tmp_path / "1.html")
    there = len(OUTLINES[1])
    assert count == there + 2
    assert found == [
        f"1.html: slide {there}, something leaves it",
        f"1.html: slide {there}, its figure is tiny",
        f"1.html: slide {there + 1}, something leaves it",
    ]


def test_a_number_is_drawn_from_the_results():
    told = lesson_notes.rendered("{difference}`table2 | mnist-r | THIN | Baseline`")
    assert re.fullmatch(r"<p>\+0\.\d\d ± 0\.\d\d\spoints</p>\n", told)


@pytest.mark.parametrize(
    ("slide", "names"),
    [
        ({"show": "ch01-99", "plan": "1 ch01-07"}, ["no chapter", "ch01-99"]),
        ({"show": "ch01-04", "plan": "1 ch01-07"}, ["ch01-04", "nothing"]),
        ({"plan": "1 no such thing"}, ["chapter 1", "no such thing"]),
        ({"show": "ch01-07", "ask": [9]}, ["chapter 1", "1 to 3", "Ask", "9"]),
    ],
)
def test_what_an_outline_names_must_be_there(slide, names, tmp_path):
    first, *_, last = OUTLINES[1]
    deck = [first, {"title": "A slide", **slide}, last]

    def silent(chapter):
        cells = stand_ins(chapter)
        cells["ch01-04"]["outputs"] = []
        return cells

    with pytest.raises(ValueError, match=".*".join(names)):
        slides.build(1, deck, silent, tmp_path)


@pytest.mark.parametrize(
    ("slide", "said"),
    [("title: A slide, shows: ch01-07", "'A slide'.*'shows'"), ("text: A", "None")],
)
def test_a_slide_says_what_it_may_and_has_a_title(slide, said, tmp_path, monkeypatch):
    (tmp_path / "1.yml").write_text(f"slides: [{{{slide}}}]")
    monkeypatch.setattr(slides, "OUTLINES", tmp_path)
    with pytest.raises(ValueError, match=rf"1\.yml.*{said}.*needs a title.*'show'"):
        slides.outlines()


def test_a_session_that_the_syllabus_has_not():
    with pytest.raises(ValueError, match=r"no heading.*Session 9"):
        lesson_notes.notes(9, OUTLINES[1])


def test_a_chapter_is_run_once_and_kept(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    cell = new_code_cell("print(6 * 7)", id="ch01-01")
    book = tmp_path / "notebooks" / "01_small.ipynb"
    nbformat.write(new_notebook(cells=[cell]), book)
    monkeypatch.setattr(slides, "ROOT", tmp_path)
    monkeypatch.setattr(slides, "CACHE", tmp_path / "cache")
    for _ in range(2):
        assert slides.executed(1)["ch01-01"].outputs[0].text == "42\n"
    assert capsys.readouterr().out == "running 01_small.ipynb\n"


@each_session
def test_the_syllabus_and_the_plans_lead_to_the_slides(session):
    text = sections(PAGES["syllabi"])[f"Session {session}, 90 minutes"]
    assert f'href="../../slides/{session}.html"' in text
    for chapter in re.findall(r"lessons/(\d+)\.md", text):
        assert f'href="../../../slides/{session}.html"' in LESSONS[int(chapter)]
