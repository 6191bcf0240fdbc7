"""A submission from outside: its process, its time, and its functions from afar."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import wire
from torch import Tensor

import thin_mini
from thin_mini.data import store

HERE = Path(__file__).resolve().parent
LIBRARY = Path(thin_mini.__file__).resolve().parent
NEW = ("--user", "--map-root-user", "--mount", "--net", "--pid", "--ipc", "--uts")
UNSHARE = ["unshare", *NEW, "--fork", "--kill-child"]


@dataclass(frozen=True)
class Limits:
    """Seconds: to start, for a cell, for a call of a function, for a notebook."""

    start: float = 180
    cell: float = 60
    call: float = 10
    whole: float = 600


def seen() -> list[str]:
    """What a submission sees of the disk: Python, the library, the data."""
    system = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/sys"]
    system += [f"/etc/{name}" for name in ("ld.so.cache", "localtime", "fonts")]
    system += [f"/dev/{name}" for name in ("null", "zero", "random", "urandom")]
    python = [sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)]
    ours = [LIBRARY, LIBRARY.parent / "results", store.cache_folder()]
    data = os.environ.get("THIN_MINI_DATA", "")
    paths = [
        *system,
        *python,
        *map(str, ours),
        *([data] if os.path.isdir(data) else []),
    ]
    return [path for path in dict.fromkeys(paths) if os.path.lexists(path)]


@lru_cache
def why_open() -> str:
    """Why this machine gives a process no namespaces of its own; nothing if it does."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            [*_command(_rooms(folder), closed=True), "--only-try"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
    said = tried.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return f"{said or 'unshare failed'}" if tried.returncode else ""


def _rooms(folder: str) -> Path:
    """Inside a new folder one for the copy, which is returned, and one for a root."""
    whole = Path(folder).resolve()
    (whole / "root").mkdir()
    (whole / "copy").mkdir()
    return whole / "copy"


def _command(folder: Path, closed: bool) -> list[str]:
    command = [sys.executable, str(HERE / "inside.py"), "--folder", str(folder)]
    if closed:
        command = [*UNSHARE, *command, "--closed", str(folder.with_name("root"))]
    return [*command, "--see", *seen(), str(HERE / "cells.py"), str(HERE / "wire.py")]


class Sandbox:
    """One process for one submission, in its own copy of a folder."""

    def __init__(self, folder: str, limits: Limits, closed: bool) -> None:
        self.folder, self.limits, self.closed = _rooms(folder), limits, closed
        self.until = time.monotonic() + limits.whole
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; anything left of an earlier one is ended first.

        Raises:
            RuntimeError: If it does not start, which is no fault of the submission's.
        """
        self.close()
        kept = (
            "PATH",
            "LANG",
            "LD_LIBRARY_PATH",
            "THIN_MINI_DATA",
            "THIN_MINI_PROFILE",
        )
        own = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME"))
        environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            **dict.fromkeys(own, str(self.folder)),
            "THIN_MINI_CACHE": str(store.cache_folder()),
            "PYTHONPATH": str(LIBRARY.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "Agg",
        }
        self.process = subprocess.Popen(
            _command(self.folder, self.closed),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=environment,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + self.limits.start
            wire.receive(self.process.stdout.fileno(), until)
        except wire.Stopped as stopped:
            self.close()
            raise RuntimeError(f"a process for a submission: {stopped}") from stopped

    def ask(self, seconds: float, **message: Any) -> dict[str, Any]:
        """Send a message and wait for the answer.

        Raises:
            wire.Stopped: If none comes in time; the process has then been ended.
        """
        until = min(time.monotonic() + seconds, self.until)
        try:
            if self.process is None:
                raise wire.Stopped("it ended")
            wire.send(self.process.stdin.fileno(), message, until)
            return wire.receive(self.process.stdout.fileno(), until)
        except wire.Stopped:
            self.close()
            raise

    def late(self) -> bool:
        """Whether the time of the whole notebook is up."""
        return time.monotonic() > self.until

    def close(self) -> None:
        """End the process and all that it has started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


class _Joined(torch.autograd.Function):
    """What came from afar, with a gradient that is asked for afar."""

    @staticmethod
    def forward(ctx: Any, back: Any, value: Tensor, *leaves: Tensor) -> Tensor:
        ctx.back = back
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        return None, None, *ctx.back(grads[0])


class Wrong(Exception):
    """What a submission's function said or gave is no answer."""


class Afar:
    """A function of the submission, as the teacher's tests call it.

    Tensors that want a gradient get it: forward and backward both run over there.
    """

    def __init__(self, box: Sandbox, name: str) -> None:
        self.box, self.name = box, name

    def __call__(self, *args: Any) -> Any:
        grad = [
            i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad
        ]
        values = [wire.encode(x) for x in args]
        seconds = self.box.limits.call
        reply = self.box.ask(seconds, do="call", name=self.name, args=values, grad=grad)
        value = self._answer(reply, "value")
        if not grad or not reply["value"].get("grad"):
            return value

        def back(upstream: Tensor) -> list[Tensor | None]:
            sent = wire.encode(upstream)
            asked = {"do": "back", "number": reply["number"], "grad": sent}
            return self._answer(self.box.ask(seconds, **asked), "grads")

        return _Joined.apply(back, value, *(args[i] for i in grad))

    def _answer(self, reply: dict[str, Any], part: str) -> Any:
        if "error" in reply:
            raise Wrong(f"{self.name} raised {str(reply['error'])[:500]}")
        try:
            if part == "grads":
                return [wire.decode(one) for one in reply[part]]
            return wire.decode(reply[part])
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise Wrong(f"{self.name}: {error}") from error
