"""Expectations: how a condition is read, and what it is compared with."""

from __future__ import annotations

import pytest

from tilth.agent.recipes.expect import check, parse
from tilth.tools.errors import Misuse

NUMBERS = {"rows": 900, "dropped.near_duplicate": 150, "pii.email": 0}


@pytest.mark.parametrize(
    ("name", "condition", "met"),
    [
        ("rows", ">= 900", True),
        ("rows", "> 900", False),
        ("rows", 900, True),
        ("rows", ">= 1_000", False),
        ("rows", ">= 1,000", False),
        ("rows", "!= 3e2", True),
        ("dropped.near_duplicate", "<= 15%", True),
        ("dropped.near_duplicate", "<= 14.9 %", False),
        ("dropped.never_seen", 0, True),
        ("pii.email", "== 0", True),
    ],
)
def test_a_condition_is_held_against_the_number_of_its_name(name, condition, met):
    assert check(parse(name, condition), NUMBERS, read=1000).met is met


@pytest.mark.parametrize("condition", ["about 5", ">= many", "=> 5", "", ">= 5 rows"])
def test_what_is_no_condition_is_refused(condition):
    with pytest.raises(Misuse, match="is no condition"):
        parse("rows", condition)


def test_an_unknown_number_names_the_nearest():
    with pytest.raises(Misuse, match=r"Nearest: pii\.email"):
        check(parse("pii.mail", 0), NUMBERS, read=10)
