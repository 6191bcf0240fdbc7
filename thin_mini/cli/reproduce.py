"""The command ``thin-mini reproduce``: recipes, what they need, and their tables."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from thin_mini.basics.provenance import same_order_of_sums
from thin_mini.basics.terminal import fail, say
from thin_mini.files import DataError
from thin_mini.lab import results
from thin_mini.lab.plans import Recipe
from thin_mini.lab.recipes import RECIPES, data_of, look_up, row_of, rows_of
from thin_mini.lab.rows import Row, Run, all_runs

SOURCES = {"mnist": "MNIST", "digits": "scikit-learn's digits in place of MNIST"}
DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
DATA = tuple(dict.fromkeys(name for r in RECIPES.values() for name in r.makers))


def add_commands(app: typer.Typer) -> None:
    """Make the function below a command of ``thin-mini``."""
    app.command()(reproduce)


@dataclass(frozen=True)
class Table:
    """The rows of a recipe on one data set, and those of them that are wanted."""

    recipe: Recipe
    data: str
    rows: list[Row]
    wanted: list[Row]

    def missing(self, root: Path) -> list[Run]:
        """The runs that are still to be made."""
        return [r for r in all_runs(self.wanted) if results.read(r, root) is None]


def reproduce(
    recipe: Annotated[
        str | None, Argument(help=f"One of {', '.join(RECIPES)}.")
    ] = None,
    every: Annotated[bool, Option("--every", help="All recipes, one by one.")] = False,
    data: Annotated[str, Option(help=f"all, {', '.join(DATA)}.")] = "all",
    seeds: Annotated[int, Option(help="Repetitions, at least 2.")] = 5,
    profile_name: Annotated[
        str, Option("--profile", help="smoke, lecture or paper.")
    ] = "paper",
    results_folder: Annotated[
        Path | None, Option("--results", help="Where the runs are kept.")
    ] = None,
    row: Annotated[str | None, Option(help="Only this row, by its full name.")] = None,
    device: Annotated[
        str, Option(help="auto, cpu, cuda or mps; the committed runs: cpu.")
    ] = "auto",
    jobs: Annotated[int, Option(help="Runs at a time, each with one thread.")] = 1,
    slurm: Annotated[
        bool, Option("--slurm", help="Hand the runs to Slurm, as --jobs jobs.")
    ] = False,
    verify: Annotated[
        int | None, Option(help="Make so many of its runs again, and compare.")
    ] = None,
    list_: Annotated[bool, Option("--list", help="Only say what can be made.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Only tell the costs.")] = False,
) -> None:
    """Run a recipe, or what is missing of it, and print the paper's table and ours.

    Interrupted, it goes on where it was; started twice, it shares the work.
    """
    same_order_of_sums()
    with one_line():
        if device.partition(":")[0] not in DEVICES:
            known = ", ".join(DEVICES)
            raise ValueError(f"--device must be one of {known}, got {device!r}")
        if jobs < 1:
            raise ValueError(f"--jobs must be at least 1, got {jobs}")
        if verify is not None and (verify < 1 or slurm or list_ or dry_run):
            lone = "--verify goes without --slurm, --list and --dry-run"
            few = f"--verify must be at least 1, got {verify}"
            raise ValueError(few if verify < 1 else lone)
        root = results_folder or results.default_folder()
        if root.exists():
            results.check_folder(root)
        every = every or (list_ and recipe is None)
        tables = asked_for(recipe, every, data, seeds, profile_name, row, photos=list_)
        if verify is not None:
            make_again(tables, root, device, jobs, verify)
        elif list_:
            echo_list(tables, root)
        elif slurm and not dry_run:
            submit_missing(tables, root, device, jobs)
        else:
            for table in tables:
                if not dry_run:
                    make_missing(table, root, device, jobs)
                say(title(table, seeds, profile_name, root))
                say(plan(table, root) if dry_run else shown(table, root))


@contextmanager
def one_line() -> Iterator[None]:
    """Say in one line what is wrong, and what is kept."""
    kept = ": the runs that are finished are kept; fix it and start again"
    try:
        yield
    except BrokenPipeError:  # of `| head`, which has seen enough
        raise
    except (ValueError, DataError) as error:
        raise fail(error) from error
    except (OSError, FloatingPointError, MemoryError) as error:
        raise fail(f"{error}{kept}") from error


def asked_for(
    recipe: str | None,
    every: bool,
    data: str,
    seeds: int,
    profile_name: str,
    row: str | None,
    photos: bool,
) -> list[Table]:
    """The tables that are asked for, all data with the photographs or without.

    Raises:
        ValueError: If there can be no such table.
    """
    if every == (recipe is not None):
        raise ValueError("name one recipe, or give --every (--list shows them)")
    if every and row is not None:
        raise ValueError("--row goes with one recipe, not with --every")
    if every:
        look_up("no recipe has rows on", data, dict.fromkeys(("all", *DATA)))
    some = [name for name, own in RECIPES.items() if data in ("all", *own.makers)]
    tables = []
    for name in [recipe] if recipe else some:
        sets = data_of(name, data)
        for on in RECIPES[name].makers if photos and data == "all" else sets:
            rows = rows_of(name, on, seeds, profile_name)
            wanted = rows if row is None else [row_of(rows, row)]
            tables.append(Table(RECIPES[name], on, rows, wanted))
    return tables


def title(table: Table, seeds: int, profile: str, root: Path) -> str:
    """What the numbers below it are, and whether they stand beside the paper's."""
    about = f"{profile} profile"
    if source := SOURCES.get(table.rows[0].runs[0].source):
        about += f", {source}"
    if profile != "paper":
        about += "; only the paper profile is held beside the paper"
    what = f"{table.recipe.name} on {table.data}, {seeds} seeds, results in {root}"
    return f"\n{what}\n{about}"


def make_missing(table: Table, root: Path, device: str, jobs: int) -> None:
    """Make the runs that a table lacks; PyTorch is imported only if there are any."""
    if not table.missing(root):
        return
    from thin_mini.lab.reproduce import make, stand_alone

    stand_alone()
    choose(device)
    make(table.wanted, root, jobs=jobs)


def choose(device: str) -> None:
    """Have all runs trained on a device that is named."""
    from thin_mini.basics.devices import VARIABLE, choose_device

    if device != "auto":
        os.environ[VARIABLE] = str(choose_device(device))


def submit_missing(tables: list[Table], root: Path, device: str, jobs: int) -> None:
    """Hand the runs that are missing to Slurm, and say how to continue."""
    missing = {run.hash: run for table in tables for run in table.missing(root)}
    if not missing:
        say("all runs are there: the same command without --slurm prints the tables")
        return
    from thin_mini.basics.devices import VARIABLE
    from thin_mini.lab.reproduce import submit

    if device != "auto":  # which the nodes will find, if not this machine
        os.environ[VARIABLE] = device
    seconds, _ = results.estimate(list(missing.values()), results.default_folder())
    rows = [row for table in tables for row in table.wanted]
    ids = [job.job_id for job in submit(rows, root, jobs, seconds)]
    say(f"{len(missing)} runs in {len(ids)} jobs: {', '.join(ids)}")
    say("when they have ended, the same command without --slurm prints the tables")


def make_again(tables: list[Table], root: Path, device: str, jobs: int, n: int) -> None:
    """Make runs again that are drawn at random, and say how they compare.

    Raises:
        Exit: With 1, if one of them is not what it has to be.
    """
    runs = all_runs([row for table in tables for row in table.wanted])
    there = [run for run in runs if results.read(run, root) is not None]
    if len(there) < n:
        raise ValueError(f"--verify {n}: only {len(there)} of these runs are in {root}")
    from thin_mini.lab.verify import remade

    choose(device)
    wrong = 0
    for run, right, told in remade(random.sample(there, n), root, jobs):
        say(f"{run}, {run.hash}: {told}")
        wrong += not right
    say(f"{n - wrong} of {n} runs are what they have to be")
    if wrong:
        raise typer.Exit(code=1)


LINE = "{:<15}{:<10}{:>4}{:>6}{:>6}  {}"


def echo_list(tables: list[Table], root: Path) -> None:
    """Recipes, their runs, and what the committed ones took and found."""
    about = "what for; what the committed runs took on two cores and found"
    say(LINE.format("recipe", "data", "rows", "runs", "made", about))
    before = None
    for table in tables:
        own, runs = table.recipe, len(all_runs(table.wanted))
        numbers = len(table.wanted), runs, runs - len(table.missing(root))
        name, about = ("", "") if own is before else (own.name, f"{own.about}; ")
        _, minutes, headline = own.heads[table.data]
        about += f"{minutes} minutes, {headline}"
        say(LINE.format(name, table.data, *numbers, about))
        before = own


def shown(table: Table, root: Path) -> str:
    """All rows of a table, as far as they have been made."""
    return results.readable(results.table(table.rows, root)).to_string()


def plan(table: Table, root: Path) -> str:
    """What the missing runs of a table will take."""
    missing = table.missing(root)
    about = f"{len(all_runs(table.wanted))} runs, {len(missing)} to make"
    if not missing:
        return about
    seconds, size = results.estimate(missing, results.default_folder())
    minutes = f"about {seconds / 60:,.0f}" if seconds >= 90 else "a few"
    return (
        f"{about}\n{minutes} minutes on one core, as the committed runs took; "
        f"{size / 1e6:.1f} MB of results and networks"
    )
