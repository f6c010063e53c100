"""Everything a profile knows about a version: one pass, and one more for languages and near-duplicates.

It knows which measure looks at which format. It does not know what is good or bad: that is what findings say.
"""

from __future__ import annotations

import zlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Final

import numpy as np

from ..context import Progress, silent
from ..dedup._order import EVALUATION_SPLITS
from ..dedup.exact import normalized_keys, repetitions
from ..dedup.near import IN_MEMORY
from ..store.format.mapping import Mapping
from ..store.packs import fixed_bytes
from ..store.rows import Rows, parse_records
from ..text.language import languages
from ..text.near.shingles import shingle_sets
from ..text.near.similarity import near_duplicates
from .measures.checks import Checks
from .measures.columns import Table
from .measures.counting import Hits, Lengths, scramble
from .measures.dialogue import Dialogue
from .measures.preference import Preference, Verdicts
from .measures.redundancy import Codes, keys, occurrence
from .measures.seen import CHATS, Seen, picked, stretches

SAMPLED_LANGUAGES: Final = 2_000
HOLDS: Final = {
    "code fences": ("```", "~~~"),
    "links": ("http://", "https://"),
    "lists": ("\n- ", "\n* ", "\n1. ", "\n1) "),
    "headings or bold": ("\n# ", "\n## ", "\n### ", "**"),
}
"""What a text may hold, and the marks of it."""


@dataclass(frozen=True)
class Languages:
    """The language `codes` of the rows at `positions`; `rows` is how many there are in all."""

    positions: np.ndarray
    codes: list[str]
    rows: int

    @property
    def examined(self) -> int:
        return len(self.codes)

    @property
    def shares(self) -> list[tuple[str, int]]:
        """(code, rows), the most frequent first."""
        return sorted(Counter(self.codes).items(), key=lambda item: (-item[1], item[0]))


@dataclass(frozen=True)
class NearCopies:
    """Rows (ascending) that nearly repeat a kept one, by `threshold` of Jaccard similarity; exact copies left out."""

    rows: np.ndarray
    survivors: np.ndarray
    jaccard: np.ndarray
    threshold: float


class Measured:
    """All measures of one version. What a format has no use for is None."""

    def __init__(self, mapping: Mapping, field: str, seed: int) -> None:
        self.mapping = mapping
        self.field = field
        self.seed = seed
        self.rows = 0
        self.sources = Codes()
        self.splits = Codes()
        self.table = Table(seed)
        self.lengths = Lengths()
        self.blank = Hits()
        self.holds: Counter[str] = Counter()
        self.checks = Checks(mapping)
        spoken = mapping.format != "table"
        self.dialogue = Dialogue() if spoken else None
        self.preference = Preference() if mapping.format == "preference" else None
        self.verdicts = Verdicts() if mapping.format == "unpaired-preference" else None
        self.languages: Languages | None = None
        self.near: NearCopies | None = None
        self._arrays: dict[str, list[np.ndarray]] = {}

    @property
    def has_text(self) -> bool:
        """Whether there is a text to speak of; a table read as a whole has none."""
        return self.mapping.format != "table" or self.field != "all"

    @property
    def has_prompts(self) -> bool:
        return self.mapping.format in CHATS or self.preference is not None

    @property
    def compared(self) -> str:
        """What two rows must have in common to be copies: the text of a field, or the whole record."""
        return "text" if self.has_text and self.preference is None and self.verdicts is None else "record"

    def array(self, name: str) -> np.ndarray:
        """One number a row: record, text, prompt and answer are keys, source and split codes."""
        parts = self._arrays.get(name, [])
        if len(parts) > 1:
            self._arrays[name] = parts = [np.concatenate(parts)]
        return parts[0] if parts else np.empty(0, np.int64)

    def see(self, seen: Seen) -> None:
        """Take one stretch of rows into every measure that its format has a use for."""
        self.rows += len(seen)
        self.table.see(seen.start, seen.records)
        self._keep("source", self.sources.of(seen.values("source")))
        self._keep("split", self.splits.of(seen.values("split")))
        self._keep("record", fixed_bytes(seen.table.column("content_sha"))[:, :8].copy().view(np.int64).reshape(-1))
        self.checks.see(seen)
        if not self.has_text:
            return
        self._see_texts(seen)
        if self.dialogue is not None:
            self.dialogue.see(seen)
        if self.has_prompts:
            self._keep("prompt", keys(seen.prompts))
            self._keep("answer", keys(seen.responses))
        for measure in (self.preference, self.verdicts):
            if measure is not None:
                measure.see(seen)

    def _see_texts(self, seen: Seen) -> None:
        self.lengths.update(map(len, seen.texts))
        for i, text in enumerate(seen.texts):
            if not text or text.isspace():
                self.blank.add("blank", seen.start + i)
            for what, marks in HOLDS.items():
                if any(mark in text for mark in marks):
                    self.holds[what] += 1
        self._keep("text", keys(seen.texts))
        content = [zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in seen.texts]
        self._keep("content", np.array(content, np.uint64))

    def _keep(self, name: str, numbers: np.ndarray) -> None:
        self._arrays.setdefault(name, []).append(numbers)

    def chosen_rows(self, count: int) -> np.ndarray:
        """Positions, ascending, of `count` rows chosen by a hash of their text: the same after an export.

        Copies of a text are told apart by counting them, so that one text repeated a thousand times does not
        come as a thousand rows or none.
        """
        content = self.array("content").astype(np.uint64)
        mixed = scramble(scramble(content ^ scramble(self.seed)) + occurrence(content).astype(np.uint64))
        if count >= len(mixed):
            return np.arange(len(mixed))
        return np.sort(np.argsort(mixed, kind="stable")[:count])


def measure(
    rows: Rows,
    *,
    field: str,
    seed: int = 0,
    sampled_languages: int = SAMPLED_LANGUAGES,
    near_threshold: float | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> Measured:
    """Measure a version. `field` is a resolved field; languages are identified in `sampled_languages` rows.

    Near-duplicates are looked for when `near_threshold` is given; they take 8 bytes of memory a word.
    """
    found = Measured(rows.mapping, field, seed)
    for seen in stretches(rows, field, ("record", "content_sha", "source", "split")):
        found.see(seen)
        progress(found.rows, len(rows))
    if found.has_text and found.rows:
        if sampled_languages:
            found.languages = _languages(rows, field, found.chosen_rows(sampled_languages))
        if near_threshold is not None and found.compared == "text":
            found.near = _near(rows, found, near_threshold, threads)
    return found


def _languages(rows: Rows, field: str, positions: np.ndarray) -> Languages:
    reader = rows.mapping.reader(field)
    codes: list[str] = []
    for table in picked(rows, positions, ("record",)):
        codes += languages(map(reader, parse_records(table.column("record"))))
    return Languages(positions, codes, len(rows))


def _near(rows: Rows, measured: Measured, threshold: float, threads: int) -> NearCopies:
    """What `dedup.near` would drop, less the exact copies."""
    with ExitStack() as stack:
        spill = stack.enter_context(TemporaryFile()) if len(rows) > IN_MEMORY else None
        sets = shingle_sets(rows.texts(measured.field), threads=threads, spill=spill)
        rank = _keep_ranks(measured)
        found = near_duplicates(sets, threshold=threshold, rank=rank, threads=threads)
        short = sets.too_short
    again, of = repetitions(normalized_keys(rows, short, measured.field), rank[short])
    dropped = np.concatenate([found.dropped, short[again]])
    survivors = np.concatenate([found.survivor, short[of]])
    similarities = np.concatenate([found.jaccard, np.ones(len(again))])
    order = np.argsort(rank, kind="stable")
    exact = np.empty(len(rank), bool)
    exact[order] = occurrence(measured.array("text")[order]) > 0
    new = np.flatnonzero(~exact[dropped])
    new = new[np.argsort(dropped[new])]
    return NearCopies(dropped[new], survivors[new], similarities[new], threshold)


def _keep_ranks(measured: Measured) -> np.ndarray:
    """Rows of an evaluation split stay first, as the dedup tools have it; then the earlier row."""
    order = {name: place for place, name in enumerate(EVALUATION_SPLITS)}
    of_split = np.array([order.get(name, len(order)) for name in measured.splits.names] + [len(order)])
    ranks = np.empty(measured.rows, np.int64)
    ranks[np.argsort(of_split[measured.array("split")], kind="stable")] = np.arange(measured.rows)
    return ranks
