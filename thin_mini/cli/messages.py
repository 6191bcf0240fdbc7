"""How the commands say what went wrong: one line, in the words of the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

# The library's arguments whose options are called otherwise.
OPTIONS = {
    "batch_size": "--batch-size",
    "mixed_precision": "--precision",
    "weights_of": "--weights-of",
    "image_size": "--size",
    "folder": "FOLDER",
}
FLAGS = {"resume=False": "--no-resume", "balanced=False": "no --balanced"}
# What the library advises of a checkpoint, whose name no command asks for.
ADVICE = ("name another file", "start anew with --no-resume, or name another --out")
# Those that are words as well are options only where a value or a rule follows.
WORDS = (
    *("steps", "workers", "size", "seed", "device", "layout", "model", "encoder"),
    *("out", "lr", "dispel", "accumulate", "weights", "identity", "every"),
)


@contextmanager
def one_line(kept: Callable[[], str]) -> Iterator[None]:
    """Turn an error into one line and exit code 1, an interruption into 130.

    Args:
        kept: Says, after an interruption, what is kept and how to go on.
    """
    first = os.environ.get("RANK", "0") == "0"  # of the processes of torchrun
    try:
        yield
    except KeyboardInterrupt:
        if first:
            typer.echo(f"\nstopped: {kept()}", err=True)
        raise typer.Exit(code=130) from None
    except Exception as error:
        from thin_mini.files import DataError

        expected = (DataError, ValueError, OSError, ImportError)
        if not isinstance(error, (*expected, FloatingPointError, MemoryError)):
            raise
        typer.echo(as_typed(str(error)), err=True)
        raise typer.Exit(code=1) from error


def as_typed(message: str) -> str:
    """A message of the library with its arguments named as they are typed.

    >>> as_typed("batch_size=64 is more than the 40 training images")
    '--batch-size 64 is more than the 40 training images'
    """
    message = message.replace(*ADVICE)
    alone = r"(?<![\w/\\.-])"  # not within a path or a longer name
    for flag, typed in FLAGS.items():
        message = re.sub(rf"{alone}{flag}\b", typed, message)
    for name in (*OPTIONS, *WORDS):
        option = OPTIONS.get(name, f"--{name}")
        value = r"=(?:(['\"]?)(\w[^\s'\",:;)]*)\1)?"
        message = re.sub(rf"{alone}{name}{value}", rf"{option} \2", message)
        message = message.replace(f"{option} .", f"{option}.")  # it had no value
        rest = (
            r"(?![\w/\\-])" if "_" in name else r"(?= (?:\(λ\) )?(?:must|is empty)\b)"
        )
        start = alone if "_" in name else "^"
        message = re.sub(f"{start}{name}{rest}", option, message)
    return message
