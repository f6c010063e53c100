"""Edits of one row that has several reasons: each new text stands in the first edit that names it.

It knows paths, spans and reasons. It does not know why a text was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..change import Edit
from ..store.format.records import Path
from ..text.editable import Editable

SPANS_SHOWN: Final = 20

Span = tuple[Editable, int, int]
"""What was taken out or replaced: text[start:end] of a text as it was."""


def edits(position: int, new: Sequence[tuple[Editable, str]], told: Mapping[str, Sequence[Span]]) -> Iterator[Edit]:
    """One edit a reason, in the order of `told`; the score is the number of its spans, the evidence has up to 20."""
    values = {path: text for one, text in new for path in one.paths}
    for reason, spans in told.items():
        paths: list[Path] = list(dict.fromkeys(path for one, _, _ in spans for path in one.paths))
        changes = tuple((path, values.pop(path)) for path in paths if path in values)
        shown = [[list(one.paths[0]), start, end] for one, start, end in spans[:SPANS_SHOWN]]
        evidence: dict[str, Any] = {"spans": shown}
        if len(spans) > SPANS_SHOWN:
            evidence["spans_left_off"] = len(spans) - SPANS_SHOWN
        yield Edit(position, changes, reason, float(len(spans)), evidence)
