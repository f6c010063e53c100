"""The texts of a record that a tool may rewrite, each with every path at which it stands.

It knows which pieces are plain text and where a preference pair writes its prompt twice. It does not know what is
rewritten.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from ..store.format.mapping import Mapping
from ..store.format.records import Path, value_at

_KINDS: Final = frozenset(("text", "reasoning", "column"))


class Editable(NamedTuple):
    """One text; a new one is written at all `paths`, of which the first is the one to show."""

    paths: tuple[Path, ...]
    role: str
    text: str


def editable(record: Any, mapping: Mapping, field: str) -> list[Editable]:
    """The texts of a field that hold more than whitespace, in reading order.

    Tool calls and schemas are code and left out, and so are numbers. Where chosen and rejected messages begin with the
    same prompt, a text of it stands at both paths, so that a rewritten prompt stays one prompt.
    """
    found = [
        piece
        for piece in mapping.pieces(record, field)
        if piece.kind in _KINDS and piece.text.strip() and type(value_at(record, piece.path)) is str
    ]
    if mapping.format != "preference" or all(piece.role in ("chosen", "rejected") for piece in found):
        return [Editable((piece.path,), piece.role, piece.text) for piece in found]
    taken = {piece.path for piece in found}
    again: dict[str, tuple[Path, ...]] = {}
    for piece in mapping.pieces(record):
        if piece.role == "repeated" and piece.path not in taken:
            again[piece.text] = (*again.get(piece.text, ()), piece.path)
    return [
        Editable((piece.path,), piece.role, piece.text)
        if piece.role in ("chosen", "rejected", "repeated")
        else Editable((piece.path, *again.pop(piece.text, ())), piece.role, piece.text)
        for piece in found
    ]


def says_more(record: Any, mapping: Mapping, without: Collection[Path]) -> bool:
    """Whether anyone but the system says, calls or shows something outside the texts at the given paths."""
    return any(
        piece.turn >= 0
        and piece.role not in ("system", "repeated")
        and piece.path not in without
        and (piece.kind == "media" or bool(piece.text.strip()))
        for piece in mapping.pieces(record)
    )
