"""Packages whose rooms come when they are used, and commands that load no more."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import closed_port

import thin_mini as tm

HEAVY = ("torch", "torchvision", "accelerate", "pandas", "sklearn", "seaborn", "scipy")
HEAVY += ("pooch",)
PACKAGES = {"thin_mini": tm, "thin_mini.data": tm.data}


def imported_after(*pieces):
    """What of ``HEAVY`` a fresh Python has imported after each piece of code."""
    seen = f"import sys; print('seen', *{{*sys.modules}} & {{*{HEAVY}}})"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(f"{piece}\n{seen}" for piece in pieces)],
        check=True,
        capture_output=True,
        text=True,
    )
    lines = map(str.split, done.stdout.splitlines())
    return [{*names} for word, *names in filter(None, lines) if word == "seen"]


# Code, and what it needs beside what the code above it has needed.
CODE = {
    "import thin_mini": "",
    "import thin_mini as tm; dir(tm), tm.__version__": "",
    "import thin_mini as tm; tm.profile()": "",
    "from thin_mini import recipes; recipes.RECIPES": "",
    "from thin_mini import results; results.default_folder()": "",
    "import thin_mini as tm; tm.TreeGate": "torch",
    "import thin_mini as tm; tm.data.shift": "",
}
COMMANDS = {
    "--help": "",
    "--version": "",
    "doctor": "",
    "data": "",
    "train --help": "",
    "compare --help": "",
    "runs --help": "",
    "predict --help": "",
    "evaluate --help": "",
    "export --help": "",
    "reproduce --help": "",
    "reproduce --list": "",
    "reproduce table2 --dry-run --profile smoke": "",
    "ledger": "scipy",
    "reproduce table2 --data dsprites": "pandas",
}


def test_nothing_is_imported_that_is_not_used():
    found, needed = imported_after(*CODE), set()
    for (code, more), imported in zip(CODE.items(), found, strict=True):
        needed |= {*more.split()}
        assert imported == needed, code


def test_a_command_imports_no_more_than_it_needs(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    found, needed = imported_after(*map(running, COMMANDS)), set()
    for (command, more), imported in zip(COMMANDS.items(), found, strict=True):
        needed |= {*more.split()}
        assert imported == needed, command


def test_a_search_for_mnist_does_without_torchvision(clean_env, monkeypatch):
    for name in ("http_proxy", "https_proxy"):  # no mirror can be reached through it
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    # Only `data` asks the mirrors.
    assert imported_after(running("doctor"), running("data")) == [set(), {"pooch"}]


def running(command):
    """Code that runs a command and fails as it does."""
    return f"""
import sys
from thin_mini.cli import app
try:
    app({command.split()!r})
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.parametrize("name", PACKAGES)
def test_editors_and_the_package_know_the_same_names(name):
    package = PACKAGES[name]
    tree = ast.parse(Path(package.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    listed = {}
    exec("\n".join(map(ast.unparse, block.body)), listed)
    del listed["__builtins__"]
    assert listed == {own: getattr(package, own) for own in package.__all__}


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_is_there_and_offered(name):
    package = PACKAGES[name]
    assert set(package.__all__) <= set(dir(package))
    everything = {}
    exec(f"from {name} import *", everything)
    assert set(package.__all__) <= everything.keys()
    for own in package.__all__:
        assert getattr(package, own) is everything[own]


def test_rooms_that_are_not_listed_are_there_too():
    assert tm.gates.TreeGate is tm.TreeGate
    assert tm.data.store.DataError is tm.data.DataError


@pytest.mark.parametrize("name", ["Forest", "_hidden", "__wrapped__"])
def test_a_name_that_is_none_is_an_attribute_error(name):
    for package in PACKAGES.values():
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(package, name)


def test_what_a_room_lacks_is_not_mistaken_for_the_room(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "thin_mini.large.scaling", raising=False)
    monkeypatch.delattr(tm.large, "scaling", raising=False)
    monkeypatch.delitem(vars(tm), "scaling", raising=False)
    with pytest.raises(ModuleNotFoundError, match="pandas"):
        tm.scaling  # noqa: B018
