"""Single texts: markup that leaked and markup that is quoted, echoes, refusals, answers cut short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.filter._faults import echo, markers, refuses, replacement_characters, stops_short


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("Paris.<|im_end|>", ["<|im_end|>"]),
        ("<|im_start|>assistant\nParis.", ["<|im_start|>"]),
        ("Paris.</s>", ["</s>"]),
        ("<s>Paris.</s>", ["<s>", "</s>"]),
        ("Paris. [INST] And Rome? [/INST]", ["[INST]", "[/INST]"]),
        ("<<SYS>>\nBe brief.\n<</SYS>>\nParis.", ["<<SYS>>", "<</SYS>>"]),
        (
            "Paris.<|eot_id|><|start_header_id|>user<|end_header_id|>",
            ["<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"],
        ),
        ("Paris.<end_of_turn>", ["<end_of_turn>"]),
        ("Paris.\n### Instruction:\nName a river.", ["### Instruction:"]),
        ("`<|im_end|>` ends a turn.<|im_end|>", ["<|im_end|>"]),
    ],
)
def test_markup_is_found_where_it_leaked(answer: str, found: list[str]) -> None:
    assert [answer[start:end] for start, end in markers(answer)] == found


@pytest.mark.parametrize(
    "answer",
    [
        "The token `<|im_end|>` closes a turn.",
        "```text\n<s>[INST] hi [/INST]</s>\n```",
        "~~~\n<|eot_id|>\n~~~",
        "Was <s>12 euros</s>, now 9 euros.",
        "### Instructions\n1. Mix.",
        "a < b and c > d, x[INST_NO], <strong>s</strong>",
        "Use the `### Response:` heading.",
    ],
)
def test_markup_that_is_quoted_or_none_is_not(answer: str) -> None:
    assert markers(answer) == []


def test_replacement_characters_are_counted_outside_code() -> None:
    assert replacement_characters("don\ufffdt `\ufffd` wait\ufffd") == [3, 14]


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        ("What is the capital of France?", 24),
        ('"what is the capital of france"', 24),
        ("What is the capital of France? Paris.", 0),
        ("", 0),
        ("?!", 0),
    ],
)
def test_an_echo_has_the_words_of_the_question(answer: str, size: int) -> None:
    assert echo(answer, ["What is the capital of France?"]) == size


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I cannot do this.",
        "As an AI language model, I am not able to browse.",
        "Unfortunately, I can't share information about that.",
        "I must decline to answer this question.",
        "I cannot assist with this request.",
    ],
)
def test_refusals_are_recognised(answer: str) -> None:
    assert refuses(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Sorry, I meant the second one: 12.",
        "I'm sorry to hear that. Rest and drink plenty of water.",
        "Unfortunately the museum is closed on Mondays.",
        "You cannot divide by zero.",
        "I can't wait to see it!",
        "",
    ],
)
def test_answers_that_only_sound_like_refusals_are_not(answer: str) -> None:
    assert not refuses(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Mix the flour. Then add the",
        "Mix the flour first, then add the eggs. After that,",
        "```python\nprint(1)",
        "1. Mix the flour.\n2. Add the eggs and then",
    ],
)
def test_answers_cut_short_are_recognised(answer: str) -> None:
    assert stops_short(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Paris",
        "7",
        "",
        "Mix it. Done.",
        "Try this:\n\n- flour\n- eggs",
        "```python\nprint(1)\n```",
        "#### 72",
        "She said: “No.”",
    ],
)
def test_complete_answers_are_not(answer: str) -> None:
    assert not stops_short(answer)


@given(st.text(st.sampled_from("<|im_end>[INST]/s#` \n:Instruction")))
def test_spans_hold_markers_and_ascend(text: str) -> None:
    spans = markers(text)
    assert all(start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
