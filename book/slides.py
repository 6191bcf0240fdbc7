"""Make the slides of the sessions from the chapters' own cells: `make slides`.

    python book/slides.py [folder]

An outline, `book/teaching/slides/N.yml`, has for each slide a title and

- ``text``: a line or two, where the book's roles for numbers may be used;
- ``code``: the cell whose source, and ``show``: the cells whose output stands there;
- ``picture``: a file of `book/_static`, with its ``alt``;
- ``guess: true``: what is shown waits for a key;
- ``plan``: which rows of the lesson plans its notes are, each by its chapter and a part
  of the row, ``1 One question``; without it the rows of its cells;
- ``ask`` and ``board``: which questions and drawings of the plan go along with them.

The first slide and the last have the opening and the closing of the syllabus. Outputs
are those of the book's cache; a chapter that is not in it is run, and kept there.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from lesson_notes import MARKDOWN, TEACHING, cells_of, chapter_of, notes, rendered
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).parents[1]
OUTLINES = TEACHING / "slides"
STATIC = ROOT / "book" / "_static"
CACHE = ROOT / "_build" / ".jupyter_cache"
SECONDS = 600  # that one cell may take, as in _config.yml
LONG = 12  # lines of code that are set smaller
LOOK = HtmlFormatter(style="a11y-high-contrast-light", nowrap=True)
WORDS = {"title", "text", "code", "show", "picture", "alt", "guess", "plan", "ask"}
WORDS |= {"board"}
Cells = dict[str, nbformat.NotebookNode]
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="slides.css">
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script>
// Each formula brings its shapes, and in the notes none its hidden twin: they go into a
// window without MathJax.
MathJax = {{
  svg: {{fontCache: "local"}},
  options: {{enableMenu: false}},
  startup: {{
    pageReady: () => MathJax.startup.defaultPageReady().then(() => {{
      document.querySelectorAll("aside mjx-assistive-mml").forEach((e) => e.remove());
    }}),
  }},
}};
</script>
<script src="mathjax/tex-svg-full.js"></script>
<script src="reveal/reveal.js"></script>
<script src="reveal/notes.js"></script>
<script>
Reveal.initialize({{
  width: 1280, height: 720, margin: 0, center: false, display: "flex",
  hash: true, slideNumber: "c/t", transition: "none", plugins: [RevealNotes],
}});
</script>
</body>
</html>
"""
KEYS = "→ goes on · S opens the notes · F fills the screen · ? lists all keys"


def outlines() -> dict[int, list[dict]]:
    """The slides of each session, as its outline has them."""
    found = {}
    for file in sorted(OUTLINES.glob("*.yml")):
        slides = yaml.safe_load(file.read_text("utf-8"))["slides"]
        for slide in slides:
            if "title" not in slide or not set(slide) <= WORDS:
                raise ValueError(
                    f"{file.name}: the slide {slide.get('title')!r} says "
                    f"{sorted(slide)}; it needs a title and may say {sorted(WORDS)}"
                )
        found[int(file.stem)] = slides
    return found


def taken(name: str, cells: Callable[[int], Cells]) -> nbformat.NotebookNode:
    """The cell that an outline names."""
    return cells(chapter_of(name))[name]


def executed(chapter: int) -> Cells:
    """The cells of a chapter with their outputs, by their ids."""
    (path,) = (ROOT / "notebooks").glob(f"{chapter:02d}_*.ipynb")
    book, cache = nbformat.read(path, as_version=4), get_cache(CACHE)
    try:
        cache.match_cache_notebook(book)
    except KeyError:
        print(f"running {path.name}", flush=True)
        run = single_nb_execution(book, str(path.parent), SECONDS, allow_errors=False)
        if run.err:
            raise SystemExit(f"{path.name}: {run.exc_string}") from None
        bundle = CacheBundleIn(book, path, data={"execution_seconds": run.time})
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    _, book = cache.merge_match_into_notebook(book)
    return {cell["id"]: cell for cell in book.cells}


def output(cell: nbformat.NotebookNode, folder: Path) -> str:
    """What a cell put out: its figures as files beside the page, tables, lines."""
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    parts, lines, figures = [], "", 0
    for each in cell.outputs:
        data = each.get("data", {})
        if "image/svg+xml" in data:
            figures += 1
            name = f"{cell['id']}-{figures}.svg"
            (folder / name).write_text(data["image/svg+xml"], "utf-8")
            parts.append(figure(f"figures/{name}", alt))
        elif "text/html" in data:
            bare = re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.S)
            parts.append(f'<div class="table">{bare}</div>')
        else:
            lines += each.get("text", "") or data.get("text/plain", "")
    if not parts and not lines:
        raise ValueError(f"cell {cell['id']} shows nothing")
    printed = f"<pre>{html.escape(lines.rstrip())}</pre>" if lines else ""
    return printed + "".join(parts)


def figure(source: str, alt: str) -> str:
    """A picture that fills what room there is."""
    return f'<figure><img src="{source}" alt="{html.escape(alt)}"></figure>'


def body(slide: dict, cells: Callable[[int], Cells], out: Path) -> str:
    """Code where there is some, and under it what is shown."""
    code, shown = "", ""
    for cell in slide.get("code", "").split():
        source = taken(cell, cells).source
        size = " long" if source.count("\n") >= LONG else ""
        lines = highlight(source, PythonLexer(), LOOK)
        code += f'<pre class="code{size}">{lines}</pre>'
    for cell in slide.get("show", "").split():
        shown += output(taken(cell, cells), out / "figures")
    if "picture" in slide:
        shutil.copy(STATIC / slide["picture"], out / "figures")
        shown += figure(f"figures/{slide['picture']}", slide["alt"])
    held = " fragment" if slide.get("guess") else ""
    shown = f'<div class="shown{held}">{shown}</div>' if shown else ""
    return f'<div class="body">{code}{shown}</div>' if code or shown else ""


def made_with(slides: list[dict], cells: Callable[[int], Cells]) -> str:
    """The data and the profile of the chapters, as they say so themselves."""
    chapters = {chapter_of(cell) for slide in slides for cell in cells_of(slide)}
    printed = "".join(
        output.get("text", "")
        for chapter in sorted(chapters)
        for cell in cells(chapter).values()
        for output in cell.get("outputs", [])
    )
    told = re.findall(r"\b(?:data|profile): [^·\n]+", printed)
    return " · ".join([KEYS, *dict.fromkeys(map(str.strip, told))])


def source_of(slide: dict, out: Path) -> str:
    """Where a slide is from; a link where the book lies around the slides."""
    named = cells_of(slide)
    if not named:
        return ""
    (path,) = (ROOT / "notebooks").glob(f"{chapter_of(named[0]):02d}_*.ipynb")
    told, page = f"Chapter {chapter_of(named[0])}", f"notebooks/{path.stem}.html"
    if (out.parent / page).is_file():
        told = f'<a href="../{page}#{named[-1]}">{told}</a>'
    return f'<p class="from">{told}</p>'


def build(
    session: int, slides: list[dict], cells: Callable[[int], Cells], out: Path
) -> int:
    """Write the slides of a session; how many there are."""
    (out / "figures").mkdir(parents=True, exist_ok=True)
    made = []
    for slide, note in zip(slides, notes(session, slides)[0], strict=True):
        head, foot, shown = "", source_of(slide, out), body(slide, cells, out)
        kind = "other" if shown else "words"
        if slide is slides[0]:
            kind = "words first"
            head = f'<p class="head">Session {session}</p>'
            foot = f'<p class="from">{html.escape(made_with(slides, cells))}</p>'
        made.append(
            f'<section class="{kind}">{head}'
            f"<h2>{MARKDOWN.renderInline(slide['title'])}</h2>"
            f"{rendered(slide.get('text', ''))}{shown}{foot}"
            f'<aside class="notes">{note}</aside></section>'
        )
    title = f"THIN-mini, session {session}: {slides[0]['title']}"
    page = PAGE.format(title=html.escape(title), slides="\n".join(made))
    (out / f"{session}.html").write_text(page, "utf-8")
    return len(slides)


def bring(out: Path) -> None:
    """Copy what the pages need beside them: reveal.js, MathJax, the style."""
    reveal = Path(find_spec("sphinx_revealjs").origin).parent / "_static" / "revealjs"
    mathjax = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static"
    for file, folder in (
        (reveal / "dist" / "reveal.css", "reveal"),
        (reveal / "dist" / "reveal.js", "reveal"),
        (reveal / "plugin" / "notes" / "notes.js", "reveal"),
        (reveal / "LICENSE", "reveal"),
        (mathjax / "mathjax" / "tex-svg-full.js", "mathjax"),
        (OUTLINES / "slides.css", ""),
    ):
        (out / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, out / folder)
    colours = LOOK.get_style_defs(".code")
    with (out / "slides.css").open("a", encoding="utf-8") as style:
        style.write(f"\n/* Code, by Pygments. */\n{colours}\n")


def main() -> None:
    """Make the slides of all sessions."""
    last = sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build" / "html" / "slides"
    out, kept = Path(last), {}

    def cells(chapter: int) -> Cells:
        if chapter not in kept:
            kept[chapter] = executed(chapter)
        return kept[chapter]

    shutil.rmtree(out, ignore_errors=True)
    bring(out)
    for session, slides in outlines().items():
        count = build(session, slides, cells, out)
        print(f"The slides of session {session}, {count}: {out / f'{session}.html'}")


if __name__ == "__main__":
    main()
