"""Chapters run when they have to, side by side, and else not at all."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest

PATH = Path(__file__).parents[1] / "book" / "execute.py"
spec = importlib.util.spec_from_file_location("execute", PATH)
chapters = importlib.util.module_from_spec(spec)
spec.loader.exec_module(chapters)


def write(root, name, *code, prose="About it"):
    cells = [nbformat.v4.new_markdown_cell(prose, id="prose")]
    cells += [
        nbformat.v4.new_code_cell(text, id=f"cell{i}") for i, text in enumerate(code)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, root / "notebooks" / f"{name}.ipynb")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A library of three modules, a result, and two chapters."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    package = tmp_path / "thin_mini"
    for folder in (package / "lab", tmp_path / "notebooks", tmp_path / "results"):
        folder.mkdir(parents=True)
    for module in ("__init__", "one", "two", "lab/__init__", "lab/result_files"):
        (package / f"{module}.py").write_text("value = 1\n")
    (tmp_path / "results" / "run.json").write_text("{}")
    (tmp_path / "constraints.txt").write_text("torch==2.14\n")
    (tmp_path / "_config.yml").write_text("execute:\n  timeout: 60\n")
    read = "from thin_mini import two\nimport thin_mini.lab.result_files"
    write(tmp_path, "01_first", "from thin_mini import one", "print(one.value)")
    write(tmp_path, "02_second", read, "print(two.value)")
    return tmp_path


def ran(project, capsys):
    """The chapters that a build runs."""
    chapters.execute(project, workers=2)
    said = capsys.readouterr().out
    first, *lines = said.splitlines()
    assert first == f"{len(lines)} chapters to run, 2 at a time"
    return sorted(line.split()[0] for line in lines)


def outputs(project, name):
    cache = chapters.get_cache(project / "_build" / ".jupyter_cache")
    source = nbformat.read(project / "notebooks" / f"{name}.ipynb", 4)
    _, merged = cache.merge_match_into_notebook(source)
    return [out["text"] for cell in merged.cells for out in cell.get("outputs", [])]


def test_only_what_changed_runs_again(project, capsys):
    def change(name, text):
        (project / name).write_text(text)

    both = ["01_first", "02_second"]
    assert ran(project, capsys) == both
    assert [outputs(project, name) for name in both] == [["1\n"], ["1\n"]]
    assert ran(project, capsys) == []

    own = "from thin_mini import one", "print(one.value)"
    write(project, "01_first", *own, prose="Said otherwise")
    assert ran(project, capsys) == []
    change("thin_mini/one.py", "value = 22\n")
    assert ran(project, capsys) == ["01_first"]
    assert outputs(project, "01_first") == ["22\n"]
    change("results/run.json", '{"accuracy": 1}')
    assert ran(project, capsys) == ["02_second"]
    write(project, "01_first", own[0], "print(2 * one.value)")
    assert ran(project, capsys) == ["01_first"]
    assert outputs(project, "01_first") == ["44\n"]
    change("thin_mini/questions.yml", "read: by no import")
    assert ran(project, capsys) == both
    # Notes of a build that was killed while it wrote them.
    (project / "_build" / "chapters.json").write_text('{"01_first": {"sec')
    assert ran(project, capsys) == both


def test_a_chapter_that_fails_is_named_with_its_cell_and_others_are_kept(
    project, capsys
):
    write(project, "02_second", "from thin_mini import two", "two.value / 0")
    with pytest.raises(SystemExit) as stopped:
        chapters.execute(project, workers=1)
    said = str(stopped.value)
    assert said.startswith("02_second.ipynb failed")
    assert "two.value / 0" in said
    assert "ZeroDivisionError" in said
    capsys.readouterr()
    write(project, "02_second", "from thin_mini import two", "two.value / 1")
    # The later one runs first where no times are known.
    assert ran(project, capsys) == ["01_first", "02_second"]
    notes = json.loads((project / "_build" / "chapters.json").read_text())
    assert notes["02_second"]["files"].keys() == {
        "thin_mini/__init__.py",
        "thin_mini/two.py",
    }


def test_what_a_chapter_loaded_may_come_in_pieces(project, monkeypatch):
    """As a kernel sends it on a busy machine."""
    path = str(project / "thin_mini" / "one.py")
    text = json.dumps([path]) + "\n"

    def execute(client):
        for piece in (text[:5], text[5:]):
            out = nbformat.v4.new_output("stream", name="stdout", text=piece)
            client.nb.cells[-1].outputs.append(out)

    monkeypatch.setattr(chapters.NotebookClient, "execute", execute)
    chapter = project / "notebooks" / "01_first.ipynb"
    assert chapters.run(chapter, timeout=60)[1] == ["thin_mini/one.py"]
