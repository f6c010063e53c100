"""What it means that a row and an item share words: a verdict on the pair, and the strongest one for the item.

It knows the rules and their thresholds. It does not know how pairs are found or reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, get_args

import numpy as np

from ..store.format.pieces import Piece
from ..text.align import Extended, Overlap, Places, Vocabulary, Words, covered, overlap, spans
from ..text.tokens import Hashes, run_hashes
from ._benchmark import SEED, SHORTEST, Benchmark
from ._items import PARTS, Item
from ._quoted import quoted

Verdict = Literal[
    "exact", "near_verbatim", "rephrased", "partial", "answer_only", "undecided", "boilerplate", "not_checkable",
    "no_evidence",
]  # fmt: skip
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
"""The strongest first: an item's verdict is the first that any row gives it."""

CONTAMINATED: Final = ("exact", "near_verbatim", "rephrased")

LONG: Final = 13
"""Words a match must have to be near-verbatim, unless it is a whole question of 8 to 12."""

HALF: Final = 0.5
IDF_COVERAGE: Final = 0.8
IDF_WORDS: Final = 20
PARTIAL: Final = 0.25
OWN: Final = 5
"""Words of a match that must lie outside of boilerplate."""

ANSWER_NEAR: Final = 100
"""An answer counts as present when it stands so many words or fewer before or after the question."""

SPANS: Final = 20


@dataclass(frozen=True)
class Part:
    """A part of an item made ready to be compared: runs of `n` words, which of them are boilerplate, their weights."""

    words: Words
    numbers: np.ndarray
    n: int
    boilerplate: np.ndarray
    weights: np.ndarray
    quoted: np.ndarray

    @cached_property
    def own(self) -> np.ndarray:
        """Words that are neither inside a boilerplate run nor a quotation."""
        mine: np.ndarray = ~(covered(self.boilerplate, self.n, len(self.words)) | self.quoted)
        return mine


@dataclass(frozen=True)
class Pair:
    """What a row and an item share. `taken`: for each word of the row, does the item's match use it?"""

    row: int
    item: int
    verdict: Verdict
    reason: str
    part: str = ""
    scores: dict[str, Any] = field(default_factory=dict)
    spans: Sequence[dict[str, Any]] = ()
    taken: np.ndarray = field(default_factory=lambda: np.empty(0, bool))

    @property
    def rank(self) -> tuple[int, float, int, int]:
        """For sorting, the strongest first."""
        return VERDICTS.index(self.verdict), -float(self.scores.get("coverage", 0.0)), self.row, self.item

    def to_json(self, benchmark: Benchmark) -> dict[str, Any]:
        item = benchmark.items[self.item]
        told = {"item": item.name, "number": item.number, "verdict": self.verdict, "reason": self.reason}
        return {**told, "part": self.part, **self.scores, "spans": list(self.spans[:SPANS])}


@dataclass(frozen=True)
class RowText:
    """A row made ready to be compared."""

    position: int
    pieces: Sequence[Piece]
    words: Sequence[Words]
    numbers: np.ndarray

    @cached_property
    def places(self) -> Places:
        return Places(self.numbers)

    @classmethod
    def of(cls, position: int, pieces: Sequence[Piece], vocabulary: Vocabulary) -> RowText:
        words = [Words.of(piece.text) for piece in pieces]
        return cls(position, pieces, words, vocabulary.numbers([word for one in words for word in one.word]))


class Judge:
    """Gives verdicts on pairs of one benchmark. `boilerplate` are hashes of runs that are nobody's own, ascending."""

    def __init__(self, benchmark: Benchmark, boilerplate: Hashes, vocabulary: Vocabulary) -> None:
        self.benchmark = benchmark
        self._boilerplate = boilerplate
        self._vocabulary = vocabulary
        self._parts: dict[tuple[int, str], Part | None] = {}
        index = benchmark.indexes[SEED]
        self._seen = index.hashes
        self._frequency = benchmark.frequency(SEED)

    def row(self, row: RowText, items: Sequence[int], exact: Sequence[int]) -> list[Pair]:
        """Verdicts on one row and some items, the strongest first; pairs without evidence are left out."""
        pairs = [self._pair(row, self.benchmark.items[item], item in exact) for item in items]
        found = [pair for pair in pairs if pair.verdict != "no_evidence"]
        sure = [pair for pair in found if pair.verdict in CONTAMINATED]
        return sorted((_attributed(pair, sure, self.benchmark) for pair in found), key=lambda pair: pair.rank)

    def _pair(self, row: RowText, item: Item, exact: bool) -> Pair:
        found: dict[str, tuple[Part, Overlap]] = {}
        for name in PARTS:
            part = self._part(item, name, exact)
            if part is not None:
                found[name] = part, overlap(part.numbers, row.numbers, part.n, row.places)
        told = {name: _strength(*one) for name, one in found.items()}
        verdict, reason, name = _verdict(told)
        if exact:
            verdict, reason, name = "exact", "the same words", "question"
        if name not in found:
            return Pair(row.position, item.number, verdict, reason)
        part, shared = found[name]
        return Pair(row.position, item.number, verdict, reason, name, self._scores(part, shared, row, item),
                    _spans(found, row), _taken(found, row))  # fmt: skip

    def _scores(self, part: Part, shared: Overlap, row: RowText, item: Item) -> dict[str, Any]:
        own = part.own
        return {
            "words": shared.size,
            "longest": shared.longest,
            "coverage": _share(shared.covered & own, own),
            "idf_coverage": round(shared.idf_coverage(part.weights), 6),
            "token_match": round(shared.token_match, 6),
            "ngram_match": round(shared.ngram_match, 6),
            "token_extend": round(shared.token_extend, 6),
            "longest_match": round(shared.longest_match, 6),
            "answer_present": self._answered(shared, row, item),
        }

    def _answered(self, shared: Overlap, row: RowText, item: Item) -> bool | None:
        """Does the answer stand near the match? None for an item without one."""
        answer = item.answer_words
        if not answer or not shared.extended:
            return None if not answer else False
        runs = shared.extended[0].runs
        low, high = runs[0].row, runs[-1].row + runs[-1].length
        wanted = self._vocabulary.numbers(answer[:ANSWER_NEAR])
        before, after = row.numbers[max(low - ANSWER_NEAR, 0) : low], row.numbers[high : high + ANSWER_NEAR]
        return any(_holds(stretch, wanted) for stretch in (before, after))

    def _part(self, item: Item, name: str, exact: bool) -> Part | None:
        key = item.number, f"{name}!" if exact else name
        if key not in self._parts:
            self._parts[key] = self._ready(item, name, exact)
        return self._parts[key]

    def _ready(self, item: Item, name: str, exact: bool) -> Part | None:
        words = Words.of(item.parts.get(name, ""))
        least = 1 if exact else SHORTEST if name == "question" else SEED
        if len(words) < least:
            return None
        n = min(SEED, len(words))
        gram = run_hashes(self.benchmark.parts(name).document(item.number), n)
        _, common = _found(self._boilerplate, gram)
        frequency = np.ones(len(gram), np.int64)
        if n == SEED and len(self._seen):
            at, known = _found(self._seen, gram)
            frequency = np.where(known, self._frequency[at], 1)
        weights = np.log1p(len(self.benchmark.items) / np.maximum(frequency, 1))
        numbers = self._vocabulary.numbers(words.word)
        return Part(words, numbers, n, common, weights, quoted(item.parts[name], words))


def _found(ascending: Hashes, wanted: Hashes) -> tuple[np.ndarray, np.ndarray]:
    """(the place of each among the ascending, is it there?)"""
    if not len(ascending):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return at, ascending[at] == wanted


Strength = Literal["near", "some", "weak", "boilerplate", "none"]


def _strength(part: Part, shared: Overlap) -> tuple[Strength, str]:
    """How much of one part a row holds, and why."""
    if not shared.grams.any():
        return "none", ""
    own = part.own
    mine = shared.covered & own
    best = max(shared.extended, key=lambda one: (_own_words(one, own), one.matched))
    count = _own_words(best, own)
    if not count:
        inside = (shared.covered & part.quoted).any()
        return "boilerplate", "a quotation" if inside else "runs that stand in many items or rows"
    if shared.size >= SEED and best.matched == shared.size:
        return "near", "all of its words"
    if best.matched >= LONG and count >= OWN and count >= HALF * own.sum():
        return "near", f"{best.matched} of {shared.size} words in one match"
    if mine.sum() >= IDF_WORDS and shared.idf_coverage(part.weights) >= IDF_COVERAGE:
        return "near", f"{int(mine.sum())} of {shared.size} words in runs of {part.n}"
    if mine.sum() >= PARTIAL * own.sum():
        return "some", f"{int(mine.sum())} of {shared.size} words in runs of {part.n}"
    return "weak", ""


def _verdict(told: dict[str, tuple[Strength, str]]) -> tuple[Verdict, str, str]:
    """-> (verdict, reason, the part it rests on)."""
    question, why = told.get("question", ("none", ""))
    if question == "near":
        return "near_verbatim", why, "question"
    if question == "some":
        return "partial", why, "question"
    for name in ("passage", "options"):
        if told.get(name, ("none", ""))[0] == "near":
            return "partial", f"{name} only: {told[name][1]}", name
    if told.get("answer", ("none", ""))[0] == "near":
        return "answer_only", told["answer"][1], "answer"
    if question != "weak":
        for name, (strength, reason) in told.items():
            if strength == "boilerplate":
                return "boilerplate", reason, name
    return "no_evidence", "", ""


def _attributed(pair: Pair, sure: Sequence[Pair], benchmark: Benchmark) -> Pair:
    """A weak match all of whose words belong to another item's strong match is that item's."""
    if pair.verdict in CONTAMINATED or not len(pair.taken):
        return pair
    for other in sure:
        if not (pair.taken & ~other.taken).any():
            reason = f"words of item {benchmark.items[other.item].name}"
            return replace(pair, verdict="boilerplate", reason=reason)
    return pair


def _own_words(match: Extended, own: np.ndarray) -> int:
    return sum(int(own[run.item : run.item + run.length].sum()) for run in match.runs)


def _share(hits: np.ndarray, of: np.ndarray) -> float:
    return round(float(hits.sum()) / max(int(of.sum()), 1), 6)


def _taken(found: dict[str, tuple[Part, Overlap]], row: RowText) -> np.ndarray:
    taken = np.zeros(len(row.numbers), bool)
    for _, shared in found.values():
        for match in shared.extended:
            for run in match.runs:
                taken[run.row : run.row + run.length] = True
    return taken


def _spans(found: dict[str, tuple[Part, Overlap]], row: RowText) -> list[dict[str, Any]]:
    """Two-sided spans, the longest matches of each part first."""
    told = []
    for name, (part, shared) in found.items():
        for match in shared.extended[:SPANS]:
            for span in spans(match.runs, part.words, row.words):
                told.append(
                    {
                        "path": list(row.pieces[span.piece].path),
                        "start": span.start,
                        "end": span.end,
                        "part": name,
                        "item_start": span.item_start,
                        "item_end": span.item_end,
                    }
                )
    return told[:SPANS]


def _holds(text: np.ndarray, wanted: np.ndarray) -> bool:
    """Does the stretch hold these words in a row?"""
    if len(text) < len(wanted):
        return False
    windows = np.lib.stride_tricks.sliding_window_view(text, len(wanted))
    return bool((windows == wanted).all(axis=1).any())
