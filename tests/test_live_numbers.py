"""The figures that show results: their numbers, how they move, and what they say."""

import json
import random
import re

import pytest
from moving import (
    SCRIPTS,
    browser,
    built,
    compute,
    dump,
    each_engine,
    live,
    live_data,
    numbers_script,
    page_of,
    played,
)

import thin_mini as tm
from thin_mini.lab import contest
from thin_mini.lab.verdicts import judge

STATS = SCRIPTS / "stats.js"


def draws(n):
    """Five differences each, some on the grid of the figure and some all alike."""
    random_ = random.Random(0)
    for i in range(n):
        middle, wide = random_.uniform(-3, 3), random_.choice([0, 0.1, 0.5, 2])
        values = [random_.gauss(middle, wide) for _ in range(5)]
        yield [round(v, 1) for v in values] if i % 2 else values


@each_engine
def test_intervals_and_verdicts_are_those_of_the_library(engine, tmp_path):
    random_ = random.Random(1)
    cases = []
    for ours in draws(800):
        how = {
            "number": random_.random() < 0.7,
            "close": random_.random() < 0.2,
            "reference": random_.choice([None, random_.uniform(90, 100)]),
        }
        paper = random_.choice([0.0, 0.05, round(random_.uniform(-3, 3), 1)])
        cases.append((paper, ours, random_.choice([0.2, 1.0]), how))
    given = tmp_path / "cases.js"
    given.write_text(f"const CASES = {json.dumps(cases)};")
    asked = (
        "CASES.map(([paper, ours, smallest, how]) => [0.95, 0.9].map((level) =>"
        "Object.values(thinMini.stats.interval(ours, level)))"
        ".concat(thinMini.stats.judge(paper, ours, smallest, how)))"
    )
    out = compute(engine, tmp_path, [STATS, given], asked)
    seen = set()
    for (paper, ours, smallest, how), (*intervals, verdict) in zip(
        cases, out, strict=True
    ):
        for level, found in zip((0.95, 0.9), intervals, strict=True):
            assert found == pytest.approx(tm.metrics.mean_interval(ours, level))
        assert verdict == judge(paper, ours, smallest, **how), (paper, ours, how)
        seen.add(verdict)
    assert seen == set(tm.verdicts.VERDICTS)


@each_engine
def test_an_interval_needs_two_runs_and_pairs_need_both(engine, tmp_path):
    asked = (
        "[thinMini.stats.interval([1]), [2, 3, 9, 30].map((n) =>"
        "thinMini.stats.interval([...Array(n).keys()]).half),"
        "thinMini.stats.paired([3, null, 5, 6], [1, 2, null])]"
    )
    alone, halves, pairs = compute(engine, tmp_path, [STATS], asked)
    assert alone is None
    wanted = [tm.metrics.mean_interval([*range(n)])[1] for n in (2, 3, 9, 30)]
    assert halves == pytest.approx(wanted)
    assert pairs == [2]


def pressed(text, then=""):
    """A reader who presses the button that says so."""
    return (
        "[...document.querySelectorAll('.live-app button')]"
        f".find((b) => b.textContent === {json.dumps(text)}).click();{then}"
    )


def slid(label, value):
    """A reader who moves a slider."""
    return (
        f"{{ const s = document.querySelector('input[aria-label={json.dumps(label)}]');"
        f"s.value = {value}; s.dispatchEvent(new Event('input')); }}"
    )


def test_the_numbers_are_those_of_the_tables():
    lines = {
        (line["model"], line["start"], line["confounded"], line["lambda"]): line
        for line in live_data.of_lambda()
    }
    table = tm.results.published("removers", "mnist-r", "linear")
    row = table.loc["Eq. 7, λ = 0.5, from γ_τ, confounded 0"]
    own = lines["Baseline, 1,000 labels", "network", 0, 0.5]["values"]
    assert tm.metrics.mean_interval(own["linear"]) == (row["mean"], row["half"])
    table = tm.results.published("fig4", "mnist-r", "cosine")
    own = lines["THIN, 60,000 labels", "together", 0, 0.05]["values"]
    assert tm.metrics.mean_interval(own["cosine"])[0] == table.loc["λ = 0.05", "mean"]
    assert own["linear"] is None
    assert {line["confounded"] for line in live_data.of_lambda()} == {0, 0.5, 0.8, 0.95}


@browser
def test_moving_lambda_is_told_with_its_paired_difference(tmp_path):
    numbers_script(tmp_path, "lambda")
    first, none, many, less, dom = played(
        *(tmp_path, "lambda", slid("λ of Eq. 8", 0), pressed("THIN, 60,000 labels")),
        slid("λ of Eq. 8", 2),
    )
    assert re.search(r"weights of γ_τ: .*c_σ 10\.4 % \(−54\.5\)", first)
    assert none.startswith("Baseline, 1,000 labels, λ = 0. From a random start:")
    assert "c_σ 64.9 %" in none
    assert "against" not in none
    assert many.startswith("THIN, 60,000 labels, λ = 0. From the random weights that")
    assert "λ = 0.005" in less
    assert "accuracy 98.48 % (no change that shows), |cos| 0.53 (−0.10)" in less
    assert "probe" not in less
    assert 'aria-valuetext="0.005"' in dom


@browser
def test_a_shared_part_deceives_the_cosine_and_is_told(tmp_path):
    drag = """
      const handle = document.querySelector('.live-handle');
      handle.setPointerCapture = () => {};
      handle.hasPointerCapture = () => true;
      const { x, y, width, height } = handle.getBoundingClientRect();
      const at = (type, dx, dy) => handle.dispatchEvent(new PointerEvent(type,
        { clientX: x + width / 2 + dx, clientY: y + height / 2 + dy }));
      at('pointerdown', 0, 0); at('pointermove', 300, 45);"""
    first, dragged, same, none, _ = played(
        *(tmp_path, "arrows", drag, pressed("The same said")),
        slid("shared part", 0),
    )
    assert first.startswith("|cos| of the two answers: 0.93. Of their own parts")
    assert re.search(r"own parts, [^:]*: (0\.9\d|1\.00)", dragged)
    assert "two answers: 0.0" in same
    assert "the cosine calls them unrelated" in same
    assert "two answers: 1.00" in none
    assert "the cosine says what it should" in none


@browser
def test_five_pairs_are_dragged_and_judged(tmp_path):
    numbers_script(tmp_path, "interval")
    line = live_data.of_interval()[0]
    key = """
      document.querySelector('[aria-label="THIN, seed 0"]').dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Home', bubbles: true }));"""
    drag = """
      const grip = document.querySelector('[aria-label="THIN, seed 0"]');
      grip.setPointerCapture = () => {};
      grip.hasPointerCapture = () => true;
      grip.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
      grip.dispatchEvent(new PointerEvent('pointermove', { clientY: -999 }));"""
    first, low, high, table, close, dom = played(
        *(tmp_path, "interval", key, drag, pressed("60,000 labels, as in Table 2")),
        pressed("as high"),
    )
    gaps = [a - b for a, b in zip(line["ours"], line["other"], strict=True)]
    mean, half = tm.metrics.mean_interval(gaps)
    assert (
        f"Mean {mean:+.2f}, 95 % interval {mean - half:.2f} to {mean + half:.2f}."
        in first
    )
    assert f"Verdict: {judge(1, gaps, 1.0, number=False)}." in first
    assert "less Baseline: −2.11" in low
    assert "Verdict: inconclusive." in low
    assert re.search(r"less Baseline: \+[4-6]", high)
    row = tm.results.published("table2", "mnist-r").loc["THIN"]
    assert f"Mean {row['difference']:+.2f}" in table
    assert f"Verdict: {row['verdict']}." in table
    assert "Verdict: inconclusive." in close
    grips = re.findall(r'<g class="live-grip[^>]*>', dom)
    assert len(grips) == 10
    for grip in grips:
        assert re.search('role="slider" tabindex="0".*aria-valuenow="9', grip)
        assert re.search('aria-label="(THIN|Baseline), seed [0-4]"', grip)


@browser
def test_a_cell_of_the_map_says_who_wins_and_how_sure_it_is(tmp_path):
    numbers_script(tmp_path, "map")
    few_labels, usual = (
        f"document.querySelector('[aria-label^=\"{n} task labels, 60\"]').click();"
        for n in ("250", "1,000")
    )
    begins = """[...document.querySelectorAll('.live-app button')]
      .find((b) => b.textContent.startsWith('WANTED')).click();"""
    all_of_them = begins.replace("WANTED", "Show")
    undone = begins.replace("WANTED", "Undone, then baseline")
    first, few, _, said_of_contest, _, undone, dom = played(
        *(tmp_path, "map", few_labels, usual, pressed("MNIST-R, the contest")),
        *(all_of_them, undone),
    )
    table = tm.results.published("labels", "mnist-r")
    for said, name in ((first, "1,000"), (few, "250")):
        row = table.loc[f"THIN, {name} labels, 60,000 exogenous"]
        gain = f"{row['difference']:+.2f} ± {row['difference_half']:.2f}"
        assert f"THIN: {gain.replace('-', '−')} points" in said
        assert "Its gate sees: probabilities." in said
    assert "points, below it by the interval" in few
    assert "Highest of the 5 that are not told the truth:" in few
    assert (
        "MNIST-R, the contest, 1,000 task labels, 60,000 exogenous." in said_of_contest
    )
    row = tm.results.published("rivals", "mnist-r").loc[
        "Undone, then baseline, 1,000 labels"
    ]
    assert f"then baseline: {row['difference']:+.2f} ±" in undone
    assert "that are not told the truth: Undone, then baseline" in undone
    entered = set(contest.RIVALS) - {*contest.ANSWERED}
    assert dom.count('class="live-rival"') == len(entered)


def test_the_map_has_every_row_that_was_run():
    lines = live_data.of_map()
    for recipe, suffix in live_data.MAPS.items():
        for data in tm.recipes.RECIPES[recipe].makers:
            place = live_data.DATA[data] + suffix
            own = [line for line in lines if line["place"] == place]
            assert len(own) == (tm.results.published(recipe, data)["seeds"] > 1).sum()
            keys = {(line["name"], line["labels"], line["exo"]) for line in own}
            assert len(keys) == len(own)
            for labels in {line["labels"] for line in own}:
                assert ("Baseline", labels, None) in keys


@browser
@pytest.mark.parametrize(
    ("name", "trouble"),
    [*((name, "missing") for name in live_data.NUMBERS), ("lambda", "version")],
)
def test_without_its_numbers_a_figure_is_a_picture_that_says_so(
    name, trouble, tmp_path
):
    script = numbers_script(tmp_path, name)
    if trouble == "missing":
        script.unlink()
    else:
        text = script.read_text("utf-8")
        assert '"version":1' in text
        script.write_text(text.replace('"version":1', '"version":0'), "utf-8")
    dom = dump(page_of(tmp_path, name))
    assert "is-live" not in dom
    assert "live-app" not in dom
    assert "its numbers are missing or of another version" in dom
    picture = live.WORDS[name].picture
    assert re.search(rf'<img src="[^"]*{picture}" alt="[^"]{{40,}}"', dom)


def test_still_pictures_have_text_and_come_out_the_same(tmp_path):
    folder = built(tmp_path)
    for name, write in live_data.files():
        if name.endswith("svg"):
            write(folder / name)
            once = (folder / name).read_bytes()
            write(folder / name)
            assert (folder / name).read_bytes() == once
            assert b"<text" in once
