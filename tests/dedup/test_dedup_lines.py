"""`dedup.lines`: what goes and what stays, against a plain rereading of the rule; and that packs change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.agent.workspace import Workspace
from tilth.tools.dedup._units import UnitKind, units, without
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

MakeRows = Callable[..., Rows]

FOOTER = "Subscribe to our newsletter for more stories like this one."


def texts_of(rows: Rows) -> list[str]:
    return [record["text"] for record in rows.records(range(len(rows)))] if len(rows) else []


def rows_of(make_rows: MakeRows, texts: list[str], **read: Any) -> Rows:
    return make_rows([{"text": text} for text in texts], format="text", **read)


def facts_of(store: Store, ran: Any) -> dict[str, int]:
    lines = store.objects.read(ran.entry.objects["facts"]).to_pylist()
    return {line["id"].removeprefix("dedup.lines."): json.loads(line["value"]) for line in lines}


def test_the_first_row_keeps_a_line_and_the_others_lose_it(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [f"Story {i}.\n{FOOTER}\nThe end {i}." for i in range(7)])
    ran = run_tool("dedup.lines", rows)
    assert texts_of(ran.rows) == [
        f"Story 0.\n{FOOTER}\nThe end 0.",
        *(f"Story {i}.\nThe end {i}." for i in range(1, 7)),
    ]
    first = rows.arrow(("row_id",))["row_id"][0].as_py().hex()
    assert ran.decisions[0]["evidence"] == {
        "spans": [[["text"], 9, 9 + len(FOOTER)]], "survivor": first, "survivors": [first],
    }  # fmt: skip
    assert {one["reason"] for one in ran.decisions} == {"repeated_line"}
    expected = {"compared": 1, "repeated": 1, "cut": 6, "characters": 6 * len(FOOTER), "left_whole": 0}
    assert facts_of(store, ran) == expected


def test_six_rows_are_not_enough(make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [f"Story {i}.\n{FOOTER}" for i in range(6)])
    assert run_tool("dedup.lines", rows).decisions == []
    assert len(run_tool("dedup.lines", rows, min_documents=6).decisions) == 5


def test_spaces_do_not_hide_a_line_but_short_ones_stay(make_rows: MakeRows, run_tool: Any) -> None:
    spaced = f"  {FOOTER.replace(' ', '  ')}\t"
    rows = rows_of(make_rows, [f"A\n{FOOTER}\nRead on.", f"B\n{spaced}\nRead on.\nThere\nis more."])
    ran = run_tool("dedup.lines", rows, min_documents=2)
    assert texts_of(ran.rows) == [f"A\n{FOOTER}\nRead on.", "B\nRead on.\nThere\nis more."]
    assert texts_of(run_tool("dedup.lines", rows, min_documents=2, min_characters=100).rows) == texts_of(rows)


def test_rows_of_nothing_else_are_dropped(make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [f"A\n{FOOTER}", f"\n{FOOTER}\n", FOOTER, "B"])
    ran = run_tool("dedup.lines", rows, min_documents=2)
    assert ran.dropped() == {1: "only_repeated_lines", 2: "only_repeated_lines"}
    assert texts_of(ran.rows) == [f"A\n{FOOTER}", "B"]


def test_keep_decides_who_keeps_and_tests_come_first(make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [f"A\n{FOOTER}", f"Long story\n{FOOTER}", f"Bc\n{FOOTER}"])
    ran = run_tool("dedup.lines", rows, min_documents=2, keep="length desc")
    assert texts_of(ran.rows) == ["A", f"Long story\n{FOOTER}", "Bc"]


def test_lines_of_another_dataset_go_from_all_rows(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    other = rows_of(make_rows, ["no", f"x\n{FOOTER}"], name="other")
    rows = rows_of(make_rows, [f"A\n{FOOTER}", f"B\n{FOOTER}", "C"])
    ran = run_tool("dedup.lines", rows, min_documents=3, against="other")
    assert texts_of(ran.rows) == ["A", "B", "C"]
    survivor = other.arrow(("row_id",))["row_id"][1].as_py().hex()
    assert ran.decisions[0]["evidence"]["survivors"] == [survivor]
    assert ran.decisions[0]["evidence"]["of"] == [other.vid]


def test_code_is_left_alone(make_rows: MakeRows, run_tool: Any) -> None:
    code = "```python\nfrom collections.abc import Callable, Iterator\n```"
    rows = rows_of(make_rows, [f"A\n{code}", f"B\n{code}"])
    assert run_tool("dedup.lines", rows, min_documents=2).decisions == []
    assert run_tool("dedup.lines", rows, min_documents=2, unit="paragraph").decisions == []
    bare = "from collections.abc import Callable, Iterator\n\ndef run{}(call):\n    return call()\n"
    rows = rows_of(make_rows, [bare.format(1), bare.format(2)])
    assert run_tool("dedup.lines", rows, min_documents=2).decisions == []


def test_paragraphs_go_as_a_whole(make_rows: MakeRows, run_tool: Any) -> None:
    notice = "All rights are reserved by\nthe owners of this page."
    rows = rows_of(make_rows, [f"A\n\n{notice}\n\nthe end", f"{notice}\n\n\nB\nb\n\nthe end", f"C\n \n{notice}"])
    ran = run_tool("dedup.lines", rows, min_documents=2, unit="paragraph")
    assert texts_of(ran.rows) == [f"A\n\n{notice}\n\nthe end", "B\nb\n\nthe end", "C"]


def chat(*said: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]}


QUESTION = "What is the height of the tallest tower of this town?"


def test_a_turn_is_never_emptied_but_a_row_is_dropped(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([chat(QUESTION, FOOTER), chat(QUESTION, "60 m"), chat(QUESTION, f"70 m\n{FOOTER}"),
                      chat(QUESTION, FOOTER)])  # fmt: skip
    ran = run_tool("dedup.lines", rows, min_documents=2)
    assert ran.dropped() == {3: "only_repeated_lines"}
    assert ran.rows.records([0, 1, 2]) == [chat(QUESTION, FOOTER), chat(QUESTION, "60 m"), chat(QUESTION, "70 m")]
    assert facts_of(store, ran)["left_whole"] == 2


def test_a_shared_prompt_of_a_pair_stays_one_prompt(make_rows: MakeRows, run_tool: Any) -> None:
    def pair(name: str, extra: str = f"\n{FOOTER}") -> dict[str, Any]:
        def told(answer: str) -> list[dict[str, str]]:
            ask = {"role": "user", "content": f"Who is {name}?{extra}"}
            return [ask, {"role": "assistant", "content": f"{name} is {answer}."}]

        return {"chosen": told("a friend"), "rejected": told("nobody")}

    rows = make_rows([pair("Ann"), pair("Bob")])
    ran = run_tool("dedup.lines", rows, min_documents=2)
    assert ran.rows.records([0, 1]) == [pair("Ann"), pair("Bob", "")]


LINES = ["alpha beta", "gamma  delta", "gamma delta", "x", "", " ", "epsilon zeta", "```"]


def expected(texts: list[str], kind: UnitKind, least: int, documents: int) -> list[str | None]:
    """The rule, read plainly; None for a dropped row."""
    holders: dict[bytes, list[int]] = {}
    for row, text in enumerate(texts):
        for key in {one.key for one in units(text, kind, least) if one.key is not None}:
            holders.setdefault(key, []).append(row)
    told: list[str | None] = []
    for row, text in enumerate(texts):
        found = units(text, kind, least)
        gone = {
            number
            for number, one in enumerate(found)
            if one.key is not None and len(holders[one.key]) >= documents and holders[one.key][0] != row
        }
        rest = without(text, found, gone)
        told.append(rest if rest.strip() or not text.strip() else None)
    return told


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.lists(st.sampled_from(LINES), max_size=6).map("\n".join), min_size=1, max_size=10),
    kind=st.sampled_from(["line", "paragraph"]),
    least=st.sampled_from([1, 6]),
    documents=st.integers(2, 4),
    pack_rows=st.sampled_from([1, 3, 100]),
)
def test_the_rule_is_followed_whatever_the_packs(
    texts: list[str], kind: UnitKind, least: int, documents: int, pack_rows: int, make_rows: MakeRows, run_tool: Any
) -> None:
    rows = rows_of(make_rows, texts, pack_rows=pack_rows)
    ran = run_tool("dedup.lines", rows, unit=kind, min_characters=least, min_documents=documents)
    told = expected(texts, kind, least, documents)
    assert texts_of(ran.rows) == [text for text in told if text is not None]
    assert list(ran.dropped()) == [row for row, text in enumerate(told) if text is None]


@given(st.text(st.sampled_from("ab \n\r\t`~"), max_size=40), st.sampled_from(["line", "paragraph"]))
def test_units_cover_a_text_and_taking_none_out_changes_nothing(text: str, kind: UnitKind) -> None:
    found = units(text, kind, 1)
    assert without(text, found, ()) == text
    assert without(text, found, range(len(found))) == ""
    between = [text[one.end : other.start] for one, other in pairwise(found)]
    assert all(space.strip() == "" and "\n" in space for space in between)
    if kind == "line":
        assert [text[one.start : one.end] for one in found] == text.split("\n")


def test_a_row_of_the_test_split_keeps_its_line(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": f"{name}\n{FOOTER}"}) + "\n")
    with Workspace(tmp_path) as workspace:
        workspace.add(tmp_path / "train.jsonl", tmp_path / "test.jsonl", name="d")
        workspace.do("dedup.lines", "d", min_documents=2)
        assert [(row.split, row.record["text"]) for row in workspace.show("d")] == [
            ("train", "train"), ("test", f"test\n{FOOTER}"),
        ]  # fmt: skip
