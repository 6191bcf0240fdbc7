"""Questions that answer each option, in a page, in a notebook and in a script."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib.resources import files
from textwrap import fill
from typing import Any

import yaml

from thin_mini.basics.kinds import checked
from thin_mini.course.checking import Answer
from thin_mini.course.exercise import no_such

NEAR = 0.005  # of a number that comes, relative to the one that is meant
HOW = {
    "one": "Choose one, and open it to see what it says of your choice.",
    "several": "More than one is right. Choose, then open those that you chose.",
    "number": "Work it out first. Then open what you found.",
}


@dataclass(frozen=True)
class Option:
    """One way to answer.

    Attributes:
        text: The option, or its number.
        says: What to tell whoever chooses it: why, or which misconception it shows.
        right: Whether it is to be chosen.
    """

    text: str
    says: str
    right: bool = False

    @property
    def told(self) -> str:
        """What it says, and first of all whether it is right."""
        return f"{'Yes' if self.right else 'No'}. {self.says}"


@dataclass(frozen=True, repr=False)
class Question:
    """A question; a notebook and the book show it as HTML, a script as text.

    Attributes:
        name: Such as ``"leaf-on-paper"``.
        chapter: Where it is asked.
        level: 1 to warm up, 2 to build, 3 to explore.
        kind: ``"one"`` or ``"several"`` of the options, or a ``"number"``.
        objective: Of the chapter's objectives, the one that it checks.
        text: The question.
        options: What can be answered, by letter: the first is a.
        otherwise: What to say of a number that is no option's.
    """

    name: str
    chapter: int
    level: int
    kind: str
    objective: str
    text: str
    options: tuple[Option, ...]
    otherwise: str = ""

    def __repr__(self) -> str:
        lines = [fill(f"{'★' * self.level} {self.text}", 88)]
        wanted = "your number"
        if self.kind != "number":
            wanted = '"your letter"' if self.kind == "one" else '"your letters"'
            lines += [
                fill(f"  {key}  {option.text}", 88, subsequent_indent="     ")
                for key, option in self.lettered().items()
            ]
        return "\n".join([*lines, f'Answer: tm.course.ask("{self.name}", {wanted})'])

    def _repr_html_(self) -> str:
        """Options that open: without a script, so on paper and by keyboard as well."""
        group = f' name="{self.name}"' if self.kind == "one" else ""
        rows = [
            f"<details{group}><summary>{_html(option.text)}</summary>"
            f'<p class="{_class(option)}">{_html(option.told)}</p></details>'
            for option in self.options
        ]
        if self.kind == "number":
            says = f'<p class="wrong">{_html(self.otherwise)}</p>'
            rows.append(f"<details><summary>another</summary>{says}</details>")
        return (
            '<div class="question" role="group" aria-label="Question">'
            f"<p><strong>{'★' * self.level}</strong> {_html(self.text)}</p>"
            f"<p><em>{HOW[self.kind]}</em></p>{''.join(rows)}</div>"
        )

    def lettered(self) -> dict[str, Option]:
        """The options by their letters."""
        return dict(zip("abcdefgh", self.options, strict=False))


def _class(option: Option) -> str:
    return "right" if option.right else "wrong"


def _html(text: str) -> str:
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text))


@lru_cache
def questions() -> dict[str, Question]:
    """All questions by name, from the files of ``questions``: one for each chapter.

    Raises:
        ValueError: If two have one name.
    """
    found: dict[str, Question] = {}
    folder = files("thin_mini.course") / "questions"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        for told in yaml.safe_load(file.read_text("utf-8")):
            options = tuple(
                Option(**{**option, "text": str(option["text"])})
                for option in told.pop("options")
            )
            asked = Question(chapter=int(file.name[:2]), options=options, **told)
            if asked.name in found:
                raise ValueError(f"two questions are called {asked.name!r}")
            found[asked.name] = asked
    return found


@checked
def ask(name: str, answer: Any = None) -> Question | Answer:
    """Ask a question, or say what there is to say of an answer to it.

    A cell shows the result if this is its last line; a script prints it.

    Args:
        name: Of the question, such as ``"leaf-on-paper"``.
        answer: A letter, several letters or a number, as the question wants it;
            nothing to be shown the question.

    Raises:
        ValueError: If there is no such question, or the answer is none of its kind.
    """
    if name not in questions():
        raise no_such("question", name, sorted(questions()))
    asked = questions()[name]
    if answer is None:
        return asked
    if asked.kind == "number":
        return _of_number(asked, answer)
    letters = asked.lettered()
    chosen = {*re.findall(r"\w", str(answer).lower())}
    if not chosen or chosen - {*letters} or (asked.kind == "one" and len(chosen) > 1):
        few = "one of" if asked.kind == "one" else "one or more of"
        raise ValueError(f"answer must be {few} {', '.join(letters)}, got {answer!r}")
    says = [f"{key}: {letters[key].told}" for key in sorted(chosen)]
    wanted = {key for key, option in letters.items() if option.right}
    if missing := len(wanted - chosen) * (asked.kind == "several"):
        are = "is" if missing == 1 else "are"
        says.append(f"{missing} that {are} right {are} not among them.")
    return _answer(asked, chosen == wanted, *says)


def _of_number(asked: Question, answer: Any) -> Answer:
    try:
        number = float(answer)
    except (TypeError, ValueError):
        raise ValueError(f"answer must be a number, got {answer!r}") from None
    for option in asked.options:
        if math.isclose(number, float(option.text), rel_tol=NEAR, abs_tol=NEAR / 10):
            return _answer(asked, option.right, option.told)
    return _answer(asked, False, asked.otherwise)


def _answer(asked: Question, right: bool, *says: str) -> Answer:
    state = "right" if right else "not yet"
    return Answer(state, "\n".join([f"{asked.name}: {state}.", *says]))
