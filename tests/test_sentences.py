"""What chapters and pages say of one another: numbers, topics, symbols, promises."""

import json
import re

import pytest
from test_book import CHAPTERS, ROOT, TEXT, rows

# Cross-references: a chapter's number, what it needs, and where a symbol appears.

NOTEBOOKS = {
    number: json.loads((ROOT / f"{chapter}.ipynb").read_text("utf-8"))["cells"]
    for number, chapter in enumerate(CHAPTERS, 1)
}
PROSE = {
    number: "\n".join(
        "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
    )
    for number, cells in NOTEBOOKS.items()
}
CODE = {
    number: "\n".join(
        "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"
    )
    for number, cells in NOTEBOOKS.items()
}
ALL_PROSE = list(PROSE.values()) + list(TEXT.values())


def numbers(text: str) -> list[int]:
    """The numbers in a list such as "1 to 8, 10 and 15"."""
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?: to (\d+))?", text):
        found += range(int(first), int(last or first) + 1)
    return found


def test_chapters_that_are_named_exist_and_links_have_their_numbers():
    named = []
    for text in ALL_PROSE:
        for told in re.findall(r"[Cc]hapters?\s+(\d+(?:(?:,| and| to)\s+\d+)*)", text):
            named += numbers(told)
        for number, target in re.findall(
            r"\[[Cc]hapter\s+(\d+)[^\]]*\]\(([^)#]+)", text
        ):
            assert target.rpartition("/")[2].startswith(f"{int(number):02d}_"), target
    assert len(named) > 100
    assert set(named) <= set(PROSE)


def test_what_a_chapter_needs_is_what_the_page_for_teachers_says():
    told = {
        int(row[0].partition(" ")[0]): numbers(row[3])
        for row in rows(TEXT["using.md"], "chapter")
    }
    for number, text in PROSE.items():
        needs = re.search(r"\*\*You need\*\* ([^\n]+)", text).group(1)
        chapters = re.search(r"chapters? ([\d, and]+)", needs)
        assert told[number] == (numbers(chapters[1]) if chapters else []), number
        assert all(n < number for n in told[number]), number


def test_the_check_by_values_and_gradients_is_promised_where_it_is():
    told = re.search(
        r"In chapters\s+([\d,\s]+(?:to \d+)?[\d,\sand]*?)\s+that is done by",
        TEXT["using.md"],
    )
    assert numbers(told[1]) == [n for n, code in CODE.items() if "course.same(" in code]


# What a topic is called, and the chapter that has it.
TOPICS = {
    2: ("baseline",),
    3: ("exogenous network", "range-relative", "second premise"),
    4: ("committee", "diversity", "one network"),
    5: ("tree",),
    6: ("oracle", "probe", "equal budget"),
    7: ("dispelling", "probe"),
    8: ("Table 2", "Figure 4"),
    9: ("sprite", "ink", "probe for the task beside every gate"),
    10: ("Table 3",),
    11: ("shift", "labels", "map"),
    12: ("identity", "famil", "resting"),
    13: ("Table 4", "parameters"),
    14: ("Table 4", "oracle", "starves"),
    15: ("confusion", "Figure 6", "label"),
    16: ("Figure 5", "balanced accuracy", "inter-class"),
    17: ("bits", "untrained"),
    18: ("t-SNE", "probe", "another person"),
    19: ("undo", "face"),
    20: ("FiLM", "concatenation"),
    21: ("reversal", "erase", "confounded"),
    22: ("validation", "choices", "control", "how to choose"),
}


@pytest.mark.parametrize("number", TOPICS)
def test_a_chapter_has_the_topics_that_others_send_for(number):
    for topic in TOPICS[number]:
        assert topic.lower() in PROSE[number].lower(), topic


def test_symbols_appear_in_the_chapter_that_the_notation_names():
    held, missing = 0, []
    for line in TEXT["notation.md"].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        symbols = re.findall(r"\$([^$]+)\$", cells[0])
        if len(cells) != 6 or not symbols or not cells[5][0].isdigit():
            continue
        for number in numbers(cells[5]):
            if not any(symbol in PROSE[number] for symbol in symbols):
                missing.append((symbols, number))
            held += 1
    assert missing == []
    assert held > 25


MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$]+?)\$", re.S)
WORDS = re.compile(r"\\(?:text|operatorname|mathrm|begin|end|tag)\*?\{[^}]*\}")
INDEX = re.compile(r"[_^]\{[^{}]*\}|[_^]\s*(?:\\[a-zA-Z]+|\w)")
GREEK = "alpha|beta|gamma|[dD]elta|eta|lambda|mu|phi|psi|sigma|tau|[tT]heta|pi"
SYMBOL = re.compile(
    rf"\\(?:mathbf|mathcal|mathbb)\s*\{{?\s*\w|\\(?:{GREEK})(?![a-zA-Z])"
    r"|(?<![\\a-zA-Z{])[A-Za-z](?![a-zA-Z])"
)


def symbols_in(text: str) -> set[str]:
    """The letters of a text's formulas, bold and Greek ones too, without indices."""
    formulas = " ; ".join(a or b for a, b in MATH.findall(text))
    bare = INDEX.sub(" ", WORDS.sub(" ", formulas))
    return {re.sub(r"[\s{]", "", symbol) for symbol in SYMBOL.findall(bare)}


@pytest.mark.parametrize("number", PROSE)
def test_every_symbol_of_a_chapter_is_in_the_notation(number):
    assert symbols_in("$\\mathbf h_{endo} = F_\\phi(I)$") == {r"\mathbfh", "F", "I"}
    assert symbols_in(PROSE[number]) - symbols_in(TEXT["notation.md"]) == set()


def test_the_introduction_leads_to_every_chapter():
    for chapter in CHAPTERS:
        assert f"{chapter}.ipynb" in TEXT["intro.md"], chapter


def test_no_sentence_calls_the_simple_ensemble_more_than_it_is():
    """With one hidden layer it is the baseline: no gain or loss is a committee's."""
    for number in (4, 5, 6, 8, 13, 14, 16):
        assert "one network" in PROSE[number], number
    for text in ALL_PROSE:
        assert not re.search(r"not\s+the\s+committee|one\s+strong\s+classifier", text)


def test_tables_in_chapters_name_what_the_gates_see():
    """Whole tables do by themselves; where columns are chosen, theirs must be."""
    held = 0
    for number, cells in NOTEBOOKS.items():
        code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        for i, cell in enumerate(code):
            if re.search(r"readable\(.+\)\s*\[", cell) and '"difference"' in cell:
                assert '"gate sees"' in cell, (number, cell)
                held += 1
            elif "as_map(" in cell and "def as_map" not in cell:
                assert "gates(" in "".join(code[i - 3 : i + 1]), (number, cell)
                held += 1
            if "plots.gains(" in cell:  # a map as a picture says so in itself
                assert "gate_sees" in cell, (number, cell)
                held += 1
    assert held > 6
