"""`inspect.pii`: how much personal data and how many secrets the texts hold.

It knows what is counted and how it is told. What counts as personal is known in `text.pii`.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Final

from ..change import Fact, Finding, Report
from ..context import Context
from ..store.rows import Rows
from ..text.pii import KINDS, Kind, find, known_region
from ..text.pii.places import places, suspects
from ..tool import Arg, TextField, tool

_EXAMPLES: Final = 5
_NAMES: Final[dict[Kind, str]] = {
    "email": "E-mail addresses",
    "phone": "Phone numbers",
    "ip": "Public IP addresses",
    "iban": "Bank accounts (IBAN)",
    "card": "Payment card numbers",
    "key": "Keys, tokens or private keys",
}


@tool("inspect.pii", version=1, effect="reads")
def pii(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "all",
    kinds: Annotated[list[Kind] | None, Arg("which kinds are looked for (default: all)")] = None,
    region: Annotated[
        str | None, Arg("a country's two letters: its national phone numbers are found too, not only +49 …")
    ] = None,
) -> Report:
    """Count e-mail addresses, phone numbers, IPs, IBANs, card numbers and keys, as clean.pii would replace them.

    Changes nothing and shows no value. What each kind takes in and leaves alone is told by clean.pii, and so is what
    is not found: names, postal addresses, ordinary passwords.

    Findings `pii.email`, `pii.phone`, `pii.ip`, `pii.iban`, `pii.card`, `pii.key`: rows that hold the kind, with up
    to 5 examples; a key is an error, the others are warnings. Facts of the same names: how often a value of the kind
    stands there, 0 when it never does; `pii.rows`: rows that hold any. Only the kinds looked for have a fact.
    """
    wanted = tuple(kind for kind in KINDS if kinds is None or kind in kinds)
    region = known_region(region)
    values: Counter[Kind] = Counter()
    rows: Counter[Kind] = Counter()
    examples: dict[Kind, list[int]] = {kind: [] for kind in wanted}
    holding = 0
    for batch, suspected in suspects(data, wanted, region):
        for position, record in suspected:
            held: Counter[Kind] = Counter()
            for place in places(record, data.mapping, field):
                held.update(match.kind for match in find(place.text, wanted, region))
            values.update(held)
            rows.update(held.keys())
            holding += bool(held)
            for kind in held:
                if len(examples[kind]) < _EXAMPLES:
                    examples[kind].append(position)
        ctx.progress(batch.start + len(batch), len(data))
    fix = " ".join(["clean.pii", *_flag("field", field, "all"), *_flag("region", region, None)])
    findings = [
        Finding(
            f"pii.{kind}",
            "error" if kind == "key" else "warning",
            f"{_NAMES[kind]} stand in the texts: {values[kind]:,} in all.",
            rows[kind],
            rows=tuple(examples[kind]),
            fix=fix,
        )
        for kind in wanted
        if rows[kind]
    ]
    method = f"inspect.pii, field {field}" + (f", region {region}" if region else "")
    facts = [Fact(f"pii.{kind}", values[kind], "occurrences", method, len(data)) for kind in wanted]
    facts.append(Fact("pii.rows", holding, "rows", method, len(data)))
    return Report(findings, facts, {"occurrences": {kind: values[kind] for kind in wanted}, "field": field})


def _flag(name: str, value: str | None, default: str | None) -> list[str]:
    return [f"--{name}", str(value)] if value != default else []
