"""`contaminate.remove`: take out the rows that a scan flagged.

It knows the flags of the last scan on the way to a version. It looks for nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from ..change import Change, Fact, Outcome, drops
from ..context import Context
from ..errors import Misuse
from ..store import history
from ..store.rows import Rows
from ..tool import Arg, tool

SCAN = "contaminate.scan"

Removable = Literal["exact", "near_verbatim", "rephrased", "partial", "answer_only", "undecided", "boilerplate"]


@tool("contaminate.remove", version=1, after=SCAN)
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
    """Drop the rows that the last contaminate.scan flagged; scan again to see that none is left.

    Read is the newest scan on the way to this version; a row edited since is left alone and counted, since nobody has
    looked at what it says now. Like every drop it is undone by `tilth undo`, and a row that people ruled to keep stays.

    Reasons: the verdict of the scan, in the words of contaminate.scan: exact, near_verbatim, rephrased, and if asked
    for partial, answer_only, undecided, boilerplate. A row flagged for several benchmarks goes under the strongest. The
    evidence is the scan's: the benchmark and the pairs with their spans; the score is the coverage, or the similarity.

    Facts: `contaminate.remove.rows`, and `contaminate.remove.edited_since`, flagged rows left alone.
    """
    entry = next((one for one in reversed(ctx.store.ledger.lineage(ctx.dataset, data.vid)) if one.tool == SCAN), None)
    if entry is None:
        raise Misuse(f"{ctx.dataset} has not been scanned.",
                     next_step=f"First: tilth do {SCAN} {ctx.dataset} --benchmarks NAME")  # fmt: skip
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
    return Change(_dropped(gone), facts=facts)


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
