"""Which rows Enter on a finding shows: all of them, wherever they can be known."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.inspect import _sql
from tilth.tools.inspect._findings import CHECKED, PAIRS
from tilth.tui.widgets.item_list import ItemList
from tilth.tui.widgets.tabs.findings import predicate

QUERIES = sorted(
    {told[3] for told in (*CHECKED.values(), *PAIRS.values()) if told[3]}
    | {_sql.blank_texts("prompt"), _sql.missing_values("note"), _sql.padded_values("note"), _sql.longer_side("chosen")}
)


@pytest.mark.parametrize("query", QUERIES)
def test_the_rows_of_a_finding_are_as_many_as_its_query_counts(tickets: Workspace, query: str) -> None:
    where = predicate({"sql": query})
    (counted,) = tickets.sql("tickets", query).column(0).to_pylist()
    (found,) = tickets.sql("tickets", f"select count(*) from rows where {where}").column(0).to_pylist()
    assert found == counted


@pytest.mark.parametrize("query", [_sql.FORKED_PROMPTS, _sql.REPEATED_RECORDS, _sql.repeated_texts("prompt"), ""])
def test_a_query_that_counts_no_rows_gives_no_predicate(query: str) -> None:
    assert predicate({"sql": query}) == ""


async def test_without_a_query_the_rows_are_those_that_the_fix_would_touch(
    open_app: Any, settle: Any, tickets: Workspace
) -> None:
    tickets.undo("tickets")
    tickets.undo("tickets")
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        tab, rows = app.screen.pane.tab, app.screen.pane.rows
        at = next(i for i, one in enumerate(tab._found) if one["code"] == "duplicates.near")
        finding = tab._found[at]
        assert not finding["sql"] and finding["count"] > len(finding["examples"])
        await pilot.press("ctrl+t")
        tab.query_one("#verdicts", ItemList).go(at)
        await pilot.press("enter")
        await settle(pilot)
        touched = tickets.dry_run("dedup.near", "tickets", threshold=0.7)["dropped"]["near_duplicate"]
        assert rows.table.total == touched >= finding["count"]  # exact copies go with them
        assert "those that dedup.near would touch" in str(rows.query_one(".facts").content)
        await pilot.press("s", *"score desc", "enter")  # sorted, they are the same rows
        await settle(pilot)
        assert rows.table.total == touched
        await pilot.press("f", *"score > 0", "enter")  # a predicate takes their place
        await settle(pilot)
        assert "those that" not in str(rows.query_one(".facts").content)


async def test_of_a_reason_that_the_fix_gives_only_its_rows_are_shown(tickets: Workspace) -> None:
    found = tickets.touched("filter.rules", "tickets", "empty_response")
    every = tickets.touched("filter.rules", "tickets", "no such reason")
    assert len(found) == 1 and set(found) <= set(every)
    assert tickets.log("tickets")[-1].tool == "inspect.profile"
