"""Sphinx: of the theme's icons those that the book shows, as one small style sheet.

The theme brings all of Font Awesome twice: as fonts, which some browsers refuse to a
page on a disk, and as a script of 1.4 MB that every page waits for.
"""

from __future__ import annotations

import base64
import logging
import re
import shutil
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

SHEET = "icons.css"
FONTS = ("fa-solid-900.ttf", "fa-brands-400.ttf")  # the first that has an icon draws it
# In the package's style sheet, how it is called and where in the font it stands.
ICON = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
STYLE = """\
:root{--fa-font-solid:normal 400 1em/1 icons;--fa-font-brands:normal 400 1em/1 icons}
.fa-solid,.fa-brands,.fa-regular,.fas,.fab,.far{font:normal 400 1em/1 icons;\
display:inline-block;text-rendering:auto;-webkit-font-smoothing:antialiased}
.onthispage::after{font-family:icons!important}
"""


def few(font: TTFont, points: set[int]) -> bytes:
    """A font of these characters alone, without the name, which is the whole's."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells each step
    cutter = Subsetter(Options(name_IDs=[0, 13, 14], hinting=False))
    cutter.populate(unicodes=points)
    cutter.subset(font)
    font.flavor, held = "woff", BytesIO()
    font.save(held)
    return held.getvalue()


def sheet(package: Path, text: str) -> str:
    """The style sheet for the icons that pages, scripts and styles name.

    Args:
        package: The folder of Font Awesome, of the version that the theme has.
        text: All that may name an icon, by its class or by its character.
    """
    whole = (package / "css" / "all.min.css").read_text("utf-8")
    shown = set(re.findall(r"\bfa-[\w-]+", text))
    known = {
        name: int(point, 16)
        for names, point in ICON.findall(whole)
        for name in re.findall(r"fa-[\w-]+", names)
    }
    points = {known[name] for name in shown & known.keys()}
    points |= {int(point, 16) for point in re.findall(r'"\\(f[0-9a-f]{3})"', text)}
    lines = [whole[: whole.index("*/") + 2], STYLE]  # what it is, and its licence
    for name in FONTS:
        font = TTFont(package / "webfonts" / name)
        if here := points & font.getBestCmap().keys():
            points -= here
            woff = base64.b64encode(few(font, here)).decode()
            span = ",".join(f"U+{point:X}" for point in sorted(here))
            lines.append(
                "@font-face{font-family:icons;src:url(data:font/woff;base64,"
                f"{woff});unicode-range:{span}}}"
            )
    for name in sorted(shown & known.keys()):
        sign = f'"\\{known[name]:x}"'  # and no word of it for screen readers
        lines.append(f'.{name}::before{{content:{sign};content:{sign}/""}}')
    return "\n".join(lines) + "\n"


def draw(app: Sphinx, error: Exception | None) -> None:
    """Write the sheet in the place of the package."""
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for whole in static.glob("vendor/fontawesome/*/css/all.min.css"):
        package = whole.parents[1]
        own = [p for p in Path(app.outdir).rglob("*") if package not in p.parents]
        named = (p for p in own if p.suffix in (".html", ".js", ".css"))
        text = "".join(p.read_text("utf-8", errors="replace") for p in named)
        (static / SHEET).write_text(sheet(package, text), "utf-8")
        shutil.copy(package / "LICENSE.txt", static / f"{SHEET}.LICENSE.txt")
        shutil.rmtree(static / "vendor")


def setup(app: Sphinx) -> dict[str, bool]:
    """After all pages are written, and before ``light`` goes over them."""
    app.connect("build-finished", draw, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
