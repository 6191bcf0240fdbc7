"""What the parts of ``gpu.py`` find, written as it comes, whole or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

from thin_mini.basics.provenance import provenance
from thin_mini.files import DataError, check_writable, whole_file

Entry = dict[str, object]


def load(path: Path) -> dict[str, Entry]:
    """What is there, by part; {} where there is no file.

    Raises:
        DataError: If the file is no such report.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): pass another --out") from (
            error
        )
    if not isinstance(found, dict) or not all(
        isinstance(entry, dict) for entry in found.values()
    ):
        raise DataError(f"{path} is no report of gpu.py: pass another --out")
    return found


def check_file(path: Path) -> None:
    """Know now, and not after a part, that the file can be written.

    Raises:
        DataError: If it cannot, or is there and no report.
    """
    load(path)
    check_writable(path.parent)


def store(path: Path, part: str, entry: Entry) -> None:
    """Put a part's entry in the place of its older one."""
    report = load(path) | {part: entry}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


class Report:
    """One part's entry.

    Args:
        part: Its name.
        size: ``"tiny"`` or ``"full"``.
        minutes: How long the part may take.
        out: The file.
        device: Where everything is measured.
    """

    def __init__(
        self, part: str, size: str, minutes: float, out: Path, device: torch.device
    ) -> None:
        self.part, self.tiny, self.out, self.device = part, size == "tiny", out, device
        self.start, self.limit = time.perf_counter(), 60 * minutes
        self.passed = True
        self.entry: Entry = {"size": size, "made": made_by(device), "state": "begun"}

    @property
    def seconds(self) -> float:
        """Since the part began."""
        return time.perf_counter() - self.start

    @property
    def left(self) -> float:
        """Seconds that the part may still take."""
        return self.limit - self.seconds

    def say(self, text: str) -> None:
        """A line with the time."""
        print(f"  {self.part} {self.seconds:6.1f} s  {text}", flush=True)

    def keep(self, **found: object) -> None:
        """Add to the entry and write it."""
        self.entry |= found | {"seconds": round(self.seconds, 1)}
        store(self.out, self.part, self.entry)

    def check(self, name: str, passed: bool, about: str) -> None:
        """Keep whether something holds; what does not is no reason to stop."""
        self.passed &= bool(passed)
        checks = self.entry.get("checks", {})
        assert isinstance(checks, dict)
        self.say(f"{'holds' if passed else 'FAILED'}: {name} ({about})")
        self.keep(checks=checks | {name: {"holds": bool(passed), "about": about}})

    def close(self) -> None:
        """Say how the part ended."""
        self.keep(state="done" if self.passed else "a check failed")


def made_by(device: torch.device) -> dict[str, object]:
    """Versions and the chip, without the name of the machine."""
    made = provenance() | {"device": chip_name(device)}
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        made["memory_gb"] = round(memory / 1e9, 1)
        made["cuda"] = torch.version.cuda or torch.version.hip
        made["cudnn"] = torch.backends.cudnn.version()
    return made


def chip_name(device: torch.device) -> str:
    """As the driver has it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def wait(device: torch.device) -> None:
    """Until the device has done what it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(call: Callable[[], object], times: int, device: torch.device) -> float:
    """Seconds of one call, on average, with nothing left in the device's queue."""
    wait(device)
    start = time.perf_counter()
    for _ in range(times):
        call()
    wait(device)
    return (time.perf_counter() - start) / times
