"""Sphinx: what a cell prints keeps its lines.

A kernel sends what is printed in pieces, which may end within a line. MyST-NB ends each
of them with a line break where it merges them, so here they are joined first.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sphinx.application import Sphinx


def whole_lines(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the pieces of each stream, where the first of them stands."""
    streams: dict[str, dict[str, Any]] = {}
    joined = []
    for output in outputs:
        if output["output_type"] != "stream":
            joined.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = output
            joined.append(output)
    return joined


def setup(app: Sphinx) -> dict[str, bool]:
    """Let MyST-NB, which Jupyter Book brings, merge what is joined."""
    render = import_module("myst_nb.core.render")
    merge = render.coalesce_streams
    render.coalesce_streams = lambda outputs: merge(whole_lines(outputs))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
