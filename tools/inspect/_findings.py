"""What is wrong with the texts of a version, or worth knowing, told from its measures as findings.

It knows which count is bad news, how bad, which tool acts on it and which SQL counts it again. It measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ..change import Finding, Severity
from ._measured import Measured
from .measures.columns import shown
from .measures.language import UNDETERMINED
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
"""(severity, what is the matter with each row counted, the call that acts on it, SQL that counts it again)."""

_LAST: Final = "(select arg_max(role, i) as last from turns group by row_id)"

CHECKED: Final[dict[str, Told]] = {
    "no_messages": (
        "error",
        "The list of messages is missing or empty.",
        "filter.chat",
        "select count(*) from rows where row_id not in (select row_id from turns)",
    ),
    "unknown_role": (
        "error",
        "A speaker is none of system, user, assistant, tool.",
        "filter.chat",
        "select count(distinct row_id) from turns where role not in ('system', 'user', 'assistant', 'tool')",
    ),
    "role_order": ("error", "Turns stand in an order that chat templates refuse.", "filter.chat", ""),
    "last_turn_not_assistant": (
        "error",
        "The last turn is not the assistant's: there is nothing to learn from it.",
        "clean.chat",
        f"select count(*) from {_LAST} where last <> 'assistant'",
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
    "repeated_ngrams": ("warning", "An answer runs in a loop: the same words again and again.", "filter.rules", ""),
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
        "",
        "select count(distinct row_id) from texts where field in ('chosen', 'rejected') and trim(text) = ''",
    ),
    "preference.identical_sides": (
        "error",
        "The chosen and the rejected answer are the same.",
        "",
        "select count(*) from texts c join texts r using (row_id) where c.field = 'chosen' and r.field = 'rejected' "
        "and c.text = r.text and trim(c.text) <> ''",
    ),
    "preference.prompt_mismatch": ("error", "The two sides answer different prompts.", "", ""),
    "preference.score_contradicts": (
        "warning",
        "The rejected answer is scored above the chosen one.",
        "",
        "",
    ),
}


def text_findings(measured: Measured) -> list[Finding]:
    """All findings about texts, the gravest and most frequent first."""
    if not measured.rows:
        return [Finding("no_rows", "error", "The version holds no rows.", 0)]
    parts = (_checked, _blank, _repeated, _nearly, _forked, _overlapping, _system_prompts, _phrases, _languages, _pairs, _rated)
    return ranked([finding for part in parts for finding in part(measured)])


def ranked(found: Sequence[Finding]) -> list[Finding]:
    """Findings by severity, then by count, then by code."""
    return sorted(found, key=lambda one: (ORDER[one.severity], -one.count, one.code))


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _finding(code: str, told: Told, count: int, rows: Sequence[int]) -> Finding:
    severity, message, fix, sql = told
    return Finding(code, severity, message, count, rows=tuple(rows), sql=sql, fix=fix)


def _checked(measured: Measured) -> Iterator[Finding]:
    for code, count in measured.checks.counts.items():
        yield _finding(code, CHECKED[code], count, measured.checks.examples(code))


def _blank(measured: Measured) -> Iterator[Finding]:
    count = measured.blank.counts["blank"]
    if count <= measured.checks.counts["no_messages"]:
        return
    field = measured.field
    sql = f"select count(*) from texts where field = {literal(field)} and not regexp_matches(text, '\\S')"
    fix = f"filter.length --field {field} --min-characters 1"
    message = f"There is no text to read in {field}."
    yield Finding("text.blank", "error", message, count, rows=measured.blank.examples("blank"), sql=sql, fix=fix)


def _repeated(measured: Measured) -> Iterator[Finding]:
    found = copies(measured.array(measured.compared))
    if not found.rows:
        return
    own = "row_id, source, split, file, line, key"
    if measured.compared == "record":
        message = "The whole record repeats an earlier one."
        sql = (
            f"select count(*) - (select count(*) from (select distinct * exclude ({own}) from rows)) from rows"
        )
        fix = "dedup.exact --compare record"
    else:
        field = literal(measured.field)
        message = f"The {measured.field} repeats that of an earlier row word for word."
        sql = f"select count(*) - count(distinct text) from texts where field = {field} and text <> ''"
        fix = _with_field("dedup.exact", measured)
    largest = f" The largest group has {found.largest:,} copies." if found.largest > 2 else ""
    yield Finding("duplicates.exact", "warning", message + largest, found.rows, rows=found.examples, sql=sql, fix=fix)


def _nearly(measured: Measured) -> Iterator[Finding]:
    near = measured.near
    if near is not None and len(near.rows):
        message = f"The {measured.field} nearly repeats that of another row (5-word runs, Jaccard {near.threshold:g} or more)."
        fix = f"{_with_field('dedup.near', measured)} --threshold {near.threshold:g}"
        yield Finding("duplicates.near", "warning", message, len(near.rows), rows=tuple(near.rows[:5].tolist()), fix=fix)


def _with_field(call: str, measured: Measured) -> str:
    default = measured.mapping.default_field
    return call if measured.field == default else f"{call} --field {measured.field}"


def _forked(measured: Measured) -> Iterator[Finding]:
    if not measured.has_prompts or measured.preference is not None:
        return
    found = forks(measured.array("prompt"), measured.array("answer"))
    if found.prompts:
        yield Finding(
            "prompts.several_answers",
            "note",
            f"Prompts are answered in more than one way, in {found.rows:,} rows.",
            found.prompts,
            unit="prompts",
            rows=found.examples,
            sql="select count(*) from (select p.text from texts p join texts r using (row_id) where p.field = 'prompt' "
            "and r.field = 'response' and p.text <> '' group by p.text having count(distinct r.text) > 1)",
        )


def _overlapping(measured: Measured) -> Iterator[Finding]:
    kinds = ["text"] if measured.has_text else ["record"]
    if measured.has_prompts:
        kinds.append("prompt")
    for column, codes in (("split", measured.splits), ("source", measured.sources)):
        for kind in kinds if len(codes.names) > 1 else ():
            for one in shared(measured.array(kind), measured.array(column), codes.names):
                what = {"text": f"The {measured.field}", "prompt": "The prompt", "record": "The record"}[kind]
                severity: Severity = "note" if column == "source" else "error" if kind != "prompt" else "warning"
                yield Finding(
                    f"{column}s.share_{kind}s",
                    severity,
                    f"{what} of a row of {column} {one.left!r} is also in {one.right!r}.",
                    one.rows,
                    rows=one.examples,
                    sql=_overlap_sql(column, kind, measured.field, one.left, one.right),
                    fix=_with_field("dedup.exact", measured) if kind == "text" else "",
                )


def _overlap_sql(column: str, kind: str, field: str, left: str, right: str) -> str:
    if kind == "record":
        return ""
    texts = f"rows join texts using (row_id) where field = {literal(field if kind == 'text' else 'prompt')}"
    return (
        f"select count(*) from {texts} and {column} = {literal(left)} and text <> '' "
        f"and text in (select text from {texts} and {column} = {literal(right)})"
    )


def _system_prompts(measured: Measured) -> Iterator[Finding]:
    dialogue = measured.dialogue
    if dialogue is None or not dialogue.rows_with_system:
        return
    _, count = dialogue.systems.top(1)[0]
    if count > 1 and count >= SHARED_PROMPT * measured.rows:
        distinct = dialogue.systems.distinct
        kinds = f", out of {distinct:,} different ones" if distinct > 1 else ""
        yield Finding(
            "system.shared",
            "note",
            f"One system prompt stands in {count / measured.rows:.0%} of the rows{kinds}; text tools leave it out.",
            count,
            sql="select max(n) from (select count(*) as n from (select row_id, string_agg(text, chr(10) || chr(10) "
            "order by i) as text from turns where role = 'system' and text <> '' group by row_id) group by text)",
        )


def _phrases(measured: Measured) -> Iterator[Finding]:
    if measured.dialogue is None:
        return
    for name, found in measured.dialogue.phrases(PHRASE_SHARE, PHRASE_LEAST).items():
        if found:
            told = ", ".join(f"“{shown(text)}” ({count:,})" for text, count in found[:3])
            verb = "open" if name == "openings" else "close"
            yield Finding(
                f"answers.same_{name}",
                "note",
                f"Answers {verb} in the same words: {told}.",
                found[0][1],
                unit="answers",
            )


def _languages(measured: Measured) -> Iterator[Finding]:
    found = measured.languages
    if found is None or not found.examined:
        return
    known = [(code, count) for code, count in found.shares if code != UNDETERMINED]
    minor = [(code, count) for code, count in known[1:] if count >= MINOR_LANGUAGE * found.examined]
    if minor:
        told = ", ".join(f"{code} {count / found.examined:.1%}" for code, count in minor[:5])
        codes = np.array(found.codes)
        others = found.positions[np.isin(codes, [code for code, _ in minor])][:5]
        examined = "" if found.examined == found.rows else f" Of {found.examined:,} sampled rows."
        yield Finding(
            "languages.several",
            "note",
            f"Texts in other languages than {known[0][0]}: {told}.{examined}",
            sum(count for _, count in minor),
            rows=tuple(others.tolist()),
        )


def _pairs(measured: Measured) -> Iterator[Finding]:
    pairs = measured.preference
    if pairs is None:
        return
    for code, count in pairs.hits.counts.items():
        yield _finding(code, PAIRS[code], count, pairs.hits.examples(code))
    for code, severity, message, (count, rows) in (
        ("preference.contradictory", "error", "Another pair of the same prompt chooses what this one rejects.", pairs.contradictory()),
        ("preference.repeated", "warning", "Prompt, chosen and rejected repeat an earlier pair.", pairs.repeated()),
    ):  # fmt: skip
        if count:
            yield Finding(code, severity, message, count, rows=rows)
    longer = {side: pairs.longer[side] for side in ("chosen", "rejected")}
    for side, count in longer.items():
        if count > LENGTH_BIAS * sum(longer.values()) and sum(longer.values()) > PHRASE_LEAST:
            yield Finding(
                "preference.length_bias",
                "warning",
                f"The {side} answer is longer by a tenth or more in {count / pairs.pairs:.0%} of the pairs, shorter in "
                f"{(sum(longer.values()) - count) / pairs.pairs:.0%}: a reward for length.",
                count,
                sql=_bias_sql(side),
            )


def _bias_sql(side: str) -> str:
    other = "rejected" if side == "chosen" else "chosen"
    return (
        f"select count(*) from texts a join texts b using (row_id) where a.field = '{side}' and b.field = '{other}' "
        "and length(a.text) >= 1.1 * length(b.text) and length(a.text) > length(b.text)"
    )


def _rated(measured: Measured) -> Iterator[Finding]:
    rated = measured.verdicts
    if rated is None:
        return
    count, rows = rated.contradictory()
    if count:
        yield Finding("labels.contradictory", "error", "The same prompt and answer carry both labels.", count, rows=rows)
    if len(rated.labels) == 1:
        only = next(iter(rated.labels))
        yield Finding("labels.one", "error", f"Every answer has the label {only}.", measured.rows)
