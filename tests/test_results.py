"""Results: files that are whole or refused, pairs by seed, and verdicts by rule."""

import json
import math
import os
import platform
import re
from pathlib import Path

import pytest
import torch

from thin_mini.basics import provenance
from thin_mini.files import DataError
from thin_mini.lab import result_files, results
from thin_mini.lab.recipes import rows_of
from thin_mini.lab.results import (
    ResultError,
    paired,
    readable,
    table,
)
from thin_mini.lab.rows import Row

pytestmark = pytest.mark.usefixtures("clean_env")
MEND = "put the original back, or make the runs anew in another folder"


@pytest.fixture
def rows():
    """The rows of table 2, three seeds, by name."""
    found = rows_of("table2", "mnist-r", 3, "paper", "mnist")
    return {row.name: row for row in found}


@pytest.fixture
def run(rows):
    return rows["Baseline"].runs[0]


def write(run, root, accuracy=50.0):
    results.write(run, root, {"accuracy": accuracy}, 206_554, 12.34)


def test_pairs_are_made_by_seed_and_seeds_that_one_row_lacks_are_left_out():
    assert paired({2: 5.0, 0: 1.0, 1: 3.0}, {0: 0.5, 2: 1.0, 7: 9.0}) == [0.5, 4.0]
    assert paired({0: 1.0}, {1: 1.0}) == []


def test_a_result_is_read_as_it_was_written(run, tmp_path):
    assert results.read(run, tmp_path) is None
    write(run, tmp_path, 97.1234)
    path = results.path_of(run, tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert path == tmp_path / "mnist-r" / f"baseline-60000-s0-{run.hash}.json"
    read = results.read(run, tmp_path)
    assert read == json.loads(path.read_text("utf-8"))
    assert read["metrics"] == {"accuracy": 97.1234}
    assert (read["format"], read["hash"]) == (result_files.FORMAT, run.hash)
    assert (read["parameters"], read["seconds"]) == (206_554, 12.3)
    assert read["run"]["protocol"]["epochs"] == run.protocol.epochs


def test_a_result_says_what_made_it_and_not_whose_machine_it_was(
    run, tmp_path, monkeypatch
):
    write(run, tmp_path)
    about = "thin_mini python torch numpy system processor instructions device threads"
    made = results.read(run, tmp_path)["made"]
    assert set(made) == set(about.split())
    assert made["instructions"] == torch.backends.cpu.get_cpu_capability()
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "ALL")
    x86 = platform.machine() == "x86_64"
    assert provenance.instructions().endswith("ONEDNN_MAX_CPU_ISA=ALL") == x86
    assert len(made["processor"]) > 3
    assert platform.node() not in str(made)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_is_none_is_never_written(number, run, tmp_path):
    with pytest.raises(ValueError, match="which cannot be"):
        write(run, tmp_path, number)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("older", [False, True])
def test_a_full_disk_leaves_what_was_there(older, run, tmp_path, monkeypatch):
    if older:
        write(run, tmp_path, 50.0)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def full(path, text, encoding):
        path.write_bytes(text.encode(encoding)[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DataError, match=r"No space left.*free some space"):
        write(run, tmp_path, 60.0)
    after = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert after == before
    assert len(before) == older


def damage(kind, path, other):
    content = json.loads(path.read_text("utf-8"))
    if kind == "half":
        path.write_text(path.read_text("utf-8")[:100], "utf-8")
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"\xff\xfe\x00")
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif kind == "huge":
        path.write_bytes(b" " * (result_files.MAX_BYTES + 1))
    elif kind == "deep":
        path.write_bytes(b"[" * 100_000)
    elif kind == "other run":
        path.write_bytes(other.read_bytes())
    elif kind == "renamed run":  # the hash as it should be, the run another's
        text = other.read_text("utf-8")
        path.write_text(text.replace(other.stem[-12:], path.stem[-12:]), "utf-8")
    else:
        run = content["run"]
        new = {
            "empty": "",
            "list": "[1, 2]",
            "text": '"done"',
            "null": "null",
            "other format": json.dumps(content | {"format": 2}),
            "no format": json.dumps(
                {k: v for k, v in content.items() if k != "format"}
            ),
            "no metrics": json.dumps(
                {k: v for k, v in content.items() if k not in ("metrics", "made")}
            ),
            "metrics list": json.dumps(content | {"metrics": [97.1]}),
            "no run": json.dumps(content | {"run": None}),
            "unknown setting": json.dumps(content | {"run": run | {"noise": 1}}),
            "no protocol": json.dumps(
                content | {"run": {k: v for k, v in run.items() if k != "protocol"}}
            ),
            "other setting": json.dumps(content | {"run": run | {"labels": 511}}),
            "setting as text": json.dumps(content | {"run": run | {"seed": "0"}}),
        }
        path.write_text(new[kind], "utf-8")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("half", "cannot be read"),
        ("folder", "cannot be read"),
        ("bytes", "cannot be read"),
        ("empty", "cannot be read"),
        ("list", "has format None and this version reads 1"),
        ("text", "has format None"),
        ("null", "has format None"),
        ("other format", "has format 2 and this version reads 1"),
        ("no format", "has format None"),
        ("no metrics", "lacks made, metrics"),
        ("metrics list", "lacks metrics"),
        ("pipe", "cannot be read .it is not a file"),
        ("huge", "cannot be read .1,000,001 bytes are too many"),
        ("deep", "cannot be read"),
        ("no run", "lacks run"),
        ("unknown setting", "describes no run .*'noise'"),
        ("no protocol", "describes no run .'protocol'"),
        ("other setting", "is another run's"),
        ("setting as text", "is another run's"),
        ("renamed run", "is another run's"),
        ("other run", "is another run's"),
    ],
)
def test_a_file_that_is_no_whole_result_is_refused_and_named(
    kind, message, rows, tmp_path
):
    run, other = rows["Baseline"].runs[:2]
    write(run, tmp_path), write(other, tmp_path)
    path = results.path_of(run, tmp_path)
    damage(kind, path, results.path_of(other, tmp_path))
    with pytest.raises(ResultError, match=rf"{path.name} {message}.*: {MEND}"):
        results.read(run, tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("accuracy", "NaN", "cannot be read .NaN is no number"),
        ("accuracy", "Infinity", "cannot be read .Infinity is no number"),
        ("accuracy", "-Infinity", "cannot be read"),
        ("accuracy", "1e999", "has accuracy Infinity, which cannot be"),
        ("accuracy", "9" * 400, "has accuracy 9+…, which cannot be"),
        ("accuracy", "9" * 5000, "cannot be read"),
        ("accuracy", "101", "has accuracy 101, which cannot be"),
        ("accuracy", "-0.1", "has accuracy -0.1, which"),
        ("accuracy", '"97.1"', 'has accuracy "97.1", which'),
        ("accuracy", "true", "has accuracy true"),
        ("accuracy", "null", "has accuracy null"),
        ("accuracy", "[97.1]", "has accuracy .97.1."),
        ("by_bin", "[]", "has by_bin"),
        ("by_bin", json.dumps([50.0] * 17), "has by_bin"),
        ("by_bin", json.dumps([50.0] * 17 + [100.1]), "has by_bin"),
        ("by_class", json.dumps([50.0] * 11), "has by_class"),
        ("by_class", "50.0", "has by_class 50.0"),
        ("calibration", "-1", "has calibration -1"),
        ("leaves", "9", "has leaves 9"),
        ("leaves", "0", "has leaves 0"),
        ("cosine", "1.5", "has cosine 1.5"),
        ("epoch", "0", "has epoch 0"),
        ("epoch", "1.0", "has epoch 1.0"),
        ("parameters", "206554.0", "has parameters 206554.0"),
        ("parameters", "0", "has parameters 0"),
        ("seconds", "-1", "has seconds -1"),
        ("seconds", '"12"', 'has seconds "12"'),
        ("seconds", "null", "has seconds null"),
    ],
)
def test_a_value_that_no_run_can_have_is_refused_and_named(
    place, value, message, run, tmp_path
):
    metrics = {"accuracy": 50.0, "by_bin": [50.0] * 18, "by_class": [50.0] * 10}
    metrics |= {"calibration": 1.0, "leaves": 8.0, "cosine": 0.5, "epoch": 1}
    results.write(run, tmp_path, metrics, 206_554, 12.3)
    assert results.read(run, tmp_path)["metrics"] == metrics
    path = results.path_of(run, tmp_path)
    text, n = re.subn(
        rf'("{place}": )(\[[^]]*\]|[^,}}\n]+)',
        lambda found: found[1] + value,
        path.read_text("utf-8"),
    )
    assert n == 1
    path.write_text(text, "utf-8")
    with pytest.raises(ResultError, match=rf"{path.name} {message}.*: {MEND}"):
        results.read(run, tmp_path)


def test_of_a_bin_or_class_without_images_there_is_no_accuracy(run, tmp_path):
    metrics = {"accuracy": 50.0, "by_bin": [None] + [50.0] * 17}
    results.write(run, tmp_path, metrics, 206_554, 12.3)
    assert results.read(run, tmp_path)["metrics"] == metrics


def test_a_folder_that_is_none_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="file is a file: name the folder"):
        results.check_folder(tmp_path / "file")
    with pytest.raises(ResultError, match="nowhere does not exist: name the folder"):
        results.check_folder(tmp_path / "nowhere")
    results.check_folder(tmp_path)


def test_a_result_without_the_rows_number_is_refused_and_named(rows, tmp_path):
    row = rows["Baseline"]
    results.write(row.runs[1], tmp_path, {"calibration": 1.0}, 5, 1.0)
    name = results.path_of(row.runs[1], tmp_path).name
    with pytest.raises(ResultError, match=rf"{name} lacks accuracy: {MEND}"):
        results.values(row, tmp_path)


def fill(rows, root, accuracies):
    for name, own in accuracies.items():
        for run, accuracy in zip(rows[name].runs, own, strict=True):
            if accuracy is not None:
                write(run, root, accuracy)


def test_a_table_shows_the_means_the_pairs_and_the_verdicts(rows, tmp_path):
    fill(
        rows,
        tmp_path,
        {
            "Baseline": (90.0, 92.0, 94.0),
            "Tree-gated deep ensemble": (None, 92.1, 94.3),
            "THIN": (91.4, 93.5, 95.6),
            "Oracle": (99.0, None, None),
        },
    )
    made = table(list(rows.values()), tmp_path)
    assert list(made.index) == list(rows)
    assert made["seeds"].tolist() == [3, 0, 2, 0, 1, 3]
    baseline, tree, thin = (
        made.loc[name] for name in ("Baseline", "Tree-gated deep ensemble", "THIN")
    )
    assert baseline["mean"] == pytest.approx(92.0)
    assert baseline["half"] == pytest.approx(4.9683, abs=1e-4)  # 4.3027 · 2 / √3
    assert baseline["verdict"] == "inconclusive"  # 96.83 lies within it: it is wide
    assert math.isnan(baseline["difference"])
    assert tree["difference"] == pytest.approx(0.2)  # of the seeds 1 and 2
    assert tree["paper_difference"] == pytest.approx(0.48)
    assert tree["verdict"] == "inconclusive"  # 0.2 ± 1.27
    assert thin["difference"] == pytest.approx(1.5)
    assert thin["difference_half"] == pytest.approx(0.24841, abs=1e-4)
    assert thin["paper_difference"] == pytest.approx(1.43)
    assert thin["verdict"] == "reproduced"
    for name in ("Simple deep ensemble", "Oracle"):  # none, and one seed alone
        assert made.loc[name, ["mean", "difference", "verdict"]].isna().all()


def test_a_table_for_the_eye(rows, tmp_path):
    accuracies = {
        "Baseline": (90.0, 92.0, 94.0),
        "Simple deep ensemble": (89.9, 92.0, 94.1),
        "THIN": (90.4, 92.5, 94.6),
    }
    fill(rows, tmp_path, accuracies)
    shown = readable(table(list(rows.values()), tmp_path))
    assert shown.loc["THIN"].tolist() == [
        "98.26", "92.50 ± 5.22", 3, "+0.50 ± 0.25", "+1.43", "weaker",
        "+0.50 ± 0.00", "probabilities",
    ]  # fmt: skip
    assert shown.loc["Baseline"].tolist() == [
        "96.83", "92.00 ± 4.97", 3, "", "", "inconclusive", "", ""
    ]  # fmt: skip
    assert shown.loc["Oracle"].tolist() == [
        "98.06", "pending", 0, "", "+1.23", "", "", "true bin"
    ]  # fmt: skip
    plain = readable(table([rows["Baseline"]], tmp_path))
    assert not {"from simple", "gate sees"} & set(plain)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("recipe", ["table1", "table2", "labels", "choices"])
def test_a_table_without_any_result_is_there_and_pending(recipe, tmp_path):
    rows = rows_of(recipe, "mnist-r", 2, "smoke", "digits")
    shown = readable(table(rows, tmp_path))
    assert len(shown) == len(rows)
    assert (shown["ours"] == "pending").all()
    assert (shown[["difference", "verdict"]] == "").all(axis=None)


@pytest.mark.parametrize(
    "kind", [("smoke", None), ("lecture", None), ("paper", "digits")]
)
def test_only_the_papers_budget_and_data_are_held_beside_the_paper(kind, tmp_path):
    rows = rows_of("table2", "mnist-r", 2, *kind)
    for row in rows:
        for i, run in enumerate(row.runs):
            write(run, tmp_path, 12.0 + i)
    made = table(rows, tmp_path)
    assert made["mean"].notna().all()
    assert made[["paper", "paper_difference", "verdict"]].isna().all(axis=None)


def test_rows_bring_the_columns_of_their_groups(tmp_path):
    made = table(rows_of("labels", "mnist-r", 2, "smoke", "digits"), tmp_path)
    row = made.loc["THIN, 64 labels, 512 exogenous"]
    assert (row["model"], row["labels"], row["exo_labels"]) == ("thin", 64, 512)


def test_a_row_shows_the_number_it_names(rows, tmp_path):
    run = rows["Baseline"].runs[0]
    results.write(run, tmp_path, {"accuracy": 90.0, "exact": 45.0}, 5, 1.0)
    assert results.values(Row("", (run,)), tmp_path) == {0: 90.0}
    assert results.values(Row("", (run,), metric="exact"), tmp_path) == {0: 45.0}


def test_results_lie_in_the_folder_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("THIN_MINI_RESULTS", str(tmp_path))
    assert results.default_folder() == tmp_path / "runs"
    monkeypatch.setenv("THIN_MINI_RESULTS", str(tmp_path / "nowhere"))
    with pytest.raises(ResultError, match=r"no results folder .*nowhere: make it"):
        results.default_folder()


def test_a_published_table_may_be_of_another_metric():
    row, asked = "THIN, confounded 0", ("confounding", "mnist-r")
    for metric in (None, "linear"):
        mean = results.published(*asked, metric).loc[row, "mean"]
        numbers = results.measured(*asked, row, metric=metric)
        assert mean == pytest.approx(sum(numbers) / 5)
    with pytest.raises(result_files.ResultError, match="lacks colour"):
        results.published(*asked, "colour")
