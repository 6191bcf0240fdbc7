"""h (N, D), labels (N,), n → the accuracy in percent of a nearest-mean probe, a number.

It is fitted on the first n images and measured on the n after them.

Objective: test a claim of "invariance" with probes.

1. Fit: one mean of h for each label, over the first n images alone.
2. Measure: for each of the next n images, is the nearest mean that of its label?
3. `torch.cdist(h, means).argmin(1)` names the nearest; compare, average, times 100.

Notice: with more features than images, a probe fits anything: only other images count.
"""

from typing import Any

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 7, 2, False


def draw(n: int) -> dict[str, Any]:
    n = 7 * n
    labels = torch.arange(3 * n) % 3
    h = torch.randn(3 * n, 9) + 0.7 * torch.nn.functional.one_hot(labels, 9)
    return {"h": h, "labels": labels, "n": n}


def _read(h: Tensor, labels: Tensor, fit: slice, on: slice) -> Tensor:
    means = torch.stack([h[fit][labels[fit] == c].mean(0) for c in labels.unique()])
    found = torch.cdist(h[on], means).argmin(1)
    return 100 * (found == labels[on]).double().mean()


def right(h: Tensor, labels: Tensor, n: int) -> Tensor:
    return _read(h, labels, slice(n), slice(n, 2 * n))


def on_its_own(h: Tensor, labels: Tensor, n: int) -> Tensor:
    """The probe is measured on the images that it was fitted on: it knows them."""
    return _read(h, labels, slice(n), slice(n))


def fitted_on_test(h: Tensor, labels: Tensor, n: int) -> Tensor:
    """The probe is fitted on the images that it is measured on."""
    return _read(h, labels, slice(n, 2 * n), slice(n, 2 * n))


def fitted_on_all(h: Tensor, labels: Tensor, n: int) -> Tensor:
    """The probe is fitted on all images, those among them that it is measured on."""
    return _read(h, labels, slice(None), slice(n, 2 * n))


def on_all(h: Tensor, labels: Tensor, n: int) -> Tensor:
    """It is measured on all images, its own among them: take the n that follow."""
    return _read(h, labels, slice(n), slice(None))


def of_errors(h: Tensor, labels: Tensor, n: int) -> Tensor:
    """This is the share of errors. Wanted is what the probe reads rightly."""
    return 100 - right(h, labels, n)
