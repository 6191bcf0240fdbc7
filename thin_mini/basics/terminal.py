"""What all commands share: any terminal can show them, and Ctrl-C gets one line."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from typing import Any

import typer
from typer.core import TyperGroup

PLAIN = "thin-mini"  # the name of the error handler below
# What Unicode's own decompositions and names do not bring.
SPELLED = {
    **{"λ": "lambda", "±": "+/-", "≥": ">=", "≤": "<=", "×": "x", "·": "*"},
    **{"−": "-", "–": "-", "—": "-", "…": "...", "→": "->", "√": "sqrt", "°": " deg"},
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
}
KEPT = {
    "data": "what is half downloaded is gone; the same command starts again",
    "reproduce": "finished runs are kept, and the same command makes the others",
    "ledger": "the ledger is as it was",
    "predict": "nothing was written; start again",
    "export": "nothing was written; start again",
}


def spell(error: UnicodeError) -> tuple[str, int]:
    """Write in ASCII what an encoding lacks: λ as lambda, ± as +/-."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(map(_spelled, text)), error.end


def _spelled(char: str) -> str:
    if char in SPELLED:
        return SPELLED[char]
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    name = unicodedata.name(char, "?")
    return plain or (name.split()[-1].lower() if name.startswith("GREEK") else "?")


codecs.register_error(PLAIN, spell)


def say(text: object, err: bool = False) -> None:
    """Print for the eye; ``typer.echo`` would send UTF-8 to an ASCII terminal.

    At once, so that what goes to both streams stays in order where they are one.
    """
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


class Commands(TyperGroup):
    """Commands that print in any encoding and say what an interruption leaves."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # not in a notebook
                stream.reconfigure(errors=PLAIN)
        return super().main(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # which may say it
            kept = KEPT.get(ctx.invoked_subcommand, "nothing is changed")
            if os.environ.get("RANK", "0") == "0":  # of the processes of torchrun
                say(f"\nstopped: {error.args[0] if error.args else kept}", err=True)
            raise typer.Exit(code=130) from None  # as shells say of Ctrl-C


def fail(error: BaseException | str) -> typer.Exit:
    """Print what is wrong in one line, and return what to raise."""
    say(" ".join(str(error).split()), err=True)
    return typer.Exit(code=1)
