"""Verdicts: what repeated runs say of a claim, held against what would matter.

The smallest difference that matters, Δ, is about a tenth of what there is: of the
errors, which are some 2 % with all labels and 10 % with few, or of a measure's scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from thin_mini.basics.intervals import mean_interval
from thin_mini.basics.kinds import checked

VERDICTS = (  # of a difference, the best first
    *("reproduced", "weaker", "equivalent", "no room", "inconclusive"),
    "contradicted",
)
LEVELS = ("reached", "not reached")  # of a single accuracy, or inconclusive
MANY, OF_MANY, OF_FEW = 10_000, 0.2, 1.0  # labels, and Δ in points of accuracy
# The scales of what is no accuracy; a ratio of 1 is as much between as within classes.
SCALES = {"cosine": (0, 1), "inter_intra": (0, 1), "leaves": (1, 8)}
SCALES |= dict.fromkeys(("overlap", "calibration", "variance_3"), (0, 100))


@checked
def smallest_effect(metric: str, labels: int) -> float:
    """Δ of a measure: 0.2 points, with fewer than 10,000 labels 1, or a tenth of it.

    Args:
        metric: A key of a result's metrics; what is none of ``SCALES`` is an accuracy.
        labels: Images that the rows were trained on.
    """
    if labels < 1:
        raise ValueError(f"labels must be at least 1, got {labels}")
    if metric in SCALES:
        low, high = SCALES[metric]
        return (high - low) / 10
    return OF_MANY if labels >= MANY else OF_FEW


@checked
def judge(
    paper: float,
    ours: Sequence[float],
    smallest: float,
    number: bool = True,
    close: bool = False,
    reference: float | None = None,
) -> str:
    """Judge a difference between two rows.

    Args:
        paper: The paper's difference; without ``number`` only its sign counts.
        ours: Our differences, seed by seed.
        smallest: Δ, the smallest difference that matters, in the same unit.
        number: Whether the paper's number is of comparable data.
        close: Whether the claim is that the rows are close. It is as well if the
            paper's difference is at most a tenth of Δ.
        reference: The mean accuracy in percent of the row that ours is taken from.

    Returns:
        - ``"no room"`` if both rows' errors are below Δ.
        - ``"reproduced"`` if the 95 % interval excludes 0 on the paper's side and
          reaches the paper's number; without one, if the mean reaches Δ.
        - ``"weaker"`` if it excludes 0 there, and does not reach so far.
        - ``"equivalent"`` if it includes 0, and two one-sided tests at 5 % (the 90 %
          interval) exclude ±Δ. Of rows that are said to be close this is
          ``"reproduced"``, whether 0 is included or not.
        - ``"inconclusive"`` if it includes 0 and is wider than that.
        - ``"contradicted"`` if it lies on the other side of 0; of rows that are said
          to be close, if it lies beyond Δ.
    """
    low, high = _interval(paper, ours, smallest)
    mean, half = mean_interval(ours, 0.9)
    within = abs(mean) + half < smallest
    if reference is not None:
        if not 0 <= reference <= 100:
            raise ValueError(f"reference must lie between 0 and 100, got {reference}")
        if 100 - min(reference, reference + mean) < smallest:
            return "no room"
    if close or (number and abs(paper) <= smallest / 10):
        beyond = low > smallest or high < -smallest
        other = "contradicted" if beyond else "inconclusive"
        return "reproduced" if within else other
    if low <= 0 <= high:
        return "equivalent" if within else "inconclusive"
    if paper < 0:
        low, high, mean = -high, -low, -mean
    if high < 0:
        return "contradicted"
    enough = high >= abs(paper) if number else mean >= smallest
    return "reproduced" if enough else "weaker"


@checked
def judge_level(paper: float, ours: Sequence[float], smallest: float) -> str:
    """Judge a single accuracy: ``"reached"`` if our 95 % interval reaches the paper's.

    It is ``"inconclusive"`` if only an interval does that is wider than Δ to one side.
    """
    low, high = _interval(paper, ours, smallest)
    if high < paper:
        return "not reached"
    wide = high - low > 2 * smallest
    return "inconclusive" if wide and fmean(ours) < paper else "reached"


def _interval(
    paper: float, ours: Sequence[float], smallest: float
) -> tuple[float, float]:
    """The ends of our 95 % interval, to be held against a number of the paper."""
    if not math.isfinite(paper):
        raise ValueError(f"paper must be a finite number, got {paper}")
    if not 0 < smallest < math.inf:
        raise ValueError(f"smallest must be a number above 0, got {smallest}")
    mean, half = mean_interval(ours)
    return mean - half, mean + half


@checked
def p_value(ours: Sequence[float]) -> float:
    """Of the two-sided paired t-test of no difference, from differences by seed."""
    from scipy.stats import ttest_1samp  # slow to import

    mean, half = mean_interval(ours)
    return float(ttest_1samp(ours, 0.0).pvalue if half else mean == 0)


@checked
def corrected(p: Sequence[float]) -> tuple[list[float], list[float]]:
    """p-values of many tests, corrected by Holm and by Benjamini and Hochberg.

    Holm's keep the chance of a single false alarm at 5 %, the others' the expected
    share of false alarms among those that are raised.
    """
    from scipy.stats import false_discovery_control

    order = sorted(range(len(p)), key=lambda i: p[i])
    holm, most = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        holm[i] = most = max(most, min(1.0, (len(p) - rank) * p[i]))
    return holm, false_discovery_control(p).tolist()
