"""Labels that contradict the text, each other's spelling, or the label set."""

from __future__ import annotations

from collections.abc import Callable

from ..bases.words import TICKET_SIGNS
from ..data import Planting, Row, Table
from ..plant import Locus, family
from .sql import among, cells, literal

CONFUSABLE = {"billing": "account", "account": "billing", "delivery": "product", "product": "delivery"}
"""Labels that a hasty annotator takes for each other."""

_TOLD = (
    "case " + " ".join(f"when regexp_matches(text, '{s}') then '{label}'" for label, s in TICKET_SIGNS.items()) + " end"
)
CONTRADICTED = f"label in {among(TICKET_SIGNS)} and label <> {_TOLD}"
"""The label is one of the set and another than the one the text tells."""


def _tickets(planting: Planting) -> Table | None:
    return planting.table("label", "text")


def _flip(planting: Planting, fits: Callable[[Row], bool], wrong: Callable[[str], str], shown: str) -> Locus | None:
    table = _tickets(planting)
    rows = planting.rows(table, fits, least=2) if table else []
    if table is None or not rows:
        return None
    for row in rows:
        row["label"] = wrong(row["label"])
    return cells(table, rows, "label", shown)


@family("label", "cell", tier="judgement", severity=3, repair="relabel", clash="label")
def label_flip(planting: Planting) -> Locus | None:
    def other(label: str) -> str:
        return planting.draw.pick([one for one in TICKET_SIGNS if one != label])

    return _flip(planting, lambda row: True, other, CONTRADICTED)


@family("label", "cell", tier="judgement", severity=3, repair="relabel", clash="label")
def confusable_flip(planting: Planting) -> Locus | None:
    one = planting.draw.pick(list(CONFUSABLE))
    return _flip(planting, lambda row: row["label"] == one, CONFUSABLE.__getitem__, CONTRADICTED)


@family("label", "cell", tier="judgement", severity=3, repair="relabel", clash="label")
def annotator_flip(planting: Planting) -> Locus | None:
    """One annotator's labels, and nobody else's."""
    table = _tickets(planting)
    if table is None:
        return None
    who = planting.draw.pick(sorted({row["annotator"] for row in table.rows}))
    shown = f"annotator = {literal(who)} and {CONTRADICTED}"
    fits = lambda row: row["annotator"] == who and row["label"] in CONFUSABLE  # noqa: E731
    return _flip(planting, fits, CONFUSABLE.__getitem__, shown)


@family("label", "cell", severity=1)
def label_spelling(planting: Planting) -> Locus | None:
    table = _tickets(planting)
    rows = planting.rows(table, least=2) if table else []
    if table is None or not rows:
        return None
    ways: tuple[Callable[[str], str], ...] = (str.capitalize, str.upper, lambda s: s + " ", lambda s: s + ".")
    way = planting.draw.pick(ways)
    for row in rows:
        row["label"] = way(row["label"])
    return cells(table, rows, "label", f"label in {among({way(label) for label in TICKET_SIGNS})}")


@family("label", "cell", tier="judgement", repair="relabel", clash="label")
def label_schema_drift(planting: Planting) -> Locus | None:
    """From some day on a label goes by another name."""
    table = _tickets(planting)
    if table is None:
        return None
    old, new = planting.draw.pick((("billing", "payments"), ("delivery", "shipping"), ("product", "item fault")))
    days = sorted(row["created_on"] for row in table.rows)
    since = days[len(days) * planting.draw.between(60, 85) // 100]
    free = [
        row
        for row in table.rows
        if row["label"] == old and row["created_on"] >= since and row["row_key"] not in planting.data.taken
    ]
    if len(free) < 3:
        return None
    planting.take(free)
    for row in free:
        row["label"] = new
    return cells(table, free, "label", f"label = {literal(new)}")
