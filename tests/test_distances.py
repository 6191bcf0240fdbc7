"""Distances: against scikit-learn and cases counted by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_iris

from thin_mini.insight import distances

NAN = float("nan")


def pairs(n_same, n_different, apart=1.0):
    """Distances of pairs; those of two people are larger by ``apart`` on average."""
    same = torch.tensor([True] * n_same + [False] * n_different)
    return 1 + 0.3 * torch.randn(len(same)) + apart * ~same, same


def test_pair_distances_see_directions_only():
    a = torch.tensor([[2.0, 0], [3, 0], [1, 1], [1, 0]])
    b = torch.tensor([[5.0, 0], [0, 1], [-4, -4], [1, 1e-4]])
    got = distances.pair_distances(a, b)
    assert got.tolist() == pytest.approx([0, math.sqrt(2), 2, 1e-4], rel=1e-4)


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (torch.ones(2, 3), "shapes differ"),
        (torch.tensor([[1.0, 1], [NAN, 1]]), "row 1 of a holds NaN"),
        (torch.tensor([[1.0, 1], [0, 0]]), "row 1 of a is all zeros"),
        (torch.ones(2, 2, 1), "flatten"),
    ],
)
def test_pairs_without_a_distance_are_refused(a, message):
    b = torch.ones(2, 2, 1) if a.ndim == 3 else torch.ones(2, 2)
    with pytest.raises(ValueError, match=message):
        distances.pair_distances(a, b)


def test_pairs_that_a_threshold_divides_are_all_verified():
    distance = torch.cat([torch.linspace(0, 0.6, 50), torch.linspace(0.8, 2, 30)])
    found = distances.verification(distance, torch.arange(80) < 50)
    assert (found.accuracy, found.half, found.auc) == (100, 0, 1)
    assert 0.6 < found.threshold < 0.8
    assert "100.00 ± 0.00 %" in str(found)


def test_verification_chooses_on_nine_folds_and_counts_on_the_tenth():
    # Folds of LFW's list: 3 pairs of one person, 3 of two, ten times over.
    distance = torch.rand(60).double()
    same = (torch.arange(60) // 3) % 2 == 0
    distance[same] -= 0.4
    fold, right = np.arange(60) // 6, []
    for tenth in range(10):
        others, chosen = fold != tenth, fold == tenth
        candidates = distance[others].sort().values
        hits = [((distance <= t) == same)[others].sum().item() for t in candidates]
        best = int(np.argmax(hits))  # the smallest of equals; the gap's middle counts
        threshold = candidates[best : best + 2].mean()
        hit = (distance <= threshold) == same
        right.append(100 * hit[chosen].double().mean().item())
    found = distances.verification(distance, same)
    assert found.accuracy == pytest.approx(np.mean(right))
    assert found.half == pytest.approx(stats.sem(right) * stats.t.ppf(0.975, 9))


def test_the_area_under_the_curve_is_the_chance_that_the_right_pair_is_closer():
    distance, same = pairs(40, 25, apart=0.3)
    closer = distance[same][:, None] < distance[~same][None]
    found = distances.verification(distance, same)
    assert found.auc == pytest.approx(closer.double().mean().item())
    assert found == distances.verification(distance, same)


def test_the_accuracy_of_a_useless_distance_is_that_of_chance():
    distance, same = pairs(1000, 1000, apart=0)
    assert 45 < distances.verification(distance, same).accuracy < 55
    equal = distances.verification(torch.ones(40), torch.arange(40) < 20)
    assert (equal.accuracy, equal.auc) == (50, 0.5)


@pytest.mark.parametrize(
    ("distance", "same", "message"),
    [
        (torch.ones(30), torch.ones(30, dtype=torch.bool), "30 of the same person"),
        (torch.rand(30), torch.arange(30) < 9, "at least 10 pairs of each kind, got 9"),
        (torch.rand(30), torch.ones(30), "must be bool, .*got torch.float32"),
        (torch.rand(30), torch.ones(29).bool(), r"distance must be \(29,\), .*\(30,\)"),
        (torch.rand(0), torch.ones(0).bool(), "of at least one pair"),
        (torch.tensor([NAN] * 30), torch.arange(30) < 15, "distance must be finite"),
    ],
)
def test_pairs_that_cannot_be_verified_are_refused(distance, same, message):
    with pytest.raises(ValueError, match=message):
        distances.verification(distance, same)


def test_overlap_counted_by_hand():
    positive = torch.tensor([0.1, 0.1, 0.1, 0.6])  # shares 3/4 and 1/4
    negative = torch.tensor([0.2, 0.7, 0.8, 0.9, 0.9, 0.6, 0.7, 0.8])  # 1/8 and 7/8
    edges = np.array([0, 0.5, 1])
    # min 1/8 + 1/4, max 3/4 + 7/8
    assert distances.overlap(positive, negative, edges) == pytest.approx(300 / 13)
    same = distances.overlap(positive, positive.repeat(3), edges)
    assert same == pytest.approx(100)
    assert distances.overlap(positive, positive + 5, np.arange(7.0)) == 0


def test_overlap_of_two_uniform_distributions():
    a = torch.linspace(0, 1, 10_001)[:-1]
    got = distances.overlap(a, a + 0.5, np.linspace(0, 1.5, 31))
    assert got == pytest.approx(100 / 3, abs=0.3)  # half of each in common


@pytest.mark.parametrize(
    ("positive", "edges", "message"),
    [
        (torch.tensor([]), [0, 1], "positive is empty"),
        (torch.tensor([0.5, NAN]), [0, 1], "positive must lie .* got nan at 1"),
        (torch.tensor([0.5, 3]), [0, 1, 2], "lie between 0.0 and 2.0, got 3.0 at 1"),
        (torch.tensor([0.5]), [0], "edges must be at least 2 rising"),
        (torch.tensor([0.5]), [0, 1, 1], "edges must be at least 2 rising"),
        (torch.tensor([0.5]), [[0, 1]], "edges must be at least 2 rising"),
    ],
)
def test_an_overlap_of_nothing_is_refused(positive, edges, message):
    with pytest.raises(ValueError, match=message):
        distances.overlap(positive, torch.rand(5), np.array(edges, float))


def ratio_by_definition(h, target):
    """tr(S_B) / tr(S_W), with the scatter matrices written out."""
    between, within = (np.zeros((h.shape[1], h.shape[1])) for _ in range(2))
    for c in np.unique(target):
        own = h[target == c]
        away = own.mean(0) - h.mean(0)
        between += len(own) * np.outer(away, away)
        within += (own - own.mean(0)).T @ (own - own.mean(0))
    return np.trace(between) / np.trace(within)


def test_inter_intra_ratio_by_hand_and_by_its_definition():
    h = torch.tensor([[0.0], [2], [6], [8]])
    target = torch.tensor([0, 0, 1, 1])
    assert distances.inter_intra_ratio(h, target) == pytest.approx(9)  # 4·3² / 4·1²
    assert distances.inter_intra_ratio(7 * h + 1, target) == pytest.approx(9)
    x, y = (array[:120] for array in load_iris(return_X_y=True))  # 50, 50 and 20
    got = distances.inter_intra_ratio(torch.tensor(x), torch.tensor(y))
    assert got == pytest.approx(ratio_by_definition(x, y), rel=1e-12)


@pytest.mark.parametrize(
    ("h", "target", "message"),
    [
        (torch.rand(3, 2), torch.zeros(3), "at least 2 classes, got only class 0"),
        (torch.rand(3, 2), torch.zeros(2), r"\(3,\), .*each image, got \(2,\)"),
        (torch.eye(3), torch.arange(3), "each class is a single point"),
        (torch.eye(2).repeat(3, 1) / 3, torch.arange(6) % 2, "is a single point"),
        (torch.ones(4, 2), torch.arange(4) % 2, "each class is a single point"),
        (torch.tensor([[NAN], [1]]), torch.arange(2), "row 0 of h"),
    ],
)
def test_a_ratio_that_does_not_exist_is_refused(h, target, message):
    with pytest.raises(ValueError, match=message):
        distances.inter_intra_ratio(h, target)


def test_explained_variance_agrees_with_the_eigenvalues():
    h = torch.randn(200, 6).double() * torch.tensor([5, 3, 2, 1, 1, 0.5])
    values = np.linalg.eigvalsh(np.cov(h.T.cpu()))[::-1]
    for n in (1, 3, 6):
        got = distances.explained_variance(h, n)
        assert got == pytest.approx(100 * values[:n].sum() / values.sum())
    plane = torch.randn(50, 2) @ torch.randn(2, 9)
    assert distances.explained_variance(plane, 2) == pytest.approx(100)


def test_variance_that_cannot_be_explained_is_refused():
    with pytest.raises(ValueError, match="n must lie between 1 and 2, got 3"):
        distances.explained_variance(torch.rand(9, 2), 3)
    with pytest.raises(ValueError, match="all rows of h are the same"):
        distances.explained_variance(torch.ones(9, 4))


def test_edges_that_are_none_are_refused():
    with pytest.raises(TypeError, match="edges is a int"):
        distances.overlap(torch.rand(9), torch.rand(9), 40)
