"""A local tool is given unseen rows only, and what comes out is what a run from nothing gives."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tilth.agent.acting import incremental
from tilth.agent.workspace import Workspace
from tilth.tools import tool as registry
from tilth.tools.change import Change, Edit, NewRow, Outcome, drops
from tilth.tools.store.past import rulings
from tilth.tools.store.past.rulings import Ruling

given_rows: list[str] = []
"""The texts of the rows the tool below was given, in order."""


@pytest.fixture(autouse=True)
def judge() -> Iterator[None]:
    """A local tool that drops, flags, edits and measures, three rows at a time."""

    @registry.tool("my.judge", local=True)
    def judge(ctx: Any, data: Any) -> Change:
        """Judge a text by its length."""

        def outcomes() -> Iterator[Outcome]:
            for batch in data.batches(size=3):
                texts = [record["text"] for record in batch.records()]
                given_rows.extend(texts)
                numbered = list(enumerate(texts, batch.start))
                decisions = pa.concat_tables(
                    [
                        drops([i for i, text in numbered if len(text) % 5 == 0], "fifth", scores=None),
                        drops([i for i, text in numbered if len(text) % 2 == 0], "even", action="flag"),
                    ]
                )
                edits = [
                    Edit(i, ((("text",), text.replace("b", "")),), "no_b", 1.0, {"was": len(text)})
                    for i, text in numbered
                    if "b" in text
                ]
                yield Outcome(decisions, edits, signals=pa.table({"length": pa.array(map(len, texts), pa.int32())}))

        return Change(outcomes())

    given_rows.clear()
    yield
    del registry._declared["my.judge"]


JUDGED = "  - my.judge\n"
PACKAGED = """\
  - clean.unicode
  - clean.chat
  - dedup.exact
  - filter.length: {min_words: 2}
  - clean.pii
  - clean.boilerplate
  - filter.rules
  - filter.language: {keep: [en], min_confidence: 0.3}
  - filter.chat: {drop: [empty_turn]}
"""


def write(folder: Path, rows: list[dict[str, Any]], steps: str, form: str) -> Path:
    path = folder / f"rows.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = folder / "r.yaml"
    recipe.write_text(f"recipe: 1\ndataset: rows\nsources: [{{name: rows, paths: [{path.name}]}}]\nsteps:\n{steps}")
    return recipe


def told(workspace: Workspace, recipe: Path) -> list[dict[str, Any]]:
    """All a run left behind, step by step: versions, counts and stored tables."""
    lines = []
    for entry in workspace.run(recipe).entries[1:]:
        tables = {role: workspace.store.objects.read(sha) for role, sha in entry.objects.items()}
        for role in ("decisions", "overlay", "signals"):
            if role in tables:
                order = np.argsort(tables[role]["ord"].to_numpy(), kind="stable")
                tables[role] = tables[role].take(pa.array(order))
        if "overlay" in tables:  # the file lies in a folder of its own each time
            tables["overlay"] = tables["overlay"].drop_columns(["file"])
        found = {role: (table.schema.to_string(), table.to_pylist()) for role, table in tables.items()}
        lines.append({"tool": entry.tool, "version": entry.output, "counts": entry.counts, **found})
    return lines


def same_as_from_nothing(first: list[Any], second: list[Any], steps: str, form: str) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        with Workspace(Path(one)) as workspace:
            workspace.run(write(Path(one), first, steps, form))
            carried = told(workspace, write(Path(one), second, steps, form))
        with Workspace(Path(other)) as workspace:
            assert carried == told(workspace, write(Path(other), second, steps, form))


texts = st.lists(st.text("abc é", max_size=6), min_size=1, max_size=30)


@settings(max_examples=25)
@example(["a", "b"], ["b", "a", "ab", "a"], 2, "jsonl")
@example(["ab", "bbbbb"], ["c", "bbbbb", "c"], 1, "parquet")
@given(texts, texts, st.integers(1, 12), st.sampled_from(["jsonl", "parquet"]))
def test_any_drop_of_rows_after_any_other_gives_what_a_run_from_nothing_gives(
    first: list[str], second: list[str], window: int, form: str
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(incremental, "WINDOW", window)
        same_as_from_nothing([{"text": one} for one in first], [{"text": one} for one in second], JUDGED, form)


def chat(*said: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]}


CHATS = [
    chat("How is bread made at home?", "Great question! Mix flour and water, and bake it. I hope this helps!"),
    chat("Who wrote that letter to us?", "Write to jane.doe@acme.co.uk or bob@acme.co.uk, and jane.doe@acme.co.uk."),
    chat("Wie wird Brot gebacken?", "Man mischt Mehl und Wasser, knetet den Teig und backt ihn im Ofen bei Hitze."),
    chat("Say it with an accent.", "CafÃ© au lait, s'il vous plaÃ®t, in the café around the corner."),
    chat("What is left?", "Nothing is left here.<|im_end|>"),
    chat("Hidden?", "Yes\u200b, hid\u200bden \x07 here, and reach me at 8.8.4.4 or carl@acme.co.uk please."),
    chat("One?", "Seven."),
    chat("Thanks for the answer about bread.", "You are welcome, come again soon.", "And now?"),
    chat("Loop, please.", "again and again and on " * 12),
    chat("Who?", "", "Nobody?", "Somebody was here."),
]
some = st.lists(st.sampled_from(range(len(CHATS))), min_size=1, max_size=14)


@pytest.mark.slow
@settings(max_examples=6)
@example(list(range(8)), [*range(9), 1, 3], "jsonl")
@example([8, 1, 2, 1], [0, 1, 2, 5, 3, 1], "parquet")
@given(some, some, st.sampled_from(["jsonl", "parquet"]))
def test_the_packaged_local_tools_tell_the_same_facts_and_findings_too(
    first: list[int], second: list[int], form: str
) -> None:
    same_as_from_nothing([CHATS[i] for i in first], [CHATS[i] for i in second], PACKAGED, form)


IMAGE = {"type": "image_url", "image_url": {"url": "data:,x"}}
PICTURES = [
    {"messages": [{"role": "user", "content": [{"type": "text", "text": f"What do we see on picture {i}?"}, *parts]},
                  {"role": "assistant", "content": "It is the old bridge over the river."}]}
    for i, parts in enumerate(([IMAGE], [IMAGE, {"type": "input_audio", "input_audio": {"data": ""}}]))
]  # fmt: skip


def test_parts_that_are_no_text_are_told_the_same_too() -> None:
    first, second = [CHATS[6], *PICTURES], [PICTURES[1], CHATS[7], PICTURES[0], PICTURES[1]]
    same_as_from_nothing(first, second, "  - filter.chat\n", "jsonl")


PAGES = [
    "Plain words.", "<p>One &amp; <b>two</b> come here.</p>", "See <b>this</b> here.", "<div><img src='x'></div>",
    "<ul><li>Salt</li><li>Bread</li></ul>",
]  # fmt: skip


@pytest.mark.parametrize("mixed", ["false", "true"])
def test_cleaned_html_is_told_the_same_too(mixed: str) -> None:
    pytest.importorskip("trafilatura")
    first, second = ([{"text": PAGES[i]} for i in some] for some in ([0, 1, 2, 3], [3, 4, 2, 2, 1, 0]))
    same_as_from_nothing(first, second, f"  - clean.html: {{mixed: {mixed}}}\n", "jsonl")


def test_another_version_of_a_package_sees_all_rows_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = registry.get("my.judge").function
    registry.tool("my.judge", local=True, packages=("pytest", "no-such-package"))(judge)
    with Workspace(tmp_path) as workspace:
        workspace.run(write(tmp_path, rows_of(6), JUDGED, "jsonl"))
        given_rows.clear()
        workspace.run(write(tmp_path, rows_of(7), JUDGED, "jsonl"))
        assert given_rows == [rows_of(7)[6]["text"]]
        given_rows.clear()
        monkeypatch.setattr(metadata, "version", lambda name: "0")
        workspace.run(write(tmp_path, rows_of(8), JUDGED, "jsonl"))
        assert given_rows == [row["text"] for row in rows_of(8)]


def rows_of(count: int) -> list[dict[str, Any]]:
    return [{"text": f"{'ab'[i % 2]}{i}"} for i in range(count)]


def test_the_function_sees_unseen_rows_only(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.run(write(tmp_path, rows_of(20), JUDGED, "jsonl"))
        assert given_rows == [row["text"] for row in rows_of(20)]
        given_rows.clear()
        newer = [*rows_of(20)[::-1], {"text": "new"}, {"text": "a0"}]
        workspace.run(write(tmp_path, [{"text": "first"}, *newer], JUDGED, "jsonl"))
        assert given_rows == ["first", "new"]


def test_why_tells_what_was_measured_of_the_row_wherever_it_stood(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.run(write(tmp_path, [{"text": "aaa"}, {"text": "c"}], JUDGED, "jsonl"))
        (row_id,) = (row.row_id for row in workspace.show("rows") if row.record["text"] == "aaa")
        workspace.run(write(tmp_path, [{"text": "cc"}, {"text": "c"}, {"text": "aaa"}], JUDGED, "jsonl"))
        measured = [values for _, values in workspace.why(row_id, dataset="rows").signals]
        assert measured == [{"length": 3}, {"length": 3}]


def test_a_smaller_run_in_between_hides_nothing(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        for count in (20, 3, 21):
            given_rows.clear()
            workspace.run(write(tmp_path, rows_of(count), JUDGED, "jsonl"))
        assert given_rows == ["a20"]


def test_other_arguments_or_another_form_of_records_start_from_nothing(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.run(write(tmp_path, rows_of(5), JUDGED, "jsonl"))
        given_rows.clear()
        workspace.run(write(tmp_path, rows_of(6), JUDGED, "parquet"))
        assert len(given_rows) == 6


def test_what_a_ruling_overruled_is_not_taken_for_the_tools_own_word(tmp_path: Path) -> None:
    rows = [{"text": text} for text in ("aaaaa", "ccccc", "a")]
    with Workspace(tmp_path) as workspace:
        workspace.run(write(tmp_path, rows, JUDGED, "jsonl"))
        workspace.keep("rows.jsonl:1", because="it is fine")
        assert len(workspace.rows("rows")) == 2
        row_id = rulings.read(workspace.root)[0].row_id
        rulings.append(workspace.root, [Ruling("rows", row_id, "unsure", "", "x", "2026-01-01")])
        workspace.run(write(tmp_path, [*rows, {"text": "c"}], JUDGED, "jsonl"))
        assert len(workspace.rows("rows")) == 2


def test_a_purged_row_leaves_the_others_seen(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.run(write(tmp_path, rows_of(8), JUDGED, "jsonl"))
        workspace.purge("rows.jsonl:3", because="asked for")
        given_rows.clear()
        again = workspace.run(write(tmp_path, rows_of(9), JUDGED, "jsonl"))
        assert given_rows == ["a8"]
        assert again.entries[1].counts["before"] == 8


def test_a_local_tool_adds_no_rows(tmp_path: Path) -> None:
    @registry.tool("my.adding", local=True)
    def adding(ctx: Any, data: Any) -> Change:
        """Break the promise."""
        return Change([Outcome(added=[NewRow({"text": "x"}, "made")])])

    with Workspace(tmp_path) as workspace:
        try:
            workspace.run(write(tmp_path, rows_of(3), "  - my.adding\n", "jsonl"))
            with pytest.raises(ValueError, match="adds no rows"):
                workspace.run(write(tmp_path, rows_of(4), "  - my.adding\n", "jsonl"))
        finally:
            del registry._declared["my.adding"]
