"""Statistics and values of rows are told apart by a query's structure."""

from __future__ import annotations

import pytest

from tilth.tools.errors import Retry
from tilth.tools.store.query.sql_aggregates import aggregates


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


def test_what_is_no_query_is_refused() -> None:
    with pytest.raises(Retry):
        aggregates("drop table rows")
