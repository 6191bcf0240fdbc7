"""The settings of a long run: told once, and the same at every door."""

import inspect
from dataclasses import FrozenInstanceError, fields
from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

import thin_mini as tm
from thin_mini.cli import app
from thin_mini.cli.messages import typed
from thin_mini.large.expressions import train_folder
from thin_mini.large.settings import FIELDS, FolderSettings, Settings, part_of
from thin_mini.large.starts import GATED_BY_IDENTITY, WEIGHTS
from thin_mini.paper import MODELS

WRONG = {"object": object(), "text": "x", "-1": -1, "2.5": 2.5, "nan": float("nan")}
FINE = {"lr": ["2.5"], "dispel": ["2.5"]}
FINE |= {name: ["text"] for name in ("layout", "twins", "device")}  # checked later
FINE["hidden"] = ["-1"]  # by the model


@pytest.mark.parametrize("kind", [Settings, FolderSettings])
def test_the_docstring_tells_of_each(kind):
    told = inspect.getdoc(kind) + inspect.getdoc(Settings)
    assert all(f"    {own.name}: " in told for own in fields(kind))


def test_an_unknown_option_is_named_with_the_nearest(tmp_path):
    model = tm.build("baseline", 7)
    data = tm.data.Pictures(tm.data.FaceFiles.__new__(tm.data.FaceFiles), 8)
    for call in (
        partial(train_folder, tmp_path, tmp_path),
        partial(tm.scaling.train, model, data, data, folder=tmp_path),
    ):
        with pytest.raises(TypeError, match="'batchsize'; the nearest is 'batch_size'"):
            call(batchsize=8)


def test_the_command_has_an_option_for_each_that_has_a_line_for_it():
    said = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"}).output
    for name, own in FIELDS.items():
        shown = f" {typed(name)} " in said
        assert shown == bool(own.metadata["about"])
        assert own.metadata["about"] in said


def test_the_files_of_a_run_say_what_they_always_said():
    # A folder that was made before a change here would otherwise be refused.
    recipe = "batch_size lr dispel balanced mixed_precision every seed"
    assert set(part_of("recipe")) == set(recipe.split())
    shared = "encoder size steps batch_size lr balanced mixed_precision"
    assert set(part_of("shared")) == set(shared.split())
    more = {"model", "seed", "dispel", "n_experts", "hidden"}
    assert set(part_of("result")) == more | set(shared.split())


def test_what_is_not_said_comes_from_the_encoder_and_the_model():
    small, paper = FolderSettings(), Settings(dispel=0.5)
    assert (small.size, small.steps, small.batch_size, small.lr) == (48, 1000, 64, 1e-3)
    assert (paper.steps, paper.batch_size, paper.lr) == (100_000, 16, 1e-5)
    assert (small.dispel, FolderSettings(model="tree").dispel) == (0.01, 0)
    assert (small.device, paper.device) == ("auto", None)
    with pytest.raises(FrozenInstanceError):
        small.steps = 3


def test_numbers_of_numpy_become_pythons_own():
    settings = Settings(steps=np.int64(3), lr=np.float32(0.5), dispel=0)
    kinds = {type(settings.steps), type(settings.lr), type(settings.dispel)}
    assert kinds == {int, float}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("label", WRONG)
def test_a_wrong_value_is_named(name, label):
    if label in FINE.get(name, ()):
        FolderSettings(**{name: WRONG[label]})
        return
    with pytest.raises((TypeError, ValueError), match=name):
        FolderSettings(**{name: WRONG[label]})


def test_names_that_stand_elsewhere_too_are_the_same():
    assert FIELDS["model"].metadata["known"] == MODELS
    assert set(FIELDS["weights_of"].metadata["known"]) == set(WEIGHTS)
    assert set(GATED_BY_IDENTITY) < set(MODELS)
