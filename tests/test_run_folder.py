"""The folder of a run: one run at a time, nothing lost, nothing left behind."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import QUICK
from typer.testing import CliRunner

from thin_mini.basics.locks import LOCK, claim
from thin_mini.cli import app
from thin_mini.cli.messages import as_typed
from thin_mini.data import DataError
from thin_mini.large import expressions

HOLD = """
import sys
from pathlib import Path
from thin_mini.basics.locks import claim
with claim(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def no_bars(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


def train(faces, out, *more):
    command = ["train", faces, "--out", out, *QUICK, *more]
    result = CliRunner().invoke(app, [str(word) for word in command])
    return result.exit_code, result.output


def hold(folder):
    """Another process that is at work in a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_second_start_is_refused_and_the_first_is_left_alone(
    faces, trained, tmp_path
):
    out = shutil.copytree(trained[0], tmp_path / "run")
    first = hold(out)
    (out / ".checkpoint.pt.1234abcd.part").write_text("being written")
    before = contents(out)
    for more in ((), ("--seed", 1), ("--no-resume",)):
        code, said = train(faces, out, *more)
        assert code == 1
        assert "another process is training in" in said
        assert "choose another folder" in said
        assert not {"remove", "delete"} & set(said.split())
        assert said.count("\n") == 1
        assert contents(out) == before
    first.communicate("")
    assert first.returncode == 0
    assert not (out / LOCK).exists()
    assert train(faces, out)[0] == 0


def test_a_lock_of_a_killed_process_does_not_block_and_nothing_hidden_stays(
    faces, tmp_path
):
    out = tmp_path / "run"
    first = hold(out)
    first.kill()
    first.wait()
    assert (out / LOCK).exists()
    (out / ".result.json.1234abcd.part").write_text("half")
    (out / ".checkpoint.pt.1234abcd.part").write_text("half")
    assert train(faces, out, "--model", "tree")[0] == 0
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


def test_what_lies_inside_the_block_has_the_folder_already(tmp_path):
    with claim(tmp_path):
        with claim(tmp_path / "." / ""):
            assert (tmp_path / LOCK).exists()
        assert (tmp_path / LOCK).exists()
    assert not (tmp_path / LOCK).exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write to"), claim(tmp_path / "file"):
        pass


def test_no_resume_starts_anew_the_identity_network_too(faces, trained, tmp_path):
    out = shutil.copytree(trained[0], tmp_path / "run")
    mine = {"identity.pt", "checkpoint.pt", "model.pt", "result.json", "settings.json"}
    before = {name: (out / name).read_bytes() for name in mine}
    code, said = train(faces, out, "--no-resume", "--seed", 5)
    assert code == 0, said
    assert all((out / name).read_bytes() != before[name] for name in mine)
    saved = torch.load(out / "identity.pt", weights_only=True)
    assert saved["recipe"]["seed"] == 5


def test_a_refused_start_spoils_nothing(faces, trained, tmp_path):
    out = shutil.copytree(trained[0], tmp_path / "run")
    before = contents(out)
    wrong = [
        ("--no-resume", "--size", 20),
        ("--no-resume", "--batch-size", 5000),
        ("--no-resume", "--layout", "raf-db"),
        ("--seed", 3),
        ("--lr", 0.1),
    ]
    for more in wrong:
        assert train(faces, out, *more)[0] == 1
        kept = contents(out)
        assert {k: kept[k] for k in before if k.suffix != ".csv"} == {
            k: v for k, v in before.items() if k.suffix != ".csv"
        }


@pytest.mark.parametrize("name", ["identity.pt", "checkpoint.pt", "model.pt"])
def test_a_full_disk_is_one_line(name, faces, tmp_path, monkeypatch):
    save = torch.save

    def full(content, path, **options):
        if f".{name}." in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(content, path, **options)

    monkeypatch.setattr(torch, "save", full)
    code, said = train(faces, tmp_path / "run")
    assert code == 1
    assert said.count("\n") == 1
    assert "No space left on device" in said
    assert "free some space and start again" in said
    monkeypatch.undo()
    assert train(faces, tmp_path / "run")[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on files")
def test_a_limit_on_files_is_one_line_too(faces, tmp_path):
    command = [sys.executable, "-m", "thin_mini.cli", "train", faces, "--out", tmp_path]
    done = subprocess.run(
        [str(word) for word in (*command, *QUICK)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000,) * 2),
        env=os.environ | {"TQDM_DISABLE": "1"},
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "free some space" in done.stderr.splitlines()[-1]


def test_files_can_be_read_as_the_umask_has_it(faces, tmp_path):
    before = os.umask(0o002)
    try:
        assert train(faces, tmp_path / "run")[0] == 0
    finally:
        os.umask(before)
    files = [p for p in (tmp_path / "run").rglob("*") if p.is_file()]
    assert {p.name: oct(p.stat().st_mode & 0o777) for p in files} == {
        p.name: "0o664" for p in files
    }


@pytest.mark.parametrize(
    ("when", "kept"),
    [("LongRun", "the identity network in"), ("open_faces", "nothing was kept yet")],
)
def test_an_interruption_says_what_is_kept(when, kept, faces, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(expressions, when, interrupted)
    code, said = train(faces, tmp_path / "run")
    assert code == 130
    assert said.strip().startswith(f"stopped: {kept}")
    assert "start the same command again" in said


# What a shell starts in the background ignores Ctrl-C, and so would its children.
LISTENING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from thin_mini.cli import app
app()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_in_the_middle_is_one_line_and_goes_on(faces, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-c", LISTENING, "train", faces, "--out", out]
    long = (*QUICK, "--steps", 100_000, "--model", "tree")
    process = subprocess.Popen(
        [str(word) for word in (*command, *long)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TQDM_DISABLE": "1"},
    )
    while not (out / "checkpoint.pt").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "stopped: the checkpoint in" in said
    assert not (out / LOCK).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch-size", 1], "--batch-size must be at least 2, got 1"),
        (["--batch-size", 5000], "--batch-size 5000 is more than the"),
        (["--accumulate", 9], "--accumulate 9"),
        (["--lr", "nan"], "--lr must be a number above 0, got nan"),
        (["--lr", "inf"], "--lr must be a number above 0, got inf"),
        (["--dispel", -1], "--dispel (λ) must be a number from 0 up"),
        (["--workers", -1], "--workers must be at least 0"),
        (["--seed", -1], "--seed must lie between 0 and"),
        (["--seed", 2**32], "--seed must lie between 0 and"),
        (["--size", 0], "--size must be at least 8"),
        (["--device", "tpu"], "--device tpu: device must be one of"),
        (["--precision", "fp8"], "--precision must be one of"),
        (["--out", ""], "--out is empty"),
        (["--out", "{faces}/run"], "--out must lie outside the data set"),
        (["--out", "{faces}"], "--out must lie outside the data set"),
        (["--out", "{faces}/0.png"], "--out must be a folder, and"),
    ],
)
def test_values_are_checked_at_the_door_and_named_as_typed(
    options, message, faces, tmp_path, monkeypatch
):
    def too_late(*_, **__):
        pytest.fail("work was begun")

    monkeypatch.setattr(expressions, "start", too_late)
    named = [str(option).format(faces=faces) for option in options]
    code, said = train(faces, tmp_path / "run", *named)
    assert (code, said.count("\n")) == (1, 1)
    assert message in said
    assert not list((tmp_path / "run").glob("*"))


def test_an_empty_folder_and_too_few_pictures_are_named(faces, tmp_path):
    code, said = train("", tmp_path / "run")
    assert (code, said) == (1, "FOLDER is empty: name a folder\n")
    for n in (1, 2):
        few = tmp_path / str(n)
        few.mkdir()
        lines = (faces / "faces.csv").read_text().splitlines()
        one = [line for line in lines if "person 1," in line][:n]
        test = [line for line in lines if "person 7" in line][:1]
        (few / "faces.csv").write_text("\n".join([lines[0], *one, *test]))
        for line in one + test:
            shutil.copy(faces / line.split(",")[0], few)
        code, said = train(few, tmp_path / "run")
        assert code == 1
        assert "too few to train with" in said
        assert "n_valid" not in said


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        (
            "got batch_size=8 and accumulate=5:",
            "got --batch-size 8 and --accumulate 5:",
        ),
        ("pass layout=. They", "pass --layout. They"),
        ("take mixed_precision='no' or", "take --precision no or"),
        ("(resume=False would replace", "(--no-resume would replace"),
        ("/data/batch_size/lr=3 is missing", "/data/batch_size/lr=3 is missing"),
        ("it has done 8 steps", "it has done 8 steps"),
        (
            "identity.pt is no readable checkpoint: name another file",
            "identity.pt is no readable checkpoint: start anew with --no-resume, or "
            "name another --out",
        ),
    ],
)
def test_messages_name_options_as_they_are_typed(message, typed):
    assert as_typed(message) == typed
