"""contaminate.scan: planted leaks of every kind are found, and what only looks like one is not called one."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.acting import resolving, toolbox
from tilth.tools.contaminate._registered import register
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.store import Store

SYLLABLES = [f"{consonant}{vowel}" for consonant in "bcdfghjklmnp" for vowel in "aeiou"]


def words(seed: object, count: int) -> list[str]:
    """Words that no other seed draws in the same order."""
    rng = random.Random(f"words {seed}")
    return ["".join(rng.choices(SYLLABLES, k=rng.choice([2, 3]))) for _ in range(count)]


def text(seed: object, count: int) -> str:
    return " ".join(words(seed, count)).capitalize() + "?"


QUESTION = words("question", 30)
ITEMS = [
    {"question": " ".join(QUESTION), "answer": text("answer", 20)},
    *({"question": text(("other", i), 30), "answer": text(("its answer", i), 20)} for i in range(7)),
]
FILLER = [text(("filler", i), 60) for i in range(10)]

LEAKS: dict[str, Callable[[list[str]], str]] = {
    "start": lambda q: " ".join([*q, FILLER[0]]),
    "middle": lambda q: " ".join([FILLER[0], *q, FILLER[1]]),
    "end": lambda q: " ".join([FILLER[0], *q]),
    "case and punctuation": lambda q: "!! " + ", ".join(q).upper() + " ... " + FILLER[0],
    "a dash between words": lambda q: f"{FILLER[0]} {' '.join(q[:15])} - {' '.join(q[15:])}",
    "a word put in": lambda q: " ".join([FILLER[0], *q[:15], "new", *q[15:]]),
    "a word left out": lambda q: " ".join([FILLER[0], *q[:15], *q[16:]]),
    "a word changed": lambda q: " ".join([FILLER[0], *q[:15], "other", *q[16:]]),
    "re-wrapped to eight words a line": lambda q: "\n".join(
        " ".join(line) for line in ([*words("a", 3), *q, *words("b", 5)][i : i + 8] for i in range(0, 38, 8))
    ),
    "diluted by ten times as much": lambda q: " ".join([*FILLER[:5], *q, *FILLER[5:]]),
    "half of it": lambda q: " ".join([FILLER[0], *q[:17], FILLER[1]]),
    "in CRLF and odd spaces": lambda q: FILLER[0] + "\r\n" + "\u2003\r\n".join(q),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_a_planted_question_is_near_verbatim(scan: Any, kind: str) -> None:
    found = scan(ITEMS, [FILLER[9], LEAKS[kind](QUESTION), FILLER[8]])
    assert found.verdicts == {"near_verbatim": 1, "no_evidence": 7}
    assert [(flag["position"], flag["reason"]) for flag in found.flags] == [(1, "near_verbatim")]
    assert found.told["contaminated"]["count"] == 1
    check_spans(found, ITEMS)


def check_spans(found: Any, items: list[dict[str, Any]]) -> None:
    """Both sides of every reported span hold the same words."""
    seen = 0
    for flag in found.flags:
        (record,) = found.rows.records([flag["position"]])
        for pair in flag["evidence"]["pairs"]:
            for span in pair["spans"]:
                value = record
                for step in span["path"]:
                    value = value[step]
                theirs = items[pair["number"]][span["part"]][span["item_start"] : span["item_end"]]
                ours = value[span["start"] : span["end"]]
                assert [re.findall(r"\w+", one.lower()) for one in (ours, theirs)].count([]) == 0
                assert re.findall(r"\w+", ours.lower()) == re.findall(r"\w+", theirs.lower())
                seen += 1
    assert seen


def test_the_whole_question_alone_is_exact_also_in_a_turn_of_a_chat(scan: Any) -> None:
    chat = {"messages": [{"role": "user", "content": ITEMS[2]["question"].upper()},
                         {"role": "assistant", "content": "Seven."}]}  # fmt: skip
    found = scan(ITEMS, [chat])
    assert (found.verdict(2), found.verdicts["exact"]) == ("exact", 1)
    (pair,) = found.flags[0]["evidence"]["pairs"]
    assert pair["spans"][0]["path"] == ["messages", 0, "content"]
    check_spans(found, ITEMS)


def test_short_items_are_found_by_fingerprint_or_said_to_be_not_checkable(scan: Any) -> None:
    items = [{"question": "Why so blue?"}, {"question": "How many moons has Uranus?"}, {"question": "And now"},
             {"question": "Name two of its rings please"}, {"question": ""}]  # fmt: skip
    found = scan(items, ["why SO blue", "Say: how many moons has Uranus, and since when is that known?", FILLER[0]])
    assert found.verdicts == {"exact": 1, "partial": 1, "no_evidence": 1, "not_checkable": 2}
    assert found.told["not_checkable"] == 2
    assert (found.verdict(0), found.verdict(1)) == ("exact", "partial")


def test_a_short_stock_question_with_options_is_not_exact_without_them(scan: Any) -> None:
    items = [{"question": "Which one is true?", "choices": ["up", "down"], "answer": 1}]
    assert scan(items, ["Which one is true?"]).verdicts == {"not_checkable": 1}
    assert scan(items, ["Which one is true? up; down"]).verdicts == {"exact": 1}


def test_options_in_another_order(scan: Any) -> None:
    items = [{"question": text("stem", 14), "choices": [text(("option", i), 6) for i in range(4)], "answer": 2}]
    shuffled = [
        items[0]["question"],
        *(f"{letter}. {items[0]['choices'][i]}" for letter, i in zip("ABCD", (2, 0, 3, 1), strict=True)),
    ]
    found = scan(items, ["\n".join(shuffled)])
    assert found.verdicts == {"near_verbatim": 1}
    (pair,) = found.flags[0]["evidence"]["pairs"]
    assert pair["answer_present"] is True


def test_question_only_and_answer_only(scan: Any) -> None:
    found = scan(ITEMS, [f"{FILLER[0]} {ITEMS[3]['question']}", f"{FILLER[1]} {ITEMS[4]['answer']}"])
    assert (found.verdict(3), found.verdict(4)) == ("near_verbatim", "answer_only")
    assert found.flags[0]["evidence"]["pairs"][0]["answer_present"] is False


def test_only_the_passage_is_partial(scan: Any) -> None:
    items = [{"passage": text("public", 60), "question": text("asked", 15), "answer": "no"}]
    assert scan(items, [f"{FILLER[0]} {items[0]['passage']}"]).verdicts == {"partial": 1}


def test_a_third_of_a_question_is_partial(scan: Any) -> None:
    found = scan(ITEMS, [" ".join([FILLER[0], *QUESTION[:10], FILLER[1]])])
    assert found.verdicts == {"partial": 1, "no_evidence": 7}


def test_a_rephrase_is_a_candidate_and_undecided(scan: Any) -> None:
    asked = ("Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many "
             "clips did Natalia sell altogether?")  # fmt: skip
    again = ("In April Marie sold some clips: 62 of her friends took one. In May she sold half as many. Altogether, how "
             "many clips is that?")  # fmt: skip
    items = [{"question": asked, "answer": "72"}, *ITEMS]
    found = scan(items, [again, *FILLER], similar=True)
    assert found.verdicts == {"undecided": 1, "no_evidence": 8}
    (flag,) = found.flags
    assert (flag["position"], flag["reason"]) == (0, "undecided")
    assert flag["evidence"]["pairs"][0]["similarity"] >= 0.3
    assert scan(items, [again, *FILLER]).verdicts == {"no_evidence": 9}


# The four ways in which public audits were fooled.


def test_a_template_of_many_items_is_boilerplate(scan: Any) -> None:
    template = words("template", 25)
    items = [{"question": " ".join([*template, *words(("own", i), 8)])} for i in range(50)]
    rows = [" ".join([*template, *words(("elsewhere", i), 20)]) for i in range(5)]
    for similar in (False, True):
        found = scan(items, rows, similar=similar)
        assert found.verdicts == {"boilerplate": 50}
        assert found.told["contaminated"]["count"] == 0
    leaked = scan(items, [*rows, items[7]["question"] + " " + FILLER[0]])
    assert leaked.verdict(7) == "near_verbatim"
    assert leaked.verdicts == {"near_verbatim": 1, "boilerplate": 49}


def test_boilerplate_of_the_training_data_is_not_contamination(scan: Any) -> None:
    licence = words("licence", 40)
    items = [{"question": " ".join([*licence, *words("asked of it", 10)])}, *ITEMS]
    rows = [" ".join([*words(("page", i), 50), *licence]) for i in range(60)]
    assert scan(items, rows).verdicts == {"boilerplate": 1, "no_evidence": 8}


def test_a_leak_repeated_word_for_word_is_not_mistaken_for_boilerplate(scan: Any) -> None:
    found = scan(ITEMS, [LEAKS["middle"](QUESTION)] * 60)
    assert found.verdict(0) == "near_verbatim"
    assert len(found.flags) == 60


def test_a_quotation_is_not_the_item_that_quotes_it(scan: Any) -> None:
    speech = " ".join(words("four score and seven", 30))
    items = [{"question": f'Who said "{speech}", and where was it said?', "answer": "Lincoln"}]
    assert scan(items, [f"{FILLER[0]} {speech} {FILLER[1]}"]).verdicts == {"boilerplate": 1}
    assert scan(items, [f"Quiz: {items[0]['question']}"]).verdicts == {"near_verbatim": 1}


def test_the_passage_of_a_public_text_is_not_the_question_asked_of_it(scan: Any) -> None:
    items = [{"question": text("asked", 20), "passage": text("public", 80)}]
    found = scan(items, [f"{FILLER[0]} {items[0]['passage']}"])
    assert found.told["contaminated"]["count"] == 0


def test_shared_words_are_put_down_to_the_item_that_leaked(scan: Any) -> None:
    shared = words("shared", 9)
    items = [{"question": " ".join([*words("one", 12), *shared, *words("two", 6)])},
             {"question": " ".join([*words("three", 6), *shared, *words("four", 6)])}]  # fmt: skip
    found = scan(items, [f"{FILLER[0]} {items[0]['question']} {FILLER[1]}"])
    assert (found.verdict(0), found.verdict(1)) == ("near_verbatim", "boilerplate")


def test_a_stock_phrase_is_no_evidence(scan: Any) -> None:
    phrase = "which of the following is not part of the"
    items = [{"question": f"{phrase} {text('a', 40)}"}]
    assert scan(items, [f"{phrase} {text('b', 40)}"]).verdicts == {"no_evidence": 1}


# Whatever the order, the packs, the threads.


def test_the_result_does_not_depend_on_packs_threads_or_the_order_of_rows(scan: Any) -> None:
    rows = [leak(QUESTION) for leak in LEAKS.values()] + FILLER
    whole = scan(ITEMS, rows, similar=True)
    parted = scan(ITEMS, rows, similar=True, pack_rows=3, threads=2)
    strip = lambda flags: [{key: flag[key] for key in ("position", "reason", "score", "evidence")} for flag in flags]  # noqa: E731
    assert strip(whole.flags) == strip(parted.flags)
    assert whole.told == parted.told
    turned = scan(ITEMS, rows[::-1], similar=True)
    assert turned.verdicts == whole.verdicts
    assert turned.told["ngram"] == whole.told["ngram"]
    assert {len(rows) - 1 - flag["position"]: flag["reason"] for flag in turned.flags} == {
        flag["position"]: flag["reason"] for flag in whole.flags
    }


def test_evidence_is_capped_and_counts_are_not(scan: Any) -> None:
    rows = [f"{FILLER[i % 10]} {i} {' '.join(QUESTION)}" for i in range(18)] * 3
    found = scan(ITEMS, rows)
    assert len(found.flags) == 54
    assert {flag["reason"] for flag in found.flags} == {"near_verbatim"}
    assert found.told["ngram"]["8"] == {"docs_hit": 54, "items_hit": 1, "pairs": 54}


def test_a_row_that_holds_many_items_lists_twenty_and_counts_all(scan: Any) -> None:
    items = [{"question": text(("listed", i), 20)} for i in range(30)]
    found = scan(items, ["\n".join(item["question"] for item in items)])
    assert found.verdicts == {"near_verbatim": 30}
    (flag,) = found.flags
    assert (len(flag["evidence"]["pairs"]), flag["evidence"]["pair_count"]) == (20, 30)


def test_nothing_is_ever_called_clean(scan: Any, store: Store) -> None:
    found = scan(ITEMS, [FILLER[0]])
    assert found.verdicts == {"no_evidence": 8}
    assert found.told["contaminated"] | {"high": 0} == {"count": 0, "share": 0.0, "low": 0.0, "high": 0}
    assert 0.3 < found.told["contaminated"]["high"] < 0.4
    said = json.dumps(found.told) + "".join(
        json.dumps(store.objects.read(sha).to_pylist(), default=str) for sha in found.entry.objects.values()
    )
    assert not re.search(r"\bclean\b", said, re.IGNORECASE)


# Reference counts.


@pytest.mark.parametrize(
    ("fields", "eight", "thirteen"),
    [
        ({"question": "question", "answer": "answer"}, (833, 412, 1136), (11, 10, 11)),
        ({"question": "question"}, (97, 82, 114), (4, 3, 4)),
    ],
)
def test_reference_counts_of_gsm8k(
    store: Store, shared_data: Path, fields: dict[str, str], eight: tuple[int, ...], thirteen: tuple[int, ...]
) -> None:
    with store.writing("test"):
        register(store, "gsm8k", [str(shared_data / "gsm8k" / "test.jsonl")], **fields)
        import_sources(store, "train", [Source("train", (str(shared_data / "gsm8k" / "train.jsonl"),))], ReadOptions())
        args = {"benchmarks": ["gsm8k"], "similar": False}
        done = toolbox.call(store, "contaminate.scan", "train", args, resolving.Settings())
    (told,) = done.details["benchmarks"]
    for n, counts in (("8", eight), ("13", thirteen)):
        assert tuple(told["ngram"][n][name] for name in ("docs_hit", "items_hit", "pairs")) == counts
