"""`inspect.pii`: counts by kind that agree with what `clean.pii` replaces, and no value in anything it tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tilth.tools.change import Report
from tilth.tools.context import Context
from tilth.tools.inspect.pii import pii
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store


def chat(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]}


def inspected(store: Store, rows: Rows, **args: Any) -> Report:
    report = pii(Context(store, "data", 0, 1, store.root), rows, **{"field": "all", **args})
    assert isinstance(report, Report)
    return report


def facts(report: Report) -> dict[str, int]:
    return {fact.id: fact.value for fact in report.facts}


ROWS = [
    chat("I am bob@acme.io", "Hello bob@acme.io"),
    chat("nothing here", "version 1.2.3.4"),
    chat("call +1 415 555 2671", "api_key = '9fK2mQ8xR4vL7nB1' for jane@acme.io"),
]


def test_kinds_are_counted_and_absent_ones_are_zero(make_rows: Callable[..., Rows], store: Store) -> None:
    report = inspected(store, make_rows(ROWS))
    assert facts(report) == {
        "pii.email": 3,
        "pii.phone": 1,
        "pii.ip": 0,
        "pii.iban": 0,
        "pii.card": 0,
        "pii.key": 1,
        "pii.rows": 2,
    }
    assert {fact.n_examined for fact in report.facts} == {3}
    assert [(one.code, one.severity, one.count, one.rows) for one in report.findings] == [
        ("pii.email", "warning", 2, (0, 2)),
        ("pii.phone", "warning", 1, (2,)),
        ("pii.key", "error", 1, (2,)),
    ]


def test_no_value_is_shown(make_rows: Callable[..., Rows], store: Store) -> None:
    told = repr(inspected(store, make_rows(ROWS)))
    assert not any(value in told for value in ("bob", "jane", "2671", "9fK2"))


def test_only_the_kinds_asked_for_have_a_fact(make_rows: Callable[..., Rows], store: Store) -> None:
    assert facts(inspected(store, make_rows(ROWS), kinds=["ip", "email"])) == {
        "pii.email": 3,
        "pii.ip": 0,
        "pii.rows": 2,
    }


def test_the_field_and_the_region_are_part_of_the_method_and_of_the_fix(
    make_rows: Callable[..., Rows], store: Store
) -> None:
    report = inspected(store, make_rows([chat("(415) 555-2671", "bob@acme.io")]), field="prompt", region="us")
    assert facts(report)["pii.phone"] == 1
    assert facts(report)["pii.email"] == 0
    assert report.findings[0].fix == "clean.pii --field prompt --region US"
    assert report.facts[0].method == "inspect.pii, field prompt, region US"


def test_the_count_is_what_cleaning_replaces_and_zero_afterwards(
    make_rows: Callable[..., Rows], run_tool: Any, store: Store
) -> None:
    rows = make_rows(ROWS)
    counted = facts(inspected(store, rows))
    ran = run_tool("clean.pii", rows)
    replaced = {one["reason"]: 0 for one in ran.decisions}
    for one in ran.decisions:
        replaced[one["reason"]] += int(one["score"])
    assert replaced == {"email": 3, "phone": 1, "key": 1}
    assert all(counted[f"pii.{kind}"] == number for kind, number in replaced.items())
    assert set(facts(inspected(store, ran.rows)).values()) == {0}


def test_it_runs_through_the_toolbox(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    ran = run_tool("inspect.pii", make_rows(ROWS))
    assert ran.entry.counts["findings"] == 3
    assert json.loads(json.dumps(ran.details))["occurrences"]["email"] == 3
