"""Personal data and secrets in one text, found by form and checksum, without a model.

It knows the detectors and in which order they may claim a stretch of text. It does not know records, nor what is
done about a value; names and postal addresses, which have no form, it does not find.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from .accounts import cards, ibans, may_hold_card, may_hold_iban
from .addresses import emails, ips, may_hold_ip
from .keys import keys, may_hold_key
from .matches import KINDS as KINDS
from .matches import Kind as Kind
from .matches import Match as Match
from .phones import known_region as known_region
from .phones import may_hold_phone, phones

_Gate = Callable[[str, str | None], bool]
_Detector = Callable[[str, str | None], Iterator[Match]]

_DETECTORS: Final[dict[Kind, tuple[_Gate, _Detector]]] = {
    "key": (lambda text, region: may_hold_key(text), lambda text, region: keys(text)),
    "iban": (lambda text, region: may_hold_iban(text), lambda text, region: ibans(text)),
    "card": (lambda text, region: may_hold_card(text), lambda text, region: cards(text)),
    "email": (lambda text, region: "@" in text, lambda text, region: emails(text)),
    "ip": (lambda text, region: may_hold_ip(text), lambda text, region: ips(text)),
    "phone": (may_hold_phone, phones),
}
"""In the order in which they claim text: what proves itself comes before what only looks the part."""


def may_hold(text: str, kinds: Collection[Kind] = KINDS, region: str | None = None) -> bool:
    """A fast first look: False only where `find` finds nothing, in this text and in every stretch of it."""
    return any(gate(text, region) for kind, (gate, _) in _DETECTORS.items() if kind in kinds)


def find(text: str, kinds: Collection[Kind] = KINDS, region: str | None = None) -> list[Match]:
    """The values in the text, in order and apart from each other.

    `region` (two letters, ISO 3166) adds the national phone numbers of a country. A text in which every match is
    replaced by something in angle brackets holds no further match: the search is repeated around what was found,
    until it finds no more. Time is linear in the text: every pattern is bounded or cannot backtrack.
    """
    found: list[Match] = []
    again = True
    while again:
        again = False
        for kind, (gate, detect) in _DETECTORS.items():
            if kind in kinds and gate(text, region):
                new = _apart(detect(text, region))
                text = _masked(text, new)
                found += new
                again = again or bool(new)
    return sorted(found, key=lambda match: match.start)


def _apart(matches: Iterable[Match]) -> list[Match]:
    """Those that do not overlap an earlier or longer one, in order."""
    out: list[Match] = []
    for match in sorted(matches, key=lambda match: (match.start, -match.end)):
        if not out or match.start >= out[-1].end:
            out.append(match)
    return out


def _masked(text: str, matches: Iterable[Match]) -> str:
    """The text with each match blanked out in place, so that it reads to the detectors as a placeholder does."""
    parts, at = [], 0
    for match in matches:
        parts += [text[at : match.start], "<", "_" * (match.end - match.start - 2), ">"]
        at = match.end
    return "".join([*parts, text[at:]])
