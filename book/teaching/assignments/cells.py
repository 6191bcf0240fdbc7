"""A submission's cells and functions, run and called as the grader asks."""

from __future__ import annotations

import ast
import io
import re
import sys
import traceback
from base64 import b64encode
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any

import torch
import wire

MOST_TEXT = 10_000
MAGIC = re.compile(r"^(?=[%!])", re.M)  # commands of IPython


class Notebook:
    """The names that a submission's cells have made, and calls of its functions."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.outputs: list[tuple[Any, list[torch.Tensor]]] = []

    def run(self, cell: str) -> dict[str, Any]:
        """Run a cell: what it printed, its error and its figures."""
        printed, error = io.StringIO(), None
        with redirect_stdout(printed), redirect_stderr(printed):
            try:
                body = ast.parse(MAGIC.sub("pass  # ", cell), "<cell>").body
                last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
                exec(compile(ast.Module(body, []), "<cell>", "exec"), self.names)
                if last is not None:
                    whole = ast.Expression(last.value)
                    value = eval(compile(whole, "<cell>", "eval"), self.names)
                    if value is not None:
                        print(repr(value))
            except BaseException as problem:
                error = told(problem)
        text = printed.getvalue()[:MOST_TEXT]
        return {"text": text, "error": error, "figures": figures()}

    def get(self, name: str) -> dict[str, Any]:
        """A name's value, or that it is a function, or that there is none."""
        if name not in self.names:
            return {"missing": True}
        value = self.names[name]
        return {"function": True} if callable(value) else {"value": wire.encode(value)}

    def call(self, name: str, args: list[Any], grad: list[int]) -> dict[str, Any]:
        """Call a function with values, of which some want a gradient."""
        values = [wire.decode(one) for one in args]
        leaves = [values[i].requires_grad_() for i in grad]
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            try:
                came = self.names[name](*values)
            except BaseException as problem:
                return {"error": told(problem)}
        self.outputs.append((came, leaves))
        return {"value": wire.encode(came), "number": len(self.outputs) - 1}

    def back(self, number: int, grad: dict[str, Any]) -> dict[str, Any]:
        """The gradients for what a call was given, from one for what it returned."""
        came, leaves = self.outputs[number]
        try:
            grads = torch.autograd.grad(
                came, leaves, wire.decode(grad), allow_unused=True, retain_graph=True
            )
        except BaseException as problem:
            return {"error": told(problem)}
        return {"grads": [wire.encode(one) for one in grads]}


def told(problem: BaseException) -> str:
    """An error in one line."""
    with suppress(BaseException):
        return traceback.format_exception_only(problem)[-1].strip()[:500]
    return "an error that cannot be told"


def figures() -> list[str]:
    """The open figures as PNG, which are then closed."""
    drawn = []
    if "matplotlib.pyplot" in sys.modules:
        with suppress(Exception):
            plt = sys.modules["matplotlib.pyplot"]
            for number in plt.get_fignums()[:4]:
                picture = io.BytesIO()
                plt.figure(number).savefig(picture, format="png", dpi=70)
                drawn.append(b64encode(picture.getvalue()).decode("ascii"))
            plt.close("all")
    return drawn


def serve(inbox: int, outbox: int) -> None:
    """Answer one message after the other, until nobody asks."""
    notebook = Notebook()
    wire.send(outbox, {"ready": True})
    while True:
        try:
            message = wire.receive(inbox)
            do = getattr(notebook, message.pop("do"))
            reply = do(**message)
            wire.send(outbox, reply)
        except wire.Stopped:
            return
        except Exception as problem:  # an answer that cannot be sent
            wire.send(outbox, {"error": told(problem)})
