"""Answers as JSON objects, for `--json`, `--jsonl` and `--csv`.

It knows the values history and the workspace give. Numbers and names stay what they are; nothing is shortened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..agent.recipes.replay import Replayed
    from ..agent.review import Case
    from ..agent.workspace import DatasetStatus, Preview
    from ..tools.contaminate._registered import Registered
    from ..tools.store.ledger import Entry
    from ..tools.store.past.differences import Difference
    from ..tools.store.past.drafts import Draft
    from ..tools.store.past.history import Decision, Dropped, Funnel
    from ..tools.store.past.lives import Life
    from ..tools.store.past.rulings import Rate
    from ..tools.store.past.stored import StoredRow
    from ..tools.tool import Tool


def row(stored: StoredRow) -> dict[str, Any]:
    """A row with where it came from."""
    return {**asdict(stored), "parents": list(stored.parents)}


def bare(stored: StoredRow) -> dict[str, Any]:
    """The record alone, as its owner wrote it."""
    return stored.record if isinstance(stored.record, dict) else {"record": stored.record}


def decision(one: Decision) -> dict[str, Any]:
    return {
        "step": one.entry.seq,
        "tool": one.entry.tool,
        "action": one.action,
        "reason": one.reason,
        "score": one.score,
        "evidence": one.evidence,
    }


def dropped(one: Dropped) -> dict[str, Any]:
    return {
        "row_id": one.row.row_id,
        "place": one.row.place,
        **{key: value for key, value in decision(one.decision).items() if key != "action"},
        "record": one.row.record,
        "survivor": None if one.survivor is None else row(one.survivor),
    }


def draft(one: Draft) -> dict[str, Any]:
    """A draft of a panel that became no row."""
    return {**asdict(one), "calls": list(one.calls)}


def funnel(one: Funnel) -> dict[str, Any]:
    return {
        "step": one.entry.seq,
        "tool": one.entry.tool,
        "before": one.before,
        "after": one.after,
        "dropped": dict(one.dropped),
        "applied": not one.entry.details.get("refused"),
    }


def difference(found: Difference) -> dict[str, Any]:
    return {
        "before": found.before,
        "after": found.after,
        "added": found.added[0],
        "dropped": dict(found.dropped),
        "edited": found.edited[0],
    }


def changes(found: Difference) -> Iterator[dict[str, Any]]:
    """Every row of a difference as one object."""
    for stored in found.added[1]:
        yield {"change": "added", "row_id": stored.row_id, "reason": None, "before": None, "after": stored.record}
    for stored, reason in found.dropped_rows:
        yield {"change": "dropped", "row_id": stored.row_id, "reason": reason, "before": stored.record, "after": None}
    for old, new, reason in found.edited[1]:
        yield {"change": "edited", "row_id": old.row_id, "reason": reason, "before": old.record, "after": new.record}


def life(found: Life) -> dict[str, Any]:
    return {
        "dataset": found.dataset,
        "row_id": found.row_id,
        "live": found.live,
        "revisions": [row(stored) for stored in found.revisions],
        "decisions": [{**decision(one), "aside": found.aside.get(one.entry.seq)} for one in found.decisions],
        "signals": [{"step": entry.seq, "tool": entry.tool, "values": dict(values)} for entry, values in found.signals],
        "rulings": [asdict(one) for one in found.rulings],
        "exports": [{"step": entry.seq, **entry.details} for entry in found.exports],
        "purged": None if found.purged is None else tombstone(found.purged),
        "asked": [
            {
                "call": one.key,
                "endpoint": one.call.endpoint,
                "model": one.call.model,
                "messages": one.messages,
                "answer": one.answer,
                "tokens": {"in": one.call.tokens_in, "out": one.call.tokens_out},
            }
            for one in found.asked
        ],
    }


def replayed(made: Replayed) -> dict[str, Any]:
    """Steps that were done again."""
    kept = ("before", "after", "dropped", "added", "edited")
    steps = [{"tool": one.tool, **{name: one.counts[name] for name in kept if name in one.counts}}
             for one in made.entries]  # fmt: skip
    return {"tool": "amend", "dataset": made.dataset, "version": made.version, "rows": made.rows, "steps": steps}


def case(one: Case, *, blind: bool = False) -> dict[str, Any]:
    """A row to rule on; `blind` leaves out what was decided about it."""
    told = {"row_id": one.row.row_id, "place": one.row.place, "record": one.row.record}
    if blind:
        return told
    decided = None if one.decision is None else decision(one.decision)
    return {**told, "reason": one.reason, "decision": decided,
            "survivor": None if one.survivor is None else row(one.survivor)}  # fmt: skip


def rate(one: Rate) -> dict[str, Any]:
    return {**asdict(one), "share": one.share}


def tombstone(one: Entry) -> dict[str, Any]:
    told = {name: one.details[name] for name in ("places", "versions", "exports", "related")}
    return {"step": one.seq, "at": one.at, "by": one.actor, "because": one.args["because"], **told}


def entry(one: Entry) -> dict[str, Any]:
    return {**asdict(one), "inputs": list(one.inputs)}


def status(one: DatasetStatus) -> dict[str, Any]:
    return asdict(one)


def preview(one: Preview) -> dict[str, Any]:
    return {
        "value": one.value,
        "kept": one.kept,
        "dropped": dict(one.dropped),
        "flips": [row(stored) for stored in one.flips],
    }


def tool(one: Tool) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "effect": one.effect,
        "source": one.source,
        "summary": one.summary,
        "doc": one.doc,
        "arguments": one.schema(),
        "thresholds": [parameter.name for parameter in one.parameters if parameter.arg.threshold],
    }


def benchmark(one: Registered) -> dict[str, Any]:
    fields = one.fields.to_json()
    return {"name": one.name, "version": one.vid, "fields": fields, "revision": one.revision, "license": one.license,
            "preflight": one.preflight}  # fmt: skip
