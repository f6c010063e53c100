"""What a detector of personal data hands back. It knows no detector and no text."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

Kind = Literal["email", "phone", "ip", "iban", "card", "key"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Match(NamedTuple):
    """One value in a text: text[start:end], and how two spellings of the same value are told to be the same.

    `value` is the address in lower case, the number as E.164, the compact IBAN, the digits of the card, or the
    key itself.
    """

    kind: Kind
    start: int
    end: int
    value: str
