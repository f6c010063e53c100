"""Benchmarks as datasets: fields guessed and named, what cannot be checked said, bad files refused whole."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.change import Change, Outcome, drops
from tilth.tools.contaminate._benchmark import build
from tilth.tools.contaminate._items import fields_of
from tilth.tools.contaminate._registered import address_of, open_benchmark, register, registered
from tilth.tools.errors import BadInput, Misuse
from tilth.tools.store import commit as committing
from tilth.tools.store.ledger import Entry
from tilth.tools.store.store import Store
from tilth.tools.store.upkeep import collect


def added(store: Store, path: Path, name: str = "bench", **options: Any) -> Any:
    with store.writing("test"):
        return register(store, name, [str(path)], **options)


def written(path: Path, *items: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("columns", "guessed"),
    [
        (["question", "answer"], {"question": "question", "answer": "answer"}),
        (
            ["task_id", "prompt", "entry_point", "canonical_solution", "test"],
            {"question": "prompt", "answer": "canonical_solution", "id": "task_id", "code": True},
        ),
        (
            ["question", "subject", "choices", "answer"],
            {"question": "question", "answer": "answer", "options": ("choices",)},
        ),
        (
            ["question", "A", "B", "C", "D", "answer"],
            {"question": "question", "answer": "answer", "options": ("A", "B", "C", "D")},
        ),
        (["passage", "question", "answer"], {"question": "question", "answer": "answer", "passage": "passage"}),
    ],
)
def test_known_shapes_are_guessed(columns: list[str], guessed: dict[str, Any]) -> None:
    assert fields_of(columns).to_json() == guessed


def test_a_named_question_takes_only_the_fields_named() -> None:
    assert fields_of(["question", "answer"], question="question").to_json() == {"question": "question"}


def test_parts_of_many_shapes_are_read(store: Store, tmp_path: Path) -> None:
    path = written(
        tmp_path / "items.jsonl",
        {"id": 7, "q": {"stem": "Which?", "choices": [{"text": "up"}, {"text": "down"}]}, "key": "B"},
        {"id": 8, "q": {"stem": "What?"}, "key": None},
    )
    added(store, path, question="q.stem", options="q.choices", answer="key")
    items = open_benchmark(store, address_of(store, "bench")).items
    assert [(item.name, dict(item.parts)) for item in items] == [
        ("7", {"question": "Which?", "answer": "B", "options": "up\ndown"}),
        ("8", {"question": "What?"}),
    ]
    assert items[0].answer_words == ["down"]
    assert items[0].joined == "Which?\nB\nup\ndown"


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl.gz"])
def test_other_files(store: Store, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"items.{kind}"
    rows = [{"question": f"What is number {i} of all of these?", "answer": str(i)} for i in range(3)]
    if kind == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["question", "answer"])
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    added(store, path)
    items = open_benchmark(store, address_of(store, "bench")).items
    assert [dict(item.parts) for item in items] == rows


def test_preflight_says_what_cannot_be_checked(store: Store, tmp_path: Path) -> None:
    template = " ".join(f"common{i}" for i in range(10))
    items = [{"question": f"{template} own{i}a own{i}b own{i}c"} for i in range(6)]
    items += [{"question": "Too short"}, {"question": "a question of just six words"}, {"question": ""}, items[0]]
    told = added(store, written(tmp_path / "items.jsonl", *items)).preflight
    assert (told["items"], told["distinct"], told["empty"]) == (10, 9, 1)
    assert told["shorter_than"] == {"5": 2, "8": 3, "13": 3}
    assert (told["templated_runs"], told["templated_items"]) == (3, 7)
    assert told["not_checked_by"] == {"fingerprint": 1, "n-grams": 2, "similarity": 1, "translation": 10}
    assert told["normaliser"] == "lower-words@1"


def test_items_all_too_short_are_all_not_checkable(store: Store, tmp_path: Path, make_rows: Any, run_tool: Any) -> None:
    added(store, written(tmp_path / "items.jsonl", {"question": "Why?"}, {"question": "How so?"}))
    ran = run_tool("contaminate.scan", make_rows([{"text": "some other text"}]), benchmarks=["bench"])
    (told,) = ran.details["benchmarks"]
    assert told["verdicts"] == {"not_checkable": 2}
    assert any("2 items under 5 words" in said for said in told["not_checked"])


def test_what_was_frozen_is_what_is_built_and_outlives_gc(store: Store, tmp_path: Path) -> None:
    items = [{"question": " ".join(f"w{i * j % 17}" for j in range(4 + i))} for i in range(20)]
    one = added(store, written(tmp_path / "items.jsonl", *items))
    with store.writing("test"):
        assert collect(store)["objects"] == 0
    frozen = open_benchmark(store, one.address)
    fresh = build("bench", one.vid, one.fields, frozen.items)
    for n, index in fresh.indexes.items():
        kept = frozen.indexes[n]
        for mine, theirs in ((index.gram, kept.gram), (index.item, kept.item), (index.position, kept.position),
                             (index.anchors, kept.anchors), (index.hashes, kept.hashes)):  # fmt: skip
            assert np.array_equal(mine, theirs)
    assert frozen.preflight() == one.preflight


def test_a_missing_field_names_the_nearest_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "items.jsonl", {"question": "Why is that so?", "solution": "x"})
    with pytest.raises(Misuse, match=r"--answer solutoin: the items have no such field\. Nearest: solution"):
        added(store, path, answer="solutoin")
    with pytest.raises(Misuse, match="cannot be guessed"):
        added(store, written(tmp_path / "odd.jsonl", {"foo": "Why?"}))
    assert store.histories() == {}
    assert registered(store) == []


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_refused(store: Store, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        added(store, path)
    assert store.histories() == {}


def test_a_name_is_taken_once(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "items.jsonl", {"question": "Why is that so?"})
    added(store, path)
    with pytest.raises(Misuse, match="is registered"):
        added(store, path)


def test_a_file_is_registered_on_the_way_once(tmp_path: Path) -> None:
    items = written(tmp_path / "Quiz Test.jsonl", {"question": "one two three four five six seven eight nine"})
    data = written(tmp_path / "data.jsonl", {"text": "zero one two three four five six seven eight nine ten"})
    with Workspace(tmp_path) as workspace:
        for _ in range(2):
            done = workspace.do("contaminate.scan", str(data), benchmarks=[str(items)])
            assert done.details["benchmarks"][0]["verdicts"] == {"near_verbatim": 1}
        assert [one.name for one in registered(workspace.store)] == ["quiz-test"]
        written(items, {"question": "ten nine eight seven six five four three two"})
        workspace.do("contaminate.scan", "data", benchmarks=[str(items)])
        assert len(registered(workspace.store)) == 2
        with pytest.raises(Misuse, match=r"no benchmark 'quiz'.*Nearest: quiz-test"):
            workspace.do("contaminate.scan", "data", benchmarks=["quiz"])


def test_any_dataset_serves_as_a_benchmark(make_rows: Any, run_tool: Any) -> None:
    held = " ".join(f"w{i}" for i in range(20))
    make_rows([{"messages": [{"role": "user", "content": held}]}], name="test-split")
    rows = make_rows([{"question": held, "answer": "5"}, {"question": "something else", "answer": "6"}])
    ran = run_tool("contaminate.scan", rows, benchmarks=["test-split"])
    assert ran.details["benchmarks"][0]["verdicts"] == {"exact": 1}


def test_no_step_changes_what_is_registered(add_benchmark: Any, make_rows: Any, run_tool: Any, store: Store) -> None:
    add_benchmark([{"question": " ".join(f"w{i}" for i in range(20)), "answer": "5"}])
    items = store.rows("benchmarks/bench")
    with pytest.raises(Misuse, match=r"filter.length would change .* benchmark 'bench', which are frozen"):
        run_tool("filter.length", items, max_characters=10)
    assert run_tool("inspect.profile", items).entry.counts["before"] == 1


@pytest.mark.parametrize("named", ["bench", "benchmarks/bench"])
def test_a_name_means_what_was_registered(
    named: str, add_benchmark: Any, make_rows: Any, run_tool: Any, store: Store
) -> None:
    held = " ".join(f"w{i}" for i in range(20))
    add_benchmark([{"question": held, "answer": "5"}])
    frozen = store.rows("benchmarks/bench")
    emptied = Change([Outcome(drops([0], "gone"))])
    with store.writing("test"):  # as a workspace of an older tilth may hold it
        committing.apply(store, frozen, emptied, Entry("step", "benchmarks/bench", moves=True))
    assert len(store.rows("benchmarks/bench")) == 0
    assert address_of(store, named) == f"benchmarks/bench@{frozen.vid}"
    ran = run_tool("contaminate.scan", make_rows([{"text": held}]), benchmarks=[named])
    assert ran.details["benchmarks"][0]["verdicts"] == {"exact": 1}
