"""Questions answer each option, and every objective of a chapter has its check."""

import re
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest
from test_sentences import CODE, NOTEBOOKS, ROOT

from thin_mini import course
from thin_mini.course import asking
from thin_mini.course.exercise import find, names

sys.path.append(str(ROOT / "book" / "_ext"))
from objectives import checks, explores, promised

ask, QUESTIONS = course.ask, asking.questions()
ASKED = re.compile(r'tm\.course\.ask\("([\w-]+)"\)')
every_question = pytest.mark.parametrize("name", QUESTIONS)
CHOICES = [question for question in QUESTIONS.values() if question.kind == "one"]
NUMBERS = [name for name, asked in QUESTIONS.items() if asked.kind == "number"]

# The table: each objective of a chapter, and what checks it.


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_each_objective_has_a_check(chapter):
    assert [one for one, by in checks(chapter).items() if not by] == []


def test_every_check_names_an_objective_of_its_chapter_word_for_word():
    told = [(one.name, one.chapter, one.objective) for one in QUESTIONS.values()]
    told += [(n, find(n).chapter, find(n).objective.rstrip(".")) for n in names()]
    told += [(one.name, one.chapter, one.objective) for one in explores()]
    assert [one for one in told if one[2] not in promised(one[1])] == []
    assert all(count == 1 for count in Counter(name for name, *_ in told).values())
    assert sum(len(by) for c in NOTEBOOKS for by in checks(c).values()) == len(told)


# Questions.


@every_question
def test_each_option_says_something_of_its_own(name):
    asked = QUESTIONS[name]
    assert asked.level in (1, 2, 3)
    assert len(asked.options) >= 3
    says = [option.says for option in asked.options]
    assert len({*says}) == len(says) == len({option.text for option in asked.options})
    for text in (*says, asked.text, *filter(None, [asked.otherwise])):
        assert re.fullmatch(r"[A-Z`0-9].+[.?]", text), text
    for option in asked.options:
        assert len(option.says.split()) >= 8, option
    right = sum(option.right for option in asked.options)
    assert right in {"one": {1}, "number": {1}, "several": {2, 3, 4}}[asked.kind]
    assert right < len(asked.options)
    assert bool(asked.otherwise) == (asked.kind == "number")


@every_question
def test_it_holds_no_formula_and_no_markup(name):
    asked = QUESTIONS[name]
    texts = [asked.text, asked.otherwise]
    texts += [part for one in asked.options for part in (one.text, one.says)]
    for text in texts:
        assert not re.search(r"[$\\<>*]|\]\(|https?:", text), text
        assert text.count("`") % 2 == 0, text


def test_the_right_one_is_found_neither_by_its_place_nor_by_its_length():
    single = [one for one in QUESTIONS.values() if one.kind != "several"]
    by_length = [sorted(one.options, key=lambda o: len(o.text)) for one in CHOICES]
    by_size = [
        sorted(QUESTIONS[name].options, key=lambda o: float(o.text)) for name in NUMBERS
    ]
    for habit in ([one.options for one in single], by_length, by_size):
        for place in (0, -1):
            hits = sum(options[place].right for options in habit)
            assert 2 * hits <= max(len(habit), 4), (place, hits, len(habit))


@every_question
def test_it_is_asked_in_one_cell_of_its_chapter(name):
    places = [
        (chapter, "".join(cell["source"]), cell["metadata"].get("tags", []))
        for chapter, cells in NOTEBOOKS.items()
        for cell in cells
        if cell["cell_type"] == "code" and f'"{name}"' in "".join(cell["source"])
    ]
    call = f'tm.course.ask("{name}")'
    assert places == [(QUESTIONS[name].chapter, call, ["remove-input"])]


def test_chapters_ask_for_no_other_and_two_to_four_each():
    for chapter, code in CODE.items():
        asked = ASKED.findall(code)
        assert {*asked} <= {*QUESTIONS}
        assert code.count("course.ask(") == len(asked)
        assert len(asked) in (2, 3, 4), chapter


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_a_chapter_has_three_levels_and_a_third_is_no_code(chapter):
    by = [one for found in checks(chapter).values() for one in found]
    assert {one.level for one in by} == {1, 2, 3}
    no_code = [one for one in by if one.kind != "exercise"]
    assert 3 * len(no_code) >= len(by)


# What it shows, and what it says to an answer.


class Elements(HTMLParser):
    """The opening tags in order, with balance, and the text."""

    def __init__(self, html):
        super().__init__()
        self.opened, self.open, self.text = [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.opened.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@every_question
def test_the_page_shows_options_that_open_without_a_script(name):
    asked = QUESTIONS[name]
    page = Elements(asked._repr_html_())
    tags = Counter(tag for tag, _ in page.opened)
    assert page.open == []
    assert (
        tags["details"]
        == tags["summary"]
        == len(asked.options) + (asked.kind == "number")
    )
    assert {*tags} <= {"div", "p", "strong", "em", "code", "details", "summary"}
    for option in asked.options:
        assert option.told.replace("`", "") in page.text
    groups = {attrs.get("name") for tag, attrs in page.opened if tag == "details"}
    assert groups == {name if asked.kind == "one" else None}


@every_question
def test_a_script_shows_options_and_gives_nothing_away(name):
    asked = QUESTIONS[name]
    text = repr(ask(name))
    told = " ".join(text.split())
    assert told.startswith(f"{'★' * asked.level} {asked.text}")
    assert f'tm.course.ask("{name}", ' in told
    assert all(len(line) <= 88 for line in text.splitlines())
    for option in asked.options:
        assert option.says not in told
        assert asked.kind == "number" or option.text in told


@every_question
def test_each_answer_is_told_what_it_shows(name):
    asked = QUESTIONS[name]
    if asked.kind == "number":
        for option in asked.options:
            answer = ask(name, float(option.text))
            assert (answer.state == "right") == option.right
            assert option.told in answer.text
        assert ask(name, "-12345").text.endswith(asked.otherwise)
        values = [float(option.text) for option in asked.options]
        for i, value in enumerate(values):
            assert all(abs(value - x) > 0.006 * abs(x) for x in values[:i])
        return
    for key, option in asked.lettered().items():
        for letter in (key, key.upper(), [key]):
            answer = ask(name, letter)
            assert answer.state == ("right" if option.right and asked.kind == "one"
                                    else "not yet")  # fmt: skip
            assert option.told in answer.text
    if asked.kind == "several":
        right = [key for key, option in asked.lettered().items() if option.right]
        assert ask(name, ", ".join(right)).state == "right"
        assert "not among them" not in ask(name, right).text
        assert "not among them" in ask(name, right[0]).text
        assert ask(name, "".join(asked.lettered())).state == "not yet"


@pytest.mark.parametrize("answer", ["z", "", 7, [], "abz", "a-ha", float("nan")])
@every_question
def test_an_answer_that_is_none_is_told_which_there_are(name, answer):
    number = QUESTIONS[name].kind == "number"
    if number and isinstance(answer, int | float):
        assert ask(name, answer).state == "not yet"
        return
    says = "must be a number" if number else "must be one o.* a, b, c"
    with pytest.raises(ValueError, match=says):
        ask(name, answer)


def test_one_letter_of_one():
    for asked in CHOICES:
        with pytest.raises(ValueError, match="must be one of a, b"):
            ask(asked.name, "ab")


def test_an_unknown_question_lists_the_nearest():
    with pytest.raises(ValueError, match=r"no question is called .*leaf-on-paper"):
        ask("leaf-paper")


# Explorations.


@pytest.mark.parametrize("one", explores(), ids=lambda one: one.name)
def test_an_exploration_has_a_task_a_rubric_and_what_we_found(one):
    task, *folds = one.source.split("<details>")
    assert re.search(rf"\*\*★★★ Exercise {one.chapter}\.\d+: {one.title}[.?]\*\*", task)
    (rubric, found) = folds
    assert rubric.startswith("<summary>How to judge an answer</summary>\n\n")
    assert len(re.findall(r"^- ", rubric, re.MULTILINE)) >= 3
    assert found.startswith("<summary>What we found</summary>\n\n")
    assert one.source.count("</details>") == 2
