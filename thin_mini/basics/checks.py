"""Checks at the door: what is handed in is of the right kind, size and range."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import partial
from numbers import Real
from typing import Annotated, Any

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


def number(
    name: str, value: Any, low: float | None = None, high: float | None = None
) -> float:
    """Raise a ValueError unless ``value`` is a number, or one from low to high.

    Without bounds it may be NaN.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be a number, got {value!r}")
    if low is not None and not low <= value <= high:  # type: ignore[operator]
        raise ValueError(f"{name} must lie between {low} and {high}, got {value}")
    return float(value)


def lambda_(value: Any, name: str = "dispel") -> None:
    """Raise a ValueError unless ``value`` is a λ: a finite number from 0 up."""
    if not 0 <= number(f"{name} (λ)", value) < math.inf:
        raise ValueError(f"{name} (λ) must be a number from 0 up, got {value!r}")


def rate(name: str, value: Any) -> None:
    """Raise a ValueError unless ``value`` is a learning rate, finite and above 0."""
    if not 0 < number(name, value) < math.inf:
        raise ValueError(f"{name} must be a number above 0, got {value}")


# What an argument's annotation says to ``kinds.checked``, beside ``one_of``.
Count = Annotated[int, whole]
Seed = Annotated[int, partial(whole, low=0, high=MAX_SEED)]
Rate = Annotated[float, rate]
Lambda = Annotated[float, lambda name, value: lambda_(value, name)]
Share = Annotated[float, partial(number, low=0, high=1)]


def one_of(*known: Any) -> Callable[[str, Any], None]:
    """A rule for ``Annotated``: the value is one of these."""
    return partial(choice, known=known)


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


def first(wrong: Tensor) -> int | None:
    """The first row (of N) where anything is wrong."""
    return int(wrong.nonzero()[0, 0]) if wrong.any() else None


def shaped(name: str, values: Any, *sizes: int | str, mend: str = "") -> None:
    """Raise an error unless ``values`` is a tensor of these sizes.

    A letter stands for one size, from 1 up; ``mend`` is said with the sizes.
    """
    there = getattr(values, "shape", ())
    pairs = zip(sizes, there, strict=False)
    free: dict[Any, int] = {size: n for size, n in pairs if isinstance(size, str)}
    fits = tuple(there) == tuple(free.get(size, size) for size in sizes)
    if not (fits and isinstance(values, Tensor)) or 0 in free.values():
        wanted = f"({', '.join(map(str, sizes))}{',' * (len(sizes) == 1)})"
        instance(name, values, Tensor, f"pass a tensor {wanted}")
        raise ValueError(f"{name} must be {wanted}{mend}, got {tuple(there)}")


def floats(name: str, values: Any, *sizes: int | str, mend: str = "") -> None:
    """Raise an error unless ``values`` are finite floats of these sizes."""
    shaped(name, values, *sizes, mend=mend)
    if not values.is_floating_point():
        raise ValueError(
            f"{name} must hold floats, got {values.dtype}: write {name}.float()"
        )
    if (row := first(~values.isfinite())) is not None:
        raise ValueError(f"row {row} of {name} holds NaN or infinity: leave it out")


def features(name: str, h: Tensor) -> None:
    """Raise a ValueError unless ``h`` is (N, D), not empty and finite."""
    floats(name, h, "N", "D", mend=" (maps become rows by flatten(1))")


def scores(name: str, values: Tensor, ndim: int = 2) -> None:
    """Raise a ValueError unless these are finite floats (N,), (N, K) or (N, L, K)."""
    floats(name, values, *{1: "N", 2: "NK", 3: "NLK"}[ndim])


def shares(name: str, g: Tensor) -> None:
    """Raise a ValueError unless ``g`` is (N, L), rows of probabilities."""
    floats(name, g, "N", "L")
    if (g < -ROUNDING).any() or ((g.float().sum(1) - 1).abs() > 0.02).any():
        raise ValueError(f"each row of {name} must be probabilities that sum to 1")


def factor(
    name: str, values: Tensor, n: int, low: float = -math.inf, high: float = math.inf
) -> None:
    """Raise a ValueError unless ``values`` is (n,), each finite, from low to high."""
    shaped(name, values, n, mend=", one number each")
    right = values.isfinite() & (values >= low) & (values <= high)
    if (i := first(~right)) is not None:
        must = "be finite" if high == math.inf else f"lie between {low} and {high}"
        raise ValueError(f"{name} must {must}, got {values[i].item()} at {i}")


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


def images(name: str, values: Tensor, bounded: bool = True) -> None:
    """Raise a ValueError unless ``values`` are images: (N, C, H, W), in 0..1.

    A hundredth of a per cent beyond is forgiven: rotating and scaling round.
    """
    if rows(name, values) == 0:
        raise ValueError("the data set is empty (0 images): ask for at least one image")
    shaped(name, values, "N", "C", "H", "W")
    if values.dtype != torch.float32:
        raw = values.dtype == torch.uint8
        mend = "divide by 255" if raw else f"write {name}.float()"
        raise ValueError(
            f"{name} must be float32 with values in 0..1, got {values.dtype}: {mend}"
        )
    low, high = values.flatten(1).aminmax(dim=1)  # (N,) each, NaN if one of them is
    if (bad := first(~(low.isfinite() & high.isfinite()))) is not None:
        raise ValueError(f"image {bad} holds NaN or infinite pixels: clean or drop it")
    bad = first((low < -ROUNDING) | (high > 1 + ROUNDING))
    if bounded and bad is not None:
        raise ValueError(
            f"{name} must lie in 0..1, and image {bad} holds {low[bad].item():.4g} to "
            f"{high[bad].item():.4g}: scale them, as 0..255 by dividing by 255"
        )


def whole_numbers(name: str, values: Any, *sizes: int | str, mend: str = "") -> None:
    """Raise an error unless ``values`` are int64 of these sizes."""
    shaped(name, values, *sizes, mend=mend)
    if values.dtype != torch.int64:
        raise ValueError(f"{name} must be int64, got {values.dtype}")


def targets(target: Tensor, n: int, n_classes: int) -> None:
    """As :func:`labels`, in a step of training.

    Values are looked at on the CPU alone, since another device would have to be waited
    for; a data set has had its own looked at.
    """
    # Neither a compiler nor vmap, which stands for many of them, can look, nor is there
    # anything to see in a tensor of another kind, such as one without values.
    blind = (
        torch.compiler.is_compiling()
        or type(target) is not Tensor
        or is_functorch_wrapped_tensor(target)
        or target.device.type != "cpu"
    )
    labels("target", target, n, n_classes, seen=not blind)


def labels(
    name: str, values: Tensor, n: int, n_classes: int | None = None, seen: bool = True
) -> None:
    """Raise a ValueError unless there is a class for each of ``n`` images.

    Args:
        name: Of the labels.
        values: (n,), int64, classes 0..n_classes - 1.
        n: Number of images.
        n_classes: None if it is not known.
        seen: Whether the values can be looked at, and not their shape and type alone.
    """
    whole_numbers(name, values, n, mend=", one label for each image")
    if not seen:
        return
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
