"""Means of repeated runs with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit  # the quantile of Student's t; scipy.stats is slow


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean of repeated runs and half the width of its 95 % interval (Student's t).

    For the difference of two models pass the differences seed by seed: paired runs
    share the luck of the draw, which then cancels.

    Raises:
        ValueError: If there are fewer than two runs, or one is no finite number.
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least 2 runs, got {len(values)}")
    if not np.isfinite(values).all():
        raise ValueError(
            f"an interval of {list(values)} says nothing: leave out runs that failed"
        )
    error = np.std(values, ddof=1) / math.sqrt(len(values))  # of the mean
    return float(np.mean(values)), float(stdtrit(len(values) - 1, 0.975) * error)
