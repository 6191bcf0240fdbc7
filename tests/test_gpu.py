"""The script for one GPU, on a CPU: it runs, its checks can fail, nothing is lost."""

import importlib.util
import json
import os
import resource
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import typer

import thin_mini as tm
from thin_mini.basics.checkpoints import Record

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import gpu
import report
import resume
import vgg16

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "gpu.py"
# By its path, since the folder of the measurements has the same name.
spec = importlib.util.spec_from_file_location("pages", ROOT / "book/_ext/benchmarks.py")
pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)


@pytest.fixture
def told(tmp_path):
    """A report of a part that has an hour."""
    return report.Report("part", "tiny", 60, tmp_path / "gpu.json", torch.device("cpu"))


def test_the_large_networks_have_the_papers_size():
    with torch.device("meta"):
        thin, plain = (vgg16.build(n, vgg16.FULL) for n in (vgg16.THIN, vgg16.PLAIN))
    assert tm.n_trainable(thin) == pytest.approx(98.8e6, rel=2e-3)
    assert tm.n_trainable(plain) == pytest.approx(98.8e6, rel=2e-3)
    assert thin.experts.n_experts == 32
    assert [
        layer.in_features
        for layer in thin.context.head
        if hasattr(layer, "in_features")
    ] == [25_088, 4_096, 4_096]
    assert thin.pool.out_features == 4_608


def test_a_step_counts_what_its_layers_multiply(told):
    step = vgg16.Step(vgg16.PLAIN, vgg16.TINY, vgg16.Setting(4), told)
    encoder, head = step.losses.model.encoder, step.losses.model.head
    convolutions = [m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    macs = [c.weight.numel() * (32 // 2**i) ** 2 for i, c in enumerate(convolutions)]
    linear = sum(
        m.weight.numel()
        for m in head.modules()
        if hasattr(m, "in_features") and hasattr(m, "weight")
    )
    # Forwards once and backwards twice, but for the images, which need no gradient.
    assert step.flops == 4 * 2 * (3 * (sum(macs) + linear) - macs[0])


def test_an_interrupted_run_is_found_out_if_it_forgets_the_optimiser(told, monkeypatch):
    run = resume.of_fit(told)
    resume.check(told, "fit", run)
    assert told.passed
    go_on = Record.go_on

    def forgetful(record, path):
        state = record.state
        record.state = {k: v for k, v in state.items() if k != "optimizer"}
        go_on(record, path)
        record.state = state

    monkeypatch.setattr(Record, "go_on", forgetful)
    resume.check(told, "fit", run)
    assert not told.passed


def test_a_run_that_starts_anew_is_no_resumed_one(told, monkeypatch):
    monkeypatch.setattr(Record, "go_on", lambda *_: None)
    resume.check(told, "fit", resume.of_fit(told))
    assert not told.passed


def test_a_part_keeps_what_others_found(told):
    report.store(told.out, "other", {"state": "done"})
    told.keep(speed=1)
    told.keep(more=2)
    found = report.load(told.out)
    assert found["other"] == {"state": "done"}
    assert (found["part"]["speed"], found["part"]["more"]) == (1, 2)
    assert found["part"]["made"]["device"] == "CPU"
    assert [path.name for path in told.out.parent.iterdir()] == ["gpu.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"vgg16": 3}'])
def test_a_file_that_is_no_report_is_left_alone(text, tmp_path, capsys):
    path = tmp_path / "gpu.json"
    path.write_text(text)
    with pytest.raises(typer.Exit) as exit:
        gpu.main(gpu.Size.tiny, 1, path)
    assert exit.value.exit_code == 2
    assert capsys.readouterr().err.strip().endswith("pass another --out")
    assert path.read_text() == text


def begun(part, out):
    """What a part has written before it does anything."""
    report.Report(part, "tiny", 1, out, torch.device("cpu")).keep()


@pytest.mark.parametrize(
    ("dies", "ends"),
    [
        (subprocess.CompletedProcess([], -9), "the process ended with status -9"),
        (subprocess.TimeoutExpired([], 20), "stopped after 20 s"),
    ],
)
def test_a_part_that_dies_or_takes_too_long_leaves_the_others(
    dies, ends, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "gpu.json"
    report.store(out, "resume", {"state": "done"})

    def die(command, timeout):
        assert command[-6:-1] == ["--size", "tiny", "--minutes", "0.300", "--out"]
        assert timeout == 20
        begun("tests", out)
        if isinstance(dies, Exception):
            raise dies
        return dies

    monkeypatch.setattr(gpu.subprocess, "run", die)
    assert not gpu.run_process("tests", "tiny", 20, out)
    assert ends in capsys.readouterr().out
    found = json.loads(out.read_text("utf-8"))
    assert (found["tests"]["state"], found["resume"]["state"]) == (ends, "done")


@pytest.mark.parametrize("error", [ValueError("no such thing"), None])
def test_a_part_that_fails_says_so_and_keeps_what_it_had(error, tmp_path, monkeypatch):
    def measure(told):
        told.keep(n=1)
        if error:
            raise error

    module = SimpleNamespace(measure=measure)
    monkeypatch.setattr(gpu.importlib, "import_module", lambda name: module)
    out = tmp_path / "gpu.json"
    assert gpu.run_part("vgg16", "tiny", 1, out) is (error is None)
    entry = json.loads(out.read_text("utf-8"))["vgg16"]
    assert entry["n"] == 1
    assert entry["state"] == ("failed: ValueError: no such thing" if error else "done")


def test_all_parts_run_though_one_fails_and_share_the_time(tmp_path, monkeypatch):
    given = {}

    def process(part, size, seconds, out):
        given[part] = seconds
        return part != "resume"

    monkeypatch.setattr(gpu, "run_process", process)
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: 0.0)
    assert not gpu.run_all("tiny", 8, tmp_path / "gpu.json")
    assert list(given) == list(gpu.PARTS)
    assert given["tests"] == pytest.approx(72)
    assert given["table2"] == pytest.approx(480)  # the others took no time


def run(*arguments, **variables):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=1800,
    )


def test_help_needs_no_gpu_and_a_full_run_says_that_it_does(tmp_path):
    told = run("--help")
    assert told.returncode == 0
    assert "--minutes" in told.stdout
    out = tmp_path / "gpu.json"
    told = run("--out", str(out))
    assert told.returncode == 2
    assert "PyTorch sees no GPU here" in told.stderr
    assert "Traceback" not in told.stderr
    assert not out.exists()


def test_the_whole_script_runs_on_a_cpu_in_a_tiny_size(tmp_path):
    out = tmp_path / "gpu.json"
    options = ("--size", "tiny", "--minutes", "60", "--out", str(out))
    told = run(*options, PYTEST_ADDOPTS="-k gates")  # the others run in this suite
    assert told.returncode == 0, told.stdout + told.stderr
    found = json.loads(out.read_text("utf-8"))
    assert list(found) == list(gpu.PARTS)
    for part, entry in found.items():
        assert entry["state"] == "done", (part, entry)
        assert all(check["holds"] for check in entry["checks"].values())
        assert entry["made"]["device"] == "CPU"
    assert len(found["tests"]["passed"]) >= 2
    assert found["tests"]["failed"] == []
    assert len(found["resume"]["checks"]) == 3
    for rows in found["vgg16"]["settings"].values():
        assert list(rows) == [vgg16.PLAIN, vgg16.THIN]
        for row in rows.values():
            assert row["images_per_second"] > 0
            assert row["share_of_measured_peak"] > 0
            assert row["share_of_data_sheet"] is None
    assert len(found["table2"]["lines"]) == 7
    assert found["table2"]["table_extrapolated"] is False
    for line in found["table2"]["lines"].values():
        assert len(line["accuracy"]) == 2
    times = [
        float(line.split()[1])
        for line in told.stdout.splitlines()
        if line.startswith("  table2 ")
    ]
    assert len(times) > 10
    assert all(a <= b for a, b in pairwise(times))
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert largest < 3e6  # kilobytes, PyTorch among them


MADE = {"device": "NVIDIA Any", "torch": "2.99.0"}
WHOLE = {"made": MADE, "size": "full", "state": "done"}


def text_of(entries):
    return "\n".join(node.astext() for node in pages.gpu(entries))


def test_the_page_says_that_no_gpu_has_run_it():
    assert "No GPU has run this yet" in text_of({})
    assert "python benchmarks/gpu.py" in text_of({})


def test_the_page_says_what_the_gpu_found():
    row = {
        "images_per_second": 1234.5,
        "time_ratio": 1.414,
        "peak_memory_gb": 12.3,
        "share_of_measured_peak": 0.421,
        "share_of_data_sheet": None,
    }
    line = {"seconds": 61.4, "ms_per_step": 2.345, "accuracy": [98.0, 99.0]}
    table = {
        "seeds": 5,
        "images": 60_000,
        "data": "MNIST",
        "table_seconds": 99.4,
        "lines": {"THIN": line | {"extrapolated": False}},
    }
    checks = {"checks": {"fit": {"holds": False, "about": "48 of 49 tensors"}}}
    text = text_of(
        {
            "resume": WHOLE | checks | {"state": "a check failed"},
            "vgg16": WHOLE | {"settings": {"bf16": {vgg16.THIN: row}}},
            "table2": WHOLE | table | {"table_extrapolated": False},
        }
    )
    for part in (
        "on NVIDIA Any with PyTorch 2.99.0; a check failed.",
        "does not hold\n\n48 of 49 tensors",
        "1,234\n\n1.41\n\n12.3\n\n42 %\n\n?",
        "61.4 s\n\nwhole\n\n2.35 ms\n\n98.50 %",
        "5 seeds of 60,000 images (MNIST), took 99 s.",
    ):
        assert part in text
    line = {"seconds": 61.4, "ms_per_step": 2.345, "steps_made": 1200}
    table["lines"]["THIN"] = line | {"extrapolated": True}
    text = text_of({"table2": WHOLE | table | {"table_extrapolated": True}})
    assert "1,200 steps" in text
    assert "would take about 99 s, extrapolated" in text
    tiny = WHOLE | {"size": "tiny", "state": "failed: OSError: full"}
    assert "tiny size that says nothing about speed; failed" in text_of({"tests": tiny})


def test_what_is_committed_was_measured_whole_and_on_a_gpu():
    for part, entry in pages.load(pages.GPU).items():
        assert (entry["size"], entry["state"]) == ("full", "done"), part
        assert entry["made"]["device"] != "CPU"
