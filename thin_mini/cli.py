"""The command line: ``thin-mini doctor``, ``data``, ``train`` and the others."""

from __future__ import annotations

import platform
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import torch
import torchvision
import typer
from accelerate import Accelerator

from thin_mini import cli_runs, cli_use, ledger, recipes, results
from thin_mini.data import store
from thin_mini.profiles import profile
from thin_mini.recipes import DATA, RECIPES
from thin_mini.reproduce import make, stand_alone

app = typer.Typer(
    help="THIN, step by step.", no_args_is_help=True, pretty_exceptions_enable=False
)


@app.command()
def doctor() -> None:
    """Say what this installation can do, and what is wrong with it."""
    problems = []

    def line(name: str, text: str) -> None:
        typer.echo(f"{name:<12}{text}")

    line("thin-mini", version("thin-mini"))
    line("Python", f"{platform.python_version()} on {platform.system()}")
    line("PyTorch", f"{torch.__version__}, {torch.get_num_threads()} threads")
    try:
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
        line("torchvision", torchvision.__version__)
    except (AttributeError, RuntimeError) as error:
        problems.append(
            f"torchvision {torchvision.__version__} does not fit this PyTorch "
            f"({error}): install the two together"
        )
    line("device", str(Accelerator().device))
    try:
        line("profile", str(profile()))
    except ValueError as error:
        problems.append(str(error))
    try:
        store.check_writable(store.cache_folder())
        line("cache", str(store.cache_folder()))
    except store.DataError as error:
        problems.append(str(error))
    try:
        line("MNIST", where(download=False))
    except store.DataError as error:
        problems.append(str(error))
    for problem in problems:
        typer.echo(f"problem: {problem}", err=True)
    raise typer.Exit(code=1 if problems else 0)


@app.command()
def data() -> None:
    """Find MNIST, or download it once into the cache, and print its folder.

    The line is a value for THIN_MINI_DATA: ``stand-in`` where there is neither a
    copy nor a network.
    """
    try:
        typer.echo(where(download=True))
    except store.DataError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from error


cli_runs.add_commands(app)
cli_use.add_commands(app)


@app.command()
def reproduce(
    recipe: Annotated[str, typer.Argument(help=f"One of {', '.join(RECIPES)}.")],
    data: Annotated[str, typer.Option(help=f"all, {', '.join(DATA)}.")] = "all",
    seeds: Annotated[int, typer.Option(help="Repetitions, at least 2.")] = 5,
    profile_name: Annotated[
        str, typer.Option("--profile", help="smoke, lecture or paper.")
    ] = "paper",
    results_folder: Annotated[
        Path | None, typer.Option("--results", help="Where the runs are kept.")
    ] = None,
    row: Annotated[
        str | None, typer.Option(help="Only this row, by its name in the table.")
    ] = None,
) -> None:
    """Run a recipe, or what is missing of it, and print the paper's table and ours.

    Interrupted, it goes on where it was; started twice, it shares the work.
    """
    stand_alone()
    try:
        root = results_folder or results.default_folder()
        for name in recipes.data_of(recipe, data):
            rows = recipes.rows_of(recipe, name, seeds, profile_name)
            if row is not None:
                recipes.check_row(rows, row)
            chosen = [r for r in rows if row in (None, r.name)]
            make(chosen, root)
            typer.echo(f"\n{recipe} on {name}, {seeds} seeds, results in {root}")
            typer.echo(results.readable(results.table(rows, root)).to_string())
    except (ValueError, store.DataError, results.ResultError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from error
    except (OSError, FloatingPointError) as error:
        kept = "the runs that are finished are kept; mend it and start again"
        typer.echo(f"{error}: {kept}", err=True)
        raise typer.Exit(code=1) from error


@app.command("ledger")
def check_ledger(
    update: Annotated[
        bool, typer.Option("--update", help="Rewrite the verdicts that disagree.")
    ] = False,
    file: Annotated[Path, typer.Option(help="The ledger to read.")] = ledger.FILE,
    results_folder: Annotated[
        Path | None, typer.Option("--results", help="Where the runs are kept.")
    ] = None,
) -> None:
    """Count the ledger's entries, and fail if a verdict disagrees with the results."""
    try:
        root = results_folder or results.default_folder()
        results.check_folder(root)
        wrong = ledger.disagreements(ledger.load(file), root)
        if update:
            ledger.update(file, root)
        entries = ledger.load(file)
    except (ValueError, OSError, results.ResultError, store.DataError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from error
    counts = Counter((entry.verdict, entry.kind) for entry in entries)
    typer.echo("".join(f"{name:>13}" for name in ("", *ledger.KINDS, "all")))
    for verdict in ledger.VERDICTS:
        numbers = [counts[verdict, kind] for kind in ledger.KINDS]
        cells = "".join(f"{n:>13}" for n in (*numbers, sum(numbers)))
        typer.echo(f"{verdict:>13}{cells}")
    for name, (stands, computed) in wrong.items():
        about = "was" if update else "stands as"
        typer.echo(f"{name}: {computed} by the results, {about} {stands}", err=True)
    raise typer.Exit(code=1 if wrong and not update else 0)


def where(download: bool) -> str:
    """The folder that holds MNIST, or ``stand-in``."""
    if store.stand_in_wanted():
        return store.STAND_IN
    try:
        return str(store.find_mnist(download=download))
    except store.OfflineError as error:
        typer.echo(f"{error}; going on with the stand-in", err=True)
        return store.STAND_IN


if __name__ == "__main__":
    app()
