"""A figure that moves, in node and in a browser: what it computes, shows and says."""

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))
import live  # noqa: E402
import live_data  # noqa: E402

SCRIPTS = ROOT / "book" / "_static" / "live"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None
)
NODE = shutil.which("node")
browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
node = pytest.mark.skipif(NODE is None, reason="needs node")
each_engine = pytest.mark.parametrize(
    "engine", [pytest.param("node", marks=node), pytest.param("browser", marks=browser)]
)


def built(tmp_path):
    """The folder of what the build makes."""
    folder = tmp_path / "_static" / "live"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def weights_script(tmp_path, name):
    """What the build makes of a checkpoint."""
    folder = built(tmp_path)
    live.write_weights(folder)
    return folder / f"weights-{name}.js"


def numbers_script(tmp_path, name):
    """What the build makes of results."""
    file = built(tmp_path) / f"data-{name}.js"
    dict(live_data.files())[file.name](file)
    return file


def dump(page):
    """The DOM of a page once its scripts have had a minute of their own time."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    budget = "--virtual-time-budget=60000"
    told = subprocess.run(
        [*command, budget, page.as_uri()], capture_output=True, timeout=300, check=True
    )
    return told.stdout.decode("utf-8")


def compute(engine, tmp_path, files, expression):
    """What an expression comes to once the scripts have run, in node or in a page."""
    text = "\n".join(Path(file).read_text("utf-8") for file in files)
    if engine == "node":
        script = tmp_path / "all.js"
        script.write_text(f"{text}\nconsole.log(JSON.stringify({expression}))", "utf-8")
        told = subprocess.run([NODE, script], capture_output=True, timeout=300)
        assert told.returncode == 0, told.stderr.decode()
        return json.loads(told.stdout)
    page = tmp_path / "all.html"
    last = f"document.body.textContent = '>' + JSON.stringify({expression}) + '<'"
    start = '<!doctype html><meta charset="utf-8"><body>'
    page.write_text(f"{start}<script>{text}\n{last}</script>", "utf-8")
    return json.loads(re.search("&gt;(.*)&lt;", dump(page), re.S).group(1))


def page_of(tmp_path, name, then=""):
    """A page with a figure as the build lays it out, and what a reader does there."""
    folder = tmp_path / "book"
    folder.mkdir(exist_ok=True)
    target = tmp_path / "_static" / "live"
    shutil.copytree(SCRIPTS, target, dirs_exist_ok=True)
    # A browser that only dumps a page draws few frames, and none on request.
    scripts = "<script>requestAnimationFrame = (draw) => setTimeout(draw)</script>"
    scripts += "".join(
        f'<script defer src="../_static/live/{script}.js"></script>'
        for script in live.SCRIPTS[name]
    )
    reader = (
        f"<script>addEventListener('load', () => setTimeout(() => {{{then}}}, 2000))"
    )
    page = folder / "page.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>'
        '<link rel="stylesheet" href="../_static/live/live.css">'
        f"{scripts}{live.figure(name, 'book/page').astext()}{reader}</script></html>",
        "utf-8",
    )
    return page


def spoken(dom):
    """What the live region of a page says."""
    return unescape(re.search(r'class="live-said"[^>]*>([^<]*)', dom).group(1))


PLAY = """(async () => {
  const told = () => document.querySelector('.live-said').textContent;
  const sleep = () => new Promise((go) => setTimeout(go, 400));
  const log = [];
  for (const step of [() => {}, STEPS]) {
    step();
    for (let k = 0; k < 10 && told() === (log.at(-1) ?? ''); k++) await sleep();
    await sleep();
    log.push(told());
  }
  const shown = document.createElement('pre');
  shown.className = 'log';
  shown.textContent = JSON.stringify(log);
  document.body.append(shown);
})()"""


def played(tmp_path, name, *steps):
    """What a figure says at first and after each of a reader's steps, and its DOM."""
    play = PLAY.replace("STEPS", ", ".join(f"() => {{ {step} }}" for step in steps))
    dom = dump(page_of(tmp_path, name, play))
    log = re.search('<pre class="log">(.*?)</pre>', dom, re.S)[1]
    return *(line.replace("\u00a0", " ") for line in json.loads(unescape(log))), dom
