"""Rows become files a trainer can load: records as they came, or converted with every loss declared."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from tilth.tools.errors import Misuse, Refused
from tilth.tools.store.export import Written, write_data
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

MakeRows = Callable[..., Rows]


def lines(folder: Path, name: str = "train") -> list[Any]:
    return [json.loads(line) for line in (folder / f"data/{name}.jsonl").read_text().splitlines()]


def losses(written: Written) -> dict[str, int]:
    return {loss.code: loss.rows for loss in written.losses}


def imported(store: Store, tmp_path: Path, text: str, name: str = "raw.jsonl") -> Rows:
    (tmp_path / name).write_text(text)
    with store.writing("test"):
        import_sources(store, "raw", [Source("raw", (str(tmp_path / name),))], ReadOptions())
    return store.rows("raw")


def chat(*turns: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **more}


SHORT = chat(("system", "s"), ("user", "hi"), ("assistant", "yo"), id=1)
LONG = chat(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), id=2)
CALLING = {
    "messages": [
        {"role": "user", "content": "time?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": {"zone": "UTC"}}}
            ],
        },
        {"role": "tool", "content": "noon", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is noon."},
    ],
    "tools": [{"type": "function", "function": {"name": "clock"}}],
}


# --- bytes ---


def test_records_keep_every_byte(store: Store, tmp_path: Path) -> None:
    records = [
        '{"b": 12345678901234567890123, "a":0.1000000000000000055,"text":"caf\\u00e9 \\u2028"}',
        '{"text" : "é", "b":1e3, "a": -0.0, "z": null}',
        '{"text": "", "b": 1, "a": 2}',
    ]
    rows = imported(store, tmp_path, "\n".join(records) + "\n")
    write_data(rows, tmp_path / "out", format="jsonl")
    assert (tmp_path / "out/data/train.jsonl").read_text() == "\n".join(records) + "\n"


def test_a_record_on_several_lines_comes_out_on_one(store: Store, tmp_path: Path) -> None:
    rows = imported(store, tmp_path, '[\n {"text": "a\\nb",\r\n  "n": 1.50},\n {"text": "c"}]', "raw.json")
    write_data(rows, tmp_path / "out", format="jsonl")
    text = (tmp_path / "out/data/train.jsonl").read_text()
    assert text.splitlines()[0].startswith('{"text": "a\\nb",')
    assert '"n": 1.50' in text
    assert lines(tmp_path / "out") == [{"text": "a\nb", "n": 1.5}, {"text": "c"}]


def test_the_bytes_do_not_depend_on_packs(make_rows: MakeRows, tmp_path: Path) -> None:
    records = [chat(("user", f"question {i % 90}"), ("assistant", "x" * (i % 7)), n=i) for i in range(200)]
    for format in ("messages", "sharegpt", "csv", "parquet"):
        files = []
        for packs in (1 << 20, 29):
            folder = tmp_path / f"{format}-{packs}"
            rows = make_rows(records, pack_rows=packs)
            written = write_data(rows, folder, format=format, split={"train": 0.7, "test": 0.3})
            files.append([file.sha256 for file in written.files])
        assert files[0] == files[1]


def test_written_names_every_file_with_rows_and_shares(make_rows: MakeRows, tmp_path: Path) -> None:
    rows = make_rows([{"text": f"number {i}"} for i in range(100)])
    written = write_data(rows, tmp_path / "out", split={"train": 0.8, "test": 0.2})
    assert [(file.path, file.split) for file in written.files] == [
        ("data/train.jsonl", "train"),
        ("data/test.jsonl", "test"),
    ]
    for file, share in zip(written.files, written.shares, strict=True):
        assert file.bytes == (tmp_path / "out" / file.path).stat().st_size
        assert file.rows == share["rows"] == len(lines(tmp_path / "out", str(file.split)))
    assert sum(file.rows for file in written.files) == written.rows == 100


# --- conversions ---

CONVERSIONS: dict[str, tuple[dict[str, Any], str, dict[str, Any], dict[str, int]]] = {
    "messages as sharegpt": (
        SHORT,
        "sharegpt",
        {
            "conversations": [
                {"from": "system", "value": "s"},
                {"from": "human", "value": "hi"},
                {"from": "gpt", "value": "yo"},
            ],
            "id": 1,
        },
        {},
    ),
    "messages as alpaca": (
        SHORT,
        "alpaca",
        {"instruction": "hi", "input": "", "output": "yo", "system": "s", "id": 1},
        {},
    ),
    "many turns as alpaca": (
        LONG,
        "alpaca",
        {"instruction": "c", "input": "", "output": "d", "history": [["a", "b"]], "id": 2},
        {"history": 1},
    ),
    "messages as prompt-completion": (
        SHORT,
        "prompt-completion",
        {"prompt": SHORT["messages"][:2], "completion": SHORT["messages"][2:], "id": 1},
        {},
    ),
    "tool calls as sharegpt": (
        CALLING,
        "sharegpt",
        {
            "conversations": [
                {"from": "human", "value": "time?"},
                {"from": "function_call", "value": '{"name": "clock", "arguments": {"zone": "UTC"}}'},
                {"from": "observation", "value": "noon"},
                {"from": "gpt", "value": "It is noon."},
            ],
            "tools": '[{"type": "function", "function": {"name": "clock"}}]',
        },
        {"call_ids": 1, "turn_keys": 1},
    ),
    "parts as sharegpt": (
        chat(("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), ("assistant", "c")),
        "sharegpt",
        {"conversations": [{"from": "human", "value": "a\nb"}, {"from": "gpt", "value": "c"}]},
        {"joined_parts": 1},
    ),
    "sharegpt as messages": (
        {
            "conversations": [
                {"from": "human", "value": "q"},
                {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1.50}}'},
                {"from": "observation", "value": "r"},
                {"from": "gpt", "value": "a"},
            ],
            "system": "s",
        },
        "messages",
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "q"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": 1.5}}}],
                },
                {"role": "tool", "content": "r"},
                {"role": "assistant", "content": "a"},
            ]
        },
        {},
    ),
    "alpaca as messages": (
        {"instruction": "do", "input": "this", "output": "done"},
        "messages",
        {"messages": [{"role": "user", "content": "do\nthis"}, {"role": "assistant", "content": "done"}]},
        {"joined_input": 1},
    ),
    "alpaca as prompt-completion": (
        {"instruction": "do", "input": "", "output": "done"},
        "prompt",
        {"prompt": "do", "completion": "done"},
        {},
    ),
    "prompt-completion as messages": (
        {"question": "q", "answer": "a"},
        "messages",
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        {},
    ),
    "prompt-completion under its own names": (
        {"question": "q", "answer": "a", "x": 0.5},
        "prompt-completion",
        {"prompt": "q", "completion": "a", "x": 0.5},
        {},
    ),
    "preference as messages": (
        {"prompt": "p", "chosen": "good", "rejected": "bad"},
        "messages",
        {"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "good"}]},
        {"rejected": 1},
    ),
    "preference with whole conversations as messages": (
        {"prompt": "p", "chosen": chat(("user", "p"), ("assistant", "good"))["messages"],
         "rejected": chat(("user", "p"), ("assistant", "bad"))["messages"]},
        "messages",
        {"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "good"}]},
        {"rejected": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversions(make_rows: MakeRows, tmp_path: Path, name: str) -> None:
    record, format, expected, lost = CONVERSIONS[name]
    written = write_data(make_rows([record]), tmp_path / "out", format=format)
    assert lines(tmp_path / "out") == [expected]
    assert losses(written) == lost


def test_converted_numbers_stand_as_they_were_written(store: Store, tmp_path: Path) -> None:
    numbers = '"n": 12345678901234567890123, "f": 0.1000000000000000055, "e": 1e3'
    rows = imported(store, tmp_path, f'{{"question": "q", "answer": "a", {numbers}}}\n')
    write_data(rows, tmp_path / "out", format="messages")
    assert numbers in (tmp_path / "out/data/train.jsonl").read_text()


def test_a_column_of_which_only_a_part_plays_a_role_is_kept(make_rows: MakeRows, tmp_path: Path) -> None:
    task = {"instruction": "do", "instances": [{"input": "a", "output": "b"}, {"input": "c", "output": "d"}]}
    rows = make_rows([task], format="alpaca", map={"input": "instances[0].input", "output": "instances[0].output"})
    write_data(rows, tmp_path / "out", format="alpaca")
    assert lines(tmp_path / "out") == [
        {"instruction": "do", "input": "a", "output": "b", "instances": task["instances"]}
    ]


@pytest.mark.parametrize(
    ("record", "format", "said"),
    [
        (SHORT, "dpo", "needs the columns chosen, rejected"),
        (SHORT, "text", "chat template"),
        ({"a": 1, "b": "x"}, "messages", "needs the columns messages; this is table data with a, b"),
        (
            {"prompt": "p", "completion": "c", "label": True},
            "messages",
            "labelled false must not become examples",
        ),
        (SHORT, "mesages", "Nearest: messages"),
    ],
)
def test_impossible_formats_are_refused_with_what_lacks(
    make_rows: MakeRows, tmp_path: Path, record: dict[str, Any], format: str, said: str
) -> None:
    with pytest.raises(Misuse, match=said):
        write_data(make_rows([record]), tmp_path / "out", format=format)
    assert not (tmp_path / "out").exists()


def test_the_synonym_prompt_says_what_it_means(make_rows: MakeRows, tmp_path: Path) -> None:
    rows = make_rows([{"question": "q", "answer": "a"}])
    assert "means prompt-completion" in write_data(rows, tmp_path / "out", format="prompt").notes[0]


def test_rows_that_do_not_fit_are_named_and_counted(make_rows: MakeRows, tmp_path: Path) -> None:
    rows = make_rows([SHORT, chat(("user", "and?")), LONG, chat(("user", "well?"))])
    row_id = rows.take([1], ["row_id"])["row_id"][0].as_py().hex()[:8]
    said = rf"row {row_id} \(.*data\.jsonl:2\) cannot be .*last turn is spoken by 'user'.* and 1 more"
    with pytest.raises(Refused, match=said):
        write_data(rows, tmp_path / "out", format="prompt-completion")


def test_chats_with_tools_are_offered_only_what_can_hold_them(make_rows: MakeRows, tmp_path: Path) -> None:
    calls = [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": None, "tool_calls": calls},
             {"role": "tool", "content": "4"}, {"role": "assistant", "content": "four"}]  # fmt: skip
    rows = make_rows([{"messages": turns, "tools": [{"type": "function", "function": {"name": "f"}}]}])
    with pytest.raises(Refused, match="tool") as refused:
        write_data(rows, tmp_path / "out", format="alpaca")
    assert "filter.chat" not in refused.value.next_step
    with pytest.raises(Misuse, match="chosen, rejected") as misused:
        write_data(rows, tmp_path / "out", format="preference")
    for told in (refused.value.next_step, misused.value.next_step):
        assert "sharegpt" in told and "alpaca" not in told


def test_an_empty_version_is_refused(store: Store, make_rows: MakeRows, run_tool: Any, tmp_path: Path) -> None:
    rows = run_tool("filter.where", make_rows([{"text": "a"}]), keep="text = 'b'").rows
    with pytest.raises(Refused, match="no rows"):
        write_data(rows, tmp_path / "out")


# --- loading ---


def test_a_file_that_would_not_load_is_refused_by_row_and_column(make_rows: MakeRows, tmp_path: Path) -> None:
    parts = chat(("user", [{"type": "text", "text": "x"}]), ("assistant", "y"))
    rows = make_rows([SHORT, LONG, parts])
    row_id = rows.take([2], ["row_id"])["row_id"][0].as_py().hex()[:8]
    where = rf"row {row_id} \(.*data\.jsonl:3\), line 3 of data/train\.jsonl"
    said = rf"{where}, would not load: messages\[\]\.content"
    with pytest.raises(Refused, match=said) as refused:
        write_data(rows, tmp_path / "out")
    assert "--uniform" in refused.value.next_step


def test_the_row_named_is_the_right_one_of_its_split(make_rows: MakeRows, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [{"text": f"number {i}", "x": i} for i in range(60)]
    records[41]["x"] = "forty-one"
    with pytest.raises(Refused, match=r"data\.jsonl:42"):
        write_data(make_rows(records), tmp_path / "out", split={"train": 0.5, "test": 0.5})


UNIFORM = [
    SHORT,
    CALLING,
    chat(
        ("user", [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "u"}}]),
        ("assistant", "y"),
    ),
    {
        "messages": [
            {"role": "user", "content": "t"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": '{"a": [1]}'}}]},
        ],
        "tools": '[{"name": "f"}]',
    },
]


@pytest.mark.parametrize("format", ["messages", "jsonl", "prompt-completion"])
def test_uniform_loads_where_the_plain_form_does_not(make_rows: MakeRows, tmp_path: Path, format: str) -> None:
    rows = make_rows(UNIFORM)
    with pytest.raises(Refused):
        write_data(rows, tmp_path / "plain", format=format)
    written = write_data(rows, tmp_path / "out", format=format, uniform=True)
    told = losses(written)
    assert (told["arguments"], told["parts"], set(told)) == (1, 4, {"arguments", "parts", "tools_text"})
    out = lines(tmp_path / "out")
    if format == "messages":
        assert out[0]["messages"][1] == {"role": "user", "content": [{"type": "text", "text": "hi"}]}
        assert out[1]["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"zone": "UTC"}'
        assert "content" not in out[3]["messages"][1]


def test_uniform_labels_are_true_or_false(make_rows: MakeRows, tmp_path: Path) -> None:
    records = [{"prompt": "p", "completion": "c", "label": label} for label in (True, "False", 0)]
    rows = make_rows(records, format="kto")
    write_data(rows, tmp_path / "out", uniform=True)
    assert [line["label"] for line in lines(tmp_path / "out")] == [True, False, False]
    odd = make_rows([*records, {**records[0], "label": "maybe"}], format="kto")
    with pytest.raises(Refused, match="its label 'maybe' is neither true nor false"):
        write_data(odd, tmp_path / "odd", uniform=True)


def test_uniform_is_refused_where_it_means_nothing(make_rows: MakeRows, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="--uniform means nothing"):
        write_data(make_rows([{"a": 1}]), tmp_path / "out", uniform=True)


def test_absent_keys_stay_absent(make_rows: MakeRows, tmp_path: Path) -> None:
    write_data(make_rows([SHORT, {**LONG, "name": None}]), tmp_path / "out", uniform=True)
    assert ["name" in line for line in lines(tmp_path / "out")] == [False, True]


# --- CSV ---


def test_csv_cells(make_rows: MakeRows, tmp_path: Path) -> None:
    records = [
        {"text": 'say "hi",\nplease', "n": 1.50, "ok": True, "more": {"k": [1, "é"]}},
        {"text": "=1+2", "n": -3},
        {"text": "-3.5", "ok": None, "late": "x"},
    ]
    written = write_data(make_rows(records), tmp_path / "out", format="csv")
    with (tmp_path / "out/data/train.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert cells[0] == {
        "text": 'say "hi",\nplease',
        "n": "1.5",
        "ok": "true",
        "more": '{"k": [1, "é"]}',
        "late": "",
    }
    assert cells[1]["text"] == "=1+2"
    assert losses(written) == {"empty": 3, "formulas": 1, "nested": 1}


def test_formulas_are_escaped_only_when_asked(make_rows: MakeRows, tmp_path: Path) -> None:
    rows = make_rows([{"text": "@cmd", "n": "-1"}, {"text": "plain", "n": "+a"}])
    written = write_data(rows, tmp_path / "out", format="csv", escape_formulas=True)
    assert (tmp_path / "out/data/train.csv").read_text() == "text,n\n'@cmd,-1\nplain,'+a\n"
    assert losses(written) == {"escaped": 2}


def test_a_key_that_a_tool_brought_gets_its_column(store: Store, make_rows: MakeRows, tmp_path: Path) -> None:
    from tilth.tools.change import Change, NewRow, Outcome
    from tilth.tools.store.commit import apply
    from tilth.tools.store.ledger import Entry

    rows = make_rows([{"text": "a"}])
    with store.writing("test"):
        change = Change([Outcome(added=[NewRow({"text": "b", "made": 1}, "test")])])
        _, version = apply(store, rows, change, Entry("step", "data", tool="test.add", key="k"))
    write_data(store.rows_of(version.vid), tmp_path / "out", format="csv")
    assert (tmp_path / "out/data/train.csv").read_text() == "text,made\na,\nb,1\n"


# --- Parquet ---


def test_json_as_parquet_declares_what_columns_cannot_say(make_rows: MakeRows, tmp_path: Path) -> None:
    records = [
        {"text": "a", "when": "2024-01-01", "n": 1},
        {"text": "b", "n": 12345678901234567890123, "f": 0.1},
    ]
    written = write_data(make_rows(records), tmp_path / "out", format="parquet")
    table = pq.read_table(tmp_path / "out/data/train.parquet").to_pylist()
    assert table[0] == {"text": "a", "when": "2024-01-01", "n": 1.0, "f": None}
    assert losses(written) == {"big_integers": 1, "columns_null": 2, "doubles": 2}


def test_objects_without_keys_cannot_be_parquet(make_rows: MakeRows, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Parquet cannot store"):
        write_data(make_rows([{"text": "a", "x": {}}]), tmp_path / "out", format="parquet")


# --- trainers ---

PAIR = {"prompt": "p", "chosen": "good", "rejected": "bad"}
RATED = {"prompt": "p", "completion": "c", "label": True}
TRAINED: dict[tuple[str, str], tuple[dict[str, Any], Any, str]] = {
    ("trl", "messages"): (
        SHORT,
        {"dataset_name": ".", "dataset_train_split": "train"},
        "trl sft --dataset_name DIR --dataset_train_split train --model_name_or_path MODEL --output_dir OUT",
    ),
    ("trl", "preference"): (
        PAIR,
        {"dataset_name": ".", "dataset_train_split": "train"},
        "trl dpo --dataset_name DIR --dataset_train_split train --model_name_or_path MODEL --output_dir OUT",
    ),
    ("axolotl", "messages"): (
        SHORT,
        {"datasets": [{"path": ".", "split": "train", "type": "chat_template"}]},
        "datasets: [{path: DIR, split: train, type: chat_template}]",
    ),
    ("axolotl", "unpaired-preference"): (
        RATED,
        {
            "rl": "kto",
            "datasets": [
                {
                    "path": ".",
                    "split": "train",
                    "type": {
                        "field_prompt": "prompt",
                        "field_completion": "completion",
                        "field_label": "label",
                    },
                }
            ],
        },
        "rl: kto, datasets: [{path: DIR, split: train, "
        "type: {field_prompt: prompt, field_completion: completion, field_label: label}}]",
    ),
    ("llama-factory", "sharegpt"): (
        SHORT,
        {
            "name": {
                "file_name": "data/train.jsonl",
                "formatting": "sharegpt",
                "columns": {"messages": "conversations"},
            }
        },
        "dataset_dir: DIR, dataset: name",
    ),
    ("llama-factory", "preference"): (
        PAIR,
        {
            "name": {
                "file_name": "data/train.jsonl",
                "ranking": True,
                "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
            }
        },
        "dataset_dir: DIR, dataset: name",
    ),
}


@pytest.mark.parametrize(("trainer", "format"), TRAINED)
def test_a_trainer_is_told_what_it_needs(make_rows: MakeRows, tmp_path: Path, trainer: str, format: str) -> None:
    record, config, line = TRAINED[trainer, format]
    written = write_data(make_rows([record]), tmp_path / "out", trainer=trainer, dataset="name")
    assert written.options.format == format
    assert yaml.safe_load((tmp_path / "out" / written.files[-1].path).read_text()) == config
    assert written.paste("name", "DIR") == line
    assert written.notes == ()


def test_both_splits_are_told(make_rows: MakeRows, tmp_path: Path) -> None:
    rows = make_rows([chat(("user", f"number {i}"), ("assistant", "a")) for i in range(40)])
    halves = {"train": 0.5, "test": 0.5}
    written = write_data(rows, tmp_path / "trl", trainer="trl", split=halves)
    told = yaml.safe_load((tmp_path / "trl/trl.yaml").read_text())
    assert (told["dataset_test_split"], told["eval_strategy"]) == ("test", "epoch")
    assert "--dataset_test_split test" in written.paste("x", "DIR")
    write_data(rows, tmp_path / "axolotl", trainer="axolotl", split=halves)
    assert yaml.safe_load((tmp_path / "axolotl/axolotl.yaml").read_text())["test_datasets"][0]["split"] == "test"
    write_data(rows, tmp_path / "factory", trainer="llama-factory", split=halves, dataset="x")
    assert set(json.loads((tmp_path / "factory/dataset_info.json").read_text())) == {"x_train", "x_test"}


def test_a_trainer_that_would_skip_rows_is_said_so(make_rows: MakeRows, tmp_path: Path) -> None:
    rows = make_rows([SHORT, chat(("user", "a"), ("user", "b"), ("assistant", "c")), LONG])
    [note] = write_data(rows, tmp_path / "out", trainer="llama-factory").notes
    assert note.startswith("1 rows suit llama-factory badly, first row")
    assert rows.take([1], ["row_id"])["row_id"][0].as_py().hex()[:8] in note
    assert str(tmp_path) not in note


def test_a_trainer_that_cannot_read_the_data_says_so(make_rows: MakeRows, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="trl does not read table"):
        write_data(make_rows([{"a": 1}]), tmp_path / "out", trainer="trl")
    with pytest.raises(Misuse, match="Nearest: axolotl"):
        write_data(make_rows([SHORT]), tmp_path / "out", trainer="axolotel")


# --- real data ---


def alpaca_texts(records: Sequence[dict[str, Any]]) -> list[str]:
    return ["\n".join(filter(None, (record["instruction"], record["input"]))) for record in records]


def test_real_instructions_become_messages(store: Store, tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "gpteacher/roleplay.json"
    records = json.loads(source.read_text())
    with store.writing("test"):
        import_sources(store, "roleplay", [Source("roleplay", (str(source),))], ReadOptions())
    write_data(store.rows("roleplay"), tmp_path / "out", format="messages")
    out = lines(tmp_path / "out")
    assert [line["messages"][0]["content"] for line in out] == alpaca_texts(records)
    assert [line["messages"][1]["content"] for line in out] == [record["response"] for record in records]
