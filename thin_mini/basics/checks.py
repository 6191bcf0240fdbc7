"""Checks at the door: what is handed in is of the right kind, size and range."""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor

from thin_mini.basics.precision import autocasts

MAX_SEED = 2**32 - 1  # NumPy's
MAX_WHOLE = 2**31 - 1  # beyond it no memory would do
ROUNDING = 1e-4


def whole(name: str, value: Any, low: int | None = 1, high: int | None = None) -> int:
    """Raise a ValueError unless ``value`` is a whole number from low to high.

    A bound that is None is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    if high is not None and not (low or 0) <= value <= high:
        raise ValueError(f"{name} must lie between {low} and {high}, got {value}")
    if low is not None and value < low:
        raise ValueError(f"{name} must be at least {low}, got {value}")
    if high is None and value > MAX_WHOLE:
        raise ValueError(f"{name} must be at most {MAX_WHOLE}, got {value}")
    return int(value)


def widths(hidden: Any, low: int | None = 1, name: str = "hidden") -> tuple[int, ...]:
    """Hidden units, of one layer or of each of several, as a tuple."""
    layers = hidden if isinstance(hidden, (tuple, list)) else (hidden,)
    if not layers:
        raise ValueError(f"{name} must name the units of at least one layer, got ()")
    return tuple(whole(name, units, low) for units in layers)


def map_shape(name: str, shape: Any) -> tuple[int, int, int]:
    """Raise a ValueError unless ``shape`` is (C, H, W), whole numbers from 1 up."""
    if not isinstance(shape, (tuple, list)) or len(shape) != 3:
        raise ValueError(f"{name} must be (C, H, W), got {shape!r}")
    c, h, w = (whole(f"each size of {name}", size) for size in shape)
    return c, h, w


def seed_number(value: Any) -> int:
    """Raise a ValueError unless every generator can start from ``value``."""
    return whole("seed", value, 0, MAX_SEED)


def number(name: str, value: Any) -> float:
    """Raise a ValueError unless ``value`` is a real number; it may be NaN."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be a number, got {value!r}")
    return float(value)


def lambda_(value: Any) -> None:
    """Raise a ValueError unless ``value`` is a λ: a finite number from 0 up."""
    if not 0 <= number("dispel (λ)", value) < math.inf:
        raise ValueError(f"dispel (λ) must be a number from 0 up, got {value!r}")


def choice(name: str, value: Any, known: Collection[Any]) -> None:
    """Raise a ValueError that names them unless ``value`` is one of those known."""
    if value not in known:
        raise ValueError(
            f"{name} must be one of {', '.join(map(str, known))}, got {value!r}"
        )


def instance(name: str, value: Any, kind: type | tuple[type, ...], mend: str) -> None:
    """Raise a TypeError that names the mend unless ``value`` is of a kind."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is a {type(value).__name__}: {mend}")


def rows(name: str, values: Any) -> int:
    """N; raise an error unless ``values`` is a tensor (N, …)."""
    instance(name, values, Tensor, "pass a tensor (N, …)")
    if values.ndim == 0:
        raise ValueError(f"{name} must be (N, …), got a single number")
    return values.shape[0]


def picked(name: str, index: Any, n: int) -> None:
    """Raise an error unless ``index`` picks some of ``n`` rows."""
    instance(name, index, Tensor, "pass a tensor (M,) of int64")
    if index.ndim != 1 or index.dtype not in (torch.int64, torch.bool):
        raise ValueError(
            f"{name} must be (M,) of int64, or one bool for each image, got "
            f"{index.dtype} {tuple(index.shape)}"
        )
    if index.dtype == torch.bool:
        if len(index) != n:
            raise ValueError(f"{name} must have {n} bools, got {len(index)}")
        return
    if index.device.type == "cpu":  # another device would have to be waited for
        beyond = index[(index < -n) | (index >= n)]
        if len(beyond):
            raise ValueError(f"there is no image {int(beyond[0])} among {n}")


def features(name: str, h: Tensor) -> None:
    """Raise a ValueError unless ``h`` is (N, D), not empty and finite."""
    instance(name, h, Tensor, "pass a tensor (N, D)")
    if h.ndim != 2 or h.numel() == 0:
        raise ValueError(
            f"{name} must be (N, D) with at least one row, got {tuple(h.shape)}; "
            "maps become rows by flatten(1)"
        )
    if not h.is_floating_point():
        raise ValueError(
            f"{name} must hold floats, got {h.dtype}: write {name}.float()"
        )
    finite = h.isfinite().all(1)
    if not finite.all():
        row = int((~finite).nonzero()[0])
        raise ValueError(f"row {row} of {name} holds NaN or infinity: leave it out")


def images(name: str, values: Tensor, bounded: bool = True) -> None:
    """Raise a ValueError unless ``values`` are images: (N, C, H, W), in 0..1.

    A hundredth of a per cent beyond is forgiven: rotating and scaling round.
    """
    instance(name, values, Tensor, "pass a tensor (N, C, H, W)")
    if len(values.shape) == 0 or len(values) == 0:
        raise ValueError("the data set is empty (0 images): ask for at least one image")
    if values.ndim != 4 or values.numel() == 0:
        raise ValueError(f"{name} must be (N, C, H, W), got {tuple(values.shape)}")
    if values.dtype != torch.float32:
        mend = (
            "divide by 255" if values.dtype == torch.uint8 else f"write {name}.float()"
        )
        raise ValueError(
            f"{name} must be float32 with values in 0..1, got {values.dtype}: {mend}"
        )
    low, high = values.flatten(1).aminmax(dim=1)  # (N,) each, NaN if one of them is
    wrong = ~(low.isfinite() & high.isfinite())
    if wrong.any():
        bad = int(wrong.nonzero()[0])
        raise ValueError(f"image {bad} holds NaN or infinite pixels: clean or drop it")
    wrong = (low < -ROUNDING) | (high > 1 + ROUNDING)
    if bounded and wrong.any():
        bad = int(wrong.nonzero()[0])
        raise ValueError(
            f"{name} must lie in 0..1, and image {bad} holds {low[bad].item():.4g} to "
            f"{high[bad].item():.4g}: scale them, as 0..255 by dividing by 255"
        )


def scores(name: str, values: Tensor, ndim: int = 2) -> None:
    """Raise a ValueError unless these are finite floats of so many dimensions."""
    instance(name, values, Tensor, "pass a tensor of floats")
    if values.ndim != ndim or values.numel() == 0:
        raise ValueError(
            f"{name} must have {ndim} dimensions and at least one row, got shape "
            f"{tuple(values.shape)}"
        )
    if not values.is_floating_point():
        raise ValueError(f"{name} must hold floats, got {values.dtype}")
    if not values.isfinite().all():
        raise ValueError(f"{name} hold NaN or infinity: find out where they come from")


def shares(name: str, g: Tensor) -> None:
    """Raise a ValueError unless ``g`` is (N, L), rows of probabilities."""
    scores(name, g)
    if (g < -ROUNDING).any() or ((g.float().sum(1) - 1).abs() > 0.02).any():
        raise ValueError(f"each row of {name} must be probabilities that sum to 1")


def factor(
    name: str, values: Tensor, n: int, low: float = -math.inf, high: float = math.inf
) -> None:
    """Raise a ValueError unless ``values`` is (n,), each finite, from low to high."""
    instance(name, values, Tensor, f"pass a tensor ({n},)")
    if values.shape != (n,):
        raise ValueError(
            f"{name} must be ({n},), one number each, got {tuple(values.shape)}"
        )
    wrong = ~(values.isfinite() & (values >= low) & (values <= high))
    if wrong.any():
        i = int(wrong.nonzero()[0])
        must = "be finite" if high == math.inf else f"lie between {low} and {high}"
        raise ValueError(f"{name} must {must}, got {values[i].item()} at {i}")


def one_each(name: str, values: Tensor, n: int) -> None:
    """Raise a ValueError unless ``values`` is (n,)."""
    instance(name, values, Tensor, f"pass an int64 tensor ({n},)")
    if values.shape != (n,):
        raise ValueError(
            f"{name} must hold one label for each of the {n} images, "
            f"got shape {tuple(values.shape)}"
        )


def targets(target: Tensor, n: int, n_classes: int) -> None:
    """As :func:`labels`, in a step of training.

    Values are looked at on the CPU alone, since another device would have to be waited
    for; a data set has had its own looked at.
    """
    one_each("target", target, n)
    if target.dtype != torch.int64:
        raise ValueError(f"target must be int64, got {target.dtype}")
    # Neither a compiler nor vmap, which stands for many of them, can look, nor is there
    # anything to see in a tensor of another kind, such as one without values.
    blind = torch.compiler.is_compiling() or is_functorch_wrapped_tensor(target)
    if target.device.type == "cpu" and type(target) is Tensor and not blind:
        labels("target", target, n, n_classes)


def labels(name: str, values: Tensor, n: int, n_classes: int | None = None) -> None:
    """Raise a ValueError unless there is a class for each of ``n`` images.

    Args:
        name: Of the labels.
        values: (n,), int64, classes 0..n_classes - 1.
        n: Number of images.
        n_classes: None if it is not known.
    """
    one_each(name, values, n)
    if values.dtype != torch.int64:
        raise ValueError(f"{name} must be int64, got {values.dtype}")
    if n == 0:
        raise ValueError(f"{name} is empty: pass at least one")
    low, high = int(values.min()), int(values.max())
    if low < 0 or (n_classes is not None and high >= n_classes):
        reach = "from 0 up" if n_classes is None else f"from 0 to {n_classes - 1}"
        raise ValueError(
            f"{name} label {low if low < 0 else high} is out of range: labels run "
            f"{reach}"
        )


def layer_input(module: nn.Module, x: Tensor, size: tuple[int, ...], mend: str) -> None:
    """Raise a ValueError unless a module can take ``x``, by its shape and type alone.

    Args:
        module: Its first parameter's type is the one that it takes.
        x: The input.
        size: Of ``x`` without the batch.
        mend: What to do about another size.
    """
    if torch.jit.is_tracing():  # where shapes are tensors; it was checked before
        return
    instance(f"the input of {type(module).__name__}", x, Tensor, "pass a tensor (N, …)")
    takes = f"{type(module).__name__} takes (N, {', '.join(map(str, size))}), got "
    if tuple(x.shape[1:]) != size:
        raise ValueError(f"{takes}{tuple(x.shape)}: {mend}")
    weight = next(module.parameters(), x)
    # Autocast brings every float to a type of its own.
    if x.dtype != weight.dtype and not (x.is_floating_point() and autocasts(x)):
        raise ValueError(
            f"{type(module).__name__} has weights of type {weight.dtype}, got an input "
            f"of type {x.dtype}: convert it, x.to({weight.dtype})"
        )


def layer_features(module: nn.Module, h: Tensor) -> None:
    """Raise a ValueError that names both sizes unless ``h`` is (N, in_features)."""
    mend = "build it with in_features equal to the size of the representation"
    layer_input(module, h, (module.in_features,), mend)  # type: ignore[arg-type]
