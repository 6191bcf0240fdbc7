"""Runs at once: in processes of this machine, and as jobs of Slurm."""

import json
import operator
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from thin_mini.basics.provenance import AVX2, ONE_THREAD
from thin_mini.cli import app
from thin_mini.data import cache_folder
from thin_mini.lab import recipes, reproduce, results
from thin_mini.lab.rows import all_runs

pytestmark = pytest.mark.usefixtures("clean_env")
OPTIONS = ("table2", "--data", "mnist-r", "--seeds", "2", "--profile", "smoke")
THIN = (*OPTIONS, "--row", "THIN")
KEPT = "finished runs are kept, and the same command makes the others"


@pytest.fixture(autouse=True)
def _digits_only(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")


def thin():
    rows = recipes.rows_of("table2", "mnist-r", 2, "smoke", "digits")
    return [row for row in rows if row.name == "THIN"]


def said_by(root):
    """Everything that results say but how long they took."""
    files = [json.loads(p.read_text("utf-8")) for p in root.rglob("*.json")]
    about = operator.itemgetter("threads", "instructions")
    return {f["hash"]: (f["metrics"], about(f["made"])) for f in files}


def start(root, *options):
    """The command in a session of its own, as a terminal has it."""
    # What is started in the background, as this may be, has interruptions ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from thin_mini.cli import app; app()"
    command = [sys.executable, "-c", code, "reproduce", *options]
    own = {*AVX2, *ONE_THREAD}  # which the command sets, for its workers too
    env = {name: value for name, value in os.environ.items() if name not in own}
    return subprocess.Popen(
        [*command, "--results", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=env | {"TQDM_DISABLE": "1"},
    )


def test_two_jobs_make_what_one_makes_and_an_interruption_keeps_it(tmp_path):
    root, names = tmp_path / "runs", {run.hash for run in all_runs(thin())}
    process = start(root, *THIN, "--jobs", "2")
    while not said_by(root) and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # to the workers too
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.split("\n") == ["", f"stopped: {KEPT}", ""]
    assert 0 < len(said_by(root)) < len(names)
    process = start(root, *THIN, "--jobs", "2")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    reproduce.make(thin(), tmp_path / "one", progress=False)
    assert said_by(root) == said_by(tmp_path / "one")
    assert said_by(root).keys() == names
    assert {threads for _, (threads, _) in said_by(root).values()} == {1}
    assert list(root.rglob(".*")) == []


def test_an_error_in_a_job_is_said_in_one_line(tmp_path):
    (network,) = thin()[0].runs[0].networks
    weights = cache_folder() / "networks" / f"{network.hash}.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"no weights")
    results.write(network, tmp_path / "runs", {"accuracy": 50.0}, 1, 1.0)
    process = start(tmp_path / "runs", *THIN, "--jobs", "2")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    (line,) = said.splitlines()
    assert f"{weights.name} cannot be read: put the original back" in line


@pytest.mark.skipif(shutil.which("pgrep") is None, reason="needs pgrep")
def test_a_process_that_is_killed_is_named(tmp_path):
    process = start(tmp_path / "runs", *THIN, "--jobs", "2")
    while not said_by(tmp_path / "runs") and process.poll() is None:
        time.sleep(0.02)
    workers = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "popen_loky"],
        capture_output=True,
        text=True,
        check=True,
    )
    for worker in workers.stdout.split():
        os.kill(int(worker), signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    line = said.splitlines()[-1]
    assert line.startswith("a process was killed in training")
    assert "the runs that are finished are kept" in line
    assert "Traceback" not in said


def test_jobs_of_slurm_share_a_folder_until_nothing_is_missing(tmp_path):
    root = tmp_path / "runs"
    jobs = reproduce.submit(thin(), root, 2, seconds=7_200, cluster="local")
    assert [job.result() for job in jobs] == [None, None]
    assert len(said_by(root)) == len(all_runs(thin()))
    assert {threads for _, (threads, _) in said_by(root).values()} == {1}


def invoke(*options):
    result = CliRunner().invoke(app, ["reproduce", *map(str, options)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_slurm_is_told_what_is_missing_and_how_long_it_takes(tmp_path, monkeypatch):
    asked = {}

    def submit(rows, root, jobs, seconds):
        asked.update(rows=rows, root=root, jobs=jobs, seconds=seconds)
        return [type("Job", (), {"job_id": f"7_{i}"}) for i in range(jobs)]

    monkeypatch.setattr(reproduce, "submit", submit)
    options = (*THIN, "--slurm", "--results", tmp_path, "--device", "cuda")
    monkeypatch.setenv("THIN_MINI_DEVICE", "cpu")
    code, said = invoke(*options, "--jobs", 3)
    assert code == 0
    assert "4 runs in 3 jobs: 7_0, 7_1, 7_2" in said
    assert (asked["rows"], asked["root"], asked["jobs"]) == (thin(), tmp_path, 3)
    runs = all_runs(thin())
    assert asked["seconds"] == results.estimate(runs, results.default_folder())[0] > 0
    assert os.environ["THIN_MINI_DEVICE"] == "cuda"  # though there is none here
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_handed_to_slurm(tmp_path):
    for run in all_runs(thin()):
        results.write(run, tmp_path, {"accuracy": 50.0}, 1, 1.0)
    code, said = invoke(*THIN, "--slurm", "--results", tmp_path)
    assert (code, said.count("\n")) == (0, 1)
    assert "all runs are there" in said


@pytest.mark.parametrize(
    ("installed", "message"),
    [
        (False, r"--slurm needs submitit, an extra: pip install 'thin-mini\[slurm\]'"),
        (True, r"there is no Slurm here .*srun.*: leave out --slurm"),
    ],
)
def test_what_slurm_needs_is_named(installed, message, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    if not installed:
        monkeypatch.setitem(sys.modules, "submitit", None)
    code, said = invoke(*THIN, "--slurm", "--results", tmp_path / "runs")
    assert (code, said.count("\n")) == (1, 1)
    assert re.search(message, said)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("jobs", [0, -1])
def test_there_is_at_least_one_job(jobs, tmp_path):
    code, said = invoke(*THIN, "--jobs", jobs, "--results", Path(tmp_path))
    assert (code, said) == (1, f"--jobs must be at least 1, got {jobs}\n")
