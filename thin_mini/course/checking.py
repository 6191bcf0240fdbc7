"""Answers to what a reader wrote: nothing there yet, not yet, or right."""

from __future__ import annotations

import inspect
import time
from dataclasses import dataclass
from textwrap import fill
from traceback import extract_tb, format_exception_only
from typing import Annotated, Any

import torch
from torch import Tensor

from thin_mini.basics.checks import one_of
from thin_mini.basics.devices import choose_device
from thin_mini.basics.kinds import checked
from thin_mini.course import running
from thin_mini.course.exercise import Exercise, find
from thin_mini.course.running import Found, Inputs, TimeUp, attempt, placed, run

LIMIT = 6.0  # seconds for a reader's function in all
# Of a difference, relative to the largest value.
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6}


@dataclass(frozen=True, repr=False)
class Answer:
    """What a check says; it prints as text.

    Attributes:
        state: ``"nothing there yet"``, ``"not yet"`` or ``"right"``; or ``"hint"``.
        text: All of it, in sentences.
    """

    state: str
    text: str

    def __repr__(self) -> str:
        return "\n".join(fill(line, 88) for line in self.text.splitlines())


@checked
@running.one_thread()
def check(name: str, function: Any) -> Answer:
    """Try a reader's function on drawn inputs, and say what is missing if anything is.

    A cell shows the answer if this is its last line; a script prints it. The inputs
    are drawn anew: floats in float32, then in float64, then on the device of the
    chapters if that is another one. A function that takes too long is stopped.

    Args:
        name: Of the exercise, such as ``"tree-gate"``.
        function: The reader's, not called.

    Raises:
        ValueError: If no exercise has that name.
    """
    exercise = find(name)
    if inspect.isclass(function):
        return _not_yet(exercise, f"Pass a function: a class came, {function}.")
    if not callable(function):
        kind = _a(type(function).__name__)
        return _not_yet(exercise, f"Pass your function, not called: {kind} came.")
    rounds = [(torch.float32, "cpu"), (torch.float64, "cpu")]
    if (own := str(choose_device(small=True))) != "cpu":
        rounds.append((torch.float32, own))
    until = time.monotonic() + LIMIT
    # Whatever mode the reader is in, and without drawing from the reader's numbers.
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng([]):
        for number, (dtype, device) in enumerate(rounds):
            torch.default_generator.manual_seed(number)
            with torch.device("cpu"):
                drawn = exercise.draw(6 + number)
            inputs = placed(drawn, exercise.gradients, dtype, device)
            seconds = max(0.1, until - time.monotonic())
            tried = attempt(function, inputs, exercise.gradients, seconds)
            if (answer := _judged(exercise, drawn, inputs, tried, dtype)) is not None:
                return answer
    return Answer("right", f"{name}: right. Notice: {exercise.notice}")


@checked
def hint(name: str, level: Annotated[int, one_of(1, 2, 3)] = 1) -> Answer:
    """One of an exercise's three hints, each of which says more than the one before.

    Args:
        name: Of the exercise.
        level: 1, 2 or 3.

    Raises:
        ValueError: If there is no such exercise or level.
    """
    return Answer("hint", f"{name}, hint {level} of 3: {find(name).hints[level - 1]}")


def _not_yet(exercise: Exercise, *says: str) -> Answer:
    told = "\n".join([*filter(None, says), f'Hints: tm.course.hint("{exercise.name}")'])
    return Answer("not yet", f"{exercise.name}: not yet. {told}")


def _judged(
    exercise: Exercise, drawn: Inputs, inputs: Inputs, tried: Any, dtype: torch.dtype
) -> Answer | None:
    """What to say of one round; None if all of it is right."""
    came, found, error, printed = tried
    grad = exercise.gradients
    called = ", ".join(
        f"{name} {shown(x)}" if isinstance(x, Tensor) else name
        for name, x in inputs.items()
    )
    called = f"It was called with {called}."
    heard = f"It printed {printed!r}." if printed else ""
    if isinstance(error, TimeUp):
        says = f"It was stopped after {LIMIT:g} seconds: does a loop never end?"
        return _not_yet(exercise, says, called, heard)
    what = format_exception_only(error)[-1].partition("\n")[0][:300] if error else ""
    stub = isinstance(error, NotImplementedError) and "implemented for" not in what
    if what and not stub:  # PyTorch says "not implemented for" a device
        what = f"Your function raised {what}{_line(error)}"
        return _not_yet(exercise, what, called, heard)
    if came is None or came is ...:
        says = f"{exercise.name}: nothing there yet. The function returns nothing."
        says += f" It printed {printed!r}, which is no answer." if printed else ""
        return Answer("nothing there yet", f"{says}\nWanted: {exercise.task}")
    if not found:
        kind = type(came).__name__
        kind = f"tensor {shown(came)}" if isinstance(came, Tensor) else kind
        wanted = f"a tensor of a few real numbers{'' if grad else ', or a tuple,'}"
        says = f"Type: {_a(kind)} came, where {wanted} is wanted."
        says += " A number has no gradient." if isinstance(came, float) else ""
        return _not_yet(exercise, says, f"Wanted: {exercise.task}", heard)
    _, right = run(exercise.right, placed(drawn, grad, torch.float64), grad)
    says = _kind(came, inputs) or _difference(found, right, dtype)
    if not says:
        return None
    known = _mistake(exercise, drawn, found, right, dtype)
    return _not_yet(exercise, says, known, heard)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _line(error: BaseException) -> str:
    """The line of the reader's function at which it failed, in words."""
    calls = [
        x for x in extract_tb(error.__traceback__) if x.filename != running.__file__
    ]
    own = [call.line for call in calls if call.filename == calls[0].filename]
    return f", in the line `{own[-1]}`" if own and own[-1] else ""


def shown(x: Tensor) -> str:
    """A tensor's shape, type and place, in words."""
    return f"{tuple(x.shape)} of {x.dtype} on {x.device}"


def _kind(came: Tensor, inputs: Inputs) -> str:
    """What is wrong with the place or the type of an answer that has gradients."""
    for name, x in inputs.items():
        if getattr(x, "requires_grad", False):
            like = f"What is made anew should be like {name}: `{name}.new_zeros(…)`."
            if came.device != x.device:
                where = f"the answer is on {came.device}, inputs on {x.device}"
                return f"Device: {where}. {like}"
            if came.dtype != x.dtype:
                what = f"{came.dtype} came from inputs of {x.dtype}"
                return f"Type of numbers: {what}. {like}"
    return ""


def _near(a: Tensor, b: Tensor, dtype: torch.dtype) -> bool:
    if a.shape != b.shape:
        return False
    return torch.allclose(a, b, rtol=0, atol=_noise(b, dtype), equal_nan=True)


def _noise(b: Tensor, dtype: torch.dtype) -> float:
    """By how much rounding may move an answer."""
    return TOLERANCE[dtype] * max(0.01, b.nan_to_num(0, 0, 0).abs().max().item())


def _difference(found: Found, right: Found, dtype: torch.dtype) -> str:
    """The first thing that differs, in words; nothing if all is right."""
    ours, theirs = found["values"], right["values"]
    if ours.shape != theirs.shape:
        says = f"Shape: {tuple(ours.shape)} came, {tuple(theirs.shape)} is wanted."
        turned = ours.shape == theirs.shape[::-1]
        return f"{says} Are the axes exchanged?" if turned else says
    if not ours.isfinite().all():
        return "Values: some are NaN or infinite."
    if not _near(ours, theirs, dtype):
        return differ(ours, theirs, dtype)
    gradients = [name for name in right if name.startswith("gradient")]
    flows = [any(part[name].any() for name in gradients) for part in (right, found)]
    if flows == [True, False]:
        says = "Gradient: the values are right, but no gradient flows back from them: "
        return f"{says}`detach`, `no_grad`, `.data` or a new `torch.tensor` cuts it."
    for name in right:
        if not _near(found[name], right[name], dtype):
            if name.startswith("state"):
                return f"State: the call changes the {name.partition(' of ')[2]}."
            if not found[name].isfinite().all():
                return f"Gradient: the {name} is NaN or infinite."
            if not right[name].any():
                return f"Gradient: there is a {name}, where none should arrive."
            if not found[name].any():
                return f"Gradient: none arrives at {name.partition(' of ')[2]}."
            return f"Gradient: the {name} is another one."
    return ""


def differ(ours: Tensor, theirs: Tensor, dtype: torch.dtype) -> str:
    """In what way values are wrong."""
    sums, wanted = (x.sum(-1) if x.ndim > 1 else x.new_ones(1) for x in (ours, theirs))
    one = torch.ones_like(wanted)
    if _near(wanted, one, dtype) and not _near(sums, one, dtype):
        worst = sums.flatten()[(sums - 1).abs().argmax()]
        return f"Sum: a row sums to {worst:.4g}, and each should sum to 1."
    factor = (ours * theirs).sum() / theirs.square().sum()
    times = max(factor.abs(), 1 / factor.abs())
    # One number is some multiple of any other: only a whole one tells something.
    whole = (times - times.round()).abs() < 1e-5 * times and factor.round() != 1
    telling = factor != 0 and (ours.numel() > 1 or whole)
    if telling and _near(ours / factor, theirs, dtype):
        return f"Values: they are {factor:.4g} times what they should be."
    far = (ours - theirs).abs()
    percent = f"{100 * far.max() / theirs.abs().max():.3g} % of the largest."
    if ours.numel() == 1:
        return f"Values: it differs by {percent}"
    differ = int((far > _noise(theirs, dtype)).sum())
    place = [int(i) for i in torch.unravel_index(far.argmax(), far.shape)]
    return f"Values: {differ} of {far.numel()} differ, most at {place}, by {percent}"


def _mistake(
    exercise: Exercise, drawn: Inputs, found: Found, right: Found, dtype: torch.dtype
) -> str:
    """What to say of the mistake that gives just this answer, if it is known."""
    grad = exercise.gradients
    made = {
        says: run(wrong, placed(drawn, grad, dtype), grad)[1]
        for says, wrong in exercise.mistakes.items()
    }
    for says, theirs in made.items():
        if all(_near(found[name], x, dtype) for name, x in theirs.items()):
            return says
    if _near(found["values"], right["values"], dtype):
        return ""
    known = (s for s, x in made.items() if _near(found["values"], x["values"], dtype))
    return next(known, "")
