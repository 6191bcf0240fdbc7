"""Where half precision ends: probabilities, mixtures and angles are in float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full(x: Tensor) -> Tensor:
    """In float32; what is float64 stays so."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def autocasts(x: Tensor) -> bool:
    """Whether operations on ``x`` are being cast to half precision."""
    kind = x.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def no_autocast(x: Tensor) -> AbstractContextManager[object]:
    """Let operations on ``x`` keep its precision."""
    if autocasts(x):
        return torch.autocast(x.device.type, enabled=False)
    return nullcontext()
