"""Pack the built book into an e-book: `make epub`.

    python book/forms/epub.py [part of the pages' names]

Formulas are MathML; live figures are pictures; what is folded lies open.
"""

from __future__ import annotations

import shutil
import sys
import uuid
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from html import escape
from mimetypes import guess_type
from pathlib import Path

from epubcheck.wrap import validate
from pages import CODE, CONFIG, HTML, RIGHTS, ROOT, STYLE, Page, frozen, places

CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/content.opf"
  media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
DOCUMENT = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
  lang="en" xml:lang="en">
<head><title>{title}</title><link rel="stylesheet" href="book.css"/></head>
<body>
{body}
</body>
</html>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"
  xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{identifier}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:creator>{author}</dc:creator>
<dc:language>en</dc:language>
<dc:source>{site}</dc:source>
<dc:rights>{rights}</dc:rights>
<meta property="dcterms:modified">{now}</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Each picture is described.</meta>
</metadata>
<manifest>
{manifest}
</manifest>
<spine>
{spine}
</spine>
</package>
"""


def contents(pages: list[Page]) -> str:
    """The table of contents: parts, their pages, and pages below these."""

    def listed(group: list[Page], depth: int) -> Iterator[str]:
        yield "<ol>"
        while group:
            first, *rest = group
            below = next(
                (i for i, p in enumerate(rest) if p.place.depth <= depth), len(rest)
            )
            yield f'<li><a href="{first.slug}.xhtml">{escape(first.title)}</a>'
            if below:
                yield from listed(rest[:below], depth + 1)
            yield "</li>"
            group = rest[below:]
        yield "</ol>"

    lines, starts = [], [i for i, page in enumerate(pages) if page.place.part]
    for start, end in zip([0, *starts], [*starts, len(pages)], strict=True):
        if not (group := pages[start:end]):
            continue
        told = "".join(listed(group, group[0].place.depth))
        if part := group[0].place.part:
            told = f"<li><span>{escape(part)}</span>{told}</li>"
        else:
            told = told.removeprefix("<ol>").removesuffix("</ol>")
        lines.append(told)
    body = f'<nav epub:type="toc"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'
    return DOCUMENT.format(title="Contents", body=body)


def item(file: str, number: int, properties: str = "") -> str:
    """A line of the manifest."""
    kind = "application/xhtml+xml" if file.endswith(".xhtml") else guess_type(file)[0]
    told = f' properties="{properties}"' if properties else ""
    return f'<item id="i{number}" href="{file}" media-type="{kind}"{told}/>'


def package(pages: list[Page], images: list[str], cover: str) -> str:
    """What the e-book is, what it holds, and in which order it is read."""
    lines = [item("nav.xhtml", 0, "nav"), item("book.css", 1)]
    for number, page in enumerate(pages, len(lines)):
        has = {"mathml": "<math", "svg": "<svg"}
        told = " ".join(name for name, mark in has.items() if mark in page.body)
        lines.append(item(f"{page.slug}.xhtml", number, told))
    spine = [f'<itemref idref="i{i}"/>' for i in range(2, len(lines))]
    for number, image in enumerate(images, len(lines)):
        lines.append(item(image, number, "cover-image" * (image == cover)))
    return PACKAGE.format(
        identifier=uuid.uuid5(uuid.NAMESPACE_URL, CONFIG["html"]["baseurl"]),
        title=escape(CONFIG["title"]),
        author=escape(CONFIG["author"]),
        site=escape(CONFIG["html"]["baseurl"]),
        rights=RIGHTS,
        now=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        manifest="\n".join(lines),
        spine="\n".join(spine),
    )


def pack(pages: list[Page], html: Path, out: Path) -> None:
    """Write the e-book.

    Args:
        pages: Frozen as XHTML.
        html: The built book, from which pictures come.
        out: The file.
    """
    cover = "static/card.png"
    images = {cover: "_static/card.png"}
    for page in pages:
        images |= page.images
    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_suffix(".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("EPUB/content.opf", package(pages, [*images], cover))
        book.writestr("EPUB/nav.xhtml", contents(pages))
        book.writestr("EPUB/book.css", f"{STYLE}\n{CODE}")
        for page in pages:
            told = DOCUMENT.format(title=escape(page.title), body=page.body)
            book.writestr(f"EPUB/{page.slug}.xhtml", told)
        for name, path in images.items():
            book.write(html / path, f"EPUB/{name}")
    shutil.move(new, out)


def hold_to_standard(out: Path) -> None:
    """Check the e-book with epubcheck, where there is Java."""
    if shutil.which("java") is None:
        print(f"{out.name} was not checked: epubcheck needs Java", file=sys.stderr)
    elif not validate(str(out)):
        raise SystemExit(f"{out} is no e-book that all readers open: see above")


def main() -> None:
    """Pack the whole book, or the pages whose names have a part in common."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    out = ROOT / "_build" / "thin-mini.epub"
    pages = [*frozen([p for p in places() if part in p.name])]
    pack(pages, HTML, out)
    hold_to_standard(out)
    print(f"The e-book, {len(pages)} pages, {out.stat().st_size / 1e6:.1f} MB: {out}")


if __name__ == "__main__":
    main()
