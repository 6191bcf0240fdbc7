"""Cartoon faces as data: whose they are, what may be known, and what never leaks."""

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import thin_mini as tm
from thin_mini.data import (
    cartoon_celebrities,
    cartoon_faces,
    cartoon_pairs,
    draw_people,
    render_faces,
)
from thin_mini.data import cartoons as room
from thin_mini.data.factors import ACTIONS, EXPRESSIONS, NUISANCES, TRAITS

SMALL = {"n_people": 20, "n_test_people": 8, "size": 16}
BOOK = Path(__file__).parents[1] / "book"
DRAWN = ("identity", "actions", "nuisance")


def small(n_train=60, n_test=40, **others):
    return cartoon_faces(n_train, n_test, **SMALL | others)


def assert_same(a, b):
    """Two sets, image by image and factor by factor."""
    for name in ("images", "target", "exo"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name
    assert a.factors.keys() == b.factors.keys()
    for name, values in a.factors.items():
        assert torch.equal(values, b.factors[name]), name


def assert_drawn_from_its_factors(faces):
    drawn = render_faces(**{name: faces.factors[name] for name in DRAWN}, size=16)
    torch.testing.assert_close(drawn, faces.images)


@pytest.fixture
def blank(monkeypatch):
    """What would be drawn, where labels and factors are all that is looked at."""
    asked = []

    def draw(identity, actions, nuisance, size):
        asked.append({"identity": identity, "actions": actions, "nuisance": nuisance})
        return torch.zeros(len(identity), 3, 1, 1)

    monkeypatch.setattr(room, "render_faces", draw)
    return asked


def test_celebrities_are_people_of_their_own(blank):
    famous = cartoon_celebrities(60, n_people=20, size=16, seed=3)
    assert (len(famous), famous.n_exo) == (60, 20)
    people = draw_people(20, "celebrities", seed=3)
    assert torch.equal(famous.factors["identity"], people[famous.exo])


def test_what_a_set_holds():
    train, test = small()
    assert train.images.shape == (60, 3, 16, 16)
    assert test.images.shape == (40, 3, 16, 16)
    assert (train.n_classes, train.n_exo, test.n_exo) == (len(EXPRESSIONS), 20, 8)
    assert train.exo_name == "identity"
    assert "60 images of 20 people" in train.source
    for faces in (train, test):
        assert_drawn_from_its_factors(faces)
        people = draw_people(20, "train") if faces is train else draw_people(8, "test")
        assert torch.equal(faces.factors["identity"], people[faces.exo])


@pytest.mark.parametrize("resemblance", [0, 0.7])
def test_no_two_parts_share_a_person(resemblance):
    people = torch.cat([draw_people(300, part, resemblance) for part in room.PARTS])
    assert people.shape == (300 * len(room.PARTS), len(TRAITS))
    edge = 0.01 + resemblance / 2 / room.FAMILIES
    assert 0 <= people.min() < edge
    assert 1 - edge < people.max() < 1
    others = draw_people(300, resemblance=resemblance, seed=1)
    people = torch.cat([people, others])
    far = torch.cdist(people, people) + 9 * torch.eye(len(people))
    assert far.min() > 0.1  # nobody has so much as a twin


def families(part, seed=0):
    """The middle of each family (F, 22), which people who only resemble it share."""
    alike = draw_people(400, part, resemblance=1, seed=seed)
    return (alike * 2 * room.FAMILIES).round().unique(dim=0) / (2 * room.FAMILIES)


def test_strangers_come_of_the_same_families():
    middles = families("train")
    assert all(torch.equal(families(part), middles) for part in room.PARTS)
    assert not torch.equal(families("train", seed=1), middles)
    evenly = (torch.arange(room.FAMILIES) + 0.5) / room.FAMILIES
    for trait in middles.T:
        torch.testing.assert_close(trait.sort().values, evenly)
    assert len(middles.T.unique(dim=0)) == len(TRAITS)  # each in an order of its own
    for faces in small(resemblance=1):
        torch.testing.assert_close(
            torch.cdist(faces.factors["identity"], middles).amin(1),
            torch.zeros(len(faces)),
            atol=0.01,
            rtol=0,
        )
    like, apart = (
        torch.cdist(draw_people(400, "test", resemblance), middles).amin(1)
        for resemblance in (0.7, 0)
    )
    assert like.max() < apart.min()


def test_the_parts_share_neither_labels_nor_disturbances(blank):
    train, test = small(500, 500)
    _, valid = small(500, 500, on="valid")
    cartoon_pairs(250, n_people=8)
    assert len(blank) == 5
    grains = [asked["nuisance"][:, -1] for asked in blank]
    assert torch.equal(grains[0], grains[2])  # train, drawn twice
    assert len(torch.cat([grains[0], grains[1], grains[3], grains[4]]).unique()) > 1990
    for a, b in ((train, test), (train, valid), (test, valid)):
        assert (a.target == b.target).float().mean() < 0.25  # 1 in 7 by chance


def test_a_smaller_set_is_a_prefix_and_the_test_set_stays():
    train, test = small()
    less, same_test = small(n_train=37)
    assert_same(train.subset(slice(37)), less)
    assert_same(test, same_test)
    assert torch.equal(draw_people(9, "valid")[:4], draw_people(4, "valid"))


def test_a_set_is_made_again_from_its_seed_alone():
    train, test = small(seed=3)
    torch.manual_seed(99)
    again, test_again = small(seed=3)
    assert_same(train, again)
    assert_same(test, test_again)
    other, other_test = small(seed=4)
    for a, b in ((train, other), (test, other_test)):
        assert not torch.equal(a.target, b.target)
        assert not torch.equal(a.exo, b.exo)
        assert ((a.images - b.images).abs().flatten(1).amax(1) > 0.1).all()


def test_validation_images_take_the_place_of_the_test_and_nothing_else():
    train, test = small()
    same_train, valid = small(on="valid")
    assert_same(train, same_train)
    assert len(valid) == len(test)
    assert torch.equal(valid.factors["identity"], draw_people(8, "valid")[valid.exo])


def test_expressions_are_balanced_and_say_nothing_about_who_it_is(blank):
    train, _ = cartoon_faces(14_000, 1, n_people=10)
    cells = torch.bincount(train.target * 10 + train.exo, minlength=70).view(7, 10)
    assert (cells.sum(1) - 2000).abs().max() < 200
    assert (cells.sum(0) - 1400).abs().max() < 200
    assert (cells - 200).abs().max() < 70  # five standard deviations


def test_faces_do_what_their_expression_says_and_a_little_more(blank):
    train, _ = cartoon_faces(7_000, 1)
    intensity, actions = train.factors["intensity"], train.factors["actions"]
    assert room.LEAST <= intensity.min() < 0.31
    assert 0.99 < intensity.max() <= 1
    asked = room.expression_actions(train.target, intensity)
    more = actions - asked
    assert (more[asked < 0.8] >= -1e-6).all()
    assert more.max() <= room.WAVER + 1e-6
    assert (actions <= 1).all()
    nuisance = train.factors["nuisance"]
    covered = nuisance[:, NUISANCES.index("occlusion")] > 0
    assert 0.13 < covered.float().mean() < 0.17
    assert 0.39 < nuisance[:, NUISANCES.index("noise")].max() <= room.GRAIN


def test_a_mouth_says_little_without_the_person_and_much_with_them(blank):
    """Identity is exogenous: of no use as an answer, and of use on the way to it."""
    train, _ = cartoon_faces(7_000, 1)
    rest = 0.24 * (train.factors["identity"][:, TRAITS.index("resting_mouth")] - 0.5)
    smile = 0.13 * train.factors["actions"][:, ACTIONS.index("smile")]
    kind = [train.target == EXPRESSIONS.index(n) for n in ("neutral", "happiness")]
    neutral, happy = ((rest + smile)[k] for k in kind)  # height of the corners
    above = (neutral[:, None] > happy).float().mean()  # of all pairs
    assert 0.1 < above < 0.3
    neutral, happy = (smile[k] for k in kind)  # less the person's own rest
    assert neutral.max() < happy.min()


def test_factors_follow_their_images():
    train, _ = small()
    index = torch.tensor([5, 3, 58, 3])
    rest, valid = train.split(20)
    for part in (train.subset(index), train.subset(train.target == 2), rest, valid):
        assert 0 < len(part) < 60
        assert {name: len(v) for name, v in part.factors.items()} == dict.fromkeys(
            ("identity", "actions", "nuisance", "intensity"), len(part)
        )
        assert_drawn_from_its_factors(part)
    together = torch.cat([rest.factors["intensity"], valid.factors["intensity"]])
    assert torch.equal(together.sort().values, train.factors["intensity"].sort().values)


def test_half_of_the_pairs_show_one_person_in_two_states(blank):
    _, _, same = cartoon_pairs(400, n_people=30)
    assert same.dtype == torch.bool
    assert int(same.sum()) == 200
    (asked,) = blank
    known = (asked["identity"][:, None] == draw_people(30, "pairs")).all(-1)
    assert (known.sum(1) == 1).all()  # they are people of this part
    first, second = known.int().argmax(1).split(400)
    assert torch.equal(first == second, same)
    assert len(first.unique()) == len(second.unique()) == 30
    for name in ("actions", "nuisance"):
        a, b = asked[name].split(400)
        assert ((a - b).abs().amax(1) > 0.02).all(), name


def test_pairs_are_drawn_in_their_order(blank, monkeypatch):
    cartoon_pairs(9, n_people=2, size=16, seed=5)
    drawn = render_faces(**blank[0], size=16)
    monkeypatch.undo()
    first, second, same = cartoon_pairs(9, n_people=2, size=16, seed=5)
    torch.testing.assert_close(torch.cat([first, second]), drawn)
    assert (drawn[:9] - drawn[9:]).abs().flatten(1).amax(1).min() > 0.1
    again = cartoon_pairs(9, n_people=2, size=16, seed=5)
    for a, b in zip((first, second, same), again, strict=True):
        assert torch.equal(a, b)
    other, *_ = cartoon_pairs(9, n_people=2, size=16, seed=6)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("make", "wrong", "said"),
    [
        (cartoon_faces, {"n_train": 0}, "n_train must be at least 1, got 0"),
        (small, {"n_test": -1}, "n_test must be at least 1, got -1"),
        (small, {"n_people": 0}, "n_people must be at least 1, got 0"),
        (small, {"n_test_people": 0}, "n_test_people must be at least 1, got 0"),
        (small, {"size": 8}, "size must be at least 16, got 8"),
        (small, {"resemblance": 1.5}, "between 0 and 1, got 1.5"),
        (small, {"on": "train"}, "on must be one of test, valid, got 'train'"),
        (cartoon_pairs, {"n": 0}, "n must be at least 1, got 0"),
        (cartoon_pairs, {"n_people": 1}, "n_people must be at least 2, got 1"),
        (cartoon_pairs, {"resemblance": -0.1}, "between 0 and 1, got -0.1"),
        (cartoon_pairs, {"n": 1, "size": 15}, "at least 16, got 15"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(make, wrong, said):
    with pytest.raises(ValueError, match=said):
        make(**wrong)


def test_the_picture_of_the_landing_page_shows_these_people():
    spec = importlib.util.spec_from_file_location("picture", BOOK / "picture.py")
    picture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(picture)
    drawn, file = io.BytesIO(), BOOK / "_static" / "faces.png"
    picture.faces().savefig(drawn, format="png")
    assert file.stat().st_size < 300_000
    stored, again = (np.asarray(Image.open(f), float) for f in (file, drawn))
    assert stored.shape == again.shape
    top, step = picture.TITLE, picture.FACE + picture.GAP
    np.testing.assert_allclose(
        stored[top:], again[top:], atol=1.5, err_msg="make picture"
    )
    # Each Matplotlib draws text its own way; where its ink begins and ends stays.
    for left in range(0, stored.shape[1], step):
        reach = [
            np.flatnonzero(image[:top, left : left + step, 3].any(0))[[0, -1]]
            for image in (stored, again)
        ]
        np.testing.assert_allclose(*reach, atol=3, err_msg="make picture")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_train": 2.5}, r"n_train must be a whole number, got 2\.5"),
        ({"n_people": 1.5}, r"n_people must be a whole number, got 1\.5"),
        ({"size": 32.0}, r"size must be a whole number, got 32\.0"),
        ({"resemblance": float("nan")}, "resemblance must lie between 0 and 1"),
        ({"resemblance": "much"}, "resemblance must be a number, got 'much'"),
        ({"seed": -1}, "seed must lie between 0 and"),
    ],
)
def test_faces_that_cannot_be_drawn_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tm.data.cartoon_faces(
            **{"n_train": 4, "n_test": 4, "n_people": 2, "n_test_people": 2} | arguments
        )


def test_no_people_are_not_drawn():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        tm.data.draw_people(0)
    with pytest.raises(ValueError, match="no faces to draw"):
        tm.data.render_faces(torch.zeros(0, 22), torch.zeros(0, 12))
