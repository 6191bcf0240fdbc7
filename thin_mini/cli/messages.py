"""How the commands say what went wrong: one line, in the words of the command line."""

from __future__ import annotations

import re
from typing import Any

import typer

from thin_mini.basics import terminal
from thin_mini.files import DataError
from thin_mini.large.settings import FIELDS

EXPECTED = (DataError, ValueError, OSError, ImportError, ArithmeticError, MemoryError)
# Names of the library that are typed otherwise than their words.
TYPED = {"mixed_precision": "--precision", "folder": "FOLDER", "image_size": "--size"}
NAMES = [name for name, own in FIELDS.items() if own.metadata["about"]]
QUOTES = "'\""
# What the library advises of a checkpoint, whose name no command asks for.
ADVICE = ("name another file", "start anew with --no-resume, or name another --out")


class Commands(terminal.Commands):
    """Commands that turn an error into one line and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # of `| head`, which has seen enough
            raise
        except EXPECTED as error:
            lines = as_typed(str(error)).splitlines()
            terminal.say(" ".join(map(str.strip, lines)), err=True)
            raise typer.Exit(code=1) from error


def typed(name: str) -> str:
    """The option for an argument of the library."""
    return TYPED.get(name, f"--{name.replace('_', '-')}")


def as_typed(message: str) -> str:
    """A message of the library with its arguments named as they are typed.

    >>> as_typed("batch_size=64 is more than the 40 training images")
    '--batch-size 64 is more than the 40 training images'
    """

    def option(found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        ruled = found["rule"] is not None and found.start() == 0
        if value is None and not ruled and "_" not in name:
            return name  # which is a word as well
        if value == "False":
            return "--no-resume" if name == "resume" else f"no {typed(name)}"
        return f"{typed(name)} {value.strip(QUOTES) if value else ''}".rstrip()

    names = "|".join([*NAMES, *TYPED, "out"])
    value = r"(?P<value>'[^']*'|\"[^\"]*\"|[^\s'\",:;)]*[^\s'\",:;).]|)"
    rule = r"(?P<rule>(?= (?:\(λ\) )?(?:must|is empty)\b))"
    alone = r"(?<![\w/\\.-])"  # not within a path or a longer name
    pattern = rf"{alone}(?P<name>{names})(?:={value}|{rule}|(?![\w/\\=-]))"
    return re.sub(pattern, option, message.replace(*ADVICE))
