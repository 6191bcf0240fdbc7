"""The commands about runs: ``thin-mini train`` and ``compare``.

What they need is imported inside them, so that ``--help`` does not wait for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thin_mini.presets import MODELS, PRESETS, RESULT

LAYOUTS = "raf-db, affectnet, expw, fer2013, csv, folder"  # a test holds them equal


def add_commands(app: typer.Typer) -> None:
    """Make the functions below commands of ``thin-mini``."""
    app.command()(train)
    app.command()(compare)


def preset(name: str) -> str:
    """What ``train`` uses with each encoder, for its help."""
    return ", ".join(f"{getattr(p, name):,} with {e}" for e, p in PRESETS.items())


def train(
    folder: Annotated[Path, typer.Argument(help="Faces with expressions.")],
    out: Annotated[Path, typer.Option(help="Where to keep the run.")],
    layout: Annotated[str, typer.Option(help=f"auto, {LAYOUTS}.")] = "auto",
    model: Annotated[str, typer.Option(help=f"{', '.join(MODELS)}.")] = "thin",
    encoder: Annotated[
        str, typer.Option(help="small, for a laptop, or vgg16, the paper's.")
    ] = "small",
    weights: Annotated[
        Path | None, typer.Option(help="What VGG-16 starts from.")
    ] = None,
    weights_of: Annotated[
        str, typer.Option(help="imagenet or vggface, what VGG-16 was trained on.")
    ] = "vggface",
    identity: Annotated[
        str | None,
        typer.Option(
            help="A file of VGG-Face, or fit: train on the folder's people first."
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help=f"Height and width: {preset('size')}."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help=f"Updates: {preset('steps')}.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help=f"Images in a step, in all: {preset('batch_size')}."),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help=f"Learning rate: {preset('lr')}.")
    ] = None,
    dispel: Annotated[
        float | None, typer.Option(help="λ of Eq. 8: 0.01 for thin, else 0.")
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Draw the expressions in turn.")
    ] = False,
    precision: Annotated[str, typer.Option(help="no or bf16.")] = "no",
    accumulate: Annotated[
        int, typer.Option(help="Micro-batches to a step, on each device.")
    ] = 1,
    workers: Annotated[
        int, typer.Option(help="Processes that read pictures, for each device.")
    ] = 0,
    compile_: Annotated[bool, typer.Option("--compile", help="torch.compile.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    resume: Annotated[bool, typer.Option(help="Go on with a run in --out.")] = True,
    seed: Annotated[int, typer.Option(help="Draws all that is random.")] = 0,
) -> None:
    """Train on a folder of faces as section 4.3 does, and measure it on its test part.

    Killed, it goes on from its last checkpoint when started again. With torchrun or
    accelerate launch in front, it uses many GPUs.

    The small encoder starts from an identity network that is trained on the folder's
    own people; VGG-16 from --weights, by default the file of --identity or, with
    --weights-of imagenet, a download.
    """
    from accelerate import PartialState

    from thin_mini.data.store import DataError
    from thin_mini.expressions import train_folder

    try:
        result = train_folder(
            folder,
            out,
            layout=layout,
            model=model,
            encoder=encoder,
            weights=weights,
            weights_of=weights_of,
            identity=identity,
            size=size,
            steps=steps,
            batch_size=batch_size,
            lr=lr,
            dispel=dispel,
            seed=seed,
            balanced=balanced,
            mixed_precision=precision,
            accumulate=accumulate,
            workers=workers,
            compile=compile_,
            device=device,
            resume=resume,
        )
    except (ValueError, DataError, OSError, FloatingPointError, MemoryError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from error
    if PartialState().is_main_process:
        typer.echo(f"{result['data']}, best at step {result['best_step']:,}")
        typer.echo(f"{'test accuracy':<15}{result['test']:6.2f} %")
        for expression, recall in result["recall"].items():
            value = "no images" if recall is None else f"{recall:6.2f} %"
            typer.echo(f"{expression:<15}{value}")
        typer.echo(out / RESULT)
    PartialState().destroy_process_group()


def compare(
    runs: Annotated[Path, typer.Argument(help="A folder of folders made by train.")],
) -> None:
    """Lay runs of ``train`` side by side as Table 4 does, with intervals over seeds."""
    from thin_mini import results
    from thin_mini.comparison import compare_runs

    try:
        typer.echo(results.readable(compare_runs(runs)).to_string())
    except results.ResultError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from error
