"""Training data that knows the test data: shared texts, shared people, later days, a column that tells the label."""

from __future__ import annotations

from ..data import Data, Planting, Row, Table
from ..plant import Locus, family
from .duplication import reworded
from .sql import bag, cells, found, identity, literal, spread


def _same_text(table: Table, data: Data) -> list[Locus]:
    if not table.role("split"):
        return []
    same = identity(table)
    train = f"select {same} from {table.name} where split = 'train'"
    return [
        found(
            table,
            f"select row_key from {table.name} where split = 'test' and length(trim({same})) > 3 and {same} in ({train})",
        )
    ]


def _similar_text(table: Table, data: Data) -> list[Locus]:
    if not table.role("split"):
        return []
    same = identity(table)
    inner = (
        f"select row_key, split, length(trim({same})) > 3 and min({same}) over words <> max({same}) over words and "
        f"min(split) over words <> max(split) over words as leaks from {table.name} window words as (partition by {bag(table)})"
    )
    return [found(table, f"select row_key from ({inner}) where leaks and split = 'test'")]


def _into_test(planting: Planting, table: Table) -> list[Row]:
    """Copies of training rows among the test rows, dressed as those are."""
    rows = planting.rows(table, lambda row: row["split"] == "train")
    hosts = [row for row in table.rows if row["split"] == "test" and row["row_key"] not in planting.data.taken]
    copies = []
    for row in rows if hosts else []:
        host = planting.draw.pick(hosts)
        copies += spread(planting, table, [row], split="test")
        for column in (*table.role("date"), *table.role("group")):
            copies[-1][column] = host[column]
    return copies


@family("split", severity=3, repair="drop", detect=_same_text)
def split_exact_leak(planting: Planting) -> Locus | None:
    table = planting.table("split", "text")
    if table is None or not _into_test(planting, table):
        return None
    return _same_text(table, planting.data)[0]


@family("split", severity=3, repair="drop", detect=_similar_text)
def split_near_leak(planting: Planting) -> Locus | None:
    table = planting.table("split", "text")
    copies = _into_test(planting, table) if table else []
    if table is None or not copies:
        return None
    column = table.role("text")[0]
    for row in copies:
        row[column] = reworded(planting, row[column])
    return _similar_text(table, planting.data)[0]


def _same_user(table: Table, data: Data) -> list[Locus]:
    if not table.role("group"):
        return []
    group = table.role("group")[0]
    train = f"select {group} from {table.name} where split = 'train'"
    return [found(table, f"select row_key from {table.name} where split = 'test' and {group} in ({train})")]


@family("split", severity=3, repair="drop", detect=_same_user)
def group_leak(planting: Planting) -> Locus | None:
    table = planting.table("split", "group")
    rows = planting.rows(table, lambda row: row["split"] == "test") if table else []
    if table is None or not rows:
        return None
    group = table.role("group")[0]
    known = sorted({row[group] for row in table.rows if row["split"] == "train"})
    for row in rows:
        row[group] = planting.draw.pick(known)
    return _same_user(table, planting.data)[0]


@family("split", severity=3, repair="drop", tier="judgement")
def temporal_leak(planting: Planting) -> Locus | None:
    """Training rows from the days of the test."""
    table = planting.table("split", "group")
    rows = planting.rows(table, lambda row: row["split"] == "train") if table else []
    if table is None or not rows:
        return None
    column = table.role("date")[0]
    days = sorted(
        row[column] for row in table.rows if row["split"] == "test" and row["row_key"] not in planting.data.taken
    )
    first = planting.data.facts["split rule"].split("from ")[1][:10]
    for row in rows:
        row[column] = planting.draw.pick(days)
    shown = f"split = 'train' and try_cast({column} as date) >= date {literal(first)}"
    return cells(table, rows, column, shown) if days else None


@family("split", "column", severity=3, repair="drop")
def target_leak(planting: Planting) -> Locus | None:
    """A column that is the label in other words."""
    table = planting.table("label", "split")
    if table is None:
        return None
    name = planting.draw.pick(("routing_code", "closed_by_rule", "template_no"))
    codes = planting.draw.some(range(11, 99), 5)
    labels = sorted({row["label"] for row in table.rows})
    known = {label: str(codes[at % 5]) for at, label in enumerate(labels)}
    if len(labels) > 5:
        return None
    for row in table.rows:
        code = known[row["label"]]
        row[name] = str(planting.draw.pick(codes)) if planting.stealth == 3 and planting.draw.chance(0.03) else code
    table.columns.append(name)
    counts = f"select {name}, label, count(*) as n from {table.name} group by all"
    best = f"select {name}, max(n) as best, sum(n) as n from ({counts}) group by 1"
    return Locus(table.file, f"select '{name}' from ({best}) having sum(best) > 0.85 * sum(n)", column=name)
