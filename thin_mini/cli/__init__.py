"""The command line: ``thin-mini doctor``, ``data``, ``train`` and the others.

What is slow to import is imported inside the commands that need it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from thin_mini import __version__
from thin_mini.basics.terminal import say
from thin_mini.cli import reproduce as cli_reproduce
from thin_mini.cli import runs as cli_runs
from thin_mini.cli import use as cli_use
from thin_mini.cli.messages import Commands

app = typer.Typer(
    help="THIN, step by step.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def print_version(wanted: bool) -> None:
    """Print the version and stop, if it is wanted."""
    if wanted:
        say(f"thin-mini {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=print_version, is_eager=True, help="Say which it is."
        ),
    ] = False,
) -> None:
    """THIN, step by step."""


@app.command()
def doctor(
    full: Annotated[
        bool,
        typer.Option("--full", help="Import PyTorch and compute: some seconds."),
    ] = False,
) -> None:
    """Say what this installation can do, and what is wrong with it."""
    from thin_mini.cli.checkup import examine

    problems = examine(
        lambda name, text: say(f"{name:<12}{text}"),
        full,
        lambda: where(download=False),
    )
    for problem in problems:
        say(f"problem: {problem}", err=True)
    raise typer.Exit(code=1 if problems else 0)


@app.command()
def data() -> None:
    """Find MNIST, or download it once into the cache, and print its folder.

    The line is a value for THIN_MINI_DATA: stand-in, where there is neither a copy nor
    a network.
    """
    say(where(download=True))


cli_runs.add_commands(app)
cli_use.add_commands(app)
cli_reproduce.add_commands(app)


@app.command("ledger")
def check_ledger(
    update: Annotated[
        bool, typer.Option("--update", help="Rewrite the verdicts that disagree.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option(help="The ledger to read, by default the book's.")
    ] = None,
    results_folder: Annotated[
        Path | None, typer.Option("--results", help="Where the runs are kept.")
    ] = None,
) -> None:
    """Count the ledger's entries, and fail if a verdict disagrees with the results."""
    from thin_mini.lab import ledger, results

    file = file or ledger.FILE
    root = results_folder or results.default_folder()
    results.check_folder(root)
    entries = ledger.load(file)
    wrong = ledger.disagreements(entries, root)
    if update and wrong:
        ledger.update(file, root)
        entries = ledger.load(file)
    counts = Counter((entry.verdict, entry.kind) for entry in entries)
    say("".join(f"{name:>13}" for name in ("", *ledger.KINDS, "all")))
    for verdict in ledger.VERDICTS:
        numbers = [counts[verdict, kind] for kind in ledger.KINDS]
        cells = "".join(f"{n:>13}" for n in (*numbers, sum(numbers)))
        say(f"{verdict:>13}{cells}")
    for name, (stands, computed) in wrong.items():
        about = "was" if update else "stands as"
        say(f"{name}: {computed} by the results, {about} {stands}", err=True)
    raise typer.Exit(code=1 if wrong and not update else 0)


def where(download: bool) -> str:
    """The folder that holds MNIST, or ``stand-in``."""
    from thin_mini.data import store

    if store.stand_in_wanted():
        return store.STAND_IN
    try:
        return str(store.find_mnist(download=download))
    except store.OfflineError as error:
        say(f"{error}; using the stand-in", err=True)
        return store.STAND_IN
