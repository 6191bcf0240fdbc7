"""The pages for teachers: their minutes, their cells, and every number worked out."""

import re
import sys
from math import sqrt
from statistics import mean, stdev

import pytest
import torch
from conftest import MNIST_FOLDER
from test_book import BOOK, CHAPTERS, TEXT, rows
from test_sentences import NOTEBOOKS, numbers

import thin_mini as tm

sys.path.append(str(BOOK / "_ext"))
from exercises import MINUTES, exercises

TEACHING = BOOK / "teaching"
PAGES = {page.stem: page.read_text("utf-8") for page in TEACHING.rglob("*.md")}
LESSONS = {int(name): text for name, text in PAGES.items() if name.isdigit()}
TOLD = {  # chapter: minutes to read and run, and for its exercises
    int(row[0].partition(" ")[0]): (int(row[1]), int(row[2]))
    for row in rows(TEXT["using.md"], "chapter")
}


def plan(text: str) -> list[list[str]]:
    """The rows of a table of minutes."""
    return rows(text, "minutes")


def minutes(table: list[list[str]], mark: str = "") -> int:
    """The sum of a table's first column, or of its rows with a mark."""
    return sum(int(row[0].split()[0]) for row in table if mark in row[0])


def sections(text: str) -> dict[str, str]:
    """The text under each heading of the third level."""
    _, *parts = re.split(r"^### (.+)$", text, flags=re.M)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_minutes_of_every_meeting_add_up():
    meetings = sections(PAGES["syllabi"])
    assert len(meetings) == 11
    for heading, text in meetings.items():
        assert minutes(plan(text)) == int(heading.split()[-2]) == 90, heading


def worth(chapters: list[int], levels: tuple[int, ...] = (1, 2, 3)) -> int:
    """The minutes of the exercises of chapters."""
    found = [one for chapter in chapters for one in exercises(chapter)]
    return sum(MINUTES[one.level] for one in found if one.level in levels)


def test_exercises_count_by_the_rule_that_the_page_tells():
    rule = r"★ counts (\d+) minutes, ★★\s+(\d+) and ★★★ (\d+), which makes (\d+) in all"
    *each, whole = map(int, re.search(rule, TEXT["using.md"]).groups())
    assert dict(enumerate(each, 1)) == MINUTES
    assert {number: told[1] for number, told in TOLD.items()} == {
        number: worth([number]) for number in NOTEBOOKS
    }
    assert whole == worth([*NOTEBOOKS])
    low, high = re.search(
        r"its exercises another (\d+) to (\d+)", PAGES["syllabi"]
    ).groups()
    every = [worth([number]) for number in NOTEBOOKS]
    assert (int(low), int(high)) == (min(every), max(every))


def test_homework_and_workshop_take_the_minutes_of_their_exercises():
    text = PAGES["syllabi"]
    by = {one.name: MINUTES[one.level] for n in NOTEBOOKS for one in exercises(n)}
    refs = r"\{ref\}`exercise-([\w-]+)`"
    homework = re.findall(
        rf"((?:{refs}[,\s]*(?:and\s+)?)+)\(★★★\),\s+(\d+) minutes", text
    )
    rows_of_it = re.findall(rf"^\| (\d+) \| ((?:{refs}(?: and )?)+)", text, re.M)
    assert (len(homework), len(rows_of_it)) == (5, 4)
    for told, named in [
        *((m, names) for names, _, m in homework), *((m, n) for m, n, _ in rows_of_it)
    ]:  # fmt: skip
        assert int(told) == sum(by[name] for name in re.findall(refs, named)), named
    pieces = re.findall(
        r"pieces \(★\s+and ★★\) of chapters\s+([\d,\sandto]+),[^.;]*?(\d+)\s+minutes",
        text,
    )
    assert len(pieces) == 3
    for chapters, told in pieces:
        assert int(told) == worth(numbers(" ".join(chapters.split())), (1, 2)), chapters
    chapters, told = re.search(
        r"chapters ([\d,\sand]+) to read, (\d+) minutes", text
    ).groups()
    assert int(told) == sum(TOLD[number][0] for number in numbers(chapters))


def test_meetings_give_a_chapter_the_minutes_of_its_plan():
    held = 0
    for heading, text in sections(PAGES["syllabi"]).items():
        for told, what, where in plan(text):
            link = re.fullmatch(r"\[\d+\]\(lessons/(\d+)\.md\)", where)
            if link and "(the opening of" not in what:
                number = int(link[1])
                part = minutes(plan(LESSONS[number]), "•")
                if "exercise-" not in what:
                    assert int(told) == (part or TOLD[number][0]), (heading, what)
                held += 1
    assert held >= 18


@pytest.mark.parametrize("number", sorted(LESSONS))
def test_a_lesson_has_its_parts_and_the_minutes_of_its_chapter(number):
    text = LESSONS[number]
    told = r"^## Minute by minute, (\d+)$.+^## Exercises, (\d+)$"
    told = re.search(told, text, re.M | re.S)
    assert tuple(map(int, told.groups())) == TOLD[number]
    assert minutes(plan(text)) == TOLD[number][0]
    assert f"```{{exercises}} {number}\n" in text
    suit = re.search(r"^(?:One|Two) for the class: (.+?)\n\n", text, re.M | re.S)[1]
    names = {one.name for one in exercises(number)}
    assert {*re.findall(r"\{ref\}`exercise-([\w-]+)`", suit)} <= names
    headings = re.findall(r"^## (.+)$", text, re.M)[2:]
    assert headings == [
        "On the board", "Ask", "Misconceptions", "Computers", "Numbers",
        "Without computers",
    ]  # fmt: skip
    assert len(rows(text, "believed")) >= 4
    assert f"notebooks/{CHAPTERS[number - 1].partition('/')[2]}.ipynb" in text


def test_every_chapter_has_a_lesson_and_every_cell_that_is_named_exists():
    assert set(LESSONS) == set(NOTEBOOKS)
    own = {n: {cell["id"] for cell in cells} for n, cells in NOTEBOOKS.items()}
    there = set.union(*own.values())
    for name, text in PAGES.items():
        named = re.findall(r"\{ref\}`[^`<]+<([^>]+)>`", text)
        assert set(named) <= there, (name, set(named) - there)
        if name.isdigit():
            assert len(own[int(name)] & {*named}) > 5, name


@pytest.mark.skipif(MNIST_FOLDER is None, reason="needs MNIST in THIN_MINI_DATA")
def test_numbers_of_the_first_plan(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", str(MNIST_FOLDER))
    train, _ = tm.data.mnist_r(16_000, 10, seed=3)  # one of the five
    both = train.target * train.n_exo + train.exo
    shares = [100 * explained(train, y) for y in (train.target, train.exo, both)]
    told = re.findall(r"^[a-z ]+? {2,}([\d.]+) to ([\d.]+) %$", LESSONS[1], re.M)
    for share, (low, high) in zip(shares, told, strict=True):
        assert float(low) <= round(share, 1) <= float(high)


def explained(data: tm.data.ExogenousDataset, labels: torch.Tensor) -> float:
    """The share of the pixels' variance between the labels' averages."""
    pixels = data.images.flatten(1)
    parts = [pixels[labels == label] for label in labels.unique()]
    middle = pixels.mean(0)
    between = sum(len(p) * (p.mean(0) - middle).square().sum() for p in parts)
    return float(between / (pixels - middle).square().sum())


def interval(values: list[float], t: float = 2.776) -> tuple[float, float]:
    """Student's 95 % interval."""
    half = t * stdev(values) / sqrt(len(values))
    return mean(values) - half, mean(values) + half


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """A 95 % interval for a share, in percent."""
    p, extra = right / n, z**2 / n
    half = sqrt(p * (1 - p) / n + extra / (4 * n)) * z
    return tuple(100 * (p + extra / 2 + s * half) / (1 + extra) for s in (-1, 1))


def test_the_sums_on_paper_in_the_lessons():
    assert wilson(180, 200) == pytest.approx((85.1, 93.4), abs=0.05)
    assert wilson(28, 40) == pytest.approx((54.6, 81.9), abs=0.05)
    assert wilson(152, 160) == pytest.approx((90.4, 97.4), abs=0.05)
    assert interval([0.3, 0.1, 0.4, 0.2, 0.0]) == pytest.approx(
        (0.004, 0.396), abs=1e-3
    )
    five = interval([0.9, 0.1, 0.6, 0.2, 0.2])
    assert five == pytest.approx((0.4 - 0.421, 0.4 + 0.421), abs=1e-3)
    six = interval([0.3, 0.1, 0.4, 0.2, 0.0, 0.0], 2.571)
    assert six == pytest.approx((-0.005, 0.338), abs=1e-3)


FIRST, *STEPS = re.findall(r"^```python\n(.*?)^```$", PAGES["projects"], re.M | re.S)


@pytest.mark.parametrize("number", range(1, 13))
def test_the_first_step_of_a_project_runs(number, monkeypatch, capsys):
    monkeypatch.setenv("THIN_MINI_PROFILE", "smoke")
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    assert len(STEPS) == 12
    started: dict = {}
    exec(FIRST, started)
    exec(STEPS[number - 1], started)
    assert re.search(r"\d|weaker|reproduced", capsys.readouterr().out)


def test_assignments_take_as_long_wherever_it_is_said():
    told = [int(x) for x in re.findall(r"\d+", " ".join(re.findall(
        r"assignment \d\]\(grading\.md\), (\d+ to\s\d+)\s+minutes", PAGES["syllabi"]
    )))]  # fmt: skip
    start = (TEACHING / "assignments" / "start.txt").read_text("utf-8")
    for text in (start, PAGES["grading"]):
        least, most = re.search(r"\s(\d+) to (\d+)\s+minutes", text).groups()
        assert [int(least), int(most)] == [min(told), max(told)]
