"""A profile as JSON: everything a renderer draws, and nothing it has to compute.

It knows the layout below. It does not know terminals or pages.

    {"profile": 1, "format", "field", "reads", "unit", "rows", "seed",
     "sources": [[name, rows]], "splits": [[name, rows]],
     "findings": [{code, severity, message, count, unit, share, sql, fix, examples: [{row, at, text}]}],
     "clean": [what was looked for and not found], "not_checked": [{what, why, fix}],
     "columns": [{name, kind, stored, missing, distinct, exact, examined, of, quantiles, mean,
                  histogram, top: [[value, rows]], least, shapes: [[shape, rows]],
                  formats: [[format, rows]], examples, notes}],
     "keys": [[name]],
     "dependencies": [{left, right, confidence, rows, sql, examples: [{at, found, expected}]}],
     "correlated": [[left, right, r]],
     "lengths": [{of, unit, count, total, mean, quantiles, histogram}],
     "holds": [[what, rows]],
     "languages": {examined, rows, shares: [[code, rows]]} | null,
     "duplicates": {compared, exact, groups, largest, near, threshold},
     "overlaps": [{by, of, left, right, rows, right_rows}],
     "system_prompts": {rows, distinct, exact, top: [[text, rows]]} | null,
     "phrases": {openings: [[text, answers]], closings: […], answers} | null,
     "preference": {…} | null, "labels": [[label, rows]] | null}
"""

from __future__ import annotations

import json
import os.path
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

import numpy as np

from ..change import Finding
from ..store.rows import Rows, parse_records
from . import _sql as sql
from ._column_findings import Relations, identifying
from ._findings import PHRASE_LEAST, PHRASE_SHARE
from ._measured import HOLDS, Measured
from .measures.columns import Column, Table, is_missing, shown
from .measures.dependencies import MOST_COLUMNS
from .measures.redundancy import copies, shared
from .measures.seen import picked
from .measures.values import Reading

LAYOUT: Final = 1
EXCERPT: Final = 160
UNITS: Final = {
    "messages": "conversations",
    "sharegpt": "conversations",
    "alpaca": "examples",
    "prompt-completion": "examples",
    "preference": "pairs",
    "unpaired-preference": "rated answers",
    "text": "documents",
    "table": "rows",
}
CLEAN: Final = {
    "no_messages": "missing messages",
    "unknown_role": "unknown roles",
    "role_order": "turn order",
    "last_turn_not_assistant": "last turns",
    "empty_turn": "empty turns",
    "tool_call_without_result": "tool calls without result",
    "tool_result_without_call": "results without call",
    "arguments_not_json": "tool arguments",
    "arguments_not_in_schema": "tool schemas",
    "mojibake": "mojibake",
    "line_endings": "line ends",
    "control_characters": "control characters",
    "zero_width": "zero-width characters",
    "not_nfc": "Unicode form",
    "empty_response": "empty answers",
    "echoed_response": "echoed questions",
    "markup_leak": "template markup",
    "repeated_ngrams": "loops",
    "replacement_characters": "lost bytes",
    "refusal": "refusals",
    "truncation": "cut-off answers",
}


def details(
    rows: Rows,
    measured: Measured,
    readings: Mapping[str, Reading],
    relations: Relations,
    findings: Sequence[Finding],
) -> dict[str, Any]:
    """The JSON of one profile."""
    mapping = measured.mapping
    excerpts = _Excerpts(rows, measured, [position for finding in findings for position in finding.rows])
    return {
        "profile": LAYOUT,
        "format": mapping.format,
        "field": measured.field,
        "reads": mapping.describe_field(measured.field) if measured.has_text else "whole records",
        "unit": UNITS[mapping.format],
        "rows": measured.rows,
        "seed": measured.seed,
        "sources": _counted(measured, "source"),
        "splits": _counted(measured, "split"),
        "findings": [_finding(finding, measured, excerpts) for finding in findings],
        "clean": [CLEAN[code] for code in measured.checks.clean()],
        "not_checked": not_checked(measured, relations),
        "columns": [_column(measured, name, readings[name]) for name in measured.table.columns],
        "keys": [list(key) for key in relations.keys],
        "dependencies": _dependencies(rows, relations),
        "correlated": [list(pair) for pair in relations.correlated],
        "lengths": _lengths(measured),
        "holds": [[what, measured.holds[what]] for what in HOLDS] if measured.has_text else [],
        "languages": _languages(measured),
        "duplicates": _duplicates(measured),
        "overlaps": _overlaps(measured),
        "system_prompts": _system_prompts(measured),
        "phrases": _phrases(measured),
        "preference": measured.preference.details() if measured.preference else None,
        "labels": [list(one) for one in sorted(measured.verdicts.labels.items())] if measured.verdicts else None,
    }


class _Excerpts:
    """Where example rows came from and how their text begins, read in one go."""

    def __init__(self, rows: Rows, measured: Measured, positions: Sequence[int]) -> None:
        wanted = sorted(set(positions))
        self._told: dict[int, dict[str, str]] = {}
        if not wanted:
            return
        reader = rows.mapping.reader(measured.field)
        left = iter(wanted)
        for table in picked(rows, np.array(wanted), ("row_id", "file", "line", "record")):
            places = table.select(["row_id", "file", "line"]).to_pylist()
            for place, record in zip(places, parse_records(table.column("record")), strict=True):
                position = next(left)
                self._told[position] = {
                    "row": place["row_id"].hex(),
                    "at": _place(place["file"], place["line"], position),
                    "text": reader(record)[:EXCERPT],
                }

    def of(self, positions: Sequence[int]) -> list[dict[str, str]]:
        return [self._told[position] for position in positions]


def _place(file: str | None, line: int | None, position: int) -> str:
    if not file:
        return f"row {position + 1}"
    return os.path.basename(file) if line is None else f"{os.path.basename(file)}:{line}"


def _finding(finding: Finding, measured: Measured, excerpts: _Excerpts) -> dict[str, Any]:
    sampled = measured.languages.examined if measured.languages else 0
    of = {"rows": measured.rows, "pairs": measured.rows, "sampled rows": sampled}.get(finding.unit)
    share = finding.count / of if of else None
    told = {key: value for key, value in asdict(finding).items() if key != "rows"}
    return {**told, "share": share, "examples": excerpts.of(finding.rows)}


def not_checked(measured: Measured, relations: Relations) -> list[dict[str, str]]:
    """What a reader might take to be clean though nobody looked; `fix` is the call that looks, where there is one."""
    found = [*_texts_not_checked(measured), *_table_not_checked(measured, relations)] if measured.rows else []
    found.append(("personal data", "inspect does not look for it", "inspect.pii"))
    found.append(("truth, helpfulness, safety, benchmark contamination", "inspect does not look for them", ""))
    return [{"what": what, "why": why, "fix": fix} for what, why, fix in found]


def _texts_not_checked(measured: Measured) -> Iterator[tuple[str, str, str]]:
    dialogue, languages = measured.dialogue, measured.languages
    if dialogue is not None and dialogue.media_parts:
        what = f"{dialogue.media_parts:,} image, audio or file parts in {dialogue.media_row_count:,} rows"
        yield what, "carried through unread", ""
    if not measured.has_text:
        why = "whole records are compared; --field COLUMN reads a column as text"
        yield "languages and near-duplicates", why, ""
        return
    if languages is None:
        yield "languages", "left out by --sampled-languages 0", "filter.language"
    elif languages.examined < languages.rows:
        what = f"the language of {languages.rows - languages.examined:,} rows"
        why = f"{languages.examined:,} rows were sampled, by a hash of their text"
        yield what, why, "filter.language"
    if measured.compared == "record":
        yield "near-duplicates", "whole records are compared", "dedup.near"
    elif measured.near is None:
        yield "near-duplicates", "left out", "dedup.near"


def _table_not_checked(measured: Measured, relations: Relations) -> Iterator[tuple[str, str, str]]:
    if measured.mapping.format != "table":
        return
    columns = measured.table.columns
    nested = [name for name, column in columns.items() if column.types["list"] + column.types["object"]]
    if nested:
        why = f"no known format; 'tilth import … --map text={nested[0]}[].KEY' would read it"
        yield f"what lies inside {', '.join(nested[:5])}", why, ""
    if relations.left_out:
        what = f"dependencies of {len(relations.left_out):,} columns"
        yield what, f"only the first {MOST_COLUMNS} columns are compared", ""
    if not measured.table.sample.whole:
        what = f"dependencies and examples beyond {relations.examined:,} sampled rows"
        yield what, f"of {measured.rows:,}; chosen by a hash of their position", ""


def _counted(measured: Measured, column: str) -> list[list[Any]]:
    names = {"source": measured.sources, "split": measured.splits}[column].names
    codes = measured.array(column)
    return [[name, int((codes == code).sum())] for code, name in enumerate(names)]


def _column(measured: Measured, name: str, reading: Reading) -> dict[str, Any]:
    table = measured.table
    column = table.columns[name]
    lengths = column.items if reading.kind == "nested" else column.lengths
    of_lengths = reading.kind in ("text", "code", "category", "nested") and lengths.count
    summary = lengths.summary() if of_lengths else {}
    plain = reading.kind not in ("text", "nested", "empty")
    return {
        "name": name,
        "kind": "identifier" if identifying(table, name, reading) else reading.kind,
        "stored": dict(sorted(column.types.items())),
        "missing": column.missing,
        "distinct": None if reading.kind == "nested" else column.texts.distinct + column.scalars.distinct,
        "exact": column.texts.exact and column.scalars.exact,
        "examined": table.examined(name),
        "of": "items" if reading.kind == "nested" else "characters" if of_lengths else "values",
        "quantiles": summary.get("quantiles", reading.quantiles),
        "mean": summary.get("mean", reading.mean),
        "histogram": summary.get("histogram", reading.histogram),
        "top": _top(column),
        "least": min(column.texts.counts.values()) if reading.kind == "category" and column.texts.exact else None,
        "shapes": [list(pair) for pair in reading.shapes] if plain else [],
        "formats": [list(pair) for pair in reading.formats.items()],
        "examples": _first_values(table, name) if reading.kind in ("code", "number") else [],
        "notes": _notes(reading),
    }


def _top(column: Column) -> list[list[Any]]:
    """The most frequent values that occur more than once."""
    texts = [(shown(text), count) for text, count in column.texts.top(5) if text.strip()]
    scalars = [(json.dumps(value, default=str), count) for (_, value), count in column.scalars.top(5)]
    both = sorted([*texts, *scalars], key=lambda item: (-item[1], item[0]))[:5]
    return [[value, count] for value, count in both if count > 1]


def _first_values(table: Table, name: str) -> list[str]:
    """The first values of a column that are there, as text."""
    filled = (value for value in table.sampled(name) if not is_missing(value))
    return [shown(value) if type(value) is str else json.dumps(value, default=str) for value in islice(filled, 3)]


def _notes(reading: Reading) -> list[str]:
    notes = []
    if reading.odd:
        some = ", ".join(f"“{shown(text)}”" for text in list(reading.odd)[:3])
        notes.append(f"{sum(reading.odd.values()):,} do not fit: {some}")
    if reading.placeholders:
        some = ", ".join(f"“{shown(text)}”" for text in list(reading.placeholders)[:3])
        notes.append(f"{sum(reading.placeholders.values()):,} stand for a missing value: {some}")
    if reading.variants:
        some = ", ".join(f"“{shown(text)}”" for text in list(reading.variants)[:3])
        notes.append(f"{sum(reading.variants.values()):,} spelled otherwise: {some}")
    if reading.padded:
        notes.append(f"{reading.padded:,} begin or end with spaces")
    if len(reading.formats) > 1:
        told = ", ".join(f"{form} {count:,}" for form, count in list(reading.formats.items())[:4])
        notes.append(f"written as {told}")
    return notes


def _dependencies(rows: Rows, relations: Relations) -> list[dict[str, Any]]:
    found = []
    for one in relations.strongest().values():
        odd = [int(relations.positions[row]) for row in one.rows[:3]]
        usual = [int(relations.positions[row]) for row in one.expected[:3]]
        places = rows.take(odd, ["file", "line"]).to_pylist() if odd else []
        values = zip(rows.records(odd), rows.records(usual), strict=True) if odd else ()
        examples = [
            {
                "at": _place(place["file"], place["line"], position),
                "found": str(ours.get(one.right))[:EXCERPT],
                "expected": str(theirs.get(one.right))[:EXCERPT],
            }
            for position, place, (ours, theirs) in zip(odd, places, values, strict=True)
        ]
        found.append(
            {
                "left": one.left,
                "right": one.right,
                "confidence": one.confidence,
                "rows": len(one.rows),
                "sql": sql.contradicting_rows(one),
                "examples": examples,
            }
        )
    return sorted(found, key=lambda one: -one["rows"])


def _lengths(measured: Measured) -> list[dict[str, Any]]:
    if not measured.has_text:
        return []
    found = [{"of": measured.field, "unit": "characters", **measured.lengths.summary()}]
    dialogue = measured.dialogue
    if dialogue is not None:
        if measured.mapping.format != "text":
            found.append({"of": "turns", "unit": "turns", **dialogue.messages.summary()})
        for role in dialogue.roles():
            if role != "text":
                found.append({"of": role, "unit": "characters", **dialogue.by_role[role].summary()})
    return found


def _languages(measured: Measured) -> dict[str, Any] | None:
    found = measured.languages
    return (
        found
        if found is None
        else {
            "examined": found.examined,
            "rows": found.rows,
            "shares": [list(one) for one in found.shares],
        }
    )


def _duplicates(measured: Measured) -> dict[str, Any]:
    found = copies(measured.array(measured.compared))
    near = measured.near
    return {
        "compared": measured.field if measured.compared == "text" else "record",
        "exact": found.rows,
        "groups": found.groups,
        "largest": found.largest,
        "near": None if near is None else len(near.rows),
        "threshold": None if near is None else near.threshold,
    }


def _overlaps(measured: Measured) -> list[dict[str, Any]]:
    found = []
    kinds = [measured.compared, *(["prompt"] if measured.has_prompts else [])]
    for column, codes in (("split", measured.splits), ("source", measured.sources)):
        for kind in kinds if len(codes.names) > 1 else ():
            for one in shared(measured.array(kind), measured.array(column), codes.names):
                told = {"left": one.left, "right": one.right, "rows": one.rows, "right_rows": one.right_rows}
                found.append({"by": column, "of": kind, **told})
    return found


def _system_prompts(measured: Measured) -> dict[str, Any] | None:
    dialogue = measured.dialogue
    if dialogue is None or not dialogue.rows_with_system:
        return None
    top = [[shown(text), count] for text, count in dialogue.systems.top(5)]
    systems = dialogue.systems
    return {
        "rows": dialogue.rows_with_system,
        "distinct": systems.distinct,
        "exact": systems.exact,
        "top": top,
    }


def _phrases(measured: Measured) -> dict[str, Any] | None:
    if measured.dialogue is None or not measured.dialogue.answers:
        return None
    found = measured.dialogue.phrases(PHRASE_SHARE, PHRASE_LEAST)
    return {name: [list(one) for one in some] for name, some in found.items()} | {"answers": measured.dialogue.answers}
