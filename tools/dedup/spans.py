"""`dedup.spans`: long runs of words that stand in several rows.

It knows which row keeps a run and what is told of the others. How rows that share a run are found is known in
`_shared`, what a word is in `text.tokens`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np

from ..change import Action, Change, Edit, Fact, Outcome, drops
from ..context import Context
from ..store.format.records import Path
from ..store.rows import Rows
from ..text.editable import Editable, editable, says_more
from ..text.near.winnow import Word, placed_words
from ..tool import Arg, TextField, tool
from ._order import keep_ranks
from ._shared import Run, shared_runs
from ._survivors import Survivors
from .exact import field_of

_SPANS_SHOWN: Final = 20
_TOGETHER: Final = 256
"""Rows told at a time; counted from the first, so that packs do not show in the order of decisions."""


@tool("dedup.spans", version=1, reasons=("only_repeated_spans",))
def spans(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    length: Annotated[int, Arg("words a repeated span has at least", threshold=True, minimum=8, maximum=10_000)] = 50,
    action: Annotated[
        Literal["flag", "cut"], Arg("flag: only report the row; cut: take the span out of the later row")
    ] = "flag",
    keep: Annotated[
        str | None, Arg("which row keeps the span: an ORDER BY over the row's columns and `length`", order=True)
    ] = None,
    against: Annotated[
        str | None, Arg("spans of this dataset count as kept there and go from all rows here", dataset=True)
    ] = None,
) -> Change:
    """Report, or cut, spans of 50 words or more that stand in an earlier row too.

    Rows are taken in keep order: those of a test or validation split first, then released ones, then by `keep`, then
    the earlier row. A span is repeated in a row when each run of `length` words in it stands, word for word, in a row
    before; the row that holds it first keeps it. Words are `\\w+` in lower case (single characters where a script has
    no spaces), so case, punctuation and white space do not hide a span. A span never reaches over the end of a turn,
    and repetition within one row is not looked at. Code counts as any other text; tool calls and schemas are not read.

    Rows that share a run are found by winnowing (Schleimer, Wilkerson, Aiken 2003; noise threshold `length` / 2,
    guarantee threshold `length`), which misses none; what is reported was compared word by word with the row that
    keeps it, as the rows stood before anything was cut. Memory: 16 bytes for one word in 13, and 32 bytes for each
    word of runs that repeat; dedup.exact and dedup.near, run first, keep those few.

    Reasons:
      repeated_span        (flag, or edit with `cut`) the row holds repeated spans; the score is their words, each once.
                           Cut from the first word to the last; the punctuation around them stays
      only_repeated_spans  (drop, with `cut`) no word would be left in the row's field, and the row says nothing else.
                           A turn that would lose all words while the row says something else is left whole
    The evidence holds `spans`, up to 20, each the path, the start and the end in the text as it was, and for each in
    `survivors` the row that keeps it (`survivor` is the first); with `against`, `of` gives the version of each row
    that is another dataset's.

    Facts: `dedup.spans.rows`, `.spans` and `.words` that repeat, and `.left_whole`, texts left whole by `cut`.
    """
    others = None if against is None else ctx.rows(against)
    sources = [(data, field)] if others is None else [(data, field), (others, field_of(others, field))]
    rank = np.concatenate([keep_ranks(ctx, data, keep, field), np.arange(0 if others is None else -len(others), 0)])
    by_row = {row: list(group) for row, group in groupby(shared_runs(ctx, sources, rank, length), lambda run: run.row)}
    positions, cut = list(by_row), action == "cut"
    facts: list[Fact] = []

    def outcomes() -> Iterator[Outcome]:
        totals: Counter[str] = Counter()
        for low in range(0, len(positions), _TOGETHER):
            some = positions[low : low + _TOGETHER]
            texts = _Texts(sources, [row for one in some for run in by_row[one] for row in (run.row, run.kept_by)])
            found = [_repeats(one, by_row[one], texts, cut=cut) for one in some]
            yield from _told([one for one in found if one.spans], Survivors(data, others), cut=cut)
            for one in found:
                totals["rows"] += bool(one.spans)
                totals["spans"] += len(one.spans)
                totals["words"] += one.words
                totals["left_whole"] += one.left_whole
        ctx.progress(len(data), len(data))
        method = f"dedup.spans, field {field}, {length} words or more"
        units = {"rows": "rows", "spans": "spans", "words": "words", "left_whole": "texts"}
        facts.extend(Fact(f"dedup.spans.{name}", totals[name], unit, method, len(data)) for name, unit in units.items())

    return Change(outcomes(), facts=facts)


class _Texts:
    """The texts of some rows, read together, and their words."""

    def __init__(self, sources: Sequence[tuple[Rows, str]], rows: Sequence[int]) -> None:
        wanted = np.unique(np.array(rows, np.int64))
        self.mapping = sources[0][0].mapping
        self.records: dict[int, Any] = {}
        self._texts: dict[int, list[Editable]] = {}
        self._words: dict[tuple[int, int], list[Word]] = {}
        start = 0
        for data, field in sources:
            here = wanted[(wanted >= start) & (wanted < start + len(data))]
            for row, record in zip(here.tolist(), data.records(here - start), strict=True):
                self.records[row] = record
                self._texts[row] = editable(record, data.mapping, field)
            start += len(data)

    def of(self, row: int) -> list[Editable]:
        return self._texts[row]

    def words(self, row: int, text: int) -> list[Word]:
        key = (row, text)
        if key not in self._words:
            self._words[key] = placed_words(self._texts[row][text].text)
        return self._words[key]


class _Repeats(NamedTuple):
    """What is repeated in one row, and its new texts if it is cut. `dropped`: no word is left of it."""

    position: int
    changes: tuple[tuple[Path, Any], ...]
    spans: list[tuple[Path, int, int]]
    survivors: list[int]
    words: int
    dropped: bool
    left_whole: int


def _repeats(position: int, runs: Sequence[Run], texts: _Texts, *, cut: bool) -> _Repeats:
    told = [run for run in runs if _same_words(run, texts)]
    said = texts.of(position)
    covered = {text: _merged(list(some)) for text, some in groupby(told, key=lambda run: run.text)}
    words = {text: texts.words(position, text) for text in covered}
    emptied = {text for text, parts in covered.items() if cut and _count(parts) == len(words[text])}
    paths = {path for text in emptied for path in said[text].paths}
    dropped = len(emptied) == len(said) and not says_more(texts.records[position], texts.mapping, paths)
    if not dropped:
        told = [run for run in told if run.text not in emptied]
        covered = {text: parts for text, parts in covered.items() if text not in emptied}
    changes = [
        (path, _without(said[text].text, words[text], parts))
        for text, parts in covered.items()
        for path in said[text].paths
    ]
    return _Repeats(
        position,
        tuple(changes),
        [(said[run.text].paths[0], *_between(words[run.text], run.start, run.end)) for run in told],
        [run.kept_by for run in told],
        sum(map(_count, covered.values())),
        dropped,
        0 if dropped else len(emptied),
    )


def _same_words(run: Run, texts: _Texts) -> bool:
    """Whether the run really stands in the row that keeps it: hashes may lie."""
    here = texts.words(run.row, run.text)[run.start : run.end]
    there = texts.words(run.kept_by, run.kept_text)[run.kept_start : run.kept_start + run.end - run.start]
    return [one.word for one in here] == [one.word for one in there]


def _merged(runs: Sequence[Run]) -> list[tuple[int, int]]:
    """[start, end) of the words that runs of one text cover, ascending and apart; `runs` ascend by start."""
    parts: list[tuple[int, int]] = []
    for run in runs:
        if parts and run.start <= parts[-1][1]:
            parts[-1] = (parts[-1][0], max(parts[-1][1], run.end))
        else:
            parts.append((run.start, run.end))
    return parts


def _count(parts: Sequence[tuple[int, int]]) -> int:
    return sum(end - start for start, end in parts)


def _between(words: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    """[start, end) in the text of the words `start` to `end`."""
    return words[start].start, words[end - 1].end


def _without(text: str, words: Sequence[Word], parts: Sequence[tuple[int, int]]) -> str:
    left, at = [], 0
    for part in parts:
        start, end = _between(words, *part)
        left.append(text[at:start])
        at = end
    return "".join([*left, text[at:]])


def _told(found: Sequence[_Repeats], survivors: Survivors, *, cut: bool) -> Iterator[Outcome]:
    """The repetitions as outcomes, in order of position."""
    names = survivors.names([row for one in found for row in one.survivors[:_SPANS_SHOWN]])
    for dropped, group in groupby(found, key=lambda one: one.dropped):
        run = list(group)
        evidence = [_evidence(one, survivors, names) for one in run]
        scores = [float(one.words) for one in run]
        if cut and not dropped:
            yield Outcome(
                edits=[
                    Edit(one.position, one.changes, "repeated_span", score, note)
                    for one, score, note in zip(run, scores, evidence, strict=True)
                ]
            )
        else:
            reason = "only_repeated_spans" if dropped else "repeated_span"
            action: Action = "drop" if dropped else "flag"
            positions = [one.position for one in run]
            yield Outcome(drops(positions, reason, scores=scores, evidence=evidence, action=action))


def _evidence(one: _Repeats, survivors: Survivors, names: dict[int, str]) -> dict[str, Any]:
    shown = [[list(path), start, end] for path, start, end in one.spans[:_SPANS_SHOWN]]
    evidence: dict[str, Any] = {"spans": shown, **survivors.told(one.survivors[:_SPANS_SHOWN], names)}
    if len(one.spans) > _SPANS_SHOWN:
        evidence["spans_left_off"] = len(one.spans) - _SPANS_SHOWN
    return evidence
