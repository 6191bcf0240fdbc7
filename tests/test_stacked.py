"""Seeds trained together: as ``fit`` trains each, and what a table of them takes."""

import copy
import json
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROWS, make

import thin_mini as tm
from thin_mini.lab.rows import Protocol

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import report
import table2
from stacked import Stack, schedule

PROTOCOLS = (Protocol(2, 64), Protocol(1, 32, 1e-3, "constant", 0))
SEEDS = (0, 3)


@pytest.fixture(scope="module")
def data():
    return [tm.data.mnist_r(200, 64, seed=seed, source="digits") for seed in SEEDS]


@pytest.fixture
def told(tmp_path):
    """A report of a part that has an hour."""
    return report.Report("part", "tiny", 60, tmp_path / "gpu.json", torch.device("cpu"))


def stored(told):
    return json.loads(told.out.read_text("utf-8"))["part"]


def models_of(row):
    """A model for each seed; of "network", the exogenous ones."""
    models = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = tm.ExogenousNetwork(tm.ConvEncoder(), 18, gate_on="probabilities")
        if row != "network":
            network = make(row, network.freeze(), seed)
        models.append(network)
    return models


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=["ours", "paper"])
@pytest.mark.parametrize("row", [*ROWS, "network"])
def test_stacked_training_is_that_of_fit_for_every_seed(row, protocol, data):
    dispel = 0.05 if row in ("exogenous", "thin") else 0.0
    train = [t.exogenous() if row == "network" else t for t, _ in data]
    test = [t.exogenous() if row == "network" else t for _, t in data]
    models = models_of(row)
    # Some processors' kernels for convolutions are far from exact in float32.
    with torch.backends.mkldnn.flags(enabled=False):
        stack = Stack(models, train, SEEDS, protocol, dispel)
        for _ in range(stack.n_steps):
            stack.step()
        stack.unstack()
        losses = stack.told.unflatten(0, (protocol.epochs, -1)).mean(1)  # (E, S, 2)
        for i, (seed, model) in enumerate(zip(SEEDS, models_of(row), strict=True)):
            history = tm.fit(
                model,
                train[i],
                epochs=protocol.epochs,
                dispel=dispel,
                batch_size=protocol.batch_size,
                lr=protocol.lr,
                schedule=protocol.schedule,
                shift=protocol.shift,
                seed=seed,
                progress=False,
            )
            expected = torch.tensor(history[["sup", "sim"]].to_numpy()).float()
            torch.testing.assert_close(losses[:, i], expected, rtol=1e-4, atol=1e-5)
            got, fitted = (tm.evaluate(m, test[i]).logits for m in (models[i], model))
            torch.testing.assert_close(got, fitted, rtol=0.02, atol=0.02)


def test_unfolded_convolutions_give_the_same(data):
    train = [t for t, _ in data]
    with torch.backends.mkldnn.flags(enabled=False):
        stacks = [
            Stack(models_of("thin"), train, SEEDS, PROTOCOLS[0], 0.05, unfolded)
            for unfolded in (False, True)
        ]
        for stack in stacks:
            stack.step()
            stack.step()
    plain, unfolded = (stack.told[:2] for stack in stacks)
    torch.testing.assert_close(unfolded, plain, rtol=1e-5, atol=1e-6)
    assert plain.min() > 0


def test_the_schedule_is_that_of_the_optimiser():
    rows = torch.tensor(schedule(Protocol(1, schedule="constant", lr=0.1), 3))
    torch.testing.assert_close(rows[:, 0], 0.1 / (1 - 0.9 ** torch.arange(1, 4)))
    rows = torch.tensor(schedule(Protocol(1), 100))
    assert rows[:, 1].max() == pytest.approx(0.95, abs=1e-3)  # one cycle moves β₁
    assert rows[:, 1].min() == pytest.approx(0.85, abs=1e-3)


def tiny_table():
    return table2.Table(table2.sizes(True).plan, torch.device("cpu"))


def test_a_stack_that_trains_otherwise_than_fit_is_found(told, monkeypatch):
    line = tiny_table().first()
    table2.check(line, "", 128, told)
    assert told.passed
    monkeypatch.setattr("stacked.draw_offsets", lambda n, *_: torch.ones(n, 2).long())
    table2.check(line, "", 128, told)
    assert not told.passed
    told.close()
    entry = stored(told)
    assert entry["state"] == "a check failed"
    (check,) = entry["checks"].values()
    assert not check["holds"]


def test_gates_look_through_the_networks_that_were_trained(told):
    table = tiny_table()
    networks = table.first()
    before = copy.deepcopy(networks.models[1].state_dict())
    table2.train(networks, "", 1, told, True)
    after = networks.models[1].state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in after)
    thin = table.line(table.rows[-1])
    assert thin.name == "THIN"
    assert thin.runs[0].dispel == 0.005
    for key, value in thin.models[1].context.state_dict().items():
        assert torch.equal(value, after[key])


def test_what_there_is_no_time_for_is_extrapolated_and_says_so(tmp_path):
    told = report.Report("part", "tiny", 0, tmp_path / "gpu.json", torch.device("cpu"))
    table2.measure(told)
    entry = stored(told)
    assert entry["table_extrapolated"] is True
    assert len(entry["lines"]) == 7
    for line in entry["lines"].values():
        assert line["extrapolated"] is True
        assert line["steps_made"] == 1
        assert "accuracy" not in line
        assert (
            line["seconds"] >= line["ms_per_step"] / 1000 * (line["steps"] - 1) - 0.01
        )
    lines = sum(line["seconds"] for line in entry["lines"].values())
    assert entry["table_seconds"] == pytest.approx(
        entry["seconds_for_data"] + lines, abs=0.2
    )
