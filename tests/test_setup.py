"""The files around the library agree with one another."""

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import check_pages
import pytest
import yaml
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import thin_mini

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"]
EXTRAS = PROJECT["optional-dependencies"]


def name_of(requirement: str) -> str:
    """The normalised name in front of a version, an extra or a marker."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement.strip()).group()
    return re.sub(r"[-_.]+", "-", name).lower()


def direct() -> set[str]:
    lists = [PROJECT["dependencies"], EXTRAS["book"], EXTRAS["test"]]
    return {name_of(requirement) for group in lists for requirement in group}


def environment() -> tuple[list[str], list[str]]:
    """What environment.yml takes from conda, and what from pip."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    conda = [entry for entry in listed["dependencies"] if isinstance(entry, str)]
    (pip,) = [e["pip"] for e in listed["dependencies"] if isinstance(e, dict)]
    return conda, pip


def test_environment_has_the_names_of_pyproject():
    conda, pip = environment()
    assert "-e ." in pip
    names = {name_of(entry) for entry in [*conda, *pip] if entry != "-e ."}
    names = {"torch" if name == "pytorch" else name for name in names}
    assert names - {"python", "pip"} == direct()


def test_environment_leaves_versions_to_the_solver():
    conda, pip = environment()
    bounded = {entry for entry in [*conda, *pip] if re.search("[<=>~!]", entry)}
    assert bounded == {"python>=3.10,<3.14", "jupyter-book<2"}


def test_pyproject_pins_only_jupyter_book_from_above():
    lists = [PROJECT["dependencies"], *EXTRAS.values()]
    upper = {
        r for group in lists for r in group if re.search("<|==|~=", r.split(";")[0])
    }
    assert {name_of(requirement) for requirement in upper} == {"jupyter-book"}


def test_constraints_are_exact_versions_and_cover_what_we_ask_for():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pattern = r"[a-z0-9][a-z0-9._-]*==[0-9][A-Za-z0-9._+!-]*"
    marker = r"""; python_version (<|>=) "3\.\d+\""""
    assert [
        line for line in lines if not re.fullmatch(f"{pattern}({marker})?", line)
    ] == []
    asked_for = direct() | {name_of(r) for r in EXTRAS["teach"] + EXTRAS["walk"]}
    asked_for |= {name_of(r) for r in EXTRAS["forms"]}
    assert asked_for - {name_of(line) for line in lines} == set()


@pytest.mark.parametrize("minor", range(10, 15))
def test_each_python_has_one_pin_of_each_name(minor):
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    here = {"python_version": f"3.{minor}"}
    pins = [Requirement(line) for line in lines]
    names = [p.name for p in pins if p.marker is None or p.marker.evaluate(here)]
    assert len(names) == len(set(names))
    assert set(names) == {pin.name for pin in pins}


# What the tests and the library use only where it happens to be installed.
OPTIONAL = {"cv2", "onnxruntime", "tomllib"}


def imported(folder: str) -> set[str]:
    """The packages, not of this project, that the files of a folder import."""
    files = [ROOT / folder] if folder.endswith(".py") else (ROOT / folder).rglob("*.py")
    names = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    ours = {
        f.stem
        for d in ("tests", "book", "benchmarks")
        for f in ROOT.glob(f"{d}/**/*.py")
    }
    return names - ours - sys.stdlib_module_names - OPTIONAL - {"thin_mini"}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("thin_mini", ["scale", "onnx", "slurm"]),
        ("benchmarks", ["test"]),
        ("book/picture.py", []),
        ("book/weights.py", ["book"]),
        ("book/slides.py", ["book"]),
        ("book/lesson_notes.py", ["book"]),
        ("book/forms", ["book", "forms"]),
        ("book/canary", ["canary"]),
        ("book/_ext", ["test"]),
        ("book/teaching/assignments", ["test", "teach"]),
        ("tests", ["test", "scale", "onnx", "teach", "walk", "forms"]),
    ],
)
def test_what_is_imported_is_declared(folder, extras):
    lists = [PROJECT["dependencies"], *(EXTRAS[extra] for extra in extras)]
    declared = {name_of(requirement) for group in lists for requirement in group}
    brings = packages_distributions()
    undeclared = {
        name
        for name in imported(folder)
        if not {name_of(d) for d in brings.get(name, [name])} & declared
    }
    assert undeclared == set()


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == PROJECT["version"] == thin_mini.__version__
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_one_address_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert citation["repository-code"] == ADDRESS
    assert config["repository"]["url"] == ADDRESS


def test_readme_links_every_chapter_to_colab_and_nothing_else():
    slug = ADDRESS.removeprefix("https://github.com/")
    start = f"https://colab.research.google.com/github/{slug}/blob/main/"
    chapters = [p for p in check_pages.read_toc() if p.startswith("notebooks/")]
    readme = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"https://colab\.research\.google\.com/[^)\s>\"]+", readme)
    assert links == [f"{start}{chapter}.ipynb" for chapter in chapters]
    for chapter in chapters:
        assert f"({chapter}.ipynb)" in readme


def test_readme_links_to_files_that_exist():
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text("utf-8")
        targets = re.findall(r"\]\(([^):#]+)\)", text)
        assert [t for t in targets if not (ROOT / t).exists()] == []


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    # A make above this one hands its flags down in the environment.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env=clean | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


needs_make = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@needs_make
def test_make_help_lists_the_targets():
    listed = {line.split()[0] for line in make("help").stdout.splitlines()}
    wanted = "book test test-lowest test-newest lint lab picture outputs clean"
    assert set(wanted.split()) <= listed


@needs_make
@pytest.mark.parametrize("version", ["2.7.18", "3.9.9", "3.15.0", "4.0.0"])
def test_a_python_without_pins_gets_one_clear_message(version, tmp_path):
    # Its own Python in all but the version that it tells.
    info = tuple(map(int, version.split(".")))
    other = tmp_path / "other-python"
    other.write_text(
        f"""#!/bin/sh
[ "$1" = --version ] && echo Python {version} && exit
exec {sys.executable} -c "import sys; sys.version_info = {info}; $2"
"""
    )
    other.chmod(0o755)
    venv = tmp_path / "venv"
    run = make("test", f"PYTHON={other}", f"VENV={venv}")
    assert run.returncode != 0
    message, *rest = run.stderr.splitlines()
    assert "needs Python 3.10 to 3.14" in message
    assert f"Python {version}" in message
    assert all(line.startswith("make") for line in rest)
    assert not venv.exists()


@needs_make
@pytest.mark.parametrize("target", ["test", "book", "lint"])
def test_nothing_is_installed_behind_a_fresh_stamp(target, tmp_path):
    assert "pip install" in make("-n", target, f"VENV={tmp_path}").stdout
    for stamp in (".installed", ".teach"):
        (tmp_path / stamp).touch()
    assert "pip install" not in make("-n", target, f"VENV={tmp_path}").stdout


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<link rel="preload" as="font" href="http://cdn.example/x.woff2">',
        "<style>@font-face { src: url(https://cdn.example/x.woff2) }</style>",
        '<script type="module">import x from "https://cdn.example/x.js"</script>',
        '<img src="https://cdn.example/x.png" alt="">',
    ],
)
def test_page_check_sees_what_comes_from_elsewhere(html, tmp_path):
    (tmp_path / "page.html").write_text(f"<html><body>{html}</body></html>")
    (problem,) = check_pages.problems(tmp_path, ["page"])
    assert "cdn.example" in problem


def test_page_check_lets_links_pass_and_sees_missing_pages(tmp_path):
    for name in ("_static/x.css", "x.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "page.html").write_text(
        '<link rel="canonical" href="https://book.example/page.html">'
        '<link rel="stylesheet" href="_static/x.css"><script src="x.js"></script>'
        '<p><a href="https://paper.example">paper</a></p>'
    )
    toc = {"root": "page", "parts": [{"chapters": [{"file": "notebooks/01_x"}]}]}
    pages = list(check_pages.toc_pages(toc))
    assert pages == ["page", "notebooks/01_x"]
    assert check_pages.problems(tmp_path, pages) == ["notebooks/01_x.html is missing"]


def test_page_check_sees_what_is_not_there_and_what_names_are_wrong(tmp_path):
    (tmp_path / "x.css").write_text("a { background: url('gone.png') }")
    head = '<title>{} — {}</title><meta property="og:site_name" content="{}">'
    load = '<link rel="stylesheet" href="x.css?v=1"><img src="lost%20one.svg">'
    book, other = check_pages.BOOK, "Project name not set"
    for page, told in {"a": ("A", book, book), "b": ("A", book, other)}.items():
        (tmp_path / f"{page}.html").write_text(head.format(*told) + load)
    found = check_pages.problems(tmp_path, ["a", "b"])
    lacks = [f"{page}.html lacks lost%20one.svg" for page in "ab"]
    assert found == [*lacks, "x.css lacks gone.png"]
    wrong, twice = check_pages.names(tmp_path, ["a", "b"])
    assert other in wrong
    assert twice.startswith("b.html is called as a.html is")
    (tmp_path / "c.html").write_text(head.format(book, book, book))
    assert book in next(check_pages.names(tmp_path, ["c"]))
