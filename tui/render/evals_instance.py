"""Instances of suites for people: the task as paragraphs, the files with their first lines, the truth without brackets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ...evals.suite import Instance
from ..terminal import Terminal
from ..text import many_lines, one_line, shorten, table, wrap
from . import fitted

HEAD: Final = 3
"""First lines shown of a file; a small one is shown whole."""
SMALL: Final = 1000
MOST_ENTRIES: Final = 12
MOST_LINES: Final = 100
LONGEST: Final = 160
_STEP: Final = "  "


@fitted
def instances(found: Sequence[Instance], terminal: Terminal) -> Iterator[str]:
    rows = [
        [number, one.id, len(one.files), f"{sum(map(len, one.files.values())):,}",
         ", ".join(f"{tag}={value}" for tag, value in one.tags.items())]
        for number, one in enumerate(found, 1)
    ]  # fmt: skip
    yield from table([["", "instance", "files", "bytes", "tags"], *rows], columns=terminal.columns, numbers=(0, 2, 3))
    yield "an instance with its truth: --instance NUMBER"


@fitted
def instance(one: Instance, terminal: Terminal) -> Iterator[str]:
    yield f"instance {one.id} of {one_line(one.suite)}"
    yield from (f"  {one_line(tag)}: {one_line(value)}" for tag, value in one.tags.items() if value)
    yield from ("", "TASK")
    yield from _paragraphs(one.task, terminal.columns)
    for name, body in one.files.items():
        yield ""
        yield from _file(name, body, terminal.columns)
    yield from ("", "SUBMISSION (JSON schema)")
    yield from wrap(shorten(", ".join(_fields(one.submission)), 400), terminal.columns)
    yield from ("", "TRUTH (agents never see it)")
    lines = list(_told(one.truth))
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"… {len(lines) - MOST_LINES:,} lines more"
    yield "--json shows all of it"


def _paragraphs(text: str, columns: int) -> Iterator[str]:
    """The text with its lines joined, as wide as the terminal; entries of lists stand on lines of their own."""
    joined: list[str] = []
    for line in many_lines(text):
        if joined and line.strip() and joined[-1] and not line.startswith("- "):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line.strip())
    for line in joined:
        yield from wrap(line, columns, indent="  " if line.startswith("- ") else "", first="") if line else [""]


def _file(name: str, body: bytes, columns: int) -> Iterator[str]:
    lines = body.decode("utf-8", errors="replace").splitlines()
    yield f"FILE {one_line(name)}: {len(lines):,} lines, {len(body):,} bytes"
    shown = len(lines) if len(body) <= SMALL else HEAD
    yield from (_cut(one_line(line), columns - 2) for line in lines[:shown])
    if len(lines) > shown:
        yield f"{_STEP}…"


def _cut(line: str, columns: int) -> str:
    return _STEP + (line if len(line) <= columns else f"{line[: columns - 1]}…")


def _fields(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The names and types that a schema asks for; what it does not spell out is told by its type."""
    inner = schema.get("items", schema)
    properties = inner.get("properties", {})
    if not properties:
        options = schema.get("enum", inner.get("enum"))
        kind = (
            " | ".join(map(str, options))
            if options
            else f"{inner.get('type', 'any')}{'s' if 'items' in schema else ''}"
        )
        yield f"{path or 'it'}: {kind}"
    for name, one in properties.items():
        yield from _fields(one, f"{path}.{name}" if path else name)


def _told(value: Any, depth: int = 0) -> Iterator[str]:
    """A JSON value as lines of names and values; long lists are cut and counted."""
    lead = _STEP * depth
    if isinstance(value, Mapping):
        for number, (name, inner) in enumerate(value.items()):
            if number == MOST_ENTRIES * 2:
                yield f"{lead}… {len(value) - number:,} more"
                return
            if (flat := _flat(inner)) is not None:
                yield f"{lead}{one_line(str(name))}: {flat}"
            else:
                yield f"{lead}{one_line(str(name))}:"
                yield from _told(inner, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, inner in enumerate(value):
            if number == MOST_ENTRIES:
                yield f"{lead}… {len(value) - number:,} more"
                return
            lines = [flat] if (flat := _flat(inner)) is not None else list(_told(inner))
            yield from (f"{lead}{'- ' if i == 0 else '  '}{line}" for i, line in enumerate(lines))
    else:
        yield f"{lead}{_flat(value)}"


def _flat(value: Any) -> str | None:
    """A scalar, or a list that nests nothing but one list, on one line; None for what needs lines of its own."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == 1 and isinstance(value[0], list | tuple):
            return _flat(value[0])
        if any(isinstance(one, Mapping | list | tuple) for one in value):
            return None
        if not value:
            return "none"
        text = ", ".join("none" if one is None else one_line(str(one)) for one in value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST].rpartition(', ')[0]}, … ({len(value):,} in all)"
    if isinstance(value, Mapping):
        return None if value else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else shorten(str(value), 400)
