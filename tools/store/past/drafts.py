"""What a panel refused on the way to the rows of a dataset, and the calls that rows and drafts rest on.

It knows the objects and the recorded answers. Who judged, and how, it does not.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..calls import Call, Calls
from ..ledger import Entry
from ..store import Store

CALLS: Final = "calls.sqlite"
REFUSED: Final = "refused"
"""The role of the object that holds refused drafts."""


@dataclass(frozen=True)
class Draft:
    """A draft that became no row: why (a code and a sentence), its score, the record as far as it came."""

    position: int
    outcome: str
    code: str
    message: str
    score: float | None
    evidence: Mapping[str, Any]
    record: Any
    calls: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """One recorded call: to whom, what was asked, what came back."""

    key: str
    call: Call

    @property
    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.call.asked)["messages"]
        return found

    @property
    def answer(self) -> str:
        """The answer's text, or why there is none."""
        body = json.loads(self.call.body)
        if "rejected" in body:
            return str(body["rejected"]["message"])
        message = body["choices"][0]["message"]
        return message.get("content") or message.get("refusal") or json.dumps(message.get("tool_calls") or "")


def refused(
    store: Store, address: str, *, reason: str | None = None, count: int = 5, seed: int = 0
) -> tuple[dict[str, int], list[Draft]]:
    """How many drafts were refused on the way to a version, by code, and up to `count` seeded examples of each."""
    dataset, vid = store.resolve(address)
    makings = [one for one in store.ledger.lineage(dataset, vid) if REFUSED in one.objects]
    codes: Counter[str] = Counter()
    found: list[Draft] = []
    for entry in makings:
        table = store.objects.read(entry.objects[REFUSED])
        listed = table["code"].to_pylist()
        codes.update(listed)
        for code in dict.fromkeys(listed):
            if reason is None or code == reason:
                places = [i for i, one in enumerate(listed) if one == code]
                chosen = sorted(random.Random(f"{seed} {code}").sample(places, min(count, len(places))))
                found += [_draft(table.slice(place, 1).to_pylist()[0]) for place in chosen]
    return dict(sorted(codes.items(), key=lambda one: (-one[1], one[0]))), found


def asked(store: Store, evidence: Iterable[Mapping[str, Any]]) -> list[Asked]:
    """The recorded calls that decisions name, each once, in their order; those of a bundle without them are left out."""
    path = store.state / CALLS
    keys = list(dict.fromkeys(key for one in evidence for key in _keys(one)))
    if not keys or not path.exists():
        return []
    with Calls(path) as calls:
        found = [(key, calls.get(key)) for key in keys]
    return [Asked(key, call) for key, call in found if call is not None]


def used(store: Store, entries: Iterable[Entry]) -> dict[str, Call]:
    """Every recorded call that the rows, drafts and decisions of some entries rest on, by key."""
    keys: set[str] = set()
    for entry in entries:
        if "spent" not in entry.details:
            continue
        for role in ("decisions", REFUSED):
            if role in entry.objects:
                table = store.objects.read(entry.objects[role])
                told = [json.loads(one) for one in table["evidence"].to_pylist() if one]
                keys.update(key for one in told for key in _keys(one))
                if "calls" in table.column_names:
                    keys.update(key for some in table["calls"].to_pylist() for key in some or ())
    path = store.state / CALLS
    if not keys or not path.exists():
        return {}
    with Calls(path) as calls:
        return {key: call for key in sorted(keys) if (call := calls.get(key)) is not None}


def _keys(evidence: Mapping[str, Any]) -> Iterable[str]:
    yield from (str(one) for one in evidence.get("calls", ()))
    yield from (str(one["call"]) for one in evidence.get("reviews", ()) if isinstance(one, dict) and one.get("call"))


def _draft(line: Mapping[str, Any]) -> Draft:
    record = None if line["draft"] is None else json.loads(line["draft"])
    evidence = json.loads(line["evidence"])
    told = (line["position"], line["outcome"], line["code"], line["message"], line["score"])
    return Draft(*told, evidence, record, tuple(line["calls"] or ()))
