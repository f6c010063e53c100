"""`filter.length`: limits in characters, words and tokens, and lengths stored for every row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.errors import Misuse, Retry
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

MakeRows = Callable[..., Rows]

TEXTS = ["", "one", "one two three", "one two three four five", "中文文本"]


def signals_of(store: Store, ran: Any) -> dict[str, list[Any]]:
    signals: dict[str, list[Any]] = store.objects.read(ran.entry.objects["signals"]).to_pydict()
    return signals


def rows_of(make_rows: MakeRows, texts: list[str], **read: Any) -> Rows:
    return make_rows([{"text": text} for text in texts], format="text", **read)


def test_without_limits_lengths_are_stored_and_nothing_is_dropped(
    store: Store, make_rows: MakeRows, run_tool: Any
) -> None:
    ran = run_tool("filter.length", rows_of(make_rows, TEXTS))
    assert ran.decisions == []
    signals = signals_of(store, ran)
    assert signals["characters"] == [0, 3, 13, 23, 4]
    assert signals["words"] == [0, 1, 3, 5, 1]
    assert signals["tokens_estimate"] == [0, 1, 4, 6, 1]
    assert "tokens" not in signals


@pytest.mark.parametrize(
    ("limits", "dropped"),
    [
        ({"min_words": 2}, {0: "too_short", 1: "too_short", 4: "too_short"}),
        ({"max_characters": 13}, {3: "too_long"}),
        ({"min_characters": 1, "max_words": 3}, {0: "too_short", 3: "too_long"}),
        ({"max_tokens": 4}, {3: "too_long"}),
        ({"min_characters": 0, "min_words": 0, "min_tokens": 0}, {}),
    ],
)
def test_limits_drop_what_lies_outside(
    limits: dict[str, int], dropped: dict[int, str], make_rows: MakeRows, run_tool: Any
) -> None:
    assert run_tool("filter.length", rows_of(make_rows, TEXTS), **limits).dropped() == dropped


@pytest.mark.parametrize("unit", ["characters", "words", "tokens"])
def test_limits_that_no_text_lies_between_are_refused(unit: str, make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, TEXTS)
    with pytest.raises(Retry, match=rf"min_{unit} 100 is more than max_{unit} 10"):
        run_tool("filter.length", rows, **{f"min_{unit}": 100, f"max_{unit}": 10})
    run_tool("filter.length", rows, **{f"min_{unit}": 10, f"max_{unit}": 10})


def test_the_evidence_names_signal_and_limit(make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("filter.length", rows_of(make_rows, TEXTS), max_words=3, max_tokens=2)
    told = {one["position"]: (one["score"], one["evidence"]) for one in ran.decisions}
    assert told == {
        2: (4.0, {"signal": "tokens_estimate", "max_tokens": 2}),
        3: (5.0, {"signal": "words", "max_words": 3}),
    }


def test_the_field_decides_what_is_measured(make_rows: MakeRows, run_tool: Any) -> None:
    said = [
        {"role": "system", "content": "s" * 50},
        {"role": "user", "content": "u" * 9},
        {"role": "assistant", "content": "a"},
    ]
    rows = make_rows([{"messages": said}])
    assert run_tool("filter.length", rows, min_characters=12).dropped() == {}
    assert run_tool("filter.length", rows, min_characters=13).dropped() == {0: "too_short"}
    assert run_tool("filter.length", rows, min_characters=13, field="system").dropped() == {}
    assert run_tool("filter.length", rows, min_characters=2, field="response").dropped() == {0: "too_short"}


@given(st.lists(st.text(max_size=30), min_size=1, max_size=20), st.integers(0, 20), st.integers(0, 20))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_stays_lies_between_the_limits(
    store: Store, make_rows: MakeRows, run_tool: Any, texts: list[str], one: int, other: int
) -> None:
    low, high = sorted((one, other))
    rows = rows_of(make_rows, texts, pack_rows=3)
    ran = run_tool("filter.length", rows, min_characters=low, max_characters=high)
    outside = {i for i, text in enumerate(texts) if not low <= len(text) <= high}
    assert set(ran.dropped()) == outside
    assert signals_of(store, ran)["characters"] == [len(text) for text in texts]


WORDS_ONLY = {
    "version": "1.0",
    "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "one": 1}, "unk_token": "[UNK]"},
}


def test_a_tokenizer_counts_all_tokens(store: Store, make_rows: MakeRows, run_tool: Any, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text(json.dumps(WORDS_ONLY), encoding="utf-8")
    ran = run_tool("filter.length", rows_of(make_rows, TEXTS), tokenizer=str(tmp_path), max_tokens=4)
    signals = signals_of(store, ran)
    assert signals["tokens"] == [0, 1, 3, 5, 1]
    assert "tokens_estimate" not in signals
    assert ran.dropped() == {3: "too_long"}
    (fact,) = store.objects.read(ran.entry.objects["facts"]).to_pylist()
    assert (fact["id"], fact["unit"]) == ("filter.length.tokenizer", "sha256")


def test_a_folder_without_tokenizer_is_named(make_rows: MakeRows, run_tool: Any, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"there is no .*nowhere"):
        run_tool("filter.length", rows_of(make_rows, TEXTS), tokenizer=str(tmp_path / "nowhere"))
