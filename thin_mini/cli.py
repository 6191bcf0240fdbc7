"""The command line: ``thin-mini doctor`` and ``thin-mini data``."""

from __future__ import annotations

import platform
from importlib.metadata import version

import torch
import torchvision
import typer
from accelerate import Accelerator

from thin_mini.data import store
from thin_mini.profiles import profile

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
