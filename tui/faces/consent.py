"""The question before anything is spent or sent: one block on the terminal, answered with yes or no.

It knows who can be asked: a person at a terminal, or whom a face asks in its own way, and nobody else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...agent.events import Noticed

if TYPE_CHECKING:
    from ...agent.acting.spending import Estimate
    from ..command import Face


def asker(face: Face) -> Callable[[Estimate], bool] | None:
    """How a person is asked: as the face does it, else on the terminal; None where none can answer."""
    own: Callable[[Estimate], bool] | None = getattr(face, "agree", None)
    if own is not None:
        return own
    if not can_ask():
        return None

    def agree(estimate: Estimate) -> bool:
        face.listener(Noticed("Before models are asked:", "warning"))
        for line in estimate.lines():
            face.listener(Noticed("  " + line, "warning"))
        return ask("Go on? [y/N] ")

    return agree


def can_ask() -> bool:
    """Is there somebody at a terminal?"""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> bool:
    """Put a question on the terminal; only a yes is one."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
