"""Committed runs that are made again, and what counts as the same."""

import json
import re

import pytest
from typer.testing import CliRunner

from thin_mini.cli import app
from thin_mini.data import cache_folder
from thin_mini.lab import recipes, results, verify
from thin_mini.lab.reproduce import make
from thin_mini.lab.rows import all_runs

pytestmark = pytest.mark.usefixtures("clean_env")
MADE = dict.fromkeys(verify.KIND, "x")


def result(made=MADE, **metrics):
    return {
        "metrics": {"accuracy": 90.0, "by_bin": [80.0, None]} | metrics,
        "made": made,
    }


@pytest.mark.parametrize(
    ("made", "off", "right", "said"),
    [
        (MADE, 0.0, True, "equal"),
        (
            MADE,
            0.01,
            False,
            "not equal, though made on the same kind .*accuracy by 0.01",
        ),
        (MADE | {"processor": "y"}, 2.0, True, "another kind.*within the 2 points"),
        (MADE | {"torch": "y"}, -1.0, True, "other versions, within .*accuracy by 1"),
        (MADE | {"instructions": "y"}, 2.01, False, "beyond the 2 points .* by 2.01"),
    ],
)
def test_equal_on_the_same_kind_of_processor_and_near_on_another(
    made, off, right, said
):
    found = verify.compared(result(made), result(accuracy=90.0 + off))
    assert found[0] is right
    assert re.search(said, found[1])


def test_results_that_do_not_name_their_processor_may_be_near():
    old = {key: "x" for key in verify.KIND if key not in ("processor", "instructions")}
    assert verify.compared(result(old), result(accuracy=91.0))[0]
    assert not verify.compared(result(old), result(accuracy=93.0))[0]


def test_every_metric_must_be_equal_and_lists_are_compared_value_by_value():
    right, said = verify.compared(result(), result(by_bin=[79.5, None]))
    assert not right
    assert said.endswith(": by_bin by 0.5")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The folder of one row at smoke size, with a network; the options that name it."""
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    (row,) = (
        row
        for row in recipes.rows_of("table2", "mnist-r", 2, "smoke", "digits")
        if row.name == "THIN"
    )
    make([row], tmp_path / "runs", progress=False)
    options = ["--seeds", "2", "--profile", "smoke", "--row", "THIN"]
    options += ["--data", "mnist-r", "--results", str(tmp_path / "runs")]
    return row, ["reproduce", "table2", *options]


def files_in(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def command(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)])
    return done.exit_code, done.output


def test_the_command_makes_runs_again_and_touches_nothing(small):
    row, options = small
    before = files_in(cache_folder().parent)
    code, said = command(*options, "--verify", 4)
    assert code == 0
    assert said.count(": equal\n") == 4
    assert all(run.hash in said for run in all_runs([row]))
    assert "4 of 4 runs are what they have to be" in said
    assert files_in(cache_folder().parent) == before


def test_a_number_that_no_run_gave_is_found(small, tmp_path):
    row, options = small
    path = results.path_of(row.runs[1], tmp_path / "runs")
    content = json.loads(path.read_text("utf-8"))
    content["metrics"]["calibration"] += 0.001
    path.write_text(json.dumps(content), "utf-8")
    code, said = command(*options, "--verify", 4)
    assert code == 1
    assert f"{row.runs[1].hash}: not equal, though" in said
    assert "calibration by 0.001" in said
    assert "3 of 4 runs" in said


@pytest.mark.parametrize(
    ("n", "message"),
    [
        (-1, "--verify must be at least 1, got -1"),
        (0, "--verify must be at least 1, got 0"),
        (5, r"--verify 5: only 4 of these runs are in .*runs"),
    ],
)
def test_as_many_are_made_again_as_there_are(n, message, small):
    code, said = command(*small[1], "--verify", n)
    assert (code, said.count("\n")) == (1, 1)
    assert re.search(message, said)


@pytest.mark.parametrize("other", ["--slurm", "--list", "--dry-run"])
def test_what_is_made_again_is_not_only_listed_or_handed_on(other):
    code, said = command("reproduce", "table2", "--verify", 1, other)
    assert code == 1
    assert said == "--verify goes without --slurm, --list and --dry-run\n"


CHEAPEST = ("e2b6ab1e425a", "c0d3a088b320")  # 250 sprites, three seconds each


def test_two_committed_runs_come_out_again():
    rows = [
        row
        for r in ("labels", "labels-plain")
        for row in recipes.rows_of(r, "dsprites", 5, "paper")
    ]
    runs = [run for run in all_runs(rows) if run.hash in CHEAPEST]
    found = list(verify.remade(runs, results.default_folder()))
    assert len(found) == 2
    assert all(right for _, right, _ in found), found
