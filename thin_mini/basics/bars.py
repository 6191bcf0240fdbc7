"""One kind of progress bar, with the time left, on everything that takes long."""

from __future__ import annotations

import os

from tqdm import tqdm


def progress_bar(
    total: float,
    label: str,
    *,
    done: float = 0,
    unit: str = "it",
    shown: bool = True,
) -> tqdm:
    """A bar that is gone when it is done; ``TQDM_DISABLE=1`` hides every one."""
    return tqdm(
        total=total,
        initial=done,
        desc=label,
        unit=unit,
        unit_scale=unit != "it",
        leave=False,
        disable=not shown or bool(os.environ.get("TQDM_DISABLE")),
    )
