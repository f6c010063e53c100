"""Pages of rows: whatever the filter and the order, all pages together are the rows asked for, once each."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.errors import Retry
from tilth.tui.widgets import pages as module
from tilth.tui.widgets.pages import Pages, open_pages


def all_of(pages: Pages) -> list[Any]:
    count = -(-len(pages) // module.PAGE)
    numbers = [number for pair in zip(range(count), reversed(range(count)), strict=True) for number in pair]
    found = {number: pages.page(number) for number in numbers}
    return [row for number in range(count) for row in found[number]]


@pytest.mark.parametrize(
    ("where", "order"), [("", ""), ("score is null", ""), ("", "score desc nulls last"), ("score > 1", "score, row_id")]
)
@pytest.mark.parametrize(("few", "laid"), [(1000, 0), (5, 0), (5, 1 << 30)], ids=["few", "blocks", "laid out"])
def test_pages_are_the_rows_in_the_order_asked_for(
    tickets: Workspace, monkeypatch: pytest.MonkeyPatch, where: str, order: str, few: int, laid: int
) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    monkeypatch.setattr(module, "BLOCK", 2)
    monkeypatch.setattr(module, "FEW", few)
    monkeypatch.setattr(module, "LAID_BYTES", laid)
    first = open_pages(tickets, "tickets", "score > 0", "row_id desc")
    pages = open_pages(tickets, "tickets", where, order, first)
    assert pages.laid is first.laid or not where + order
    assert (first.laid is not None) == (few == 5 and laid > 0)
    told = all_of(pages)
    query = f"select row_id from rows where {where or 'true'} order by {order or 'file, line'}, line"
    expected = tickets.sql("tickets", query)["row_id"].to_pylist()
    assert [pages.stored(index).row_id for index in range(len(pages))] == expected
    assert len(told) == len(expected)
    assert [row[0] for row in told] == [f"{pages.position(index) + 1:,}" for index in range(len(pages))]
    scores = [None if row[3] is None else float(row[3]) for row in told]
    assert scores == tickets.sql("tickets", query.replace("row_id from", "score from", 1))["score"].to_pylist()


@pytest.mark.parametrize(("where", "order"), [("1=1; drop table rows", ""), ("", "random()"), ("nope = 1", "")])
def test_sql_that_may_not_run_is_refused(tickets: Workspace, where: str, order: str) -> None:
    with pytest.raises(Retry):
        open_pages(tickets, "tickets", where, order)
