"""The contract every tool keeps, for every tool there is; and that the checker sees a tool that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.agent import contract
from tilth.tools import tool as registry
from tilth.tools.errors import Misuse

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
    "crashing": ("    raise ValueError('no such luck')\n", "it raises ValueError: no such luck"),
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


def test_a_file_without_tools_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("x = 1\n")
    with pytest.raises(Misuse, match="declares no tool"):
        contract.check_file(path)


def test_the_fixture_holds_copies_and_faults() -> None:
    records = contract.fixture_records()
    assert len(records) == 24
    assert len({str(record) for record in records}) == 20
