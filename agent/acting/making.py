"""Rows made from a version: they become a dataset of their own, and the version they were made from notes that.

It knows the two entries a making leaves in the ledger. Which rows are made, and by whom, is the tool's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ...tools.change import Change, Made, Outcome, Report
from ...tools.errors import Misuse
from ...tools.store import commit as committing
from ...tools.store.ledger import Entry
from ...tools.store.rows import Rows
from ...tools.store.store import Store, check_name

if TYPE_CHECKING:
    from .resolving import Call, Settings

TOPPED_UP: Final = ("n", "most", "allow_short", "give_up")
"""Arguments that say how many rows are made, not which."""


def base_of(store: Store, into: str, bases: dict[str, str]) -> str:
    """The version that rows are added to: what this run made of `into`, else what is there; "" for nothing yet."""
    check_name(into)
    if into in bases:
        return bases[into]
    return store.history(into).current if into in store.histories() else ""


def refuse_unsaid(store: Store, asked: Call, settings: Settings) -> None:
    """Raises Misuse where rows would take the place of a dataset's, as in an import, and nobody said so. The same call
    with a larger `n` goes on where the last one ended, and needs no word."""
    if asked.makes not in store.histories() or asked.args.get("append"):
        return
    current = store.history(asked.makes).current
    born = [one for one in store.ledger.lineage(asked.makes, current) if one.output == current and one.kind == "import"]
    source = f"{asked.dataset}@{asked.rows.vid}"
    for one in born:
        again = [_without(args, TOPPED_UP) for args in (one.args, asked.args)]
        same = one.tool == asked.tool.id and one.seed == settings.seed and again[0] == again[1]
        from_same = [told.get("made_from") for told in one.details["sources"]] == [source]
        if same and from_same and one.args.get("n", 0) <= asked.args.get("n", 0):
            return
    next_step = "Say --append to add rows to it, --replace to make it anew (undo still works), or name another."
    raise Misuse(f"The dataset {asked.makes!r} exists, and its rows would be replaced.", next_step=next_step)


def _without(args: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if name not in names}


def commit(store: Store, rows: Rows, made: Made, entry: Entry, base: str, *, moves: bool) -> Entry:
    """Write the rows as the new version of `made.into` (after those of `base`), then tell it of the version they come
    from; -> the entry of the latter. Killed in between, the second call finds the first half done."""
    born = _born(store, rows, made, entry, base, moves=moves)
    counts = made.books.counts()
    told = {"into": made.into, "version": born.output, "spent": made.books.spent()}
    note = replace(entry, details={**entry.details, "made": told}, counts=counts)
    return committing.apply_report(store, rows, Report(findings=made.findings, facts=made.facts), note)


def follow(store: Store, known: Entry) -> None:
    """Let the ref of the made dataset stand again where a finished making left it."""
    told = known.details["made"]
    history = store.histories().get(told["into"])
    if history is not None and history.current == told["version"]:
        return
    entry = Entry("run", told["into"], tool=known.tool, inputs=(known.before or "",), output=told["version"])
    store.commit(replace(entry, actor=known.actor))


def _born(store: Store, rows: Rows, made: Made, entry: Entry, base: str, *, moves: bool) -> Entry:
    key = hashlib.sha256(f"{entry.key}\0{base}".encode()).hexdigest()
    known = store.ledger.with_key(key)
    if known is not None and all(map(store.objects.holds, known.objects.values())):
        return known
    start = store.rows_of(base) if base else _nothing(store, rows)
    also = [entry.args["also"]] if entry.args.get("also") else []
    source: dict[str, Any] = {"name": made.added[0].reason if made.added else entry.tool, "paths": [], "files": [],
              "license": _license(store, [f"{entry.dataset}@{rows.vid}", *also]),
              "made_from": f"{entry.dataset}@{rows.vid}", **({"also": also} if also else {})}  # fmt: skip
    details: dict[str, Any] = {"sources": [source], "read": len(made.added), "kept": len(made.added), "rejected": {}}
    birth = replace(entry, kind="import", dataset=made.into, key=key, moves=moves, details=details,
                    objects=_refused(store, made),
                    inputs=(rows.vid,) if base else ())  # fmt: skip
    if not base and not made.added:
        # Without a row there is nothing for a Change to add: the dataset is the empty one.
        empty = committing.sealed(store, replace(start.version, parents=(rows.vid,)))
        counts = {"before": 0, "after": 0, "added": 0, **made.books.counts()}
        details["spent"] = made.books.spent()
        return store.commit(replace(birth, inputs=(rows.vid,), output=empty.vid, counts=counts), empty)
    kind: pa.DataType = rows.schema(["record"]).field("record").type
    change = Change(iter([Outcome(added=made.added)]), books=made.books)
    return committing.apply(store, start, change, birth, record_type=kind)[0]


def _nothing(store: Store, rows: Rows) -> Rows:
    """A version of no rows whose parent is the version rows are made from."""
    return Rows(store.objects, replace(rows.version, rows=0, parts=(), next_ord=0))


def _license(store: Store, addresses: Sequence[str]) -> str | None:
    """All licences of the seeds' sources together; None where one of them is not declared."""
    lineages = (store.ledger.lineage(name, vid) for name, _, vid in (one.partition("@") for one in addresses))
    imports = [one for lineage in lineages for one in lineage if one.kind == "import"]
    declared = {source.get("license") for one in imports for source in one.details.get("sources", ())}
    named = sorted(one for one in declared if one)
    if not named or len(named) < len(declared):
        return None
    return named[0] if len(named) == 1 else " AND ".join(f"({one})" for one in named)


def _refused(store: Store, made: Made) -> dict[str, str]:
    if made.refused is None or not len(made.refused):
        return {}
    return {"refused": store.objects.put(made.refused)}
