"""The command line: what is there, what is wrong, and the right exit code."""

import importlib
import io
import os
import platform
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest
import torch
import torchvision
from typer.testing import CliRunner

import thin_mini as tm
from thin_mini.basics import provenance, terminal
from thin_mini.cli import app
from thin_mini.cli import checkup as doctor

pytestmark = pytest.mark.usefixtures("clean_env")


COMMANDS = (
    *("doctor", "data", "train", "compare", "runs", "predict", "evaluate", "export"),
    *("reproduce", "ledger"),
)


def run(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def shell(*arguments, **env):
    """Run the command in a process of its own: its exit code, and all that it says."""
    done = subprocess.run(
        [sys.executable, "-m", "thin_mini.cli", *arguments],
        env=os.environ | {"THIN_MINI_DATA": "stand-in"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def test_the_version_is_said():
    assert run("--version") == (0, f"thin-mini {tm.__version__}\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_a_help_has_no_marks_of_a_docstring(command):
    code, said = run(*command.split(), "--help")
    assert code == 0
    assert "``" not in said


def shown(encoding, *arguments):
    """Run the command on a terminal of this encoding: its exit code, and the bytes."""
    terminal = io.TextIOWrapper(io.BytesIO(), encoding)
    with redirect_stdout(terminal), redirect_stderr(terminal):
        with pytest.raises(SystemExit) as stopped:
            app(arguments)
        terminal.flush()
    return stopped.value.code, terminal.buffer.getvalue()


# Each command on the poorest terminal, and each terminal with what has most symbols.
@pytest.mark.parametrize(
    ("command", "plain", "encoding"),
    [
        ("train --help", "lambda of Eq. 8", "ascii"),
        ("train --help", "lambda of Eq. 8", "cp437"),
        ("reproduce --list", "lambda from 0 to 0.5", "ascii"),
        ("doctor", "PyTorch", "ascii"),
        ("ledger", "reproduced", "ascii"),
        *(
            ("reproduce fig4", "lambda = 0.005", encoding)
            for encoding in ("ascii", "cp1252", "latin-1", "cp437", "utf-8")
        ),
    ],
)
def test_a_terminal_of_any_encoding_shows_what_is_said(
    command, plain, encoding, monkeypatch
):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    code, said = shown(encoding, *command.split())
    assert code == 0
    said = said.decode(encoding)
    assert plain in said or plain.replace("lambda", "λ") in said
    if encoding == "ascii" and "fig4" in command:
        assert "+/-" in said


def test_a_process_of_its_own_shows_the_same(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    command = "reproduce", "fig4"
    assert shell(*command, PYTHONIOENCODING="ascii") == shown("ascii", *command)


def test_what_no_table_spells_is_a_question_mark_and_never_an_error():
    said = "λ σ φ ± ≥ é … \u65e5 \udcff".encode("ascii", terminal.PLAIN).decode()
    assert said == "lambda sigma phi +/- >= e ... ? ?"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", terminal.PLAIN)


@pytest.mark.parametrize(
    ("module", "name", "command"),
    [
        ("cli.checkup", "examine", "doctor"),
        ("cli", "where", "data"),
        ("large.expressions", "train_folder", "train faces --out run"),
        ("large.comparison", "compare_runs", "compare runs"),
        ("cli.reproduce", "make_missing", "reproduce table2 --profile smoke"),
        ("lab.ledger", "load", "ledger"),
    ],
)
def test_ctrl_c_gets_one_line_and_the_exit_code_of_an_interrupt(
    module, name, command, monkeypatch, tmp_path
):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        importlib.import_module(f"thin_mini.{module}"), name, interrupted
    )
    code, said = run(*command.split())
    assert code == 130
    assert len(said.strip().splitlines()) == 1
    assert said.strip().startswith("stopped: ")


def test_every_command_that_keeps_something_says_what():
    assert set(terminal.KEPT) <= {*COMMANDS}


def test_doctor_looks_at_files_and_full_computes(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    code, quick = run("doctor")
    assert code == 0
    assert "doctor --full" in quick
    code, full = run("doctor", "--full")
    assert code == 0
    assert "device      cpu" in full
    for name in ("torch", "torchvision"):
        assert doctor.installed(name) == importlib.import_module(name).__version__
    assert doctor.installed("no_such_package") == ""


@pytest.mark.parametrize(
    ("torch", "torchvision", "problem"),
    [
        ("2.9.0+cpu", "0.24.0+cu130", "torchvision 0.24.0+cu130 does not fit PyTorch"),
        ("2.9.0+cu128", "0.24.0+cu130", "does not fit PyTorch 2.9.0+cu128"),
        ("2.9.0+cu130", "0.24.0+cpu", ""),
        ("2.9.0", "0.24.0", ""),
        ("", "0.24.0", "PyTorch is not installed"),
        ("2.9.0", "", "torchvision is not installed"),
    ],
)
def test_doctor_sees_a_pair_that_does_not_fit(torch, torchvision, problem, monkeypatch):
    found = {"torch": torch, "torchvision": torchvision}
    monkeypatch.setattr(doctor, "installed", found.get)
    problems = doctor.look_at(lambda name, text: None)
    assert len(problems) == bool(problem)
    assert problem in "".join(problems)


def test_doctor_finds_nothing_wrong_and_names_the_versions():
    code, said = run("doctor")
    assert code == 0
    for version in (tm.__version__, torch.__version__, torchvision.__version__):
        assert version in said
    assert "lecture" in said
    assert "stand-in" in said


def test_doctor_reports_an_unknown_profile(monkeypatch):
    monkeypatch.setenv("THIN_MINI_PROFILE", "full")
    code, said = run("doctor")
    assert code == 1
    assert "problem: unknown profile 'full'" in said


def test_doctor_reports_a_missing_folder_and_an_unwritable_cache(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("THIN_MINI_CACHE", str(tmp_path / "file" / "cache"))
    code, said = run("doctor")
    assert code == 1
    assert said.count("problem: ") == 2
    assert "nowhere" in said
    assert "cannot write" in said


def test_data_prints_the_stand_in_where_it_is_wanted(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    assert run("data") == (0, "stand-in\n")


def test_data_without_a_network_says_so_and_prints_the_stand_in():
    result = CliRunner().invoke(app, ["data"])
    assert result.exit_code == 0
    assert "no network" in result.stderr
    assert result.stdout == "stand-in\n"


def test_data_with_a_missing_folder_fails_with_the_message(monkeypatch, tmp_path):
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "nowhere"))
    code, said = run("data")
    assert code == 1
    assert f"THIN_MINI_DATA={tmp_path / 'nowhere'} is not a folder" in said


@pytest.mark.parametrize(("machine", "wanted"), [("x86_64", "avx2"), ("arm64", None)])
def test_reproduce_asks_for_one_order_of_sums_unless_told_otherwise(
    machine, wanted, monkeypatch
):
    for name in (*provenance.AVX2, *provenance.ONE_THREAD):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_ENABLE_INSTRUCTIONS", "SSE4_2")
    monkeypatch.setattr(provenance.platform, "machine", lambda: machine)
    assert CliRunner().invoke(app, ["reproduce", "--list"]).exit_code == 0
    assert os.environ.get("ATEN_CPU_CAPABILITY") == wanted
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["MKL_ENABLE_INSTRUCTIONS"] == "SSE4_2"  # as it was


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 has AVX2")
def test_torch_hears_of_it_in_a_process_of_its_own_and_a_result_says_so():
    code = (
        "import sys; from typer.testing import CliRunner;"
        "from thin_mini.cli import app;"
        "CliRunner().invoke(app, ['reproduce', '--list']);"
        "assert 'torch' not in sys.modules;"
        "from thin_mini.basics.provenance import provenance; p = provenance();"
        "print(p['instructions'], p['threads'])"
    )
    names = (*provenance.AVX2, *provenance.ONE_THREAD)
    env = {k: v for k, v in os.environ.items() if k not in names}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert said.stdout.split() in (["AVX2", "1"], ["DEFAULT", "1"])
    assert said.stdout.split()[0] == torch.backends.cpu.get_cpu_capability()
