"""`clean.unicode`: texts whose characters are damaged.

It knows which rows need a look, straight from the bytes of their records, and which texts of a record are
cleaned. What is wrong with a text is known in `_characters`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa

from ..change import Change, Edit, Outcome
from ..context import Context
from ..store.format.records import Path
from ..store.format.texts import plain_values
from ..store.rows import Rows
from ..tool import Arg, TextField, tool
from ._characters import FIXES, Fix, Repair, looks_clean, repaired

Reason = Literal["mojibake", "line_endings", "control_characters", "zero_width", "not_nfc"]

_CLEANED: Final = frozenset(("text", "reasoning", "column"))
_SPANS_SHOWN: Final = 5


@tool("clean.unicode", version=1, local=True)
def unicode(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "all",
    repair: Annotated[list[Reason] | None, Arg("which faults are repaired (default: all)")] = None,
) -> Change:
    """Repair mojibake, line ends, control and zero-width characters, and bring texts to NFC.

    By default every text of a record is cleaned, system prompts and other columns included; tool calls and
    tool schemas are code and are never touched.

    Reasons, in the order they are repaired:
      mojibake            UTF-8 that was once read as a single-byte encoding ('cafÃ©'), read again:
                          `fix_encoding` of ftfy 6, with its defaults. A text that shows it in code only,
                          fenced or in backticks, talks about it and stays
      line_endings        CR LF, CR, U+2028 and U+2029 become LF
      control_characters  C0 and C1 controls and terminal sequences are removed; tab, LF and CR stay, and VT,
                          FF and NEL, which separate lines, become LF
      zero_width          zero-width space, (non-)joiner, word joiner, byte order mark and tag characters are
                          removed. Kept: (non-)joiners beside a letter of a script that joins or stacks its
                          letters (Arabic and Persian, the Indic scripts, Sinhala, Khmer, Mongolian, …); the
                          joiner between two emoji; the zero-width space between letters of scripts written
                          without spaces (Thai, Khmer, Myanmar, …); the tags of a flag. Direction marks,
                          variation selectors and soft hyphens are not touched
      not_nfc             the text is brought to Normalization Form C (Unicode Standard Annex 15)

    One edit a row and reason; the score is the number of texts repaired. The evidence holds `spans`, for up
    to 5 texts the path, the start and the end of what changed (in characters of the text just before that
    repair), and the characters of the repaired texts `before` and `after`. A row with several reasons carries
    its new texts in the first edit that names them. Cleaning what is clean changes nothing.
    """
    fixes = {reason: fix for reason, fix in FIXES.items() if repair is None or reason in repair}
    return Change(_outcomes(ctx, data, field, fixes))


def _outcomes(ctx: Context, data: Rows, field: str, fixes: Mapping[str, Fix]) -> Iterator[Outcome]:
    for batch in data.batches():
        edits: list[Edit] = []
        for row, record in _suspects(batch.column("record")):
            texts = {piece.path: piece.text for piece in data.mapping.pieces(record, field) if piece.kind in _CLEANED}
            edits += _edits(batch.start + row, texts, fixes)
        yield Outcome(edits=edits)
        ctx.progress(batch.start + len(batch), len(data))


def _edits(position: int, texts: Mapping[Path, str], fixes: Mapping[str, Fix]) -> Iterator[Edit]:
    """One edit for each reason of the row; each new text stands in the first edit that touches it."""
    new: dict[Path, str] = {}
    repairs: dict[str, list[tuple[Path, Repair]]] = {}
    for path, text in texts.items():
        if looks_clean(text):
            continue
        fixed, done = repaired(text, fixes)
        if fixed != text:
            new[path] = fixed
        for one in done if fixed != text else ():
            repairs.setdefault(one.reason, []).append((path, one))
    for reason in (reason for reason in fixes if reason in repairs):
        told = repairs[reason]
        paths = dict.fromkeys(path for path, _ in told)
        changes = tuple((path, new.pop(path)) for path in paths if path in new)
        yield Edit(position, changes, reason, float(len(paths)), _evidence(told))


def _evidence(told: Sequence[tuple[Path, Repair]]) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "spans": [[list(path), one.start, one.end] for path, one in told[:_SPANS_SHOWN]],
        "before": sum(one.before for _, one in told),
        "after": sum(one.after for _, one in told),
    }
    if len(told) > _SPANS_SHOWN:
        evidence["spans_left_off"] = len(told) - _SPANS_SHOWN
    return evidence


def _suspects(column: pa.Array) -> Iterator[tuple[int, Any]]:
    """(row, record) of the rows that may hold something to repair, judged by the record's JSON text where it
    has one."""
    if not pa.types.is_large_string(column.type):
        yield from enumerate(plain_values(column))
        return
    rows, escaped = _flagged(column)
    for row, by_escape, text in zip(
        rows.tolist(), escaped.tolist(), column.take(pa.array(rows)).to_pylist(), strict=True
    ):
        if by_escape or not looks_clean(text):
            yield row, json.loads(text)


_CONTROL_ESCAPES: Final = np.isin(np.arange(256), list(b"ubfr"))


def _flagged(column: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose JSON text leaves printable ASCII or escapes a character (ascending), and which of them
    escape one.

    A clean ASCII record, by far the most common, is passed over without being parsed.
    """
    offsets = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
    data = column.buffers()[2]
    if data is None or not len(column):
        return np.empty(0, np.int64), np.empty(0, bool)
    text = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    starts = offsets - offsets[0]
    beyond = np.flatnonzero(np.maximum.reduceat(text, starts[:-1]) >= 127)  # no record is an empty text
    backslash = np.flatnonzero(text[:-1] == ord("\\"))
    escapes = backslash[_CONTROL_ESCAPES[text[backslash + 1]]]
    by_escape = np.unique(np.searchsorted(starts, escapes, "right") - 1)
    rows = np.union1d(beyond, by_escape)
    return rows, np.isin(rows, by_escape)
