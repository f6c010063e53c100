"""The contract every tool keeps, for every tool there is; and that the checker sees a tool that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.agent.acting import contract, resolving, toolbox
from tilth.tools import tool as registry
from tilth.tools.errors import Misuse
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

PACKAGED = [id for id in registry.ids() if id.partition(".")[0] in registry.VERBS]
EXTRAS = {"clean.html": "trafilatura"}
"""Tools that need a package of an optional extra, and that package."""


@pytest.fixture(scope="module")
def verdicts() -> dict[str, contract.Verdict]:
    return {one.tool: one for one in contract.check(PACKAGED)}


@pytest.mark.slow
@pytest.mark.parametrize("tool_id", PACKAGED)
def test_a_tool_keeps_the_contract(verdicts: dict[str, contract.Verdict], tool_id: str) -> None:
    if tool_id in EXTRAS:
        pytest.importorskip(EXTRAS[tool_id], exc_type=ImportError)
    assert verdicts[tool_id].faults == ()
    assert verdicts[tool_id].runs == len(contract.PACKS) * len(contract.THREADS)


HEAD = """
import itertools
from typing import Annotated

import tilth

count = itertools.count()


@tilth.tool("my.{name}")
def {name}(ctx, data):
    \"\"\"A tool that breaks a rule.\"\"\"
"""
BROKEN = {
    "moody": (
        "    at = next(count) % len(data)\n"
        "    return tilth.Change([tilth.Outcome(decisions=tilth.drops([at], 'mood'))])\n",
        "its rows differ",
    ),
    "wordless": ("    return tilth.Change([tilth.Outcome(decisions=tilth.drops([0, 2], ' '))])\n", "without a reason"),
    "crashing": ("    raise ValueError('no such luck')\n", "(crashing.py line 13) raised ValueError: no such luck"),
    "threaded": (
        "    return tilth.Change([tilth.Outcome(decisions=tilth.drops([0], 'first', scores=[float(ctx.threads)]))])\n",
        "its decisions differ",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_tool_is_seen(tmp_path: Path, name: str) -> None:
    body, fault = BROKEN[name]
    path = tmp_path / f"{name}.py"
    path.write_text(HEAD.format(name=name) + body)
    (verdict,) = contract.check_file(path)
    assert any(fault in one for one in verdict.faults), verdict


RULES = {
    "nosy": ("record['nope']", r"my.nosy (nosy.py line 6) raised KeyError: 'nope' on row "),
    "boolean": ("len(record) > 99", "my.boolean returned False for row "),
    "numeral": ("1.5", "my.numeral returned 1.5 for row "),
    "silent": ("' '", "my.silent returned an empty text for row "),
    "listed": ("[record]", "my.listed returned a list for row "),
}


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_is_the_fault_of_its_file(
    tmp_path: Path, store: Store, make_rows: Callable[..., Rows], name: str
) -> None:
    expression, fault = RULES[name]
    path = tmp_path / f"{name}.py"
    path.write_text(f"import tilth\n\n@tilth.filter\ndef {name}(record):\n    'A rule.'\n    return {expression}\n")
    (verdict,) = contract.check_file(path)
    assert any(fault in one for one in verdict.faults), verdict
    make_rows([{"text": "one"}, {"text": "two"}])
    with store.writing("test"), pytest.raises(Misuse) as raised:
        toolbox.call(store, f"my.{name}", "data", {}, resolving.Settings())
    assert fault in raised.value.args[0]
    assert f"tilth tools check {path}" in raised.value.next_step
    assert [entry.kind for entry in store.ledger.of("data")] == ["import"]


def test_outcomes_that_raise_while_drawn_are_the_fault_of_their_file(
    tmp_path: Path, store: Store, make_rows: Callable[..., Rows]
) -> None:
    path = tmp_path / "late.py"
    lazy = "    return tilth.Change(1 // 0 for _ in range(1))\n"
    path.write_text(HEAD.format(name="late") + lazy)
    contract.check_file(path)
    make_rows([{"text": "one"}])
    with store.writing("test"), pytest.raises(Misuse, match=r"my.late \(late.py line 13\) raised ZeroDivisionError"):
        toolbox.call(store, "my.late", "data", {}, resolving.Settings())


def test_a_file_without_tools_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("x = 1\n")
    with pytest.raises(Misuse, match="declares no tool"):
        contract.check_file(path)


def test_the_fixture_holds_copies_and_faults() -> None:
    records = contract.fixture_records()
    assert len(records) == 24
    assert len({str(record) for record in records}) == 20
