"""The formats an export can have: their names, their columns, and which data can be written as which.

It knows formats and mappings. It does not know how a record is turned into another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, get_args

from ...errors import Misuse, nearest
from ..format.detect import SYNONYMS
from ..format.mapping import ROLES, Format, Mapping

ExportFormat = Literal[
    "messages",
    "prompt-completion",
    "preference",
    "unpaired-preference",
    "text",
    "alpaca",
    "sharegpt",
    "jsonl",
    "csv",
    "parquet",
]
EXPORT_FORMATS: Final[tuple[str, ...]] = get_args(ExportFormat)
FILES: Final = ("jsonl", "csv", "parquet")
"""Formats that name a kind of file and leave the records as they are."""

NAMES: Final[dict[str, dict[str, str]]] = {
    "messages": {"messages": "messages", "tools": "tools"},
    "sharegpt": {"messages": "conversations", "system": "system", "tools": "tools"},
    "alpaca": {role: role for role in ("instruction", "input", "output", "system")},
    "prompt-completion": {role: role for role in ("prompt", "completion", "tools")},
    "preference": {role: role for role in ("prompt", "chosen", "rejected", "system", "tools")},
    "unpaired-preference": {role: role for role in ("prompt", "completion", "label", "system", "tools")},
    "text": {"text": "text"},
}
"""The column each role has in a format; roles it does not name are written into others."""

FROM: Final[dict[str, tuple[str, ...]]] = {
    "messages": ("messages", "sharegpt", "alpaca", "prompt-completion"),
    "sharegpt": ("sharegpt", "messages", "alpaca", "prompt-completion"),
    "alpaca": ("alpaca", "messages", "sharegpt", "prompt-completion"),
    "prompt-completion": ("prompt-completion", "messages", "sharegpt", "alpaca"),
    "preference": ("preference", "messages", "sharegpt", "alpaca", "prompt-completion"),
    "unpaired-preference": ("unpaired-preference",),
    "text": ("text",),
    "table": (),
}
"""What the records of each format can be written as, the closest first."""


def format_named(name: str) -> tuple[str, str]:
    """(the export format a name means, a sentence to print when the name may mislead). Raises Misuse."""
    if name in EXPORT_FORMATS:
        return name, ""
    meant = SYNONYMS.get(name)
    if meant is None:
        raise Misuse(f"There is no format {name!r}.", next_step=nearest(name, {*EXPORT_FORMATS, *SYNONYMS}))
    if name == "prompt":
        return meant, "'prompt' means prompt-completion here; elsewhere it may mean prompts alone."
    return meant, ""


def check_possible(mapping: Mapping, format: str) -> None:
    """Raises Misuse when records of this mapping cannot be written in `format`, naming what lacks."""
    if format in FILES or format in FROM[mapping.format]:
        return
    needed = ", ".join(NAMES[format][role] for role in ROLES[_as_format(format)][0])
    have = ", ".join(list(mapping.columns)[:12])
    why = f"{format} needs the columns {needed}; this is {mapping.format} data with {have}"
    if mapping.format == "unpaired-preference":
        why += ", and answers labelled false must not become examples"
    elif format == "text":
        why += ", and only a model's chat template turns turns into text"
    next_step = f"Formats this data can have: {', '.join(possible(mapping))}."
    if mapping.format == "table":
        next_step += f" If a column is the {ROLES[_as_format(format)][0][0]}, say so at import: --map ROLE=COLUMN."
    raise Misuse(f"These records cannot be written as {format}: {why}.", next_step=next_step)


def possible(mapping: Mapping) -> tuple[str, ...]:
    """The formats records of this mapping can have, the closest first; alpaca has no place for calls of tools."""
    return tuple(one for one in (*FROM[mapping.format], *FILES) if one != "alpaca" or "tools" not in mapping.paths)


def _as_format(name: str) -> Format:
    return next(format for format in ROLES if format == name)


def is_native(mapping: Mapping, format: str) -> bool:
    """Whether records have the columns of `format` already, so that their bytes can be kept."""
    if format in FILES:
        return True
    return mapping.format == format and all(NAMES[format].get(role) == path for role, path in mapping.paths.items())


def written_mapping(mapping: Mapping, format: str, columns: Sequence[str]) -> Mapping:
    """How records with these columns are read once they are written in `format`."""
    if format == "csv" and mapping.format in ("messages", "sharegpt"):
        return replace(mapping, format="table", paths={}, kind="json")
    if is_native(mapping, format):
        return replace(mapping, kind="typed" if format == "parquet" else "json")
    known = _as_format(format)
    paths = {role: NAMES[format][role] for role in (*ROLES[known][0], *ROLES[known][1]) if role in NAMES[format]}
    paths = {role: name for role, name in paths.items() if name in columns}
    return Mapping(known, paths, {name: mapping.columns.get(name, ()) for name in columns})
