"""Every family of defects: what is planted is in the truth, a query over the files shows it, and it can be scored."""

from __future__ import annotations

import json

import pytest

from tilth.evals.issues import baselines
from tilth.evals.issues.bases import BASES
from tilth.evals.issues.card import CARD
from tilth.evals.issues.data import KEY
from tilth.evals.issues.files import read
from tilth.evals.issues.making import Made, make, unsolved
from tilth.evals.issues.plant import FAMILIES, HELD_OUT
from tilth.evals.issues.scoring import groups, score
from tilth.evals.issues.truth import OF_ROWS

BASE_OF_GROUP = {
    "duplication": "tickets",
    "missing": "preferences",
    "value": "events",
    "format": "documents",
    "label": "tickets",
    "split": "tickets",
    "text": "documents",
    "answer": "instructions",
    "distribution": "tickets",
    "reference": "shop",
    "documentation": "tickets",
}
BASE_OF_FAMILY = {
    "invalid_json": "events",
    "state_contradiction": "events",
    "preference_swapped": "preferences",
    "annotator_inverted": "preferences",
    "identical_pair": "preferences",
    "card_language": "documents",
}


def made(family: str, seed: str = "tests") -> Made:
    base = BASE_OF_FAMILY.get(family, BASE_OF_GROUP[FAMILIES[family].group])
    return make(seed, base, among=[family])


def test_the_catalogue_is_as_large_as_promised() -> None:
    assert len(FAMILIES) >= 30
    assert len(groups()) >= 10
    assert {family.tier for family in FAMILIES.values()} == {"rule", "judgement"}


def test_families_are_held_out_and_known() -> None:
    assert len(HELD_OUT) >= 8
    assert set(HELD_OUT) <= set(FAMILIES)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_planted_family_is_true_shown_and_scored(name: str) -> None:
    one = made(name)
    plant = next(plant for plant in one.truth.plants if name in plant.families)
    assert plant.planted
    assert unsolved(one) == []
    if plant.unit in OF_ROWS:
        keys = {row[KEY] for row in read(plant.file, one.files[plant.file])}
        assert plant.rows[0] and set(plant.rows[0]) <= keys
    elif plant.unit == "doc":
        assert (plant.file, bool(plant.field)) == (CARD, True)
    assert score(one.truth, {"findings": baselines.oracle(one.truth)}).value == 1.0
    assert score(one.truth, {"findings": []}).value == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("base", sorted(BASES))
def test_many_instances_pass_the_gate_and_few_are_drawn_again(base: str) -> None:
    drawn = [make(f"many {at}", base) for at in range(12)]
    assert [unsolved(one) for one in drawn] == [[]] * len(drawn)
    assert sum(one.truth.redraws for one in drawn) <= 6


@pytest.mark.parametrize("base", sorted(BASES))
def test_clean_data_have_nothing_to_find_but_look_alikes(base: str) -> None:
    truth = make("tests", base, clean=True).truth
    assert (truth.plants, truth.natural) == ((), ())
    assert truth.decoys


def test_a_copy_across_splits_is_a_duplicate_too() -> None:
    plants = made("split_exact_leak").truth.plants
    assert [set(plant.families) for plant in plants] == [{"split_exact_leak", "exact_duplicate"}]
    test_side, both_sides = plants[0].rows
    assert set(test_side) < set(both_sides)


def test_an_effect_in_another_place_is_truth_of_its_own() -> None:
    """A date far in the past, where an order was shipped, is also a shipment before the order."""
    for at in range(40):
        truth = make(f"effect {at}", "shop", among=["sentinel"]).truth
        if any(plant.columns == ("shipped_on",) or "date_order" in plant.families for plant in truth.plants):
            assert {name for plant in truth.plants for name in plant.families} == {"sentinel", "date_order"}
            return
    pytest.fail("no draw put a stand-in into shipped_on")


def test_what_a_cell_held_before_is_kept() -> None:
    one = made("decimal_comma")
    plant = one.truth.plants[0]
    now = {row[KEY]: row for row in read(plant.file, one.files[plant.file])}
    assert {row for _, row, _, _ in one.repairs} == set(plant.rows[0])
    for _, row, column, value in one.repairs:
        assert now[row][column] == value.replace(".", ",")


def test_truth_survives_a_file() -> None:
    truth = made("group_leak").truth
    assert type(truth).of(json.loads(json.dumps(truth.json()))) == truth
