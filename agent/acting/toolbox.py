"""The one way a tool acts on a version: resolve, run, commit, tell. Chat, recipes and `tilth do` all come here.

It knows step keys, samples, caps and what is loud. It does not know where a call came from beyond its `Origin`.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from ...tools import own
from ...tools import tool as registry
from ...tools.change import Change, Made, Report
from ...tools.context import Context
from ...tools.errors import Misuse, Refused
from ...tools.store import commit as committing
from ...tools.store.ledger import Entry
from ...tools.store.packs import bitmap, fixed_bytes
from ...tools.store.past import rulings
from ...tools.store.rows import Rows
from ...tools.store.store import Store
from ...tools.store.tally import Tally, tally
from ...tools.store.versions import Version
from ..events import Finished, Listener, Noticed, Progressed, Started, nobody
from . import incremental, making
from .resolving import PERSON, Call, Origin, Settings, resolve_on
from .spending import PAID, Estimate, Estimated, Probe, journal_of

LOUD_SHARE: Final = 0.30
"""A step that drops more than this share of its rows says so in its last line."""


@dataclass(frozen=True)
class Done:
    """What a call came to: its ledger entry, the version after it, and a Report's details."""

    entry: Entry
    version: Version
    result: Mapping[str, Any]
    details: Mapping[str, Any]
    reused: bool = False


def call(
    store: Store,
    tool_id: str,
    address: str,
    args: Mapping[str, Any],
    settings: Settings,
    *,
    origin: Origin = PERSON,
    listener: Listener = nobody,
) -> Done:
    """Run a tool on the version an address means; with a sample, on a scratch version that no ref points to.

    The caller holds the write lock. Raises what `call_on` raises.
    """
    if origin.call_id and (known := store.ledger.with_call(origin.session, origin.call_id)):
        return recorded(store, known)
    dataset, vid = store.resolve(address)
    rows = store.rows_of(vid)
    if settings.sample is None:
        if registry.get(tool_id).makes and not args.get("replace"):
            making.refuse_unsaid(store, resolve_on(store, tool_id, dataset, rows, args, settings), settings)
        return call_on(store, tool_id, dataset, vid, args, settings, origin=origin, listener=listener)
    some = sampled(store, dataset, rows, settings.sample, settings.seed, listener)
    done = call_on(store, tool_id, dataset, some.vid, args, settings, origin=origin, listener=listener, moves=False)
    return replace(done, result={**done.result, "sample": {"rows": len(some), "of": len(rows)}})


def call_on(
    store: Store,
    tool_id: str,
    dataset: str,
    vid: str,
    args: Mapping[str, Any],
    settings: Settings,
    *,
    origin: Origin = PERSON,
    listener: Listener = nobody,
    moves: bool = True,
) -> Done:
    """Run a tool on a version, commit what it decided and, with `moves`, let the ref follow.

    Raises Refused when the step drops more than `max_drop`: its decisions are kept, the ref stays.
    """
    asked = resolve_on(store, tool_id, dataset, store.rows_of(vid), args, settings)
    listener(_started(asked))
    if (known := finished(store, asked.key)) is not None:
        _cap(known, settings)
        return _reuse(store, known, origin, listener, moves=moves)
    began = time.monotonic()
    local = incremental.key_of(asked.rows, asked.tool, asked.args, asked.others, asked.files, settings.seed)
    result = _run(store, asked, settings, listener, local)
    entry = replace(_entry(asked, settings, origin, local), moves=moves)
    if isinstance(result, Made):
        entry = making.commit(store, asked.rows, result, entry, asked.base.rpartition("@")[2], moves=moves)
        done = _done(store, entry, time.monotonic() - began, len(result.findings), {})
    elif isinstance(result, Report):
        entry = committing.apply_report(store, asked.rows, result, entry)
        done = _done(store, entry, time.monotonic() - began, len(result.findings), result.details)
    else:
        entry, _ = committing.apply(store, asked.rows, result, entry, max_drop=settings.max_drop)
        done = _done(store, entry, time.monotonic() - began, len(result.findings), {})
    journal_of(store.state, asked.key).unlink(missing_ok=True)
    listener(Finished(done.result))
    _warn(store, entry, settings, listener)
    return done


def preview(store: Store, asked: Call, settings: Settings, listener: Listener = nobody) -> Tally:
    """What a call would do, counted without writing anything. Raises Misuse for a tool that changes no rows."""
    result = _run(store, asked, settings, listener)
    if not isinstance(result, Change):
        raise Misuse(f"{asked.tool.id} changes no rows: there is nothing to preview.")
    counted = tally(asked.rows, result)
    journal_of(store.state, asked.key).unlink(missing_ok=True)
    return counted


def touched(store: Store, asked: Call, settings: Settings, reason: str, listener: Listener = nobody) -> np.ndarray:
    """Positions, ascending, of the rows that a call would drop or edit: those of this reason where it gives it, else all.

    Nothing is written. Raises Misuse for a tool that changes no rows.
    """
    result = _run(store, asked, settings, listener)
    if not isinstance(result, Change):
        raise Misuse(f"{asked.tool.id} changes no rows: there is nothing to show.")
    found = [np.empty(0, np.int64)]
    named = [np.empty(0, np.int64)]
    for outcome in result.outcomes:
        if outcome.decisions is not None:
            decided = np.asarray(outcome.decisions["action"].to_pylist(), object)
            changing = np.flatnonzero(np.isin(decided, ("drop", "edit")))
            positions = outcome.decisions["position"].to_numpy()[changing]
            found.append(positions)
            named.append(positions[np.asarray(outcome.decisions["reason"].to_pylist(), object)[changing] == reason])
        found.append(np.array([edit.position for edit in outcome.edits], np.int64))
        named.append(np.array([edit.position for edit in outcome.edits if edit.reason == reason], np.int64))
    return np.unique(np.concatenate(named if any(map(len, named)) else found))


def estimate(store: Store, asked: Call, settings: Settings, listener: Listener = nobody) -> Estimate | None:
    """What a call of a tool that spends may come to; nothing is sent. None where it asks nobody.

    Raises what the call would raise before it asks.
    """
    caps = settings.spending
    probe = Probe(caps.max_calls, caps.max_usd, caps.max_minutes)
    try:
        result = _run(store, asked, replace(settings, spending=probe), listener)
        for _ in result.outcomes if isinstance(result, Change) else ():
            pass  # some tools ask only while their outcomes are drawn
    except Estimated as found:
        return found.estimate
    finally:
        shutil.rmtree(store.scratch(f"call-{asked.key[:12]}"), ignore_errors=True)
    return None


def finished(store: Store, key: str) -> Entry | None:
    """The entry of exactly this step, if all it made is still here."""
    entry = store.ledger.with_key(key)
    if entry is None or entry.details.get("refused") or not all(map(store.objects.holds, entry.objects.values())):
        return None
    if entry.output is not None:
        try:
            version = store.version(entry.output)
        except Misuse:
            return None
        if not all(store.objects.holds(part.pack) for part in version.parts):
            return None
    return entry


def sampled(store: Store, dataset: str, rows: Rows, count: int, seed: int, listener: Listener) -> Rows:
    """As `sample`, and said."""
    some = sample(store, dataset, rows, count, seed)
    listener(Noticed(f"sample {len(some):,} of {len(rows):,} rows; {dataset} itself is not changed"))
    return some


def sample(store: Store, dataset: str, rows: Rows, count: int, seed: int) -> Rows:
    """A scratch version of the `count` rows whose seeded hash of row_id is smallest: 500 lie within 5,000."""
    key = hashlib.sha256(f"sample\0{rows.vid}\0{count}\0{seed}".encode()).hexdigest()
    known = finished(store, key)
    if known is not None and known.output is not None:
        return store.rows_of(known.output)
    ids = fixed_bytes(rows.arrow(("row_id",))["row_id"]) if len(rows) else ()
    salt = hashlib.sha256(f"sample\0{seed}".encode()).digest()
    ranks = [hashlib.blake2b(one.tobytes(), key=salt, digest_size=8).digest() for one in ids]
    chosen = np.sort(np.argsort(np.array(ranks, "S8"), kind="stable")[:count])
    part_of, place = rows.index
    parts = []
    for number, part in enumerate(rows.version.parts):
        keep = np.zeros(part.rows, bool)
        keep[place[chosen][part_of[chosen] == number]] = True
        if keep.any():
            parts.append(replace(part, selection=store.objects.put(bitmap(keep)), live=int(keep.sum())))
    version = committing.sealed(store, replace(rows.version, parents=(rows.vid,), parts=tuple(parts)))
    entry = Entry("sample", dataset, args={"rows": count}, seed=seed, inputs=(rows.vid,), output=version.vid)
    store.commit(replace(entry, moves=False, key=key), version)
    return store.rows_of(version.vid)


def result_line(entry: Entry, seconds: float, findings: int) -> dict[str, Any]:
    """The result of a step as DESIGN section 7 lays it out."""
    line: dict[str, Any] = {
        "tool": entry.tool,
        "dataset": entry.dataset,
        "version": entry.output or entry.before,
        **entry.counts,
        "findings": findings,
        "seconds": seconds,
    }
    if "field" in entry.args:
        line["field"] = entry.args["field"]
    if entry.details.get("refused"):
        line["refused"] = True
    if "made" in entry.details:
        line |= {"into": entry.details["made"]["into"], "version": entry.details["made"]["version"]}
    return {**line, **entry.details.get("spent", {}), **entry.details.get("made", {}).get("spent", {})}


def _run(store: Store, asked: Call, settings: Settings, listener: Listener, local: str = "") -> Change | Report | Made:
    """Call the function, with a local key only on unseen rows; a Change comes back with outcomes still to be drawn."""
    scratch = store.scratch(f"call-{asked.key[:12]}")

    def progress(done: int, total: int, unit: str = "rows") -> None:
        listener(Progressed(asked.tool.id, done, total, unit))

    context = Context(
        store=store,
        dataset=asked.dataset,
        seed=settings.seed,
        threads=settings.threads,
        scratch=scratch,
        released=settings.released,
        progress=progress,
        notice=lambda text: listener(Noticed(text)),
        base=asked.base,
        **_models(store, asked, settings, listener),
    )
    tool = asked.tool
    function = tool.function if tool.source == "tilth" else own.reporting(tool.id, tool.function)
    result, seen = incremental.run(store, asked.rows, local, lambda rows: function(context, rows, **asked.args))
    if seen:
        listener(Noticed(f"{seen:,} of {len(asked.rows):,} rows were seen before: what was recorded of them is used"))
    if not isinstance(result, Change):
        shutil.rmtree(scratch, ignore_errors=True)
        return result
    outcomes = rulings.overruled(result.outcomes, asked.kept)
    if result.told is not None:
        outcomes = result.told(outcomes, len(asked.rows))
    return replace(result, outcomes=_and_clean(outcomes, scratch))


def _models(store: Store, asked: Call, settings: Settings, listener: Listener) -> dict[str, Any]:
    """What a tool that spends may ask; nothing of models is imported for others."""
    if asked.tool.effect_of(asked.args) not in PAID:
        return {}
    from . import asking

    return asking.asked(store, settings.spending, asked.key, settings.seed, listener)


def _and_clean(outcomes: Any, scratch: Any) -> Iterator[Any]:
    try:
        yield from outcomes
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _entry(asked: Call, settings: Settings, origin: Origin, local: str) -> Entry:
    return Entry(
        "step",
        asked.dataset,
        tool=asked.tool.id,
        tool_version=asked.tool.version,
        args=asked.args,
        seed=settings.seed,
        inputs=asked.others,
        key=asked.key,
        actor=origin.actor,
        session=origin.session,
        call_id=origin.call_id,
        details={
            **({} if asked.tool.source == "tilth" else {"tool_source": asked.tool.source}),
            **({} if settings.released is None else {"since": settings.released}),
            **({incremental.DETAIL: local} if local else {}),
        },
    )


def _started(asked: Call) -> Started:
    field = asked.args.get("field")
    reads = asked.rows.mapping.describe_field(str(field)) if field else ""
    return Started(asked.tool.id, asked.dataset, asked.rows.vid, len(asked.rows), asked.args, reads)


def _reuse(store: Store, known: Entry, origin: Origin, listener: Listener, *, moves: bool) -> Done:
    """The step was done before: only the ref has to follow."""
    if moves and "made" in known.details:
        making.follow(store, known)
    if moves and known.output is not None and known.output != store.history(known.dataset).current:
        reused = {**known.details, "reused": known.seq}
        copy = replace(known, moves=True, actor=origin.actor, session=origin.session, call_id=origin.call_id)
        known = store.commit(replace(copy, details=reused))
    done = recorded(store, known)
    listener(Noticed("done before with the same input and arguments: the recorded result is used"))
    listener(Finished(done.result))
    return done


def recorded(store: Store, entry: Entry) -> Done:
    """What an entry came to when it was made."""
    details = committing.read_details(store, entry)
    now = replace(entry, counts=_counts_now(store, entry))
    return replace(_done(store, now, 0.0, int(entry.counts.get("findings", 0)), details), entry=entry, reused=True)


def _counts_now(store: Store, entry: Entry) -> Mapping[str, Any]:
    """What an entry counted, without the rows that were purged since."""
    vids = {"before": entry.before, "after": entry.output or entry.before}
    purged = {vid for tombstone in store.ledger.purged.values() for vid in tombstone.details["versions"]}
    if purged.isdisjoint(vids.values()) or "before" not in entry.counts:
        return entry.counts
    rows = {name: store.version(vid).rows for name, vid in vids.items() if vid is not None}
    if "decisions" not in entry.objects or "dropped" not in entry.counts:
        return {**entry.counts, **rows}
    decided = store.objects.read(entry.objects["decisions"], ["action", "reason"])
    gone = decided.filter(pc.equal(decided["action"], "drop"))["reason"].value_counts()
    left = {one["values"]: one["counts"] for one in gone.to_pylist()}
    dropped = {reason: left[reason] for reason in entry.counts["dropped"] if reason in left}
    return {**entry.counts, **rows, "dropped": dropped}


def _done(store: Store, entry: Entry, seconds: float, findings: int, details: Mapping[str, Any]) -> Done:
    vid = entry.output or entry.before
    assert vid is not None
    return Done(entry, store.version(vid), result_line(entry, round(seconds, 3), findings), details)


def _warn(store: Store, entry: Entry, settings: Settings, listener: Listener) -> None:
    if (share := _share_dropped(entry)) > LOUD_SHARE:
        listener(Noticed(loud_line(store, entry, share), "loud"))
    _cap(entry, settings)


def _share_dropped(entry: Entry) -> float:
    dropped: Mapping[str, int] = entry.counts.get("dropped", {})
    return sum(dropped.values()) / max(int(entry.counts["before"]), 1)


def _cap(entry: Entry, settings: Settings) -> None:
    """Raises Refused when the step dropped more than the cap allows."""
    share = _share_dropped(entry)
    if settings.max_drop is not None and share > settings.max_drop:
        raise Refused(
            f"{entry.tool} would drop {share:.1%} of {entry.counts['before']:,} rows, more than --max-drop "
            f"{settings.max_drop:g} allows; {entry.dataset} is unchanged.",
            next_step=f"'tilth drops {entry.dataset} --step {entry.seq}' shows what it would drop.",
        )


def loud_line(store: Store, entry: Entry, share: float) -> str:
    """The three largest reasons, an example of each, and the way back."""
    from ...tools.store.past.history import example_of

    counts: Mapping[str, int] = entry.counts["dropped"]
    reasons = list(counts.items())[:3]
    parts = [f"{reason} {count:,} (e.g. {example_of(store, entry, reason)})" for reason, count in reasons]
    undo = "" if entry.details.get("refused") or not entry.moves else f" 'tilth undo {entry.dataset}' takes it back."
    return f"{entry.tool} drops {share:.0%} of the rows: {'; '.join(parts)}.{undo}"
