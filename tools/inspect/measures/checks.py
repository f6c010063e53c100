"""Detectors that other tools act on, run over every row and only counted.

It knows those tools' own tests, and cheap ones that tell which rows need none of them. It decides nothing
itself, so that a profile and the tool it points to never disagree.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from ...clean._characters import FIXES, MAYBE_MOJIBAKE, looks_clean, repaired
from ...filter._profiles import profile_named
from ...filter.chat import REASONS as CHAT_REASONS
from ...filter.chat import problems
from ...store.format.mapping import Mapping as RecordMapping
from ...text.conversation import FORMATS as CONVERSATIONS
from ...text.conversation import Reader
from ...tool import get
from .answers import may_be_faulty
from .counting import Hits
from .seen import Said, Seen

SIGNALS_ONLY: Final = ("refusal", "truncation")
"""Signals of filter.rules that never drop a row."""
OF_ANSWERS: Final = ("empty_response", "echoed_response", *SIGNALS_ONLY)
"""What can be said of answers only, not of texts that answer nobody."""

CLEANED: Final = frozenset(("text", "reasoning", "column"))
"""Kinds of text that clean.unicode repairs; calls and schemas are code."""


class Checks(Hits):
    """Rows by the reason code of the tool that acts on it; `examined` counts, by code, the rows looked at."""

    def __init__(self, mapping: RecordMapping) -> None:
        super().__init__()
        self.examined: dict[str, int] = {}
        self._reader = Reader(mapping) if mapping.format in CONVERSATIONS else None
        self._speaker = {"table": "", "text": "text", "preference": "chosen"}.get(mapping.format, "assistant")

    def see(self, seen: Seen) -> None:
        self._see_characters(seen)
        if self._reader is not None:
            self._see_turns(seen, self._reader)
        if self._speaker:
            self._see_answers(seen)

    def _see_characters(self, seen: Seen) -> None:
        for position, said in enumerate(seen.said, seen.start):
            found: set[str] = set()
            for _, text, kind, _ in said:
                if kind in CLEANED and needs_a_look(text):
                    found.update(character_faults(text))
            for code in sorted(found):
                self.add(code, position)
        self._examine(FIXES, len(seen))

    def _see_turns(self, seen: Seen, reader: Reader) -> None:
        for position, (said, record) in enumerate(zip(seen.said, seen.records, strict=True), seen.start):
            if not is_plain_exchange(said):
                found = problems(reader.messages(record), reader.schemas(record))
                for code in dict.fromkeys(problem.reason for problem in found):
                    self.add(code, position)
        self._examine(CHAT_REASONS, len(seen))

    def _see_answers(self, seen: Seen) -> None:
        rows = [i for i, said in enumerate(seen.said) if may_be_faulty(said, self._speaker)]
        profile = profile_named("sft")
        signals = profile.measure(seen.mapping, None, [seen.records[i] for i in rows])
        columns = {name: signals[name].to_numpy(zero_copy_only=False) for name in signals.column_names}
        broken = {rule.reason: rule.breaks(columns, _limits()) for rule in profile.rules}
        broken |= {name: columns[name] for name in SIGNALS_ONLY}
        if self._speaker == "text":
            broken = {code: hits for code, hits in broken.items() if code not in OF_ANSWERS}
        for place, i in enumerate(rows):
            for code, hits in broken.items():
                if hits[place]:
                    self.add(code, seen.start + i)
        self._examine(broken, len(seen))

    def _examine(self, codes: Iterable[str], rows: int) -> None:
        for code in codes:
            self.examined[code] = self.examined.get(code, 0) + rows

    def clean(self) -> list[str]:
        """Codes that were looked for in every row and not found."""
        return [code for code in self.examined if not self.counts[code]]


@cache
def _limits() -> Mapping[str, float]:
    """The default thresholds of filter.rules."""
    return {one.name: one.default for one in get("filter.rules").parameters if one.arg.threshold}


def character_faults(text: str) -> list[str]:
    """The reasons for which clean.unicode would repair a text."""
    if looks_clean(text):
        return []
    fixed, repairs = repaired(text, FIXES)
    return [repair.reason for repair in repairs] if fixed != text else []


_PLAIN: Final = bytes([9, 10, *range(0x20, 0x7F)])
_BEYOND_ASCII: Final = bytes(range(0x80, 0x100))
_SPACES: Final = bytes(byte if byte > 0x7F else 0x20 for byte in range(256))
_SUSPECT: Final = re.compile(
    r"[\x7f-\x9f\u2028\u2029\u200b-\u200d\u2060\ufeff\U000e0000-\U000e007f]|" + MAYBE_MOJIBAKE.pattern
)


def needs_a_look(text: str) -> bool:
    """False only for texts in which `character_faults` finds nothing; several times faster than that.

    Every fix is set off by characters that are not printable ASCII, mojibake by two neighbours of them: so ASCII
    goes first, and what stood apart stays apart.
    """
    encoded = text.encode("utf-8", "surrogatepass")
    others = encoded.translate(None, _PLAIN)
    if not others:
        return False
    if others.translate(None, _BEYOND_ASCII):
        return True  # a control character
    words = b" ".join(encoded.translate(_SPACES).split()).decode("utf-8", "surrogatepass")
    return bool(_SUSPECT.search(words)) or not unicodedata.is_normalized("NFC", text)


def is_plain_exchange(said: Said) -> bool:
    """True only for conversations in which filter.chat finds nothing: a system prompt or none, then user and
    assistant in turn, the assistant last, nothing empty, no calls and no media.
    """
    wanted, other, place = "user", "assistant", 0
    for role, text, kind, turn in said:
        if turn < 0 and kind == "column":
            break
        if kind != "text" or turn != place or not text or text.isspace():
            return False
        if role == wanted:
            wanted, other = other, wanted
        elif role != "system" or place:
            return False
        place += 1
    return wanted == "user" and place > 0 and said[place - 1][0] == "assistant"
