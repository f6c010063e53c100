"""What a model is told about a call: short, row text fenced as data, and nothing that its endpoint may not see.

It knows results and what may be shown of them. It does not know how a call is made or approved.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ...prompts.fences import fenced
from ...tools.errors import Retry, TilthError
from ...tools.inspect._sql_told import for_model
from ...tools.store.past.stored import excerpt
from ...tools.store.query import sql_aggregates
from ..config import Sight
from ..plural import counted

if TYPE_CHECKING:
    from ...tools.store.ledger import Entry
    from ...tools.store.past.differences import Difference
    from ...tools.store.past.history import Dropped, Funnel
    from ...tools.store.past.lives import Life
    from ...tools.store.past.stored import StoredRow
    from ..acting.toolbox import Done

TOKENS: Final = 1500
"""The most one result may come to, at four bytes a token."""
EXAMPLE: Final = 400
FINDINGS: Final = 25
FACTS: Final = 40

_PLAIN_ID: Final = re.compile(r"[\w.\-]{1,80}")
"""Names that no sentence of a file can be: what else a column is called stands in a fence only."""
_NUMBER: Final = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL\(\d+,\s*\d+\)|BOOLEAN")
"""Types of single numbers; a list of them may spell a text."""

HIDDEN: Final = "Row text is not shown: this endpoint may see statistics only."
BLIND: Final = "This endpoint may see nothing of the data; the person sees the result."


@dataclass(frozen=True)
class Told:
    """`statistics` holds counts, names and codes; `data` adds row text, under `head` if that is not all of them. `line`
    is one line for people, without row text; it is also what is kept of an older result."""

    line: str
    statistics: str = ""
    data: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    ok: bool = True
    head: str = ""

    def to(self, sight: Sight) -> tuple[str, Sight]:
        """-> (the text for an endpoint, what of the data it holds)."""
        if sight == "nothing":
            return ("Done." if self.ok else "It failed.") + f" {BLIND}", "nothing"
        known = self.statistics or self.line
        if not self.data:
            return cut(known), "statistics"
        if sight == "statistics":
            return cut(f"{known}\n{HIDDEN}"), "statistics"
        known = cut(self.head or known, TOKENS // 3)
        return f"{known}\n{_fenced(self.data, TOKENS - tokens(known) - 60)}", "rows"


def tokens(text: str) -> int:
    """Four bytes a token: what a tokenizer of natural language comes to on the whole."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 4)


def cut(text: str, most: int = TOKENS) -> str:
    """At most so many tokens; what is left out is counted in lines."""
    if tokens(text) <= most:
        return text
    lines = text.split("\n")
    kept: list[str] = []
    room = 4 * most - 80
    for line in lines:
        size = len(line.encode("utf-8", "replace")) + 1
        if size > room:
            break
        kept.append(line)
        room -= size
    if not kept:
        kept = [lines[0].encode("utf-8", "replace")[: max(room, 0)].decode("utf-8", "ignore")]
    return "\n".join([*kept, f"(cut: {len(kept):,} of {len(lines):,} lines shown)"])


def _fenced(data: str, most: int) -> str:
    return fenced([("data", cut(data, most))])


# -- the results ---------------------------------------------------------------------------------------------------


def change(done: Done) -> Told:
    """A step that changed rows."""
    counts = done.entry.counts
    line = f"{counts['before']:,} → {counts['after']:,}"
    said = [
        f"{done.entry.tool} on {done.entry.dataset}: {counted(counts['before'], 'rows')} before, {counts['after']:,} after."
    ]
    for name in ("dropped", "edits", "edited", "added", "flagged"):
        if found := counts.get(name):
            said.append(f"{name}: {_tally(found)}")
    said.append(f"version {done.version.vid[:8]}; undo takes it back.")
    if done.reused:
        said.append("It had been done before: the recorded result is used.")
    return Told(line, "\n".join(said), result=done.result)


def made(done: Done) -> Told:
    """Rows made by a panel into a dataset of their own: the accounts, and what they cost."""
    accounts = {name: value for name, value in done.result.items() if name not in ("seconds", "dataset", "findings")}
    accepted = int(done.result.get("accepted", 0))
    line = f"{counted(accepted, 'rows')} made into {done.entry.details['made']['into']}"
    return Told(line, f"{line}\n{json.dumps(accounts, default=str)}", result=done.result)


def report(done: Done, findings: Sequence[Mapping[str, Any]], facts: Sequence[Mapping[str, Any]]) -> Told:
    """Findings and facts. Messages and fixes may quote rows; codes and counts do not."""
    rows = done.entry.counts.get("before", done.version.rows)
    line = f"{counted(rows, 'rows')}, {counted(len(findings), 'findings')}"
    head = f"{done.entry.tool} on {done.entry.dataset}@{done.version.vid[:8]}: {line}"
    bare = [f"{one['severity']} {one['code']}: {one['count']:,} {one['unit']}" for one in findings[:FINDINGS]]
    values = [f"{one['id']} = {_number(one['value'])} {one['unit']}" for one in facts
              if _number(one["value"]) and _PLAIN_ID.fullmatch(one["id"])]  # fmt: skip
    more = [f"(and {len(findings) - FINDINGS} more findings)"] if len(findings) > FINDINGS else []
    known = "\n".join([head, *bare, *more, *values[:FACTS]])
    data = "\n".join(f"{one['code']}: {one['message']}{_fix(one)}" for one in findings[:FINDINGS])
    return Told(line, known, data, done.result)


def _fix(finding: Mapping[str, Any]) -> str:
    return f" | fix: {finding['fix']}" if finding.get("fix") else ""


def table(answer: Mapping[str, Any], query: str, known: Iterable[str]) -> Told:
    """The answer to a query, as the details of `inspect.sql` lay it out.

    Statistics are the numbers that a query computes from many rows; all others, and the keys of groups, are values of
    rows. So are names of columns that neither the schema (`known`) nor the query holds: a PIVOT makes them from values.
    """
    total = answer["total"]
    line = f"more than {answer['shown']} rows" if total is None else counted(total, "rows")
    result = {"rows": answer["total"]}
    data = for_model(answer)
    if not _aggregates(query):
        return Told(line, f"The query gives {line}.", data, result, head=line)
    statistic = _statistics(query, answer["types"])
    names = list(known)
    columns = [
        name if (name in names and _PLAIN_ID.fullmatch(name)) or name in query else "(column)"
        for name in answer["columns"]
    ]
    masked = [
        [value if shown else "(value)" for value, shown in zip(row, statistic, strict=True)] for row in answer["rows"]
    ]
    statistics = for_model({**answer, "columns": columns, "rows": masked})
    if all(statistic) and columns == answer["columns"]:
        return Told(line, statistics, result=result)
    return Told(line, statistics, data, result, head=line)


def _statistics(query: str, types: Sequence[Any]) -> list[bool]:
    """Which columns of the answer hold statistics."""
    numeric = [_is_number(str(kind)) for kind in types]
    computed = sql_aggregates.computed(query)
    if computed is None or len(computed) != len(numeric):
        return [False] * len(numeric)
    return [number and one for number, one in zip(numeric, computed, strict=True)]


def _aggregates(query: str) -> bool:
    try:
        return sql_aggregates.aggregates(query)
    except Retry:
        return False


def rows(found: Sequence[StoredRow], address: str, total: int) -> Told:
    line = f"{len(found)} of {counted(total, 'rows')}"
    known = f"{address}: {line}"
    return Told(line, known, "\n".join(_row(one) for one in found), {"rows": len(found)})


def drops(funnel: Sequence[Funnel], found: Sequence[Dropped]) -> Told:
    said = [
        f"step {one.entry.seq} {one.entry.tool}: {one.before:,} → {one.after:,}; dropped {_tally(one.dropped)}"
        for one in funnel
    ]
    gone = sum(sum(one.dropped.values()) for one in funnel)
    examples = [
        f"{one.decision.reason} (score {one.decision.score}): {_row(one.row)}"
        + (f"\n  stayed: {_row(one.survivor)}" if one.survivor else "")
        for one in found
    ]
    line = f"{counted(gone, 'rows')} dropped in {counted(len(funnel), 'steps')}"
    result = {"dropped": gone, "steps": [dict(one.dropped) for one in funnel]}
    return Told(line, "\n".join(said) or "Nothing was dropped.", "\n".join(examples), result)


def life(found: Life) -> Told:
    state = "in the dataset" if found.live else "not in the dataset"
    said = [f"row {found.row_id[:12]} of {found.dataset}: {state}, {counted(len(found.revisions), 'revisions')}"]
    said += [
        f"step {one.entry.seq} {one.entry.tool}: {one.action}, {one.reason}"
        + (f", score {one.score:g}" if one.score is not None else "")
        + (f" ({aside})" if (aside := found.aside.get(one.entry.seq)) else "")
        for one in found.decisions
    ]
    said += [f"a person ruled: {one.word}" for one in found.rulings]
    data = [json.dumps(dict(one.evidence), ensure_ascii=False) for one in found.decisions if one.evidence]
    data += [_row(one) for one in found.revisions]
    return Told(f"row {found.row_id[:12]}: {state}", "\n".join(said), "\n".join(data))


def difference(found: Difference, a: str, b: str) -> Told:
    line = f"{found.before:,} → {found.after:,}"
    known = (
        f"{a} → {b or 'its last step'}: {counted(found.before, 'rows')} → {found.after:,}; added {found.added[0]:,}; "
        f"dropped {_tally(found.dropped) or '0'}; edited {found.edited[0]:,}"
    )
    data = [f"dropped ({reason}): {_row(one)}" for one, reason in found.dropped_rows]
    data += [f"edited ({why}): {_row(old)} | now: {_row(new)}" for old, new, why in found.edited[1]]
    return Told(line, known, "\n".join(data))


def failure(error: TilthError, written: str, names: Iterable[str]) -> Told:
    """A call that was not done. What the error says it quotes, and what stands in quotes, may come from rows unless the
    model has `written` it or it is one of `names`; names that are sentences stand in a fence only."""
    message = str(error.args[0])
    text = f"{message} {error.next_step}".strip()
    known = list(names)

    def masked(match: re.Match[str]) -> str:
        harmless = match[2].startswith("tilth ") or any(match[2] in name for name in (written, *known))
        return match[0] if harmless else f"{match[1]}…{match[1]}"

    bare = text.replace(error.quotes, "(it may quote a row)") if error.quotes else text
    bare = re.sub(r"""(['"])(.*?)\1""", masked, bare)
    for name in sorted(known, key=len, reverse=True):
        if not _PLAIN_ID.fullmatch(name):
            bare = bare.replace(name, "…")
    if bare == text:
        return Told(" ".join(message.split()), f"Not done: {text}", ok=False)
    return Told(" ".join(bare.split()), f"Not done: {bare}", text, ok=False)


def entry(found: Entry) -> Told:
    """A call of an earlier process, found in the ledger."""
    if "after" in found.counts and "before" in found.counts:
        line = f"{found.counts['before']:,} → {found.counts['after']:,}"
    else:
        line = "done"
    return Told(line, f"{found.tool or found.kind} on {found.dataset}: {line} (done before the restart)")


# -- pieces --------------------------------------------------------------------------------------------------------


def _tally(found: Any) -> str:
    if isinstance(found, Mapping):
        return ", ".join(f"{name} {count:,}" for name, count in found.items())
    return f"{found:,}" if isinstance(found, int) else str(found)


def _row(one: StoredRow) -> str:
    return f"{one.row_id[:12]} {excerpt(one.record, EXAMPLE)}"


def _is_number(kind: str) -> bool:
    return _NUMBER.fullmatch(kind.upper()) is not None


def _number(value: Any) -> str:
    """A fact's value where it is one number, else ""."""
    text = str(value)
    try:
        float(text)
    except ValueError:
        return ""
    return text
