"""Sphinx: a page loads what it shows and no more, and waits for nothing else.

Of MathJax's folder of 24 MB stays the one file that draws all formulas as SVG; of what
other packages bring, what a page asks for. No picture lies there twice, and no script
keeps the first paint waiting.
"""

from __future__ import annotations

import filecmp
import re
import shutil
from pathlib import Path

from icons import SHEET
from sphinx.application import Sphinx

# Formulas as SVG: not every browser lets a page read from file:// load the fonts that
# the other output needs.
BUNDLE = "mathjax/tex-svg-full.js"
OURS = {"live", "mathjax"}  # folders of which scripts put names together
TEXTS = {".html", ".css", ".js"}
# What heads of pages have, and what of it stays.
CHANGES = (
    (r'\s*<link [^>]*\brel="preload"[^>]*>', ""),  # it would come before the styles
    (r"\s*<script [^>]*/fontawesome/[^>]*></script>", ""),
    (r'vendor/fontawesome/[^"]*\.css[^"]*', SHEET),
    (r"styles/theme\.css[^\"]*", "basic.css"),  # which is all that it imports
    # All in their order, but for the one that a line of script in the head needs.
    (r'<script src="(?![^"]*documentation_options)', '<script defer src="'),
    # The system's theme at once, and not when the theme's script has come.
    (
        r'(localStorage\.getItem\("theme"\) \|\|) "auto"',
        r'\1 (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    ),
)


def use_bundle(app: Sphinx) -> None:
    """In the place of what sphinx-mathjax-offline names, which loads more files."""
    app.config.mathjax_path = BUNDLE


def drop_mathjax(static: Path) -> None:
    """All that sphinx-mathjax-offline has copied beside the bundle."""
    bundle = static / BUNDLE
    for path in bundle.parent.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != bundle:
            path.unlink()


def lighter(page: str) -> str:
    """A page that waits for its styles alone."""
    for found, change in CHANGES:
        page = re.sub(found, change, page)
    return page


def drop_unasked(root: Path) -> None:
    """The files of packages whose names stand in no page, style or script."""
    texts = []
    for path in root.rglob("*"):
        if path.suffix not in TEXTS or path.name.endswith("macros.html"):
            continue
        text = path.read_text("utf-8", errors="replace")
        if path.suffix != ".html":  # browsers ask for maps when they show the source
            text = re.sub(r"/[/*][#@] sourceMappingURL=\S+( \*/)?", "", text)
            path.write_text(text, "utf-8")
        texts.append(text)
    told = "".join(texts)
    for folder in (root / "_static", *root.glob("_sphinx_*_static")):
        for path in sorted(folder.rglob("*"), reverse=True):  # what is in folders first
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif not (
                path.name in told
                or OURS & {*path.relative_to(root).parts}
                or path.name.endswith("LICENSE.txt")
            ):
                path.unlink()


def doubles(root: Path) -> dict[str, str]:
    """Pictures that Sphinx has copied to ``_images``, and where they lie already."""
    found = {}
    for path in (root / "_images").glob("*"):
        twin = root / "_static" / path.name
        if twin.is_file() and filecmp.cmp(path, twin, shallow=False):
            path.unlink()
            found[f"_images/{path.name}"] = f"_static/{path.name}"
    return found


def lighten(app: Sphinx, error: Exception | None) -> None:
    """Go over all that was written."""
    if error or app.builder.format != "html":
        return
    root = Path(app.outdir)
    drop_mathjax(root / "_static")
    moved = doubles(root)
    for path in root.rglob("*.html"):
        page = lighter(path.read_text("utf-8"))
        for old, new in moved.items():
            page = page.replace(old, new)
        path.write_text(page, "utf-8")
    drop_unasked(root)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx when: after the files have been copied."""
    app.connect("builder-inited", use_bundle)
    app.connect("build-finished", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
