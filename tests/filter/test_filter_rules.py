"""`filter.rules` with the profile sft: what it drops, what it must not, and what it stores for every row."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.evals.planted.chat import generate
from tilth.tools.errors import Retry
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

MakeRows = Callable[..., Rows]

LOOP = "I would say that " + "it depends on the town and the weather, " * 12
REASONS = ("empty_response", "echoed_response", "markup_leak", "repeated_ngrams", "replacement_characters")


def chat(*said: str | None) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]}


def signals_of(store: Store, ran: Any) -> dict[str, list[Any]]:
    signals: dict[str, list[Any]] = store.objects.read(ran.entry.objects["signals"]).to_pydict()
    return signals


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (chat("Name a river.", ""), "empty_response"),
        (chat("Name a river.", " \n"), "empty_response"),
        (chat("Name a river.", None), "empty_response"),
        (chat("Name a river.", "Rhine.", "Another?", ""), "empty_response"),
        (chat("Which river flows here?", "which river flows here"), "echoed_response"),
        (chat("Hi.", "Hello!", "Which river flows here?", '"Which river flows here?"'), "echoed_response"),
        (chat("Name a river.", "Rhine.<|im_end|>"), "markup_leak"),
        (chat("Name a river.", "Rhine.</s>", "Another?", "Po."), "markup_leak"),
        (chat("Where is it warm?", LOOP), "repeated_ngrams"),
        (chat("Where is it warm?", "In S\ufffdo Paulo."), "replacement_characters"),
        (chat("Is S\ufffdo Paulo warm?", "It is."), "replacement_characters"),
    ],
)
def test_broken_answers_are_dropped(record: dict[str, Any], reason: str, make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([chat("Name a river.", "Rhine."), record], format="messages")
    assert run_tool("filter.rules", rows).dropped() == {1: reason}


@pytest.mark.parametrize(
    "record",
    [
        chat("2 + 5?", "7"),
        chat("Is it warm?", "Yes."),
        chat("Good morning!", "Good morning!"),
        chat('Repeat: "Which river flows here?"', "Which river flows here?"),
        chat("What ends a turn in ChatML?", "The token `<|im_end|>`, as in\n\n```text\nhi<|im_end|>\n```"),
        chat("What does `\ufffd` mean?", "A byte was lost where `\ufffd` stands."),
        chat("What does <|im_end|> mean?", "It ends a turn."),
        chat("Is it warm?", "I'm sorry, but I can't help with that."),
        chat("Tell me about rivers.", "Rivers flow. They begin in the mountains and end in the"),
        chat("Name a river."),
        {
            "messages": [
                {"role": "user", "content": "How warm is it?"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
            ]
        },
    ],
)
def test_short_quoting_refusing_and_truncated_answers_stay(
    record: dict[str, Any], make_rows: MakeRows, run_tool: Any
) -> None:
    assert run_tool("filter.rules", make_rows([record], format="messages")).decisions == []


def test_instructions_are_judged_by_their_output(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows(
        [
            {
                "instruction": "Correct the sentence.",
                "input": "The river flows here.",
                "output": "The river flows here.",
            },
            {
                "instruction": "Correct the sentence.",
                "input": "The river flow.",
                "output": "correct the sentence",
            },
            {"instruction": "Correct the sentence.", "input": "The river flow.", "output": ""},
        ]
    )
    assert run_tool("filter.rules", rows).dropped() == {1: "echoed_response", 2: "empty_response"}


def test_preferences_are_judged_by_the_chosen_answer(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows(
        [
            {"prompt": "Name a river.", "chosen": "Rhine.", "rejected": "Rhine.</s>"},
            {"prompt": "Name a river.", "chosen": "Rhine.</s>", "rejected": ""},
        ]
    )
    assert run_tool("filter.rules", rows).dropped() == {1: "markup_leak"}
    assert run_tool("filter.rules", rows, field="rejected").dropped() == {
        0: "markup_leak",
        1: "empty_response",
    }


def test_plain_texts_are_judged_as_they_are(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([{"text": "A river."}, {"text": "A river.<|endoftext|>"}, {"text": LOOP}, {"text": " "}])
    assert run_tool("filter.rules", rows).dropped() == {
        1: "markup_leak",
        2: "repeated_ngrams",
        3: "empty_response",
    }


def test_the_evidence_leads_to_the_place(make_rows: MakeRows, run_tool: Any) -> None:
    records = [chat("Hi.", "Rhine.<|im_end|>"), chat("Hi.", LOOP), chat("S\ufffd?", "Yes.")]
    spans = [one["evidence"]["spans"] for one in run_tool("filter.rules", make_rows(records)).decisions]
    assert spans[0] == [[["messages", 1, "content"], 6, 16]]
    assert LOOP[spans[1][0][1] :].startswith("it depends on the town")
    assert spans[2] == [[["messages", 0, "content"], 1, 2]]


def test_every_threshold_moves_the_line(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows(
        [
            chat("Hello you!", "Hello you!"),
            chat("Hi.", "Rhine.</s>"),
            chat("Hi.", LOOP),
            chat("Hi.", "S\ufffdo"),
        ]
    )
    loose = {"max_markup": 1, "max_looped": 1.0, "max_replacement_characters": 1}
    assert run_tool("filter.rules", rows, **loose).decisions == []
    assert run_tool("filter.rules", rows, **loose, min_echo=5).dropped() == {0: "echoed_response"}


def test_an_unknown_profile_names_those_there_are(make_rows: MakeRows, run_tool: Any) -> None:
    with pytest.raises(Retry, match=r"no profile .sftt.*Profiles: sft, gopher"):
        run_tool("filter.rules", make_rows([chat("Hi.", "Hello.")]), profile="sftt")


def test_refusals_and_truncations_are_signals(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows(
        [
            chat("Is it warm?", "I'm sorry, but I can't help with that."),
            chat("Is it warm?", "It is warm today. Tomorrow it will be"),
        ]
    )
    signals = signals_of(store, run_tool("filter.rules", rows))
    assert signals["refusal"] == [True, False]
    assert signals["truncation"] == [False, True]
    assert (signals["prompt_words"], signals["response_words"]) == ([3, 3], [8, 8])


_TEXT = st.one_of(st.text(max_size=30), st.sampled_from(["", LOOP, "Rhine.</s>", "S\ufffdo", "Name a river, please."]))


@given(st.lists(st.lists(_TEXT, min_size=1, max_size=4), min_size=1, max_size=20))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_signals_cover_every_position_and_decide_alone(
    store: Store, make_rows: MakeRows, run_tool: Any, said: list[list[str]]
) -> None:
    rows = make_rows([chat(*texts) for texts in said], format="messages", pack_rows=3)
    ran = run_tool("filter.rules", rows)
    signals = signals_of(store, ran)
    assert signals["ord"] == rows.arrow(("ord",))["ord"].to_pylist()
    decided = {
        position: next(reason for reason, broken in zip(REASONS, breaks, strict=True) if broken)
        for position, breaks in enumerate(
            zip(
                signals["empty"],
                [size >= 15 for size in signals["echo"]],
                [count > 0 for count in signals["markup"]],
                [share > 0.3 for share in signals["looped"]],
                [count > 0 for count in signals["replacement_characters"]],
                strict=True,
            )
        )
        if any(breaks)
    }
    assert ran.dropped() == decided


def test_planted_faults_are_found_and_look_alikes_stay(make_rows: MakeRows, run_tool: Any) -> None:
    planted = generate(seed=3, rows=1_500)
    kinds, decoys = planted.truth.kinds, planted.truth.decoys
    numbers, records = [], []
    for number, line in enumerate(planted.lines, 1):
        try:
            records.append(json.loads(line.decode("utf-8")))
        except ValueError:
            continue
        if kinds.get(number, frozenset()) & {
            "nan_or_infinity",
            "lone_surrogate",
            "number_overflow",
            "repeated_key",
        }:
            records.pop()
            continue
        numbers.append(number)
    dropped = run_tool("filter.rules", make_rows(records, format="messages")).dropped()
    for reason in REASONS:
        truth = {number for number in numbers if reason in kinds.get(number, ())}
        # A row goes under its first reason only.
        earlier = set(REASONS[: REASONS.index(reason)])
        expected = {number for number in truth if not kinds[number] & earlier}
        found = {numbers[position] for position, why in dropped.items() if why == reason}
        assert found <= truth
        assert len(found & expected) >= 0.9 * len(expected) > 0
    assert not {numbers[position] for position in dropped} & {
        number for number, looks in decoys.items() if not kinds.get(number, frozenset()) & set(REASONS)
    }


@pytest.mark.slow
def test_no_row_of_the_real_instruction_sets_is_dropped(shared_data: Path, make_rows: MakeRows, run_tool: Any) -> None:
    sets: dict[str, tuple[list[Any], dict[str, Any]]] = {
        name: (json.loads((shared_data / "gpteacher" / f"{name}.json").read_text(encoding="utf-8")), {})
        for name in ("codegen", "roleplay", "toolformer")
    }
    for name in ("train", "test"):
        lines = (shared_data / "gsm8k" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        sets[f"gsm8k-{name}"] = ([json.loads(line) for line in lines], {})
    lines = gzip.decompress((shared_data / "humaneval" / "HumanEval.jsonl.gz").read_bytes()).decode().splitlines()
    sets["humaneval"] = ([json.loads(line) for line in lines], {"format": "prompt-completion"})
    for name in ("seed_tasks", "user_oriented_instructions"):
        lines = (shared_data / "self_instruct" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        where = {"instruction": "instruction", "input": "instances[0].input", "output": "instances[0].output"}
        sets[name] = ([json.loads(line) for line in lines], {"format": "alpaca", "map": where})
    dropped = {}
    for name, (records, read) in sets.items():
        rows = make_rows(records, name=name, **read)
        dropped[name] = run_tool("filter.rules", rows).dropped()
    assert dropped == {name: {} for name in sets}
