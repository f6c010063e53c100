"""Real data that a suite is drawn from: dirty and clean pairs of a table, texts with people's votes; digests of files.

It knows two forms of folders. What is asked about the data is the suites'.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..tools.errors import BadInput, Misuse

PAIR: Final = ("dirty.csv", "clean.csv")
VOTES: Final = "majority_data.jsonl"
UNANIMOUS: Final = "agreement_data.jsonl"
_DIGITS: Final = 16


@dataclass(frozen=True)
class Pair:
    """A table before and after people repaired it: the same columns, and row by row the same records."""

    columns: Sequence[str]
    dirty: Sequence[Sequence[str]]
    clean: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Vote:
    """A text, whether most people called it good, and whether all of them agreed."""

    text: str
    good: bool
    unanimous: bool


def named(suite: str, folder: Path) -> str:
    """SUITE[FOLDER], with nothing in it that a file's name could not bear."""
    return f"{suite}[{re.sub(r'[^A-Za-z0-9_.-]+', '-', folder.name)[:64] or 'data'}]"


def content(folder: Path, name: str) -> bytes:
    """What a file of the folder holds. Raises Misuse when it is not there, or not in the folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise Misuse(f"{folder / name} is not in {folder}.")
    try:
        return path.read_bytes()
    except OSError as error:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) if folder.is_dir() else ""
        raise Misuse(
            f"{folder / name} cannot be read: {error.strerror}.", next_step=f"The folder holds {there or 'nothing'}."
        ) from None


def enough(folder: Path, most: int, count: int, of: str) -> None:
    """Raises Misuse when the folder does not give so many instances `of` what it holds."""
    if count > most:
        raise Misuse(f"{folder} gives {most:,} instances of {of}, not {count:,}.", next_step=f"Write -n {most}.")


def digest(folder: Path, names: Sequence[str]) -> str:
    """Of the files of these names and what they hold. Raises Misuse for one that is not there."""
    told = {name: hashlib.sha256(content(folder, name)).hexdigest() for name in names}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def read_pair(folder: Path) -> Pair:
    """Raises Misuse when a file is missing, BadInput when the two do not fit together."""
    dirty, clean = (_table(folder, name) for name in PAIR)
    if dirty[0] != clean[0] or len(dirty) != len(clean):
        raise BadInput(
            f"{folder / PAIR[0]} ({len(dirty):,} lines) and {PAIR[1]} ({len(clean):,}) are no pair.",
            next_step="Both need the same columns, and the same records row by row.",
        )
    return Pair(dirty[0], dirty[1:], clean[1:])


def read_votes(folder: Path) -> list[Vote]:
    """Lines of {"text": …, "label": 0 or 1}; which votes were unanimous, agreement_data.jsonl tells where it is there."""
    agreed = {text for text, _ in _labelled(folder, UNANIMOUS)} if (folder / UNANIMOUS).exists() else set()
    return [Vote(text, label == 1, text in agreed) for text, label in _labelled(folder, VOTES)]


def _text(folder: Path, name: str) -> str:
    try:
        return content(folder, name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{folder / name} is not in UTF-8: {error}.") from None


def _table(folder: Path, name: str) -> list[list[str]]:
    rows = [row for row in csv.reader(_text(folder, name).splitlines(keepends=True)) if row]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise BadInput(f"{folder / name}: record {number} has {len(row)} cells, the head has {len(rows[0])}.")
    if not rows or len(set(rows[0])) != len(rows[0]):
        raise BadInput(f"{folder / name} has no head of different columns.")
    return rows


def _labelled(folder: Path, name: str) -> list[tuple[str, int]]:
    found = []
    for number, line in enumerate(_text(folder, name).split("\n"), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            text, label = told["text"], told["label"]
        except (ValueError, KeyError, TypeError):
            text, label = None, None
        if not isinstance(text, str) or label not in (0, 1):
            raise BadInput(
                f"{folder / name}:{number} is no labelled text.", next_step='Write {"text": "…", "label": 1} a line.'
            )
        found.append((text, int(label)))
    return found
