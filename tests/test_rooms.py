"""The plan of the library: which room may use which, and how large each may be."""

import ast
import tokenize
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import thin_mini

HOUSE = Path(thin_mini.__file__).parent
# The method, in the order in which it is read: each may use those before it.
METHOD = (
    *("losses", "gates", "experts", "encoders", "networks", "exogenous", "models"),
    *("metrics", "doors", "inference", "loop", "training"),
)
CORE = {"basics", "files", "paper", "profiles"}
MAY_USE = {
    "paper": set(),
    "profiles": {"basics"},
    "files": set(),
    "basics": {"files"},
    "data": {"basics", "files"},
    "data.photos": {"basics", "files", "data"},
    "insight": {*CORE, *METHOD, "data"},
    "rivals": {*CORE, *METHOD, "data"},
    "lab": {*CORE, *METHOD, "data", "data.photos", "insight", "rivals"},
    "large": {*CORE, *METHOD, "data", "data.photos", "insight", "lab"},
    "course": {*CORE, "insight", "course.exercises"},
    "course.exercises": {*CORE, *METHOD, "data", "insight"},
}
# Lines of a file, and of a function without its docstring.
FILE, FUNCTION = 300, 60
# Lines of code: of the method, of all that the chapters need, and of the whole.
BUDGETS = {"method": 1_200, "chapters": 4_575, "course": 1_895, "whole": 12_550}
COURSE = {"course", "course.exercises"}
WINGS = {"data.photos", "lab", "large", "cli", *COURSE}
TOLD = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LAYOUT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT),
    *(tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER),
}


def name_of(file):
    return ".".join(file.relative_to(HOUSE).with_suffix("").parts)


FILES = {name_of(file): file for file in sorted(HOUSE.rglob("*.py"))}
TREES = {name: ast.parse(file.read_text("utf-8")) for name, file in FILES.items()}


def room_of(module):
    """The room that a module is in: the method's and the shared ones are their own."""
    folder = module.rpartition(".")[0]
    return folder or module


def used_by(module):
    """The modules of the library that a module imports, there or in a function."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            first, _, rest = node.module.partition(".")
            if first == "thin_mini":
                for alias in node.names:
                    inner = f"{rest}.{alias.name}".lstrip(".")
                    is_room = inner in FILES or f"{inner}.__init__" in FILES
                    yield inner if is_room else rest


ROOMED = [m for m in FILES if not m.endswith("__init__") and room_of(m) in MAY_USE]


@pytest.mark.parametrize("module", ROOMED)
def test_a_room_uses_only_the_rooms_below_it(module):
    room = room_of(module)
    used = {room_of(other) for other in used_by(module)} - {room, ""}
    assert used <= MAY_USE[room]


@pytest.mark.parametrize("module", METHOD)
def test_the_method_uses_what_is_read_before_it_and_no_wing(module):
    before = {*CORE, "data", *METHOD[: METHOD.index(module)]}
    later = set()
    for node in TREES[module].body:  # for type checkers alone
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            later = {n.module.partition(".")[2] for n in node.body}
    assert {room_of(other) for other in used_by(module)} - later <= before


def test_no_two_modules_need_each_other():
    needs = {}
    for module in FILES:
        own = [node for node in TREES[module].body if isinstance(node, ast.ImportFrom)]
        names = {f"{n.module}.{a.name}" for n in own for a in n.names}
        names |= {str(n.module) for n in own}
        needs[module] = {m for m in FILES if f"thin_mini.{m}" in names} - {module}
    assert [*TopologicalSorter(needs).static_order()]


@pytest.mark.parametrize("module", FILES)
def test_files_and_functions_are_read_in_one_sitting(module):
    lines = len(FILES[module].read_text("utf-8").splitlines())
    assert lines <= FILE
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            told = first.end_lineno - first.lineno + 1 if ast.get_docstring(node) else 0
            size = node.end_lineno - node.lineno + 1 - told
            assert size <= FUNCTION, f"{module}.{node.name}"


def lines_of_code(module):
    """How many lines hold code: a docstring, a comment or a blank costs nothing."""
    told, code = set(), set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, TOLD) and ast.get_docstring(node) is not None:
            told |= {*range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    with FILES[module].open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in LAYOUT:
                code |= {*range(token.start[0], token.end[0] + 1)}
    return len(code - told)


@pytest.mark.parametrize(("part", "most"), BUDGETS.items())
def test_the_library_keeps_to_its_budgets(part, most):
    parts = {
        "method": [m for m in FILES if m in METHOD],
        "chapters": [m for m in FILES if room_of(m) not in WINGS],
        "course": [m for m in FILES if room_of(m) in COURSE],
        "whole": list(FILES),
    }
    assert sum(map(lines_of_code, parts[part])) <= most


def test_a_line_of_code_is_one_that_does_something(tmp_path, monkeypatch):
    told = '"""Told\nat length."""\n\n# a comment\n'
    text = told + 'x = (\n    1,  # why\n)\ny = """a\nb"""\n'
    (tmp_path / "room.py").write_text(text, "utf-8")
    monkeypatch.setitem(FILES, "room", tmp_path / "room.py")
    monkeypatch.setitem(TREES, "room", ast.parse(text))
    assert lines_of_code("room") == 5
