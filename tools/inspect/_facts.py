"""The numbers of a profile as facts, each with its unit, its method and how many rows it speaks of.

It knows ids, units and methods. It does not know how numbers are written down for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..change import Fact
from ..context import Progress, silent
from ..store.rows import Rows
from ..text.language import MODEL
from ._measured import HOLDS, SAMPLED_LANGUAGES, Measured, measure
from .measures.counting import Lengths
from .measures.redundancy import copies, forks, shared
from .measures.values import Reading

NEAR_THRESHOLD: Final = 0.7


def compute_facts(
    rows: Rows,
    *,
    field: str = "default",
    seed: int = 0,
    sampled_languages: int = SAMPLED_LANGUAGES,
    near_threshold: float | None = NEAR_THRESHOLD,
    threads: int = 1,
    progress: Progress = silent,
) -> list[Fact]:
    """The facts that `inspect.profile` tells; those about near-duplicates only with a threshold.

    They depend on the rows, the field and the seed: not on threads, packs or batches.
    """
    measured = measure(
        rows,
        field=rows.mapping.resolve_field(field),
        seed=seed,
        sampled_languages=sampled_languages,
        near_threshold=near_threshold,
        threads=threads,
        progress=progress,
    )
    return facts_of(measured, measured.table.readings())


def facts_of(measured: Measured, readings: Mapping[str, Reading]) -> list[Fact]:
    parts = (_size, _texts, _redundancy, _languages, _checked, _pairs)
    found = [fact for part in parts for fact in part(measured)]
    return [*found, *_columns(measured, readings)] if measured.rows else found[:2]


def _size(measured: Measured) -> Iterator[Fact]:
    rows = measured.rows
    yield Fact("rows", rows, "rows", "counted", rows)
    yield Fact("columns", len(measured.table.columns), "columns", "different keys of the records", rows)
    for name, codes in (("split", measured.splits), ("source", measured.sources)):
        numbers = measured.array(name)
        for code, label in enumerate(codes.names):
            yield Fact(f"{name}.{label}.rows", int((numbers == code).sum()), "rows", "counted", rows)


def _quantiles(id: str, lengths: Lengths, unit: str, method: str, rows: int) -> Iterator[Fact]:
    for percent, value in lengths.quantiles().items():
        yield Fact(f"{id}.{percent}", value, unit, f"{method}, nearest rank", rows)


def _texts(measured: Measured) -> Iterator[Fact]:
    rows = measured.rows
    if measured.has_text:
        method = f"code points of {measured.field}"
        yield Fact("text.characters.total", measured.lengths.total, "characters", method, rows)
        yield from _quantiles("text.characters", measured.lengths, "characters", method, rows)
        for what, marks in HOLDS.items():
            told = f"rows with {' or '.join(map(repr, marks))} in {measured.field}"
            yield Fact(f"text.with.{what.replace(' ', '_')}", measured.holds[what], "rows", told, rows)
        yield Fact(
            "text.blank",
            measured.blank.counts["blank"],
            "rows",
            f"rows without text in {measured.field}",
            rows,
        )
    dialogue = measured.dialogue
    if dialogue is None:
        return
    yield from _quantiles("turns", dialogue.messages, "turns", "texts a row, in turns", rows)
    for role in dialogue.roles():
        lengths = dialogue.by_role[role]
        yield Fact(f"length.{role}.count", lengths.count, "turns", "turns that hold text of this role", rows)
        yield from _quantiles(f"length.{role}", lengths, "characters", "code points a turn", rows)
    yield Fact("system.rows", dialogue.rows_with_system, "rows", "rows with a system prompt", rows)
    how = "counted" if dialogue.systems.exact else "estimated from 4,096 hashes"
    yield Fact("system.distinct", dialogue.systems.distinct, "texts", how, rows)
    yield Fact("media.rows", dialogue.media_row_count, "rows", "rows with parts that are no text", rows)
    yield Fact("media.parts", dialogue.media_parts, "parts", "parts that are no text, not examined", rows)


def _redundancy(measured: Measured) -> Iterator[Fact]:
    rows = measured.rows
    what = measured.field if measured.compared == "text" else "record"
    found = copies(measured.array(measured.compared))
    yield Fact("duplicates.exact", found.rows, "rows", f"rows whose {what} equals that of an earlier row", rows)
    yield Fact("duplicates.exact.share", found.rows / rows if rows else 0.0, "share", "of all rows", rows)
    if measured.near is not None:
        near = measured.near
        method = (
            "rows that dedup.near would drop and that are no exact copies: "
            f"sets of 5-word runs of {what}, exact Jaccard >= {near.threshold:g} to a kept row"
        )
        yield Fact("duplicates.near", len(near.rows), "rows", method, rows)
        yield Fact("duplicates.near.share", len(near.rows) / rows if rows else 0.0, "share", "of all rows", rows)
    if measured.has_prompts:
        forked = forks(measured.array("prompt"), measured.array("answer"))
        yield Fact("prompts.several_answers", forked.prompts, "prompts", "prompts with different answers", rows)
        repeated = copies(measured.array("prompt"))
        yield Fact("prompts.repeated", repeated.rows, "rows", "rows whose prompt equals that of an earlier row", rows)
    for name, codes in (("split", measured.splits), ("source", measured.sources)):
        if len(codes.names) > 1:
            crossing = sum(
                one.rows for one in shared(measured.array(measured.compared), measured.array(name), codes.names)
            )
            yield Fact(
                f"duplicates.across_{name}s",
                crossing,
                "rows",
                f"rows whose {what} stands in another {name}",
                rows,
            )


def _languages(measured: Measured) -> Iterator[Fact]:
    found = measured.languages
    if found is None:
        return
    how = MODEL if found.examined == found.rows else f"{MODEL}, rows sampled by a hash of their text"
    for code, count in found.shares:
        yield Fact(f"language.{code}.rows", count, "rows", how, found.examined)
        yield Fact(f"language.{code}.share", count / found.examined, "share", how, found.examined)


def _checked(measured: Measured) -> Iterator[Fact]:
    for code, examined in measured.checks.examined.items():
        yield Fact(
            f"check.{code}",
            measured.checks.counts[code],
            "rows",
            "the tests of the tool with this reason",
            examined,
        )


def _pairs(measured: Measured) -> Iterator[Fact]:
    pairs, rated = measured.preference, measured.verdicts
    if pairs is not None:
        for side in ("chosen", "rejected"):
            method = f"pairs whose {side} answer has 1.1 times the characters of the other, or more"
            yield Fact(f"preference.longer_{side}", pairs.longer[side], "pairs", method, pairs.pairs)
        for code, count in sorted(pairs.hits.counts.items()):
            yield Fact(code, count, "pairs", "counted", pairs.pairs)
        yield Fact(
            "preference.contradictory",
            pairs.contradictory()[0],
            "pairs",
            "chosen here, rejected there",
            pairs.pairs,
        )
    if rated is not None:
        for label, count in sorted(rated.labels.items()):
            yield Fact(f"label.{label}.rows", count, "rows", "counted", measured.rows)


def _columns(measured: Measured, readings: Mapping[str, Reading]) -> Iterator[Fact]:
    table = measured.table
    for name, column in table.columns.items():
        reading, examined = readings[name], table.examined(name)
        yield Fact(f"column.{name}.missing", column.missing, "rows", "absent, null or empty", measured.rows)
        if reading.kind == "nested":
            continue
        exact = column.texts.exact and column.scalars.exact
        how = "counted" if exact else "estimated from 4,096 hashes"
        distinct = column.texts.distinct + column.scalars.distinct
        yield Fact(f"column.{name}.distinct", distinct, "values", how, measured.rows)
        if reading.quantiles:
            for percent, value in reading.quantiles.items():
                yield Fact(f"column.{name}.{percent}", value, "", "nearest rank", examined)
