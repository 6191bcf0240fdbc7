"""Drawn faces: every factor shows, and nothing but the factors counts."""

import pytest
import torch

from thin_mini.data import expression_actions, faces, render_faces
from thin_mini.data.factors import ACTIONS, EXPRESSIONS, NUISANCES, TRAITS

SIZES = {
    "identity": len(TRAITS),
    "actions": len(ACTIONS),
    "nuisance": len(NUISANCES),
}


def some(n=40, seed=0):
    """Random people, expressions and disturbances."""
    g = torch.Generator().manual_seed(seed)
    return {name: torch.rand(n, k, generator=g) for name, k in SIZES.items()}


def straight(n=1):
    return {
        "identity": torch.full((n, SIZES["identity"]), 0.5),
        "actions": torch.zeros(n, SIZES["actions"]),
    }


def test_images_are_colours_of_the_size_that_was_asked_for():
    images = render_faces(**some(3), size=48)
    assert images.shape == (3, 3, 48, 48)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < 0.2
    assert 0.8 < images.max() <= 1


def test_the_same_factors_give_the_same_pixels_in_any_company(monkeypatch):
    factors = some(13)
    before = {name: f.clone() for name, f in factors.items()}
    whole = render_faces(**factors, size=32)
    assert torch.equal(whole, render_faces(**factors, size=32))
    for name, f in factors.items():  # the painter works in place, but not on these
        assert torch.equal(f, before[name])
    monkeypatch.setattr(faces, "CHUNK", 5 * 32**2)  # in parts of 5, 5 and 3
    torch.testing.assert_close(render_faces(**factors, size=32), whole)
    one = {name: f[-2:-1] for name, f in factors.items()}
    torch.testing.assert_close(render_faces(**one, size=32), whole[-2:-1])


def test_what_others_have_trained_on_stays_as_it_is():
    factors = some(3, seed=5)
    factors["nuisance"][1, NUISANCES.index("occlusion")] = 0
    factors["nuisance"][2, NUISANCES.index("noise")] = 0
    images = render_faces(**factors, size=48)
    grey = torch.nn.functional.avg_pool2d(images.mean(1), 16)  # (3, 3, 3)
    told = torch.tensor(
        [
            [
                [0.68925, 0.61897, 0.7812],
                [0.46299, 0.68543, 0.77822],
                [0.73514, 0.59928, 0.70313],
            ],
            [
                [0.68746, 0.39139, 0.58212],
                [0.66867, 0.37773, 0.56668],
                [0.88701, 0.50498, 0.76257],
            ],
            [
                [0.43417, 0.30333, 0.66876],
                [0.40307, 0.37324, 0.5937],
                [0.49187, 0.37623, 0.5647],
            ],
        ]
    )
    torch.testing.assert_close(grey, told, atol=3e-5, rtol=0)


def test_drawing_only_where_a_part_can_be_cuts_nothing_off(monkeypatch):
    factors = some(300, seed=1)
    extremes = factors["nuisance"][:200].round()  # the corners of the range
    extremes[:, NUISANCES.index("occlusion")] = 0
    factors["nuisance"][:200] = extremes
    windows = render_faces(**factors)
    monkeypatch.setattr(faces, "PARTS", dict.fromkeys(faces.PARTS, (-9, 9, 9)))
    torch.testing.assert_close(windows, render_faces(**factors), atol=1e-3, rtol=0)


@pytest.mark.parametrize("trait", TRAITS)
def test_every_trait_shows_in_a_neutral_face(trait):
    pair = straight(2)
    pair["identity"][:, TRAITS.index(trait)] = torch.tensor([0.0, 1.0])
    a, b = render_faces(**pair)
    assert ((a - b).abs().amax(0) > 0.1).sum() >= 8  # pixels


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_shows(action):
    pair = straight(2)
    if action == "press":  # thin lips cannot become much thinner
        pair["identity"][:, TRAITS.index("lips")] = 1.0
    pair["actions"][1, ACTIONS.index(action)] = 1.0
    a, b = render_faces(**pair)
    assert ((a - b).abs().amax(0) > 0.1).sum() >= 8


@pytest.mark.parametrize("nuisance", NUISANCES)
def test_every_nuisance_shows(nuisance):
    pair = straight(2)
    values = torch.full((2, SIZES["nuisance"]), 0.5)
    values[:, NUISANCES.index(nuisance)] = torch.tensor([0.1, 0.9])
    a, b = render_faces(**pair, nuisance=values)
    assert ((a - b).abs().amax(0) > 0.02).sum() >= 8


def test_without_nuisance_nothing_covers_the_face_and_it_is_even():
    (face,) = render_faces(**straight())
    lower = face[:, 32:]  # the fringe is parted at one side
    torch.testing.assert_close(lower, lower.flip(-1), atol=1e-4, rtol=0)


def mouth_corners(face):
    """How far the dark line of a closed mouth rises from its middle to its corners."""
    dark = face.sum(0)[84:112]  # rows of the mouth at 128 pixels
    row = dark.argmin(0).float()
    return (row[64] - row[[56, 72]].mean()).item()


def test_one_persons_neutral_mouth_can_equal_anothers_smile():
    people = straight(3)
    resting = TRAITS.index("resting_mouth")
    people["identity"][:, resting] = torch.tensor([0.5, 0.5, 0.85])
    people["actions"][1, ACTIONS.index("smile")] = 0.9
    neutral, smiling, cheerful = map(mouth_corners, render_faces(**people, size=128))
    assert abs(neutral) <= 1
    assert smiling >= neutral + 2
    assert abs(cheerful - smiling) <= 1


def test_expressions_scale_with_their_intensity_and_neutral_does_nothing():
    kinds = torch.arange(len(EXPRESSIONS))
    full = expression_actions(kinds, torch.ones(7))
    assert full.shape == (7, SIZES["actions"])
    assert (full[0] == 0).all()
    assert (full[1:].sum(1) > 1).all()
    assert len({tuple(row.tolist()) for row in full}) == 7
    torch.testing.assert_close(
        expression_actions(kinds, torch.full((7,), 0.3)), full * 0.3
    )


@pytest.mark.parametrize("name", SIZES)
def test_a_wrong_number_of_factors_is_named(name):
    factors = some(4)
    factors[name] = factors[name][:, 1:]
    with pytest.raises(ValueError, match=rf"{name} must be \(4, {SIZES[name]}\)"):
        render_faces(**factors)


@pytest.mark.parametrize(
    ("value", "said"), [(1.5, "1.5"), (-0.1, "-0.1"), (float("nan"), "nan")]
)
def test_a_factor_out_of_range_is_named(value, said):
    factors = some(4)
    factors["actions"][2, 0] = value
    with pytest.raises(ValueError, match=f"inner_brow of face 2 .* got {said}"):
        render_faces(**factors)


def test_a_picture_too_small_for_a_face_is_refused():
    with pytest.raises(ValueError, match="size must be at least 16, got 8"):
        render_faces(**some(1), size=8)
