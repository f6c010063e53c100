"""What is wrong with each line, by the plain definition of each kind, read off the finished bytes.

It does not know what was planted on purpose: a defect that another one undid is not found here, one that
arose by accident is. Refusal and truncation have no plain definition; what was planted is confirmed by
`looks_refused` and `looks_truncated`.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, NoReturn, TypeVar

from .messages import Message, Record

SHINGLE: Final = 5
"""Words in a shingle."""

NEAR: Final = 0.7
"""Least Jaccard of two near-duplicates."""

LOOP: Final = 0.5
"""Least share of an answer's word 5-grams that repeat an earlier one, for a degenerate loop."""

DUPLICATES: Final = ("near_duplicate", "exact_duplicate", "reserialized_duplicate")
"""The kinds that take two lines."""

DECOYS: Final[Mapping[str, tuple[str, ...]]] = {
    "quoted_markup": ("markup_leak",),
    "quoted_damage": ("mojibake", "replacement_characters"),
    "repetition": ("repeated_ngrams",),
    "joiner": ("zero_width",),
    "echo": ("echoed_response",),
    "near_miss": DUPLICATES,
    "shared_system_prompt": DUPLICATES,
}
"""Each look-alike and the kinds it must not be taken for; one that truly bears such a kind is none."""

CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ZERO_WIDTH: Final = re.compile("[\u200b\u2060\ufeff]")
MARKUP: Final = re.compile(
    r"<\|(?:im_start|im_end|eot_id|endoftext|start_header_id|end_header_id)\|>|\[/?INST\]|<</?SYS>>|</?s>"
    r"|<(?:start|end)_of_turn>"
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_WORD: Final = re.compile(r"\w+")
_SPACED: Final = "".join(c if c.isalnum() or c == "_" else " " for c in map(chr, range(128)))
_ROLES: Final = ("system", "user", "assistant", "tool")

Shingle = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Lines (1-based, rising), all but one redundant; `jaccard` is that of the least alike two."""

    kind: str
    lines: tuple[int, ...]
    jaccard: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Lines are numbered from 1, as in the file; a line without defect is in none of the mappings.

    kinds: the defects of a line. decoys: what it merely looks like. clusters: exact and near-duplicates; each
    member bears the kind. near_misses: (line, line, Jaccard) of pairs made to fall short.
    """

    kinds: Mapping[int, frozenset[str]]
    decoys: Mapping[int, frozenset[str]]
    clusters: tuple[Cluster, ...]
    near_misses: tuple[tuple[int, int, float], ...]


# --- One line ---


class _BadRecord(ValueError):
    pass


def parsed(line: bytes) -> Record | str:
    """The record of a line, or the reason why it is none."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "not_utf8"
    try:
        value, end = _decoder.raw_decode(text)
    except _BadRecord as bad:
        return str(bad)
    except ValueError:
        return "not_json"
    if text[end:].strip():
        return "extra_data"
    try:
        text if "\\ud" not in text.lower() else json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return "lone_surrogate"
    return value if isinstance(value, dict) else "not_json"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _BadRecord("repeated_key")
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _BadRecord("number_overflow")
    return value


def _constant(name: str) -> NoReturn:
    raise _BadRecord("nan_or_infinity")


_decoder: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_constant)


def texts(record: Record, *roles: str) -> list[str]:
    """The texts of the turns of these roles (all of them when none is named), empty ones included."""
    return [
        message["content"]
        for message in record["messages"]
        if isinstance(message.get("content"), str) and (not roles or message.get("role") in roles)
    ]


def dialogue(record: Record) -> str:
    """User and assistant turns, a line break between two."""
    return "\n".join(texts(record, "user", "assistant"))


def prose(text: str) -> str:
    """The text without code: fenced blocks and backticks."""
    return _CODE.sub(" ", text) if "`" in text else text


def chat_faults(record: Record) -> Iterator[str]:
    """What is wrong with the turns."""
    messages: list[Message] = record["messages"]
    if not messages:
        yield "no_messages"
        return
    roles = [message.get("role") for message in messages]
    if any(role not in _ROLES for role in roles):
        yield "unknown_role"
    elif not _ordered(messages):
        yield "role_order"
    if roles[-1] != "assistant":
        yield "last_turn_not_assistant"
    last = len(messages) - 1
    for i, message in enumerate(messages):
        if not (message.get("content") or "").strip() and not message.get("tool_calls"):
            yield "empty_response" if i == last and message["role"] == "assistant" else "empty_turn"
    calls = [call for message in messages for call in message.get("tool_calls", ())]
    called = {call["id"] for call in calls}
    answered = {message["tool_call_id"] for message in messages if message.get("role") == "tool"}
    if called - answered:
        yield "tool_call_without_result"
    if answered - called:
        yield "tool_result_without_call"
    if any(not _is_json(call["function"]["arguments"]) for call in calls):
        yield "arguments_not_json"


def _ordered(messages: list[Message]) -> bool:
    """One system turn at most, first; then user and assistant in turn, calls and results left aside."""
    spoken = [message for message in messages if message["role"] != "tool" and not message.get("tool_calls")]
    if spoken and spoken[0]["role"] == "system":
        spoken = spoken[1:]
    return all(message["role"] == ("user", "assistant")[i % 2] for i, message in enumerate(spoken))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def text_faults(record: Record) -> Iterator[str]:
    """What is wrong with characters and words; code is left out where it may quote a fault."""
    said = texts(record)
    whole = "\n".join(said)
    if not whole.isascii():
        if any(is_mojibake(prose(text)) for text in said):
            yield "mojibake"
        if ZERO_WIDTH.search(whole):
            yield "zero_width"
        if "\ufffd" in whole and "\ufffd" in prose(whole):
            yield "replacement_characters"
        if not unicodedata.is_normalized("NFC", whole):
            yield "not_nfc"
    if CONTROL.search(whole):
        yield "control_characters"
    answers = texts(record, "assistant")
    if any(MARKUP.search(prose(answer)) for answer in answers):
        yield "markup_leak"
    if any(map(loops, answers)):
        yield "repeated_ngrams"
    asked = texts(record, "user")
    if asked and answers and _plain(asked[-1]) == _plain(answers[-1]) != "":
        yield "echoed_response"


def is_mojibake(text: str) -> bool:
    """Is this UTF-8 that was read as cp1252 or latin-1? Then writing it so gives other UTF-8 text back."""
    if text.isascii():
        return False
    for encoding in ("cp1252", "latin-1"):
        try:
            text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False


def repeated_share(text: str) -> float:
    """Share of a text's 5-grams (words parted by white space) that occurred before; 0 below 20 words."""
    found = text.lower().split()
    total = len(found) - SHINGLE + 1
    return 1 - len(set(_grams(found))) / total if len(found) >= 20 else 0.0


def loops(text: str) -> bool:
    """Is the repeated share LOOP or more? That takes few distinct words, which are cheaper to count."""
    found = text.lower().split()
    return len(set(found)) - SHINGLE < len(found) * LOOP and repeated_share(text) >= LOOP


def _plain(text: str) -> str:
    """Without case, quotation marks around it and the kind of white space."""
    return " ".join(text.lower().split()).strip("\"' ")


def looks_refused(record: Record, openings: Sequence[str]) -> bool:
    answers = texts(record, "assistant")
    return bool(answers) and answers[-1].startswith(tuple(openings))


def looks_truncated(record: Record) -> bool:
    """Does the last answer stop in the middle of a sentence?"""
    answers = texts(record, "assistant")
    return bool(answers) and (answers[-1][-1:].isalpha() or answers[-1][-1:] == ",")


# --- Two lines ---


def word_list(text: str) -> list[str]:
    r"""The runs of `\w` in lower case; for ASCII by a table, which is five times faster than the pattern."""
    text = text.lower()
    return text.translate(_SPACED).split() if text.isascii() else _WORD.findall(text)


def shingles(text: str) -> set[Shingle]:
    """The word 5-grams of a text: the definition behind every Jaccard here."""
    return set(_grams(word_list(text)))


def _grams(found: list[str]) -> Iterator[Shingle]:
    return zip(found, found[1:], found[2:], found[3:], found[4:], strict=False)


def jaccard(a: set[T], b: set[T]) -> float:
    both = len(a & b)
    return both / (len(a) + len(b) - both) if both else 0.0


def near_pairs(documents: Sequence[str], threshold: float = NEAR) -> list[tuple[int, int, float]]:
    """Every pair of documents whose shingles have a Jaccard of `threshold` or more, by a prefix-filter join.

    In any one order of all shingles, two such documents share one of the first |A| - ceil(threshold |A|) + 1
    of each (Chaudhuri, Ganti and Kaushik 2006). Here what repeats in the first two fifths of the documents
    comes last. Hashes only propose pairs; the Jaccard is that of the shingles themselves.
    """
    hashed = [set(map(hash, _grams(word_list(document)))) for document in documents]
    common = _repeated(hashed[: len(hashed) * 2 // 5])
    prefixes = []
    for grams in hashed:
        size = len(grams) - math.ceil(threshold * len(grams) - 1e-9) + 1
        first = sorted(grams - common)[:size]
        prefixes.append(first if len(first) == size else first + sorted(grams & common)[: size - len(first)])
    again = _repeated(prefixes)
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for i, prefix in enumerate(prefixes):
        for gram in again.intersection(prefix):
            holders[gram].append(i)
    least = [threshold * len(grams) - 1e-9 for grams in hashed]
    pairs = {
        (a, b)
        for rows in holders.values()
        for a, b in combinations(rows, 2)
        if least[a] <= len(hashed[b]) and least[b] <= len(hashed[a])
    }
    near = []
    for a, b in sorted(pairs):
        if jaccard(hashed[a], hashed[b]) > threshold - 0.01:
            score = jaccard(shingles(documents[a]), shingles(documents[b]))
            if score >= threshold:
                near.append((a, b, score))
    return near


def _repeated(groups: Iterable[Collection[int]]) -> set[int]:
    """What two groups or more hold."""
    seen: set[int] = set()
    again: set[int] = set()
    for group in groups:
        again |= seen.intersection(group)
        seen.update(group)
    return again


def clusters(lines: Sequence[bytes], records: Mapping[int, Record]) -> list[Cluster]:
    """Exact duplicates (the same record), then near-duplicates among one of each; `records` by line."""
    spoken = {line: dialogue(record) for line, record in records.items()}
    times = Counter(spoken.values())
    same: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line, text in spoken.items():
        whole = json.dumps(records[line], sort_keys=True) if times[text] > 1 else ""
        same[text, whole].append(line)
    found = []
    for members in same.values():
        if len(members) > 1:
            identical = len({lines[line - 1] for line in members}) == 1
            found.append(Cluster("exact_duplicate" if identical else "reserialized_duplicate", tuple(members), 1.0))
    firsts = [members[0] for members in same.values()]
    near = near_pairs([spoken[line] for line in firsts])
    partners: defaultdict[int, set[int]] = defaultdict(set)
    least: dict[int, float] = {}
    for a, b, score in near:
        group = {firsts[a], firsts[b]} | partners[firsts[a]] | partners[firsts[b]]
        low = min([score, *(least.get(line, 1.0) for line in group)])
        for line in group:
            partners[line], least[line] = group, low
    for line in sorted(partners):
        if line == min(partners[line]):
            found.append(Cluster("near_duplicate", tuple(sorted(partners[line])), least[line]))
    return found


Definition = Callable[[Record], Iterator[str]]
FAULTS: Final[tuple[Definition, ...]] = (chat_faults, text_faults)


def kinds_of(record: Record) -> set[str]:
    """All kinds of a record that can be seen without another one."""
    return {kind for definition in FAULTS for kind in definition(record)}
