"""What can be wrong with the characters of a text, and how each wrong is put right.

It knows Unicode and one text at a time. It does not know records, rows or where a text came from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..text.signals.prose import prose


@dataclass(frozen=True, slots=True)
class Repair:
    """One repair of one text: the smallest span [start, end) of the text before it that holds every change,
    and the characters of the text `before` and `after`."""

    reason: str
    start: int
    end: int
    before: int
    after: int


# Mojibake ---------------------------------------------------------------------------------------------------

# ftfy's own test costs 0.25 µs a character. Whatever it finds holds a C1 control, one of Ã Â Œ œ, or two
# neighbours out of the tables of single-byte encodings that are not both Cyrillic letters; tests/clean holds
# this against ftfy's own character tables.
_TABLES = r"\x80-\u03ff\u0401-\u040f\u0450-\u04ff\u2000-\u26ff\ufb01\ufb02\uf8ff\ufffd"
_CYRILLIC = r"\u0410-\u044f"
MAYBE_MOJIBAKE: Final = re.compile(
    rf"[\x80-\x9fÃÂŒœ]|[{_CYRILLIC}{_TABLES}][{_TABLES}]|[{_TABLES}][{_CYRILLIC}]|вЂ|ГўВЂВ"
)


_AROUND = 6  # characters; ftfy judges a character by at most five neighbours


def may_be_mojibake(text: str) -> bool:
    """Whether ftfy would call the text mojibake; true for a few more, false for none."""
    places = [found.span() for found in MAYBE_MOJIBAKE.finditer(text)]
    if not places:
        return False
    from ftfy.badness import is_bad

    return is_bad("\n".join([text[max(start - _AROUND, 0) : end + _AROUND] for start, end in places]))


def without_mojibake(text: str) -> str:
    """UTF-8 that was once read as a single-byte encoding, read again as UTF-8, by ftfy's `fix_encoding`.

    A text that shows such damage in code only, fenced or in backticks, talks about it and stays.
    """
    if not may_be_mojibake(prose(text)):
        return text
    from ftfy import fix_encoding

    return fix_encoding(text)


# Line ends and control characters ---------------------------------------------------------------------------

_LINE_END = re.compile("\r\n?|[\u2028\u2029]")
_SEPARATORS = "\x0b\x0c\x85"
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # a terminal's colour or cursor sequence: without ESC its tail would be text
    rf"|[{_SEPARATORS}]|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
)


def with_one_line_end(text: str) -> str:
    """CR LF, CR, U+2028 and U+2029 become LF."""
    return _LINE_END.sub("\n", text)


def without_control_characters(text: str) -> str:
    """C0 and C1 controls and terminal sequences go; those that separate lines (VT, FF, NEL) become LF.

    Tab, LF and CR stay.
    """
    return _CONTROL.sub(lambda found: "\n" if found.group() in _SEPARATORS else "", text)


# Zero-width characters --------------------------------------------------------------------------------------

# Scripts whose letters join or stack, so that a joiner between or beside them changes what is read: Arabic,
# Syriac, N'Ko, Mandaic; the Indic scripts with Sinhala; Tibetan; Mongolian; and those of _UNSPACED.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua980-\ua9ff\uaa00-\uaa7f"
    # Thai, Lao; Myanmar; Khmer; Tai Le, New Tai Lue; Tai Tham; Javanese, Myanmar; Cham, Myanmar
)
_JOINED = (
    r"\u0600-\u06ff\u0700-\u07ff\u0840-\u086f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefe"
    r"\u0900-\u0dff\u0f00-\u0fff\u1800-\u18af\u1b00-\u1bff\u1cd0-\u1cff\ua8e0-\ua8ff\U00010a00-\U00011fff" + _UNSPACED
)
# Pictographs that stand in emoji sequences, and what may follow one before the joiner: skin tones, U+FE0F, a
# tag's end.
_EMOJI = (
    r"\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    r"\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_KEPT_OR_GONE = re.compile(
    rf"(?P<kept>(?<=[{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?=[{_JOINED}])"
    rf"|(?<=[{_EMOJI}\ufe0f\U000e007f])\u200d(?=[{_EMOJI}])"
    rf"|(?<=[{_UNSPACED}])\u200b(?=[{_UNSPACED}])"
    r"|\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)"
    r"|[\u200b-\u200d\u2060\ufeff\U000e0000-\U000e007f]"
)
_ZERO_WIDTH = re.compile(r"[\u200b-\u200d\u2060\ufeff\U000e0000-\U000e007f]")


def without_zero_width(text: str) -> str:
    """Characters nobody sees go, except where a script or an emoji needs them.

    Gone: zero-width space U+200B, (non-)joiners U+200C and U+200D, word joiner U+2060, byte order mark
    U+FEFF, tags U+E0000-E007F. Kept: (non-)joiners beside a letter of a joining script (Persian, Hindi,
    Sinhala, …); the joiner between two emoji; the space between letters of scripts written without spaces
    (Thai, Khmer, …); the tags of a subdivision flag.
    """
    if not _ZERO_WIDTH.search(text):
        return text
    return _KEPT_OR_GONE.sub(lambda found: found["kept"] or "", text)


def as_nfc(text: str) -> str:
    """Normalization Form C (Unicode Standard Annex 15)."""
    return unicodedata.normalize("NFC", text)


Fix = Callable[[str], str]

FIXES: Final[Mapping[str, Fix]] = {
    "mojibake": without_mojibake,
    "line_endings": with_one_line_end,
    "control_characters": without_control_characters,
    "zero_width": without_zero_width,
    "not_nfc": as_nfc,
}
"""Reason -> the function that takes its cause away. Mojibake first, for its bytes may be read as controls;
NFC last, for taking a character away may bring two together that compose."""


_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200d\u2028\u2029\u2060\ufeff\U000e0000-\U000e007f]")


def looks_clean(text: str) -> bool:
    """True only where no fix changes this text, nor any part of it that is cut out at ASCII characters."""
    if _UNWANTED.search(text):
        return False
    return text.isascii() or (unicodedata.is_normalized("NFC", text) and not may_be_mojibake(text))


_ROUNDS = 8


def repaired(text: str, fixes: Mapping[str, Fix]) -> tuple[str, list[Repair]]:
    """`text` after all fixes, applied until nothing changes, and what each of them did.

    A second round matters where one fix lays bare what another repairs.
    """
    repairs: list[Repair] = []
    for _ in range(_ROUNDS):
        start = text
        for reason, fix in fixes.items():
            fixed = fix(text)
            if fixed != text:
                repairs.append(Repair(reason, *changed_span(text, fixed), len(text), len(fixed)))
                text = fixed
        if text == start:
            break
    return text, repairs


def changed_span(before: str, after: str) -> tuple[int, int]:
    """[start, end) in `before` outside which both texts are the same; as small as possible."""
    shorter = min(len(before), len(after))
    head = _longest(shorter, lambda size: before.startswith(after[:size]))
    tail = _longest(shorter - head, lambda size: before.endswith(after[len(after) - size :]))
    return head, len(before) - tail


def _longest(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest size up to `limit` that fits, when every smaller one does (binary search)."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
