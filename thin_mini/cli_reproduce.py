"""The command ``thin-mini reproduce``: recipes, what they need, and their tables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from thin_mini.recipes import DATA, RECIPES, check_row, data_of, nearest, rows_of
from thin_mini.runs import Row, Run, all_runs
from thin_mini.terminal import fail, say

SOURCES = {"mnist": "MNIST", "digits": "scikit-learn's digits in place of MNIST"}

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
ABOUT = {
    "table1": "how well the exogenous variable is recognised",
    "table2": "the six architectures",
    "table2-paper": "the same, trained by the paper's protocol",
    "table3": "gates on the digit, the scale, the rotation and both",
    "table4": "faces, encoders started from the identity network",
    "table4-random": "the same, started at random, and an oracle of the true traits",
    "told": "what a gate has to know about people",
    "chosen": "the settings that choices prefers for faces, with new seeds",
    "fig4": "λ from 0 to 0.5",
    "fig5": "the same for faces",
    "labels": "from few labels to all, of the task and of the exogenous variable",
    "labels-plain": "few labels, without random shifts",
    "six-scales": "the official six scales in place of ten bins, few labels",
    "choices": "settings, one changed at a time, on validation images",
}


def add_commands(app: typer.Typer) -> None:
    """Make the function below a command of ``thin-mini``."""
    app.command()(reproduce)


@dataclass(frozen=True)
class Table:
    """The rows of a recipe on one data set, and those of them that are wanted."""

    recipe: str
    data: str
    rows: list[Row]
    wanted: list[Row]

    def missing(self, root: Path) -> list[Run]:
        """The runs that are still to be made."""
        from thin_mini.results import read

        return [run for run in all_runs(self.wanted) if read(run, root) is None]

    def title(self, seeds: int, profile: str, root: Path) -> str:
        """What the numbers below it are, and whether they stand beside the paper's."""
        source = SOURCES.get(self.rows[0].runs[0].source)
        about = f"{profile} profile{'' if source is None else f', {source}'}"
        if profile != "paper":
            about += "; only the paper profile is held beside the paper"
        return (
            f"\n{self.recipe} on {self.data}, {seeds} seeds, results in {root}\n{about}"
        )


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
    from thin_mini import results
    from thin_mini.data.store import DataError

    try:
        root = results_folder or results.default_folder()
        if root.exists():
            results.check_folder(root)
        if device.partition(":")[0] not in DEVICES:
            known = ", ".join(DEVICES)
            raise ValueError(f"--device must be one of {known}, got {device!r}")
        every = every or (list_ and recipe is None)
        tables = chosen(recipe, every, data, seeds, profile_name, row, photos=list_)
        if list_:
            echo_list(tables, root)
        elif dry_run:
            for table in tables:
                echo_plan(table, table.title(seeds, profile_name, root), root)
        else:
            for table in tables:
                make_missing(table, root, device)
                say(table.title(seeds, profile_name, root))
                shown = results.readable(results.table(table.rows, root))
                say(shown.to_string())
    except (ValueError, DataError) as error:
        raise fail(error) from error
    except BrokenPipeError:  # of `| head`, which has seen enough
        raise
    except (OSError, FloatingPointError, MemoryError) as error:
        kept = "the runs that are finished are kept; mend it and start again"
        raise fail(f"{error}: {kept}") from error


def chosen(
    recipe: str | None,
    every: bool,
    data: str,
    seeds: int,
    profile_name: str,
    row: str | None,
    photos: bool = False,
) -> list[Table]:
    """What is asked for, all data with the photographs or without.

    Raises:
        ValueError: If it cannot be.
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
    recipes = (
        [recipe] if recipe else [r for r in RECIPES if data in ("all", *RECIPES[r])]
    )
    tables = []
    for name in recipes:
        sets = data_of(name, data)
        for on in tuple(RECIPES[name]) if photos and data == "all" else sets:
            rows = rows_of(name, on, seeds, profile_name)
            if row is not None:
                check_row(rows, row)
            wanted = [own for own in rows if row in (None, own.name)]
            tables.append(Table(name, on, rows, wanted))
    return tables


def make_missing(table: Table, root: Path, device: str) -> None:
    """Make the runs that a table lacks; PyTorch is imported only if there are any."""
    if not table.missing(root):
        return
    from thin_mini.reproduce import make, stand_alone

    stand_alone()
    if device != "auto":
        from thin_mini.devices import VARIABLE, choose_device

        os.environ[VARIABLE] = str(choose_device(device))
    make(table.wanted, root)


def echo_list(tables: list[Table], root: Path) -> None:
    """Recipes, what they are for, and how many of their runs have been made."""
    say(f"{'recipe':<15}{'data':<10}{'rows':>4}{'runs':>6}{'made':>6}  what for")
    before = None
    for table in tables:
        runs = all_runs(table.wanted)
        made = len(runs) - len(table.missing(root))
        about = ABOUT[table.recipe] if table.recipe != before else ""
        name = table.recipe if table.recipe != before else ""
        numbers = f"{len(table.wanted):>4}{len(runs):>6}{made:>6}"
        say(f"{name:<15}{table.data:<10}{numbers}  {about}".rstrip())
        before = table.recipe


def echo_plan(table: Table, title: str, root: Path) -> None:
    """What the missing runs of a table will take."""
    from thin_mini.estimates import estimate
    from thin_mini.results import default_folder

    missing = table.missing(root)
    say(title)
    say(f"{len(all_runs(table.wanted))} runs, {len(missing)} to make")
    if missing:
        seconds, size = estimate(missing, default_folder())
        minutes = f"about {seconds / 60:,.0f}" if seconds >= 90 else "a few"
        say(
            f"{minutes} minutes on one core, as the committed runs took; "
            f"{size / 1e6:.1f} MB of results and networks"
        )
