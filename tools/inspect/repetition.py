"""`inspect.repetition`: which documents repeat, how often, and how much of the words they take up.

It knows equal texts and counts. Which splits or sources share them is `overlap`'s business; nearly equal texts are
`dedup.near`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa

from ..change import Fact, Finding, Report
from ..context import Context
from ..store.rows import Rows
from ..text.tokens import blocks, split_unspaced, words
from ..tool import Arg, TextField, tool
from .measures.redundancy import NOTHING, keys

REPEATS: Final = 100
WORDS_SHARE: Final = 0.1
"""The published point: .1 % of the data, repeated 100 times, makes up .001 * 100 = a tenth of what is read."""

DECAY: Final = 15.387756
"""R*_D of Muennighoff et al. 2023, appendix A: repeated u words n times more, they are worth u * R * (1 - exp(-n / R))
new ones."""

BANDS: Final = (
    (2, "Muennighoff et al. 2023", "4 passes over all data: hardly any loss"),
    (5, "Muennighoff et al. 2023", "each further copy is worth less"),
    (17, "Muennighoff et al. 2023", "a further copy is worth under 1/e"),
    (100, "Hernandez et al. 2022", "0.1 % 100 times: as bad as half the size"),
)
"""From how many copies on a paper says what of them (in full in the tool's text); the third follows from its law,
exp(-16 / R) < 1 / e."""

_OPENING: Final = 80
_EXAMPLES: Final = 5


@tool("inspect.repetition", version=1, effect="reads")
def repetition(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    top: Annotated[int, Arg("how many of the most repeated documents are shown", minimum=0, maximum=1000)] = 10,
) -> Report:
    """Count how often documents repeat exactly, and what share of the words the repeated ones take up.

    Changes nothing. A document is a text of `field`; rows with equal texts hold the same document (told apart by
    64-bit hashes), rows without text hold none. Words are counted as the shingles of dedup.near count them: `\\w+`,
    and single characters of scripts without spaces; a document that stands in n rows gives its words n times.

    What is published, and told as bands of copies with the share of the words in each:
      2 to 4    four passes over all of the data cost hardly any loss against new data, at up to 9B parameters and
                900B tokens (Muennighoff et al. 2023, Scaling Data-Constrained Language Models, arXiv 2305.16264)
      5 to 16   every further copy is worth less: u words repeated n times more are worth u * R * (1 - exp(-n / R))
                new ones, R = 15.39 (the same)
      17 to 99  by that law a further copy is worth less than 1/e of new words
      100       .1 % of the data repeated 100 times, a tenth of what was read, made an 800M-parameter model as bad as
                one of half its size (Hernandez et al. 2022, Scaling Laws and Interpretability of Learning from
                Repeated Data, arXiv 2205.10487); the harm was worst at a middling number of repeats
    Muennighoff et al. repeated all of the data, not single documents, and Hernandez et al. give this point for one
    size of model: where the worst number of repeats lies changes with size. The bands are for orientation.

    Findings:
      repetition.harmful    documents in 100 rows or more take up a tenth of all words or more (warning)
      repetition.documents  rows that hold a document another row holds too (note)

    Facts `repetition.documents` (different texts), `.repeated_documents`, `.repeated_rows` (rows that hold one of
    those), `.repeated_words`, `.words_at_5` and `.words_at_100`: the share of all words in documents of 2, of 5, of 100
    rows or more; `.worth`: the new words that all words are worth by the law above, document by document, as a share;
    `.largest`: rows of the most repeated one. Epochs multiply the copies.
    """
    found = _count(ctx, data, field)
    findings = list(_findings(data, found, field))
    details = {"field": field, "rows": found.rows, "words": found.words, "curve": _curve(found),
               "bands": _bands(found), "top": _top(data, found, field, top)}  # fmt: skip
    return Report(findings, _facts(found, field), {**details, "tables": _tables(details)})


@dataclass(frozen=True)
class Repeated:
    """One entry a document, in order of first appearance: its rows, the words of one copy, the first row.

    `document_of` numbers the document of every row, -1 where there is no text.
    """

    copies: np.ndarray
    size: np.ndarray
    first: np.ndarray
    document_of: np.ndarray

    @property
    def rows(self) -> int:
        return len(self.document_of)

    @property
    def words(self) -> int:
        return int((self.copies * self.size).sum())

    def words_from(self, least: int) -> int:
        """Words in documents of `least` rows or more, all copies counted."""
        often = self.copies >= least
        return int((self.copies * self.size)[often].sum())

    def share_from(self, least: int) -> float:
        return self.words_from(least) / self.words if self.words else 0.0

    @property
    def worth(self) -> float:
        """The new words that all words are worth by the law of Muennighoff et al., document by document, as a share."""
        value = math.fsum((self.size * (1 - DECAY * np.expm1((1 - self.copies) / DECAY))).tolist())
        return value / self.words if self.words else 1.0


def repeated(hashes: np.ndarray, sizes: np.ndarray) -> Repeated:
    """Group rows by the key of their text; `sizes` are the words of each row."""
    some = np.flatnonzero(hashes != NOTHING)
    _, first, inverse, copies = np.unique(hashes[some], return_index=True, return_inverse=True, return_counts=True)
    by_row = np.argsort(first, kind="stable")  # numbered by appearance, whatever the hashes
    number = np.empty(len(first), np.int64)
    number[by_row] = np.arange(len(first))
    document_of = np.full(len(hashes), -1, np.int64)
    document_of[some] = number[inverse]
    places = some[first[by_row]]
    return Repeated(copies[by_row], sizes[places], places, document_of)


def _count(ctx: Context, data: Rows, field: str) -> Repeated:
    hashes, sizes = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    done = 0
    for texts in data.texts(field):
        hashes.append(keys(texts.to_pylist()))
        sizes += _word_counts(texts)
        done += len(texts)
        ctx.progress(done, len(data))
    return repeated(np.concatenate(hashes), np.concatenate(sizes))


def _word_counts(texts: pa.LargeStringArray) -> list[np.ndarray]:
    return [np.diff(split_unspaced(words(block)).first) for block in blocks(texts)]


def _curve(found: Repeated) -> list[dict[str, Any]]:
    """Documents, rows and words by how often a document repeats: once, twice, 3 to 4 times, 5 to 8 times, and so on."""
    bins = np.ceil(np.log2(found.copies)).astype(np.int64)
    curve = []
    for number in np.unique(bins).tolist():
        here = bins == number
        copies = found.copies[here]
        taken = int((copies * found.size[here]).sum())
        low, high = 2 ** (number - 1) + 1 if number else 1, 2**number
        curve.append({"from": low, "to": high, "documents": int(here.sum()), "rows": int(copies.sum()),
                      "words": taken, "words_share": taken / found.words if found.words else 0.0})  # fmt: skip
    return curve


def _bands(found: Repeated) -> list[dict[str, Any]]:
    ends = [least - 1 for least, _, _ in BANDS[1:]]
    return [
        {"from": least, "to": end, "source": source, "says": says,
         "words_share": found.share_from(least) - (found.share_from(end + 1) if end else 0.0)}
        for (least, source, says), end in zip(BANDS, [*ends, None], strict=True)
    ]  # fmt: skip


def _top(data: Rows, found: Repeated, field: str, most: int) -> list[dict[str, Any]]:
    """The most repeated documents, ties by first appearance."""
    order = np.argsort(-found.copies, kind="stable")[:most]
    order = order[found.copies[order] > 1]
    reader = data.mapping.reader(field)
    texts = [reader(record) for record in data.records(found.first[order])] if len(order) else []
    return [
        {"rows": int(found.copies[i]), "words": int(found.size[i]), "position": int(found.first[i]),
         "words_share": int(found.copies[i] * found.size[i]) / found.words if found.words else 0.0,
         "opening": text[:_OPENING]}
        for i, text in zip(order.tolist(), texts, strict=True)
    ]  # fmt: skip


def _findings(data: Rows, found: Repeated, field: str) -> Iterator[Finding]:
    flag = "" if field == data.mapping.default_field else f" --field {field}"
    share = found.share_from(REPEATS)
    if found.words and found.words_from(REPEATS) >= WORDS_SHARE * found.words:
        message = (
            f"Documents that stand in {REPEATS} rows or more take up {share:.1%} of all words; .1 % of the data "
            f"repeated 100 times made an 800M-parameter model as bad as one of half its size (Hernandez et al. 2022)."
        )
        rows = _rows(found, found.copies >= REPEATS)
        yield Finding("repetition.harmful", "warning", message, int(found.copies[found.copies >= REPEATS].sum()),
                      rows=rows, fix=f"dedup.exact{flag}")  # fmt: skip
    twice = found.copies > 1
    if twice.any():
        message = (
            f"{int(twice.sum()):,} documents stand in several rows, up to {int(found.copies.max()):,}; they take up "
            f"{found.share_from(2):.1%} of all words."
        )
        yield Finding("repetition.documents", "note", message, int(found.copies[twice].sum()),
                      rows=_rows(found, twice), fix=f"dedup.exact{flag}")  # fmt: skip


def _rows(found: Repeated, wanted: np.ndarray) -> tuple[int, ...]:
    """The first rows of the most repeated of these documents."""
    some = np.flatnonzero(wanted)
    order = some[np.argsort(-found.copies[some], kind="stable")[:_EXAMPLES]]
    return tuple(sorted(found.first[order].tolist()))


def _facts(found: Repeated, field: str) -> list[Fact]:
    twice = found.copies > 1
    method = f"inspect.repetition, field {field}, equal texts"
    told: list[tuple[str, Any, str]] = [
        ("documents", len(found.copies), "documents"),
        ("repeated_documents", int(twice.sum()), "documents"),
        ("repeated_rows", int(found.copies[twice].sum()), "rows"),
        ("repeated_words", found.share_from(2), "share"),
        ("words_at_5", found.share_from(5), "share"),
        (f"words_at_{REPEATS}", found.share_from(REPEATS), "share"),
        ("worth", found.worth, "share"),
        ("largest", int(found.copies.max(initial=0)), "rows"),
    ]
    return [Fact(f"repetition.{name}", value, unit, method, found.rows) for name, value, unit in told]


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    """The curve, the bands and the most repeated documents, for a terminal."""
    curve = [
        [f"{one['from']:,}" if one["from"] == one["to"] else f"{one['from']:,} to {one['to']:,}",
         f"{one['documents']:,}", f"{one['rows']:,}", f"{one['words_share']:.2%}"]
        for one in details["curve"]
    ]  # fmt: skip
    bands = [
        [f"{one['from']:,} or more" if one["to"] is None else f"{one['from']:,} to {one['to']:,}",
         f"{one['words_share']:.2%}", one["says"], one["source"]]
        for one in details["bands"]
    ]  # fmt: skip
    top = [[f"{one['rows']:,}", f"{one['words_share']:.2%}", one["opening"]] for one in details["top"]]
    return [
        {"head": ["rows of a document", "documents", "rows", "of all words"], "rows": curve, "numbers": [1, 2, 3]},
        {"head": ["rows of a document", "of all words", "what is published", "by"], "rows": bands, "numbers": [1]},
        {"head": ["rows", "of all words", "document"], "rows": top, "numbers": [0, 1]},
    ]
