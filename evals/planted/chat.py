"""A messy chat dataset whose truth is known: believable conversations, planted defects and look-alikes.

It knows how much of everything to plant and where. It does not know how a defect looks (defects.py), what
makes a line defective in the end (truth.py), or who should find it (scoring.py).
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ...tools.errors import Misuse
from .defects import DEFECTS, REFUSALS, edit, exchange_sentence
from .draw import Draw
from .messages import Record
from .topics import SHARED_SYSTEM_PROMPT, SYSTEM_PROMPTS, conversation, lookalikes
from .truth import (
    DECOYS,
    Truth,
    clusters,
    dialogue,
    jaccard,
    kinds_of,
    looks_refused,
    looks_truncated,
    parsed,
    shingles,
)

# Shares of all lines. Defects that need something rare (tools, accents) come first, while there is choice.
DEFECT_DOSES: Final = {
    "tool_call_without_result": 0.004,
    "tool_result_without_call": 0.003,
    "arguments_not_json": 0.003,
    "mojibake": 0.02,
    "not_nfc": 0.005,
    "truncation": 0.015,
    "role_order": 0.006,
    "last_turn_not_assistant": 0.008,
    "empty_turn": 0.004,
    "unknown_role": 0.004,
    "no_messages": 0.001,
    "control_characters": 0.008,
    "zero_width": 0.008,
    "markup_leak": 0.012,
    "empty_response": 0.01,
    "echoed_response": 0.008,
    "repeated_ngrams": 0.012,
    "replacement_characters": 0.008,
    "refusal": 0.015,
}
SECOND_DEFECTS: Final = {
    ("mojibake", "markup_leak"): 0.001,
    ("zero_width", "role_order"): 0.001,
    ("control_characters", "repeated_ngrams"): 0.001,
    ("replacement_characters", "zero_width"): 0.001,
    ("truncation", "control_characters"): 0.001,
    ("markup_leak", "unknown_role"): 0.0005,
    ("mojibake", "empty_turn"): 0.0005,
}
COPY_DOSES: Final = {
    "exact_duplicate": 0.02,
    "reserialized_duplicate": 0.01,
    "near_duplicate": 0.025,
    "near_miss": 0.015,
}
LOOKALIKE_DOSES: Final[dict[Callable[[Draw], Record], float]] = {
    lookalikes.quoted_markup: 0.006,
    lookalikes.quoted_damage: 0.002,
    lookalikes.repetition: 0.01,
    lookalikes.joiner: 0.008,
    lookalikes.echo: 0.003,
}
BAD_DOSES: Final = {
    "not_json": 0.003,
    "not_utf8": 0.0015,
    "nan_or_infinity": 0.0012,
    "extra_data": 0.0006,
    "repeated_key": 0.0006,
    "lone_surrogate": 0.0006,
    "number_overflow": 0.0005,
}
SHARED_PROMPT_DOSE: Final = 0.4
OWN_PROMPT_DOSE: Final = 0.15

NEAR_EDIT: Final = 0.72
"""Least Jaccard to which a copy is edited away from the others of its family."""

LONG: Final = 50
"""Shingles that an original must have for its edited copies to be near-duplicates."""

NEAR_MISS: Final = (0.45, 0.62)
"""Jaccard of a pair that looks alike and must be kept."""


@dataclass(frozen=True, slots=True)
class PlantedChat:
    """JSON lines without their line ends, and what is wrong with each."""

    seed: int
    lines: tuple[bytes, ...]
    truth: Truth

    @property
    def jsonl(self) -> bytes:
        """The file."""
        return b"".join(line + b"\n" for line in self.lines)


@dataclass(slots=True)
class _Row:
    record: Record
    decoys: set[str] = field(default_factory=set)
    beside: int = -1
    """Of a near miss: which row it resembles."""
    raw: bytes = b""
    """The line, where it is not the plain JSON of the record."""
    planted: set[str] = field(default_factory=set)

    @property
    def line(self) -> bytes:
        return self.raw or _plain_json(self.record)


def generate(seed: int = 7, rows: int = 5000) -> PlantedChat:
    """A messages-format dataset of `rows` lines and its truth; the same for the same seed on every Python.

    Lines are cut by b"\\n" alone and numbered from 1. Raises Misuse below one row.
    """
    if rows < 1:
        raise Misuse(f"A dataset of {rows} rows cannot be made.", next_step="Ask for one row or more.")
    draw = Draw(seed)
    copies = {kind: round(rows * dose) for kind, dose in COPY_DOSES.items()}
    bad = {kind: int(rows * dose) for kind, dose in BAD_DOSES.items()}
    table = _originals(draw, rows, rows - sum(copies.values()) - sum(bad.values()))
    untouched = _damage(draw, rows, [i for i in draw.shuffled(range(len(table))) if not table[i].decoys], table)
    _copy(draw, copies, untouched, table)
    table += [_Row(conversation(draw)) for _ in range(rows - sum(bad.values()) - len(table))]
    table += [_bad(draw, kind) for kind, times in bad.items() for _ in range(times)]
    order = draw.shuffled(range(len(table)))
    lines = tuple(table[i].line for i in order)
    return PlantedChat(seed, lines, _truth(lines, order, table))


def _originals(draw: Draw, rows: int, wanted: int) -> list[_Row]:
    table = [
        _Row(make(draw), {make.__name__}) for make, dose in LOOKALIKE_DOSES.items() for _ in range(round(rows * dose))
    ]
    table += [_Row(conversation(draw)) for _ in range(wanted - len(table))]
    for row in table:
        which = draw.below(1000) / 1000
        if which < SHARED_PROMPT_DOSE:
            row.record["messages"].insert(0, {"role": "system", "content": SHARED_SYSTEM_PROMPT})
        elif which < SHARED_PROMPT_DOSE + OWN_PROMPT_DOSE:
            row.record["messages"].insert(0, {"role": "system", "content": draw.pick(SYSTEM_PROMPTS)})
    return table


def _damage(draw: Draw, rows: int, free: list[int], table: list[_Row]) -> list[int]:
    """Breaks rows out of `free`, each by one or two defects; returns those left whole."""
    plan: list[tuple[tuple[str, ...], float]] = [((kind,), dose) for kind, dose in DEFECT_DOSES.items()]
    for kinds, dose in [*SECOND_DEFECTS.items(), *plan]:
        left, kept = round(rows * dose), []
        for at in free:
            if left and DEFECTS[kinds[0]](draw, table[at].record):
                table[at].planted |= {kind for kind in kinds[1:] if DEFECTS[kind](draw, table[at].record)}
                table[at].planted.add(kinds[0])
                left -= 1
            else:
                kept.append(at)
        free = kept
    return free


# --- Copies ---


def _copy(draw: Draw, wanted: dict[str, int], untouched: Sequence[int], table: list[_Row]) -> None:
    """Adds copies of rows without defect, each original in one cluster; fewer where originals run out."""
    by_source: defaultdict[str, list[Record]] = defaultdict(list)
    for at in untouched:
        by_source[table[at].record["source"]].append(table[at].record)
    todo = [kind for kind, times in wanted.items() for _ in range(times)]
    for at in untouched:
        if not todo:
            return
        original, kind = table[at].record, todo[-1]
        same = min(todo.count(kind), (1, 1, 1, 2, 3)[draw.below(5)])
        if kind == "near_miss":
            donors = by_source[original["source"]]
            made = [_Row(record, {kind}, at) for record in _near_miss(draw, original, donors)]
        elif kind == "near_duplicate":
            made = [_Row(record) for record in _near_copies(draw, original, min(same, 2))]
        elif kind == "reserialized_duplicate":
            made = [_Row(original, raw=_other_json(draw, original)) for _ in range(same)]
        else:
            made = [_Row(original) for _ in range(same)]
        table += made
        del todo[len(todo) - len(made) :]


def _near_copies(draw: Draw, original: Record, times: int) -> list[Record]:
    """Copies with up to seven small edits each, as many as leave every two of the family near-duplicates."""
    family = [original]
    sets = [shingles(dialogue(original))]
    for _ in range(times if len(sets[0]) >= LONG else 0):
        trial, best = copy.deepcopy(original), original
        for _ in range(draw.between(1, 7)):
            edit(draw, trial)
            found = shingles(dialogue(trial))
            if min(jaccard(found, other) for other in sets) < NEAR_EDIT:
                break
            best = copy.deepcopy(trial)
        if best not in family:
            family.append(best)
            sets.append(shingles(dialogue(best)))
    return family[1:]


def _near_miss(draw: Draw, original: Record, donors: Sequence[Record]) -> list[Record]:
    """A copy with donors' sentences put in until their Jaccard lies in NEAR_MISS; none if it never does."""
    whole, trial = shingles(dialogue(original)), copy.deepcopy(original)
    for _ in range(12):
        exchange_sentence(draw, trial, draw.pick(donors))
        score = jaccard(whole, shingles(dialogue(trial)))
        if score <= NEAR_MISS[1]:
            return [trial] if score >= NEAR_MISS[0] else []
    return []


# --- Lines ---


def _plain_json(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8")


def _other_json(draw: Draw, record: Record) -> bytes:
    """The same record in other bytes: keys in another order, other white space, letters as escapes or not."""
    turned = {key: record[key] for key in reversed(record)}
    turned["messages"] = [{key: message[key] for key in reversed(message)} for message in record["messages"]]
    separators = draw.pick(((",", ":"), (", ", ": "), (" , ", " : ")))
    return json.dumps(turned, ensure_ascii=draw.chance(0.5), separators=separators).encode("utf-8")


def _bad(draw: Draw, kind: str) -> _Row:
    """A line that is no record."""
    record = conversation(draw)
    line = _plain_json(record)
    score = {
        "nan_or_infinity": draw.pick((b"NaN", b"Infinity", b"-Infinity")),
        "number_overflow": b"1e999",
        "lone_surrogate": rb'"\ud83d"',
        "repeated_key": b'0.5, "score": 0.7',
    }
    if kind in score:
        raw = line[:-1] + b', "score": ' + score[kind] + b"}"
    elif kind == "extra_data":
        raw = line + draw.pick((b" ", b"")) + _plain_json(conversation(draw))
    elif kind == "not_utf8":
        name = draw.pick(("José", "Müller", "Françoise", "Malmö"))
        raw = line[:-1] + b', "author": "' + name.encode("latin-1") + b'"}'
    else:
        cut = line[: draw.between(20, len(line) - 2)].decode("utf-8", "ignore").encode("utf-8")
        warning = f"WARN worker {draw.below(90)}: retry {draw.below(9)} of export shard {draw.below(900)}"
        raw = draw.pick((cut, cut, line[:-1] + b",}", repr(record).encode("utf-8"), warning.encode("ascii")))
    return _Row(record, raw=raw)


# --- Truth ---


def _truth(lines: Sequence[bytes], order: Sequence[int], table: Sequence[_Row]) -> Truth:
    """Reads the finished lines again; of what was planted on purpose, only what they still show counts."""
    kinds: dict[int, set[str]] = {}
    records: dict[int, Record] = {}
    for number, (line, at) in enumerate(zip(lines, order, strict=True), 1):
        record = parsed(line)
        if isinstance(record, str):
            kinds[number] = {record}
            continue
        records[number] = record
        kinds[number] = kinds_of(record)
        if "refusal" in table[at].planted and looks_refused(record, REFUSALS):
            kinds[number].add("refusal")
        if "truncation" in table[at].planted and looks_truncated(record):
            kinds[number].add("truncation")
    found = clusters(lines, records)
    for cluster in found:
        for number in cluster.lines:
            kinds[number].add(cluster.kind)
    line_of = {at: number for number, at in enumerate(order, 1)}
    misses = []
    decoys: dict[int, frozenset[str]] = {}
    for number, record in records.items():
        row = table[order[number - 1]]
        looks = set(row.decoys)
        if record["messages"] and record["messages"][0]["content"] == SHARED_SYSTEM_PROMPT:
            looks.add("shared_system_prompt")
        if row.beside >= 0:
            other = line_of[row.beside]
            score = jaccard(shingles(dialogue(record)), shingles(dialogue(records[other])))
            misses.append((number, other, score))
        honest = frozenset(look for look in looks if kinds[number].isdisjoint(DECOYS[look]))
        if honest:
            decoys[number] = honest
    return Truth({n: frozenset(k) for n, k in kinds.items() if k}, decoys, tuple(found), tuple(misses))
