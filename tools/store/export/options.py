"""How an export is asked for, and what that means for the data at hand.

It knows formats, trainers and shares. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import Misuse, nearest
from ..format.mapping import Mapping as RecordMapping
from . import formats, splits, trainers


@dataclass(frozen=True)
class Options:
    """How an export is asked for. The same options over the same version give the same bytes."""

    format: str
    split: Mapping[str, float]
    group_by: str | None
    uniform: bool
    trainer: str | None
    seed: int
    escape_formulas: bool

    def to_json(self) -> dict[str, Any]:
        """What differs from the plainest export, for the manifest and for the folder's name."""
        told = {
            "format": self.format,
            "split": dict(self.split),
            "group_by": self.group_by,
            "uniform": self.uniform,
            "for": self.trainer,
            "seed": self.seed if self.split else None,
            "escape_formulas": self.escape_formulas,
        }
        return {name: value for name, value in told.items() if value}


def options(
    mapping: RecordMapping,
    *,
    format: str | None = None,
    split: Mapping[str, float] | None = None,
    group_by: str | None = None,
    uniform: bool = False,
    trainer: str | None = None,
    seed: int = 0,
    escape_formulas: bool = False,
) -> tuple[Options, list[str]]:
    """(what these arguments mean for data of this mapping, sentences to print). Raises Misuse."""
    notes: list[str] = []
    if trainer is not None and trainer not in trainers.TRAINERS:
        raise Misuse(f"No trainer {trainer!r} is known.", next_step=nearest(trainer, trainers.TRAINERS))
    if format is None:
        format = trainers.default_format(trainer, mapping) if trainer else _own_format(mapping)
    format, note = formats.format_named(format)
    notes += [note] if note else []
    formats.check_possible(mapping, format)
    if trainer is not None:
        trainers.check(trainer, format)
    if uniform and (format in ("csv", "parquet", "alpaca", "text") or mapping.format in ("text", "table")):
        next_step = "It is for messages, prompt-completion, preference and unpaired-preference, also as jsonl."
        raise Misuse(f"--uniform means nothing for {mapping.format} data written as {format}.", next_step=next_step)
    if escape_formulas and format != "csv":
        raise Misuse("--escape-formulas is for csv.")
    shares = splits.checked(split or {})
    return Options(format, shares, group_by, uniform, trainer, seed, escape_formulas), notes


def _own_format(mapping: RecordMapping) -> str:
    """The format that loses nothing: typed rows as Parquet, tables as JSON lines, the others as they are."""
    if mapping.kind == "typed":
        return "parquet"
    return "jsonl" if mapping.format == "table" else mapping.format
