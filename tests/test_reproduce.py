"""The runner: each run once, whatever stops it and however many share the work."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import needs_pipes, pipe_at
from filelock import FileLock
from PIL import Image
from typer.testing import CliRunner

import thin_mini as tm
from thin_mini import files
from thin_mini.cli import app
from thin_mini.cli import reproduce as cli_reproduce
from thin_mini.data import DataError
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.lab import (
    bin_runs,
    face_runs,
    one_run,
    recipes,
    reproduce,
    results,
    verdicts,
)
from thin_mini.lab.rows import all_runs
from thin_mini.lab.worlds import WORLDS

pytestmark = pytest.mark.usefixtures("clean_env", "_digits_only")
TABLE = ("table2", "mnist-r", 2, "smoke", "digits")
SCRIPT = """
import sys, time
from pathlib import Path
from thin_mini.lab import one_run, recipes, reproduce

root, me, together = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
original = one_run.train_run


def logged(run, root):
    with open(root / f"log-{me}", "a") as log:
        print(run.hash, file=log)
    return original(run, root)


one_run.train_run, reproduce.POLL_SECONDS = logged, 0.05
rows = recipes.rows_of("table2", "mnist-r", 2, "smoke", "digits")
rows = [row for row in rows if row.name in ("Baseline", "THIN")]
(root / f"ready-{me}").touch()
while len(list(root.glob("ready-*"))) < together:
    time.sleep(0.01)
reproduce.make(rows, root, progress=False)
"""


@pytest.fixture
def _digits_only(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")


def table_rows():
    return recipes.rows_of(*TABLE)


def shared_rows():
    """Those of ``SCRIPT``, with networks that two runs need."""
    return [row for row in table_rows() if row.name in ("Baseline", "THIN")]


def make(rows, root):
    reproduce.make(rows, root, progress=False)


def metrics_in(root):
    """What every result file says, by hash; any that is not whole fails here."""
    files = [json.loads(p.read_text("utf-8")) for p in root.rglob("*.json")]
    return {content["hash"]: content["metrics"] for content in files}


def start(root, cache, me="a", together=1):
    root.mkdir(exist_ok=True)
    env = {**os.environ, "THIN_MINI_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(root), me, str(together)], env=env
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(results, cache) of table 2 at smoke size, made without a break."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THIN_MINI_CACHE", str(folder / "cache"))
        make(table_rows(), folder / "runs")
    return folder / "runs", folder / "cache"


@pytest.fixture
def grid(finished, tmp_path, monkeypatch):
    """A copy of the finished results, with the cache that belongs to them."""
    shutil.copytree(finished[0], tmp_path / "runs")
    shutil.copytree(finished[1], tmp_path / "networks")
    monkeypatch.setenv("THIN_MINI_CACHE", str(tmp_path / "networks"))
    return tmp_path / "runs"


@pytest.fixture
def trained(monkeypatch):
    """The runs that are trained from here on."""
    made, original = [], one_run.train_run

    def counting(run, root):
        made.append(run)
        return original(run, root)

    monkeypatch.setattr(one_run, "train_run", counting)
    return made


def test_a_finished_grid_is_whole_and_trains_nothing_again(grid, trained):
    before = {p: p.read_bytes() for p in grid.rglob("*.json")}
    make(table_rows(), grid)
    assert trained == []
    assert {p: p.read_bytes() for p in grid.rglob("*.json")} == before
    assert set(metrics_in(grid)) == {r.hash for r in all_runs(table_rows())}
    assert results.table(table_rows(), grid)["seeds"].tolist() == [2] * 6


def test_more_seeds_train_only_the_new_ones(grid, trained):
    rows = recipes.rows_of("table2", "mnist-r", 3, "smoke", "digits")
    make(rows[:2], grid)
    assert [run.seed for run in trained] == [2, 2]


def decimals(number):
    return len(repr(number).partition(".")[2]) if isinstance(number, float) else 0


def test_every_number_in_a_result_is_rounded(grid):
    for metrics in metrics_in(grid).values():
        values = [
            v for m in metrics.values() for v in (m if isinstance(m, list) else [m])
        ]
        assert max(map(decimals, values)) <= 4


def test_a_result_holds_what_the_tables_need(grid):
    rows = {row.name: row for row in table_rows()}
    thin = rows["THIN"].runs[0]
    assert {"accuracy", "by_bin", "by_class", "calibration", "leaves", "cosine"} == set(
        results.read(thin, grid)["metrics"]
    )
    network = results.read(thin.networks[0], grid)["metrics"]
    assert {"range_relative", "exact", "within_one"} <= set(network)
    assert network["exact"] == pytest.approx(network["accuracy"], abs=1e-4)
    assert len(network["by_bin"]) == 18
    assert len(results.read(thin, grid)["metrics"]["by_class"]) == 10


def test_a_run_gives_the_same_numbers_again(grid, tmp_path, trained):
    row = next(row for row in table_rows() if row.name == "THIN")
    make([row], tmp_path / "again")
    assert len(trained) == 4  # two networks and what they feed
    again, before = metrics_in(tmp_path / "again"), metrics_in(grid)
    assert again == {name: before[name] for name in again}


def test_a_killed_process_leaves_no_half_file_and_another_goes_on(
    finished, tmp_path, monkeypatch, trained
):
    root, cache = tmp_path / "runs", tmp_path / "killed"
    process = start(root, cache)
    try:
        while not list(root.rglob("*.json")) and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = metrics_in(root)
    names = {run.hash for run in all_runs(shared_rows())}
    assert 0 < len(done) < len(names)
    monkeypatch.setenv("THIN_MINI_CACHE", str(cache))
    make(shared_rows(), root)
    assert len(trained) == len(names) - len(done)
    whole = metrics_in(finished[0])
    assert metrics_in(root) == {name: whole[name] for name in names}


def test_two_processes_share_a_grid_and_make_each_run_once(finished, tmp_path):
    root = tmp_path / "runs"
    processes = [start(root, tmp_path / "shared", me, together=2) for me in "ab"]
    try:
        assert [p.wait(timeout=600) for p in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    made = [(root / f"log-{me}").read_text().split() for me in "ab"]
    assert all(made)
    assert set(Counter(made[0] + made[1]).values()) == {1}
    names = {run.hash for run in all_runs(shared_rows())}
    whole = metrics_in(finished[0])
    assert metrics_in(root) == {name: whole[name] for name in names}
    assert {*made[0], *made[1]} == names


def test_a_run_that_another_process_makes_is_waited_for(grid, trained, monkeypatch):
    run = table_rows()[0].runs[0]
    path = results.path_of(run, grid)
    content = path.read_bytes()
    path.unlink()
    lock, waits = FileLock(one_run.lock_of(run, grid)), []
    lock.acquire()

    def meanwhile(seconds):
        waits.append(seconds)
        path.write_bytes(content)
        lock.release()

    monkeypatch.setattr(reproduce.time, "sleep", meanwhile)
    make(table_rows(), grid)
    assert waits == [reproduce.POLL_SECONDS]
    assert trained == []


def test_networks_missing_from_the_cache_are_trained_again(grid, tmp_path, trained):
    row = next(row for row in table_rows() if row.name == "THIN")
    (network,) = row.runs[0].networks
    before, its_result = metrics_in(grid), results.path_of(network, grid).read_bytes()
    for weights in (tmp_path / "networks").rglob("*.pt"):
        weights.unlink()
    results.path_of(row.runs[0], grid).unlink()
    make(table_rows(), grid)
    assert trained == [row.runs[0], network]  # the first one asks for the second
    assert metrics_in(grid) == before
    assert results.path_of(network, grid).read_bytes() == its_result


def test_damaged_weights_are_named(grid, tmp_path):
    row = next(row for row in table_rows() if row.name == "THIN")
    (weights,) = (tmp_path / "networks").rglob(f"{row.runs[0].networks[0].hash}.pt")
    weights.write_bytes(weights.read_bytes()[:1000])
    results.path_of(row.runs[0], grid).unlink()
    with pytest.raises(
        results.ResultError, match=f"{weights.name} cannot be read: put the orig"
    ):
        make(table_rows(), grid)


@needs_pipes
def test_a_pipe_in_place_of_weights_is_named(grid, tmp_path):
    row = next(row for row in table_rows() if row.name == "THIN")
    (weights,) = (tmp_path / "networks").rglob(f"{row.runs[0].networks[0].hash}.pt")
    results.path_of(row.runs[0], grid).unlink()
    with pytest.raises(DataError, match=f"{pipe_at(weights)} is a pipe and not a file"):
        make(table_rows(), grid)


@pytest.mark.parametrize("which", ["results", "cache"])
def test_a_folder_that_takes_no_files_is_named_before_any_training(
    which, tmp_path, monkeypatch, trained
):
    (tmp_path / "file").write_text("")
    root = tmp_path / ("file" if which == "results" else "runs") / "runs"
    if which == "cache":
        monkeypatch.setenv("THIN_MINI_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"cannot write to .*file.*choose another"):
        make(table_rows(), root)
    assert trained == []


def test_a_damaged_result_stops_the_runner_before_any_training(grid, trained):
    path = results.path_of(table_rows()[3].runs[1], grid)
    path.write_text("{", "utf-8")
    results.path_of(table_rows()[0].runs[0], grid).unlink()
    with pytest.raises(results.ResultError, match=rf"{path.name} cannot be read"):
        make(table_rows(), grid)
    assert trained == []


def test_an_interrupted_run_leaves_no_result_and_frees_its_lock(grid, monkeypatch):
    run = table_rows()[1].runs[0]
    results.path_of(run, grid).unlink()
    with monkeypatch.context() as patch:

        def stopped(*args, **kwargs):
            raise KeyboardInterrupt

        patch.setattr(one_run, "fit", stopped)
        with pytest.raises(KeyboardInterrupt):
            make(table_rows(), grid)
    assert results.read(run, grid) is None
    make(table_rows(), grid)
    assert results.read(run, grid) is not None


@pytest.mark.parametrize("told", ["traits", "resting", "others", "portraits"])
def test_an_oracle_is_told_of_people_what_the_row_says(told):
    rows = recipes.rows_of("told", "cartoons", 2, "smoke")
    run = next(r.runs[0] for r in rows if r.runs[0].oracle_knows == told)
    train, _, test = one_run.datasets(run)
    world = WORLDS["cartoons"]
    network = tm.ExogenousNetwork(world.does.encoder(run), 32, gate_on="pooled")
    oracle = world.does.oracle(run, train, test, [network.freeze()])
    for part in (train, test):
        person = int(part.exo[-1])
        own = part.exo == person
        assert own.sum() > 1  # else a mean is the picture itself
        traits = part.factors["identity"][own]  # (n, 22), every row the same
        expected = {
            "traits": traits[0],
            "resting": traits[0, 18:],
            "others": traits[0, :18],
            "portraits": network.condition(part.images[own]).h_g.mean(0),
        }[told]
        h_g = oracle.condition(part.images[:1], torch.tensor([person])).h_g[0]
        torch.testing.assert_close(h_g, expected)
        assert told == "portraits" or torch.equal(h_g, expected)


# Table 2 is the grid above.
@pytest.mark.parametrize(
    ("recipe", "data"),
    [
        ("table1", "dsprites"),
        ("table2-paper", "mnist-r"),
        ("table3", "mnist-rs"),
        ("table4-random", "cartoons"),
        ("told", "cartoons"),
        ("chosen", "cartoons"),
        ("fig4", "mnist-r"),
        ("fig5", "cartoons"),
        ("labels", "dsprites"),
        ("choices", "dsprites"),
    ],
)
def test_every_recipe_runs_from_end_to_end(
    recipe, data, tmp_path, trained, monkeypatch
):
    monkeypatch.setattr(face_runs, "PAIRS", 100)  # to draw them takes longest
    rows = recipes.rows_of(recipe, data, 2, "smoke")
    # One seed, since the other differs in nothing but its numbers.
    rows = [replace(row, runs=row.runs[:1]) for row in rows]
    make(rows, tmp_path)
    assert set(metrics_in(tmp_path)) == {run.hash for run in all_runs(rows)}
    assert Counter(run.hash for run in trained).most_common(1)[0][1] == 1
    table = results.table(rows, tmp_path)
    assert table["seeds"].tolist() == [1] * len(rows)
    for metrics in metrics_in(tmp_path).values():
        name = "accuracy" if "accuracy" in metrics else "pair_accuracy"
        assert 0 <= metrics[name] <= 100
        assert decimals(metrics.get("valid", 0)) <= 4


def photographs(folder, n=84, n_people=12):
    """A folder as that of the photographs: tables of pictures and of pairs."""
    random = np.random.default_rng(0)
    rows, pairs = ["path,expression,identity,split"], ["path1,path2,same"]
    for i in range(n):
        person = i % n_people
        Image.fromarray(random.integers(0, 256, (20, 20), np.uint8)).save(
            folder / f"{i}.png"
        )
        split = "test" if person >= 9 else "train"
        rows.append(f"{i}.png,{EXPRESSIONS[i % 7]},person {person},{split}")
        pairs.append(f"{i}.png,{(i + n_people) % n}.png,1")
    (folder / "faces.csv").write_text("\n".join(rows), "utf-8")
    (folder / "pairs.csv").write_text("\n".join(pairs), "utf-8")


def test_the_recipes_on_photographs_run_on_a_folder_of_their_form(
    tmp_path, monkeypatch
):
    (tmp_path / "faces").mkdir()
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path))
    rows = recipes.rows_of("table4", "photos", 2, "smoke")
    with pytest.raises(DataError, match="the photographs are in no folder"):
        make(rows, tmp_path / "results")
    photographs(tmp_path / "faces")
    few = replace(WORLDS["photos"], people={"smoke": (63, 12, 21)})
    monkeypatch.setitem(WORLDS, "photos", few)
    for recipe in ("table1", "table4", "fig5"):
        rows = recipes.rows_of(recipe, "photos", 2, "smoke")
        rows = [replace(row, runs=row.runs[:1]) for row in rows]
        make(rows, tmp_path / "results")
        assert results.table(rows, tmp_path / "results")["seeds"].eq(1).all()


def test_pairs_of_photographs_show_test_people_and_half_of_them_one(
    tmp_path, monkeypatch
):
    (tmp_path / "faces").mkdir()
    photographs(tmp_path / "faces")
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path))
    _, test = face_runs.photographs(None, 63)
    a, b, same = face_runs.photo_pairs(None)
    assert len(a) == len(b) == len(same) == 2 * int(same.sum()) == 42
    people = {
        image.numpy().tobytes(): int(exo)
        for image, exo in zip(test.images, test.exo, strict=True)
    }
    for one, other, alike in zip(a, b, same, strict=True):
        first, second = (people[i.numpy().tobytes()] for i in (one, other))
        assert (first == second) == bool(alike)


def test_the_epoch_that_validation_chose_is_kept_with_its_accuracy(tmp_path):
    baseline = recipes.rows_of("table2-paper", "mnist-r", 2, "smoke")[0]
    run = baseline.runs[0]
    assert run.protocol.n_valid > 0
    run = replace(run, protocol=replace(run.protocol, epochs=3))
    one_run.train_run(run, tmp_path)
    metrics = results.read(run, tmp_path)["metrics"]
    assert metrics["epoch"] in (1, 2, 3)
    assert 0 <= metrics["valid"] <= 100


def test_processes_of_a_launcher_train_each_on_its_own(monkeypatch):
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    reproduce.stand_alone()
    assert not {"RANK", "WORLD_SIZE", "LOCAL_RANK"} & set(os.environ)


def images_in(dataset):
    return {image.numpy().tobytes() for image in dataset.images}


@pytest.mark.parametrize("recipe", ["choices", "table2-paper"])
def test_nothing_is_both_trained_on_and_measured_on(recipe, tmp_path, monkeypatch):
    run = recipes.rows_of(recipe, "mnist-r", 2, "smoke")[0].runs[0]
    seen, fit, measure = {}, one_run.fit, bin_runs.measure

    def watched_fit(model, train, *, valid, **options):
        seen["train"] = images_in(train)
        seen["valid"] = images_in(valid) if valid else set()
        return fit(model, train, valid=valid, **options)

    def watched_measure(run, model, test):
        seen["measured"] = images_in(test)
        return measure(run, model, test)

    monkeypatch.setattr(one_run, "fit", watched_fit)
    monkeypatch.setattr(bin_runs, "measure", watched_measure)
    one_run.train_run(run, tmp_path)
    test = images_in(one_run.datasets(replace(run, on="test"))[2])
    assert len(seen["train"]) == run.labels
    assert len(seen["valid"]) == run.protocol.n_valid
    assert seen["train"].isdisjoint(seen["valid"] | seen["measured"] | test)
    assert seen["valid"].isdisjoint(seen["measured"] | test)
    # Settings are chosen on validation images, never on the test's.
    assert (seen["measured"] == test) == (run.on == "test")
    assert run.on == "test" or seen["measured"].isdisjoint(test)


def test_images_cut_from_a_larger_set_are_those_of_a_smaller_one():
    rows = {r.name: r for r in recipes.rows_of("labels", "mnist-r", 2, "smoke")}
    small, large = (rows[f"Baseline, {n} labels, 512 exogenous"] for n in (64, 512))
    one_run._loaded.clear()
    fresh = [part.fingerprint() for part in one_run.datasets(small.runs[0])[::2]]
    assert [len(p) for p in one_run.datasets(large.runs[0])[::2]] == [512, 256]
    cut = [part.fingerprint() for part in one_run.datasets(small.runs[0])[::2]]
    assert cut == fresh


def test_a_networks_weights_come_back_as_they_were_trained(tmp_path):
    run = recipes.rows_of("table1", "dsprites", 2, "smoke")[0].runs[0]
    model = one_run.train_run(run, tmp_path)
    network = one_run.trained_network(run, tmp_path, "features")
    assert network.frozen
    assert network.gate_on == "features"
    images = one_run.datasets(run)[2].images[:20]
    torch.testing.assert_close(network(images), model.eval()(images))


def cli(*arguments):
    result = CliRunner().invoke(app, ["reproduce", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table9"], "unknown recipe 'table9': there are 'table1'"),
        (["table2", "--data", "faces"], "table2 has no rows on 'faces'"),
        (["table2", "--row", "Forest"], "unknown row 'Forest': there are 'Baseline'"),
        (["table2", "--seeds", 0], "at least 2 seeds, got 0"),
        (["table2", "--seeds", 1], "at least 2 seeds, got 1"),
        (["table2", "--profile", "huge"], "unknown profile 'huge'"),
        (["table2", "--profile", ""], "unknown profile ''"),
        (["tabel2"], "the nearest is 'table2'"),
        (["tabel2", "--list"], "the nearest is 'table2'"),
        (["tabel2", "--dry-run"], "the nearest is 'table2'"),
        (["table2", "--row", "thin"], "the nearest is 'THIN'"),
        (["table2", "--seeds", -1], "at least 2 seeds, got -1"),
        (["table2", "--device", "gpu"], "--device must be one of auto, cpu, cuda"),
        ([], "name one recipe, or give --every"),
        (["table2", "--every"], "name one recipe, or give --every"),
        (["--every", "--row", "THIN"], "--row goes with one recipe"),
        (["--every", "--data", "faces"], "no recipe has rows on 'faces'"),
    ],
    ids=str,
)
def test_the_command_line_refuses_with_one_line(arguments, message, tmp_path, trained):
    code, said = cli("--profile", "smoke", "--results", tmp_path, *arguments)
    assert code == 1
    assert message in said
    assert len(said.splitlines()) == 1
    assert trained == []


def test_the_command_line_says_where_it_cannot_write(tmp_path, trained):
    (tmp_path / "file").write_text("")
    options = ("--profile", "smoke", "--results", tmp_path / "file" / "a")
    code, said = cli("table2", *options)
    assert code == 1
    assert "cannot write to" in said
    assert len(said.splitlines()) == 1
    assert trained == []


def test_the_command_line_names_a_damaged_result(grid):
    path = results.path_of(table_rows()[0].runs[0], grid)
    path.write_text("[]", "utf-8")
    options = ("--data", "mnist-r", "--seeds", 2, "--profile", "smoke")
    code, said = cli("table2", *options, "--results", grid)
    assert code == 1
    assert f"{path.name} has format None" in said
    assert len(said.splitlines()) == 1


def test_the_command_line_makes_one_row_and_prints_the_table(tmp_path, trained):
    options = ("--data", "mnist-r", "--seeds", 2, "--profile", "smoke")
    row = "Tree-gated deep ensemble"
    code, said = cli("table2", *options, "--results", tmp_path, "--row", row)
    assert code == 0
    assert [run.model for run in trained] == ["tree", "tree"]
    assert f"table2 on mnist-r, 2 seeds, results in {tmp_path}" in said
    assert "smoke profile, scikit-learn's digits in place of MNIST" in said
    for judged in (*verdicts.VERDICTS, *verdicts.LEVELS):
        assert judged not in said
    lines = {line[:24].strip(): line for line in said.splitlines()}
    assert "±" in lines[row]
    assert "±" not in lines["Baseline"]


def test_the_command_line_prints_a_finished_table_at_once(grid, trained):
    options = ("--data", "mnist-r", "--seeds", 2, "--profile", "smoke")
    code, said = cli("table2", *options, "--results", grid)
    assert (code, trained) == (0, [])
    for row in table_rows():
        assert row.name in said


def lines(said):
    return [line.split() for line in said.splitlines()]


def test_the_list_says_what_has_been_made(grid):
    options = ("--seeds", 2, "--profile", "smoke", "--results", grid)
    code, said = cli("--list", *options)
    assert code == 0
    for recipe, own in recipes.RECIPES.items():
        assert recipe in said
        assert own.about in said
        assert all(data in said for data in own.makers)
    assert ["table2", "mnist-r", "6", "14", "14"] in [line[:5] for line in lines(said)]
    assert ["dsprites", "6", "14", "0"] in [line[:4] for line in lines(said)]
    code, one = cli("table2", "--list", "--data", "mnist-r", *options)
    assert len(one.splitlines()) == 2


def test_a_dry_run_says_what_it_would_take_and_makes_nothing(tmp_path, trained):
    options = ("--data", "mnist-r", "--seeds", 2)
    code, said = cli("table2", *options, "--results", tmp_path / "new", "--dry-run")
    assert code == 0
    assert "14 runs, 14 to make" in said
    minutes = float(re.search(r"about (\d+) minutes", said)[1])
    committed = [
        results.read(run)
        for run in all_runs(recipes.rows_of("table2", "mnist-r", 2, "paper"))
    ]
    assert minutes == pytest.approx(sum(r["seconds"] for r in committed) / 60, abs=1)
    networks = 2 * 4 * committed[0]["parameters"]
    size = float(re.search(r"([\d.]+) MB", said)[1])
    assert size == pytest.approx((networks + 14 * 4096) / 1e6, abs=0.1)
    assert trained == []
    assert not (tmp_path / "new").exists()


def test_runs_of_no_committed_kind_are_estimated_too(tmp_path):
    row = recipes.rows_of("labels", "mnist-r", 7, "lecture")[0]
    seconds, size = results.estimate(row.runs, results.default_folder())
    assert seconds > 0
    assert size == 7 * results.RESULT_BYTES
    assert results.estimate(row.runs, tmp_path) == (0, size)


def test_every_recipe_of_some_data_is_made_one_after_the_other(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(
        cli_reproduce, "make_missing", lambda table, *_: made.append(table.recipe.name)
    )
    options = ("--data", "cartoons", "--seeds", 2, "--profile", "smoke")
    code, _ = cli("--every", *options, "--results", tmp_path)
    assert code == 0
    assert made == [r.name for r in recipes.RECIPES.values() if "cartoons" in r.makers]


def hidden(folder):
    return [path.name for path in folder.rglob(".*")]


def test_nothing_hidden_is_left_when_the_runs_are_finished(grid, tmp_path):
    assert hidden(grid) == []
    run = table_rows()[0].runs[0]
    path = results.path_of(run, grid)
    other = results.path_of(table_rows()[1].runs[0], grid)
    path.unlink()
    # A process was killed while it wrote one run, and when it had finished another.
    path.with_name(f".{path.name}.0a1b2c3d.part").write_text("half")
    one_run.lock_of(run, grid).touch()
    one_run.lock_of(table_rows()[1].runs[0], grid).touch()
    make(table_rows(), grid)
    assert other.exists()
    assert hidden(grid) == hidden(tmp_path / "networks") == []


def test_a_finished_table_is_printed_from_a_folder_that_takes_no_files(
    grid, trained, monkeypatch
):
    def refused(*args, **kwargs):
        raise DataError("cannot write")

    for module in (reproduce, files):
        monkeypatch.setattr(module, "check_writable", refused)
    before = set(grid.rglob("*"))
    options = ("--data", "mnist-r", "--seeds", 2, "--profile", "smoke")
    code, said = cli("table2", *options, "--results", grid)
    assert (code, trained) == (0, [])
    assert "±" in said
    assert set(grid.rglob("*")) == before


def test_a_full_disk_in_the_cache_is_named_in_one_line(tmp_path, monkeypatch, trained):
    def full(content, path):
        raise RuntimeError("unexpected pos 512 vs 400")  # as torch.save says it

    monkeypatch.setattr(torch, "save", full)
    options = ("--data", "mnist-r", "--seeds", 2, "--profile", "smoke", "--row", "THIN")
    code, said = cli("table2", *options, "--results", tmp_path)
    assert code == 1
    (line,) = [line for line in said.splitlines() if line.startswith("failed writing")]
    assert "free some space and start again" in line


def test_a_results_folder_that_is_a_file_is_named(tmp_path, trained):
    (tmp_path / "file").write_text("")
    code, said = cli("table2", "--results", tmp_path / "file")
    assert code == 1
    assert "file is a file: name the folder" in said
    assert len(said.splitlines()) == 1


def test_parameters_in_a_result_are_those_that_were_trained(grid):
    content = results.read(table_rows()[0].runs[0], grid)
    assert content["parameters"] == tm.n_trainable(tm.build("baseline", 10))
