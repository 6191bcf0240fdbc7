"""The commands that use a finished run: predict, evaluate and export.

What they need is imported inside them, so that ``--help`` does not wait for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thin_mini.cli.runs import readable_measures
from thin_mini.large.settings import FIELDS

if TYPE_CHECKING:
    from thin_mini.large.trained import TrainedRun

Run = Annotated[Path, typer.Argument(help="The --out of a run of train.")]


def add_commands(app: typer.Typer) -> None:
    """Make the functions below commands of ``thin-mini``."""
    for command in (predict, evaluate, export):
        app.command()(command)


def as_in_train(name: str) -> Any:
    """An option that ``train`` has too, with the same help."""
    return typer.Option(help=FIELDS[name].metadata["about"])


def opened(run: Path, device: str) -> TrainedRun:
    """A run, with its model on the device that was asked for."""
    from thin_mini.basics.devices import choose_device
    from thin_mini.large.trained import load

    trained = load(run)
    trained.model.to(choose_device(device))
    return trained


def predict(
    run: Run,
    pictures: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    csv: Annotated[
        Path | None, typer.Option(help="A table to write: a row for each picture.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="An image to draw, such as faces.png.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Do not look for the face in a picture.")
    ] = False,
    device: Annotated[str, as_in_train("device")] = "auto",
) -> None:
    """Ask a trained run which expressions faces show, and how its gate weighs them.

    The largest face of each picture is cut out where OpenCV is installed; else, and
    where none is found, the whole picture is taken.
    """
    from thin_mini.files import whole_file
    from thin_mini.large import predictions
    from thin_mini.large.preflight import check_image_file, check_new

    if save is not None:
        check_image_file(save)
    found = predictions.find_pictures(pictures)
    for path in filter(None, (csv, save)):
        check_new(path, found)
    trained = opened(run, device)
    table, images = predictions.predict_pictures(trained, found, whole)
    typer.echo(predictions.readable(trained, table))
    if csv is not None:
        with whole_file(csv) as temporary:  # names may be of any bytes
            table.to_csv(temporary, index=False, errors="surrogateescape")
        typer.echo(csv)
    if save is not None:
        drawn = predictions.figure(trained, table, images)
        with whole_file(save) as temporary:
            drawn.savefig(temporary, format=save.suffix[1:].lower(), dpi=150)
        typer.echo(save)
    typer.echo(predictions.caveats(trained), err=True)


def evaluate(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Faces, as for train, or pairs.")],
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Tell one person from two instead.")
    ] = False,
    layout: Annotated[str, as_in_train("layout")] = "auto",
    workers: Annotated[int, as_in_train("workers")] = 0,
    device: Annotated[str, as_in_train("device")] = "auto",
) -> None:
    """Measure a trained run on the test pictures of a folder, or on pairs of faces.

    A folder without parts is measured whole, unless the run was trained on it. With
    --pairs it holds pairs.csv or LFW's pairs.txt, or is such a table.
    """
    from thin_mini.large.evaluation import evaluate_run, verify_run

    trained = opened(run, device)
    if pairs:
        for name, found in verify_run(trained, folder).items():
            typer.echo(f"{name:<8}{found}")
        return
    result = evaluate_run(trained, folder, layout, workers)
    typer.echo(f"{result['data']}\n{readable_measures(result)}")


def export(
    run: Run,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Write ONNX, the one format there is.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file; by default model.onnx in the run.")
    ] = None,
) -> None:
    """Write the model of a trained run for other programs."""
    from thin_mini.large.export import to_onnx
    from thin_mini.large.trained import load

    if not onnx:
        raise ValueError("name a format to write: --onnx")
    typer.echo(to_onnx(load(run), out or run / "model.onnx"))
