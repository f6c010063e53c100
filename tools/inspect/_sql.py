"""SQL that counts a finding again, over the views rows, texts and turns of the version.

It knows those views. It does not know what was measured; names and values from data are always quoted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ..store.door import identifier, text_literal
from .measures.dependencies import MAJORITY, SMALLEST_GROUP, Dependency
from .measures.dialogue import REPEATED
from .measures.preference import LONGER
from .measures.values import PLACEHOLDERS

_OWN: Final = "row_id, source, split, file, line, key"

NO_MESSAGES: Final = "select count(*) from rows where row_id not in (select row_id from turns)"
UNKNOWN_ROLE: Final = (
    "select count(distinct row_id) from turns where role not in ('system', 'user', 'assistant', 'tool')"
)
LAST_TURN: Final = (
    "select count(*) from (select row_id, arg_max(role, i) as last from turns group by row_id) "
    "where last <> 'assistant'"
)
REPEATED_TURN: Final = (
    "select count(distinct row_id) from (select row_id from turns where role in ('user', 'assistant') "
    f"and length(text) > {REPEATED} group by row_id, role, text having count(*) > 1)"
)
EMPTY_SIDE: Final = "select count(distinct row_id) from texts where field in ('chosen', 'rejected') and trim(text) = ''"
IDENTICAL_SIDES: Final = (
    "select count(*) from texts c join texts r using (row_id) "
    "where c.field = 'chosen' and r.field = 'rejected' and c.text = r.text and trim(c.text) <> ''"
)
REPEATED_RECORDS: Final = (
    f"select count(*) - (select count(*) from (select distinct * exclude ({_OWN}) from rows)) from rows"
)
FORKED_PROMPTS: Final = (
    "select count(*) from (select p.text from texts p join texts r using (row_id) "
    "where p.field = 'prompt' and r.field = 'response' and p.text <> '' "
    "group by p.text having count(distinct r.text) > 1)"
)
TOP_SYSTEM_PROMPT: Final = (
    "select max(n) from (select count(*) as n from (select row_id, "
    "string_agg(text, chr(10) || chr(10) order by i) as text from turns "
    "where role = 'system' and text <> '' group by row_id) group by text)"
)


def summed(parts: Sequence[str]) -> str:
    """Several counts as one."""
    return parts[0] if len(parts) == 1 else "select " + " + ".join(f"({part})" for part in parts)


def blank_texts(field: str) -> str:
    return f"select count(*) from texts where field = {text_literal(field)} and not regexp_matches(text, '\\S')"


def repeated_texts(field: str) -> str:
    return f"select count(*) - count(distinct text) from texts where field = {text_literal(field)} and text <> ''"


def shared_texts(column: str, field: str, left: str, right: str) -> str:
    """Rows of one split or source whose text another one holds."""
    texts = f"rows join texts using (row_id) where field = {text_literal(field)}"
    return (
        f"select count(*) from {texts} and {column} = {text_literal(left)} and text <> '' "
        f"and text in (select text from {texts} and {column} = {text_literal(right)})"
    )


def longer_side(side: str) -> str:
    other = "rejected" if side == "chosen" else "chosen"
    return (
        "select count(*) from texts a join texts b using (row_id) "
        f"where a.field = '{side}' and b.field = '{other}' "
        f"and length(a.text) >= {LONGER} * length(b.text) and length(a.text) > length(b.text)"
    )


def missing_values(name: str) -> str:
    column = identifier(name)
    return f"select count(*) from rows where {column} is null or trim(cast({column} as varchar)) = ''"


def values_among(name: str, values: Iterable[str]) -> str:
    return f"select count(*) from rows where {identifier(name)} in ({', '.join(map(text_literal, values))})"


def padded_values(name: str) -> str:
    column = identifier(name)
    return f"select count(*) from rows where {column} <> trim({column}) and trim({column}) <> ''"


def values_unlike(name: str, pattern: str) -> str:
    """Values that neither match a pattern nor stand for a missing value."""
    column = f"trim({identifier(name)})"
    words = ", ".join(map(text_literal, sorted(PLACEHOLDERS)))
    return (
        f"select count(*) from rows where {column} <> '' and lower({column}) not in ({words}) "
        f"and not regexp_full_match({column}, {text_literal(pattern)})"
    )


def contradicting_rows(one: Dependency) -> str:
    """The rows that contradict a dependency, and what is expected of them."""
    left, right = identifier(one.left), identifier(one.right)
    return (
        f"with g as (select {left} as l, {right} as r, count(*) as n from rows "
        f"where {left} is not null and {right} is not null group by all), "
        "m as (select l, arg_max(r, n) as expected, max(n) as most, sum(n) as total from g group by l) "
        f"select row_id, {left}, {right}, expected from rows join m on {left} = l "
        f"where total >= {SMALLEST_GROUP} and most > {MAJORITY} * total and {right} <> expected"
    )
