"""What a scan kept of a pack: others are read, it is not, and the result is that of a scan of everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth.agent.events import Noticed
from tilth.agent.workspace import Workspace
from tilth.tools import processes
from tilth.tools.contaminate._finding import hits as _hits
from tilth.tools.contaminate._finding import shards as _shards
from tilth.tools.contaminate._finding.hits import Hits, add_table, to_table
from tilth.tools.contaminate._finding.similar import Embedded, Near, best
from tilth.tools.contaminate._registered import open_benchmark
from tilth.tools.context import Context
from tilth.tools.store.rows import Rows
from tilth.tools.text.characters import TfIdf

ITEMS = [{"question": " ".join(f"item{i}word{j}" for j in range(12)), "answer": str(i)} for i in range(6)]


def row(i: int) -> dict[str, str]:
    return {"text": f"row {i} says " + (ITEMS[i % 9]["question"] if i % 9 < 6 else "nothing much of that kind")}


def write(path: Path, start: int, end: int) -> Path:
    path.write_text("".join(json.dumps(row(i)) + "\n" for i in range(start, end)), encoding="utf-8")
    return path


@pytest.fixture
def workspace(add_benchmark: Any, tmp_path: Path) -> Any:
    add_benchmark(ITEMS)
    with Workspace(tmp_path) as opened:
        yield opened


def scanned(workspace: Workspace, benchmark: str = "bench", **args: Any) -> tuple[Any, list[str]]:
    said: list[str] = []

    def listen(event: Any) -> None:
        if isinstance(event, Noticed) and "before" in event.text:
            said.append(event.text.split(" for ")[0])

    workspace.listener = listen
    done = workspace.do("contaminate.scan", "data", benchmarks=[benchmark], **args)
    return done.details["benchmarks"][0], said


def forgotten(workspace: Workspace) -> None:
    for file in (workspace.store.state / "cache").glob("contaminate-*"):
        file.unlink()


def test_a_new_shard_leaves_the_old_one_unread(workspace: Workspace, tmp_path: Path) -> None:
    workspace.add(str(write(tmp_path / "one.jsonl", 0, 30)), name="data")
    assert scanned(workspace)[1] == []
    workspace.add(str(write(tmp_path / "two.jsonl", 30, 45)), name="data", append=True)
    told, said = scanned(workspace)
    assert said == ["30 of 45 rows were looked through"] * 2
    forgotten(workspace)
    fresh, said = scanned(workspace, similarity=0.31)
    assert said == []
    assert {**told, "top": []} == {**fresh, "top": []}


def test_fewer_rows_and_another_benchmark_use_what_is_there(
    workspace: Workspace, tmp_path: Path, add_benchmark: Any
) -> None:
    workspace.add(str(write(tmp_path / "one.jsonl", 0, 30)), name="data")
    scanned(workspace, similar=False)
    workspace.do("contaminate.remove", "data")
    told, said = scanned(workspace, similar=False)
    assert told["verdicts"] == {"no_evidence": 6}
    assert said == ["9 of 9 rows were looked through"]
    add_benchmark([{"question": "nothing much of that kind is said here"}], name="other")
    workspace.do("contaminate.scan", "data", benchmarks=["bench", "other"], similar=False)
    assert scanned(workspace, "other", similar=False, similarity=0.5)[1] == ["9 of 9 rows were looked through"]


def test_several_processes_find_what_one_finds(
    add_benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_benchmark(ITEMS)
    with Workspace(tmp_path, threads=1) as workspace:
        for number in range(2):
            workspace.add(
                str(write(tmp_path / f"{number}.jsonl", 200 * number, 200 * number + 200)),
                name="data",
                append=number > 0,
            )
        alone, _ = scanned(workspace)
        forgotten(workspace)
    monkeypatch.setattr(_hits, "BLOCK", 256)
    monkeypatch.setattr(Rows, "row_groups", lambda rows, positions: np.array_split(positions, 9))
    answered: list[int] = []
    monkeypatch.setattr(processes._Process, "answer", _counting(processes._Process.answer, answered))
    with Workspace(tmp_path, threads=2) as workspace:
        together, _ = scanned(workspace, similarity=0.31)
    assert len(answered) > 10
    assert {**together, "top": []} == {**alone, "top": []}


def _counting(work: Any, calls: list[int]) -> Any:
    def counted(*args: Any) -> Any:
        calls.append(1)
        return work(*args)

    return counted


def test_a_file_that_is_damaged_is_made_again(workspace: Workspace, tmp_path: Path) -> None:
    workspace.add(str(write(tmp_path / "one.jsonl", 0, 30)), name="data")
    told, _ = scanned(workspace)
    for file in (workspace.store.state / "cache").glob("contaminate-*"):
        file.write_bytes(b"no parquet")
    again, said = scanned(workspace, similarity=0.31)
    assert (again["verdicts"], said) == (told["verdicts"], [])


def test_hits_survive_a_table() -> None:
    runs = np.array([[i // 3, i % 3] for i in range(9_000)])
    hits = Hits({8: [runs]}, {8: [runs[:, 0].astype(np.uint64)]}, {2: [1, 4], 7: [0]})
    copy = Hits()
    add_table(copy, to_table(hits))
    assert len(copy.runs[8]) > 1
    assert np.array_equal(np.concatenate(copy.runs[8]), runs)
    assert np.array_equal(np.concatenate(copy.whole[8]), runs[:, 0].astype(np.uint64))
    assert copy.exact == hits.exact
    last = [some[-1, 0] for some in copy.runs[8][:-1]]
    assert all(row != some[0, 0] for row, some in zip(last, copy.runs[8][1:], strict=True))
    add_table(copy, to_table(Hits()))
    assert len(np.concatenate(copy.runs[8])) == len(runs)


class Meanings:
    """An embedder that knows which words mean the same."""

    name = "openai:meaning@lab"

    def embed(self, texts: Any) -> Any:
        known = ("dog", "Hund"), ("house", "Haus"), ("sky", "Himmel")
        return [[float(any(word in text for word in words)) for words in known] for text in texts]


def test_embeddings_join_what_characters_find(
    workspace: Workspace, add_benchmark: Any, make_rows: Any, tmp_path: Path
) -> None:
    add_benchmark([{"question": "What does a dog do in a house?"}], name="animals")
    rows = make_rows([{"text": "Was tut ein Hund in einem Haus?"}, {"text": "What does a cat do in a house?"},
                      {"text": "Der Himmel ist blau."}], name="german")  # fmt: skip
    benchmark = open_benchmark(workspace.store, "benchmarks/animals")
    ctx = Context(workspace.store, "german", 0, 1, tmp_path)
    words, every = (TfIdf(benchmark.features, 1), 0.3), np.ones(3, bool)
    (alone,) = _shards.alike(ctx, rows, "all", [benchmark], every, [[words]])
    assert [one.position for one in alone[0]] == [1]
    (both,) = _shards.alike(ctx, rows, "all", [benchmark], every, [[words, (Embedded(Meanings()), 0.7)]])
    assert [one.position for one in both[0]] == [1, 0]


def test_the_nearest_of_parts_are_the_nearest_of_all() -> None:
    rng = np.random.default_rng(5)
    every = [
        Near(i, int(p), float(c))
        for i, p, c in zip(range(40), rng.integers(0, 2, 40), rng.integers(0, 9, 40), strict=True)
    ]
    parts = [best(every[low : low + 10], 5) for low in range(0, 40, 10)]
    assert best([one for part in parts for one in part], 5) == best(every, 5)
