"""Recipes: runs that keep their names, share what is equal, and fit one another."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import pytest
from typer.main import get_command

import thin_mini as tm
from thin_mini.cli import app
from thin_mini.doors import Fit
from thin_mini.lab import one_run, paper_tables, plans, recipes, results, sweeps
from thin_mini.lab.recipes import RECIPES, data_of, rows_of
from thin_mini.lab.rows import Protocol, Run, all_runs
from thin_mini.lab.worlds import WORLDS, n_exo

pytestmark = pytest.mark.usefixtures("clean_env")
EVERY = [(name, data) for name, own in RECIPES.items() for data in own.makers]
# Recipes whose networks are trained by another protocol, on other data or other people,
# or that take fewer seeds.
OTHER_NETWORKS = ("table2-paper", "six-scales", "chosen", "rival-choices")
DIGITS = [(recipe, data) for recipe, data in EVERY if WORLDS[data].by != "identity"]
FACES = [(recipe, data) for recipe, data in EVERY if WORLDS[data].by == "identity"]
PROTOCOL = Protocol(3)
NETWORK = Run("mnist-r", "digits", "network", "rotation", 500, 100, 1, PROTOCOL)
RUN = replace(NETWORK, model="exogenous", labels=64, networks=(NETWORK,))


def paper(recipe, data, seeds=5):
    return rows_of(recipe, data, seeds, "paper")


def runs_of(rows):
    return {row.name: row.runs for row in rows}


def test_the_names_of_committed_results_stay_valid():
    # The files in results/runs are named by these; a change here orphans them all.
    baseline = runs_of(paper("table2", "mnist-r"))["Baseline"]
    assert baseline[0].hash == "d9943d089b84"
    assert paper("table1", "mnist-r")[0].runs[0].hash == "ee8553a4e708"


def test_the_committed_results_are_the_runs_of_all_recipes_and_no_others():
    rows = recipes.committed_rows()
    root = results.default_folder()
    wanted = {results.path_of(run, root) for run in all_runs(rows)}
    assert len(wanted) == 3_348
    assert set(root.rglob("*.json")) == wanted


def changed(value):
    """Another value of the same kind."""
    if isinstance(value, Protocol):
        return replace(value, epochs=value.epochs + 1)
    if isinstance(value, tuple):
        return (*value, NETWORK)
    return value + ("x" if isinstance(value, str) else 1)


@pytest.mark.parametrize("name", [f.name for f in fields(Run)])
def test_every_setting_of_a_run_counts_for_its_hash(name):
    assert replace(RUN, **{name: changed(getattr(RUN, name))}).hash != RUN.hash


@pytest.mark.parametrize("name", [f.name for f in fields(Protocol)])
def test_every_setting_of_the_protocol_counts_for_its_hash(name):
    other = replace(PROTOCOL, **{name: changed(getattr(PROTOCOL, name))})
    assert replace(RUN, protocol=other).hash != RUN.hash
    network = replace(NETWORK, protocol=other)
    assert replace(RUN, networks=(network,)).hash != RUN.hash


def test_a_new_setting_keeps_the_hashes_of_runs_that_leave_it_at_its_default():
    @dataclass(frozen=True)
    class LaterProtocol(Protocol):
        warm_up: int = 0

    @dataclass(frozen=True)
    class LaterRun(Run):
        noise: float = 0.0

    def later(noise=0.0, warm_up=0):
        settings = {f.name: getattr(RUN, f.name) for f in fields(RUN)}
        settings["protocol"] = LaterProtocol(**asdict(PROTOCOL), warm_up=warm_up)
        return LaterRun(**settings, noise=noise).hash

    assert later() == RUN.hash
    assert len({later(), later(noise=0.5), later(warm_up=2)}) == 3


@pytest.mark.parametrize("profile", ["smoke", "lecture", "paper"])
def test_runs_of_all_recipes_share_a_hash_only_if_they_are_equal(profile):
    rows = [row for name in EVERY for row in rows_of(*name, 3, profile)]
    runs = {run for row in rows for own in row.runs for run in (own, *own.networks)}
    assert len({run.hash for run in runs}) == len(runs) == len(all_runs(rows))


def test_a_run_tells_all_that_fit_is_told():
    for name in EVERY:
        for run in all_runs(rows_of(*name, 2, "smoke")):
            told = Fit(**run.training)  # which also checks them
            assert (told.epochs, told.seed) == (run.protocol.epochs, run.seed)


def test_figure_4_shares_two_points_with_table_2():
    figure = runs_of(paper("fig4", "mnist-r"))
    table = runs_of(paper("table2", "mnist-r"))
    assert figure["λ = 0"] == table["Exogenous tree-gated deep ensemble"]
    assert figure["λ = 0.005"] == table["THIN"]
    assert all(run.dispel == 0.05 for run in figure["λ = 0.05"])


@pytest.mark.parametrize(
    ("recipe", "data"),
    [(r, d) for r, d in EVERY if d != "mnist-rs" and r not in OTHER_NETWORKS],
)
def test_the_networks_of_table_1_feed_the_gates_of_the_others(recipe, data):
    networks = set(paper("table1", data)[0].runs)
    assert networks <= set(all_runs(paper(recipe, data)))


@pytest.mark.parametrize("profile", ["smoke", "lecture", "paper"])
@pytest.mark.parametrize(("recipe", "data"), EVERY)
def test_rows_have_names_of_their_own_and_references_that_exist(recipe, data, profile):
    rows = rows_of(recipe, data, 3, profile)
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    assert {row.reference for row in rows} - {None} <= set(names)
    assert all(row.reference != row.name for row in rows)
    for row in rows:
        first = RECIPES[recipe].options.get("first", 0)
        seeds = [run.seed for run in row.runs]
        assert seeds in ([*range(first, first + n)] for n in (2, 3, 6))
        assert all(net.seed == run.seed for run in row.runs for net in run.networks)


@pytest.mark.parametrize("profile", ["smoke", "lecture", "paper"])
@pytest.mark.parametrize(("recipe", "data"), DIGITS)
def test_no_model_of_the_task_needs_more_images_than_there_are(recipe, data, profile):
    budget = tm.profile(profile)
    for run in all_runs(rows_of(recipe, data, 2, profile)):
        assert run.n_test == budget.n_test
        # A network may be shown each digit several times, and then needs more.
        if run.model != "network" or run.protocol.n_valid:
            apart = run.n_test if run.on == "valid" else run.protocol.n_valid
            assert run.labels + apart <= budget.n_images


@pytest.mark.parametrize("profile", ["smoke", "lecture", "paper"])
@pytest.mark.parametrize(("recipe", "data"), FACES)
def test_no_run_on_faces_needs_more_images_than_there_are(recipe, data, profile):
    n, people, n_test = WORLDS[data].sizes(tm.profile(profile))
    for run in all_runs(rows_of(recipe, data, 2, profile)):
        assert (run.by, run.n_people, run.n_test) == ("identity", people, n_test)
        assert run.labels <= n
        by_hand = run.gate_sees in ("", "h_endo") or run.gate_sees.startswith("true")
        assert bool(run.networks) == (run.start or not by_hand)


def test_encoders_of_faces_start_where_their_row_says():
    rows = {row.name: row.runs[0] for row in rows_of("table4", "cartoons", 2, "paper")}
    random = [name for name, run in rows.items() if not run.start]
    assert random == [
        "Baseline, random start, 1,000 labels",
        "Baseline, random start, 16,000 labels",
    ]
    assert not any(r.runs[0].start for r in rows_of("table4-random", "cartoons", 2))


def test_what_was_chosen_for_faces_is_best_on_validation_people():
    rows = paper("choices", "cartoons")
    best = {}
    for row in rows:
        run = row.runs[0]
        found = list(results.values(row).values())
        assert (run.on, len(found)) == ("valid", 5)
        kind = (run.labels, "thin" if run.dispel else run.model)
        best[kind] = max(best.get(kind, (0,)), (sum(found), run.gate_on, run))
    for row in paper("chosen", "cartoons"):
        run = row.runs[0]
        kind = (run.labels, "thin" if run.dispel else run.model)
        if run.model != "baseline":
            *_, winner = best[kind]
            settings = (winner.gate_on, winner.dispel, winner.start)
            assert (run.gate_on, run.dispel, run.start) == settings


def test_only_differences_are_judged_where_the_papers_faces_are_others(tmp_path):
    rows = rows_of("table4", "cartoons", 2, "paper")
    for row in rows:
        for i, run in enumerate(row.runs):
            results.write(run, tmp_path, {"accuracy": 90.0 + i}, 1, 1.0)
    table = results.table(rows, tmp_path)
    judged = table["verdict"].notna()
    # Nothing drawn is like ImageNet, so what starts at random has no like either.
    assert judged.tolist() == [
        row.beside is not None or "Simple" in row.name for row in rows
    ]


def test_a_table_names_what_its_gates_see():
    seen = {
        ("table2", "mnist-r"): {"h_endo", "probabilities", "true bin"},
        ("table2-paper", "mnist-r"): {"h_endo", "h_exo", "true bin"},
        ("table2", "dsprites"): {"h_endo", "hidden layer", "true bin"},
        ("table3", "mnist-rs"): {"h_endo", "probabilities"},
        ("labels", "mnist-r"): {"h_endo", "probabilities", "true bin"},
        ("labels-plain", "mnist-r"): {"h_endo", "hidden layer", "true bin"},
        ("table4", "cartoons"): {"h_endo", "h_exo, pooled"},
        ("table4-random", "cartoons"): {"h_endo", "h_exo, pooled", "true traits"},
        ("chosen", "cartoons"): {"h_exo, pooled", "hidden layer"},
        ("told", "cartoons"): {
            "true traits", "true resting", "true others", "h_exo, pooled",
            "hidden layer", "h_exo, pooled, mean of a person",
            "hidden layer, mean of a person",
        },
    }  # fmt: skip
    for (recipe, data), wanted in seen.items():
        sees = {run.gate_sees for row in paper(recipe, data) for run in row.runs}
        assert sees - {""} == wanted, recipe


def test_every_gate_stands_beside_the_simple_ensemble_of_its_table():
    for recipe, data in (
        ("table2", "mnist-r"),
        ("labels", "mnist-r"),
        ("labels-plain", "dsprites"),
        ("six-scales", "dsprites"),
        ("table4", "cartoons"),
        ("table4-random", "cartoons"),
    ):
        rows = {row.name: row for row in paper(recipe, data)}
        for row in rows.values():
            gated = row.runs[0].gate_sees != ""
            assert (row.beside is not None) == gated, row.name
            if row.beside:
                simple = rows[row.beside].runs[0]
                assert simple.model == "simple"
                assert simple.labels == row.runs[0].labels


def test_before_a_run_come_the_networks_that_feed_it():
    rows = rows_of("table3", "mnist-rs", 2, "smoke")
    order = [run.hash for run in all_runs(rows)]
    assert len(order) == len(set(order)) == 2 * (4 + 2)
    for row in rows:
        for run in row.runs:
            places = [order.index(network.hash) for network in run.networks]
            assert max(places, default=-1) < order.index(run.hash)


@pytest.mark.parametrize(
    ("recipe", "data"),
    [
        ("table2", "mnist-r"),
        ("table2", "dsprites"),
        ("table4", "cartoons"),
        ("table4-random", "cartoons"),
    ],
)
def test_the_rows_of_tables_2_and_4_have_about_equally_many_parameters(
    recipe, data, tmp_path, monkeypatch
):
    def untrained(run, root, gate_on):
        encoder = WORLDS[run.data].does.encoder(run) or tm.ConvEncoder()
        return tm.ExogenousNetwork(encoder, n_exo(run), gate_on=gate_on).freeze()

    monkeypatch.setattr(one_run, "trained_network", untrained)
    sizes = {}
    for row in rows_of(recipe, data, 2, "smoke"):
        train, _, test = one_run.datasets(row.runs[0])
        model = one_run.assemble(row.runs[0], tmp_path, train, test)
        sizes[row.name] = tm.n_trainable(model)
    assert len(sizes) in (6, 12)
    assert max(sizes.values()) < 1.05 * min(sizes.values())


def test_the_papers_protocol_is_the_papers():
    for run in all_runs(rows_of("table2-paper", "mnist-r", 2, "paper")):
        epochs = plans.PAPER_EPOCHS
        wanted = Protocol(epochs, 32, 1e-3, "constant", shift=0, n_valid=5000)
        assert run.protocol == wanted
        assert run.labels == 55_000
        assert run.gate_on == ("features" if run.networks else "hidden")


def test_the_plain_recipe_takes_the_shifts_away_and_nothing_else():
    with_shifts = runs_of(rows_of("labels", "dsprites", 2, "paper"))
    for name, runs in runs_of(rows_of("labels-plain", "dsprites", 2, "paper")).items():
        for plain, run in zip(runs, with_shifts[name], strict=True):
            assert (plain.protocol.shift, run.protocol.shift) == (0, 1)
            assert replace(plain, protocol=run.protocol) == run


def test_under_the_paper_profile_digits_are_real_ones_and_else_what_there_is():
    assert paper("table2", "mnist-r")[0].runs[0].source == "mnist"
    assert rows_of("table2", "mnist-r", 2, "smoke")[0].runs[0].source == "digits"
    assert rows_of("table2", "dsprites", 2, "paper")[0].runs[0].source == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("table9", "mnist-r"),
            "unknown recipe 'table9': there are 'table1', 'table2'",
        ),
        (
            ("table3", "dsprites"),
            "table3 has no rows on 'dsprites': .*'mnist-rs', 'all'",
        ),
        (("table2", "mnist-r", 0), "at least 2 seeds, got 0"),
        (("table2", "mnist-r", 1), "at least 2 seeds, got 1"),
        (("table2", "mnist-r", 2, "huge"), "unknown profile 'huge': choose from smoke"),
        (("table2", "mnist-r", True), "seeds must be a whole number, got True"),
        (("table2", "mnist-r", 2.0), "seeds must be a whole number, got 2.0"),
        (("table2", "mnist-r", 2, "smoke", "cifar"), "source must be .* got 'cifar'"),
        (
            ("Table-2", "mnist-r"),
            "unknown recipe 'Table-2': .*; the nearest is 'table2'",
        ),
        (("table2", "mnist_r"), "no rows on 'mnist_r': .*; the nearest is 'mnist-r'"),
    ],
    ids=str,
)
def test_rows_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        rows_of(*arguments)


def test_all_data_sets_of_a_recipe_or_one_of_them():
    assert data_of("table2") == ("mnist-r", "dsprites")
    assert data_of("table2", "dsprites") == ("dsprites",)


def test_an_unknown_row_is_refused_with_the_names_there_are():
    rows = rows_of("table3", "mnist-rs", 2, "smoke")
    with pytest.raises(ValueError, match=r"unknown row 'Size': .*'Rotation \+ Scale'"):
        recipes.row_of(rows, "Size")
    assert recipes.row_of(rows, "Scale").name == "Scale"


def headlines(rows):
    """The results of rows as a recipe may state them, by the ends of their names."""
    table = results.table(rows)
    for row in rows:
        line = table.loc[row.name]
        if row.reference is None:
            yield row.name, "", f"{line['mean']:.2f} ± {line['half']:.2f}"
        else:
            number = f"{line['difference']:+.2f} ± {line['difference_half']:.2f}"
            yield row.name, row.reference, number


@pytest.mark.parametrize(("recipe", "data"), EVERY)
def test_a_recipe_states_its_command_its_cost_and_its_headline(recipe, data):
    own = RECIPES[recipe]
    runs, minutes, headline = own.heads[data]
    assert own.command(data) == f"thin-mini reproduce {recipe} --data {data}"
    assert f"{own.command(data)}: {runs} runs" in own.makers[data].__doc__
    rows = rows_of(recipe, data, 5, "paper", "mnist")
    assert runs == len(all_runs(rows))
    seconds = sum(results.read(run)["seconds"] for run in all_runs(rows))
    assert minutes == round(seconds / 60 / 2)
    about, number = headline.split(": ")
    name, _, less = about.partition(" less ")
    assert any(
        found == number and row.startswith(name) and reference.startswith(less)
        for row, reference, found in headlines(rows)
    )


def test_a_recipe_shares_its_name_with_nothing_else():
    house = Path(tm.__file__).parent
    taken = {file.stem for file in house.rglob("*.py")}
    for name, command in get_command(app).commands.items():
        taken |= {name, *(p.name for p in command.params)}
    assert taken.isdisjoint(name.replace("-", "_") for name in RECIPES)
    for room in (paper_tables, sweeps):
        for name, function in vars(room).items():
            if name.replace("_", "-") in RECIPES:
                makers = RECIPES[name.replace("_", "-")].makers.values()
                assert function in makers, name
