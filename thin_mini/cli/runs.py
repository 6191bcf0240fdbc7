"""The commands that make runs and list them: train, compare and runs.

What they need is imported inside them, so that ``--help`` does not wait for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from thin_mini.cli.messages import one_line
from thin_mini.large.presets import MODELS, PRESETS, RESULT

LAYOUTS = "raf-db, affectnet, expw, fer2013, csv, folder"  # a test holds them equal


def add_commands(app: typer.Typer) -> None:
    """Make the functions below commands of ``thin-mini``."""
    app.command()(train)
    app.command()(compare)
    app.command()(runs)


def preset(name: str) -> str:
    """What ``train`` uses with each encoder, for its help."""
    return ", ".join(f"{getattr(p, name):,} with {e}" for e, p in PRESETS.items())


def train(
    folder: Annotated[str, typer.Argument(help="Faces with expressions.")],
    out: Annotated[str, typer.Option(help="The folder to keep the run in.")],
    layout: Annotated[str, typer.Option(help=f"auto, {LAYOUTS}.")] = "auto",
    drop_twins: Annotated[
        bool,
        typer.Option(
            "--drop-twins",
            help="Leave out pictures that a later part (valid, test) has too.",
        ),
    ] = False,
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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
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
    with one_line(lambda: kept(Path(out))):
        from accelerate import PartialState

        from thin_mini.large.expressions import train_folder

        result = train_folder(
            folder,
            out,
            layout=layout,
            twins="drop" if drop_twins else "refuse",
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
        if PartialState().is_main_process:
            typer.echo(f"{result['data']}, best at step {result['best_step']:,}")
            typer.echo(readable_measures(result))
            typer.echo(Path(out) / RESULT)
        PartialState().destroy_process_group()


def kept(out: Path) -> str:
    """What a run that was interrupted goes on with, in words."""
    from thin_mini.large.run_folder import CHECKPOINT, IDENTITY, reached

    again = "start the same command again to go on"
    if (out / CHECKPOINT).exists():
        return f"the checkpoint in {out} is kept ({reached(out)}); {again}"
    if (out / IDENTITY).exists():
        return f"the identity network in {out} is kept as far as it is; {again}"
    return "nothing was kept yet; start the same command again"


def readable_measures(found: dict[str, Any]) -> str:
    """Accuracy, the majority class's, and the recalls with the images behind them."""
    most = found["majority"]
    lines = [
        f"{'test accuracy':<15}{found['test']:6.2f} %",
        f"{'majority class':<15}{most['accuracy']:6.2f} %, always {most['expression']}",
    ]
    for expression, recall in found["recall"].items():
        value = "no images"
        if recall is not None:
            value = f"{recall:6.2f} % of {found['count'][expression]:,}"
        lines.append(f"{expression:<15}{value}")
    return "\n".join(lines)


def compare(
    runs: Annotated[Path, typer.Argument(help="A folder of folders made by train.")],
) -> None:
    """Lay runs of train side by side as Table 4 does, with intervals over seeds."""
    with one_line(lambda: "nothing was changed"):
        from thin_mini.lab.results import readable
        from thin_mini.large.comparison import compare_runs

        typer.echo(readable(compare_runs(runs)).to_string())


def runs(
    folder: Annotated[Path, typer.Argument(help="A run, or a folder of runs.")],
) -> None:
    """List runs of train with their settings and results, unfinished ones as well."""
    with one_line(lambda: "nothing was changed"):
        import pandas as pd

        from thin_mini.large.run_folder import table_of_runs

        table = table_of_runs(folder)
        # Not fillna: a column of numbers takes no text.
        filled = table.drop(columns="data").map(lambda v: "" if pd.isna(v) else v)
        typer.echo(filled.to_string(index_names=False))
