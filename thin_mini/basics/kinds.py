"""Arguments are of the kinds that a public function's annotations name."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from numbers import Integral, Real
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

F = TypeVar("F", bound=Callable[..., Any])
# In words, above all those that do not come from their constructor.
WORDS = {
    "Model": "what tm.build gives, or a model of its parts",
    "ExogenousDataset": "one data set, such as train",
    "Tensor": "a tensor",
    "Tensor | None": "a tensor",
    "pd.DataFrame": "a data frame",
    "Condition | None": "what tm.precompute gives for this data set",
}


def checked(function: F) -> F:
    """Have each argument's kind checked when the function is called.

    For doors that are passed seldom: a step of training has no time for it. A range
    may stand in the annotation, ``Annotated[int, rule]``, where ``rule(name, value)``
    raises an error; what no annotation says is the function's to check.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def checking(*args: Any, **kwargs: Any) -> Any:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            about = signature.parameters[name]
            if about.kind is not about.VAR_KEYWORD:
                several = value if about.kind is about.VAR_POSITIONAL else (value,)
                for one in several:
                    check(name, one, about.annotation, function.__module__)
        return function(*args, **kwargs)

    return checking  # type: ignore[return-value]


def check_fields(record: Any) -> None:
    """The same for the fields of a data class, when it is made."""
    for name, annotation in inspect.get_annotations(type(record)).items():
        if not annotation.startswith("ClassVar"):
            check(name, getattr(record, name), annotation, type(record).__module__)


def check(name: str, value: Any, annotation: Any, module: str) -> None:
    """Raise an error unless a value is of a kind.

    Args:
        name: Of the argument.
        value: What was passed.
        annotation: The text of the kind, or of several: ``"Path | str"``.
        module: Where it stands; a name that is unknown there allows anything.

    Raises:
        ValueError: If it must be a number and is none.
        TypeError: If it is of another kind.
    """
    kind = _kind(annotation, module)
    fits = _fits(value, kind)
    if not (fits and value is None):
        for rule in _rules(kind):
            rule(name, value)
    if fits:
        return
    for number, words in ((int, "a whole number"), (float, "a number")):
        if kind in (number, number | None):
            symbol = " (λ)" if name == "dispel" else ""
            raise ValueError(f"{name}{symbol} must be {words}, got {value!r}")
    about = f"{name} is a {type(value).__name__}"
    if _fits(value, kind, deep=False):
        about += " of other things"
    raise TypeError(f"{about}: pass {WORDS.get(annotation, annotation)}")


@lru_cache
def _kind(annotation: Any, module: str) -> Any:
    try:
        return eval(annotation, dict(vars(sys.modules[module])))
    except (NameError, TypeError):  # imported for editors alone, or there is none
        return Any


def _rules(kind: Any) -> list[Callable[[str, Any], Any]]:
    """What a kind asks of its values beside being of it."""
    if get_origin(kind) is Annotated:
        return [*kind.__metadata__]
    union = get_origin(kind) in (Union, types.UnionType)
    return [rule for one in get_args(kind) if union for rule in _rules(one)]


def _fits(value: Any, kind: Any, deep: bool = True) -> bool:
    """Whether a value is of a kind, and if deep, all that it holds."""
    outer, inner = get_origin(kind) or kind, get_args(kind)
    if outer in (Union, types.UnionType):
        return any(_fits(value, one, deep) for one in inner)
    if outer is Annotated:
        return _fits(value, inner[0], deep)
    if kind is Any or kind is Ellipsis:
        return True
    if kind in (int, float):  # NumPy's as well, and True is none
        number = Integral if kind is int else Real
        return isinstance(value, number) and not isinstance(value, bool)
    if outer is Callable:
        return callable(value)
    if outer is Iterable:  # not looked into, since that would use it up
        numbers = hasattr(value, "shape")
        return hasattr(value, "__iter__") and not (numbers or isinstance(value, str))
    if outer in (Sequence, tuple, list):
        if isinstance(value, (str, bytes, Mapping)):  # a sequence of letters: no
            return False
        if not hasattr(value, "__getitem__") or getattr(value, "shape", None) == ():
            return False
        if outer is tuple and inner and inner[-1] is not Ellipsis:
            if len(value) != len(inner):
                return False
        else:
            inner = inner[:1] * len(value)
        return not deep or all(map(_fits, value, inner))
    if outer in (Mapping, dict):
        items = isinstance(value, outer) and value.items()
        return items is not False and (
            not (deep and inner) or all(all(map(_fits, i, inner)) for i in items)
        )
    return isinstance(value, types.NoneType if kind is None else outer)


def check_columns(table: Any, *columns: str) -> None:
    """Raise an error that names what a table of results lacks."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table is a {type(table).__name__}: pass a data frame")
    lacking = [name for name in columns if name not in table.columns]
    if lacking or len(table) == 0:
        about = f"lacks {', '.join(lacking)}" if lacking else "has no row"
        raise ValueError(f"the table {about}: pass one of thin_mini.lab.results.table")
