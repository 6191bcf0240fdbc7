"""Sphinx: of MathJax's folder of 24 MB, the one file that draws all formulas as SVG."""

from __future__ import annotations

import shutil
from pathlib import Path

from sphinx.application import Sphinx

# Formulas as SVG: not every browser lets a page read from file:// load the fonts that
# the other output needs.
BUNDLE = "mathjax/tex-svg-full.js"


def use_bundle(app: Sphinx) -> None:
    """In the place of what sphinx-mathjax-offline names, which loads more files."""
    app.config.mathjax_path = BUNDLE


def drop_the_rest(app: Sphinx, error: Exception | None) -> None:
    """All that sphinx-mathjax-offline has copied beside the bundle."""
    if error:
        return
    bundle = Path(app.outdir) / "_static" / BUNDLE
    for path in bundle.parent.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != bundle:
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx when: after the files have been copied."""
    app.connect("builder-inited", use_bundle)
    app.connect("build-finished", drop_the_rest, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
