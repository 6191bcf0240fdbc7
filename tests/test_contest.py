"""The contest's rules, held to its committed runs."""

import pytest

from thin_mini.lab import contest, results
from thin_mini.lab.recipes import RECIPES, rows_of

DATA = [*RECIPES["rival-choices"].makers]


@pytest.mark.parametrize("data", DATA)
def test_each_rival_has_the_setting_that_validation_images_prefer(data):
    table = results.published("rival-choices", data)
    assert (table["seeds"] == contest.CHOICE_SEEDS).all()
    preferred = {}
    for title, part in table.groupby("rival"):
        found = part.set_index("setting")["mean"]
        tie = found.max() - found[contest.USUAL] <= contest.TIE
        preferred[title] = contest.USUAL if tie else found.idxmax()
    chosen = contest.CHOSEN[data]
    assert preferred == {title: chosen.get(title, contest.USUAL) for title in preferred}
    assert contest.USUAL not in chosen.values()
    rows = rows_of("rivals", data, profile_name="paper", source="mnist")
    titles = {row.group["rival"] for row in rows}
    assert titles - {contest.AVERAGE} <= {*preferred}
    if contest.AVERAGE in titles:  # too slow to be asked
        assert chosen[contest.AVERAGE] == chosen["Baseline"]


@pytest.mark.parametrize("data", DATA)
def test_settings_are_chosen_on_images_that_no_table_is_measured_on(data):
    def runs(recipe):
        rows = rows_of(recipe, data, profile_name="paper", source="mnist")
        return [run for row in rows for run in row.runs]

    assert {run.on for run in runs("rival-choices")} == {"valid"}
    assert {run.on for run in runs("rivals")} == {"test"}


def test_the_main_rivals_have_ten_seeds_where_the_book_quotes_them():
    table = results.published("rivals", "mnist-r")
    few = table[table["labels"] == contest.FEW].set_index("rival")
    assert (few.loc[list(contest.MAIN), "seeds"] == 10).all()
    assert (table["seeds"] >= 5).all()


@pytest.mark.parametrize("data", RECIPES["gate-inputs"].makers)
def test_probabilities_tell_least_of_the_task(data):
    """Chapter 9's rule: a probe of the task beside each gate's input."""
    table = results.published("gate-inputs", data).set_index("rival")
    assert {*table.index} == {*contest.PROBES}
    assert (table["seeds"] == 5).all()
    assert table["mean"].idxmin() == "No image, probabilities alone"
