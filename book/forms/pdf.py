"""Print the built book into one PDF: `make pdf`.

    python book/forms/pdf.py [part of the pages' names]

Chromium prints it twice: the first time tells on which sheet each page begins. Formulas
and figures stay vectors; what is folded lies open.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

import matplotlib as mpl
from pages import CODE, CONFIG, RIGHTS, ROOT, STYLE, Page, frozen, opened, places
from pypdf import PdfReader, PdfWriter

PRINT = Path(__file__).with_name("pdf.css").read_text("utf-8")
FACES = {
    "STIX": ("STIXGeneral", "", "Bol", "Italic", "BolIta"),
    "DejaVu Sans Mono": ("DejaVuSansMono", "", "-Bold", "-Oblique", "-BoldOblique"),
}
ABOUT = "Ensembles of weak classifiers, gated by a variable that is then thrown away"
DOCUMENT = """<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head><title>{title}</title><style>{style}</style></head><body>
<section class="front"><img src="{mark}" alt=""/><h1>{title}</h1><p>{about}</p>
<p>{author}</p><p><a href="{site}">{site}</a></p><p>{rights}</p></section>
<nav class="contents"><h1 data-level="1">Contents</h1>{contents}</nav>
{body}
</body></html>
"""
TEXT = {"width": 597, "height": 900}  # of A4 less its margins, in pixels
NUMBER = """(sheets) => {
  for (const link of document.querySelectorAll(".contents a"))
    link.dataset.sheet = sheets[link.hash.slice(1)];
}"""
# What reaches beyond the paper, and nothing in it does.
CUT = """() => {
  const edge = document.body.getBoundingClientRect().right + 1;
  const beyond = (e) => e.getBoundingClientRect().right > edge;
  return [...document.querySelectorAll("[id].page *:not(svg *)")]
    .filter((e) => beyond(e) && ![...e.children].some(beyond))
    .map((e) => [e.closest(".page").id, e.localName, e.textContent.slice(0, 60)])
    .map(([page, name, text]) => `${page}: <${name}> ${text}`);
}"""


def faces() -> str:
    """The faces of text and code, matplotlib's: so the book is alike anywhere."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    looks = [(weight, style) for style in ("normal", "italic") for weight in (400, 700)]
    return "".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; '
        f'font-style: {style}; src: url("{(folder / f"{stem}{end}.ttf").as_uri()}") }}'
        for family, (stem, *ends) in FACES.items()
        for end, (weight, style) in zip(ends, looks, strict=True)
    )


def lowered(body: str, by: int) -> str:
    """A page's body with its headings below that of the page's part."""

    def lower(found: re.Match) -> str:
        level = min(int(found[2]) + by, 6)
        return f"{found[1]}h{level}" + f' data-level="{found[2]}"' * (found[1] == "<")

    return re.sub(r"(</?)h([1-6])\b", lower, body)


def joined(pages: list[Page]) -> Iterator[tuple[str, str]]:
    """Of each part and page: its line of the contents, and its body."""
    in_part = 0
    for page in pages:
        if part := escape(page.place.part):
            in_part = 1
            yield (
                f'<p class="part-of">{part}</p>',
                f'<section class="part"><h1>{part}</h1></section>',
            )
        body, depth = lowered(page.body, in_part + page.place.depth), page.place.depth
        link = f'<a href="#{page.slug}">{escape(page.title)}</a>'
        yield (
            f'<p class="depth-{depth}">{link}</p>',
            f'<div class="page" id="{page.slug}">{body}</div>',
        )


def document(pages: list[Page]) -> str:
    """The whole book as one page, with a title and a table of contents."""
    contents, body = map("".join, zip(*joined(pages), strict=True))
    style = "\n".join([faces(), STYLE, CODE, max(p.style for p in pages), PRINT])
    return DOCUMENT.format(
        title=escape(CONFIG["title"]),
        about=ABOUT,
        author=escape(CONFIG["author"]),
        site=CONFIG["html"]["baseurl"],
        rights=RIGHTS,
        mark=(ROOT / CONFIG["logo"]).as_uri(),
        style=escape(style, quote=False),
        contents=contents,
        body=body,
    )


def sheets(out: Path) -> dict[str, int]:
    """The number of the sheet with each place that a link of a PDF leads to."""
    reader = PdfReader(out)
    return {
        name.lstrip("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


def make(pages: list[Page], out: Path) -> list[str]:
    """Print the book.

    Args:
        pages: Frozen for paper.
        out: The file.

    Returns:
        What reaches beyond the paper's edge.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    source = out.with_suffix(".xhtml")
    source.write_text(document(pages), "utf-8")
    with opened() as window:
        window.set_viewport_size(TEXT)
        window.emulate_media(media="print")
        window.goto(source.as_uri())
        window.evaluate("document.fonts.ready")
        cut = window.evaluate(CUT)
        window.pdf(path=out, prefer_css_page_size=True)
        window.evaluate(NUMBER, sheets(out))
        window.pdf(path=out, prefer_css_page_size=True, outline=True, tagged=True)
    source.unlink()
    book = PdfWriter(out, incremental=True)
    book.add_metadata({"/Author": CONFIG["author"], "/Subject": ABOUT})
    book.create_viewer_preferences().display_doctitle = True
    book.write(out)
    return cut


def main() -> None:
    """Print the whole book, or the pages whose names have a part in common."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    out = ROOT / "_build" / "thin-mini.pdf"
    pages = [*frozen([p for p in places() if part in p.name], paper=True)]
    cut = make(pages, out)
    told = f"{len(PdfReader(out).pages)} sheets, {out.stat().st_size / 1e6:.1f} MB"
    print(f"The PDF, {told}: {out}")
    if cut:
        raise SystemExit("\n".join(["These are wider than the paper:", *cut]))


if __name__ == "__main__":
    main()
