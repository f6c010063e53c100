"""`inspect.sql`: a question to the views of a version. It knows what is asked and what is told; where and how safely a
query runs is known in `tools.sandbox`."""

from __future__ import annotations

from typing import Annotated

from ..change import Report
from ..context import Context
from ..sandbox.query import ask, missing_wall
from ..store.rows import Rows
from ..tool import Arg, tool


@tool("inspect.sql", reads=(".tilth/ledger.jsonl",), version=1, effect="reads")
def sql(
    ctx: Context,
    data: Rows,
    *,
    query: Annotated[str, Arg("one SELECT over the views, in DuckDB's SQL", query=True)],
) -> Report:
    """Answer one read-only SQL query over the views of a version.

    Changes nothing. Views:
      rows       row_id, source, split, file, line, key and the record's own columns
      dropped    the same with step, tool, reason, score, evidence
      texts      row_id, field, text
      turns      row_id, i, role, text
      signals    row_id, tool, name, value, value_text
      decisions  row_id, step, tool, action, reason, score, evidence
      findings   tool, code, severity, message, count, unit, rows, sql, fix
      facts      tool, id, value, unit, method, n_examined
    DESCRIBE and SUMMARIZE of a view are queries too.

    The query passes a validator and runs in a process of its own that can write no file, read none but this version's,
    and ends after 10 seconds or 512 MB. At most 200 rows come back, values to 4,000 characters, 1 MB in all.

    Details: `columns`, `types`, `rows` (lists of JSON values), `shown`, `total` (null when there are more than shown)
    and `cut`, the number of values that were shortened.
    """
    if missing := missing_wall():
        ctx.notice(missing)
    answer = ask(ctx.store, f"{ctx.dataset}@{data.vid}", query)
    return Report(
        details={
            "columns": list(answer.columns),
            "types": list(answer.types),
            "rows": [list(row) for row in answer.rows],
            "shown": len(answer.rows),
            "total": answer.total,
            "cut": answer.cut,
        }
    )
