"""The lint over numbers: what is a claim, and what a result explains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.chat.claims import doubtful, material
from tilth.agent.chat.session import Line


def result(text: str, **values: object) -> Line:
    notes = {"tool": "dedup.near", "ok": True, "line": "", "seconds": 0.1, "result": values}
    return Line("tool", text, "statistics", call_id="c00000001", notes=notes)


STEP = result("dedup.near on chats: 80,395 rows before, 47,310 after.\ndropped: near_duplicate 33,085",
              before=80395, after=47310, dropped={"near_duplicate": 33085}, share=0.4115)  # fmt: skip


def marked(text: str, *lines: Line) -> list[str]:
    found = doubtful(text, material(lines or (STEP,)))
    return [text[start:end] for start, end in found]


@pytest.mark.parametrize(
    "text",
    [
        "33,085 rows were near-duplicates.",
        "33085 rows were near-duplicates.",
        "About 33,000 rows were near-duplicates.",
        "That is 41.2 % of 80,395.",
        "That is 41 percent.",
        "58.8 % remain.",
        "Roughly 80k rows, 47.3k after.",
        "The first 12 are shown, 3 of them twice.",  # too small to be a claim
        "See `limit 500` and ```\nselect 12345\n```.",
        'One says "call 555-1234 or pay 1,999".',
        "Row 2d1f913f and file part-00012.jsonl:4711 of gsm8k, 2026-11-20 at 12:30, https://host:8000/x?n=12345.",
        "With version 3.11, step 128 and in 2024.",
        "> quoted 99.9 %",
    ],
)
def test_what_holds_or_is_no_claim_is_not_marked(text: str) -> None:
    assert marked(text) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("33,086 rows were near-duplicates.", ["33,086"]),
        ("That is 42 %.", ["42 %"]),
        ("That is 41.2 % of 80,396, or 0.777 of all.", ["80,396", "0.777"]),
        ("About 36,000 rows.", ["36,000"]),
        ("Mean length 312 words, 17.5 lines.", ["312", "17.5"]),
        ("1.9 million rows.", ["1.9 million"]),
    ],
)
def test_what_no_result_explains_is_marked_where_it_stands(text: str, wrong: list[str]) -> None:
    assert marked(text) == wrong


def test_a_ratio_is_taken_within_one_result_only() -> None:
    two = (result("rows: 1,000"), result("hits: 137"))
    assert marked("13.7 % of them.", *two) == ["13.7 %"]
    assert marked("13.7 % of them.", result("rows: 1,000, hits: 137")) == []


def test_the_persons_own_numbers_and_the_calls_arguments_are_no_claims() -> None:
    call = {"id": "c1", "name": "do", "arguments": "{}", "args": {"threshold": 0.85}}
    lines = (Line("user", "keep 1500 rows"), Line("assistant", "", calls=(call,)))
    assert marked("Of the 1,500 you want, at a threshold of 0.85, 777 are there.", *lines) == ["777"]


def test_our_own_question_about_a_number_does_not_excuse_it() -> None:
    ours = Line("user", "No result holds these numbers: 4,012.", notes={"ours": True})
    assert marked("There are 4,012 rows.", ours) == ["4,012"]


@given(st.lists(st.integers(100, 10**7), min_size=1, max_size=30), st.text(max_size=200))
def test_every_count_of_a_result_holds_and_spans_lie_in_the_text(counts: list[int], noise: str) -> None:
    line = result("\n".join(f"reason: {count:,}" for count in counts))
    text = "; ".join(f"{count:,} rows" for count in counts)
    assert doubtful(text, material([line])) == ()
    found = doubtful(noise, material([line]))
    assert all(0 <= start < end <= len(noise) for start, end in found)
    assert list(found) == sorted(found)
