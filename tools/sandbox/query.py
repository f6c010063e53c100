"""A question to a version, asked in the sandbox; what goes wrong comes back as a sentence to try again by.

It knows the views and how DuckDB words its errors. How the sandbox works is known in `sandbox` and `child`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..errors import Refused, Retry, TilthError, nearest
from ..store.query import views
from ..store.query.sql import tables_of, validate_query
from ..store.store import Store
from .jail import landlock_abi
from .sandbox import Sandbox, shared
from .wire import Job, Limits

NO_LANDLOCK: Final = (
    "This system has no Landlock: SQL is kept from files by the validator, DuckDB's own settings and limits on its "
    "process, not by the kernel."
)
MOST_COLUMNS: Final = 60
"""Columns of one view that an error names."""

_NO_COLUMN: Final = re.compile(
    r'column "([^"]+)" (?:was )?not found|have a column named "([^"]+)"|column named "([^"]+)"'
)
_LATE: Final = {"SIGALRM", "SIGXCPU"}
_UNRUN: Final = {"BinderException", "CatalogException", "ParserException"}
"""Errors that come before any row is read."""


@dataclass(frozen=True)
class Answer:
    """The first rows of a result, as JSON has them. `total` is None when there are more rows than shown; `cut` counts
    the values that were shortened."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    total: int | None
    cut: int

    @property
    def more(self) -> bool:
        return self.total is None


@functools.cache
def missing_wall() -> str:
    """What this system lacks to confine queries, in one sentence; "" when nothing is missing."""
    return "" if landlock_abi() else NO_LANDLOCK


def ask(store: Store, address: str, sql: str, *, limits: Limits | None = None, within: Sandbox | None = None) -> Answer:
    """The answer to one SELECT over a version's views. Raises Retry when it is refused, wrong or takes too much.

    `within` defaults to the sandbox of this process. A Retry that tells what DuckDB said may quote a value of a row.
    """
    validate_query(sql, views=views.VIEWS)
    limits = limits or Limits()
    defined = views.define(store, address, sql)
    files = tuple(str(path.absolute()) for path in defined.files)
    reply = (within or shared()).run(Job(sql, defined.statements, files, limits))
    if "error" in reply:
        _, vid = store.resolve(address)
        raise _explained(reply, limits, views.columns_of(store.rows_of(vid).mapping), tables_of(sql))
    if not reply["landlock"] and not missing_wall():
        raise Refused("The query ran without Landlock, which this system has; its answer is not used.")
    rows = reply["rows"]
    return Answer(
        tuple(reply["columns"]), tuple(reply["types"]), rows, None if reply["more"] else len(rows), int(reply["cut"])
    )


def schema(columns: Mapping[str, Sequence[str]]) -> str:
    """Every view with its columns, on one line."""
    told = []
    for view, names in columns.items():
        rest = f", … (+{len(names) - MOST_COLUMNS})" if len(names) > MOST_COLUMNS else ""
        told.append(f"{view}({', '.join(names[:MOST_COLUMNS])}{rest})")
    return "; ".join(told)


def _explained(
    reply: Mapping[str, Any], limits: Limits, columns: Mapping[str, Sequence[str]], read: set[str]
) -> TilthError:
    """What happened and how to go on; `read` are the views that the query names."""
    kind, message = str(reply["error"]), str(reply["message"])
    if kind == "InterruptException" or message in _LATE:
        return Retry(
            f"The query took longer than {limits.seconds:g} s and was stopped.",
            next_step="Read fewer rows, join on equal keys, or aggregate first.",
        )
    if kind == "OutOfMemoryException":
        return Retry(
            f"The query needs more than {limits.memory >> 20:,} MB of memory and was stopped.",
            next_step="Select fewer columns, filter, or aggregate first.",
        )
    if kind == "Interrupted":
        return Retry("The query was interrupted.", next_step="Ask again if the answer is still wanted.")
    if kind in ("Killed", "TooLarge", "FatalException", "InternalException"):
        told = f" ({message})" if kind == "Killed" and message else ""
        return Retry(f"The query broke off{told}.", next_step="Most likely it needs too much memory: make it smaller.")
    views_and_columns = f"Views: {schema(columns)}."
    if found := _NO_COLUMN.search(message):
        name = next(filter(None, found.groups()))
        known = {one for view, names in columns.items() if view in read or not read for one in names}
        return Retry(f"There is no column {name!r}.", next_step=f"{nearest(name, known)} {views_and_columns}")
    quotes = "" if kind in _UNRUN else message.rstrip(".")
    return Retry(f"The query failed: {message.rstrip('.')}.", next_step=views_and_columns, quotes=quotes)
