"""The figures that move: a page computes what PyTorch does, and says what it cannot."""

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import MNIST_FOLDER
from docutils import nodes
from safetensors.torch import load_file

import thin_mini as tm
from thin_mini.rivals.undo import expected

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))
import live  # noqa: E402

SCRIPTS = ROOT / "book" / "_static" / "live"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None
)
NODE = shutil.which("node")
ENGINES = ("node", "browser")
browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
POSES = (-60, -30, 0, 30, 60)  # degrees of our own digits


@pytest.fixture(scope="module")
def models():
    """The library's models with the committed weights."""
    network = tm.ExogenousNetwork(tm.ConvEncoder(), 18, gate_on="probabilities")
    found = {
        "thin": tm.build("thin", 10, exogenous=network.freeze()),
        "baseline": tm.build("baseline", 10),
        "undone": tm.build("baseline", 10),
    }
    for name, model in found.items():
        model.load_state_dict(load_file(live.WEIGHTS / f"{name}.safetensors"))
        model.eval()
    return found


def weights_script(tmp_path, name):
    """What the build makes of a checkpoint."""
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    (tmp_path / "_static" / "live").mkdir(parents=True, exist_ok=True)
    live.write_weights(app, None)
    return tmp_path / "_static" / "live" / f"weights-{name}.js"


def dump(page):
    """The DOM of a page once its scripts have had ten seconds of their own time."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    budget = "--virtual-time-budget=10000"
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


@pytest.fixture(params=ENGINES)
def engine(request):
    if {"node": NODE, "browser": CHROMIUM}[request.param] is None:
        pytest.skip(f"needs {request.param}")
    return request.param


READ = "net.checkpoint(thinMini.weights.{0}).tensors"
# All that the page shows of some images, under the angles that they are turned by.
ALL = f"""(() => {{
  const {{ net }} = thinMini;
  const [thin, baseline, undone] = [{READ.format("thin")},
    {READ.format("baseline")}, {READ.format("undone")}];
  return IMAGES.map((image, i) => {{
    const out = net.thin(image, thin);
    const back = net.rotate(image, -out.degrees);
    return {{ belief: out.belief, degrees: [out.degrees], gate: out.gate,
      experts: out.each.flat(), thin: out.mixed,
      baseline: Array.from(net.classify(image, baseline)),
      undone: Array.from(net.classify(back, undone)),
      turned: Array.from(net.rotate(image, ANGLES[i])) }};
  }});
}})()"""


@pytest.fixture(scope="module")
def said(models):
    """64 images, how far to turn them, and what the library says of both."""
    images = tm.data.mnist_r(8, 64, source="digits")[1].images
    angles = torch.linspace(-180, 180, 64)
    thin = models["thin"]
    centers = torch.arange(-85.0, 90, 10)
    with torch.no_grad():
        h_g = thin.context.condition(images).h_g
        degrees = expected(thin.context, images, centers)
        back = tm.data.rotate(images, -degrees).clamp(0, 1)
        told = {
            "belief": h_g,
            "degrees": degrees[:, None],
            "gate": thin.gate(h_g),
            "experts": thin.experts(thin.encoder(images)).flatten(1),
            "thin": thin(images),
            "baseline": models["baseline"](images),
            "undone": models["undone"](back),
            "turned": tm.data.rotate(images, angles).flatten(1),
        }
    return images, angles, told


def test_the_page_computes_what_pytorch_does(engine, tmp_path, said):
    images, angles, told = said
    given = tmp_path / "images.js"
    rows = json.dumps(images.flatten(1).tolist())
    given.write_text(
        f"const IMAGES = {rows}.map((row) => Float64Array.from(row));"
        f"const ANGLES = {json.dumps(angles.tolist())};"
    )
    weights = [weights_script(tmp_path, name) for name in live.MODELS]
    out = compute(engine, tmp_path, [SCRIPTS / "net.js", *weights, given], ALL)
    # In units of what is compared: probabilities, degrees, logits of up to 20.
    bounds = dict.fromkeys(told, 1e-4) | {"belief": 2e-5, "gate": 2e-5, "turned": 2e-5}
    bounds["degrees"] = 1e-3
    for name, values in told.items():
        ours = torch.tensor([row[name] for row in out])
        assert (ours - values).abs().max() < bounds[name], name


@pytest.mark.skipif(MNIST_FOLDER is None, reason="needs MNIST in THIN_MINI_DATA")
@pytest.mark.parametrize("name", live.MODELS)
def test_what_is_rounded_is_as_good_as_the_run(name, models, monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", str(MNIST_FOLDER))
    test = tm.data.mnist_r(1, source="mnist")[1]
    if name == "undone":
        test = tm.rivals.undo(
            test, models["thin"].context, "rotation", test.exo_centers
        )
    found = tm.evaluate(models[name], test).accuracy
    assert abs(found - live.about(name)["accuracy"]) < 0.05


def test_every_digit_of_ours_is_read_by_thin(engine, tmp_path):
    files = [
        SCRIPTS / "net.js",
        SCRIPTS / "digits.js",
        weights_script(tmp_path, "thin"),
    ]
    read = """(() => {
      const { net, digits } = thinMini;
      const { tensors } = net.checkpoint(thinMini.weights.thin);
      return digits.map((strokes) => ANGLES.map((angle) => {
        const { mixed } = net.thin(net.rotate(net.drawn(strokes), angle), tensors);
        return mixed.indexOf(Math.max(...mixed));
      }));
    })()""".replace("ANGLES", str([*POSES]))
    answers = compute(engine, tmp_path, files, read)
    assert answers == [[digit] * len(POSES) for digit in range(10)]


def test_no_ink_is_no_picture_and_a_dot_is_one(engine, tmp_path):
    asked = (
        "[[], [[[0.1, 0.1]]]].map((s) => thinMini.net.drawn(s)).map((p) => p && [...p])"
    )
    nothing, dot = compute(engine, tmp_path, [SCRIPTS / "net.js"], asked)
    assert nothing is None
    assert len(dot) == 28 * 28
    assert max(dot) == 1


def test_a_checkpoint_of_another_version_is_refused(engine, tmp_path):
    script = weights_script(tmp_path, "thin")
    tell = """(() => {
      const { net, weights } = thinMini;
      const other = atob(weights.thin).replace(/(version.{3}) 1/, "$1 9");
      try { net.checkpoint(btoa(other)); } catch (error) { return error.message; }
    })()"""
    told = compute(engine, tmp_path, [SCRIPTS / "net.js", script], tell)
    assert told == "version 9"


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


@browser
def test_a_digit_that_is_turned_is_told_in_words(tmp_path):
    weights_script(tmp_path, "thin")
    turn = (
        "const s = document.querySelector('.live-turn input'); s.value = -50;"
        "s.dispatchEvent(new Event('input'))"
    )
    dom = dump(page_of(tmp_path, "thin", turn))
    assert spoken(dom).startswith("A 6, turned 50° to the left. The frozen network")
    for model in ("Baseline", "THIN", "Turned back"):
        assert re.search(rf"{model} \d \(\d+\s%\)", spoken(dom))
    assert 'aria-valuetext="50° to the left"' in dom


@browser
def test_what_can_be_operated_has_a_name(tmp_path):
    weights_script(tmp_path, "thin")
    for name in live.SCRIPTS:
        dom = dump(page_of(tmp_path, name))
        for tag in re.findall(r"<input\b[^>]*>|<svg\b[^>]*>|<canvas\b[^>]*>", dom):
            assert re.search(r'aria-label="[^"]{5,}"|aria-hidden="true"', tag), tag
        for tag, inner in re.findall(r"(<button\b[^>]*>)([^<]*)", dom):
            assert inner.strip() or "aria-label" in tag
        assert len(re.findall(r'class="live-said" role="status"', dom)) == 1
        assert "is-live" in dom


@browser
def test_an_empty_sheet_and_a_digit_off_it_get_a_calm_sentence(tmp_path):
    weights_script(tmp_path, "thin")
    empty = "document.querySelector('.live-clear').click();"
    dom = dump(page_of(tmp_path, "thin", empty))
    assert spoken(dom).startswith("The sheet is empty.")
    assert dom.count("waits for a digit") == 3
    off = """
      const sheet = document.querySelector('.live-sheet');
      sheet.setPointerCapture = () => {};
      const box = sheet.querySelector('.live-disc').getBoundingClientRect();
      const at = (type, x, y) => sheet.dispatchEvent(new PointerEvent(type,
        { clientX: box.x + box.width * x, clientY: box.y + box.height * y }));
      PLAY
      at('pointerup', 0.5, 0.5);"""
    cut = "at('pointerdown', 0.5, 0.2); at('pointermove', 0.5, 0.8);"
    cut += "at('pointermove', 0.5, 1.5);"
    dom = dump(page_of(tmp_path, "thin", off.replace("PLAY", cut)))
    assert spoken(dom).startswith("Your digit, turned 35° to the left.")
    assert spoken(dom).endswith("What you drew outside the circle is left out.")


@browser
@pytest.mark.parametrize("trouble", ["missing", "another run", "damaged"])
def test_without_its_weights_a_figure_is_a_picture_that_says_so(trouble, tmp_path):
    script = weights_script(tmp_path, "thin")
    page = page_of(tmp_path, "thin")
    if trouble == "missing":
        script.unlink()
    elif trouble == "damaged":
        script.write_text(script.read_text()[:20_000] + '";')
    else:
        run = live.about("thin")["run"]
        page.write_text(page.read_text("utf-8").replace(run, "000000000000"), "utf-8")
    dom = dump(page)
    assert "is-live" not in dom
    assert "live-app" not in dom
    assert "are missing or of another version" in dom
    assert re.search(r'<img src="[^"]*routing.svg" alt="[^"]{40,}"', dom)


@browser
def test_the_tree_tells_what_its_point_gets(tmp_path):
    move = """
      const s = document.querySelector('[aria-label="bias b"]'); s.value = 3;
      s.dispatchEvent(new Event('input'))"""
    before, after = (spoken(dump(page_of(tmp_path, "tree", js))) for js in ("", move))
    assert re.match(r"At \(0.60, 0.50\) the tree goes left at node 1 with 0\.", before)
    assert re.match(r"At \(0.60, 0.50\) the tree goes left at node 1 with 1\.00", after)


@pytest.mark.parametrize("chapter", live.CHAPTERS)
def test_a_chapter_gets_its_figure_below_its_heading(chapter):
    heading, name = live.CHAPTERS[chapter]
    notebook = json.loads((ROOT / f"{chapter}.ipynb").read_text("utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    assert f"\n## {heading}\n" in f"\n{text}\n"
    section = nodes.section("", nodes.title("", heading), nodes.paragraph("", "why"))
    section += nodes.container("", classes=["cell"])
    tree = nodes.section("", nodes.title("", "Chapter"), section)
    app = SimpleNamespace(env=SimpleNamespace(docname=chapter))
    live.into_chapter(app, tree)
    assert [type(n) for n in section[1:]] == [
        nodes.paragraph,
        nodes.raw,
        nodes.container,
    ]
    assert f'data-live="{name}"' in section[2].astext()


def test_only_pages_with_a_figure_load_its_scripts_and_each_once():
    def files(*figures):
        added = []
        app = SimpleNamespace(
            add_js_file=lambda name, **how: added.append((name, how["loading_method"])),
            add_css_file=lambda name: added.append((name, "")),
        )
        page = nodes.section("", *(live.figure(name, "book/page") for name in figures))
        live.add_files(app, "book/page", "page.html", {}, page)
        return added

    assert files() == []
    for name, scripts in live.SCRIPTS.items():
        wanted = [(f"live/{script}.js", "defer") for script in scripts]
        assert files(name, name) == [*wanted, ("live/live.css", "")]


@pytest.mark.parametrize("name", live.SCRIPTS)
def test_without_scripts_there_is_a_picture_with_words(name):
    html = live.figure(name, "book/page").astext()
    picture = re.search(r'<img src="\.\./(_static/[^"]+)" alt="[^"]{40,}">', html)
    assert (ROOT / "book" / picture.group(1)).is_file()
    assert re.search("<noscript><p>Without JavaScript .{40,}</p></noscript>", html)


def test_a_book_without_its_weights_is_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "WEIGHTS", tmp_path)
    with pytest.raises(Exception, match=r"thin.safetensors is missing.*weights.py"):
        live.figure("thin", "book/page")


def test_the_weights_are_those_of_recorded_runs():
    for name in live.MODELS:
        told = live.about(name)
        (result,) = (ROOT / "results" / "runs").glob(f"mnist-r/*-s0-{told['run']}.json")
        metrics = json.loads(result.read_text("utf-8"))["metrics"]
        assert metrics["accuracy"] == told["accuracy"]
    sizes = [
        (live.WEIGHTS / f"{name}.safetensors").stat().st_size for name in live.MODELS
    ]
    assert sum(sizes) < 1_800_000
