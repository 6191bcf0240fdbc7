"""Check the built slides in a browser: nothing leaves its slide, no figure is tiny, and
nothing is asked of a server.

    python tests/check_slides.py [folder of the slides]

Each page is opened from the disk at 1280 × 720 and every slide of it shown. Without
Chromium only the files are looked for, and that is said.
"""

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None
)
SMALLEST = 120  # pixels of the height of a figure, of the 720 of a slide
# What is on a slide must keep to it less its padding; the line at its foot lies there.
MEASURE = """<script>
const ready = new Promise((go) => Reveal.isReady() ? go() : Reveal.on("ready", go));
Promise.all([ready, MathJax.startup.promise]).then(async () => {
  const found = [];
  for (const [at, slide] of Reveal.getSlides().entries()) {
    Reveal.slide(at, 0, 99);
    await Promise.all([...slide.querySelectorAll("img")].map((img) => img.decode()));
    const box = slide.getBoundingClientRect(), scale = box.height / 720;
    const right = box.right - 59 * scale, bottom = box.bottom - 45 * scale;
    for (const each of slide.querySelectorAll("*")) {
      const { right: x, bottom: y, width, height } = each.getBoundingClientRect();
      if (each.closest("aside, .from, mjx-assistive-mml") || !width) continue;
      const wide = each.clientWidth && each.scrollWidth > each.clientWidth + 1;
      if (wide || x > right || y > bottom) found.push([at + 1, "something leaves it"]);
      if (each.tagName !== "IMG") continue;
      const high = Math.min(height, width * each.naturalHeight / each.naturalWidth);
      if (high < SMALLEST * scale) found.push([at + 1, "its figure is tiny"]);
    }
  }
  for (const { name } of performance.getEntriesByType("resource"))
    if (!/^(file|data|blob):/.test(name)) found.push([0, `it asks for ${name}`]);
  const told = JSON.stringify([Reveal.getTotalSlides(), found]);
  document.body.textContent = `>${told}<`;
});
</script>""".replace("SMALLEST", str(SMALLEST))


def measured(page: Path) -> tuple[int, list[str]]:
    """How many slides a page has, and what is wrong with them as a browser shows it."""
    copy = page.with_name(f"{page.stem}-measured.html")
    text = page.read_text("utf-8").replace("</body>", f"{MEASURE}</body>")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--window-size=1280,720", "--virtual-time-budget=5000"]
    try:
        copy.write_text(text, "utf-8")
        told = subprocess.run(
            [*command, copy.as_uri()], capture_output=True, timeout=300, check=True
        )
    finally:
        copy.unlink(missing_ok=True)
    result = re.search("<body[^>]*>&gt;(.*)&lt;", told.stdout.decode("utf-8"), re.S)
    if result is None:
        return 0, [f"{page.name}: the slides do not start in a browser"]
    count, found = json.loads(unescape(result[1]))
    told_once = dict.fromkeys(f"{page.name}: slide {at}, {what}" for at, what in found)
    return count, list(told_once)


def main() -> int:
    """Print what is wrong, or how many slides there are."""
    last = sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build" / "html" / "slides"
    wanted = sorted((ROOT / "book" / "teaching" / "slides").glob("*.yml"))
    pages = [Path(last) / f"{outline.stem}.html" for outline in wanted]
    problems = [f"{page} is missing" for page in pages if not page.is_file()]
    count = 0
    for page in pages if CHROMIUM and not problems else ():
        there, found = measured(page)
        count, problems = count + there, problems + found
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        seen = f"all {count} slides fit" if CHROMIUM else "not looked at: no Chromium"
        print(f"the slides of {len(pages)} sessions are there; {seen}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
