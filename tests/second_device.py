"""A second device, pretended on a CPU: what is there refuses to meet what is here.

It answers to the name of an Apple processor's GPU and, like it, has no float64, unless
all that tests make is there (``pytest --second-device``). Tensors are checked below
autograd, so that backward passes and optimisers are checked as well.
What is computed there equals what is computed here, bit for bit.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._pytree import tree_leaves, tree_map_only

THERE = torch.device("mps", 0)
aten = torch.ops.aten
# What is there may be indexed with what is on the CPU.
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
FACTORIES = _device_constructors()
TESTS = str(Path(__file__).parent)


class Far(Tensor):
    """A tensor on the second device."""

    has_float64 = False
    device = property(lambda self: THERE)  # for PyTorch's own code it is on the CPU
    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func is aten.copy_.default:  # which goes from any device to any other
            super().__torch_dispatch__(func, types, args, kwargs or {})
            return args[0]
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        # As on a GPU, a number on the CPU may take part.
        near = [x for x in tensors if not isinstance(x, Far) and x.dim() > 0]
        if near and (func not in INDEXING or not isinstance(args[0], Far)):
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least "
                f"two devices, {THERE} and cpu! ({func})"
            )
        result = super().__torch_dispatch__(func, types, args, kwargs or {})
        return tree_map_only(Tensor, there, result)

    def numpy(self, *args, **kwargs):
        raise TypeError(
            f"can't convert {THERE} device type tensor to numpy. Use Tensor.cpu() to "
            "copy the tensor to host memory first."
        )

    __array__ = numpy

    # What PyTorch has for its own class alone, and every device can.
    def tolist(self):
        return here(self).tolist()

    def __format__(self, spec):
        return format(here(self), spec)

    def __deepcopy__(self, memo):
        with torch.no_grad():
            copy = self.clone().requires_grad_(self.requires_grad)
        copy.__dict__.update(self.__dict__)  # whether it is a parameter
        memo[id(self)] = copy
        return copy


def there(x: Tensor) -> Tensor:
    if isinstance(x, Far):
        return x
    if x.dtype == torch.float64 and not Far.has_float64:
        raise TypeError(f"Cannot convert a tensor to float64 on {THERE}: it has none")
    return x.as_subclass(Far)


def here(x: Tensor) -> Tensor:
    with torch._C._DisableTorchDispatch():
        return x.as_subclass(Tensor)


class Move(torch.autograd.Function):
    """A copy on the other device, through which gradients flow back."""

    @staticmethod
    def forward(ctx, x, far):
        ctx.far = isinstance(x, Far)
        copy = here(x).clone()
        return there(copy) if far else copy

    @staticmethod
    def backward(ctx, grad):
        return (there(here(grad)) if ctx.far else here(grad)), None


class _Moves(TorchFunctionMode):
    """Understands the second device's name wherever PyTorch takes one."""

    def __init__(self, tests_are_there):
        super().__init__()
        self.tests_are_there = tests_are_there

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.as_tensor and isinstance(args[0], Tensor):
            return _to(args[0], args[1:], kwargs)
        placed = func not in FACTORIES or kwargs.get("device") is not None
        if self.tests_are_there and not placed and asked_for_by_a_test():
            kwargs["device"] = THERE
        if func is Tensor.cpu:
            return _to(args[0], (torch.device("cpu"),), {})
        if func is Tensor.to:
            return _to(args[0], args[1:], kwargs)
        if _is_far(kwargs.get("device")):
            made = func(*args, **kwargs | {"device": "cpu"})
            return there(made.detach()).requires_grad_(made.requires_grad)
        result = func(*args, **kwargs)
        new = func in (Tensor.new, Tensor.new_tensor)
        return there(result) if new and far(args[0]) else result


def asked_for_by_a_test() -> bool:
    """Whether a test makes this tensor, itself or as a part of a module.

    Whatever else the library makes is on the CPU unless it says where.
    """
    frame, asked = sys._getframe(2), True
    while frame and not frame.f_code.co_filename.startswith(TESTS):
        name, made = frame.f_code.co_name, frame.f_locals.get("self")
        if name != "checking":  # the frame that ``checked`` puts around a function
            module = name == "__init__" and isinstance(made, nn.Module)
            asked = module or name == "build"
        frame = frame.f_back
    return frame is not None and asked


def far(x: object) -> bool:
    return isinstance(x, Far)


def _is_far(device: object) -> bool:
    if isinstance(device, str):
        device = torch.device(device)
    return isinstance(device, torch.device) and device.type == THERE.type


def _to(x: Tensor, args: tuple, kwargs: dict) -> Tensor:
    wanted = kwargs.pop("device", None)
    rest = []
    for value in args:
        if isinstance(value, (str, torch.device)):
            wanted = value
        elif isinstance(value, Tensor):
            wanted = value.device
            rest.append(value.dtype)
        elif value is not None and not isinstance(value, bool):
            rest.append(value)
    goes_far = far(x) if wanted is None else _is_far(wanted)
    if rest or kwargs.get("dtype") or kwargs.get("memory_format"):
        kwargs = {k: v for k, v in kwargs.items() if k in ("dtype", "memory_format")}
        if far(x) and not goes_far:  # first here, where there is float64
            x = Move.apply(x, False)
        x = Tensor.to(x, *rest, **kwargs)
    return x if far(x) == goes_far else Move.apply(x, goes_far)


@contextmanager
def second_device(tests_are_there: bool = False) -> Iterator[torch.device]:
    """While it is open, ``.to(device)`` and ``device=`` take what it gives.

    Args:
        tests_are_there: Whether what tests make is on it from the beginning.
    """
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    # Else a module that moves would keep its parameters and change what they hold.
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    Far.has_float64 = tests_are_there
    try:
        with _Moves(tests_are_there):
            yield THERE
    finally:
        Far.has_float64 = False
        torch.__future__.set_overwrite_module_params_on_conversion(before)
