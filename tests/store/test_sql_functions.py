"""Every function of the installed DuckDB has a verdict, and the verdicts agree with what DuckDB says of them."""

from __future__ import annotations

import fnmatch

import pytest

from tilth.tools.store.door import connect
from tilth.tools.store.query import sql_functions

LIST = sql_functions.LIST.read_text("utf-8")


@pytest.fixture(scope="module")
def installed() -> tuple[str, frozenset[str], frozenset[str]]:
    return sql_functions.installed()


def test_every_function_of_this_duckdb_has_a_verdict(
    installed: tuple[str, frozenset[str], frozenset[str]],
) -> None:
    """Red after an upgrade of DuckDB: run `python -m tilth.tools.store.query.sql_functions`, then decide."""
    assert len(installed[1]) > 900
    assert len(installed[2]) > 90
    _, sections = sql_functions.parse(sql_functions.updated(LIST, *installed))
    assert [name for header in sections if "undecided" in header for name in sections[header]] == []


def test_allowed_functions_answer_the_same_every_time() -> None:
    with connect(temp=None, threads=1) as connection:
        unsteady = connection.execute(
            "select distinct lower(function_name) from duckdb_functions() where stability <> 'CONSISTENT'"
        ).fetchall()
    assert len(unsteady) > 20
    assert [name for (name,) in unsteady if not sql_functions.in_expressions().refusal(name)] == []


def test_no_name_is_both_allowed_and_refused() -> None:
    for functions in (sql_functions.in_expressions(), sql_functions.in_from()):
        for pattern, reason in functions.refused:
            assert reason
            assert fnmatch.filter(functions.allowed, pattern) == []


def test_a_refusal_gives_the_reason_or_the_nearest() -> None:
    functions = sql_functions.in_expressions()
    assert functions.refusal("upper") == functions.refusal("UPPER") == ""
    assert functions.refusal("NOW").startswith("it reads the clock")
    assert functions.refusal("pg_get_viewdef").startswith("it asks about or changes the engine's state")
    assert functions.refusal("uper").endswith("Nearest: upper.")
    assert functions.refusal("") != ""


def test_the_list_for_another_duckdb(installed: tuple[str, frozenset[str], frozenset[str]]) -> None:
    version, expressions, tables = installed
    later = sql_functions.updated(
        LIST, "v9.9.9", (expressions | {"new_one"}) - {"upper"}, tables | {"read_mind", "scry"}
    )
    preamble, sections = sql_functions.parse(later)
    assert preamble.splitlines()[-1] == "duckdb v9.9.9"
    assert sections["undecided"] == ["new_one"]
    assert sections["as a table undecided"] == ["scry"]  # read_* is decided
    assert "upper" not in sections["allowed"]
    assert "lower" in sections["allowed"]
    # A permission that was lost is not given back, only asked for again.
    again = sql_functions.parse(sql_functions.updated(later, version, expressions, tables))[1]
    assert again["undecided"] == ["upper"]
    assert again["as a table undecided"] == []
