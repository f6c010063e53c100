"""`dedup.exact`: against a plain dictionary, over fields, splits, other datasets and keep orders."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.agent.workspace import Workspace
from tilth.tools.errors import Retry

TEXTS = st.lists(st.sampled_from(["", "a", "A", " a", "a  b", "a b", "ﬁ", "fi", "é"]), min_size=1, max_size=14)


def normalized(text):
    import unicodedata

    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def plainly(texts, key=lambda text: text):
    seen, dropped = {}, {}
    for position, text in enumerate(texts):
        if key(text):
            first = seen.setdefault(key(text), position)
            if first != position:
                dropped[position] = first
    return dropped


@settings(max_examples=25)
@given(TEXTS)
def test_repetitions_are_those_of_a_dictionary(texts):
    from tilth.tools.store.past import history

    with tempfile.TemporaryDirectory() as folder, Workspace(Path(folder)) as workspace:
        import json

        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps({"text": text, "n": i}) + "\n" for i, text in enumerate(texts)))
        workspace.add(path)
        for compare, key in (("text", lambda text: text), ("normalized", normalized), ("record", None)):
            done = workspace.do("dedup.exact", "rows", compare=compare)
            expected = plainly(texts, key) if key else {}
            assert done.result["dropped"] == ({"exact_duplicate": len(expected)} if expected else {})
            for one in history.drops(workspace.store, "rows", step=str(done.entry.seq), count=99):
                position = one.row.record["n"]
                assert one.survivor is not None and one.survivor.record["n"] == expected[position]
            if expected:
                workspace.undo("rows")


def test_what_is_repeated_depends_on_the_field(make_rows, run_tool):
    rows = make_rows([{"instruction": "same", "output": str(i % 2)} for i in range(4)])
    assert run_tool("dedup.exact", rows, field="prompt").dropped() == dict.fromkeys([1, 2, 3], "exact_duplicate")
    assert run_tool("dedup.exact", rows, field="dialogue").dropped() == dict.fromkeys([2, 3], "exact_duplicate")


def test_test_rows_stay_and_train_rows_go(tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "shared"}\n{"text": "' + name + '"}\n')
    with Workspace(tmp_path) as workspace:
        workspace.add(tmp_path / "train.jsonl", tmp_path / "test.jsonl", name="d")
        workspace.do("dedup.exact", "d")
        assert [(row.split, row.record["text"]) for row in workspace.show("d")] == [
            ("train", "train"), ("test", "shared"), ("test", "test")]  # fmt: skip
        workspace.undo("d")
        assert workspace.do("dedup.exact", "d", within="split").result["dropped"] == {}


def test_keep_decides_which_row_stays(make_rows, run_tool):
    rows = make_rows([{"text": "same", "score": score} for score in (1, 3, 2)])
    assert sorted(run_tool("dedup.exact", rows, keep="score desc").dropped()) == [0, 2]
    with pytest.raises(Retry, match="scor"):
        run_tool("dedup.exact", rows, keep="scor desc")


def test_against_another_dataset_drops_what_stands_there(make_rows, run_tool, store):
    other = make_rows([{"text": "known"}, {"text": "else"}], name="other")
    rows = make_rows([{"text": "known"}, {"text": "new"}, {"text": "new"}], name="mine")
    ran = run_tool("dedup.exact", rows, against="other")
    assert ran.dropped() == {0: "exact_duplicate", 2: "exact_duplicate"}
    told = {one["position"]: one["evidence"] for one in ran.decisions}
    assert told[0] == {"of": other.vid, "survivor": other.take([0], ["row_id"])["row_id"][0].as_py().hex()}
    assert ran.entry.inputs == (rows.vid, other.vid)


def test_chats_are_compared_by_what_was_said(make_rows, run_tool):
    def chat(system):
        return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": "hi"},
                             {"role": "assistant", "content": "hello"}]}  # fmt: skip

    rows = make_rows([chat("one"), chat("two")])
    assert run_tool("dedup.exact", rows).dropped() == {1: "exact_duplicate"}
    assert run_tool("dedup.exact", rows, field="all").dropped() == {}
