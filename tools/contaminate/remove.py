"""`contaminate.remove`: take out the rows that a scan flagged.

It knows the flags of the last scan on the way to a version, and has the rows that stay looked through again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

import numpy as np

from ..change import Change, Fact, Finding, Outcome, Report, drops
from ..context import Context
from ..errors import Misuse
from ..store.ledger import Entry
from ..store.past import history, rulings
from ..store.rows import Rows
from ..tool import Arg, tool
from ._finding.scanned import SCAN, last_scan
from .scan import scan

Removable = Literal["exact", "near_verbatim", "rephrased", "partial", "answer_only", "undecided", "boilerplate"]


@tool("contaminate.remove", version=2, after=SCAN, reasons=lambda args: args["verdicts"])
def remove(
    ctx: Context,
    data: Rows,
    *,
    verdicts: Annotated[
        list[Removable],
        Arg("rows of which verdicts go: exact, near_verbatim, rephrased, partial, answer_only, undecided, boilerplate"),
    ] = ["exact", "near_verbatim", "rephrased"],  # noqa: B006
    benchmarks: Annotated[list[str] | None, Arg("only rows flagged for these benchmarks (default: all)")] = None,
) -> Change:
    """Drop the rows that the last contaminate.scan flagged, and look through the others again.

    Read is the newest scan on the way to this version; a row edited since is left alone and counted, since nobody has
    looked at what it says now. Like every drop it is undone by `tilth undo`, and a row that people ruled to keep stays.

    Reasons: the verdict of the scan, in the words of contaminate.scan: exact, near_verbatim, rephrased, and if asked
    for partial, answer_only, undecided, boilerplate. A row flagged for several benchmarks goes under the strongest. The
    evidence is the scan's: the benchmark and the pairs with their spans; the score is the coverage, or the similarity.

    The rows that stay, those that people ruled to keep among them, are looked through anew by fingerprints and runs of
    words: items that they hold under one of `verdicts` make a finding. Rephrases are not looked for again.

    To leave items out of an evaluation in place of rows out of training: tilth benchmark exclude.

    Facts: `contaminate.remove.rows`; `contaminate.remove.edited_since`, flagged rows left alone; `contaminate.remove.left`,
    items that rows which stay hold.
    """
    entry = last_scan(ctx.store, ctx.dataset, data.vid)
    known = [str(address).rpartition("@")[0].removeprefix("benchmarks/") for address in entry.args["benchmarks"]]
    for name in benchmarks or ():
        if name not in known:
            raise Misuse(f"The last scan did not look for {name!r}.", next_step=f"It looked for: {', '.join(known)}.")
    flags = history.decisions(ctx.store, entry)
    strongest: dict[tuple[str, int], dict[str, Any]] = {}
    for flag in [] if flags is None else flags.to_pylist():
        evidence = json.loads(flag["evidence"])
        if flag["reason"] not in verdicts or (benchmarks and evidence["benchmark"] not in benchmarks):
            continue
        key = flag["row_id"].hex(), flag["rev"]
        if key not in strongest or _rank(flag) < _rank(strongest[key]):
            strongest[key] = {**flag, "evidence": evidence}
    place = data.positions_of([row_id for row_id, _ in strongest])
    revisions = data.arrow(("rev",))["rev"].to_numpy() if len(data) else []
    live = {place[row_id]: (rev, flag) for (row_id, rev), flag in strongest.items() if row_id in place}
    gone = {position: flag for position, (rev, flag) in sorted(live.items()) if revisions[position] == rev}
    if len(live) > len(gone):
        ctx.notice(f"{len(live) - len(gone):,} flagged rows were edited since the scan and stay; scan again")
    method = f"{SCAN} of {entry.before}, verdicts {', '.join(verdicts)}"
    facts = [
        Fact("contaminate.remove.rows", len(gone), "rows", method, len(data)),
        Fact("contaminate.remove.edited_since", len(live) - len(gone), "rows", method, len(data)),
    ]
    left = _left(ctx, data, gone, entry, verdicts, benchmarks)
    facts.append(Fact("contaminate.remove.left", sum(left.values()), "items", f"{method}; looked for again", len(data)))
    return Change(_dropped(gone), findings=list(_findings(left)), facts=facts)


def _left(
    ctx: Context,
    data: Rows,
    gone: Collection[int],
    entry: Entry,
    verdicts: Collection[str],
    benchmarks: list[str] | None,
) -> dict[str, int]:
    """For each benchmark the items that are still held by rows which stay."""
    kept = [row_id for row_id, said in rulings.last_words(rulings.read(ctx.store.root), ctx.dataset).items()
            if said.word == "keep"]  # fmt: skip
    stay = np.ones(len(data), bool)
    stay[list(gone)] = False
    stay[list(data.positions_of(kept).values()) if kept else []] = True
    again = scan(ctx, data.only(np.flatnonzero(stay)), benchmarks=entry.args["benchmarks"], field=entry.args["field"],
                 similar=False)  # fmt: skip
    assert isinstance(again, Report)
    return {
        told["benchmark"]: sum(told["verdicts"].get(verdict, 0) for verdict in verdicts)
        for told in again.details["benchmarks"]
        if not benchmarks or told["benchmark"] in benchmarks
    }


def _findings(left: Mapping[str, int]) -> Iterator[Finding]:
    for benchmark, count in left.items():
        if count:
            message = f"of {benchmark} are still held by rows that stay: ruled to keep, or edited since the scan."
            yield Finding("contaminate.left", "warning", message, count, unit="items",
                          fix=f"{SCAN} --benchmarks {benchmark}")  # fmt: skip


def _rank(flag: dict[str, Any]) -> tuple[int, float]:
    from ._verdicts import VERDICTS

    return VERDICTS.index(flag["reason"]), -flag["score"]


def _dropped(gone: dict[int, dict[str, Any]]) -> Iterator[Outcome]:
    flags = list(gone.values())
    yield Outcome(
        decisions=drops(
            list(gone),
            [flag["reason"] for flag in flags],
            scores=[flag["score"] for flag in flags],
            evidence=[flag["evidence"] for flag in flags],
        )
    )
