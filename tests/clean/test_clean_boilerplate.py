"""`clean.boilerplate`: what goes from either end of an answer, what stays, and that once is enough."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.clean._sentences import Pattern, first_sentence, last_sentence, plain
from tilth.tools.errors import Misuse
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

MakeRows = Callable[..., Rows]


def chat(answer: str, ask: str = "I hope this helps! Let me know if you have any questions.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]}


def cleaned(make_rows: MakeRows, run_tool: Any, answers: list[str], **args: Any) -> list[str]:
    rows = run_tool("clean.boilerplate", make_rows([chat(answer) for answer in answers]), **args).rows
    return [record["messages"][1]["content"] for record in rows.records(range(len(rows)))]


CASES = [
    ("As an AI language model, I don't have feelings. Water boils at 100 °C.", "Water boils at 100 °C."),
    ("Great question! It is 42.", "It is 42."),
    ("Sure! Here is the list:\n\n- one\n- two\n\nI hope this helps!", "- one\n- two"),
    ("Sure, here’s the code:\n```\nx = 1\n```\nLet me know if you have any other questions!", "```\nx = 1\n```"),
    ("Certainly! I'd be happy to help you with that. Turn left.", "Turn left."),
    ("Turn left.\n\nI hope that helps! Feel free to ask me anything else. 😊", "Turn left."),
    ("Here are the values:\n    a\n    b", "    a\n    b"),
    ("**Great question!** It is 42.", "It is 42."),
]


def test_boilerplate_goes_from_both_ends(make_rows: MakeRows, run_tool: Any) -> None:
    assert cleaned(make_rows, run_tool, [text for text, _ in CASES]) == [left for _, left in CASES]


STAYS = [
    "Sure! The answer is 42.",
    "Absolutely. It was built in 1889.",
    "As an AI language model, I don't have a body, but the tallest tower is in Dubai. It stands alone.",
    "As an AI language model, I can tell you that it is Paris. It always was.",
    "As an AI language model, I cannot help with that.",
    "Sure! Here is the list:",
    "I hope this helps!",
    "It works. I hope this helps! But there is one more thing.",
    "Here is a song: la la la.",
    "He said: I hope this helps the poor to live.\nAnd it did.",
    "```\nprint(1)\nI hope this helps!",
    "",
]


def test_what_says_something_stays(make_rows: MakeRows, run_tool: Any) -> None:
    assert cleaned(make_rows, run_tool, STAYS) == STAYS


def test_the_edits_are_told_by_rule(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    text = CASES[2][0]
    ran = run_tool("clean.boilerplate", make_rows([chat("Fine."), chat(text)]))
    told = {one["reason"]: (one["position"], one["score"], one["evidence"]["spans"]) for one in ran.decisions}
    path = ["messages", 1, "content"]
    end = len(text)
    assert told == {
        "lead_in": (1, 2.0, [[path, 0, 5], [path, 6, 23]]),
        "hope_this_helps": (1, 1.0, [[path, end - 18, end]]),
    }
    signals = store.objects.read(ran.entry.objects["signals"]).to_pydict()
    assert (signals["opener_sentences"], signals["closer_sentences"]) == ([0, 2], [0, 1])
    facts = store.objects.read(ran.entry.objects["facts"]).to_pylist()
    counts = {one["id"].removeprefix("clean.boilerplate."): json.loads(one["value"]) for one in facts}
    assert counts == {"ai_disclaimer": 0, "pleasantry": 0, "lead_in": 2, "hope_this_helps": 1, "offer_of_help": 0}


def test_rules_and_sentences_of_ones_own(make_rows: MakeRows, run_tool: Any) -> None:
    text = "Great question! It is 42. Have a nice day, dear Ann! I hope this helps!"
    assert cleaned(make_rows, run_tool, [text], rules=["pleasantry"]) == [text.removeprefix("Great question! ")]
    own = ["have a nice day*", "I hope *"]
    assert cleaned(make_rows, run_tool, [text], closers=own) == ["It is 42."]
    assert cleaned(make_rows, run_tool, [text], openers=[], closers=own) == ["Great question! It is 42."]


@pytest.mark.parametrize("sentence", ["", "*", " * ", "!"])
def test_a_sentence_that_matches_anything_is_refused(sentence: str, make_rows: MakeRows, run_tool: Any) -> None:
    with pytest.raises(Misuse, match="holds no word"):
        run_tool("clean.boilerplate", make_rows([chat("Fine.")]), openers=[sentence])


def test_both_answers_of_a_pair_are_cleaned_and_questions_are_not(make_rows: MakeRows, run_tool: Any) -> None:
    pair = {"prompt": "Great question! Why?", "chosen": "Great question! Because.", "rejected": "No. Hope this helps!"}
    ran = run_tool("clean.boilerplate", make_rows([pair]))
    assert ran.rows.records([0]) == [{"prompt": "Great question! Why?", "chosen": "Because.", "rejected": "No."}]


def test_plain_texts_need_a_field(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([{"text": "Great question! It is 42."}], format="text")
    assert run_tool("clean.boilerplate", rows).decisions == []
    assert run_tool("clean.boilerplate", rows, field="text").rows.records([0]) == [{"text": "It is 42."}]


PARTS = [text for text, _ in CASES] + STAYS + ["Sure!", "Here is it:\n", "Hope this helps.", "\n", " ", "Yes.", "```"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.lists(st.lists(st.sampled_from(PARTS), max_size=5).map(" ".join), min_size=1, max_size=6),
    pack_rows=st.sampled_from([1, 2, 100]),
)
def test_once_is_enough_and_only_the_ends_go(
    answers: list[str], pack_rows: int, make_rows: MakeRows, run_tool: Any
) -> None:
    ran = run_tool("clean.boilerplate", make_rows([chat(answer) for answer in answers], pack_rows=pack_rows))
    after = [record["messages"][1]["content"] for record in ran.rows.records(range(len(answers)))]
    for before, left in zip(answers, after, strict=True):
        assert left in before
        assert left.strip() or not before.strip()
    assert run_tool("clean.boilerplate", ran.rows).decisions == []


@given(st.text(st.sampled_from("ab*. "), min_size=1, max_size=8), st.text(st.sampled_from("ab "), max_size=10))
def test_a_pattern_matches_as_a_shell_pattern_does(sentence: str, told: str) -> None:
    parts = Pattern(sentence).parts
    assert Pattern(sentence).matches(told) == fnmatchcase(told, "*".join(parts))


@given(st.text(st.sampled_from('aB .!?:\n…"*'), max_size=40))
def test_sentences_lie_at_the_ends(text: str) -> None:
    start, end = first_sentence(text, 0, len(text))
    assert not text[:start].strip() and text[start:end] == text[start:end].strip()
    start, end = last_sentence(text, 0, len(text))
    assert not text[end:].strip() and text[start:end] == text[start:end].strip()
    assert plain(text) == plain(plain(text))
