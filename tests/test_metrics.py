"""Metrics: against scikit-learn, SciPy and cases counted by hand."""

import math

import numpy as np
import pytest
import torch
from conftest import make
from scipy import stats
from sklearn.metrics import accuracy_score, confusion_matrix

import thin_mini as tm
from thin_mini import metrics


def logits_for(confidence, predicted, n_classes=4):
    """Logits whose softmax gives the predicted class exactly this probability."""
    rest = (1 - confidence) / (n_classes - 1)
    p = torch.full((len(predicted), n_classes), rest, dtype=torch.float64)
    p[torch.arange(len(predicted)), predicted] = confidence
    return p.log()


def test_accuracy_and_confusion_agree_with_scikit_learn(digits, device):
    model, test = make("tree", None), digits[1]
    report = tm.evaluate(model, test)
    predicted = model(test.images.to(device)).argmax(1).cpu()
    expected = 100 * accuracy_score(test.target, predicted)
    assert report.accuracy == pytest.approx(expected)
    counted = confusion_matrix(test.target, predicted, labels=range(10))
    np.testing.assert_array_equal(report.confusion, counted)
    assert not model.training
    assert not report.logits.requires_grad


@pytest.mark.parametrize("row", ["baseline", "thin", "oracle"])
def test_the_size_of_a_batch_does_not_change_an_evaluation(row, exogenous, digits):
    model = make(row, exogenous)
    a, b = (tm.evaluate(model, digits[1], batch_size=n) for n in (1, 1000))
    torch.testing.assert_close(a.logits, b.logits)


def test_accuracy_by_bin_is_counted_within_each_and_nan_where_there_is_none():
    logits = torch.eye(3)[[0, 1, 2, 2, 0]]
    target, exo = torch.tensor([0, 1, 0, 2, 1]), torch.tensor([0, 0, 0, 2, 2])
    report = metrics.report(logits, target, exo, n_exo=4)
    assert report.accuracy == pytest.approx(60)
    expected = torch.tensor([200 / 3, math.nan, 50, math.nan], dtype=torch.float64)
    torch.testing.assert_close(report.by_bin, expected.cpu(), equal_nan=True)
    assert report.worst_bin == 50
    assert "accuracy 60.00 %, worst bin 50.00 %" in str(report)


def test_confusion_has_the_truth_in_rows_and_every_class():
    report = metrics.report(
        torch.eye(3)[[1, 1]], torch.tensor([0, 0]), torch.tensor([0, 0]), 1
    )
    assert report.confusion.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("confidence", [0.5, 0.7, 0.9])
def test_a_model_as_sure_as_it_is_right_has_no_calibration_error(confidence):
    target = torch.zeros(100, dtype=torch.long)
    predicted = (torch.arange(100) >= 100 * confidence - 1e-6).long()
    error = metrics.calibration_error(logits_for(confidence, predicted), target)
    assert error == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("right", "expected"), [(0, 100), (25, 75), (100, 0)])
def test_a_model_that_is_always_sure_errs_by_its_share_of_mistakes(right, expected):
    predicted = (torch.arange(100) >= right).long()
    logits = 1000 * torch.eye(4)[predicted]
    error = metrics.calibration_error(logits, torch.zeros(100, dtype=torch.long))
    assert error == pytest.approx(expected)


def test_gaps_of_different_bins_do_not_cancel():
    first = torch.zeros(50, dtype=torch.long)
    logits = torch.cat([logits_for(0.6, first), logits_for(0.9, first)])
    target = torch.tensor([0] * 45 + [1] * 5 + [0] * 30 + [1] * 20)  # 90 %, then 60 %
    assert metrics.calibration_error(logits, target) == pytest.approx(30, abs=1e-4)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        ([0, 5, 17], {"exact": 100, "within_one": 100, "range_relative": 100}),
        ([1, 4, 16], {"exact": 0, "within_one": 100, "range_relative": 1700 / 18}),
        ([0, 5, 11], {"exact": 200 / 3, "within_one": 200 / 3,
                      "range_relative": 1600 / 18}),
    ],
)  # fmt: skip
def test_exogenous_accuracy_three_ways(predicted, expected):
    logits = torch.eye(18)[predicted]
    got = metrics.exogenous_accuracy(logits, torch.tensor([0, 5, 17]))
    assert got == pytest.approx(expected)


@pytest.mark.parametrize(
    ("votes", "expected"),
    [([2, 2, 2], 0), ([0, 1, 2], 100), ([0, 0, 1], 200 / 3), ([1, 3], 100)],
)
def test_disagreement_is_the_share_of_pairs_that_differ(votes, expected):
    assert metrics.disagreement(torch.eye(4)[None, votes]) == pytest.approx(expected)


def test_disagreement_averages_over_images():
    logits = torch.eye(3)[torch.tensor([[0, 0], [0, 1]])]
    assert metrics.disagreement(logits) == pytest.approx(50)


def test_leaf_usage_of_an_even_a_collapsed_and_a_lopsided_gate():
    even = torch.eye(8)
    share, effective = metrics.leaf_usage(even)
    assert share.tolist() == pytest.approx([1 / 8] * 8)
    assert effective == pytest.approx(8)
    assert metrics.leaf_usage(even[[3] * 5])[1] == pytest.approx(1)
    p = np.array([0.7, 0.2, 0.1, 0])
    lopsided = torch.tensor(p)[None].expand(3, -1)
    expected = math.exp(stats.entropy(p))
    assert metrics.leaf_usage(lopsided)[1] == pytest.approx(expected)


@pytest.mark.parametrize("n", [2, 5, 30])
def test_the_interval_is_students(n):
    values = np.random.default_rng(n).normal(95, 2, n)
    mean, half = metrics.mean_interval(list(values))
    low, high = stats.t.interval(
        0.95, n - 1, values.mean(), values.std(ddof=1) / math.sqrt(n)
    )
    assert (mean - half, mean + half) == pytest.approx((low, high))


@pytest.mark.parametrize("values", [[], [97.0]])
def test_an_interval_of_fewer_than_two_runs_is_refused(values):
    with pytest.raises(ValueError, match=f"at least 2 runs, got {len(values)}"):
        metrics.mean_interval(values)


def labelled(rule, n=600):
    x = torch.randn(n, 6)
    y = rule(x)
    return (x[: n // 2], y[: n // 2]), (x[n // 2 :], y[n // 2 :])


def by_chance(x):
    return torch.randint(2, (len(x),))


def by_a_line(x):
    return (x[:, 0] + x[:, 1] > 0).long()


def by_quadrant(x):
    return (x[:, 0] * x[:, 1] > 0).long()


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_a_probe_reads_what_is_there_and_nothing_else(kind):
    assert 38 < metrics.probe(*labelled(by_chance), kind=kind) < 62
    assert metrics.probe(*labelled(by_a_line), kind=kind) > 90


def test_an_mlp_probe_reads_what_a_linear_one_cannot():
    parts = labelled(by_quadrant, n=2000)
    linear, mlp = (metrics.probe(*parts, kind=k) for k in ("linear", "mlp"))
    assert linear < 60
    assert mlp > 80


def test_a_probe_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of linear, mlp, got 'svm'"):
        metrics.probe(*labelled(by_chance), kind="svm")


GOOD = torch.eye(3)[[0, 1, 2, 0]]
FOUR = torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD, FOUR[:3], FOUR, 3), r"target .*\(4,\), .*each image, got \(3,\)"),
        ((GOOD, FOUR, FOUR[:3], 3), r"exo .*\(4,\), .*each image, got \(3,\)"),
        ((GOOD, FOUR - 1, FOUR, 3), "target label -1 is out of range: .*from 0 to 2"),
        ((GOOD, FOUR + 1, FOUR, 3), "target label 3 is out of range: .*from 0 to 2"),
        ((GOOD, FOUR, FOUR - 1, 3), "exo label -1 is out of range"),
        ((GOOD, FOUR, FOUR, 2), "exo label 2 is out of range: .*from 0 to 1"),
        ((GOOD, FOUR.float(), FOUR, 3), r"target must be int64, got torch\.float32"),
        ((GOOD.long(), FOUR, FOUR, 3), r"logits must hold floats, got torch\.int64"),
        ((GOOD * math.nan, FOUR, FOUR, 3), "row 0 of logits holds NaN"),
        ((GOOD[0], FOUR, FOUR, 3), r"logits must be \(N, K\), got \(3,\)"),
        ((GOOD[:0], FOUR[:0], FOUR[:0], 3), r"logits must be \(N, K\), got \(0, "),
        ((GOOD, FOUR, FOUR, 0), "n_exo must be at least 1, got 0"),
    ],
)
def test_a_report_of_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.report(*arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.calibration_error(GOOD, FOUR[:2]), r"\(4,\), .*each image"),
        (lambda: metrics.exogenous_accuracy(GOOD, FOUR[:1]), r"\(4,\), .*each image"),
        (lambda: metrics.exogenous_accuracy(GOOD, FOUR + 1), "exo label 3 is out of"),
        (lambda: metrics.disagreement(GOOD), r"must be \(N, L, K\)"),
        (lambda: metrics.leaf_usage(GOOD[:, :2]), "g must be probabilities that sum"),
        (lambda: metrics.leaf_usage(GOOD.log()), "row 0 of g holds NaN"),
        (lambda: metrics.mean_interval([90.0, math.nan]), "leave out runs that failed"),
        (lambda: metrics.mean_interval([90.0, math.inf]), "leave out runs that failed"),
    ],
)
def test_measures_of_what_cannot_be_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ((GOOD, FOUR[:2]), (GOOD, FOUR), r"labels of train .*\(4,\), .*each"),
        ((GOOD, FOUR), (GOOD, FOUR.float()), "labels of test must be int64"),
        ((GOOD, FOUR), (GOOD[:, :2], FOUR), "train has 3 features and test 2"),
        ((GOOD * math.nan, FOUR), (GOOD, FOUR), "row 0 of the features of train"),
        ((GOOD[0], FOUR), (GOOD, FOUR), r"features of train must be \(N, D\)"),
        ((GOOD, 0 * FOUR), (GOOD, FOUR), "labels of train are the same"),
        ((GOOD,), (GOOD, FOUR), "train must be a pair"),
    ],
)
def test_a_probe_of_what_does_not_fit_is_refused(train, test, message):
    with pytest.raises(ValueError, match=message):
        metrics.probe(train, test)
