"""What may pass between the grader and a submission: plain values, as JSON.

Nothing is pickled, so that no reply can run code, however it was made.
"""

from __future__ import annotations

import json
import math
import os
import select
import struct
import time
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import torch
from torch import Tensor

MOST = 32 * 2**20  # bytes of a message
KINDS = {
    *("bool", "uint8", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
}


class Stopped(Exception):
    """The submission's process is late, gone, or talks nonsense."""


def encode(x: Any) -> dict[str, Any]:
    """A value as JSON can hold it; of anything else, its kind."""
    if x is None or isinstance(x, bool | int | float | str):
        return {"plain": x}
    if isinstance(x, Tensor):
        data = x.detach().cpu()
        kind = str(data.dtype).removeprefix("torch.")
        if kind in KINDS:
            return {**_array(data.numpy()), "grad": x.requires_grad}
        return {"odd": f"tensor of {kind}"}
    if isinstance(x, np.ndarray | np.generic) and x.dtype.name in KINDS:
        return {**_array(np.asarray(x)), "numpy": True}
    if isinstance(x, list | tuple):
        return {type(x).__mro__[-2].__name__: [encode(one) for one in x]}
    if isinstance(x, dict):
        return {"dict": [[encode(key), encode(x[key])] for key in x]}
    return {"odd": "function" if callable(x) else type(x).__name__}


def _array(data: np.ndarray) -> dict[str, Any]:
    if data.nbytes > MOST:
        raise ValueError("this answer is too large")
    text = b64encode(np.ascontiguousarray(data).tobytes()).decode("ascii")
    return {"array": text, "kind": data.dtype.name, "shape": [*data.shape]}


def decode(x: dict[str, Any]) -> Any:
    """The value again.

    Raises:
        TypeError: If it is of a kind that does not pass.
        ValueError: If it contradicts itself.
    """
    if "plain" in x:
        return x["plain"]
    if "array" in x:
        if x["kind"] not in KINDS:
            raise TypeError(f"a {x['kind']} came")
        data = np.frombuffer(b64decode(x["array"]), x["kind"])
        if math.prod(x["shape"]) != data.size:
            raise ValueError("an array came whose shape does not hold its numbers")
        data = data.reshape(x["shape"]).copy()
        return data if x.get("numpy") else torch.from_numpy(data)
    if "list" in x or "tuple" in x:
        ((kind, parts),) = x.items()
        return (tuple if kind == "tuple" else list)(decode(one) for one in parts)
    if "dict" in x:
        return {decode(key): decode(value) for key, value in x["dict"]}
    raise TypeError(f"a {str(x.get('odd'))[:40]} came, where a value is wanted")


def send(pipe: int, message: dict[str, Any], until: float = math.inf) -> None:
    """Write a message, waiting no longer than until then."""
    text = json.dumps(message).encode()
    if len(text) > MOST:
        raise ValueError("this answer is too large")
    rest = memoryview(struct.pack("!I", len(text)) + text)
    while rest:
        _wait([], [pipe], until)
        try:
            rest = rest[os.write(pipe, rest[:4096]) :]
        except OSError as error:
            raise Stopped("it ended") from error


def receive(pipe: int, until: float = math.inf) -> dict[str, Any]:
    """Read a message, waiting no longer than until then."""
    (length,) = struct.unpack("!I", _read(pipe, 4, until))
    if length > MOST:
        raise Stopped("it sent too much")
    try:
        message = json.loads(_read(pipe, length, until))
    except (ValueError, RecursionError) as error:
        raise Stopped("it sent nonsense") from error
    if not isinstance(message, dict):
        raise Stopped("it sent nonsense")
    return message


def _read(pipe: int, length: int, until: float) -> bytes:
    parts = b""
    while len(parts) < length:
        _wait([pipe], [], until)
        part = os.read(pipe, min(length - len(parts), 2**20))
        if not part:
            raise Stopped("it ended")
        parts += part
    return parts


def _wait(read: list[int], write: list[int], until: float) -> None:
    left = None if until == math.inf else max(0.0, until - time.monotonic())
    if not any(select.select(read, write, [], left)):
        raise Stopped("it took too long")
