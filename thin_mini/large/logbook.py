"""What a long run keeps in its folder, so that it can be killed at any moment."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from thin_mini.basics.checkpoints import Record
from thin_mini.files import DataError, check_writable, whole_file

CHECKPOINT, LOG, BOARD = "checkpoint.pt", "log.csv", "tensorboard"


class Logbook(Record):
    """A checkpoint, the log as a table, and the same for TensorBoard if there is one.

    A folder that holds a checkpoint is gone on with: model, optimiser and random
    numbers are put back, and the log is cut back to the checkpoint's step.

    Args:
        folder: Where to keep everything.
        model: What is trained. The frozen side of it is not written.
        optimizer: Its optimiser.
        recipe: What must be equal for a later run to go on from here.
        accelerator: All processes read, the main one writes.
        resume: False removes a checkpoint that is there.

    Attributes:
        step: Steps that are done.
        pieces: Micro-batches that a share of a batch was cut into.

    Raises:
        ValueError: If the checkpoint belongs to another run.
        DataError: If the folder cannot be written, lacks space, or is not one and the
            same for all processes.
    """

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        recipe: dict[str, Any],
        accelerator: Accelerator,
        resume: bool = True,
    ) -> None:
        self.folder, self.checkpoint = folder, folder / CHECKPOINT
        self.step, self.pieces = 0, 1
        self.accelerator, self.is_main = accelerator, accelerator.is_main_process
        trained = _Trained(model)
        self._check_room(trained)
        if self.is_main and not resume:
            self.checkpoint.unlink(missing_ok=True)
        accelerator.wait_for_everyone()
        mend = "name another folder (resume=False would replace the run that is there)"
        state = {"model": trained, "optimizer": optimizer, "place": self}
        super().__init__(self.checkpoint, state, recipe, mend)
        steps = accelerator.gather(torch.tensor([self.step], device=accelerator.device))
        if len(steps.unique()) > 1:
            raise DataError(
                f"process {accelerator.process_index} finds step {self.step} in "
                f"{folder}, others find another: the folder must be on a file system "
                "that all hosts share"
            )
        if self.is_main:
            self._write_log()
        # Accelerate has no tracker that writes tables, or cuts them back on resuming.
        later = {"tensorboard": {"purge_step": self.step + 1}}
        accelerator.init_trackers(BOARD, init_kwargs=later)

    def state_dict(self) -> dict[str, int]:
        """Where the run stands, for the checkpoint."""
        return {"step": self.step, "pieces": self.pieces}

    def load_state_dict(self, saved: dict[str, int]) -> None:
        """The opposite of ``state_dict``."""
        self.step, self.pieces = saved["step"], saved["pieces"]

    def add(self, row: dict[str, float]) -> None:
        """As in a record, and write the log.

        Args:
            row: ``step``, ``valid`` and whatever else there is to log.

        Raises:
            DataError: If the folder has become full; the older checkpoint stays.
        """
        self.step = int(row["step"])
        try:
            super().add(row)
            if self.is_main:
                self._write_log()
            self.accelerator.log(row, self.step)
        except DataError as error:
            raise DataError(f"{error}; {self.kept()}") from error
        except OSError as error:  # TensorBoard's
            raise DataError(
                f"cannot write to {self.folder} ({error.strerror}): free some space "
                f"and start again; {self.kept()}"
            ) from error

    def kept(self) -> str:
        """What a run that starts again begins with, in words."""
        if not self.checkpoint.exists():
            return "no checkpoint was written yet"
        return f"the checkpoint in {self.checkpoint} is kept"

    def table(self) -> pd.DataFrame:
        """The history, indexed by step."""
        return pd.DataFrame(self.history).set_index("step")

    def close(self) -> None:
        """Let go of TensorBoard's file."""
        for tracker in self.accelerator.trackers:  # end_training() would part processes
            tracker.finish()

    def _write_log(self) -> None:
        # Whole each time, so that it never disagrees with the checkpoint.
        if self.history:
            with whole_file(self.folder / LOG) as temporary:
                self.table().to_csv(temporary)
        else:
            (self.folder / LOG).unlink(missing_ok=True)

    def _check_room(self, trained: _Trained) -> None:
        """Four copies of the weights (two are Adam's), beside those of the old file."""
        check_writable(self.folder)
        size = sum(v.nbytes for v in trained.state_dict().values())
        needed = 4 * size * (1 if self.checkpoint.exists() else 2)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise DataError(
                f"{self.folder} has {free / 1e9:.2f} GB left and the checkpoints need "
                f"{needed / 1e9:.2f} GB: free some space or choose another folder"
            )


class _Trained:
    """The weights of a model without those of its frozen side."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def state_dict(self) -> dict[str, Tensor]:
        weights = self.model.state_dict()
        return {k: v for k, v in weights.items() if not k.startswith("context.")}

    def load_state_dict(self, weights: dict[str, Tensor]) -> None:
        self.model.load_state_dict(weights, strict=False)
