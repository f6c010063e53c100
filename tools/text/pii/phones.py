"""Phone numbers: what could be one, and whether the numbering plan of its country has it.

The plans are those of the library phonenumbers (Google's libphonenumber). It knows numbers kept for fiction; it does
not know whether a number is in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from ...errors import Misuse, nearest
from .matches import Match

_SEPARATOR: Final = r"[ .\-/()\u00a0\u2009\u2010\u2011\u202f]"
_BETWEEN: Final = rf"{_SEPARATOR}{{0,3}}+"
_BETWEEN_IN_JSON: Final = rf"(?:{_SEPARATOR}|\\u[0-9A-Fa-f]{{4}}){{0,3}}"
_SIX_MORE: Final = rf"(?:{_BETWEEN_IN_JSON}[0-9]){{6}}"
_MAY_HOLD: Final = re.compile(rf"(?:\+\(?|00{_BETWEEN_IN_JSON})[1-9]{_SIX_MORE}")
_MAY_HOLD_NATIONAL: Final = re.compile(rf"[0-9]{_SIX_MORE}")
_INTERNATIONAL: Final = re.compile(
    rf"(?:\+(?<![\w+.)]\+)\(?|0(?<![\w+.,:/\-]0)0{_BETWEEN})[1-9](?:{_BETWEEN}[0-9]){{6,16}}+", re.ASCII
)
_NATIONAL: Final = re.compile(
    rf"(?:\((?<![\w+.)]\()[0-9]|[0-9](?<![\w+.,:/#=\-][0-9]))(?:{_BETWEEN}[0-9]){{6,13}}+", re.ASCII
)
_GROUP: Final = re.compile(r"[0-9]+")
_SHORTEST: Final = 7
_MOST_GROUPS: Final = 8
_STARTS: Final = 2
_CUTS: Final = 3
"""Groups of digits a number may be too long by, for what follows it: a year, a second number. A national
one is also looked for behind the first group. More is not tried, so that columns of figures cost little."""
_CUE: Final = re.compile(
    r"(?<![^\W_])(?:phone|tel|telephone|mobile|mob|cell|fax|call|whatsapp|sms|telefon|tél|handy)"
    r"(?:[ .]{0,2}(?:no|nr|num|number|me|at|me at|is))?[ .:=#]{0,3}\Z",
    re.IGNORECASE,
)
_FICTION: Final = re.compile(
    r"\+1[0-9]{3}55501[0-9]{2}"  # North American Numbering Plan: 555-0100 to 555-0199
    r"|\+44(?:2079460|1(?:1[3-8]|21|31|41|51|61)4960|1914980|2896496|2920180|1632960|7700900|8081570|3069990)[0-9]{3}"
)  # Ofcom: numbers for drama


def may_hold_phone(text: str, region: str | None) -> bool:
    if region is not None:
        return _MAY_HOLD_NATIONAL.search(text) is not None
    return ("+" in text or "00" in text) and _MAY_HOLD.search(text) is not None


def phones(text: str, region: str | None = None) -> Iterator[Match]:
    """Valid numbers in international form (+ or 00 and the country); with a region, its national forms too.

    A national number, and one after 00, stands in the groups its country writes it in, or after a word such as
    'phone' or 'call': bare digits are order numbers far more often. Numbers kept for fiction (555-0100 to 555-0199;
    Ofcom's drama numbers) are nobody's.
    """
    yield from _valid(text, _INTERNATIONAL, None)
    if region is not None:
        yield from _valid(text, _NATIONAL, region)


def _valid(text: str, pattern: re.Pattern[str], region: str | None) -> Iterator[Match]:
    at = 0
    while candidate := pattern.search(text, at):
        at = candidate.end()
        groups = [group.span() for group in _GROUP.finditer(text, candidate.start(), at)][:_MOST_GROUPS]
        if groups[-1][1] == at and text[at : at + 1].isalnum():
            del groups[-1]
        for first in range(min(_STARTS, len(groups)) if region else 1):
            start = candidate.start() if first == 0 else groups[first][0]
            start -= first > 0 and text[start - 1] == "("
            ends = [end for _, end in groups[first:]][: -_CUTS - 2 : -1]
            found = next((one for end in ends if (one := _number(text, start, end, region))), None)
            if found:
                yield found
                at = found.end
                break


def _number(text: str, start: int, end: int, region: str | None) -> Match | None:
    """The number at text[start:end], if there is such a number and it is written like one."""
    start += text[start] == "(" and ")" not in text[start:end]
    written = text[start:end]
    exit_code = written.startswith("00") and region is None
    if end - start < _SHORTEST:
        return None
    known = _known("+" + written[2:] if exit_code else written, region)
    if known is None or _FICTION.fullmatch(known[0]):
        return None
    value, grouped = known
    if exit_code:
        grouped = len(_GROUP.findall(written)) > 1
    if (exit_code or region is not None) and not grouped and not _CUE.search(text, max(start - 32, 0), start):
        return None
    return Match("phone", start, end, value)


@lru_cache(4096)
def _known(written: str, region: str | None) -> tuple[str, bool] | None:
    """A number that its country's plan has, as E.164, and whether its digits stand in that country's groups."""
    import phonenumbers

    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    value: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    groups, usual = _GROUP.findall(written), _GROUP.findall(national)
    return value, len(usual) > 1 and groups in (usual, [str(number.country_code), *usual])


@cache
def known_region(region: str | None) -> str | None:
    """The region as phonenumbers names it (ISO 3166, two letters); Misuse names the nearest."""
    import phonenumbers

    if region is not None and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise Misuse(
            f"There is no region {region!r}.",
            next_step=f"A region is a country's two letters, such as DE. "
            f"{nearest(region.upper(), phonenumbers.SUPPORTED_REGIONS)}",
        )
    return region and region.upper()
