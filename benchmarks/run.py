"""Side-by-side timings: ``python benchmarks/run.py`` prints and stores them."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import experts
import images
import imports
import routing
import steps
import torch
import tree_gates

from thin_mini.files import whole_file

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks.json"
SECTIONS = {
    "gates": tree_gates,
    "experts": experts,
    "steps": steps,
    "images": images,
    "routing": routing,
    "imports": imports,
}


def main() -> None:
    """Measure on one thread, print a table, store the numbers."""
    torch.set_num_threads(1)
    results: dict[str, object] = {
        "command": "python benchmarks/run.py",
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}, one CPU thread",
    }
    for section, module in SECTIONS.items():
        torch.manual_seed(0)
        print(f"\n{section}: {module.__doc__}")
        results[section] = tables = module.measure()
        for shape, table in tables.items():
            print(f"\n{section}, {shape}")
            for name, row in table.items():
                print(f"  {name:22s}{row['ms']:10.3f} ms{row['ratio']:8.2f} ×")
    with whole_file(RESULTS) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
