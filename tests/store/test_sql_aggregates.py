"""Statistics and values of rows are told apart by a query's structure."""

from __future__ import annotations

import pytest

from tilth.tools.errors import Retry
from tilth.tools.store.query.sql_aggregates import aggregates, computed


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from rows",
        "from rows select COUNT(*), avg(x)",
        "select kind, count(*) as n from rows group by kind having count(*) > 1 order by 2",
        "select kind, count(*) / sum(count(*)) over () from rows group by all",
        "with a as (select sum(x) as s from rows), b as (select s + 1 as t from a) select t from b",
        "select n from (select count(*) as n from rows) join (select max(x) as m from dropped) on true",
        "select count(*) from rows union all select count(*) from dropped",
        "select (select count(*) from rows)",
        "pivot rows on kind in ('a', 'b') using count(*)",
    ],
)
def test_statistics(sql: str) -> None:
    assert aggregates(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select x from rows",
        "select 'count(1)', x from rows -- count(*)",
        'select x as "count(*)" from rows',
        "select x, count(*) over () from rows",
        "select x, (select count(*) from rows) from rows",
        "select count(*), (select x from rows limit 1) from rows",
        "select x from rows where x > (select avg(x) from rows)",
        "select count(*) from rows union all select x from rows",
        "with a as (select count(*) as n from rows) select x from a, rows",
        "with rows as (select x from rows) select * from rows",
        "with recursive a as (select 1 as x union all select x + 1 from a where x < 3) select x from a",
        "select x from rows group by x",
        "select first(x), list(x) from rows",
        "unpivot rows on x, y",
    ],
)
def test_values_of_rows(sql: str) -> None:
    assert not aggregates(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select max(unicode(substr(x, 1, 1))) from rows",
        "select sum(ORD(x)), count(*) from rows",
        "with a as (select ascii(x) as n from rows) select max(n) from a",
        "select max(('0x' || hex(x))::bigint) from rows",
    ],
)
def test_numbers_that_spell_a_text_are_no_statistics(sql: str) -> None:
    assert not aggregates(sql)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select count(*), avg(x) + 1, 5 from rows", [True, True, True]),
        ("select year, count(*) as n from rows group by year", [False, True]),
        ("select year + 1, x - y as z, count(*) from rows group by all", [False, False, True]),
        ("with a as (select year, count(*) as n from rows group by 1) select n, year, 2 * n from a", [True, False, True]),
        ("with a(n) as (select year from rows), b as (select 1 as n) select count(*), n from a group by 2", [True, False]),
        ("select n from (select count(*) as n from rows) join (select max(x) as m from dropped) on true", [True]),
        ("select t.n from (select year as n, count(*) from rows group by 1) as t", [False]),
        ("select n from (select year, count(*) as n from rows group by 1) as t(n, m)", [False]),
        ("select n from (select count(*) as n from rows) join (select x as n, max(y) from rows group by 1) using (n)", [False]),
        ("select count(*), (select max(x) from rows) from rows", [True, True]),
        ("select count(*) from rows union all select max(x) from dropped", [True]),
        ("select count(*) from rows union all select year from (select year, count(*) from rows group by 1)", [False]),
        ("select * from (select year, count(*) from rows group by 1)", None),
        ("pivot rows on kind in ('a', 'b') using count(*)", None),
    ],
)  # fmt: skip
def test_which_columns_are_computed_and_which_are_keys(sql: str, found: list[bool] | None) -> None:
    assert computed(sql) == found


def test_what_is_no_query_is_refused() -> None:
    for question in (aggregates, computed):
        with pytest.raises(Retry):
            question("drop table rows")
