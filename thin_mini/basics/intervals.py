"""Means of repeated runs with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean of repeated runs and half the width of its 95 % interval (Student's t).

    For the difference of two models pass the differences seed by seed: paired runs
    share the luck of the draw, which then cancels.

    Raises:
        ValueError: If there are fewer than two runs, or one is no finite number.
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
    error_of_mean = np.std(runs, ddof=1) / math.sqrt(len(runs))
    half = stdtrit(len(runs) - 1, 0.975) * error_of_mean
    return float(np.mean(runs)), float(half)
