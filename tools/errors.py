"""The one error tree. It knows exit codes and who may act on an error; it does not know who prints it.

TilthError                 something a person can act on; `exit_code` is what the command ends with
├── Misuse            (2)  wrong arguments, names, recipe or config
│   └── Retry         (2)  as Misuse, and a model that proposed the call may correct it and try again
├── BadInput          (1)  the data itself is at fault: file, line and reason are named
├── Refused           (1)  the answer is no: too many rejects, a cap, an expectation, drift
├── Busy              (3)  another process holds the workspace
├── Unavailable       (3)  an endpoint or a source cannot be reached
├── OverBudget        (4)  a spending cap was reached
└── Corrupt          (70)  the workspace contradicts itself; nothing was written
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TilthError(Exception):
    """A failure with a sentence a person can act on; `next_step` says what to do. `quotes` is the part of the message
    that may quote a row: an endpoint that may not see rows is not shown it."""

    exit_code = 70

    def __init__(self, message: str, *, next_step: str = "", quotes: str = "") -> None:
        super().__init__(message)
        self.next_step, self.quotes = next_step, quotes

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message} {self.next_step}".strip() if self.next_step else message


class Misuse(TilthError):
    exit_code = 2


class Retry(Misuse):
    pass


class BadInput(TilthError):
    exit_code = 1


class Refused(TilthError):
    exit_code = 1


class Busy(TilthError):
    exit_code = 3


class Unavailable(TilthError):
    exit_code = 3


class OverBudget(TilthError):
    exit_code = 4


class Corrupt(TilthError):
    exit_code = 70


CLOSE, CLOSE_SHORT = 0.7, 0.65
"""The least likeness, in [0, 1], at which a name may be what was meant, and that for one of at most four letters, of which
one may be wrong: SequenceMatcher's ratio."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """A sentence naming the valid name closest to `name`, or all of them when few and none is close."""
    names = sorted(set(valid))
    cutoff = CLOSE if len(name) > 4 else CLOSE_SHORT
    close = difflib.get_close_matches(name, names, n=1, cutoff=cutoff) or [
        one for one in names if len(name) > 2 and one.lower().startswith(name.lower())
    ]
    if close:
        return f"Nearest: {close[0]}."
    if not names:
        return "There are none."
    shown = ", ".join(names[:12])
    return f"Valid: {shown}{', …' if len(names) > 12 else ''}."
