"""Gates: every planted fault is found, and nothing that is in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.panel import Candidate, Task
from tilth.tools.synthesize import _gates

TASK = Task(0, {})

LEAKS = [
    "**Instruction:** Write a poem.",
    "Instruction: Write a poem.",
    "### Instruction:\nWrite a poem.",
    "### Response:\nRoses are red.",
    "## Refined Instruction\nWrite a poem.",
    "**Refined instruction**\nWrite a poem.",
    "**Revised Response:**\nRoses are red.",
    "Refined query: write a poem.",
    "Question 3: Who was it?",
    "[Question] : Who was it?",
    "Answer: It was Anna.",
    "**\nWrite a poem.",
    "***\nWrite a poem.",
    "---\nWrite a poem.",
    '"""\nWrite a poem.',
    '"Write a poem."',
    "“Write a poem.”",
    "> Rewritten text: a poem.",
    "Here is the refined instruction:\nWrite a poem.",
    "Here's a poem for you: Roses are red.",
    "Sure! Here is a poem:\n\nRoses are red.",
    "Certainly, here are the lines:\nRoses",
    "Of course!\n\nRoses are red.",
    "Below is the rewritten text:\nRoses",
    "<|im_start|>assistant\nRoses are red.",
    "[INST] Write a poem. [/INST]",
    "<response>\nRoses are red.",
    "<source 0123456789ab>\nRoses",
    "User: write a poem",
    "Assistant: Roses are red.",
    "Text: roses are red",
    "Output: 42",
]
ORDINARY = [
    "# Installation\n\nRun the script.",
    "## Setup\nFirst of all",
    "### Step 1: Install it\nRun",
    "## Questions and answers\nMany",
    "# Response times\nThey vary",
    "## Improved response times\nThey fell",
    "### Task queues: an overview\nA queue",
    "## Input validation: why it matters\nBecause",
    "#### Example\n```python\nx = 1\n```",
    "**Bold** words begin this one.",
    "**Ingredients:**\n- flour",
    "* a list item\n* another",
    "- a list item",
    "1. First\n2. Second",
    "> A quotation of someone.",
    "`code` first",
    "```python\nprint(1)\n```",
    '"Hamlet" is a play, and "Macbeth" is another.',
    "Here is where the river bends.",
    "This is the house that Jack built. It has one rule: be kind.",
    "Sure enough, it rained.",
    "Of course it rained; it always does.",
    "Questions: who asks them?",
    "Responsible people: what they do",
    "The answer: patience.",
    "User interfaces should be plain.",
    "version: 3\nservices: []",
    "<p>A paragraph</p>",
    "[1] A reference",
    "_Emphasis_ first",
    "| a | b |\n|---|---|",
    "—He came at noon.",
    "",
]


def candidate(**shown):
    return Candidate({}, shown, " ".join(shown.values()))


@pytest.mark.parametrize("text", LEAKS)
def test_planted_scaffold_is_found(text):
    assert _gates.scaffold("text")(TASK, candidate(text=text)).code == "scaffold_leak"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_no_scaffold(text):
    assert _gates.scaffold("text")(TASK, candidate(text=text)) is None


def test_a_response_may_say_what_follows_but_not_that_it_is_the_response():
    gate = _gates.scaffold("response")
    assert gate(TASK, candidate(response="Here are three ideas:\n1. Sleep")) is None
    assert gate(TASK, candidate(response="Sure! Here's a poem: Roses")) is None
    assert gate(TASK, candidate(response="Here is the improved response:\nSleep")).code == "scaffold_leak"
    assert gate(TASK, candidate(response="Sure, here's the rewritten text: Sleep")).code == "scaffold_leak"


@given(st.integers(1, 6), st.text(st.sampled_from("abcdefg xyz"), min_size=3, max_size=30), st.text(max_size=50))
def test_a_markdown_heading_is_never_scaffold(level, title, body):
    assert _gates.scaffold_of(f"{'#' * level} The {title.strip()}\n{body}") in ("", *_marks(body))


def _marks(body):
    """A body may hold template markup of its own wherever it stands; only that may be told."""
    return [found for found in [_gates.scaffold_of(body)] if found.startswith(("<", "[", "###"))]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Here is the paraphrase:\n\nRoses are red.", "Roses are red."),
        ("Sure, here's a simpler version: Roses are red.", "Roses are red."),
        ("Here is where: the river bends.", "the river bends."),
        ("Roses are red. Here is why: they are.", "Roses are red. Here is why: they are."),
    ],
)
def test_a_preamble_is_taken_off_once(text, left):
    assert _gates.without_preamble(text) == left


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty"), (" \n", "empty"), ("ab", "too_short"), ("abcdef", "too_long"), ("abcd", "")]
)
def test_lengths(text, code):
    found = _gates.length("text", least=3, most=5)(TASK, candidate(text=text))
    assert (found.code if found else "") == code


def test_a_label_that_is_not_shown_is_not_checked():
    assert _gates.length("answer")(TASK, candidate(text="x")) is None


def test_refusals_are_found_and_apologies_are_not():
    gate = _gates.answered("text")
    assert gate(TASK, candidate(text="I'm sorry, but I can't help with that.")).code == "refusal"
    assert gate(TASK, candidate(text="As an AI language model, I cannot do so.")).code == "refusal"
    assert gate(TASK, candidate(text="Sorry for the delay! Your parcel is here.")) is None


SEED = "the quick brown fox jumps over the lazy dog and then sleeps"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SEED, True),
        (SEED.upper() + "!", True),
        ("He says " + SEED, True),
        (SEED[: len(SEED) // 2], True),
        ("the quick brown fox is a common way to try out a typewriter or a font", False),
        ("", False),
    ],
)
def test_copies_of_what_was_shown_are_found(text, found):
    gate = _gates.no_copy("text", lambda task: ["something else", SEED])
    told = gate(TASK, candidate(text=text))
    assert (told is not None) == found
    if told:
        assert (told.code, told.evidence["example"]) == ("copies_example", 1)


def test_short_copies_must_be_equal():
    gate = _gates.no_copy("text", lambda task: ["Where is it?"])
    assert gate(TASK, candidate(text="where is it")).code == "copies_example"
    assert gate(TASK, candidate(text="where is he")) is None


@given(st.lists(st.sampled_from("abcdefgh"), max_size=20), st.lists(st.sampled_from("abcdefgh"), max_size=20))
def test_what_is_copied_is_a_share(ours, theirs):
    share = _gates.copied(ours, theirs)
    assert 0 <= share <= 1
    assert _gates.copied(ours, ours) == float(bool(ours))
