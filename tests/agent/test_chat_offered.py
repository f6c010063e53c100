"""What a model is offered, what it is told, and what of the conversation it is shown."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.acting.resolving import PERSON
from tilth.agent.chat import offered, reach, told
from tilth.agent.chat.calling import Desk, Terms
from tilth.agent.chat.offered import OFFERS, SCHEMA_TOKENS, schemas
from tilth.agent.chat.session import Line
from tilth.agent.chat.window import Meter, fit
from tilth.agent.workspace import open_workspace
from tilth.tools import tool as registry
from tilth.tools.errors import Retry, TilthError
from tilth.tools.inspect._sql_told import estimated_tokens

Converse = Callable[..., Any]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A workspace with one small dataset."""
    root = tmp_path_factory.mktemp("desk")
    (root / "chats.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    with open_workspace(root, threads=1) as workspace:
        workspace.add(root / "chats.jsonl")
        yield Desk(workspace, "chats")


def test_the_list_is_short_and_its_schemas_are_valid() -> None:
    core = [one.name for one in OFFERS if one.name not in ("find_tool", "do")]
    assert len(core) <= 8
    listed = json.dumps(schemas())
    assert told.tokens(listed) <= SCHEMA_TOKENS and estimated_tokens(listed) <= SCHEMA_TOKENS
    for one in schemas():
        assert one["function"]["name"].replace("_", "").isalpha() and one["function"]["description"]
        assert one["function"]["parameters"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("remove near duplicates", "dedup.near"),
        ("drop personal data such as emails", "clean.pii"),
        ("benchmark contamination", "contaminate.scan"),
        ("keep only one language", "filter.language"),
        ("strip HTML", "clean.html"),
    ],
)
def test_a_tool_is_found_by_what_it_does(query: str, wanted: str) -> None:
    found = offered.search(query)
    assert wanted in [one.id for one in found]
    page = "\n\n".join(offered._page(one) for one in found)
    assert told.tokens(page) <= told.TOKENS


def test_every_tool_can_be_found_by_its_own_id() -> None:
    for id in registry.ids():
        assert id in [one.id for one in offered.search(id.replace(".", " "))]


GARBLED = st.one_of(
    st.text(max_size=40),
    st.dictionaries(
        st.sampled_from(["dataset", "query", "args", "tool", "count", "where", "row", "a", "folder"]) | st.text(max_size=8),
        st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.lists(st.integers(), max_size=2)
        | st.dictionaries(st.sampled_from(["keep", "threshold", "field", "benchmarks"]), st.text(max_size=9), max_size=2),
        max_size=4,
    ).map(json.dumps),
)  # fmt: skip


@given(st.sampled_from([one.name for one in OFFERS]) | st.sampled_from(registry.ids()) | st.text(max_size=20), GARBLED)
def test_whatever_a_small_model_writes_becomes_a_plan_or_a_sentence_to_try_again_by(
    desk: Desk, name: str, arguments: str
) -> None:
    try:
        planned = offered.plan(desk, name, arguments)
    except TilthError as error:
        assert error.exit_code in (1, 2) and len(str(error)) < 3000
    else:
        assert planned.command.startswith("tilth ") and planned.effect


def test_results_are_short_and_say_what_they_leave_out(converse: Converse) -> None:
    rows = [{"messages": [{"role": "user", "content": f"{i} " + "long words " * 300}]} for i in range(30)]
    desk = Desk(converse("unused", rows=rows).workspace, "chats")
    for name, arguments in (("show_rows", '{"count": 20}'), ("inspect_sql", '{"query": "select * from turns"}'),
                            ("inspect_profile", "{}"), ("find_tool", '{"query": "filter"}')):  # fmt: skip
        found = offered.plan(desk, name, arguments).act(Terms(PERSON, lambda event: None))
        for sight in ("rows", "statistics", "nothing"):
            text = found.to(sight)[0]
            assert told.tokens(text) <= told.TOKENS
            assert sight == "rows" or "long words" not in text
        if name == "show_rows":
            assert "cut" in found.to("rows")[0]


def test_a_cut_text_counts_its_lines() -> None:
    text = "\n".join(f"line {i}" for i in range(10_000))
    cut = told.cut(text)
    assert told.tokens(cut) <= told.TOKENS and cut.endswith("of 10,000 lines shown)")
    assert told.cut("short") == "short"


def test_paths_lie_in_the_workspace_or_were_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "work"
    (root / ".tilth").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("x")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    monkeypatch.chdir(root)
    assert reach.within("out/a.jsonl", root, []) == root / "out/a.jsonl"
    for wanted in ("../secret.txt", "link.txt", str(tmp_path / "secret.txt"), ".tilth/ledger.jsonl", "tilth.toml", ".env",
                   "/", "~", str(root), "."):  # fmt: skip
        with pytest.raises(Retry, match="was not named"):
            reach.within(wanted, root, ["do what you want with / and ~ and ."])
    said = [f'look at "{tmp_path}/secret.txt", please.']
    assert reach.within("../secret.txt", root, said) == tmp_path / "secret.txt"


# -- the window ----------------------------------------------------------------------------------------------------


def turns(count: int, size: int) -> list[Line]:
    lines = []
    for i in range(count):
        call = {"id": f"c{i}", "name": "drops", "arguments": "{}"}
        notes = {"tool": "drops", "line": f"{i} rows"}
        lines += [Line("user", f"question {i}"), Line("assistant", "", "rows", (call,)),
                  Line("tool", f"result {i} " + "word " * size, "rows", call_id=f"c{i}", notes=notes),
                  Line("assistant", f"answer {i}", "rows")]  # fmt: skip
    return lines


@given(st.integers(1, 12), st.integers(0, 400), st.integers(0, 4000))
def test_a_window_never_parts_a_call_from_its_result_and_keeps_the_last_word(count: int, size: int, room: int) -> None:
    lines = turns(count, size)
    lines.append(Line("user", "the last word"))
    found = fit("instructions", lines, room, "rows", Meter())
    roles = [one["role"] for one in found.messages]
    assert roles[0] == "system" and found.messages[-1]["content"].endswith("the last word")
    assert all(not (a == b == "user") for a, b in itertools.pairwise(roles))
    calls = [call["id"] for one in found.messages for call in one.get("tool_calls", ())]
    assert calls == [one["tool_call_id"] for one in found.messages if one["role"] == "tool"]
    if found.tokens > room:
        assert found.left_out == len(turns(count, size)) - count  # nothing more could be left out
    if found.left_out:
        assert "left out" in found.messages[0]["content"]


def test_older_results_become_facts_before_anything_is_left_out() -> None:
    lines = turns(6, 200)
    whole = fit("instructions", lines, 10**6, "rows", Meter())
    some = fit("instructions", lines, whole.tokens - 10, "rows", Meter())
    assert some.left_out == 0
    results = [one["content"] for one in some.messages if one["role"] == "tool"]
    assert results[0] == "[c0] drops: 0 rows (shortened; call it again to see more)" and results[-1].startswith(
        "result 5"
    )


def test_the_meter_learns_from_the_servers_counts() -> None:
    meter = Meter()
    first = meter.of("word " * 100)
    meter.learn(first, 2 * first)
    assert meter.of("word " * 100) == pytest.approx(2 * first, rel=0.01)
    meter.learn(0, 100)
    meter.learn(100, 0)
    assert meter.ratio == pytest.approx(2.0, rel=0.01)
