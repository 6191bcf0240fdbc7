"""The bibliography's links back, and how to cite this book."""

import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))
bibtex = pytest.importorskip("sphinxcontrib.bibtex")
from pybtex.database import parse_string  # noqa: E402
from pybtex.richtext import Text  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402

WORKS = "@misc{%s, author = {A. Writer}, title = {On %s}, year = {20%d}}"
PAGES = {
    "index": "Front\n=====\n\n.. toctree::\n   :numbered:\n\n   a\n   folder/list\n",
    "a": "First\n=====\n\nSee :cite:p:`one` and once more :cite:t:`one`.\n",
    "folder/list": "List\n====\n\n:cite:p:`two`\n\n.. bibliography::\n   :all:\n",
}


def test_each_entry_leads_back_to_the_first_place_on_each_page(tmp_path):
    for name, text in PAGES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.rst").write_text(text, "utf-8")
    works = [WORKS % (w, w, i + 10) for i, w in enumerate(("one", "two", "none"))]
    (tmp_path / "works.bib").write_text("\n".join(works), "utf-8")
    how = {
        "extensions": ["sphinxcontrib.bibtex", "cited"],
        "bibtex_bibfiles": ["works.bib"],
        "html_theme": "basic",
    }
    out = tmp_path / "html"
    Sphinx(tmp_path, None, out, tmp_path / "trees", "html", how, status=None).build()
    page = (out / "folder" / "list.html").read_text("utf-8")
    entries = page.split("On ")[1:]
    told = {
        e[:4].rstrip("."): re.findall(r'href="([^"]+)">([^<]+)', e) for e in entries
    }
    place = r"(../a.html|)#(\S+)"
    ((first, name),) = told["one"][:1]
    assert name == "1. First"
    target = re.fullmatch(place, first)[2]
    assert f'id="{target}"' in (out / "a.html").read_text("utf-8").split("once more")[0]
    assert [name for _, name in told["two"]][:1] == ["2. List"]
    assert "Cited in" not in page.split("On none")[1]


def plain(text):
    """What a field of BibTeX says, without its braces and accents in commands."""
    return " ".join(str(Text.from_latex(text)).split())


def test_the_page_cites_what_the_citation_file_says():
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    paper = told["preferred-citation"]
    authors = [f"{a['family-names']}, {a['given-names']}" for a in paper["authors"]]
    expected = {
        "article": {k: str(paper[k]) for k in ("title", "journal", "year", "doi")},
        "software": {k: told[k] for k in ("title", "version", "license")},
    }
    expected["article"]["author"] = " and ".join(authors)
    expected["software"]["author"] = told["authors"][0]["name"]
    expected["software"]["url"] = told["repository-code"]
    page = (ROOT / "book" / "cite.md").read_text("utf-8")
    found = {}
    for block in re.findall(r"```bibtex\n(.*?)```", page, re.S):
        ((_, entry),) = parse_string(block, "bibtex").entries.items()
        found[entry.type] = {k: plain(v) for k, v in entry.fields.items()}
        people = [plain(str(person)) for person in entry.persons["author"]]
        found[entry.type]["author"] = " and ".join(people)
    assert found == expected
