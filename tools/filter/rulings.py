"""`filter.rulings`: people's rulings to drop. Rulings to keep need no step: they overrule every step's drops."""

from __future__ import annotations

from typing import Annotated

from ..change import Change, Outcome, drops, one
from ..context import Context
from ..store.past import rulings
from ..store.rows import Rows
from ..tool import Arg, tool


@tool("filter.rulings", reads=("rulings.jsonl",), reasons=(rulings.REASON,))
def by_rulings(
    ctx: Context,
    data: Rows,
    *,
    confirmed: Annotated[
        bool, Arg("rows that a step had dropped and a person agreed, instead of rows that had stayed")
    ] = False,
) -> Change:
    """Drop the rows that people ruled out in rulings.jsonl.

    `tilth run` does this first with rows that had stayed, so that none of them is the survivor of its duplicates, and
    last with `confirmed` ones, in case the step that dropped them no longer does.

    Reason `ruling`; the evidence says who ruled and why.
    """
    out = rulings.ruled_out(rulings.read(ctx.store.root), ctx.dataset, confirmed=confirmed)
    places = sorted((position, row_id) for row_id, position in data.positions_of(list(out)).items())
    evidence = [{"because": out[row_id].because, "who": out[row_id].who} for _, row_id in places]
    return Change(one(Outcome(decisions=drops([at for at, _ in places], rulings.REASON, evidence=evidence))))
