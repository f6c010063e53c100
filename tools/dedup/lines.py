"""`dedup.lines`: lines or paragraphs that stand in many rows.

It knows 8-byte hashes of units and which row keeps each. How a text falls into units is known in `_units`, the order
of keeping in `_order`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple

import numpy as np

from ..change import Change, Edit, Fact, Outcome, drops
from ..context import Context
from ..store.format.records import Path
from ..store.rows import Rows
from ..text.editable import Editable, editable, says_more
from ..tool import Arg, TextField, tool
from ._order import keep_ranks
from ._survivors import Survivors
from ._units import Unit, UnitKind, units, without
from .exact import field_of

_SPANS_SHOWN: Final = 20
_TOGETHER: Final = 1_024
"""Rows rewritten at a time; counted from the first, so that packs do not show in the order of decisions."""


@tool("dedup.lines", version=1, reasons=("only_repeated_lines",))
def lines(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    unit: Annotated[UnitKind, Arg("line, or paragraph: what stands between blank lines")] = "line",
    min_characters: Annotated[
        int, Arg("shorter lines are not compared (single spaces counted)", threshold=True, minimum=1)
    ] = 30,
    min_documents: Annotated[
        int, Arg("rows a line must stand in before it counts as repeated", threshold=True, minimum=2)
    ] = 7,
    keep: Annotated[
        str | None, Arg("which row keeps the line: an ORDER BY over the row's columns and `length`", order=True)
    ] = None,
    against: Annotated[
        str | None, Arg("lines of this dataset count as kept there and go from all rows here", dataset=True)
    ] = None,
) -> Change:
    """Cut lines that stand in many rows from all of them but one.

    A line is compared by its words, the whitespace around and between them aside. The first row in keep order (rows of
    a test or validation split, released rows, then `keep`, then the earlier row) keeps the line, as often as it stands
    there; it is cut from every other row. Repetition within one row is not looked at. The default, more than 6 rows,
    is that of Llama 3 (Grattafiori et al. 2024, section 3.1.1: lines that occur more than 6 times in 30M documents); a
    web corpus wants it, curated data of few rows may need more.

    Left alone: code, where repetition is the rule (fenced blocks, and all of a text of which over a quarter of the
    lines are indented, comments or end in ; { } ) or ):); tool calls and schemas; and a turn or other text that would
    lose everything while the row says something else, since an empty turn teaches worse than a repeated one.
    Preference data whose answers begin with the same messages keep one prompt: it is cut at both places.

    Reasons:
      repeated_line        (edit) repeated lines were cut; the score is their number
      only_repeated_lines  (drop) nothing but repeated lines stood in the row's field, and the row says nothing else
    The evidence holds `spans`, up to 20, each the path, the start and the end of a line in the text as it was, and for
    each in `survivors` the row that keeps it (`survivor` is the first); with `against`, `of` gives the version of each
    row that is another dataset's.

    Facts: `dedup.lines.compared` and `.repeated`, different lines, `.cut`, lines cut, `.characters`, characters cut,
    and `.left_whole`, texts left alone so as not to empty them. Lines are told apart by 64 bits of blake2b: among a
    hundred million, two are taken for one with a probability of 0.0003.
    """
    others = None if against is None else ctx.rows(against)
    kind = _Kind(unit, min_characters)
    found = _Found.collect(ctx, data, others, field, kind)
    rank = np.concatenate([keep_ranks(ctx, data, keep, field), np.arange(-found.others, 0)])
    repeated = found.repeated(rank, min_documents)
    facts: list[Fact] = []

    def outcomes() -> Iterator[Outcome]:
        totals: Counter[str] = Counter()
        survivors = Survivors(data, others)
        for low in range(0, len(repeated.positions), _TOGETHER):
            positions = repeated.positions[low : low + _TOGETHER]
            cuts = [
                _cut(int(position), record, data, field, kind, repeated)
                for position, record in zip(positions, data.records(positions), strict=True)
            ]
            yield from _told([cut for cut in cuts if cut.spans], survivors)
            for cut in cuts:
                totals["cut"] += len(cut.spans)
                totals["characters"] += sum(end - start for _, start, end in cut.spans)
                totals["left_whole"] += cut.left_whole
        ctx.progress(len(data), len(data))
        method = f"dedup.lines, field {field}, {unit}s of {min_characters} characters or more"
        counts = {"compared": (found.different, f"different {unit}s"), "repeated": (len(repeated.keys), f"{unit}s")}
        counts |= {"cut": (totals["cut"], f"{unit}s"), "characters": (totals["characters"], "characters")}
        counts |= {"left_whole": (totals["left_whole"], "texts")}
        facts.extend(Fact(f"dedup.lines.{name}", *told, method, len(data)) for name, told in counts.items())

    return Change(outcomes(), facts=facts)


class _Kind(NamedTuple):
    unit: UnitKind
    min_characters: int

    def units(self, text: str) -> list[Unit]:
        return units(text, self.unit, self.min_characters)


@dataclass(frozen=True)
class _Repeated:
    """Keys of the units that repeat, ascending; `survivor[i]` is the row that keeps `keys[i]`. `positions` are the rows
    of the dataset that hold one which another keeps."""

    keys: np.ndarray
    survivor: np.ndarray
    positions: np.ndarray

    def kept_by(self, keys: Sequence[bytes]) -> list[int | None]:
        """The row that keeps each unit; None for one that does not repeat."""
        wanted = np.frombuffer(b"".join(keys), np.uint64)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        hit = self.keys[at] == wanted
        return [int(row) if one else None for row, one in zip(self.survivor[at], hit, strict=True)]


@dataclass(frozen=True)
class _Found:
    """Each unit of each row once, as (key, row); rows of the other dataset are numbered behind those of this one."""

    keys: np.ndarray
    rows: np.ndarray
    others: int

    @classmethod
    def collect(cls, ctx: Context, data: Rows, others: Rows | None, field: str, kind: _Kind) -> _Found:
        keys, counts = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for rows, read in ((data, field), *(() if others is None else ((others, field_of(others, field)),))):
            for batch in rows.batches():
                distinct = [
                    {
                        one.key: None
                        for text in editable(record, rows.mapping, read)
                        for one in kind.units(text.text)
                        if one.key is not None
                    }
                    for record in batch.records()
                ]
                keys.append(np.frombuffer(b"".join(key for row in distinct for key in row), np.uint64))
                counts.append(np.array([len(row) for row in distinct], np.int64))
                if rows is data:
                    ctx.progress((batch.start + len(batch)) // 2, len(data))
        count = np.concatenate(counts)
        return cls(np.concatenate(keys), np.repeat(np.arange(len(count)), count), len(count) - len(data))

    @property
    def different(self) -> int:
        return len(np.unique(self.keys))

    def repeated(self, rank: np.ndarray, min_documents: int) -> _Repeated:
        """The units that stand in `min_documents` rows or more; the row lowest in `rank` keeps each."""
        order = np.lexsort((rank[self.rows], self.keys))
        keys, rows = self.keys[order], self.rows[order]
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, np.int64)
        size = np.diff(np.append(starts, len(keys)))
        often = size >= min_documents
        member = np.repeat(often, size)
        member[starts] = False
        count = len(rank) - self.others
        positions = np.unique(rows[member & (rows < count)])
        return _Repeated(keys[starts[often]], rows[starts[often]], positions)


class _Cut(NamedTuple):
    """What is cut from one row. `dropped`: nothing is left of it."""

    position: int
    changes: tuple[tuple[Path, Any], ...]
    spans: list[tuple[Path, int, int]]
    survivors: list[int]
    dropped: bool
    left_whole: int


def _cut(position: int, record: Any, data: Rows, field: str, kind: _Kind, repeated: _Repeated) -> _Cut:
    texts = editable(record, data.mapping, field)
    told = [(text, *_gone(position, text, kind, repeated)) for text in texts]
    new = [without(text.text, found, gone) for text, found, gone in told]
    emptied = {path for (text, _, _), rest in zip(told, new, strict=True) if not rest.strip() for path in text.paths}
    dropped = not any(map(str.strip, new)) and not says_more(record, data.mapping, emptied)
    changes: list[tuple[Path, Any]] = []
    spans: list[tuple[Path, int, int]] = []
    survivors: list[int] = []
    left_whole = 0
    for (text, found, gone), rest in zip(told, new, strict=True):
        if not dropped and not rest.strip():
            left_whole += 1
        elif gone:
            changes += [(path, rest) for path in text.paths]
            spans += [(text.paths[0], found[number].start, found[number].end) for number in gone]
            survivors += gone.values()
    return _Cut(position, tuple(changes), spans, survivors, dropped, left_whole)


def _gone(position: int, text: Editable, kind: _Kind, repeated: _Repeated) -> tuple[list[Unit], dict[int, int]]:
    """The units of a text, and for the numbers of those that another row keeps, that row."""
    found = kind.units(text.text)
    compared = [number for number, one in enumerate(found) if one.key is not None]
    kept_by = repeated.kept_by([key for one in found if (key := one.key) is not None])
    gone = {number: row for number, row in zip(compared, kept_by, strict=True) if row is not None and row != position}
    return found, gone


def _told(cuts: Sequence[_Cut], survivors: Survivors) -> Iterator[Outcome]:
    """The cuts as outcomes, in order of position."""
    names = survivors.names([row for cut in cuts for row in cut.survivors[:_SPANS_SHOWN]])
    for dropped, group in groupby(cuts, key=lambda cut: cut.dropped):
        run = list(group)
        evidence = [_evidence(cut, survivors, names) for cut in run]
        if dropped:
            scores = [float(len(cut.spans)) for cut in run]
            positions = [cut.position for cut in run]
            yield Outcome(drops(positions, "only_repeated_lines", scores=scores, evidence=evidence))
        else:
            yield Outcome(
                edits=[
                    Edit(cut.position, cut.changes, "repeated_line", float(len(cut.spans)), note)
                    for cut, note in zip(run, evidence, strict=True)
                ]
            )


def _evidence(cut: _Cut, survivors: Survivors, names: dict[int, str]) -> dict[str, Any]:
    shown = [[list(path), start, end] for path, start, end in cut.spans[:_SPANS_SHOWN]]
    evidence: dict[str, Any] = {"spans": shown, **survivors.told(cut.survivors[:_SPANS_SHOWN], names)}
    if len(cut.spans) > _SPANS_SHOWN:
        evidence["spans_left_off"] = len(cut.spans) - _SPANS_SHOWN
    return evidence
