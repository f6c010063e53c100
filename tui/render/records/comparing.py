"""Two texts word by word: what only one of them says is marked.

It knows words; marks are [-gone-] and {+new+}.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from ...cells import left
from ...terminal import Terminal
from ...text import one_line, wrap

AROUND: Final = 8
"""Words shown around a difference; longer agreement is counted instead."""

MOST_WORDS: Final = 2_000
"""Longer texts are compared up to here: matching is quadratic."""

_WORD: Final = re.compile(r"\S+")


def words(text: str) -> list[str]:
    return _WORD.findall(one_line(text))[:MOST_WORDS]


def marked(before: str, after: str) -> tuple[str, str]:
    """Both texts, each with the words marked that the other lacks, long agreement left out and counted."""
    a, b = words(before), words(after)
    told_a: list[str] = []
    told_b: list[str] = []
    steps = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for number, (kind, a1, a2, b1, b2) in enumerate(steps):
        if kind == "equal":
            same = _around(a[a1:a2], first=number == 0, last=number == len(steps) - 1)
            told_a += same
            told_b += same
        else:
            told_a += [_gone(" ".join(a[a1:a2]))] if a2 > a1 else []
            told_b += [_new(" ".join(b[b1:b2]))] if b2 > b1 else []
    return " ".join(told_a), " ".join(told_b)


def inline(before: str, after: str) -> str:
    """One text that holds both: gone words and new ones marked, in place."""
    a, b = words(before), words(after)
    told: list[str] = []
    steps = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for number, (kind, a1, a2, b1, b2) in enumerate(steps):
        if kind == "equal":
            told += _around(a[a1:a2], first=number == 0, last=number == len(steps) - 1)
        else:
            told += [_gone(" ".join(a[a1:a2]))] if a2 > a1 else []
            told += [_new(" ".join(b[b1:b2]))] if b2 > b1 else []
    return " ".join(told)


def _around(same: list[str], *, first: bool, last: bool) -> list[str]:
    """The ends of an agreement that touch a difference."""
    if first and last:
        return [*same[: 2 * AROUND], *([f"…({len(same) - 2 * AROUND} more words)"] if len(same) > 2 * AROUND else [])]
    head = [] if first else same[:AROUND]
    tail = [] if last else same[-AROUND:]
    hidden = len(same) - len(head) - len(tail)
    return [*head, f"…({hidden} words)…", *tail] if hidden > 3 else same


def _gone(text: str) -> str:
    return f"[-{text}-]"


def _new(text: str) -> str:
    return f"{{+{text}+}}"


def beside(
    titles: tuple[str, str], texts: tuple[str, str], terminal: Terminal, *, narrowest: int = 100
) -> Iterator[str]:
    """Two texts in two columns on a wide screen; one under the other on a narrow one or for a screen reader."""
    if terminal.columns < narrowest or terminal.linear:
        for title, text in zip(titles, texts, strict=True):
            yield from wrap(f"{title}: {text}", terminal.columns, indent="    ", first="  ")
        return
    half = (terminal.columns - 5) // 2
    columns = [[title, *wrap(text, half)] for title, text in zip(titles, texts, strict=True)]
    for i in range(max(map(len, columns))):
        one, other = (column[i] if i < len(column) else "" for column in columns)
        yield f"  {left(one, half)} | {other}".rstrip()
