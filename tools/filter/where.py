"""`filter.where`: a predicate decides. It knows nothing of SQL beyond handing the predicate on."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..change import Change, Outcome, drops, one
from ..context import Context
from ..store.rows import Rows
from ..tool import Arg, tool


@tool("filter.where", reasons=lambda args: [args["reason"]])
def where(
    ctx: Context,
    data: Rows,
    *,
    keep: Annotated[
        str | None,
        Arg(
            "rows for which this is true stay; columns as 'tilth sql NAME \"describe rows\"' shows them", predicate=True
        ),
    ] = None,
    drop: Annotated[str | None, Arg("rows for which this is true go", predicate=True)] = None,
    reason: Annotated[str, Arg("the reason code of the rows that go")] = "where",
) -> Change:
    """Keep or drop rows by a read-only SQL predicate over the version's views; without one nothing is dropped.

    With `keep`, rows for which the predicate is false or null are dropped; with `drop`, rows for which it is true.
    With both, a row must pass both. A predicate may use subqueries over the views, for example
    `row_id in (select row_id from turns where role = 'assistant' and length(text) > 8000)`.

    Reason: `reason` (default `where`); the evidence holds the predicate.
    """
    if keep is None and drop is None:
        ctx.notice("filter.where was given no condition, neither --keep nor --drop: no row is dropped.")
    gone = np.zeros(len(data), bool)
    if keep is not None:
        gone[:] = True
        gone[ctx.where(data, keep)] = False
    if drop is not None:
        gone[ctx.where(data, drop)] = True
    positions = np.flatnonzero(gone)
    evidence = {"keep": keep} if drop is None else {"drop": drop} if keep is None else {"keep": keep, "drop": drop}
    return Change(one(Outcome(decisions=drops(positions, reason, evidence=[evidence] * len(positions)))))
