"""The figures that move: a page computes what PyTorch does, and says what it cannot."""

import json
import re
from types import SimpleNamespace

import pytest
import torch
from conftest import MNIST_FOLDER
from docutils import nodes
from moving import (
    ROOT,
    SCRIPTS,
    browser,
    compute,
    dump,
    each_engine,
    live,
    live_data,
    numbers_script,
    page_of,
    spoken,
    weights_script,
)
from safetensors.torch import load_file

import thin_mini as tm
from thin_mini.rivals.undo import expected

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


@each_engine
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


@each_engine
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


@each_engine
def test_no_ink_is_no_picture_and_a_dot_is_one(engine, tmp_path):
    asked = (
        "[[], [[[0.1, 0.1]]]].map((s) => thinMini.net.drawn(s)).map((p) => p && [...p])"
    )
    nothing, dot = compute(engine, tmp_path, [SCRIPTS / "net.js"], asked)
    assert nothing is None
    assert len(dot) == 28 * 28
    assert max(dot) == 1


@each_engine
def test_a_checkpoint_of_another_version_is_refused(engine, tmp_path):
    script = weights_script(tmp_path, "thin")
    tell = """(() => {
      const { net, weights } = thinMini;
      const other = atob(weights.thin).replace(/(version.{3}) 1/, "$1 9");
      try { net.checkpoint(btoa(other)); } catch (error) { return error.message; }
    })()"""
    told = compute(engine, tmp_path, [SCRIPTS / "net.js", script], tell)
    assert told == "version 9"


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
        if name in live_data.NUMBERS:
            numbers_script(tmp_path, name)
        dom = dump(page_of(tmp_path, name))
        for tag in re.findall(r"<input\b[^>]*>|<svg\b[^>]*>|<canvas\b[^>]*>", dom):
            assert re.search(r'aria-label="[^"]{3,}"|aria-hidden="true"', tag), tag
        for tag, inner in re.findall(r"(<button\b[^>]*>)(.*?)</button>", dom, re.S):
            assert re.sub("<.*?>", "", inner).strip() or "aria-label" in tag
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


SPOTS = [(c, spot) for c, spots in live.CHAPTERS.items() for spot in spots]


@pytest.mark.parametrize(("chapter", "spot"), SPOTS)
def test_a_chapter_gets_its_figures_where_they_belong(chapter, spot):
    notebook = json.loads((ROOT / f"{chapter}.ipynb").read_text("utf-8"))
    text = "\n\n".join("".join(cell["source"]) for cell in notebook["cells"])
    assert not {"'", '"'} & {*spot.place}  # Sphinx turns them into others
    is_heading = f"\n## {spot.place}\n" in f"\n{text}\n"
    assert is_heading or f"\n\n{spot.place}" in re.sub("[*$]", "", text)
    title = nodes.title("", spot.place if is_heading else "Another")
    why = nodes.paragraph("", "why" if is_heading else f"{spot.place} so.")
    section = nodes.section("", title, why, nodes.container("", classes=["cell"]))
    tree = nodes.section("", nodes.title("", "Chapter"), section)
    app = SimpleNamespace(env=SimpleNamespace(docname=chapter))
    live.into_chapter(app, tree)
    assert [type(n) for n in section[1:]] == [
        nodes.paragraph,
        nodes.figure,
        nodes.container,
    ]
    html = section[2].astext()
    assert f'data-live="{spot.name}"' in html
    assert (f'data-first="{spot.first}"' in html) == bool(spot.first)


def test_a_chapter_without_the_place_of_a_figure_is_told(caplog):
    (chapter, spot), *_ = SPOTS
    app = SimpleNamespace(env=SimpleNamespace(docname=chapter))
    live.into_chapter(app, nodes.section("", nodes.title("", "Another")))
    assert f"has no place {spot.place!r}" in caplog.text


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
    made = {f"_static/live/{file}" for file, _ in live_data.files()}
    assert picture[1] in made or (ROOT / "book" / picture[1]).is_file()
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
