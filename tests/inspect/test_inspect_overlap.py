"""Overlap of splits and sources: hand-counted tables, and a comparison of everything with everything."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source

LONG = "one two three four five six seven eight nine ten eleven twelve"  # 8 shingles of 5 words
NEAR = LONG.replace("twelve", "thirteen")  # shares 7 of 9: .78
FAR = "entirely other words that nobody else has ever said in this place"


@pytest.fixture
def grouped(store, tmp_path):
    """`grouped([(source, split, texts)]) -> Rows`"""

    def make(groups):
        sources = []
        for number, (source, split, texts) in enumerate(groups):
            path = tmp_path / f"part{number}.jsonl"
            path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
            sources.append(Source(source, (str(path),), split=split))
        with store.writing("test"):
            mode = "replace" if "data" in store.histories() else "new"
            import_sources(store, "data", sources, ReadOptions.from_args({"format": "text"}), mode=mode)
        return store.rows("data")

    return make


def read(store, ran, what):
    return store.objects.read(ran.entry.objects[what]).to_pylist() if what in ran.entry.objects else []


def values(store, ran):
    return {one["id"]: (json.loads(one["value"]), one["n_examined"]) for one in read(store, ran, "facts")}


def test_train_rows_that_stand_in_test_are_an_error_with_the_command_that_drops_them(store, grouped, run_tool):
    rows = grouped([("a", "train", [LONG, LONG, NEAR, FAR]), ("a", "test", [LONG, "something short"])])
    ran = run_tool("inspect.overlap", rows)
    assert values(store, ran) == {
        "overlap.exact.train.test": (2, 4),
        "overlap.exact.test.train": (1, 2),
        "overlap.near.train.test": (3, 4),
        "overlap.near.test.train": (1, 2),
    }
    (finding,) = read(store, ran, "findings")
    assert (finding["code"], finding["severity"], finding["count"]) == ("overlap.evaluation", "error", 3)
    assert finding["fix"] == "dedup.near" and "75.0%" in finding["message"]
    assert set(run_tool("dedup.near", rows).dropped()) == {0, 1, 2}


def test_the_table_of_sources_counts_each_direction(store, grouped, run_tool):
    rows = grouped(
        [("web", None, [LONG, NEAR, FAR]), ("wiki", None, [NEAR, NEAR]), ("books", None, ["nothing shared"])]
    )
    ran = run_tool("inspect.overlap", rows)
    told = ran.details["sources"]
    assert told["names"] == ["web", "wiki", "books"] and told["rows"] == [3, 2, 1]
    assert told["exact"] == [[0, 1, 0], [2, 0, 0], [0, 0, 0]]
    assert told["near"] == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]
    assert ran.details["not_compared"] == ["the rows have fewer than two splits"]
    assert ran.details["tables"][0]["rows"][0] == ["web", "3", "wiki", "1", "33.33%", "2", "66.67%"]
    assert {one["code"]: one["severity"] for one in read(store, ran, "findings")} == {"overlap.sources": "note"}


def test_short_texts_repeat_in_other_case_and_empty_ones_never(store, grouped, run_tool):
    rows = grouped([("a", "train", ["Hello  There", "hello there", "", " x "]), ("a", "test", ["hello there", ""])])
    found = values(store, run_tool("inspect.overlap", rows))
    assert found["overlap.exact.train.test"] == (1, 4)
    assert found["overlap.near.train.test"] == (2, 4)


def test_the_threshold_and_a_rare_field_are_part_of_the_command(store, grouped, run_tool):
    rows = grouped([("a", "train", [NEAR]), ("a", "test", [LONG])])
    (finding,) = read(store, run_tool("inspect.overlap", rows, threshold=0.5, ngram=2), "findings")
    assert finding["fix"] == "dedup.near --threshold 0.5 --ngram 2"
    assert read(store, run_tool("inspect.overlap", rows, threshold=0.8), "findings") == []


def test_one_group_alone_is_named_as_not_compared(store, grouped, run_tool):
    ran = run_tool("inspect.overlap", grouped([("a", None, [LONG, LONG])]))
    assert len(ran.details["not_compared"]) == 2 and "findings" not in ran.entry.objects


def test_two_clean_splits_are_told_in_zeros(store, grouped, run_tool):
    ran = run_tool("inspect.overlap", grouped([("a", "train", [LONG]), ("a", "test", [FAR])]))
    assert "findings" not in ran.entry.objects and set(values(store, ran).values()) == {(0, 1)}
    assert [line[0] for line in ran.details["tables"][0]["rows"]] == ["train", "test"]


def test_a_template_shared_by_many_rows_is_compared_in_full(store, grouped, run_tool):
    """A crowd: more rows share each shingle than are paired one by one."""
    words = LONG.split() * 2
    texts = [" ".join([*(f"{word}{i % 3}" for word in words), f"end{i}"]) for i in range(90)]
    rows = grouped([("a", "train", texts[:60]), ("a", "test", texts[60:])])
    found = values(store, run_tool("inspect.overlap", rows))
    assert found["overlap.near.train.test"] == (60, 60) and found["overlap.exact.train.test"] == (0, 60)


WORD = st.sampled_from(["a", "b", "c"])
TEXT = st.lists(WORD, max_size=7).map(" ".join)
GROUPS = st.lists(
    st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["train", "test"]), st.lists(TEXT, min_size=1, max_size=8)),
    min_size=1, max_size=4,
)  # fmt: skip


def similar(one, other, ngram, threshold):
    a, b = (
        {tuple(found[i : i + ngram]) for i in range(len(found) - ngram + 1)}
        for found in (re.findall(r"\w+", text.lower()) for text in (one, other))
    )
    if not a and not b:
        return bool(one) and one == other
    return bool(a and b) and len(a & b) / len(a | b) >= threshold


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GROUPS, st.sampled_from([0.5, 0.7, 1.0]))
def test_counts_equal_those_of_comparing_every_row_with_every_other(store, grouped, run_tool, groups, threshold):
    rows = grouped(groups)
    found = values(store, run_tool("inspect.overlap", rows, threshold=threshold, ngram=2))
    table = rows.arrow(("split", "source")).to_pylist()
    (texts,) = [one.to_pylist() for one in rows.texts("text")]
    expected = {}
    for column, prefix in (("split", ""), ("source", "source.")):
        names = {row[column] for row in table}
        for a in names:
            mine = [text for text, row in zip(texts, table, strict=True) if row[column] == a]
            for b in names - {a}:
                theirs = [text for text, row in zip(texts, table, strict=True) if row[column] == b]
                exact = sum(text != "" and text in theirs for text in mine)
                near = sum(any(similar(text, other, 2, threshold) for other in theirs) for text in mine)
                expected[f"overlap.exact.{prefix}{a}.{b}"] = (exact, len(mine))
                expected[f"overlap.near.{prefix}{a}.{b}"] = (near, len(mine))
    assert found == expected
