"""The store: every file checked, every failure named, no network but this machine's."""

import os
from pathlib import Path

import pytest
import torch
from conftest import lay, needs_pipes, pipe_at

import thin_mini as tm
from thin_mini.data import DataError, store

DAMAGED = r"is truncated or altered: its sha256 is .*remove .*raw and run"


def test_a_named_folder_is_read_through_torchvision(files, tmp_path, monkeypatch):
    lay(tmp_path / "data", files)
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "data"))
    assert store.find_mnist(download=False) == tmp_path / "data"
    train, test = tm.data.mnist_r(source="mnist")
    assert train.source == "MNIST, 30 images under 30 rotations"
    assert (len(train), len(test)) == (30, 20)
    assert torch.bincount(test.target).tolist() == [2] * 10


def test_the_named_folder_comes_before_the_cache(
    files, clean_env, tmp_path, monkeypatch
):
    lay(clean_env, files)
    assert store.find_mnist(download=False) == clean_env
    lay(tmp_path / "data", files)
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "data"))
    assert store.find_mnist(download=False) == tmp_path / "data"


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def alter(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [(truncate, DAMAGED), (alter, DAMAGED), (Path.unlink, "is missing: copy the")],
)
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("source", ["auto", "mnist"])
def test_a_damaged_file_is_named_and_never_silently_replaced(
    source, number, damage, message, files, clean_env
):
    name = list(files)[number]
    damage(lay(clean_env, files) / name)
    with pytest.raises(DataError, match=f"{name}.*{message}") as caught:
        tm.data.mnist_r(source=source)
    assert not isinstance(caught.value, store.OfflineError)


def named_folder_says(capture, folder, monkeypatch, message):
    """Every way to MNIST ends with the one error, which names the folder."""
    monkeypatch.setenv("THIN_MINI_DATA", str(folder))
    for look in (store.find_mnist, tm.data.mnist_r, tm.data.mnist_rs):
        with pytest.raises(DataError, match=message) as caught:
            look()
        assert f"{folder}" in str(caught.value)
        assert not isinstance(caught.value, store.OfflineError)
        assert "no network" not in str(caught.value)
    assert not capture.records


@pytest.mark.parametrize("place", ["", "MNIST", "MNIST/raw"])
def test_a_named_folder_without_mnist_is_named(
    place, files, tmp_path, monkeypatch, caplog
):
    (tmp_path / "data" / place).mkdir(parents=True)
    says = r"THIN_MINI_DATA=.* holds no MNIST/raw .*: put them there, unset .* stand-in"
    named_folder_says(caplog, tmp_path / "data", monkeypatch, says)


def test_a_named_folder_without_mnist_may_hold_other_data(
    files, clean_env, tmp_path, monkeypatch
):
    lay(clean_env, files)
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path))
    assert store.find_mnist() == clean_env


@pytest.mark.parametrize("below", ["MNIST", "MNIST/raw"])
def test_a_folder_named_too_far_down_is_noticed(
    below, files, tmp_path, monkeypatch, caplog
):
    lay(tmp_path / "data", files)
    says = rf"\(is {tmp_path / 'data'} meant\?\)"
    named_folder_says(caplog, tmp_path / "data" / below, monkeypatch, says)


@pytest.mark.parametrize("kept", ["", ".gz"])
@pytest.mark.parametrize("number", range(4))
def test_one_file_of_four_that_a_named_folder_lacks_is_named(
    number, kept, files, tmp_path, monkeypatch, caplog
):
    raw = lay(tmp_path, files)
    path = raw / list(files)[number]
    path.rename(raw / f"{path.name}.gz") if kept else path.unlink()
    do = "unpack the .gz beside it" if kept else "copy the official file there"
    says = f"{path} is missing: {do}, or unset THIN_MINI_DATA"
    named_folder_says(caplog, tmp_path, monkeypatch, says)


def test_all_files_that_a_named_folder_lacks_are_named(
    files, tmp_path, monkeypatch, caplog
):
    raw = lay(tmp_path, files)
    first, second, third, _ = (raw / name for name in files)
    for path in (first, second, third):
        path.unlink()
    says = f"{first} is missing, and so is {second.name}, and so is {third.name}: copy"
    named_folder_says(caplog, tmp_path, monkeypatch, says)


@pytest.mark.parametrize("damage", [truncate, alter])
def test_a_damaged_file_in_a_named_folder_is_nobodys_to_remove(
    damage, files, tmp_path, monkeypatch, caplog
):
    damage(lay(tmp_path, files) / "t10k-images-idx3-ubyte")
    named_folder_says(caplog, tmp_path, monkeypatch, "altered: .*unset THIN_MINI_DATA")


@needs_pipes
def test_a_pipe_in_place_of_a_file_is_named(files, tmp_path, monkeypatch, caplog):
    path = lay(tmp_path, files) / "train-labels-idx1-ubyte"
    pipe_at(path)
    named_folder_says(caplog, tmp_path, monkeypatch, f"{path} is a pipe and not a file")


def test_a_file_far_too_large_is_not_read(files, tmp_path, monkeypatch, caplog):
    path = lay(tmp_path, files) / "train-images-idx3-ubyte"
    os.truncate(path, 1 << 40)  # a file of holes, a terabyte
    named_folder_says(caplog, tmp_path, monkeypatch, r"\(1,099,511,627,776 bytes\) is")


def test_a_file_in_place_of_the_named_folder_is_an_error(
    files, tmp_path, monkeypatch, caplog
):
    (tmp_path / "file").touch()
    says = "=.*file is not a folder: correct it"
    named_folder_says(caplog, tmp_path / "file", monkeypatch, says)


def test_a_named_folder_that_is_closed_is_an_error(
    files, tmp_path, monkeypatch, caplog
):
    tmp_path.chmod(0o000)
    if os.geteuid() == 0:  # nothing is closed to root

        def refuse(*_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(store.os, "scandir", refuse)
    named_folder_says(caplog, tmp_path, monkeypatch, "=.* may not be read: correct it")


def test_a_tilde_is_the_home_folder(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    lay(tmp_path / "data", files)
    monkeypatch.setenv("THIN_MINI_DATA", "~/data")
    assert store.find_mnist() == tmp_path / "data"


@pytest.mark.parametrize("source", ["auto", "mnist"])
def test_a_named_folder_that_is_missing_is_an_error(
    source, files, tmp_path, monkeypatch
):
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"=.*nowhere is not a folder: correct it, un"):
        tm.data.mnist_r(source=source)


def test_a_cache_that_cannot_be_written_is_named_with_the_mend(
    files, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THIN_MINI_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(
        DataError, match=r"cannot write to .*cache.*set THIN_MINI_CACHE"
    ):
        store.find_mnist()


def test_without_a_variable_the_cache_is_the_users(monkeypatch, clean_env):
    assert store.cache_folder() == clean_env
    monkeypatch.delenv("THIN_MINI_CACHE")
    assert store.cache_folder().name == "thin-mini"


@pytest.mark.parametrize("value", ["", "stand-in"])
def test_neither_nothing_nor_the_stand_in_is_a_folder(value, clean_env, monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", value)
    assert store.data_folder() is None
    assert store.stand_in_wanted() == (value == "stand-in")
