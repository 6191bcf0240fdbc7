"""Every chapter once more with its models on a pretended second device.

`make test` runs this file by itself, its chapters dealt out to two processes, and with
MNIST where `THIN_MINI_DATA` names a folder that holds it.
"""

import contextlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from conftest import MNIST_FOLDER
from second_device import far, second_device
from test_notebooks import CHAPTERS, CHECKED, printed, tags

import thin_mini as tm


def run(path: Path, names: dict) -> None:
    """Run the cells of a chapter one after the other, and compare what they print."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        source = re.sub(r"^(\s*)%.*", r"\1pass", cell.source, flags=re.MULTILINE)
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                exec(compile(source, f"{path.name}, {cell.id}", "exec"), names)
        except Exception:
            if "raises-exception" not in tags(cell):
                raise
        finally:
            plt.close("all")
        if tags(cell) >= CHECKED:
            assert said.getvalue() == printed(cell), cell.id


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_runs_with_its_models_there(path, monkeypatch):
    monkeypatch.setenv("THIN_MINI_PROFILE", "smoke")
    monkeypatch.setenv("THIN_MINI_DATA", str(MNIST_FOLDER or "stand-in"))
    monkeypatch.chdir(path.parent)
    names: dict = {"__name__": "__main__"}
    moved = []
    with second_device() as device:
        monkeypatch.setenv("THIN_MINI_DEVICE", str(device))
        fit = tm.fit

        def watched(model, *args, **kwargs):
            moved.append(all(map(far, model.parameters())))
            return fit(model, *args, **kwargs)

        monkeypatch.setattr(tm, "fit", watched)
        run(path, names)
    assert names["device"] == str(device)
    assert all(moved), "a chapter trains a network that it has not moved"
    text = path.read_text(encoding="utf-8")
    assert bool(moved) == ("tm.fit(" in text)
