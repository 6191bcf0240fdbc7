"""Profiles: one switch, and no guess where it names nothing known."""

from itertools import pairwise

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


def test_each_profile_asks_for_more_than_the_one_before_and_for_no_more_than_it_has():
    sizes = ("n_images", "n_labelled", "n_test", "epochs", "labelled_epochs", "n_probe")
    for less, more in pairwise(PROFILES.values()):
        assert all(getattr(less, size) < getattr(more, size) for size in sizes)
    for p in PROFILES.values():
        assert max(p.n_labelled, p.n_probe) <= p.n_images
