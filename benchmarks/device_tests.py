"""The tests of the method with its models on the device and its images on the CPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from report import Report

TESTS = Path(__file__).parents[1] / "tests" / "test_on_device.py"


class Outcomes:
    """Which tests passed, failed or were skipped, as pytest tells it."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Of a test's three phases its call counts, and another that goes wrong.
        if report.when == "call" or report.outcome != "passed":
            self.names[report.outcome].append(report.nodeid.rpartition("::")[2])


def measure(report: Report) -> None:
    """Run them all."""
    os.environ["THIN_MINI_DEVICE"] = report.device.type
    # The tests as a whole keep to the CPU unless they are told otherwise.
    os.environ["ACCELERATE_USE_CPU"] = str(report.device.type == "cpu").lower()
    outcomes = Outcomes()
    code = pytest.main(
        [str(TESTS), "-q", "-p", "no:cacheprovider", "--color=no"], plugins=[outcomes]
    )
    names = outcomes.names
    report.keep(**{kind: sorted(found) for kind, found in names.items()})
    counts = ", ".join(f"{len(found)} {kind}" for kind, found in names.items())
    report.check("the tests", code == 0 and bool(names["passed"]), counts)
