"""What the chapters share: their setting-up and the check against the hand-made."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from traceback import format_exception_only

import torch
from accelerate.utils import set_seed
from torch import Tensor, nn

from thin_mini.basics.devices import choose_device, device_of
from thin_mini.basics.kinds import checked
from thin_mini.course import checking
from thin_mini.course.running import Printed, TimeUp, called, one_thread, within
from thin_mini.insight import plots
from thin_mini.profiles import Profile, profile

TOLERANCE = 1e-6  # of a difference, relative to the largest value


def setup() -> Profile:
    """Seed everything, set the style of the figures, and read the profile.

    Its ``device`` is what ``THIN_MINI_DEVICE`` names, else the accelerator where it
    pays for networks this small: a CUDA GPU does, an Apple processor's does not. The
    chapter's cells move their models there; nothing else does.

    Raises:
        ValueError: If a variable names a profile or a device that there is not.
    """
    size, device = profile(), choose_device(small=True)
    set_seed(0)
    plots.use_style()
    if "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
        if shell is not None:
            shell.run_line_magic("config", "InlineBackend.figure_formats = ['svg']")
    if device.type != "cpu":
        print("device:", device)
    return replace(size, device=str(device))


@checked
def same(
    by_hand: Callable[..., Tensor],
    library: Callable[..., Tensor],
    *inputs: Tensor,
) -> None:
    """Check that two functions agree in their values and in their gradients.

    The gradients are those of a random weighting of the output, with respect to
    every floating-point input and, where ``library`` is a module or its method, to
    each of the module's trainable parameters (so ``by_hand`` should use the same
    ones). A measure has none: then it says that neither of the two has a gradient.
    All is done in float64, where rounding can neither hide a difference nor make one
    up, and on the CPU, since not every GPU has it. The module is afterwards where it
    was and as it was.

    Args:
        by_hand: What the chapter wrote.
        library: The library's piece.
        *inputs: Tensors that both take.

    Raises:
        AssertionError: If anything differs, saying what and by how much.
        NotImplementedError: If ``by_hand`` returns nothing.
    """
    inputs = tuple(
        x.detach().cpu().double().clone().requires_grad_()
        if x.is_floating_point()
        else x.cpu()
        for x in inputs
    )
    leaves = {f"input {i}": x for i, x in enumerate(inputs) if x.requires_grad}
    module = getattr(library, "__self__", library)
    with _in_float64(module if isinstance(module, nn.Module) else nn.Module()) as there:
        leaves |= {n: p for n, p in there.named_parameters() if p.requires_grad}
        ours, theirs = called(by_hand, *inputs), library(*inputs)
        wanted_shape = f"a tensor {tuple(theirs.shape)} is wanted"
        if ours is None or ours is ...:
            raise NotImplementedError(f"nothing is returned, and {wanted_shape}")
        if not isinstance(ours, Tensor):
            raise AssertionError(f"a {type(ours).__name__} came, and {wanted_shape}")
        _compare("values", ours, theirs)
        if ours.requires_grad != theirs.requires_grad:
            raise AssertionError("a gradient flows through only one of the two")
        if not theirs.requires_grad:
            print(f"values equal {tuple(theirs.shape)}, and neither has a gradient")
            return
        weights, wanted = torch.randn_like(theirs.detach()), list(leaves.values())
        gradients = (
            called(torch.autograd.grad, (y * weights).sum(), wanted, allow_unused=True)
            for y in (ours, theirs)
        )
        for name, a, b in zip(leaves, *gradients, strict=True):
            if (a is None) != (b is None):
                raise AssertionError(f"only one of the two has a gradient for {name}")
            if a is not None and b is not None:
                _compare(f"gradients for {name}", a, b)
    print(
        f"values equal {tuple(theirs.shape)}, gradients equal for {len(leaves)} tensors"
    )


@checked
@one_thread()
def tell(
    by_hand: Callable[..., Tensor],
    library: Callable[..., Tensor],
    *inputs: Tensor,
) -> None:
    """Do as :func:`same`, for a piece that is being written: print an answer.

    It says *nothing there yet*, *not yet* with the first thing that differs, or
    *right*, whatever the function does, and stops one that takes too long.

    Args:
        by_hand: What the reader wrote.
        library: The library's piece.
        *inputs: Tensors that both take.
    """
    error: BaseException | None = None
    printed = Printed()

    def work() -> BaseException | None:
        try:
            same(by_hand, library, *inputs)
        except (TimeUp, KeyboardInterrupt):
            raise
        except BaseException as problem:
            return problem
        return None

    try:
        with redirect_stdout(printed):
            error = within(checking.LIMIT, work)
    except TimeUp as problem:
        error = problem
    name = getattr(by_hand, "__name__", "").partition("<")[0] or "by hand"
    what = format_exception_only(error)[-1].partition("\n")[0][:300] if error else ""
    if error is None:
        says = f"right. {printed.getvalue().strip()}"
    elif isinstance(error, NotImplementedError) and "implemented for" not in what:
        says = f"nothing there yet. {what.partition(': ')[2]}"
    elif isinstance(error, AssertionError):
        says = f"not yet. {what.partition(': ')[2]}"
    elif isinstance(error, TimeUp):
        says = f"not yet. It was stopped after {checking.LIMIT:g} seconds: a loop?"
    else:
        came = ", ".join(checking.shown(x.double()) for x in inputs)
        says = f"not yet. Your function raised {what}\nIt was called with {came}."
    state = says.partition(".")[0]
    print(checking.Answer(state, f"{name}: {says}"))


@contextmanager
def _in_float64(module: nn.Module) -> Iterator[nn.Module]:
    """The module on the CPU and in float64, then as it was, batch statistics too."""
    device = device_of(module)
    before = copy.deepcopy(module.state_dict())
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    try:
        yield module.cpu().double()
    finally:
        module.to(dtype).to(device)
        module.load_state_dict(before)


def _compare(what: str, ours: Tensor, theirs: Tensor) -> None:
    if ours.shape != theirs.shape:
        shapes = f"{tuple(ours.shape)} by hand, {tuple(theirs.shape)} in the library"
        raise AssertionError(f"{what}: shape {shapes}")
    if theirs.numel() == 0:
        raise AssertionError(f"{what} are empty: there is nothing to compare")
    if not (ours.isfinite().all() and theirs.isfinite().all()):
        raise AssertionError(f"{what} hold NaN or infinity")
    difference = (ours - theirs).abs().max().item()
    # The floor is for gradients that are truly 0, such as a bias before a batch norm.
    if difference > TOLERANCE * theirs.abs().max().item() + 1e-10:
        how = checking.differ(ours.detach(), theirs.detach(), torch.float64)
        raise AssertionError(f"{what} differ by up to {difference:.3g}. {how}")
