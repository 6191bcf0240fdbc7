"""The command ``thin-mini reproduce``: recipes, what they need, and their tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from thin_mini.basics.terminal import fail, say
from thin_mini.lab.plans import Recipe
from thin_mini.lab.recipes import RECIPES, data_of, nearest, row_of, rows_of
from thin_mini.lab.runs import Row, Run, all_runs

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
        from thin_mini.lab.results import read

        return [run for run in all_runs(self.wanted) if read(run, root) is None]


def reproduce(
    recipe: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(RECIPES)}.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="All recipes, one after the other.")
    ] = False,
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
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda or mps; the committed runs: cpu.")
    ] = "auto",
    jobs: Annotated[
        int, typer.Option(help="Runs at a time, in processes of one thread each.")
    ] = 1,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="Hand the runs to Slurm, as --jobs jobs.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Only say what there is to be made.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would take.")
    ] = False,
) -> None:
    """Run a recipe, or what is missing of it, and print the paper's table and ours.

    Interrupted, it goes on where it was; started twice, it shares the work.
    """
    with one_line():
        from thin_mini.lab import results

        root = results_folder or results.default_folder()
        if root.exists():
            results.check_folder(root)
        if device.partition(":")[0] not in DEVICES:
            known = ", ".join(DEVICES)
            raise ValueError(f"--device must be one of {known}, got {device!r}")
        if jobs < 1:
            raise ValueError(f"--jobs must be at least 1, got {jobs}")
        every = every or (list_ and recipe is None)
        tables = asked_for(recipe, every, data, seeds, profile_name, row, photos=list_)
        if list_:
            echo_list(tables, root)
        elif slurm and not dry_run:
            submit_missing(tables, root, device, jobs)
        else:
            for table in tables:
                if not dry_run:
                    make_missing(table, root, device, jobs)
                say(title(table, seeds, profile_name, root))
                echo_plan(table, root) if dry_run else echo_table(table, root)


@contextmanager
def one_line() -> Iterator[None]:
    """Say in one line what is wrong, and what is kept."""
    from thin_mini.files import DataError

    try:
        yield
    except (ValueError, DataError) as error:
        raise fail(error) from error
    except BrokenPipeError:  # of `| head`, which has seen enough
        raise
    except (OSError, FloatingPointError, MemoryError) as error:
        kept = "the runs that are finished are kept; mend it and start again"
        raise fail(f"{error}: {kept}") from error


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
    if every and data not in ("all", *DATA):
        raise ValueError(
            f"no recipe has rows on {data!r}: choose from all, {', '.join(DATA)}"
            f"{nearest(data, DATA)}"
        )
    some = [name for name, own in RECIPES.items() if data in ("all", *own.makers)]
    tables = []
    for name in [recipe] if recipe else some:
        sets = data_of(name, data)
        for on in tuple(RECIPES[name].makers) if photos and data == "all" else sets:
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
    if device != "auto":
        from thin_mini.basics.devices import VARIABLE, choose_device

        os.environ[VARIABLE] = str(choose_device(device))
    make(table.wanted, root, jobs=jobs)


def submit_missing(tables: list[Table], root: Path, device: str, jobs: int) -> None:
    """Hand the runs that are missing to Slurm, and say how to go on."""
    missing = {run.hash: run for table in tables for run in table.missing(root)}
    if not missing:
        say("all runs are there: the same command without --slurm prints the tables")
        return
    from thin_mini.basics.devices import VARIABLE
    from thin_mini.lab.estimates import estimate
    from thin_mini.lab.reproduce import submit
    from thin_mini.lab.results import default_folder

    if device != "auto":  # which the nodes will find, if not this machine
        os.environ[VARIABLE] = device
    seconds, _ = estimate(list(missing.values()), default_folder())
    rows = [row for table in tables for row in table.wanted]
    ids = [job.job_id for job in submit(rows, root, jobs, seconds)]
    say(f"{len(missing)} runs in {len(ids)} jobs: {', '.join(ids)}")
    say("when they have ended, the same command without --slurm prints the tables")


def echo_list(tables: list[Table], root: Path) -> None:
    """Recipes, what they are for, and how many of their runs have been made."""
    say(f"{'recipe':<15}{'data':<10}{'rows':>4}{'runs':>6}{'made':>6}  what for")
    before = None
    for table in tables:
        runs, own = len(all_runs(table.wanted)), table.recipe
        numbers = f"{len(table.wanted):>4}{runs:>6}{runs - len(table.missing(root)):>6}"
        name, about = ("", "") if own is before else (own.name, own.about)
        say(f"{name:<15}{table.data:<10}{numbers}  {about}".rstrip())
        before = own


def echo_table(table: Table, root: Path) -> None:
    """All rows of a table, as far as they have been made."""
    from thin_mini.lab.results import readable
    from thin_mini.lab.results import table as measured

    say(readable(measured(table.rows, root)).to_string())


def echo_plan(table: Table, root: Path) -> None:
    """What the missing runs of a table will take."""
    from thin_mini.lab.estimates import estimate
    from thin_mini.lab.results import default_folder

    missing = table.missing(root)
    say(f"{len(all_runs(table.wanted))} runs, {len(missing)} to make")
    if missing:
        seconds, size = estimate(missing, default_folder())
        minutes = f"about {seconds / 60:,.0f}" if seconds >= 90 else "a few"
        say(
            f"{minutes} minutes on one core, as the committed runs took; "
            f"{size / 1e6:.1f} MB of results and networks"
        )
