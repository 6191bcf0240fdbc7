"""``thin-mini compare``: finished runs side by side."""

import json
import re
from itertools import product

import pytest
from conftest import needs_pipes, pipe_at
from typer.testing import CliRunner

from thin_mini.cli import app
from thin_mini.files import DataError
from thin_mini.lab.results import readable
from thin_mini.large.comparison import compare_runs

SHARED = {
    "data": "RAF-DB, 12,015 pictures",
    "images": [12015, 256, 3068],
    "encoder": "vgg16",
    "size": 224,
    "steps": 100_000,
    "batch_size": 16,
    "lr": 1e-5,
    "balanced": False,
    "mixed_precision": "bf16",
}
# Test accuracy of each row under three seeds.
ROWS = {
    ("baseline", "imagenet", 0): (82.0, 83.0, 84.0),
    ("baseline", "vggface", 0): (83.0, 84.0, 85.0),
    ("exogenous", "vggface", 0): (86.0, 87.5, 88.0),
    ("thin", "vggface", 0.01): (83.5, 84.5, 85.5),
    ("thin", "vggface", 0.5): (82.0, 83.5, 83.0),
}


@pytest.fixture
def runs(tmp_path):
    for (model, start, dispel), seed in product(ROWS, range(3)):
        test = ROWS[model, start, dispel][seed]
        content = {"model": model, "start": start, "dispel": dispel, "seed": seed}
        folder = tmp_path / f"{model}-{start}-{dispel}-{seed}"
        folder.mkdir()
        (folder / "result.json").write_text(
            json.dumps(SHARED | content | {"test": test}), "utf-8"
        )
    return tmp_path


def change(runs, name, **values):
    file = runs / name / "result.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_rows_are_compared_with_the_baseline_of_their_start(runs):
    table = compare_runs(runs)
    assert list(table.index) == [
        "Baseline, from ImageNet",
        "Baseline, from VGG-Face",
        "Exogenous tree-gated deep ensemble, from VGG-Face",
        "THIN, from VGG-Face",
        "THIN, from VGG-Face, λ = 0.5",
    ]
    assert table["mean"].tolist() == pytest.approx(
        [83, 84, 87 + 1 / 6, 84.5, 82 + 5 / 6]
    )
    assert table["difference"].tolist()[1:] == pytest.approx(
        [1, 3 + 1 / 6, 0.5, -1 - 1 / 6]
    )
    assert table["seeds"].tolist() == [3] * 5
    # The paper's: 82.99, 84.06, 87.29, 87.81, and nothing for another λ.
    assert table["paper_difference"].tolist()[1:4] == [1.07, 3.23, 3.75]
    assert table["verdict"].tolist()[:4] == [
        "reached",
        "weaker",
        "reproduced",
        "weaker",
    ]
    assert table[["paper", "verdict"]].iloc[4].isna().all()


def test_the_small_encoder_is_not_held_to_the_papers_level(runs):
    for file in runs.glob("*/result.json"):
        change(runs, file.parent.name, encoder="small")
    assert compare_runs(runs)["verdict"].isna().tolist() == [True, *[False] * 3, True]


def test_a_random_start_is_not_held_to_imagenets(runs):
    for file in runs.glob("baseline-imagenet-*/result.json"):
        change(runs, file.parent.name, start="random")
    table = compare_runs(runs)
    assert table[["paper", "verdict"]].iloc[0].isna().all()
    assert table["difference"].notna().tolist() == [False, *[True] * 4]
    assert table["verdict"].isna().tolist()[:2] == [True, True]


def test_other_data_have_no_column_of_the_paper(runs):
    for file in runs.glob("*/result.json"):
        change(runs, file.parent.name, data="FER2013, 28,453 pictures")
    table = compare_runs(runs)
    assert table["paper"].isna().all()
    assert table["difference"].notna().sum() == 4


def test_an_unusual_lambda_is_a_row_of_its_own(runs):
    change(runs, "exogenous-vggface-0-2", dispel=0.1)
    table = compare_runs(runs)
    name = "Exogenous tree-gated deep ensemble, from VGG-Face"
    assert table.loc[[name, f"{name}, λ = 0.1"], "seeds"].tolist() == [2, 1]
    assert table["paper"].isna().tolist() == [False] * 3 + [True, False, True]


def test_a_single_seed_is_shown_without_interval_and_verdict(runs):
    for file in runs.glob("thin-*-[12]/result.json"):
        file.unlink()
    table = compare_runs(runs)
    name = "THIN, from VGG-Face"
    assert table.loc[name, ["mean", "seeds"]].tolist() == [83.5, 1]
    assert table.loc[name, ["half", "difference", "verdict"]].isna().all()
    text = readable(table)
    assert text.loc[name, "ours"] == "83.50"
    assert text.loc["Baseline, from VGG-Face", "ours"] == "84.00 ± 2.48"


@pytest.mark.parametrize(
    "values",
    [
        {"test": float("nan")},
        {"test": 101.0},
        {"test": "83"},
        {"seed": -1},
        {"seed": True},
        {"dispel": -0.1},
        {"model": "vgg"},
        {"start": "somewhere"},
        {"majority": 40},
        {"confusion": "none"},
        {"confusion": [[0]]},
    ],
)
def test_values_that_no_run_can_have_are_not_judged(values, runs):
    change(runs, "thin-vggface-0.01-0", **values)
    with pytest.raises(DataError, match="which no run can"):
        compare_runs(runs)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 10}, "has steps 10 and "),
        ({"balanced": True}, "has balanced True and "),
        ({"images": [1, 2, 3]}, "compare runs that differ by their model only"),
        ({"seed": 1}, "are one run: keep one"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(runs, values, message):
    change(runs, "thin-vggface-0.01-0", **values)
    with pytest.raises(DataError, match=message):
        compare_runs(runs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "lacks"),
        ('{"model": "thin"}', "lacks balanced, batch_size"),
    ],
)
def test_a_damaged_result_is_named(runs, text, message):
    file = runs / "thin-vggface-0.01-0" / "result.json"
    file.write_text(text)
    with pytest.raises(DataError, match=f"{re.escape(str(file))} {message}"):
        compare_runs(runs)


def test_the_command_prints_the_table_or_says_what_is_missing(runs, tmp_path):
    found = CliRunner().invoke(app, ["compare", str(runs)])
    assert found.exit_code == 0
    assert "84.50 ± 2.48" in found.output
    found = CliRunner().invoke(app, ["compare", str(tmp_path / "none")])
    assert found.exit_code == 1
    assert "holds a result.json, with which `thin-mini train` ends" in found.output


@needs_pipes
def test_a_pipe_in_place_of_a_result_is_named(runs):
    file = pipe_at(runs / "thin-vggface-0.01-0" / "result.json")
    with pytest.raises(DataError, match=f"{file} is a pipe and not a file"):
        compare_runs(runs)
