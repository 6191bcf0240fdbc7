"""Verdicts: cases on both sides of every border, and corrections for many tests."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp, ttest_rel

from thin_mini.basics.intervals import mean_interval
from thin_mini.lab.verdicts import (
    VERDICTS,
    corrected,
    judge,
    judge_level,
    p_value,
    smallest_effect,
)

of = pytest.mark.parametrize
DELTA = 0.2
SIGMAS = np.array([-1.0, -1.0, 0.0, 1.0, 1.0])  # five seeds, a standard deviation of 1
# Half the widths of intervals of five such seeds: of 95 % and of 90 %.
HALF, HALF_90 = 2.7764451 / 5**0.5, 2.1318468 / 5**0.5


def seeds(mean, half):
    """Differences of five seeds with this mean and half of the 95 % interval."""
    return (mean + half / HALF * SIGMAS).tolist()


def around(edge, step=0.001):
    return edge - step, edge + step


def test_the_seeds_have_the_interval_that_they_are_made_for():
    assert mean_interval(seeds(0.3, 0.1)) == pytest.approx((0.3, 0.1))
    assert mean_interval(seeds(0.3, 0.1), 0.9)[1] == pytest.approx(0.1 * HALF_90 / HALF)


BELOW, ABOVE = around(0.5)


@of(
    ("ours", "expected"),
    [
        (seeds(0.4, BELOW - 0.4), "weaker"),  # the interval ends below the paper's 0.5
        (seeds(0.4, ABOVE - 0.4), "reproduced"),
        (seeds(0.9, 0.1), "reproduced"),  # all of it lies beyond
        (seeds(0.3, 0.301), "inconclusive"),  # it begins below 0
        (seeds(0.3, 0.299), "reproduced"),
        (seeds(0.1, 0.099), "weaker"),
        (seeds(0.1, 0.101), "equivalent"),
        (seeds(-0.1, 0.101), "equivalent"),
        (seeds(-0.1, 0.099), "contradicted"),
        (seeds(0.0, 0.199 * HALF / HALF_90), "equivalent"),  # 90 % within Δ
        (seeds(0.0, 0.201 * HALF / HALF_90), "inconclusive"),
        (seeds(0.1, 3.0), "inconclusive"),  # wide, and it holds the paper's
        ([0.0] * 5, "equivalent"),
        ([0.3] * 5, "weaker"),
        ([0.5] * 5, "reproduced"),
    ],
)
def test_a_difference_is_held_against_0_the_papers_and_what_matters(ours, expected):
    assert judge(0.5, ours, DELTA) == expected
    # A loss in the paper is judged as a gain is.
    assert judge(-0.5, [-d for d in ours], DELTA) == expected


@of(
    ("ours", "expected"),
    [
        (seeds(0.199, 0.1), "weaker"),
        (seeds(0.201, 0.1), "reproduced"),
        (seeds(0.201, 0.202), "inconclusive"),
        (seeds(-0.3, 0.1), "contradicted"),
        (seeds(0.05, 0.06), "equivalent"),
    ],
)
@of("size", [0.001, 9.0])
def test_of_a_direction_the_middle_has_to_matter_whatever_the_papers_size(
    size, ours, expected
):
    assert judge(size, ours, DELTA, number=False) == expected
    assert judge(-size, [-d for d in ours], DELTA, number=False) == expected


@of(
    ("ours", "expected"),
    [
        (seeds(0.0, 0.199 * HALF / HALF_90), "reproduced"),
        (seeds(0.0, 0.201 * HALF / HALF_90), "inconclusive"),
        (seeds(0.1, 0.05), "reproduced"),  # not 0, and close all the same
        (seeds(0.3, 0.099), "contradicted"),
        (seeds(-0.3, 0.099), "contradicted"),
        (seeds(0.3, 0.101), "inconclusive"),
        (seeds(-0.3, 0.101), "inconclusive"),
    ],
)
def test_rows_that_are_said_to_be_close_are_judged_by_equivalence(ours, expected):
    assert judge(-0.33, ours, DELTA, close=True) == expected
    assert judge(0.01, ours, DELTA) == expected  # says that they are
    assert judge(0.02, ours, DELTA) == expected


def test_a_difference_above_a_tenth_of_what_matters_is_no_claim_of_closeness():
    assert judge(0.0201, seeds(0.1, 0.05), DELTA) == "reproduced"
    assert judge(0.0201, seeds(0.0, 0.1), DELTA) == "equivalent"
    assert judge(0.01, seeds(0.0, 0.1), DELTA, number=False) == "equivalent"


@of(
    ("reference", "mean", "expected"),
    [
        (99.81, 0.0, "no room"),
        (99.79, 0.0, "equivalent"),  # of the reference
        (99.79, 0.1, "weaker"),
        (99.81, 0.1, "no room"),
        (99.95, -0.14, "no room"),
        (99.95, -0.16, "contradicted"),  # the other row has room
        (None, 0.1, "weaker"),
    ],
)
@of("close", [False, True])
def test_there_is_no_room_where_both_rows_make_almost_no_errors(
    reference, mean, expected, close
):
    if close and expected != "no room":
        expected = "reproduced"  # which all of them are
    found = judge(0.5, seeds(mean, 0.02), DELTA, close=close, reference=reference)
    assert found == expected


@given(
    st.floats(-5, 5),
    st.lists(st.floats(-5, 5), min_size=2, max_size=6),
    st.floats(0.01, 2),
)
def test_equivalence_is_two_one_sided_tests(paper, ours, smallest):
    assume(np.std(ours) > 1e-6)
    greater = ttest_1samp(ours, -smallest, alternative="greater").pvalue
    less = ttest_1samp(ours, smallest, alternative="less").pvalue
    both = max(greater, less)
    assume(abs(both - 0.05) > 1e-9)
    found = judge(paper, ours, smallest, close=True)
    assert (found == "reproduced") == (both < 0.05)
    plain = judge(9.0, ours, smallest)
    assert plain in VERDICTS
    if ttest_1samp(ours, 0.0).pvalue > 0.05 + 1e-9:
        assert plain == ("equivalent" if both < 0.05 else "inconclusive")
    else:
        assert plain in ("reproduced", "weaker", "contradicted")


@of(
    ("paper", "half", "expected"),
    [
        (90.0, 9.0, "reached"),
        (97.0, 9.0, "reached"),  # our mean is the paper's
        (97.1, 0.09, "not reached"),
        (97.1, 0.11, "reached"),
        (97.1, 0.199, "reached"),
        (97.1, 0.201, "inconclusive"),  # reached by an interval wider than Δ alone
        (97.3, 0.29, "not reached"),
    ],
)
def test_an_accuracy_is_reached_by_an_interval_that_is_not_too_wide(
    paper, half, expected
):
    assert judge_level(paper, seeds(97.0, half), DELTA) == expected


@of(
    ("metric", "labels", "expected"),
    [
        ("accuracy", 60_000, 0.2),
        ("accuracy", 10_000, 0.2),
        ("accuracy", 9_999, 1.0),
        ("by_bin", 1_000, 1.0),
        ("by_class", 16_000, 0.2),
        ("pair_accuracy", 40_000, 0.2),
        ("cosine", 1_000, 0.1),
        ("cosine", 60_000, 0.1),
        ("overlap", 1_000, 10.0),
        ("inter_intra", 16_000, 0.1),
        ("leaves", 250, 0.7),
    ],
)
def test_what_matters_hangs_on_the_labels_or_on_the_scale(metric, labels, expected):
    assert smallest_effect(metric, labels) == pytest.approx(expected)


@of("judged", [judge, judge_level])
def test_what_cannot_be_judged_is_refused(judged):
    with pytest.raises(ValueError, match="at least 2 runs, got 1"):
        judged(1.0, [1.0], 0.2)
    with pytest.raises(ValueError, match="paper must be a finite number, got nan"):
        judged(math.nan, [1.0, 2.0], 0.2)
    for wrong in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="smallest must be a number above 0, got"):
            judged(1.0, [1.0, 2.0], wrong)


def test_p_values_are_those_of_the_paired_test():
    ours, other = [1.0, 2.0, 4.0, 3.0, 2.5], [0.5, 2.1, 3.0, 2.0, 2.2]
    pairs = [a - b for a, b in zip(ours, other, strict=True)]
    assert p_value(pairs) == pytest.approx(ttest_rel(ours, other).pvalue)
    assert (p_value([0.0, 0.0]), p_value([0.5, 0.5])) == (1.0, 0.0)


def test_corrections_are_those_of_an_example_by_hand():
    holm, hochberg = corrected([0.01, 0.04, 0.03, 0.005])
    # Sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1, and never falling: 0.06 stays.
    assert holm == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # Times 4/1, 4/2, 4/3, 4/4, and never rising from below: 0.04 for both of the last.
    assert hochberg == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert corrected([0.9, 0.8])[0] == [1.0, 1.0]
    assert corrected([0.03]) == ([0.03], [0.03])
    assert corrected([]) == ([], [])
