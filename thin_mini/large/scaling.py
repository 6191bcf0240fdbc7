"""Training at scale: the protocol of section 4.3, on a laptop or on many GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from accelerate import Accelerator
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.devices import check_place, choose_device, device_of
from thin_mini.basics.kinds import checked
from thin_mini.data.photos.pictures import Pictures
from thin_mini.large.feed import Feed, to_device
from thin_mini.large.long_run import run
from thin_mini.large.preflight import check_fit
from thin_mini.large.settings import Settings, settings_of, takes
from thin_mini.models import Model


@takes(Settings)
@checked
def train(
    model: Model,
    data: Pictures,
    valid: Pictures,
    *,
    folder: Path | str,
    progress: bool = True,
    **options: Any,
) -> pd.DataFrame:
    """Minimise Eq. 8 with Adam on pictures from disk, as section 4.3 does.

    The same call works in a notebook, under ``accelerate.notebook_launcher``, and in
    a script that ``torchrun`` or ``accelerate launch`` starts once for each GPU. Which
    images make a batch, and how they are changed, follows from the seed and the step
    alone. If the folder holds a checkpoint, training goes on from it to the same
    result, bit for bit on one CPU with the same versions and threads.

    Args:
        model: From :func:`thin_mini.build`, or composed by hand; trained in place.
        data: Training images.
        valid: Images to choose the best weights on (the paper: 256).
        folder: For ``checkpoint.pt``, ``log.csv`` and, where TensorBoard is
            installed, ``tensorboard/``. All processes must see it.
        progress: Whether to show a bar (``TQDM_DISABLE=1`` hides every bar).
        **options: ``steps``, ``batch_size``, ``lr`` and whatever else
            :class:`thin_mini.large.settings.Settings` has, by name.

    Returns:
        One row for each interval: the means of L_sup and L_sim, the validation
        accuracy in percent, and images per second. The model has its best weights.

    Raises:
        TypeError: If there is no such option, or a value is of another kind.
        ValueError: If a value is out of range or not possible on this machine, or
            the checkpoint belongs to another run.
        DataError: If the folder cannot be written, lacks space, or another process is
            training in it.
        FloatingPointError: If the loss or a weight stops being a finite number.
        MemoryError: If memory does not suffice even for micro-batches of 2 images.
    """
    if options.get("dispel") is None:
        options["dispel"] = model.dispel
    settings = settings_of(Settings, options)
    check_fit(model, data, valid, settings)
    if settings.device is not None:
        model.to(choose_device(settings.device))
    return run(model, data, valid, Path(folder), settings, progress)


@checked
def predict(
    model: Model,
    data: Pictures,
    n: int = 64,
    workers: int = 0,
    label: str = "",
) -> Tensor:
    """The logits of all images (N, K), the work shared by all processes there are.

    Args:
        model: It stays where it is and is put in evaluation mode.
        data: The images, N of them.
        n: How many go through the model at a time.
        workers: Processes that read pictures.
        label: Of a bar; without one none is shown.
    """
    checks.whole("n", n)
    checks.whole("workers", workers, 0)
    device = device_of(model)
    accelerator = check_place(Accelerator(device_placement=False), device)
    feed = Feed(accelerator, n, workers=workers)
    model.eval()
    (logits,) = feed.ask(
        lambda images, _: (model(to_device(images, device)),), data, n, label
    )
    return logits
