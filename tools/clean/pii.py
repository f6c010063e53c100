"""`clean.pii`: personal data and secrets give way to placeholders.

It knows how placeholders are numbered and what an edit tells. What counts as personal is known in `text.pii`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any, Final, Literal

from ..change import Change, Edit, Fact, Outcome, edit_scores
from ..context import Context
from ..store.format.records import Path
from ..store.rows import Rows
from ..text.pii import KINDS, Kind, Match, find, known_region
from ..text.pii.places import Place, places, replaced, suspects
from ..tool import Arg, TextField, tool

_SPANS_SHOWN: Final = 20
_NUMBERED: Final = re.compile(r"<([A-Z]{2,5})_([0-9]{1,6})>")


@tool("clean.pii", version=1, local=True, packages=("phonenumbers",))
def pii(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "all",
    kinds: Annotated[list[Kind] | None, Arg("which kinds are replaced (default: all)")] = None,
    placeholder: Annotated[
        Literal["numbered", "kind"], Arg("<EMAIL_1>, the same for the same value of a row, or <EMAIL>")
    ] = "numbered",
    region: Annotated[
        str | None, Arg("a country's two letters: its national phone numbers are found too, not only +49 …")
    ] = None,
) -> Change:
    """Replace e-mail addresses, phone numbers, IPs, IBANs, card numbers and keys by placeholders.

    By default every text of a record is cleaned: all turns, tool calls and tool schemas (value by value, so that
    JSON stays JSON), other columns. A value has one placeholder in all turns of a row, counted per kind in the order
    of appearance: the second address of a row is <EMAIL_2> wherever it stands, however it is spelt. Placeholders a
    row already holds keep their numbers. Only the texts that hold a value change.

    Reasons (each also a kind):
      email  an address whose domain could be registered; not example.com and other reserved domains (RFC 2606, 6761),
             git@host, package@version
      phone  a number its country's numbering plan has (phonenumbers), written with + or 00; with `region` also
             nationally, grouped as that country does or after a word such as 'call'; not 555-01xx and other numbers
             kept for fiction
      ip     a public IPv4 or IPv6 address; not private, documentation (192.0.2.x) and other special ones, not
             8.8.8.8 and its like; not versions and section numbers, nor four numbers all under 20
      iban   a country's length and mod 97 (ISO 13616)
      card   an issuer's prefix and length, and the Luhn digit (ISO/IEC 7812)
      key    private key blocks (PEM), keys by provider prefix (sk-, ghp_, AKIA, xox…), JSON web tokens, passwords in
             URLs, random strings assigned to a name such as api_key or after Bearer; not values that say they are
             examples

    Not found: names, postal addresses, ordinary passwords, values spelt out ('bob at acme dot io'), names of JSON
    members, and whole numbers outside tool calls unless `field` names their column.

    One edit a row and reason; the score is the number of values replaced, each time it stands there. The evidence
    holds `spans`, for up to 20 of them the path (into the JSON of an argument too), the start and the end in that
    text as it was, never the value. A row with several reasons carries its new texts in the first edit that names
    them. Facts: `clean.pii.<kind>`, the replacements. Cleaning again changes nothing.
    """
    wanted = tuple(kind for kind in KINDS if kinds is None or kind in kinds)
    replacements: Counter[str] = Counter()
    facts: list[Fact] = []
    region = known_region(region)

    def outcomes() -> Iterator[Outcome]:
        for batch, rows in suspects(data, wanted, region):
            edits: list[Edit] = []
            for position, record in rows:
                found = [
                    (place, matches)
                    for place in places(record, data.mapping, field)
                    if (matches := find(place.text, wanted, region))
                ]
                if found:
                    edits += _edits(position, record, found, wanted, numbered=placeholder == "numbered")
            yield Outcome(edits=edits)
            ctx.progress(batch.start + len(batch), len(data))

    def told(drawn: Iterable[Outcome], rows: int) -> Iterator[Outcome]:
        for outcome in drawn:
            for kind, count in edit_scores(outcome):
                replacements[kind] += int(count)
            yield outcome
        facts.extend(
            Fact(f"clean.pii.{kind}", replacements[kind], "replacements", f"clean.pii, field {field}", rows)
            for kind in wanted
        )

    return Change(outcomes(), facts=facts, told=told)


_Found = list[tuple[Place, list[Match]]]


def _edits(position: int, record: Any, found: _Found, kinds: Collection[Kind], *, numbered: bool) -> Iterator[Edit]:
    """One edit for each kind of the row; each new text stands in the first edit that touches it."""
    names = _placeholders(record, found, numbered)
    new = replaced(record, [(place, _rewritten(place.text, matches, names)) for place, matches in found])
    for kind in kinds:
        spans = [(place, match) for place, matches in found for match in matches if match.kind == kind]
        if spans:
            paths = dict.fromkeys(place.path for place, _ in spans)
            changes = tuple((path, new.pop(path)) for path in paths if path in new)
            shown = [[_shown((*place.path, *place.inner)), one.start, one.end] for place, one in spans[:_SPANS_SHOWN]]
            evidence: dict[str, Any] = {"spans": shown}
            if len(spans) > _SPANS_SHOWN:
                evidence["spans_left_off"] = len(spans) - _SPANS_SHOWN
            yield Edit(position, changes, kind, float(len(spans)), evidence)


def _placeholders(record: Any, found: _Found, numbered: bool) -> dict[tuple[str, str], str]:
    """(kind, value) -> placeholder, numbered behind the highest number the record already holds."""
    names: dict[tuple[str, str], str] = {}
    last: Counter[str] = Counter()
    if numbered:
        for kind, number in _NUMBERED.findall(json.dumps(record, ensure_ascii=False, default=str)):
            last[kind] = max(last[kind], int(number))
    for match in (match for _, matches in found for match in matches):
        key = (match.kind, match.value)
        if key not in names:
            name = match.kind.upper()
            last[name] += 1
            names[key] = f"<{name}_{last[name]}>" if numbered else f"<{name}>"
    return names


def _rewritten(text: str, matches: list[Match], names: dict[tuple[str, str], str]) -> str:
    parts, at = [], 0
    for match in matches:
        parts += [text[at : match.start], names[match.kind, match.value]]
        at = match.end
    return "".join([*parts, text[at:]])


def _shown(path: Path) -> list[str | int]:
    """A path as evidence: a member's name may itself be an address."""
    return [
        _rewritten(step, matches, {(one.kind, one.value): f"<{one.kind.upper()}>" for one in matches})
        if isinstance(step, str) and (matches := find(step))
        else step
        for step in path
    ]
