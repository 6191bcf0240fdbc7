"""The command line: what is there, what is wrong, and the right exit code."""

import pytest
import torch
import torchvision
from typer.testing import CliRunner

import thin_mini as tm
from thin_mini.cli import app

pytestmark = pytest.mark.usefixtures("clean_env")


def run(command):
    result = CliRunner().invoke(app, [command])
    return result.exit_code, result.output


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
    code, said = run("data")
    assert code == 0
    assert "no network" in said
    assert said.splitlines()[-1] == "stand-in"


def test_data_with_a_missing_folder_fails_with_the_message(monkeypatch, tmp_path):
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "nowhere"))
    code, said = run("data")
    assert code == 1
    assert f"THIN_MINI_DATA={tmp_path / 'nowhere'} is not a folder" in said
