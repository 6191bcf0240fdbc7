"""Packages whose rooms come when they are used, and commands that load no more."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import closed_port

import thin_mini as tm

HEAVY = ("torch", "torchvision", "accelerate", "pandas", "sklearn", "seaborn", "scipy")
PACKAGES = {"thin_mini": tm, "thin_mini.data": tm.data}


def imported_by(code):
    """The modules that a fresh Python has imported after ``code``."""
    end = "import sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{end}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("import thin_mini", ""),
        ("import thin_mini as tm; dir(tm), tm.__version__", ""),
        ("import thin_mini as tm; tm.profile()", ""),
        ("from thin_mini import recipes; recipes.RECIPES", ""),
        ("from thin_mini import results; results.default_folder()", "scipy"),
        ("import thin_mini as tm; tm.TreeGate", "torch"),
        ("import thin_mini as tm; tm.data.shift", "torch"),
    ],
)
def test_nothing_is_imported_that_is_not_used(code, needed):
    assert imported_by(code) & set(HEAVY) == set(needed.split())


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("--help", ""),
        ("--version", ""),
        ("doctor", ""),
        ("data", ""),
        ("train --help", ""),
        ("compare --help", ""),
        ("runs --help", ""),
        ("predict --help", ""),
        ("evaluate --help", ""),
        ("export --help", ""),
        ("reproduce --help", ""),
        ("reproduce --list", "scipy"),
        ("reproduce table2 --dry-run --profile smoke", "scipy"),
        ("reproduce table2 --data dsprites", "scipy pandas"),
        ("ledger", "scipy"),
    ],
)
def test_a_command_imports_no_more_than_it_needs(command, needed, monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    assert imported_by(running(command)) & set(HEAVY) == set(needed.split())


@pytest.mark.parametrize("command", ["data", "doctor"])
def test_a_search_for_mnist_does_without_torchvision(command, clean_env, monkeypatch):
    for name in ("http_proxy", "https_proxy"):  # no mirror can be reached through it
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    imported = imported_by(running(command))
    assert not imported & set(HEAVY)
    assert ("pooch" in imported) == (command == "data")  # the mirrors were asked


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
