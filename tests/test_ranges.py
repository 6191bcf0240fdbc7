"""The ranges that lesson plans quote: what chapters print with five seeds."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import cpu_only

pytest.importorskip("nbclient")
pytest.importorskip("sphinx")
ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "book" / "_ext"), str(ROOT / "book" / "teaching")]
import ranged  # noqa: E402
import ranges  # noqa: E402

PLANS = sorted((ROOT / "book" / "teaching" / "lessons").glob("*.md"))
QUOTED = [
    (plan.stem, text)
    for plan in PLANS
    for text in re.findall(r"\{range\}`([^`]+)`", plan.read_text("utf-8"))
]


def test_the_numbers_of_a_line_stand_under_the_words_before_them():
    told = "exact     52.11 %\nall angles   89.1  80.2\nno number\n1 2\nh2o: -1,000"
    found = {"exact": [52.11], "all angles": [89.1, 80.2], "h2o": [-1000.0]}
    assert ranges.lines_of(told) == found


def test_what_no_seed_changes_or_one_does_not_print_is_left_out():
    first = {"a": {"right": [1.0, 2.0], "images": [9.0]}, "b": {"lost": [1.0]}}
    second = {"a": {"right": [1.0, 3.0], "images": [9.0]}}
    wanted = {"a": {"right": [[1.0, 2.0], [1.0, 3.0]]}}
    assert ranges.together([first, second]) == wanted


@cpu_only("a kernel of its own")
def test_a_chapter_draws_from_the_seed(tmp_path):
    path = tmp_path / "chapter.ipynb"
    cells = [
        nbformat.v4.new_code_cell(source, id=name)
        for name, source in {
            "start": f"import torch\nimport thin_mini as tm\n{ranges.SETUP}",
            "drawn": "print('drawn:', torch.rand(1).item())\nprint('fixed:', 3)",
            "built": "first = tm.build('baseline', 10).head.last.weight\n"
            "print('first:', round(first[0, 0].item(), 6))",
        }.items()
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    one, same, other = (ranges.printed(path, seed) for seed in (1, 1, 2))
    assert one == same
    assert one["drawn"]["drawn"] != other["drawn"]["drawn"]
    assert one["drawn"]["fixed"] == other["drawn"]["fixed"] == [3.0]
    assert one["built"]["first"] != other["built"]["first"]


def test_what_is_kept_is_of_cells_that_there_are():
    for chapter, cells in json.loads(ranged.FILE.read_text("utf-8")).items():
        book = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", 4)
        assert set(cells) <= {cell.id for cell in book.cells}
        for lines in cells.values():
            assert all(len(each) == len(ranges.SEEDS) for each in lines.values())


@pytest.mark.parametrize(("plan", "text"), QUOTED)
def test_a_range_in_a_plan_is_of_its_own_chapter(plan, text):
    assert text.startswith(f"{plan}_")
    least, most = map(float, ranged.told(text).split(" to "))
    assert least < most


def test_a_range_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"ranges\.json has no '02_none'"):
        ranged.told("02_none | a | b")
