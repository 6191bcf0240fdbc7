"""A function run on drawn inputs: what it gives, its gradients, and never for ever."""

from __future__ import annotations

import copy
import ctypes
import io
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from numbers import Real
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

AGAIN = 1e-5  # seconds
LARGEST = 1_000_000  # numbers of an answer that are looked at
PRINTED = 300  # letters of what a function prints that are kept
Inputs = dict[str, Any]  # by name, in the order of the call
Found = dict[str, Tensor]  # what is compared, on the CPU and in float64


class TimeUp(BaseException):
    """Not an Exception, so that a reader's ``except Exception`` lets it through."""


class Printed(io.StringIO):
    """Keeps the beginning of what is printed, and no more."""

    def write(self, text: str) -> int:
        return super().write(text[: max(0, PRINTED - self.tell())])


def called(function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What a function of a reader returns; it is stopped here and in :func:`run`."""
    return function(*given, **named)


def _stop(_: int, frame: FrameType | None) -> None:
    while frame and frame.f_code not in (run.__code__, called.__code__):
        frame = frame.f_back
    if frame:  # else the function has been left already
        signal.setitimer(signal.ITIMER_REAL, AGAIN)  # a bare ``except`` may catch it
        raise TimeUp


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: on a busy machine several wait seconds for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """What ``work`` returns, which raises nothing of its own.

    Raises:
        TimeUp: If it takes longer.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and hasattr(signal, "setitimer"):  # ends a loop, and a sleep as well
        before = signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
    # Windows has no timer and only a main thread hears one: else it is waited for.
    found: list[Any] = []

    def target() -> None:
        with suppress(TimeUp), suppress(TimeUp):  # one may come while one is handled
            found.append(work())

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(seconds)
    for _ in range(20):
        if found or not thread.is_alive():
            break
        name = ctypes.c_ulong(thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(name, ctypes.py_object(TimeUp))
        thread.join(0.1)  # for what it takes to leave the function
    if not found:
        raise TimeUp
    return found[0]


def attempt(
    function: Callable[..., Any], inputs: Inputs, gradients: bool, seconds: float
) -> tuple[Any, Found, BaseException | None, str]:
    """A reader's function: as :func:`run`, with what it raised and what it printed."""

    def work() -> tuple[Any, Found, BaseException | None]:
        try:
            return *run(function, inputs, gradients), None
        except (TimeUp, KeyboardInterrupt):
            raise
        except BaseException as error:
            return None, {}, error

    printed = Printed()
    try:
        with redirect_stdout(printed), redirect_stderr(Printed()):
            return *within(seconds, work), printed.getvalue().strip()
    except TimeUp as error:
        return None, {}, error, printed.getvalue().strip()


def placed(
    drawn: Inputs, gradients: bool, dtype: torch.dtype, device: str = "cpu"
) -> Inputs:
    """A copy of the inputs of one's own, its floats of a type and with gradients."""
    made = {}
    for name, x in drawn.items():
        if isinstance(x, nn.Module):
            x = copy.deepcopy(x).to(device, dtype)
        elif isinstance(x, Tensor):
            floats = x.is_floating_point()
            x = x.clone().to(dtype if floats else x.dtype).to(device)
            x.requires_grad_(floats and gradients)
        made[name] = x
    return made


def run(
    function: Callable[..., Any], inputs: Inputs, gradients: bool
) -> tuple[Any, Found]:
    """Call a function: what it returned, and all that is compared.

    Args:
        function: The reader's, the right one or a mistake.
        inputs: As :func:`placed` makes them.
        gradients: Whether gradients are wanted: those of a weighted sum of the answer,
            for each input and each parameter of a module among the inputs.

    Returns:
        The answer; and its ``values``, each ``gradient of …`` and each ``state of …``
        a module, or nothing where no numbers came.
    """
    leaves = {n: x for n, x in inputs.items() if getattr(x, "requires_grad", False)}
    states: Found = {}
    for name, module in inputs.items():
        if isinstance(module, nn.Module):
            leaves |= {f"{name}.{key}": p for key, p in module.named_parameters()}
            states |= {f"{name}.{key}": b for key, b in module.named_buffers()}
    came = function(*inputs.values())
    values = numbers(came, measure=not gradients)
    if values is None:
        return came, {}
    found = {"values": plain(values)}
    reached = [x for x in leaves.values() if x.requires_grad and gradients]
    arrived: dict[int, Tensor | None] = {}
    if values.requires_grad and reached:
        weights = torch.arange(1.0, values.numel() + 1, device="cpu").cos()
        total = (values * weights.view(values.shape).to(values)).sum()
        back = torch.autograd.grad(total, reached, allow_unused=True)
        arrived = dict(zip(map(id, reached), back, strict=True))
    for name, x in leaves.items():
        gradient = arrived.get(id(x))
        there = torch.zeros_like(x) if gradient is None else gradient
        found[f"gradient of {name}"] = plain(there)
    return came, found | {f"state of {n}": plain(b) for n, b in states.items()}


def plain(x: Tensor) -> Tensor:
    """Its numbers, on the CPU and in float64."""
    return x.detach().cpu().double().clone()


def numbers(came: Any, measure: bool) -> Tensor | None:
    """An answer as a tensor; None if it is none, nor numbers where those will do."""
    if isinstance(came, Tensor):
        strange = came.is_meta or came.is_complex() or came.layout != torch.strided
        return None if strange or came.numel() > LARGEST else came
    parts = came if isinstance(came, tuple) else (came,)
    single = (isinstance(x, Real) or getattr(x, "shape", None) == () for x in parts)
    if not (measure and parts and all(single)):
        return None
    values = torch.tensor([float(x) for x in parts], dtype=torch.float64, device="cpu")
    return values if isinstance(came, tuple) else values[0]
