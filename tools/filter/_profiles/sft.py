"""The profile `sft`: rows whose answer teaches a chat model nothing good. No rule about style, length or
language.

It knows which texts of a record are answers, what is measured of them and which rules drop a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from ...store.format.mapping import Mapping as RecordMapping
from ...store.format.pieces import Piece
from ...text.signals.prose import prose
from .. import _faults as faults
from .._repetition import NONE, repetition
from . import Profile, Rule

_CHATS: Final = ("messages", "sharegpt")
_DIALOGUE: Final = ("user", "assistant", "system", "chosen", "text")
_SPANS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Answers:
    """The texts of a record that are judged, all of them and those of the last answer.

    `asked`: what was asked before the last answer. `heard`: every text of the dialogue. `empty`: the last
    answer is nothing, neither text nor call nor media.
    """

    all: Sequence[Piece]
    last: Sequence[Piece]
    asked: Sequence[Piece]
    heard: Sequence[Piece]
    empty: bool


def answers_of(mapping: RecordMapping, field: str | None, record: Any) -> Answers:
    """Assistant turns; of preference data the chosen answer; of texts and tables every text; or the named
    field."""
    if field is not None or mapping.format in ("text", "table"):
        texts = [piece for piece in mapping.pieces(record, field or "default") if piece.kind in ("text", "column")]
        return Answers(texts, texts, (), texts, not any(piece.text.strip() for piece in texts))
    pieces = [piece for piece in mapping.pieces(record) if piece.turn >= 0]
    speaker = "chosen" if mapping.format == "preference" else "assistant"
    said = [piece for piece in pieces if piece.role == speaker]
    texts = [piece for piece in pieces if piece.kind == "text"]
    turn = max((piece.turn for piece in said), default=None)
    before = [piece for piece in texts if piece.role == "user" and (turn is None or piece.turn < turn)]
    question = max((piece.turn for piece in before), default=None)
    something = any(piece.text.strip() or piece.kind == "media" for piece in said if piece.turn == turn)
    return Answers(
        [piece for piece in said if piece.kind == "text"],
        [piece for piece in said if piece.kind == "text" and piece.turn == turn],
        [piece for piece in before if piece.turn == question],
        [piece for piece in texts if piece.role in _DIALOGUE],
        # A chat in which nobody answers is `last_turn_not_assistant` of filter.chat.
        not something and not (turn is None and mapping.format in _CHATS),
    )


def _joined(pieces: Sequence[Piece]) -> str:
    return "\n\n".join([piece.text for piece in pieces])


def _questions(found: Answers) -> list[str]:
    """What an echo may repeat: all that was asked, or its first text alone (the instruction without the
    input)."""
    return [_joined(found.asked), found.asked[0].text] if found.asked else []


SIGNALS: Final = pa.schema(
    [
        ("empty", pa.bool_()),
        ("echo", pa.int32()),
        ("markup", pa.int32()),
        ("looped", pa.float64()),
        ("duplicate_5grams", pa.float64()),
        ("replacement_characters", pa.int32()),
        ("refusal", pa.bool_()),
        ("truncation", pa.bool_()),
        ("prompt_words", pa.int32()),
        ("response_words", pa.int32()),
    ]
)


def measure(mapping: RecordMapping, field: str | None, records: Sequence[Any]) -> pa.Table:
    """The signals of each record, one row each."""
    rows = [_measured(answers_of(mapping, field, record)) for record in records]
    columns = zip(*rows, strict=True) if rows else [()] * len(SIGNALS)
    return pa.table([pa.array(column, kind.type) for column, kind in zip(columns, SIGNALS, strict=True)], SIGNALS)


def _measured(found: Answers) -> tuple[Any, ...]:
    response, prompt = _joined(found.last), _joined(found.asked)
    repeated = [repetition(prose(piece.text)) for piece in found.all] or [NONE]
    return (
        found.empty,
        faults.echo(response, _questions(found)),
        sum(len(faults.markers(piece.text)) for piece in found.all),
        max(one.looped for one in repeated),
        max(one.duplicates for one in repeated),
        sum(len(faults.replacement_characters(piece.text)) for piece in found.heard),
        faults.refuses(response),
        faults.stops_short(response),
        len(prompt.split()),
        len(response.split()),
    )


RULES: Final = (
    Rule("empty_response", "empty", lambda signal, limit: signal["empty"]),
    Rule("echoed_response", "echo", lambda signal, limit: signal["echo"] >= max(limit["min_echo"], 1)),
    Rule("markup_leak", "markup", lambda signal, limit: signal["markup"] > limit["max_markup"]),
    Rule("repeated_ngrams", "looped", lambda signal, limit: signal["looped"] > limit["max_looped"]),
    Rule(
        "replacement_characters",
        "replacement_characters",
        lambda signal, limit: signal["replacement_characters"] > limit["max_replacement_characters"],
    ),
)


def evidence(mapping: RecordMapping, field: str | None, record: Any, reason: str) -> Mapping[str, Any]:
    """Where the reason lies: spans (path, start, end) in characters, at most 5."""
    found = answers_of(mapping, field, record)
    spans: list[list[Any]] = []
    if reason == "echoed_response":
        spans = [[list(piece.path), 0, len(piece.text)] for piece in found.last]
    elif reason == "markup_leak":
        spans = [[list(piece.path), *span] for piece in found.all for span in faults.markers(piece.text)]
    elif reason == "repeated_ngrams":
        each = [(repetition(prose(piece.text)), piece) for piece in found.all]
        worst, piece = max(each, key=lambda one: one[0].looped)
        spans = [[list(piece.path), *worst.loop]] if worst.loop else []
    elif reason == "replacement_characters":
        places = [(piece, at) for piece in found.heard for at in faults.replacement_characters(piece.text)]
        spans = [[list(piece.path), at, at + 1] for piece, at in places]
    told: dict[str, Any] = {"spans": spans[:_SPANS_SHOWN]} if spans else {}
    if len(spans) > _SPANS_SHOWN:
        told["spans_left_off"] = len(spans) - _SPANS_SHOWN
    return told


CUTS: Final = {"min_echo": 15, "max_markup": 0, "max_looped": 0.3, "max_replacement_characters": 0}

PROFILE: Final = Profile("sft", measure, RULES, evidence, CUTS)
