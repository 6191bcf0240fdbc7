"""The commands that make runs and list them: train, compare and runs.

What they need is imported inside them, so that ``--help`` does not wait for it.
"""

from __future__ import annotations

import inspect
from dataclasses import Field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_type_hints

from typer import Argument, Option, Typer, echo

from thin_mini.cli.messages import typed
from thin_mini.large.settings import FIELDS, FolderSettings, Settings

KINDS = get_type_hints(FolderSettings)


def add_commands(app: Typer) -> None:
    """Make the functions below commands of ``thin-mini``."""
    own = inspect.signature(train, eval_str=True)
    *first, _ = own.parameters.values()
    # Those of the folder and the model come before those of every long run.
    told = sorted(FIELDS.values(), key=lambda field: hasattr(Settings, field.name))
    options = [parameter(field) for field in told if field.metadata["about"]]
    whole = own.replace(parameters=first + options)
    train.__signature__ = whole  # type: ignore[attr-defined]
    app.command()(train)
    app.command()(compare)
    app.command()(runs)


def parameter(own: Field[Any]) -> inspect.Parameter:
    """A field of the settings as an option."""
    name, about, by = typed(own.name), own.metadata["about"], own.metadata["by_encoder"]
    if None not in by.values():
        about += f": {', '.join(f'{value:,} with {e}' for e, value in by.items())}."
    if own.default is True:
        name += f"/--no-{own.name}"
    kind = KINDS[own.name]
    if isinstance(kind, UnionType):  # a command line reads the first
        kind = get_args(kind)[0]
    if own.default is None:
        kind = kind | None
    return inspect.Parameter(
        own.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=own.default,
        annotation=Annotated[kind, Option(name, help=about)],
    )


def train(
    folder: Annotated[str, Argument(help="Faces with expressions.")],
    out: Annotated[str, Option(help="The folder to keep the run in.")],
    drop_twins: Annotated[
        bool,
        Option(
            "--drop-twins",
            help="Leave out pictures that a later part (valid, test) has too.",
        ),
    ] = False,
    **options: Any,
) -> None:
    """Train on a folder of faces as section 4.3 does, and measure it on its test part.

    Killed and started again, it resumes from its last checkpoint. With torchrun or
    accelerate launch in front, it uses many GPUs.

    The small encoder starts from an identity network that is trained on the folder's
    own people; VGG-16 from --weights, by default the file of --identity or, with
    --weights-of imagenet, a download.
    """
    from accelerate import PartialState

    from thin_mini.large.expressions import train_folder
    from thin_mini.large.run_folder import RESULT

    try:
        twins = "drop" if drop_twins else "refuse"
        result = train_folder(folder, out, twins=twins, **options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(kept(Path(out))) from None
    if PartialState().is_main_process:
        echo(f"{result['data']}, best at step {result['best_step']:,}")
        echo(readable_measures(result))
        echo(Path(out) / RESULT)
    PartialState().destroy_process_group()


def kept(out: Path) -> str:
    """What a run that was interrupted goes on with, in words."""
    from thin_mini.large.run_folder import CHECKPOINT, IDENTITY, reached

    again = "start the same command again to resume"
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
    runs: Annotated[Path, Argument(help="A folder of folders made by train.")],
) -> None:
    """Lay runs of train side by side as Table 4 does, with intervals over seeds."""
    from thin_mini.lab.results import readable
    from thin_mini.large.comparison import compare_runs

    echo(readable(compare_runs(runs)).to_string())


def runs(
    folder: Annotated[Path, Argument(help="A run, or a folder of runs.")],
) -> None:
    """List runs of train with their settings and results, unfinished ones as well."""
    import pandas as pd

    from thin_mini.large.run_folder import table_of_runs

    table = table_of_runs(folder)
    # Not fillna: a column of numbers takes no text.
    filled = table.drop(columns="data").map(lambda v: "" if pd.isna(v) else v)
    echo(filled.to_string(index_names=False))
