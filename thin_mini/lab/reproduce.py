"""Make the runs of a recipe: each once, however many processes and machines share them.

A lock for each run keeps those who share a results folder from doing the same work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from threading import RLock
from typing import Any

import torch
from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from thin_mini.basics.bars import progress_bar
from thin_mini.basics.locks import BusyError, locked
from thin_mini.data.store import cache_folder
from thin_mini.files import check_writable
from thin_mini.lab import one_run
from thin_mini.lab.one_run import lock_of
from thin_mini.lab.result_files import read
from thin_mini.lab.rows import Row, Run, all_runs

POLL_SECONDS = 1.0  # how often to look whether another process has finished
MEMORY_GB = 6  # of a job, which holds one data set
SHORTEST = 30  # minutes
# Of threads alone: one of processes is reported as lost when Ctrl-C ends a worker.
tqdm.set_lock(RLock())


def stand_alone() -> None:
    """Make a process that a launcher started with others train runs of its own.

    ``accelerate launch`` and ``torchrun`` announce in the environment that the
    processes share each batch. Runs this small are better shared out whole, each
    process with the GPU of its local rank.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR"):
        os.environ.pop(name, None)


def make(rows: Sequence[Row], root: Path, progress: bool = True, jobs: int = 1) -> None:
    """Make what is missing of a recipe; wait for runs that another process makes.

    Interrupt it whenever you like: a run that is finished is never made again, and
    one that is not leaves nothing behind.

    Args:
        rows: From :mod:`thin_mini.lab.recipes`.
        root: The results folder; several processes may share it.
        progress: Whether to show a bar, with an estimate of the time left.
        jobs: Processes to train in, of one thread each if there are several.

    Raises:
        DataError: If the folder, or the cache for the networks, cannot be written,
            before anything is computed.
        ResultError: If a file in it is damaged or of another version.
        ChildProcessError: If one of several processes was killed.
    """
    runs = all_runs(rows)
    missing = [run for run in runs if read(run, root) is None]
    if not missing:  # the folder may be read-only then
        return
    check_writable(root)
    check_writable(cache_folder())
    if jobs > 1:  # else a run and the network that it needs would come together
        missing.sort(key=lambda run: run.model != "network")
    total, label = sum(run.cost for run in missing), f"{len(missing)} runs"
    bar = progress_bar(total, label, unit="images", shown=progress)

    def each() -> Iterator[Any]:
        for run in [*missing]:
            bar.set_description(str(run))
            yield delayed(_make_one)(run, root)

    workers: dict[str, Any] = {"n_jobs": jobs}
    if jobs > 1:
        # One thread each. Of Ctrl-C this process hears, which ends them.
        workers |= {"backend": "loky", "inner_max_num_threads": 1}
        workers |= {"initializer": signal, "initargs": (SIGINT, SIG_IGN)}
    try:
        with bar, parallel_config(**workers):
            while missing:
                n = len(missing)
                for run, there in Parallel(return_as="generator_unordered")(each()):
                    if there:
                        bar.update(run.cost)
                        missing.remove(run)
                if len(missing) == n:  # all of them are being made elsewhere
                    time.sleep(POLL_SECONDS)
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "a process was killed in training, perhaps for want of memory: take fewer "
            "jobs"
        ) from error
    for run in runs:  # of a process that was killed when it had finished a run
        if lock_of(run, root).exists():
            _make_one(run, root)


def _make_one(run: Run, root: Path) -> tuple[Run, bool]:
    """Make a run unless another process is at it; whether its result is there."""
    try:
        with locked(lock_of(run, root), "another process is at this run"):
            if read(run, root) is None:
                one_run.train_run(run, root)
    except BusyError:
        return run, False
    return run, True


def submit(
    rows: Sequence[Row], root: Path, jobs: int, seconds: float, cluster: str = "slurm"
) -> list[Any]:
    """Hand what is missing to Slurm: an array of jobs that share the folder.

    Partition, account and limits are what Slurm's own variables say, such as
    ``SBATCH_PARTITION``.

    Args:
        rows: From :mod:`thin_mini.lab.recipes`.
        root: The results folder, which all nodes must see, and so the cache.
        jobs: How many at a time; each has one core.
        seconds: What all of it takes on one core. Jobs get three times their share.
        cluster: Of submitit; ``"local"`` and ``"debug"`` need no Slurm.

    Returns:
        The jobs, as submitit has them.

    Raises:
        ValueError: If submitit is not installed, or there is no Slurm.
    """
    try:
        import submitit
    except ImportError as error:
        raise ValueError(
            "--slurm needs submitit, an extra: pip install 'thin-mini[slurm]'"
        ) from error
    try:
        executor = submitit.AutoExecutor(root.resolve() / "slurm", cluster=cluster)
    except RuntimeError as error:
        raise ValueError(
            f"there is no Slurm here ({error}): leave out --slurm"
        ) from error
    check_writable(root)
    check_writable(cache_folder())
    executor.update_parameters(
        name="thin-mini",
        cpus_per_task=1,
        mem_gb=MEMORY_GB,
        timeout_min=max(SHORTEST, round(3 * seconds / 60 / jobs)),
    )
    return executor.map_array(_work, [rows] * jobs, [root.resolve()] * jobs)


def _work(rows: Sequence[Row], root: Path) -> None:
    """A job: one thread, and runs of its own until none is missing."""
    stand_alone()
    torch.set_num_threads(1)
    make(rows, root, progress=False)
