"""`inspect.profile` on one small dataset per format, against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.acting import resolving, toolbox
from tilth.tools.inspect._facts import compute_facts
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

Details = Mapping[str, Any]
Look = Callable[..., Details]
LONG = "This answer is a good deal longer than its rival, and it goes on about the matter for a while."


@pytest.fixture
def look(run_tool: Any, make_rows: Any) -> Look:
    """`look(records or rows, **args) -> details` of the profile, through the toolbox and a real commit."""

    def profile(data: Sequence[Mapping[str, Any]] | Rows, **args: Any) -> Details:
        rows = data if isinstance(data, Rows) else make_rows(data)
        details: Details = run_tool("inspect.profile", rows, **args).details
        return details

    return profile


def counts(details: Details) -> dict[str, int]:
    return {one["code"]: one["count"] for one in details["findings"]}


def said(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def facts(rows: Rows, **options: Any) -> dict[str, Any]:
    return {fact.id: fact.value for fact in compute_facts(rows, **options)}


CHATS = [
    said(("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello.")),
    said(("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello.")),
    said(("user", "One"), ("assistant", "Two."), ("user", "Three"), ("assistant", "Four.")),
    said(("user", "Hi")),
    said(("user", "What is the boiling point of water?"), ("assistant", "")),
    said(("assistant", "It starts here."), ("user", "No"), ("assistant", "Yes.")),
    said(("user", "Fix this: cafÃ© crÃ¨me"), ("assistant", "Done<|im_end|>")),
    said(("narrator", "Once"), ("assistant", "Sure.")),
    said(("user", "Hi"), ("assistant", "Good day.")),
]


def test_messages(look: Look, make_rows: Any) -> None:
    details = look(CHATS)
    assert (details["format"], details["rows"], details["unit"]) == ("messages", 9, "conversations")
    assert counts(details) == {
        "last_turn_not_assistant": 1,
        "empty_response": 1,
        "role_order": 1,
        "markup_leak": 1,
        "unknown_role": 1,
        "mojibake": 1,
        "duplicates.exact": 1,
        "prompts.several_answers": 1,  # Hi: Hello., and Good day.; the row without an answer is a third
        "system.shared": 2,
    }
    assert [one["severity"] for one in details["findings"]] == ["error"] * 5 + ["warning"] * 2 + ["note"] * 2
    found = facts(make_rows(CHATS))
    assert found["rows"] == 9 and found["system.rows"] == 2 and found["system.distinct"] == 1
    # user turns: 2 2 3 5 2 35 2 22 2 characters
    assert (found["length.user.count"], found["length.user.p50"], found["length.user.p100"]) == (9, 2, 35)
    # messages a row: 3 3 4 1 2 3 2 2 2
    assert (found["turns.p0"], found["turns.p50"], found["turns.p100"]) == (1, 2, 4)
    assert (found["duplicates.exact"], found["check.mojibake"], found["check.zero_width"]) == (1, 1, 0)


def test_a_finding_names_its_command_and_shows_a_row(look: Look) -> None:
    [leak] = [one for one in look(CHATS)["findings"] if one["code"] == "markup_leak"]
    assert leak["fix"] == "filter.rules"
    assert leak["share"] == 1 / 9
    assert leak["examples"][0]["at"] == "data.jsonl:7"
    assert leak["examples"][0]["text"].startswith("Fix this")
    assert len(leak["examples"][0]["row"]) == 32


def test_turns_said_twice_and_what_answers_hold(look: Look, make_rows: Any) -> None:
    code = "Run this:\n```\nprint(1)\n```\nand see https://example.org"
    records = [
        said(("user", "Again, please, with more words than that."), ("assistant", code),
             ("user", "Again, please, with more words than that."), ("assistant", "There it is.")),
        said(("user", "Yes"), ("assistant", "Fine."), ("user", "Yes"), ("assistant", "Good.")),
    ]  # fmt: skip
    details = look(records)
    assert counts(details) == {"turns.repeated": 1}, "a short yes may come twice"
    assert details["holds"] == [["code fences", 1], ["links", 1], ["lists", 0], ["headings or bold", 0]]
    assert facts(make_rows(records))["text.with.code_fences"] == 1


def test_sharegpt_with_media_says_what_it_did_not_look_at(look: Look) -> None:
    picture = {"from": "human", "value": [{"type": "text", "text": "What is this?"}, {"type": "image_url"}]}
    details = look([{"conversations": [picture, {"from": "gpt", "value": "A cat."}]}] * 2)
    assert details["format"] == "sharegpt"
    assert details["not_checked"][0]["what"] == "2 image, audio or file parts in 2 rows"


def test_alpaca_reads_instruction_and_input_as_one_turn(look: Look, make_rows: Any) -> None:
    records = [
        {"instruction": "Add.", "input": "1 and 2", "output": "3"},
        {"instruction": "Say the alphabet backwards now", "input": "", "output": "Say the alphabet backwards now."},
    ]
    details = look(records)
    assert counts(details) == {"echoed_response": 1}
    assert "columns.missing" not in counts(details), "an input is optional"
    assert facts(make_rows(records))["length.user.p0"] == len("Add.") + len("1 and 2")


@pytest.fixture
def two_splits(store: Store, tmp_path: Path) -> Callable[..., Rows]:
    def make(train: str, test: str) -> Rows:
        sources = []
        for split, text in (("train", train), ("test", test)):
            (path := tmp_path / f"{split}.jsonl").write_text(text, encoding="utf-8")
            sources.append(Source(split, (str(path),), split=split))
        with store.writing("test"):
            import_sources(store, "both", sources, ReadOptions())
        return store.rows("both")

    return make


def test_prompt_completion_splits_that_share_rows_and_prompts(look: Look, two_splits: Any) -> None:
    shared = '{"prompt": "Capital of France?", "completion": "Paris."}\n'
    train = shared + shared.replace("Paris", "Lyon") + '{"prompt": "Capital of Peru?", "completion": "Lima."}\n'
    details = look(two_splits(train, shared))
    assert counts(details) == {
        "splits.share_texts": 1,
        "splits.share_prompts": 2,
        "duplicates.exact": 1,
        "prompts.several_answers": 1,
        "sources.share_texts": 1,
        "sources.share_prompts": 2,
    }
    assert details["splits"] == [["train", 3], ["test", 1]]
    assert details["overlaps"][0] == {
        "by": "split", "of": "text", "left": "train", "right": "test", "rows": 1, "right_rows": 1,
    }  # fmt: skip


PAIRS = [
    {"prompt": "p0", "chosen": LONG, "rejected": "No.", "score_chosen": 5, "score_rejected": 1},
    {"prompt": "p1", "chosen": "Same.", "rejected": "Same.", "score_chosen": 3, "score_rejected": 3},
    {"prompt": "p2", "chosen": "Something.", "rejected": "", "score_chosen": 4, "score_rejected": 2},
    {"prompt": "p3", "chosen": "Left.", "rejected": "Right.", "score_chosen": 1, "score_rejected": 2},
    {"prompt": "p3", "chosen": "Right.", "rejected": "Left.", "score_chosen": 2, "score_rejected": 1},
    {"prompt": "p0", "chosen": LONG, "rejected": "No.", "score_chosen": 5, "score_rejected": 1},
]


def test_preference(look: Look) -> None:
    details = look(PAIRS)
    assert counts(details) == {
        "preference.identical_sides": 1,
        "preference.empty_side": 1,
        "preference.contradictory": 2,
        "preference.score_contradicts": 1,
        "duplicates.exact": 1,
    }
    told = details["preference"]
    # longer by a tenth: p0 twice, p2 and the second p3; shorter: the first p3; as long: p1
    assert told["longer"] == {"chosen": 4, "rejected": 1, "same": 1}
    assert told["margins"]["score_chosen"]["ties"] == 1
    assert told["half_shared_prefix"] == 1
    [identical] = [one for one in details["findings"] if one["code"] == "preference.identical_sides"]
    assert identical["fix"] == 'filter.where --drop "chosen = rejected"'


def test_the_fix_for_identical_sides_drops_them(look: Look, make_rows: Any, run_tool: Any) -> None:
    ran = run_tool("filter.where", make_rows(PAIRS), drop="chosen = rejected")
    assert list(ran.dropped()) == [1]


def test_preference_between_conversations(look: Look) -> None:
    ask, other = {"role": "user", "content": "Why?"}, {"role": "user", "content": "How?"}
    good, bad = {"role": "assistant", "content": "Because."}, {"role": "assistant", "content": "Dunno."}
    details = look([{"chosen": [ask, good], "rejected": [ask, bad]}, {"chosen": [ask, good], "rejected": [other, bad]}])
    assert counts(details) == {"preference.prompt_mismatch": 1}


def test_a_bias_for_length_is_told_once_there_are_enough_pairs(look: Look) -> None:
    records = [{"prompt": f"p{i}", "chosen": f"{LONG} {i}", "rejected": f"No {i}."} for i in range(30)]
    [bias] = look(records)["findings"]
    assert (bias["code"], bias["count"], bias["severity"]) == ("preference.length_bias", 30, "warning")


def test_unpaired_preference(look: Look) -> None:
    records = [
        {"prompt": "a", "completion": "Yes.", "label": True},
        {"prompt": "a", "completion": "Yes.", "label": False},
        {"prompt": "b", "completion": "No.", "label": True},
    ]
    details = look(records)
    assert counts(details) == {"labels.contradictory": 2}
    assert details["labels"] == [["False", 1], ["True", 2]]
    assert counts(look(records[::2])) == {"labels.one": 2}


def test_text(look: Look, make_rows: Any) -> None:
    line = "The quick brown fox jumps over the lazy dog near the quiet river bank"
    records = [{"text": line}, {"text": f"{line} today"}, {"text": line}, {"text": " "}, {"text": "Short one"}]
    details = look(records)
    assert counts(details) == {"text.blank": 1, "duplicates.exact": 1, "duplicates.near": 1}
    assert details["duplicates"] == {
        "compared": "text", "exact": 1, "groups": 1, "largest": 2, "near": 1, "threshold": 0.7,
    }  # fmt: skip
    assert "empty answers" not in details["clean"], "texts answer nobody"
    found = facts(make_rows(records))
    assert (found["text.characters.p50"], found["text.blank"]) == (len(line), 1)
    assert found["language.en.rows"] + found["language.und.rows"] == 5


TABLE = [
    {
        "id": f"r{i}",
        "zip": str(35000 + i % 4) if i != 7 else "x5003",
        "city": ["Ayr", "Bath", "Cork", "Deal"][i % 4] if i != 11 else "Bath",
        "when": "2024-01-02" if i else "02/01/2024",
        "size": "12 oz" if i % 5 else "N/A",
        "sure": "yes",
        "note": "" if i % 2 else "Seen ",
    }
    for i in range(24)
]


def test_table(look: Look, make_rows: Any) -> None:
    details = look(TABLE, field="default")
    assert details["format"] == "table" and details["reads"] == "whole records"
    assert counts(details) == {
        "columns.dependency": 3,  # rows 7 and 11 break city -> zip, row 11 breaks zip -> city
        "columns.mixed_types": 1,
        "columns.mixed_dates": 1,
        "columns.placeholders": 5,
        "columns.missing": 12,
        "columns.padded": 12,
        "columns.constant": 1,
        "columns.identifier": 1,
    }
    kinds = {one["name"]: one["kind"] for one in details["columns"]}
    assert kinds == {
        "id": "identifier", "zip": "number", "city": "category", "when": "date", "size": "quantity",
        "sure": "true/false", "note": "category",
    }  # fmt: skip
    assert details["keys"] == [["id"]]
    [city] = [one for one in details["dependencies"] if one["right"] == "city"]
    assert city["rows"] == 1
    assert city["examples"] == [{"at": "data.jsonl:12", "found": "Bath", "expected": "Deal"}]
    found = facts(make_rows(TABLE))
    # zip without row 7: 35000 x 6, 35001 x 6, 35002 x 6, 35003 x 5
    assert (found["column.zip.p50"], found["column.zip.distinct"], found["column.note.missing"]) == (35001, 5, 12)


def test_table_of_json_numbers_and_nested_values(look: Look) -> None:
    details = look([{"n": i, "x": i / 4, "tags": ["a"] * (i % 3), "ok": i % 2 == 0} for i in range(30)])
    kinds = {one["name"]: one["kind"] for one in details["columns"]}
    assert kinds == {"n": "identifier", "x": "number", "tags": "nested", "ok": "true/false"}
    assert details["correlated"] == [["n", "x", 1.0]]
    [x] = [one for one in details["columns"] if one["name"] == "x"]
    assert (x["quantiles"]["p0"], x["quantiles"]["p50"], x["mean"]) == (0, 3.5, 3.625)
    assert any("tags" in one["what"] for one in details["not_checked"])


def test_a_column_named_by_field_is_read_as_text(look: Look) -> None:
    records = [{"a": str(i), "b": "The cat sat on the mat and looked at me"} for i in range(4)]
    details = look(records, field="b")
    assert (details["field"], details["duplicates"]["exact"]) == ("b", 3)
    assert details["languages"]["shares"] == [["en", 4]]


def test_sampled_languages_are_declared_and_the_sample_is_seeded(look: Look, make_rows: Any) -> None:
    rows = make_rows([{"text": f"This is sentence number {i} of a longer English text."} for i in range(50)])
    details = look(rows, sampled_languages=20)
    assert details["languages"] == {"examined": 20, "rows": 50, "shares": [["en", 20]]}
    assert details["not_checked"][0]["what"] == "the language of 30 rows"
    examined = {fact.id: fact.n_examined for fact in compute_facts(rows, sampled_languages=20)}
    assert examined["language.en.share"] == 20 and examined["text.characters.p50"] == 50
    assert look(rows, sampled_languages=0)["languages"] is None


def test_near_duplicates_left_out_are_not_called_clean(look: Look) -> None:
    details = look([{"text": "some words here"}] * 3, near=False)
    assert details["duplicates"]["near"] is None
    assert any(one["what"] == "near-duplicates" for one in details["not_checked"])


def test_a_dataset_without_rows(store: Store, make_rows: Any, run_tool: Any) -> None:
    emptied = run_tool("filter.where", make_rows(CHATS), drop="true").rows
    with store.writing("test"):
        done = toolbox.call_on(store, "inspect.profile", "data", emptied.vid, {}, resolving.Settings())
    assert counts(done.details) == {"no_rows": 0}
    assert facts(emptied) == {"rows": 0, "columns": 0}
