"""Bank accounts (IBAN) and payment cards: numbers that prove themselves by a check digit.

It knows lengths, prefixes and checksums. It does not know whether an account exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Final

from .matches import Match

_LENGTHS: Final = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
IBAN_LENGTHS: Final = {country: length for length, countries in _LENGTHS.items() for country in countries.split()}
"""Characters of an IBAN by country: the SWIFT IBAN registry."""

_IBAN_START: Final = re.compile(r"[0-9](?<=[A-Za-z]{2}[0-9])[0-9][ -]?[A-Za-z0-9]{4}")


def may_hold_iban(text: str) -> bool:
    return _IBAN_START.search(text) is not None


def ibans(text: str) -> Iterator[Match]:
    """IBANs of ISO 13616: known country and its length, ISO 7064 mod 97-10; in one piece or in groups of four."""
    for found in _IBAN_START.finditer(text):
        start = found.start() - 2
        country = text[start : start + 2].upper()
        if country not in IBAN_LENGTHS or (start and text[start - 1].isalnum()):
            continue
        rest = _rest(IBAN_LENGTHS[country] - 4).match(text, start + 4)
        if rest is None:
            continue
        value = re.sub("[ -]", "", text[start : rest.end()]).upper()
        turned = "".join(str(int(character, 36)) for character in value[4:] + value[:4])
        if int(turned) % 97 == 1:
            yield Match("iban", start, rest.end(), value)


@cache
def _rest(length: int) -> re.Pattern[str]:
    """The characters behind country and check digits, in one piece or grouped."""
    groups, left = divmod(length, 4)
    last = rf"\1[A-Za-z0-9]{{{left}}}" if left else ""
    grouped = rf"([ -])[A-Za-z0-9]{{4}}(?:\1[A-Za-z0-9]{{4}}){{{groups - 1}}}{last}"
    return re.compile(rf"(?:[A-Za-z0-9]{{{length}}}|{grouped})(?![A-Za-z0-9])")


_MAY_HOLD_CARD: Final = re.compile(r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{2}")
_CARD: Final = re.compile(
    r"[0-9](?<![\w.+/$€£][0-9])(?<!\w-[0-9])(?<![A-Za-z0-9]{2}[0-9]{2} [0-9])"
    r"(?:[0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1(?:[0-9]{4}\1[0-9]{3}|[0-9]{1,7})"
    r"|[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5}|[0-9]{11,18})(?!\w|[.-][0-9])",
    re.ASCII,
)
_OTHER_NUMBER: Final = re.compile(
    r"\b(?:order|tracking|invoice|ticket|isbn|ean|gtin|upc|sku|serial|imei|reference|ref|case|id)"
    r"(?: ?(?:no|nr|num|number|code|id))?[ .:=#]{0,3}\Z",
    re.ASCII | re.IGNORECASE,
)


def may_hold_card(text: str) -> bool:
    return _MAY_HOLD_CARD.search(text) is not None


def cards(text: str) -> Iterator[Match]:
    """Card numbers of ISO/IEC 7812: an issuer's prefix with its length, the Luhn digit; in one piece or grouped as
    printed. Digits in one piece after 'order', 'tracking', 'ISBN' and the like are no card."""
    at = 0
    while found := _CARD.search(text, at):
        digits = re.sub("[ -]", "", found[0])
        if _issued(digits) and luhn(digits) and not (found[0] == digits and _named_otherwise(text, found.start())):
            yield Match("card", found.start(), found.end(), digits)
            at = found.end()
        else:
            at = found.start() + 1


def _named_otherwise(text: str, start: int) -> bool:
    return _OTHER_NUMBER.search(text, max(start - 28, 0), start) is not None


def _issued(digits: str) -> bool:
    """Whether an issuer uses this prefix with this length."""
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    return (
        (digits[0] == "4" and size in (13, 16, 19))  # Visa
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and size == 16)  # Mastercard
        or (two in (34, 37) and size == 15)  # American Express
        or ((300 <= three <= 305 or two in (36, 38, 39)) and size == 14)  # Diners Club
        or ((four == 6011 or 644 <= three <= 649 or two == 65) and 16 <= size <= 19)  # Discover
        or (3528 <= four <= 3589 and 16 <= size <= 19)  # JCB
        or (two == 62 and 16 <= size <= 19)  # UnionPay
        or (four in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763) and 12 <= size <= 19)  # Maestro
    )


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return sum(chain(map(int, digits[::-2]), doubled)) % 10 == 0
