"""Benchmarks: the candidates agree, the clock is honest, the page finds its numbers."""

import importlib.util
import json
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import typer
from conftest import fingerprint, randomise

import thin_mini as tm
from thin_mini.doors import Fit
from thin_mini.profiles import PROFILES

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import experts
import images
import imports
import routing
import run
import steps
import time_to_accuracy
import timing
import tree_gates

ROOT = Path(__file__).parents[1]
# By its path, since the folder of the measurements has the same name.
spec = importlib.util.spec_from_file_location("pages", ROOT / "book/_ext/benchmarks.py")
pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)

PAGE = (ROOT / "book" / "benchmarks.md").read_text("utf-8")
STORED = pages.load()


def values_and_gradients(functions, x):
    weights = None
    for name, function in functions.items():
        own = x.clone().requires_grad_()
        value = function(own)
        weights = torch.randn_like(value) if weights is None else weights
        value.backward(weights)
        yield name, value.detach(), own.grad


def assert_all_the_same(functions, x):
    (_, *expected), *others = values_and_gradients(functions, x)
    for name, *got in others:
        torch.testing.assert_close(got, expected, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("depth", [1, 3, 7, 10])
def test_gates_agree(depth):
    assert_all_the_same(tree_gates.functions(), torch.randn(6, 2**depth - 1))


def test_experts_agree():
    functions = experts.functions(tm.Experts(20, 5, 3, 4))
    assert list(functions) == ["ours", "loop", "vmap", "batched"]
    assert_all_the_same(functions, torch.randn(16, 20))


def test_images_agree():
    ours, plain = (make() for make in images.sprites(500).values())
    assert (ours != plain).float().mean() < 1e-5  # a pixel on an edge may round
    assert set(ours.unique().tolist()) == {0, 1}
    ours, plain = (make() for make in images.digits(50).values())
    torch.testing.assert_close(ours, plain, atol=1e-4, rtol=0)
    ours, plain = (make() for make in images.faces(20).values())
    assert torch.equal(ours, plain)


@torch.no_grad()
def test_routings_agree_where_the_gate_leaves_nothing_else():
    chosen = randomise(tm.Experts(20, 5, 3, 8)).eval()
    h, leaf = torch.randn(30, 20), torch.randint(8, (30,))
    one, two = torch.zeros(30, 8), torch.zeros(30, 8)
    one.scatter_(1, leaf[:, None], 1.0)
    two.scatter_(1, leaf[:, None], 0.7).scatter_(1, (leaf[:, None] + 3) % 8, 0.3)
    expected, *others = routing.candidates(chosen, h, one).values()
    for other in others:
        torch.testing.assert_close(other(), expected())
    candidates = routing.candidates(chosen, h, two)
    soft, likeliest_two = candidates["all experts"], candidates["likeliest two"]
    torch.testing.assert_close(likeliest_two(), soft())


def test_compare_quotes_the_median_ratio(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(timing.time, "process_time", lambda: clock[0])

    def takes(*seconds):
        left = iter(seconds)

        def call():
            clock[0] += next(left)

        return call

    candidates = {"a": takes(9, 1, 1, 2, 1), "b": takes(9, 1, 3, 8, 5)}
    told = timing.compare(candidates, rounds=3)
    assert told == {
        "a": {"ms": 1000, "ratio": 1},
        "b": {"ms": 5000, "ratio": 4},
    }


def test_the_command_measures_every_section(monkeypatch, tmp_path, capsys):
    def once(candidates, **settings):
        for call in candidates.values():
            call()
        return {name: {"ms": 1.0, "ratio": 1.0} for name in candidates}

    for module in run.SECTIONS.values():
        monkeypatch.setattr(module, "compare", once)
    monkeypatch.setattr(experts, "SHAPES", ((2, 6, 4, 3, 8),))
    monkeypatch.setattr(routing, "LEAVES", (8,))
    monkeypatch.setattr(steps, "BATCH", 8)
    for name in ("N_SPRITES", "N_DIGITS", "N_FACES"):
        monkeypatch.setattr(images, name, 10)
    monkeypatch.setattr(run, "RESULTS", tmp_path / "benchmarks.json")
    run.main()
    made = json.loads((tmp_path / "benchmarks.json").read_text("utf-8"))
    assert made.keys() == STORED.keys()
    for section in run.SECTIONS:
        names = list(next(iter(made[section].values())))
        assert names == list(next(iter(STORED[section].values())))
    assert "routing, L=8\n  all experts" in capsys.readouterr().out


def test_what_is_stored_covers_every_shape():
    assert list(STORED["gates"]) == [f"depth {d}" for d in range(1, 11)]
    assert list(STORED["routing"]) == [f"L={n}" for n in routing.LEAVES]
    sizes = [tuple(map(int, re.findall(r"\d+", shape))) for shape in STORED["experts"]]
    assert sizes == list(experts.SHAPES)
    (step,) = STORED["steps"].values()
    assert step.keys() >= set(tm.models.ARCHITECTURES)
    sprites = STORED["images"]["sprites, 64×64"]
    assert sprites["ours"]["images_per_second"] >= 20_000


def test_starting_costs_a_fraction_of_what_pytorch_does():
    (start,) = STORED["imports"].values()
    assert list(start) == list(imports.CODE)
    torch = start["import torch"]["ms"]
    for name, row in start.items():
        assert name == "import torch" or row["ms"] < min(torch, 1500)


def test_the_time_of_another_process_is_seen():
    before = imports.children()
    imports.fresh("sum(range(3_000_000))")()
    assert imports.children() > before


def test_the_page_finds_its_numbers():
    roles = re.findall(r"\{speed\}`([^`]+)`", PAGE)
    assert len(roles) > 10
    for text in roles:
        assert re.fullmatch(r"[\d,.]+", pages.lookup(STORED, text)), text
    with pytest.raises(KeyError):
        pages.lookup(STORED, "gates | depth 11 | ours")
    drawn = re.findall(r"^```\{benchmarks\} (\S+)", PAGE, re.M)
    assert drawn == [*run.SECTIONS, "time-to-accuracy", "gpu", "slower"]
    for section in run.SECTIONS:
        text = pages.section_table(STORED[section]).astext()
        assert all(shape in text for shape in STORED[section])


def test_ours_is_slower_only_where_the_page_says_why():
    explained = {("gates", f"depth {d}", "plain product") for d in (8, 9, 10)}
    explained.add(("experts", "L=32, D=4608, H=512, K=7, N=16", "loop"))
    found = {place[:3] for place in pages.slower(STORED)}
    assert found <= explained
    text = pages.slower_table(STORED).astext()
    assert all(part in text for place in found for part in place)
    nothing = {section: {} for section in pages.RIVALS}
    assert pages.slower_table(nothing).astext() == "Nowhere."


HOW = (
    Fit(2, 0.005, 64, shift=1, seed=3),
    Fit(2, 0.005, 32, 1e-3, "constant", seed=3),
)


@pytest.mark.parametrize("how", HOW, ids=["ours", "paper"])
def test_the_timed_training_is_that_of_fit(how, digits, exogenous):
    models = [tm.build("thin", 10, exogenous=exogenous, seed=0) for _ in range(2)]
    told = list(time_to_accuracy.epochs(models[0], *digits, how))
    tm.fit(models[1], digits[0], progress=False, **asdict(how))
    assert fingerprint(models[0]) == fingerprint(models[1])
    assert told[-1][1] == tm.evaluate(models[1], digits[1]).accuracy


def test_the_clock_stands_still_while_the_test_images_are_looked_at(
    digits, exogenous, monkeypatch
):
    clock, evaluate = [0.0], tm.evaluate

    def slow(*arguments, **settings):
        clock[0] += 100
        return evaluate(*arguments, **settings)

    monkeypatch.setattr(time_to_accuracy.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(tm, "evaluate", slow)
    model = tm.build("thin", 10, exogenous=exogenous, seed=0)
    told = time_to_accuracy.epochs(model, *digits, HOW[0])
    assert [seconds for seconds, _ in told] == [0, 0]
    assert clock == [200]


def test_time_to_accuracy_runs_and_goes_on_where_it_was(
    clean_env, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(time_to_accuracy, "SCHEDULES", (1, 2))
    tiny = replace(PROFILES["smoke"], n_images=128)
    monkeypatch.setitem(PROFILES, "smoke", tiny)
    out = tmp_path / "times.json"

    def command(seeds, target):
        time_to_accuracy.main(seeds, target, 2, "smoke", "digits", out)
        return json.loads(out.read_text("utf-8"))

    made = command(1, 101.0)
    first = made["seeds"]["0"]
    assert len(first["paper"]["seconds"]) == 2
    assert [len(curve["accuracy"]) for curve in first["ours"].values()] == [1, 2]
    assert made["summary"]["ours_epochs"] is None
    assert made["summary"]["paper_reached"] == 0
    assert command(2, 101.0)["seeds"]["0"] == first
    made = command(1, 1.0)  # another target: everything anew
    assert len(made["seeds"]["0"]["paper"]["seconds"]) == 1
    assert made["summary"]["ours_epochs"] == 1
    assert made["summary"]["lower_bound"] is False
    assert "ours, epoch 2 of 2" in capsys.readouterr().out
    assert "reached 1.0 % in 1 of 1 seed" in pages.time_to_accuracy(made).astext()


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_holds_no_times_is_left_alone(text, tmp_path):
    out = tmp_path / "times.json"
    out.write_text(text)
    with pytest.raises(typer.BadParameter, match="pass another --out"):
        time_to_accuracy.main(1, 1.0, 1, "smoke", "digits", out)
    assert out.read_text() == text


def curves(paper, **ours):
    return {
        "paper": {"seconds": [10.0] * len(paper), "accuracy": paper},
        "ours": {
            name.removeprefix("n"): {
                "seconds": [2.0] * int(name[1:]),
                "accuracy": [last],
            }
            for name, last in ours.items()
        },
    }


def test_the_ratio_is_that_of_the_shortest_schedule_that_always_gets_there(
    monkeypatch,
):
    monkeypatch.setattr(time_to_accuracy, "SCHEDULES", (2, 3, 4, 6))
    good, bad = 98.5, 98.0
    told = time_to_accuracy.summary(
        {
            "0": curves([bad, bad, bad], n2=good, n3=good, n4=good, n6=good),
            "1": curves([bad, good], n2=bad, n3=good, n4=bad, n6=good),
        },
        98.26,
    )
    assert (told["ours_epochs"], told["ours_seconds"]) == (3, 6)
    assert (told["paper_reached"], told["lower_bound"]) == (1, True)
    assert told["ratio"] == round((30 / 6 + 20 / 6) / 2, 2)
    text = pages.time_to_accuracy({"summary": told, "target": 98.26}).astext()
    assert "reached 98.26 % in 1 of 2 seeds" in text
    assert "after 3 epochs" in text
    assert "at least 4.2 times" in text
    assert "not been measured" in pages.time_to_accuracy({}).astext()
