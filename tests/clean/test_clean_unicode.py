"""`clean.unicode` on records: which texts are cleaned, which never, and what each edit tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.clean.unicode import _suspects
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store


def chat(*texts: str, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)], **more}


def records(rows: Rows) -> list[Any]:
    return [record for batch in rows.batches() for record in batch.records()]


def test_every_text_is_cleaned_and_tool_calls_are_not(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"q": "cafÃ©"}'}}
    messages = [
        {"role": "system", "content": "Be kind to cafÃ© owners."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "zero\u200bwidth"}, {"type": "image_url", "image_url": {}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "e\u0301"},
        {"role": "assistant", "content": "done\x07"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "description": "cafÃ©", "parameters": {}}}]
    ran = run_tool("clean.unicode", make_rows([{"messages": messages, "tools": tools, "note": "cafÃ©"}]))
    (after,) = records(ran.rows)
    assert [message["content"] for message in after["messages"]] == [
        "Be kind to café owners.",
        [{"type": "text", "text": "zerowidth"}, {"type": "image_url", "image_url": {}}],
        None,
        "é",
        "done",
    ]
    assert after["messages"][2]["tool_calls"] == [call]
    assert after["tools"] == tools
    assert after["note"] == "café"
    assert ran.entry.counts["edits"] == {
        "control_characters": 1,
        "mojibake": 1,
        "not_nfc": 1,
        "zero_width": 1,
    }
    assert ran.entry.counts["edited"] == 1


def test_an_edit_tells_path_span_and_lengths(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    ran = run_tool("clean.unicode", make_rows([chat("hello", "a cafÃ© \u200bhere")]))
    told = {one["reason"]: one for one in ran.decisions}
    assert told["mojibake"]["evidence"] == {
        "spans": [[["messages", 1, "content"], 5, 7]],
        "before": 13,
        "after": 12,
    }
    assert told["zero_width"]["evidence"]["spans"] == [[["messages", 1, "content"], 7, 8]]
    assert all(one["action"] == "edit" and one["score"] == 1.0 for one in ran.decisions)


def test_only_the_faults_asked_for_are_repaired(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    rows = make_rows([chat("cafÃ© \u200b", "one\r\ntwo")])
    ran = run_tool("clean.unicode", rows, repair=["line_endings"])
    assert records(ran.rows) == [chat("cafÃ© \u200b", "one\ntwo")]


def test_a_field_narrows_what_is_cleaned(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    rows = make_rows([chat("cafÃ©", "cafÃ©")])
    assert records(run_tool("clean.unicode", rows, field="response").rows) == [chat("cafÃ©", "café")]


def test_clean_rows_make_no_new_version(make_rows: Callable[..., Rows], run_tool: Any) -> None:
    rows = make_rows([chat("plain", 'text\n\twith "quotes" \\ and more'), chat("déjà", "vu 👩‍🍳 می‌خواهم")])
    ran = run_tool("clean.unicode", rows)
    assert ran.rows.vid == rows.vid
    assert ran.decisions == []


def test_typed_rows_are_cleaned_too(store: Store, run_tool: Any, tmp_path: Path) -> None:
    table = pa.table({"text": ["plain", "cafÃ©", None], "tags": [["e\u0301"], [], None], "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "typed.parquet")
    with store.writing("test"):
        import_sources(store, "typed", [Source("typed", (str(tmp_path / "typed.parquet"),))], ReadOptions())
    ran = run_tool("clean.unicode", store.rows("typed"))
    assert records(ran.rows) == [
        {"text": "plain", "tags": ["é"], "n": 1},
        {"text": "café", "tags": [], "n": 2},
        {"text": None, "tags": None, "n": 3},
    ]
    assert [(one["position"], one["reason"]) for one in ran.decisions] == [(0, "not_nfc"), (1, "mojibake")]


@given(st.lists(st.text(st.sampled_from('aé\u0301 ÃÂ©â€™\x93\r\n\x00\u200b\u200d👩👧`"\\u')), min_size=2, max_size=3))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cleaning_again_changes_nothing(make_rows: Callable[..., Rows], run_tool: Any, texts: list[str]) -> None:
    once = run_tool("clean.unicode", make_rows([chat(*texts)])).rows
    again = run_tool("clean.unicode", make_rows(records(once)))
    assert again.decisions == []


@pytest.mark.parametrize("ascii_only", [True, False])
def test_rows_are_passed_over_by_their_bytes_alone(ascii_only: bool) -> None:
    texts = ["plain", "tab\tand\nline", 'quote " and \\ backslash', "é", "\x00", "cafÃ©", "a\r\nb", "\x7f"]
    column = pa.array([json.dumps({"t": text}, ensure_ascii=ascii_only) for text in texts], pa.large_string())
    for start in (0, 3):
        found = [texts[start + row] for row, _ in _suspects(column.slice(start))]
        needed = [text for text in texts[start:] if text in ("\x00", "cafÃ©", "a\r\nb", "\x7f")]
        assert [text for text in found if text != "é"] == needed
