"""`dedup.spans`: against brute force over words; what is cut, what stays, and that packs change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.agent.workspace import Workspace
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store
from tilth.tools.text.near.winnow import placed_words, windows
from tilth.tools.text.tokens import split_unspaced, words

MakeRows = Callable[..., Rows]

LICENSE = (
    "Permission is hereby granted, free of charge, to any person who obtains a copy of this text, to deal in it "
    "without restriction, and to allow others to do so, provided that the notice above stays in all copies; the text "
    "comes as it is, without warranty of any kind, and nobody who wrote it is liable for what others do with it, "
    "whatever they do."
)


def texts_of(rows: Rows) -> list[str]:
    return [record["text"] for record in rows.records(range(len(rows)))] if len(rows) else []


def rows_of(make_rows: MakeRows, texts: list[str], **read: Any) -> Rows:
    return make_rows([{"text": text} for text in texts], format="text", **read)


def test_a_repeated_span_is_reported_with_the_row_that_keeps_it(make_rows: MakeRows, run_tool: Any) -> None:
    shouted = "Notice: " + LICENSE.upper().replace(", ", " - ") + " And so on."
    rows = rows_of(make_rows, ["Hello there.", f"Mine. {LICENSE}", shouted])
    ran = run_tool("dedup.spans", rows)
    first = rows.arrow(("row_id",))["row_id"][1].as_py().hex()
    assert ran.rows.vid == rows.vid
    (one,) = ran.decisions
    assert (one["position"], one["action"], one["reason"], one["score"]) == (2, "flag", "repeated_span", 66.0)
    assert one["evidence"]["survivors"] == [first]
    ((path, start, end),) = one["evidence"]["spans"]
    assert (path, shouted[:start], shouted[end:]) == (["text"], "Notice: ", ". And so on.")


def test_a_span_is_cut_from_the_later_row(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [f"Mine. {LICENSE}", f"Yours. {LICENSE} The end.", LICENSE, LICENSE[:200]])
    ran = run_tool("dedup.spans", rows, action="cut")
    assert texts_of(ran.rows) == [f"Mine. {LICENSE}", "Yours. . The end.", LICENSE[:200]]
    assert ran.dropped() == {2: "only_repeated_spans"}
    lines = store.objects.read(ran.entry.objects["facts"]).to_pylist()
    facts = {line["id"].removeprefix("dedup.spans."): json.loads(line["value"]) for line in lines}
    assert facts == {"rows": 2, "spans": 2, "words": 132, "left_whole": 0}


def test_the_length_decides(make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [f"Mine. {LICENSE}", f"Yours. {LICENSE}"])
    assert len(run_tool("dedup.spans", rows, length=66).decisions) == 1
    assert run_tool("dedup.spans", rows, length=67).decisions == []


def test_keep_decides_who_keeps_the_span(make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [f"A {LICENSE}", f"Longer, {LICENSE}"])
    ran = run_tool("dedup.spans", rows, action="cut", keep="length desc")
    assert texts_of(ran.rows) == ["A .", f"Longer, {LICENSE}"]


def test_another_dataset_keeps_its_spans(make_rows: MakeRows, run_tool: Any) -> None:
    other = rows_of(make_rows, ["no", LICENSE], name="other")
    rows = rows_of(make_rows, [f"A {LICENSE}", "B"])
    ran = run_tool("dedup.spans", rows, action="cut", against="other")
    assert texts_of(ran.rows) == ["A .", "B"]
    survivor = other.arrow(("row_id",))["row_id"][1].as_py().hex()
    assert ran.decisions[0]["evidence"]["survivors"] == [survivor]
    assert ran.decisions[0]["evidence"]["of"] == [other.vid]
    assert run_tool("dedup.spans", rows).decisions == []


def chat(ask: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]}


def test_a_turn_is_never_emptied_and_spans_end_with_their_turn(make_rows: MakeRows, run_tool: Any) -> None:
    half = LICENSE.split()[:30], LICENSE.split()[30:]
    rows = make_rows([
        chat(LICENSE, "One."), chat(LICENSE, "Two."), chat(LICENSE, f"Three. {LICENSE}"),
        chat(" ".join(half[0]), " ".join(half[1])),
    ])  # fmt: skip
    ran = run_tool("dedup.spans", rows, action="cut")
    assert ran.rows.records([0, 1, 2, 3]) == [
        *rows.records([0, 1]), chat(LICENSE, "Three. ."), rows.records([3])[0],
    ]  # fmt: skip


def brute_force(texts: list[str], length: int) -> list[list[bool]]:
    """For each word of each text: does it lie in a run that an earlier text holds?"""
    seen: set[tuple[str, ...]] = set()
    marks = []
    for text in texts:
        said = [one.word for one in placed_words(text)]
        runs = [tuple(said[i : i + length]) for i in range(len(said) - length + 1)]
        mark = [False] * len(said)
        for i, run in enumerate(runs):
            if run in seen:
                mark[i : i + length] = [True] * length
        seen.update(runs)
        marks.append(mark)
    return marks


WORDS = st.lists(st.sampled_from(["a", "B", "c,", "d"]), min_size=8, max_size=16).map(" ".join)
ODD = st.text(st.sampled_from("aB 猫日İßΣ'_9.\n"), max_size=40)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(WORDS | ODD, min_size=1, max_size=5),
    picks=st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=7),
    length=st.sampled_from([8, 9, 12]),
    pack_rows=st.sampled_from([1, 3, 100]),
)
def test_exactly_the_words_of_repeated_runs_are_found(
    parts: list[str], picks: list[list[int]], length: int, pack_rows: int, make_rows: MakeRows, run_tool: Any
) -> None:
    texts = [" ".join(parts[i % len(parts)] for i in pick) for pick in picks]
    rows = rows_of(make_rows, texts, pack_rows=pack_rows)
    ran = run_tool("dedup.spans", rows, length=length)
    found = [[False] * len(placed_words(text)) for text in texts]
    for one in ran.decisions:
        text = texts[one["position"]]
        for _, start, end in one["evidence"]["spans"]:
            for number, word in enumerate(placed_words(text)):
                found[one["position"]][number] |= start <= word.start and word.end <= end
        assert one["score"] == sum(found[one["position"]])
    assert found == brute_force(texts, length)


@pytest.mark.parametrize("pack_rows", [1, 2, 100])
def test_packs_and_threads_do_not_show(pack_rows: int, make_rows: MakeRows, run_tool: Any) -> None:
    texts = [f"Row{i}. {LICENSE} tail{i}" if i % 3 else LICENSE for i in range(9)]
    rows = rows_of(make_rows, texts, pack_rows=pack_rows)
    ran = run_tool("dedup.spans", rows, action="cut", threads=pack_rows)
    told = [(one["position"], one["action"], one["score"]) for one in ran.decisions]
    assert told == [
        (1, "edit", 66.0), (2, "edit", 66.0), (3, "drop", 66.0), (4, "edit", 66.0), (5, "edit", 66.0),
        (6, "drop", 66.0), (7, "edit", 66.0), (8, "edit", 66.0),
    ]  # fmt: skip


@given(st.text(st.sampled_from("aZ猫日กİßΣẞ'_9. \n\U00020000é"), max_size=60))
def test_placed_words_are_those_of_the_kernel(text: str) -> None:
    cut = split_unspaced(words(pa.array([text], pa.large_string())))
    kernel = [cut.text[start:end].tobytes().decode() for start, end in zip(cut.start, cut.end, strict=True)]
    placed = placed_words(text)
    assert [one.word for one in placed] == kernel
    for one in placed:
        assert one.word.casefold() in text[one.start : one.end].casefold()


@given(st.lists(st.text(st.sampled_from("abc "), max_size=60), min_size=1, max_size=4), st.sampled_from([2, 5, 8]))
def test_equal_runs_take_equal_fingerprints(texts: list[str], length: int) -> None:
    taken: dict[tuple[str, ...], int] = {}
    runs = 0
    for found in windows(texts, length):
        for text, place, fingerprint in zip(found.text, found.place, found.fingerprint, strict=True):
            run = tuple(texts[text].split()[place : place + length])
            assert taken.setdefault(run, int(fingerprint)) == fingerprint
            runs += 1
    assert runs == sum(max(len(text.split()) - length + 1, 0) for text in texts)


def test_winnowing_takes_few_hashes() -> None:
    rng = np.random.default_rng(1)
    text = " ".join(f"w{number}" for number in rng.integers(0, 10_000, 20_000))
    taken = np.concatenate([np.unique(found.fingerprint) for found in windows([text], 50)])
    assert len(taken) < 20_000 * 2.2 / 27


def test_a_row_of_the_test_split_keeps_its_span(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": f"{name} {LICENSE}"}) + "\n")
    with Workspace(tmp_path) as workspace:
        workspace.add(tmp_path / "train.jsonl", tmp_path / "test.jsonl", name="d")
        workspace.do("dedup.spans", "d", action="cut")
        assert [(row.split, row.record["text"]) for row in workspace.show("d")] == [
            ("train", "train ."), ("test", f"test {LICENSE}"),
        ]  # fmt: skip
