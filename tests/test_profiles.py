"""Profiles: one switch, and no guess where it names nothing known."""

import pytest

import thin_mini as tm
from thin_mini.profiles import PROFILES

pytestmark = pytest.mark.usefixtures("clean_env")


def test_the_default_profile_is_lecture():
    assert tm.profile().name == "lecture"


@pytest.mark.parametrize("name", ["smoke", "lecture", "paper"])
def test_the_environment_names_the_profile(name, monkeypatch):
    monkeypatch.setenv("THIN_MINI_PROFILE", name)
    assert tm.profile() is PROFILES[name]


def test_the_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("THIN_MINI_PROFILE", "paper")
    assert tm.profile("smoke").name == "smoke"


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("THIN_MINI_PROFILE", "")
    assert tm.profile().name == "lecture"


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_an_unknown_profile_is_refused_naming_it_and_the_known_ones(by, monkeypatch):
    if by == "environment":
        monkeypatch.setenv("THIN_MINI_PROFILE", "full")
    with pytest.raises(ValueError, match=r"'full'.*smoke, lecture, paper"):
        tm.profile("full" if by == "argument" else None)


@pytest.mark.parametrize("size", ["n_images", "n_test", "epochs", "n_probe"])
def test_every_size_grows_from_smoke_to_paper(size):
    sizes = [getattr(PROFILES[name], size) for name in ("smoke", "lecture", "paper")]
    assert sizes == sorted(set(sizes))


def test_labels_and_probes_come_from_the_images_there_are():
    for p in PROFILES.values():
        assert p.n_labelled <= p.n_images
        assert p.n_probe <= p.n_images
