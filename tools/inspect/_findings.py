"""What is wrong with the texts of a version, or worth knowing, told from its measures as findings.

It knows which count is bad news, how bad, and which tool acts on it. It measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ..change import Finding, Severity
from ..text.language import UNDETERMINED
from . import _sql as sql
from ._measured import Measured
from .measures.columns import shown
from .measures.redundancy import copies, forks, shared

ORDER: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "note": 2}

PHRASE_SHARE: Final = 0.02
PHRASE_LEAST: Final = 20
"""A phrase is named when 2 % of the answers, and 20 of them, have it in common."""
SHARED_PROMPT: Final = 0.05
MINOR_LANGUAGE: Final = 0.005
LENGTH_BIAS: Final = 0.6
"""Share of the pairs with a longer side from which on that side is the longer one as a rule."""

Told = tuple[Severity, str, str, str]
"""Severity, what is the matter with each row counted, the call that acts on it, SQL that counts it again."""

CHECKED: Final[dict[str, Told]] = {
    "no_messages": ("error", "The list of messages is missing or empty.", "filter.chat", sql.NO_MESSAGES),
    "unknown_role": (
        "error",
        "A speaker is none of system, user, assistant, tool.",
        "filter.chat",
        sql.UNKNOWN_ROLE,
    ),
    "role_order": ("error", "Turns stand in an order that chat templates refuse.", "filter.chat", ""),
    "last_turn_not_assistant": (
        "error",
        "The last turn is not the assistant's: there is nothing to learn from it.",
        "clean.chat",
        sql.LAST_TURN,
    ),
    "empty_turn": ("error", "A turn in the middle is empty.", "filter.chat", ""),
    "tool_call_without_result": ("error", "A tool is called and its result never comes.", "filter.chat", ""),
    "tool_result_without_call": ("error", "A tool result answers no call.", "filter.chat", ""),
    "arguments_not_json": ("error", "The arguments of a tool call are not JSON.", "filter.chat", ""),
    "arguments_not_in_schema": (
        "error",
        "The arguments of a tool call break the tool's declared schema.",
        "filter.chat",
        "",
    ),
    "empty_response": ("error", "The last answer is empty.", "filter.rules", ""),
    "echoed_response": ("error", "The last answer only repeats the question.", "filter.rules", ""),
    "markup_leak": ("error", "An answer holds chat-template markup such as <|im_end|>.", "filter.rules", ""),
    "repeated_ngrams": (
        "warning",
        "An answer runs in a loop: the same words again and again.",
        "filter.rules",
        "",
    ),
    "replacement_characters": ("warning", "Text lost bytes: it holds U+FFFD (\ufffd).", "filter.rules", ""),
    "refusal": ("note", "The last answer refuses. No tool drops these unasked.", "", ""),
    "truncation": ("note", "The last answer stops in the middle. No tool drops these unasked.", "", ""),
    "mojibake": ("warning", "Text is garbled: UTF-8 that was read as another encoding.", "clean.unicode", ""),
    "control_characters": ("warning", "Text holds control characters.", "clean.unicode", ""),
    "zero_width": ("warning", "Text holds characters that nobody sees (zero width).", "clean.unicode", ""),
    "line_endings": ("note", "Lines end in carriage returns or Unicode separators.", "clean.unicode", ""),
    "not_nfc": ("note", "Accents are written apart from their letters (not NFC).", "clean.unicode", ""),
}
"""What the detectors of other tools find, by their own reason codes."""

PAIRS: Final[dict[str, Told]] = {
    "preference.empty_side": (
        "error",
        "The chosen or the rejected answer is missing.",
        "filter.where --drop \"trim({chosen}) = '' or trim({rejected}) = ''\"",
        sql.EMPTY_SIDE,
    ),
    "preference.identical_sides": (
        "error",
        "The chosen and the rejected answer are the same.",
        'filter.where --drop "{chosen} = {rejected}"',
        sql.IDENTICAL_SIDES,
    ),
    "preference.contradictory": (
        "error",
        "Another pair of the same prompt chooses what this one rejects.",
        "",
        "",
    ),
    "preference.prompt_mismatch": ("error", "The two sides answer different prompts.", "", ""),
    "preference.repeated": ("warning", "Prompt, chosen and rejected repeat an earlier pair.", "", ""),
    "preference.score_contradicts": (
        "warning",
        "The rejected answer is scored above the chosen one.",
        "",
        "",
    ),
}
"""What is wrong with a pair. {chosen} and {rejected} are the columns of the two answers."""


def text_findings(measured: Measured) -> list[Finding]:
    """All findings about texts, the gravest and most frequent first."""
    if not measured.rows:
        return [Finding("no_rows", "error", "The version holds no rows.", 0)]
    parts = (
        _checked,
        _blank,
        _repeated,
        _nearly,
        _forked,
        _overlapping,
        _system_prompts,
        _repeated_turns,
        _phrases,
        _languages,
        _pairs,
        _length_bias,
        _rated,
    )
    return ranked([finding for part in parts for finding in part(measured)])


def ranked(found: Sequence[Finding]) -> list[Finding]:
    """Findings by severity, then by count, then by code."""
    return sorted(found, key=lambda one: (ORDER[one.severity], -one.count, one.code))


def _finding(code: str, told: Told, count: int, rows: Sequence[int]) -> Finding:
    severity, message, fix, query = told
    return Finding(code, severity, message, count, rows=tuple(rows), sql=query, fix=fix)


def _checked(measured: Measured) -> Iterator[Finding]:
    for code, count in measured.checks.counts.items():
        yield _finding(code, CHECKED[code], count, measured.checks.examples(code))


def _blank(measured: Measured) -> Iterator[Finding]:
    count, field = measured.blank.counts["blank"], measured.field
    explained = measured.checks.counts["no_messages"]
    if measured.preference is not None:
        explained += measured.preference.hits.counts["preference.prompt_mismatch"]
    if count > explained:
        fix = f"filter.length --field {field} --min-characters 1"
        told: Told = ("error", f"There is no text to read in {field}.", fix, sql.blank_texts(field))
        yield _finding("text.blank", told, count, measured.blank.examples("blank"))


# Redundancy -----------------------------------------------------------------------------------------------


def _with_field(call: str, measured: Measured) -> str:
    default = measured.mapping.default_field
    return call if measured.field == default else f"{call} --field {measured.field}"


def _repeated(measured: Measured) -> Iterator[Finding]:
    found = copies(measured.array(measured.compared))
    if not found.rows:
        return
    largest = f" The largest group has {found.largest:,} copies." if found.largest > 2 else ""
    told: Told
    if measured.compared == "record":
        message = f"The whole record repeats an earlier one.{largest}"
        told = ("warning", message, "dedup.exact --compare record", sql.REPEATED_RECORDS)
    else:
        message = f"The {measured.field} repeats that of an earlier row word for word.{largest}"
        told = ("warning", message, _with_field("dedup.exact", measured), sql.repeated_texts(measured.field))
    yield _finding("duplicates.exact", told, found.rows, found.examples)


def _nearly(measured: Measured) -> Iterator[Finding]:
    near = measured.near
    if near is not None and len(near.rows):
        alike = f"5-word runs, Jaccard {near.threshold:g} or more"
        message = f"The {measured.field} nearly repeats that of another row ({alike})."
        fix = f"{_with_field('dedup.near', measured)} --threshold {near.threshold:g}"
        yield _finding("duplicates.near", ("warning", message, fix, ""), len(near.rows), near.rows[:5].tolist())


def _forked(measured: Measured) -> Iterator[Finding]:
    if not measured.has_prompts or measured.preference is not None:
        return
    found = forks(measured.array("prompt"), measured.array("answer"))
    if found.prompts:
        message = f"Prompts are answered in more than one way, in {found.rows:,} rows."
        yield Finding(
            "prompts.several_answers",
            "note",
            message,
            found.prompts,
            unit="prompts",
            rows=found.examples,
            sql=sql.FORKED_PROMPTS,
        )


def _overlapping(measured: Measured) -> Iterator[Finding]:
    kinds = ["text"] if measured.has_text else ["record"]
    if measured.has_prompts:
        kinds.append("prompt")
    for column, codes in (("split", measured.splits), ("source", measured.sources)):
        for kind in kinds if len(codes.names) > 1 else ():
            what = {"text": f"The {measured.field}", "prompt": "The prompt", "record": "The record"}[kind]
            fixes = {"text": _with_field("dedup.exact", measured), "record": "dedup.exact --compare record"}
            severity: Severity = "error" if kind != "prompt" else "warning"
            for one in shared(measured.array(kind), measured.array(column), codes.names):
                field = measured.field if kind == "text" else "prompt"
                yield Finding(
                    f"{column}s.share_{kind}s",
                    "note" if column == "source" else severity,
                    f"{what} of a row of {column} {one.left!r} is also in {one.right!r}.",
                    one.rows,
                    rows=one.examples,
                    sql="" if kind == "record" else sql.shared_texts(column, field, one.left, one.right),
                    fix=fixes.get(kind, ""),
                )


# What is said ---------------------------------------------------------------------------------------------


def _system_prompts(measured: Measured) -> Iterator[Finding]:
    dialogue = measured.dialogue
    if dialogue is None or not dialogue.rows_with_system:
        return
    _, count = dialogue.systems.top(1)[0]
    if count > 1 and count >= SHARED_PROMPT * measured.rows:
        distinct = dialogue.systems.distinct
        others = f", out of {distinct:,} different ones" if distinct > 1 else ""
        share = f"{count / measured.rows:.0%}"
        message = f"One system prompt stands in {share} of the rows{others}; text tools leave it out."
        yield _finding("system.shared", ("note", message, "", sql.TOP_SYSTEM_PROMPT), count, ())


def _repeated_turns(measured: Measured) -> Iterator[Finding]:
    if measured.dialogue is None:
        return
    hits = measured.dialogue.hits
    for code, count in hits.counts.items():
        message = "A turn repeats an earlier one of the same conversation word for word."
        yield _finding(code, ("note", message, "", sql.REPEATED_TURN), count, hits.examples(code))


def _phrases(measured: Measured) -> Iterator[Finding]:
    if measured.dialogue is None:
        return
    for name, found in measured.dialogue.phrases(PHRASE_SHARE, PHRASE_LEAST).items():
        if found:
            told = ", ".join(f"“{shown(text)}” ({count:,})" for text, count in found[:3])
            verb = "open" if name == "openings" else "close"
            message = f"Answers {verb} in the same words: {told}."
            yield Finding(f"answers.same_{name}", "note", message, found[0][1], unit="answers")


def _languages(measured: Measured) -> Iterator[Finding]:
    found = measured.languages
    if found is None or not found.examined:
        return
    known = [(code, count) for code, count in found.shares if code != UNDETERMINED]
    minor = [(code, count) for code, count in known[1:] if count >= MINOR_LANGUAGE * found.examined]
    if minor:
        told = ", ".join(f"{code} {count / found.examined:.1%}" for code, count in minor[:5])
        others = np.isin(np.array(found.codes), [code for code, _ in minor])
        sampled = found.examined < found.rows
        of = f" Of {found.examined:,} sampled rows." if sampled else ""
        yield Finding(
            "languages.several",
            "note",
            f"Texts in other languages than {known[0][0]}: {told}.{of}",
            sum(count for _, count in minor),
            unit="sampled rows" if sampled else "rows",
            rows=tuple(found.positions[others][:5].tolist()),
            fix=f"filter.language --keep {known[0][0]}",
        )


# Preferences ----------------------------------------------------------------------------------------------


def _pairs(measured: Measured) -> Iterator[Finding]:
    pairs = measured.preference
    if pairs is None:
        return
    counted = {code: (count, pairs.hits.examples(code)) for code, count in pairs.hits.counts.items()}
    counted["preference.contradictory"] = pairs.contradictory()
    repeated = pairs.repeated()
    if repeated.rows > copies(measured.array("record")).rows:
        counted["preference.repeated"] = repeated.rows, repeated.examples
    for code, (count, rows) in counted.items():
        if count:
            severity, message, fix, query = PAIRS[code]
            yield _finding(code, (severity, message, _of_columns(fix, measured), query), count, rows)


def _of_columns(fix: str, measured: Measured) -> str:
    """A fix with the columns of the two answers filled in; none when they are no plain columns of text."""
    columns, paths = measured.mapping.columns, measured.mapping.paths
    names = {side: paths[side] for side in ("chosen", "rejected")}
    plain = all(columns.get(name) == ("string",) and name.isidentifier() for name in names.values())
    return fix.format(**names) if plain else ""


def _length_bias(measured: Measured) -> Iterator[Finding]:
    pairs = measured.preference
    if pairs is None:
        return
    longer = {side: pairs.longer[side] for side in ("chosen", "rejected")}
    uneven = sum(longer.values())
    for side, count in longer.items():
        if uneven > PHRASE_LEAST and count > LENGTH_BIAS * uneven:
            message = (
                f"The {side} answer is longer by a tenth or more in {count / pairs.pairs:.0%} of the pairs, "
                f"shorter in {(uneven - count) / pairs.pairs:.0%}: a reward for length."
            )
            told: Told = ("warning", message, "", sql.longer_side(side))
            yield _finding("preference.length_bias", told, count, ())


def _rated(measured: Measured) -> Iterator[Finding]:
    rated = measured.verdicts
    if rated is None:
        return
    both = rated.contradictory()
    if both.rows:
        told: Told = ("error", "The same prompt and answer carry both labels.", "", "")
        yield _finding("labels.contradictory", told, both.rows, both.examples)
    if len(rated.labels) == 1:
        only = next(iter(rated.labels))
        yield Finding("labels.one", "error", f"Every answer has the label {only}.", measured.rows)
