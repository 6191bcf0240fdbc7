"""Means of repeated runs with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Mean of repeated runs and half the width of its 95 % interval (Student's t).

    For the difference of two models pass the differences seed by seed: paired runs
    share the luck of the draw, which then cancels.

    Args:
        values: One for each run.
        level: How sure the interval is to hold the mean, between 0 and 1.

    Raises:
        ValueError: If there are fewer than two runs, one is no finite number, or the
            level is out of range.
    """
    import numpy as np  # here, since tables without a number need neither
    from scipy.special import stdtrit  # the quantile of Student's t, from a quick room

    try:
        runs = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"an interval needs a number for each run, got {values!r}"
        ) from error
    if runs.ndim != 1 or len(runs) < 2:
        raise ValueError(f"an interval needs at least 2 runs, got {runs.size}")
    if not np.isfinite(runs).all():
        raise ValueError(
            f"an interval of {runs.tolist()} says nothing: leave out runs that failed"
        )
    if not 0 < level < 1:
        raise ValueError(f"level must be a number between 0 and 1, got {level}")
    error_of_mean = np.std(runs, ddof=1) / math.sqrt(len(runs))
    half = stdtrit(len(runs) - 1, (1 + level) / 2) * error_of_mean
    return float(np.mean(runs)), float(half)
