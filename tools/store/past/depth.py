"""How far made rows are from real ones: 1 for a row made from real rows, 2 for one made from such a row, and so on.

It knows what makings wrote down of each row. What depth is good for, it does not.
"""

from __future__ import annotations

import json

from ..ledger import Entry
from ..rows import Rows
from ..store import Store
from .history import decisions


def depths(store: Store, dataset: str, rows: Rows) -> dict[str, int]:
    """The depth of every made row of a version by row id (32 hex digits); real rows are not in it.

    A row that a step cut out of others is as deep as the deepest of them.
    """
    told: dict[str, int] = {}
    for entry in makings(store, dataset, rows.vid):
        table = decisions(store, entry)
        if table is not None:
            found = zip(table["row_id"].to_pylist(), table["evidence"].to_pylist(), strict=True)
            told |= {row_id.hex(): json.loads(evidence or "{}").get("depth", 1) for row_id, evidence in found}
    if not told:
        return {}
    found_here: dict[str, int] = {}
    table = rows.arrow(("row_id", "parents"))
    for row_id, parents in zip(table["row_id"].to_pylist(), table["parents"].to_pylist(), strict=True):
        known = told.get(row_id.hex()) or max((told.get(one.hex(), 0) for one in parents or ()), default=0)
        if known:
            found_here[row_id.hex()] = known
    return found_here


def makings(store: Store, dataset: str, vid: str) -> list[Entry]:
    """The entries of a lineage that brought rows which models or rules made, oldest first."""
    return [one for one in store.ledger.lineage(dataset, vid) if one.kind == "import" and made_from(one)]


def made_from(entry: Entry) -> list[str]:
    """The versions, as NAME@VID, that the rows of an import were made from."""
    sources = entry.details.get("sources", ())
    return [address for one in sources if "made_from" in one for address in (one["made_from"], *one.get("also", ()))]


def without_real(store: Store, dataset: str, rows: Rows) -> tuple[int, list[str]]:
    """(the deepest row of a version, the datasets of real rows it was made from when none of these was exported).

    Only rows deeper than 1 call for them, and only where the version holds no real rows itself. An export counts as long
    as its folder is there.
    """
    found = depths(store, dataset, rows)
    deepest = max(found.values(), default=0)
    if deepest < 2 or len(found) < len(rows):
        return deepest, []
    real, seen, waiting = set[str](), set[str](), [f"{dataset}@{rows.vid}"]
    while waiting:
        address = waiting.pop()
        seen.add(address)
        name, _, vid = address.partition("@")
        parents = [one for entry in makings(store, name, vid) for one in made_from(entry)]
        waiting += [one for one in parents if one not in seen]
        real |= set() if parents else {name}
    return deepest, sorted(name for name in real if not _is_exported(store, name))


def _is_exported(store: Store, dataset: str) -> bool:
    exports = (one.details["folder"] for one in store.ledger.of(dataset) if one.kind == "export")
    return any((store.root / folder).is_dir() for folder in exports)
