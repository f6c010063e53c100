"""The demo's dataset: believable, the same everywhere, and its truth is what the finished bytes show."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.evals.planted import DECOYS, KINDS, Cluster, PlantedChat, generate
from tilth.evals.planted.chat import COPY_DOSES, DEFECT_DOSES, NEAR_MISS, SECOND_DEFECTS
from tilth.evals.planted.defects import DEFECTS, REFUSALS
from tilth.evals.planted.draw import Draw
from tilth.evals.planted.messages import Message, Record, assistant, user
from tilth.evals.planted.topics import SHARED_SYSTEM_PROMPT, conversation, lookalikes
from tilth.evals.planted.truth import (
    DUPLICATES,
    clusters,
    dialogue,
    jaccard,
    kinds_of,
    looks_refused,
    looks_truncated,
    near_pairs,
    parsed,
    repeated_share,
    shingles,
    texts,
    word_list,
)
from tilth.tools.errors import Misuse
from tilth.tools.store.format.records import RecordError, parse

GOLDEN_LINES = "891141e22134adb8bd3f8e55911075f364172fe14e63038667ac01cbaea81d4f"
GOLDEN_TRUTH = "c0a358690eb811064e4b72cf5bf692194e2252e8da1139eb3de2f58388e5eea3"
LOOKALIKES = (
    lookalikes.quoted_markup,
    lookalikes.quoted_damage,
    lookalikes.repetition,
    lookalikes.joiner,
    lookalikes.echo,
)


@pytest.fixture(scope="module")
def chat() -> PlantedChat:
    return generate()


@pytest.fixture(scope="module")
def records(chat: PlantedChat) -> dict[int, Record]:
    """The readable lines by number."""
    found = {number: parsed(line) for number, line in enumerate(chat.lines, 1)}
    return {number: record for number, record in found.items() if not isinstance(record, str)}


@pytest.fixture(scope="module")
def fresh() -> list[Record]:
    """Conversations as the topics make them, before anything is planted."""
    draw = Draw(20)
    return [conversation(draw) for _ in range(2000)]


def plain_shingles(text: str) -> set[tuple[str, ...]]:
    found = re.findall(r"\w+", text.lower())
    return {tuple(found[i : i + 5]) for i in range(len(found) - 4)}


def plain_jaccard(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def same_or_near(a: str, b: str) -> float:
    return 1.0 if a == b else plain_jaccard(plain_shingles(a), plain_shingles(b))


def spoken(record: Record) -> str:
    """The dialogue, written out once more: user and assistant turns."""
    turns = [m for m in record["messages"] if m["role"] in ("user", "assistant")]
    return "\n".join(m["content"] for m in turns if m["content"] is not None)


# --- The same everywhere ---


def test_the_default_dataset_never_changes(chat: PlantedChat) -> None:
    told = sorted((line, sorted(kinds)) for line, kinds in chat.truth.kinds.items())
    assert hashlib.sha256(chat.jsonl).hexdigest() == GOLDEN_LINES
    assert hashlib.sha256(repr(told).encode()).hexdigest() == GOLDEN_TRUTH
    assert chat.jsonl.split(b"\n")[:-1] == list(chat.lines)


def test_neither_lines_nor_truth_depend_on_the_hash_seed() -> None:
    code = (
        "import hashlib, sys; from tilth.evals.planted import generate; made = generate(3, 700);"
        "told = [made.lines, made.truth.clusters, made.truth.near_misses,"
        " sorted((n, sorted(k)) for n, k in made.truth.kinds.items()),"
        " sorted((n, sorted(k)) for n, k in made.truth.decoys.items())];"
        "sys.stdout.write(hashlib.sha256(repr(told).encode()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_another_seed_is_another_dataset() -> None:
    assert generate(1, 50).lines != generate(2, 50).lines


@given(st.integers(0, 2**32), st.integers(1, 150))
@settings(max_examples=25)
def test_any_size_has_as_many_lines_as_asked_for(seed: int, rows: int) -> None:
    made = generate(seed, rows)
    assert len(made.lines) == rows
    assert all(line and b"\n" not in line for line in made.lines)
    assert {*made.truth.kinds, *made.truth.decoys} <= set(range(1, rows + 1))


def test_no_rows_is_a_misuse() -> None:
    with pytest.raises(Misuse, match="0 rows"):
        generate(rows=0)


# --- Believable ---


def test_clean_conversations_bear_no_kind(fresh: list[Record]) -> None:
    assert [kinds_of(record) for record in fresh if kinds_of(record)] == []


def test_no_slot_is_left_open_and_no_article_is_wrong(fresh: list[Record]) -> None:
    english = [r for r in fresh if not r["source"].startswith("polyglot")]
    said = "\n".join(text for record in english for text in texts(record))
    prose = re.sub(r"```.*?```|`[^`]*`", "", said, flags=re.DOTALL)
    assert re.findall(r"\{(?:a )?[a-z_]+\}", prose) == []
    assert re.findall(r"\b[Aa] (?!one-)[aeiou]\w+", prose) == []


def test_every_sum_that_is_written_out_is_right(fresh: list[Record]) -> None:
    said = "\n".join(text for r in fresh if r["source"] == "maths" for text in texts(r, "assistant"))
    sums = re.findall(r"(\d+(?: [-+×/] \d+)+) = (\d+)\b(?! ×)", said)
    assert len(sums) > 500
    assert [s for s in sums if eval(s[0].replace("×", "*")) != int(s[1])] == []


def test_calculator_and_answer_agree(fresh: list[Record]) -> None:
    checked = 0
    for record in fresh:
        for call, result in zip(record["messages"], record["messages"][1:], strict=False):
            if call.get("tool_calls") and call["tool_calls"][0]["function"]["name"] == "calculate":
                arguments = json.loads(call["tool_calls"][0]["function"]["arguments"])
                assert eval(arguments["expression"]) == json.loads(result["content"])["value"]
                checked += 1
    assert checked > 10


def test_every_python_snippet_compiles(fresh: list[Record]) -> None:
    said = "\n".join(text for record in fresh for text in texts(record, "assistant"))
    snippets = re.findall(r"```python\n(.*?)```", said, flags=re.DOTALL)
    assert len(snippets) > 50
    for snippet in snippets:
        ast.parse(snippet)


def test_topics_shapes_and_languages_are_mixed(fresh: list[Record]) -> None:
    sources = Counter(record["source"] for record in fresh)
    assert set(sources) == {
        *("support", "coding", "cooking", "maths", "smalltalk"),
        *(f"polyglot-{code}" for code in ("es", "fr", "de", "pt", "zh")),
    }
    turns = Counter(len(texts(record, "user")) for record in fresh)
    assert turns[1] > 600 and turns[2] > 200 and turns[3] > 50
    assert 100 < sum("tools" in record for record in fresh) < 800
    assert sum("```" in dialogue(record) for record in fresh) > 100


def test_unplanted_rows_are_far_apart_by_brute_force(chat: PlantedChat, records: dict[int, Record]) -> None:
    marked = {n for n, looks in chat.truth.decoys.items() if looks != {"shared_system_prompt"}}
    free = [n for n in records if n not in chat.truth.kinds and n not in marked][:500]
    sets = [plain_shingles(spoken(records[n])) for n in free]
    assert max(plain_jaccard(a, b) for a, b in combinations(sets, 2)) < 0.7


def test_the_join_finds_the_planted_clusters_and_nothing_else(chat: PlantedChat, records: dict[int, Record]) -> None:
    numbers = list(records)
    found = {frozenset((numbers[a], numbers[b])) for a, b, _ in near_pairs([spoken(records[n]) for n in numbers])}
    planted = {
        frozenset(pair) for c in chat.truth.clusters for pair in combinations(c.lines, 2) if spoken(records[pair[0]])
    }
    assert found == planted


def test_chinese_rows_are_far_apart_in_characters_too(chat: PlantedChat, records: dict[int, Record]) -> None:
    free = [n for n, r in records.items() if r["source"] == "polyglot-zh" and n not in chat.truth.kinds]
    bare = ["".join(spoken(records[n]).split()) for n in free]
    sets = [{tuple(text[i : i + 5]) for i in range(len(text) - 4)} for text in bare]
    assert len(sets) > 10
    assert max(plain_jaccard(a, b) for a, b in combinations(sets, 2)) < 0.7


# --- The truth is computed ---


def test_every_kind_is_planted_in_its_dose(chat: PlantedChat) -> None:
    borne = Counter(kind for kinds in chat.truth.kinds.values() for kind in kinds)
    assert set(borne) == set(KINDS)
    second = Counter(kind for kinds in SECOND_DEFECTS for kind in kinds)
    for kind, dose in DEFECT_DOSES.items():
        assert dose * 5000 <= borne[kind] <= dose * 5000 + 5 * second[kind] + 3, kind
    redundant = Counter(
        c.kind
        for c in chat.truth.clusters
        for n in c.lines[1:]
        if "no_messages" not in chat.truth.kinds[n]  # what is left of those may be the same by accident
    )
    assert redundant == {kind: round(COPY_DOSES[kind] * 5000) for kind in DUPLICATES}
    assert len(chat.truth.near_misses) == round(COPY_DOSES["near_miss"] * 5000)
    looks = Counter(look for looks in chat.truth.decoys.values() for look in looks)
    assert set(looks) == set(DECOYS)
    assert 0.33 < looks["shared_system_prompt"] / 5000 < 0.4
    assert sum(len(kinds) > 1 for kinds in chat.truth.kinds.values()) >= 20


def test_bad_records_stay_below_one_percent_and_are_refused_by_the_importer(chat: PlantedChat) -> None:
    bad = {n for n, kinds in chat.truth.kinds.items() if any(KINDS[k].tool == "import" for k in kinds)}
    assert 0 < len(bad) < 0.01 * len(chat.lines)
    for number, line in enumerate(chat.lines, 1):
        if number in bad:
            with pytest.raises(RecordError) as refused:
                parse(line)
            assert chat.truth.kinds[number] == {refused.value.reason}
        elif number % 10 == 0:
            assert isinstance(parse(line), dict)


def test_lines_left_with_nothing_are_duplicates_of_each_other() -> None:
    bare = b'{"messages": [], "source": "support"}'
    records_ = {1: {"messages": [], "source": "support"}, 3: {"messages": [], "source": "support"}}
    assert clusters([bare, b"{}", bare], records_) == [Cluster("exact_duplicate", (1, 3), 1.0)]


def test_clusters_hold_their_jaccard_and_their_kind(chat: PlantedChat, records: dict[int, Record]) -> None:
    for cluster in chat.truth.clusters:
        said = [spoken(records[n]) for n in cluster.lines]
        least = min(same_or_near(a, b) for a, b in combinations(said, 2))
        same_bytes = len({chat.lines[n - 1] for n in cluster.lines}) == 1
        same_record = all(records[n] == records[cluster.lines[0]] for n in cluster.lines)
        assert least == cluster.jaccard >= 0.7
        assert same_bytes == (cluster.kind == "exact_duplicate")
        assert same_record == (cluster.kind != "near_duplicate")
        assert all(cluster.kind in chat.truth.kinds[n] for n in cluster.lines)


def test_near_misses_fall_short(chat: PlantedChat, records: dict[int, Record]) -> None:
    for line, other, score_ in chat.truth.near_misses:
        assert score_ == plain_jaccard(*(plain_shingles(spoken(records[n])) for n in (line, other)))
        assert NEAR_MISS[0] <= score_ <= NEAR_MISS[1]
        assert "near_miss" in chat.truth.decoys[line]


def test_the_shared_prompt_would_fool_a_comparison_that_includes_it(records: dict[int, Record]) -> None:
    sharing = [r for r in records.values() if texts(r, "system")[:1] == [SHARED_SYSTEM_PROMPT]][:60]
    assert 350 < len(SHARED_SYSTEM_PROMPT.split()) < 450
    with_prompt = [plain_shingles("\n".join(texts(r))) for r in sharing]
    without = [plain_shingles(spoken(r)) for r in sharing]
    fooled = sum(plain_jaccard(a, b) >= 0.7 for a, b in combinations(with_prompt, 2))
    assert fooled > 100
    assert sum(plain_jaccard(a, b) >= 0.7 for a, b in combinations(without, 2)) <= 2


def test_where_a_line_stands_says_nothing_about_it(chat: PlantedChat) -> None:
    places = [n / 5000 for n in chat.truth.kinds]
    copies = [c.lines[0] for c in chat.truth.clusters if len(c.lines) == 2]
    assert abs(sum(places) / len(places) - 1 / 2) < 0.05
    assert abs(sum(copies) / len(copies) / 5000 - 1 / 3) < 0.08  # the mean of the smaller of two places


CLEAN: list[Message] = [user("Where is my parcel?"), assistant("It is on the way to you.")]
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"order": 7}'}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "{}"}
SYSTEM = {"role": "system", "content": "Be kind."}
BROKEN_CALL = {**CALLING, "tool_calls": [{**CALL, "function": {"name": "look", "arguments": "{order: 7}"}}]}


@pytest.mark.parametrize(
    ("messages", "kinds"),
    [
        (CLEAN, set()),
        ([SYSTEM, *CLEAN], set()),
        ([CLEAN[0], CALLING, RESULT, CLEAN[1]], set()),
        ([], {"no_messages"}),
        ([CLEAN[0], SYSTEM, CLEAN[1]], {"role_order"}),
        ([CLEAN[0], *CLEAN], {"role_order"}),
        ([CLEAN[1], *CLEAN], {"role_order"}),
        (CLEAN[:1], {"last_turn_not_assistant"}),
        ([{"role": "customer", "content": "Hello?"}, CLEAN[1]], {"unknown_role"}),
        ([user(" \n"), CLEAN[1]], {"empty_turn"}),
        ([CLEAN[0], assistant("\t")], {"empty_response"}),
        ([CLEAN[0], CALLING, CLEAN[1]], {"tool_call_without_result"}),
        ([CLEAN[0], RESULT, CLEAN[1]], {"tool_result_without_call"}),
        ([CLEAN[0], BROKEN_CALL, RESULT, CLEAN[1]], {"arguments_not_json"}),
        ([user("Where?"), assistant("It is cafÃ© Moka.")], {"mojibake"}),
        ([user("Where?"), assistant("In the café, SÃO PAULO")], set()),
        ([user("Where?"), assistant("It shows `cafÃ©` for café.")], set()),
        ([user("Who\x07 is it?"), CLEAN[1]], {"control_characters"}),
        ([user("Tab\tand\nline\r\nends?"), CLEAN[1]], set()),
        ([user("Who\u200b is it?"), CLEAN[1]], {"zero_width"}),
        ([user("می\u200cخواهم"), assistant("👩\u200d🍳")], set()),
        ([user("Cafe\u0301?"), CLEAN[1]], {"not_nfc"}),
        ([user("A caf\ufffd?"), CLEAN[1]], {"replacement_characters"}),
        ([user("What is `\ufffd`?"), CLEAN[1]], set()),
        ([CLEAN[0], assistant("On the way.<|im_end|>")], {"markup_leak"}),
        ([CLEAN[0], assistant("A turn ends with `<|im_end|>`.\n```\n[INST] x [/INST]\n```")], set()),
        ([user("What is <|im_end|>?"), assistant("A marker.")], set()),
        ([CLEAN[0], assistant('"where is  my parcel?"')], {"echoed_response"}),
        ([CLEAN[0], assistant("and then the next " * 12)], {"repeated_ngrams"}),
    ],
)
def test_the_plain_definition_of_each_kind(messages: list[Message], kinds: set[str]) -> None:
    assert kinds_of({"messages": messages, "source": "test"}) == kinds


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"messages": [', "not_json"),
        (b"[1, 2]", "not_json"),
        ('{"a": "é"}'.encode("latin-1"), "not_utf8"),
        (b'{"a": NaN}', "nan_or_infinity"),
        (b'{"a": -Infinity}', "nan_or_infinity"),
        (b'{"a": 1e999}', "number_overflow"),
        (b'{"a": 1, "a": 2}', "repeated_key"),
        (rb'{"a": "\ud83d"}', "lone_surrogate"),
        (rb'{"a": "\ud83d\ude00"}', None),
        (b'{"a": 1} {"a": 2}', "extra_data"),
        (b'{"a": 1}  ', None),
    ],
)
def test_what_makes_a_line_no_record(line: bytes, reason: str | None) -> None:
    found = parsed(line)
    assert found == reason if reason else isinstance(found, dict)


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(DEFECTS)))
def test_a_defect_shows_or_leaves_the_record_alone(seed: int, kind: str) -> None:
    draw = Draw(seed)
    record = copy.deepcopy(conversation(draw))
    before = copy.deepcopy(record)
    if not DEFECTS[kind](draw, record):
        assert record == before
    elif kind == "refusal":
        assert looks_refused(record, REFUSALS)
    elif kind == "truncation":
        assert looks_truncated(record)
    else:
        assert kind in kinds_of(record)


@given(seed=st.integers(0, 2**32), make=st.sampled_from(LOOKALIKES))
def test_a_lookalike_bears_nothing(seed: int, make: object) -> None:
    record = make(Draw(seed))  # type: ignore[operator]
    assert kinds_of(record) == set()


def test_honest_repetition_repeats() -> None:
    draw = Draw(5)
    shares = [repeated_share(texts(lookalikes.repetition(draw), "assistant")[0]) for _ in range(200)]
    assert sum(share > 0.1 for share in shares) > 60
    assert max(shares) < 0.5


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), min_size=0, max_size=14).map(" ".join)


@given(st.lists(WORDS, max_size=12), st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_the_join_is_brute_force(documents: list[str], threshold: float) -> None:
    sets = [plain_shingles(document) for document in documents]
    wanted = [
        (a, b, plain_jaccard(sets[a], sets[b]))
        for a, b in combinations(range(len(sets)), 2)
        if plain_jaccard(sets[a], sets[b]) >= threshold
    ]
    assert near_pairs(documents, threshold) == wanted


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_words_are_those_of_the_pattern(text: str) -> None:
    assert word_list(text) == re.findall(r"\w+", text.lower())


@given(WORDS, WORDS)
def test_shingles_and_jaccard_are_the_plain_ones(a: str, b: str) -> None:
    assert shingles(a) == plain_shingles(a)
    assert jaccard(shingles(a), shingles(b)) == plain_jaccard(plain_shingles(a), plain_shingles(b))
