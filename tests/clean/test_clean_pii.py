"""`clean.pii` on records: one placeholder a value, nothing else touched, and no value in what the edits tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.errors import Misuse
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store
from tilth.tools.text.pii import find


def chat(*texts: str, **more: Any) -> dict[str, Any]:
    return {
        "messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)],
        **more,
    }


def records(rows: Rows) -> list[Any]:
    return [record for batch in rows.batches() for record in batch.records()]


def contents(record: Any) -> list[Any]:
    return [message["content"] for message in record["messages"]]


def test_one_placeholder_a_value_in_all_turns(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    rows = make_rows(
        [
            chat(
                "I am bob@acme.io, not jane@acme.io", "Hello Bob@Acme.io! Call +1 415 555 2671.", "jane@acme.io", "ok"
            ),
            chat("jane@acme.io", "+14155552671"),
        ]
    )
    first, second = records(run_tool("clean.pii", rows).rows)
    assert contents(first) == ["I am <EMAIL_1>, not <EMAIL_2>", "Hello <EMAIL_1>! Call <PHONE_1>.", "<EMAIL_2>", "ok"]
    assert contents(second) == ["<EMAIL_1>", "<PHONE_1>"]


def test_placeholders_by_kind_alone(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    rows = make_rows([chat("bob@acme.io or jane@acme.io", "sure")])
    (after,) = records(run_tool("clean.pii", rows, placeholder="kind").rows)
    assert contents(after)[0] == "<EMAIL> or <EMAIL>"


def test_a_second_field_does_not_reuse_the_numbers_of_the_first(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    rows = make_rows([chat("bob@acme.io", "jane@acme.io")])
    first = run_tool("clean.pii", rows, field="prompt").rows
    assert contents(records(first)[0]) == ["<EMAIL_1>", "jane@acme.io"]
    assert contents(records(run_tool("clean.pii", first).rows)[0]) == ["<EMAIL_1>", "<EMAIL_2>"]


def test_only_the_kinds_asked_for_are_replaced(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    ran = run_tool("clean.pii", make_rows([chat("bob@acme.io 93.184.216.34", "x")]), kinds=["ip"])
    assert contents(records(ran.rows)[0])[0] == "bob@acme.io <IP_1>"


def tool_chat(arguments: Any) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": "Pay with 4111 1111 1111 1111, mail bob@acme.io"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "pay", "arguments": arguments}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": '{"sent": "bob@acme.io"}'},
            {"role": "assistant", "content": "Done."},
        ]
    }


def arguments_after(ran: Any) -> Any:
    return records(ran.rows)[0]["messages"][1]["tool_calls"][0]["function"]["arguments"]


def test_tool_call_arguments_stay_json_and_the_same_value_has_the_same_name(
    make_rows: Callable[..., Rows], run_tool: Any
) -> None:
    written = '{"to":  "bob@acme.io",\n "card": 4111111111111111, "text": "hi\\nbob@acme.io", "n": 1}'
    ran = run_tool("clean.pii", make_rows([tool_chat(written)]))
    assert arguments_after(ran) == '{"to":  "<EMAIL_1>",\n "card": "<CARD_1>", "text": "hi\\n<EMAIL_1>", "n": 1}'
    assert records(ran.rows)[0]["messages"][2]["content"] == '{"sent": "<EMAIL_1>"}'


def test_arguments_given_as_an_object_or_not_as_json(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    ran = run_tool("clean.pii", make_rows([tool_chat({"to": ["bob@acme.io"], "n": 1, "ok": True})]))
    assert arguments_after(ran) == {"to": ["<EMAIL_1>"], "n": 1, "ok": True}
    ran = run_tool("clean.pii", make_rows([tool_chat('{"to": bob@acme.io')]))
    assert arguments_after(ran) == '{"to": <EMAIL_1>'


def test_arguments_outside_the_field_are_not_touched(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    record = tool_chat('{"to": "bob@acme.io"}')
    (after,) = records(run_tool("clean.pii", make_rows([record]), field="first_user").rows)
    assert after["messages"][0]["content"] == "Pay with <CARD_1>, mail <EMAIL_1>"
    assert after["messages"][1:] == record["messages"][1:]


def test_evidence_tells_kind_path_and_span_and_never_the_value(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    record = chat("I am bob@acme.io", "Hi bob@acme.io", meta={"jane@acme.io": "call +14155552671"})
    ran = run_tool("clean.pii", make_rows([record]))
    told = {one["reason"]: one for one in ran.decisions}
    assert told["email"]["evidence"] == {
        "spans": [[["messages", 0, "content"], 5, 16], [["messages", 1, "content"], 3, 14]]
    }
    assert told["email"]["score"] == 2.0
    assert told["phone"]["evidence"] == {"spans": [[["meta", "<EMAIL>"], 5, 17]]}
    assert all(one["action"] == "edit" for one in ran.decisions)
    assert not re.search("bob|jane|4155", json.dumps(ran.decisions, default=str))


def test_long_evidence_says_how_much_is_left_off(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    ran = run_tool("clean.pii", make_rows([chat("bob@acme.io " * 25, "x")]))
    (one,) = ran.decisions
    assert len(one["evidence"]["spans"]) == 20
    assert one["evidence"]["spans_left_off"] == 5


def test_rows_without_personal_data_make_no_new_version(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    rows = make_rows([chat("version 1.2.3.4, order 4532015112830366", "x@example.com"), chat("a", "b\u00e9")])
    ran = run_tool("clean.pii", rows)
    assert ran.rows.vid == rows.vid
    assert ran.decisions == []


def test_records_written_with_escapes_are_read_too(store: Store, run_tool: Any, tmp_path: Path) -> None:
    source = tmp_path / "escaped.jsonl"
    source.write_text('{"text": "bob\\u0040acme.io"}\n{"text": "https:\\/\\/u:h8x7Gq9@acme.io"}\n')
    with store.writing("test"):
        import_sources(store, "escaped", [Source("escaped", (str(source),))], ReadOptions())
    ran = run_tool("clean.pii", store.rows("escaped"))
    assert records(ran.rows) == [{"text": "<EMAIL_1>"}, {"text": "https://u:<KEY_1>@acme.io"}]


def test_typed_rows_keep_their_types(store: Store, run_tool: Any, tmp_path: Path) -> None:
    table = pa.table({"text": ["plain", "bob@acme.io"], "card": [1, 4111111111111111], "tags": [[], ["93.184.216.34"]]})
    pq.write_table(table, tmp_path / "typed.parquet")
    with store.writing("test"):
        import_sources(store, "typed", [Source("typed", (str(tmp_path / "typed.parquet"),))], ReadOptions())
    ran = run_tool("clean.pii", store.rows("typed"))
    assert records(ran.rows)[1] == {"text": "<EMAIL_1>", "card": 4111111111111111, "tags": ["<IP_1>"]}


def test_a_wrong_region_is_named(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    with pytest.raises(Misuse, match="no region 'XX'"):
        run_tool("clean.pii", make_rows([chat("a", "b")]), region="XX")


PARTS = [
    "bob@acme.io", "Jane@acme.io", "+1 415 555 2671", "93.184.216.34", "DE89 3704 0044 0532 0130 00", "api_key=",
    "4111 1111 1111 1111", "9fK2mQ8xR4vL7nB1", "<EMAIL_3>", "version ", "x@example.com", *" \n@.1é", "\\n",
]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=5).map("".join), min_size=2, max_size=3))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cleaning_again_changes_nothing_and_the_rest_stays(
    make_rows: Callable[..., Rows], run_tool: Any, texts: list[str]
) -> None:
    before = make_rows([chat(*texts)])
    ran = run_tool("clean.pii", before)
    for old, new in zip(texts, contents(records(ran.rows)[0]), strict=True):
        rest, at = [], 0
        for match in find(old):
            rest.append(old[at : match.start])
            at = match.end
        pattern = r"<[A-Z]+_[0-9]+>".join(map(re.escape, [*rest, old[at:]]))
        assert re.fullmatch(pattern, new)
    assert run_tool("clean.pii", before).rows.vid == ran.rows.vid
    assert run_tool("clean.pii", ran.rows).decisions == []


def test_real_data_is_clean_after_one_run(make_rows: Callable[..., Rows], run_tool: Any, shared_data: Path) -> None:
    path = shared_data / "self_instruct" / "user_oriented_instructions.jsonl"
    rows = make_rows([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])
    ran = run_tool("clean.pii", rows)
    assert {one["reason"] for one in ran.decisions} == {"email"}
    assert run_tool("clean.pii", ran.rows).decisions == []
