"""import(export(x)) == x, or the difference was declared."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.tools.errors import Refused
from tilth.tools.store.export import Written, numerals, write_data
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = st.text(st.sampled_from("abc é\n\"'<|,=\u2028"), min_size=1, max_size=12)


def imported(root: Path, files: list[Path], **read: Any) -> Rows:
    store = Store(root)
    with store.writing("test"):
        import_sources(store, "data", [Source("data", tuple(map(str, files)))], ReadOptions.from_args(read))
    return store.rows("data")


def there_and_back(root: Path, texts: list[str], **asked: Any) -> tuple[Rows, Written, Rows]:
    """Rows imported from JSON texts, what their export wrote, and the rows imported from that."""
    source = root / "raw.jsonl"
    source.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    rows = imported(root / "one", [source], **asked.pop("read", {}))
    written = write_data(rows, root / "out", **asked)
    files = [root / "out" / file.path for file in written.files if file.split is not None]
    return rows, written, imported(root / "two", files)


def column(rows: Rows, name: str) -> list[Any]:
    return rows.arrow((name,))[name].to_pylist()


NUMBERS = st.sampled_from(["0", "-0.0", "1e5", "12345678901234567890123", "0.1000000000000000055", "-7"])
LEAVES = st.one_of(
    NUMBERS,
    st.sampled_from(["true", "false", "null"]),
    TEXT.map(lambda text: json.dumps(text, ensure_ascii=False)),
    TEXT.map(json.dumps),
)
JSON_TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{' , '.join(items)}]"),
        st.dictionaries(TEXT.map(json.dumps), inner, max_size=3).map(
            lambda items: "{" + ",".join(f"{key}: {value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=6,
)


@given(JSON_TEXTS)
def test_rewriting_a_record_keeps_its_values_and_numbers(text: str) -> None:
    again = numerals.write(numerals.read(text))
    assert numerals.read(again) == numerals.read(text)
    assert "\n" not in again


@settings(max_examples=20)
@given(st.lists(st.tuples(TEXT, LEAVES, st.sampled_from(["", " "])), min_size=1, max_size=8), st.randoms())
def test_jsonl_is_exact(
    tmp_path_factory: pytest.TempPathFactory, items: list[tuple[str, str, str]], shuffle: Any
) -> None:
    root = tmp_path_factory.mktemp("exact")
    texts = []
    for text, leaf, gap in items:
        pairs = [f'"text":{gap}{json.dumps(text, ensure_ascii=False)}', f'"leaf"{gap}: {leaf}']
        shuffle.shuffle(pairs)
        texts.append("{" + f"{gap},{gap}".join(pairs) + "}")
    try:
        rows, written, again = there_and_back(root, texts, format="jsonl")
    except Refused as refused:
        assert "would not load" in str(refused)
        return
    assert written.losses == ()
    assert column(again, "record") == column(rows, "record")
    assert column(again, "row_id") == column(rows, "row_id")


CALL = st.fixed_dictionaries(
    {"name": WORDS, "arguments": st.dictionaries(st.sampled_from("xyz"), WORDS, max_size=2)}
).map(lambda function: {"type": "function", "function": function})
ANSWER = st.one_of(
    st.fixed_dictionaries({"role": st.just("assistant"), "content": WORDS}),
    st.fixed_dictionaries(
        {
            "role": st.just("assistant"),
            "content": st.none(),
            "tool_calls": st.lists(CALL, min_size=1, max_size=2),
        }
    ),
)
TURN = st.one_of(st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "tool"]), "content": WORDS}), ANSWER)
CHAT = st.lists(TURN, min_size=1, max_size=5).map(
    lambda turns: {"messages": [{"role": "user", "content": "q"}, *turns]}
)


def said(rows: Rows) -> list[list[tuple[str, str]]]:
    """What is said in every row, turn by turn, calls included."""
    mapping = rows.mapping
    return [
        [
            (piece.role, piece.kind, json.dumps(_value(piece.text), sort_keys=True))
            for piece in mapping.pieces(record)
            if piece.text
        ]
        for batch in rows.batches()
        for record in batch.records()
    ]


def _value(text: str) -> Any:
    """A tool call as a value, however it is wrapped."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value.get("arguments", value) if isinstance(value, dict) else value


@settings(max_examples=15)
@given(st.lists(CHAT, min_size=1, max_size=4))
def test_chats_survive_sharegpt_and_the_way_back(tmp_path_factory: pytest.TempPathFactory, chats: list[Any]) -> None:
    root = tmp_path_factory.mktemp("chats")
    texts = [json.dumps(chat, ensure_ascii=False) for chat in chats]
    single = all(len(turn.get("tool_calls", ())) < 2 for chat in chats for turn in chat["messages"])
    read = {"read": {"format": "messages"}}
    rows, written, again = there_and_back(root, texts, format="sharegpt", **read)
    assert written.losses == ()
    if single:
        assert [[one for one in row if one[1] != "tool_schema"] for row in said(again)] == said(rows)
    back = write_data(again, root / "back", format="messages")
    out = (root / "back" / back.files[0].path).read_text().removesuffix("\n").split("\n")
    kept = [[(turn["role"], turn.get("content") or "") for turn in json.loads(line)["messages"]] for line in out]
    assert kept == [[(turn["role"], turn["content"] or "") for turn in chat["messages"]] for chat in chats]


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).filter(lambda text: text.strip() == text)


@settings(max_examples=20)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_a_table_of_texts_survives_csv(tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]) -> None:
    root = tmp_path_factory.mktemp("cells")
    texts = [json.dumps({"a": f"{a}x", "b": b}, ensure_ascii=False) for a, b in cells]
    rows, written, again = there_and_back(root, texts, format="csv", read={"format": "table"})
    assert {loss.code for loss in written.losses} <= {"formulas"}
    assert [record for batch in again.batches() for record in batch.records()] == list(map(json.loads, texts))
    assert len(again) == len(rows)


TYPED = {
    "text": pa.array(["é", "b", None]),
    "big": pa.array([Decimal("1.50"), None, Decimal("-3.00")], pa.decimal256(50, 2)),
    "at": pa.array([1, None, 3], pa.timestamp("ns", "Europe/Berlin")),
    "day": pa.array([dt.date(2024, 1, 31), None, None]),
    "took": pa.array([5, None, 7], pa.duration("ms")),
    "raw": pa.array([b"\xff\x00", b"", None]),
    "half": pa.array([1.5, None, 2.5], pa.float16()),
    "fixed": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)),
    "word": pa.array(["a", "b", "a"]).dictionary_encode(),
    "nest": pa.array([{"k": [1]}, {"k": None}, None], pa.struct([("k", pa.list_(pa.int8()))])),
    "u": pa.array([2**64 - 1, 0, 1], pa.uint64()),
    "Name": pa.array(["x", "y", "z"]),
    "name": pa.array(["1", "2", "3"]),
}


def typed(root: Path) -> tuple[pa.Table, Rows]:
    table = pa.table(TYPED)
    root.mkdir(exist_ok=True)
    pq.write_table(table, root / "typed.parquet")
    return pq.read_table(root / "typed.parquet"), imported(root / "one", [root / "typed.parquet"])


def test_typed_rows_survive_parquet_exactly(tmp_path: Path) -> None:
    table, rows = typed(tmp_path)
    written = write_data(rows, tmp_path / "out")
    assert (written.options.format, written.losses) == ("parquet", ())
    again = pq.read_table(tmp_path / "out/data/train.parquet")
    assert again.schema.equals(table.schema)
    assert again.equals(table)
    back = imported(tmp_path / "two", [tmp_path / "out/data/train.parquet"])
    assert column(back, "row_id") == column(rows, "row_id")


def test_typed_rows_as_json_declare_what_they_lose(tmp_path: Path) -> None:
    _, rows = typed(tmp_path)
    written = write_data(rows, tmp_path / "out", format="jsonl")
    assert {loss.code for loss in written.losses} == {"binary", "decimals", "durations", "times"}
    first = json.loads((tmp_path / "out/data/train.jsonl").read_text().splitlines()[0])
    assert (first["big"], first["raw"], first["took"], first["u"]) == ("1.50", "/wA=", 5, 2**64 - 1)
    assert first["at"] == "1970-01-01 01:00:00.000000001+0100"


def test_typed_chats_become_messages(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    pq.write_table(pa.table({"messages": [turns, turns], "n": [1, 2]}), tmp_path / "chats.parquet")
    rows = imported(tmp_path / "one", [tmp_path / "chats.parquet"])
    write_data(rows, tmp_path / "out", format="sharegpt")
    first = json.loads((tmp_path / "out/data/train.jsonl").read_text().splitlines()[0])
    assert first == {
        "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
        "n": 1,
    }


@pytest.mark.slow
def test_fat_rows_are_cut_into_the_same_row_groups_whatever_the_packs(tmp_path: Path) -> None:
    """Row groups end at 64 MB of content: 160 KB a row makes groups of 512 rows, not of 16,384."""
    table = pa.table({"raw": [bytes([i % 256]) * 160_000 for i in range(600)]})
    pq.write_table(table, tmp_path / "fat.parquet", row_group_size=50)
    rows = imported(tmp_path / "one", [tmp_path / "fat.parquet"])
    write_data(rows, tmp_path / "out")
    metadata = pq.ParquetFile(tmp_path / "out/data/train.parquet").metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [512, 88]
