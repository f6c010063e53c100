"""From a number to files and truth: a base, what is planted in it, what that brought about, and new keys for all rows.

It knows the order of these steps and the gate: an instance whose evidence is not exact is drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...tools.errors import Corrupt
from ..planted.draw import Draw
from . import families
from .bases import BASES
from .card import CARD, fields, markdown, stated
from .data import DOSES, KEY, PLACEMENTS, Data, Planting, Table
from .evidence import Shown, shown, shown_in_files
from .files import written
from .plant import FAMILIES, Family, Locus
from .truth import OF_ROWS, Plant, Truth, merged, plant_of

__all__ = ["Made", "families", "make", "unsolved"]

FEWEST, MOST = 3, 6
"""Families planted in an instance that is not clean."""

MOST_REDRAWS: Final = 30


@dataclass(frozen=True, slots=True)
class Made:
    """`repairs`: of each cell that a plant changed, what it held before, as (file, row, column, value)."""

    files: Mapping[str, bytes]
    truth: Truth
    repairs: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Planted:
    family: Family
    locus: Locus
    planting: Planting


def make(seed: str, base: str, *, clean: bool = False, among: Sequence[str] = ()) -> Made:
    """An instance on a base, with plants of all families or `among` these. The same for the same seed on every Python.

    Raises Corrupt when no draw passes the gate, which would be a bug in a family.
    """
    for redraws in range(MOST_REDRAWS):
        draw = Draw.named(f"{seed}/{redraws}")
        data = BASES[base](draw)
        before = [Table(t.file, list(t.columns), [dict(row) for row in t.rows], t.roles) for t in data.tables]
        planted = [] if clean else _plant(draw, data, among)
        if not clean and not planted:
            continue
        with shown(before, fields(data)) as queries:
            natural = _ledger(queries, data, planted)
        with shown(data.tables, stated(data)) as queries:
            plants = _plants(queries, data, planted, natural)
        if plants is not None:
            return _finished(draw, data, before, plants, natural, Truth(base, clean, (), (), (), redraws))
    raise Corrupt(
        f"No draw of base {base} shows exactly what was planted in it (seed {seed!r}, families {list(among) or 'any'})."
    )


def unsolved(made: Made) -> list[str]:
    """Families whose evidence, run over the files an agent is given, does not return exactly what is to be found."""
    natural = {row for _, _, rows in made.truth.natural for row in rows}
    lost = []
    with shown_in_files(made.files) as queries:
        for plant in made.truth.plants:
            wanted = set(plant.rows[0]) if plant.rows else {plant.field or plant.columns[0]}
            if queries.by(plant.evidence) - natural != wanted:
                lost.append(plant.families[0])
    return lost


def _plant(draw: Draw, data: Data, among: Sequence[str]) -> list[_Planted]:
    """Families are tried in drawn order until enough are planted; those about the card come last."""
    wanted = min(draw.between(FEWEST, MOST), len(among) or MOST)
    order = draw.shuffled(among) if among else _order(draw)
    cards = [name for name in order if FAMILIES[name].group == "documentation"][: 1 + draw.below(2)]
    rest = [name for name in order if FAMILIES[name].group != "documentation"]
    documented = min(len(cards), 1) if among or draw.chance(0.45) else 0
    planted: list[_Planted] = []
    for names, count in ((rest, wanted - documented), (cards, wanted)):
        for name in names:
            family = FAMILIES[name]
            if len(planted) >= count or (family.clash and family.clash in {one.family.clash for one in planted}):
                continue
            planting = Planting(draw, data, draw.pick(DOSES), draw.between(1, 3), draw.pick(PLACEMENTS))
            locus = family.plant(planting)
            if locus is not None:
                planted.append(_Planted(family, locus, planting))
    return planted


SPECIFIC: Final = ("answer", "label", "reference", "split", "value")
"""Groups whose families fit few bases. They have three tickets in the lottery of groups, the others have one."""


def _order(draw: Draw) -> list[str]:
    """All families, the first of as many groups as there are: what fits everywhere is not to be everywhere."""
    groups: dict[str, list[str]] = {}
    for family in FAMILIES.values():
        groups.setdefault(family.group, []).append(family.name)
    left = {group: draw.shuffled(names) for group, names in groups.items()}
    tickets = draw.shuffled([*groups, *SPECIFIC, *SPECIFIC])
    first = [left[group].pop() for group in tickets]
    return first + draw.shuffled([name for names in left.values() for name in names])


def _detected(data: Data) -> list[tuple[Family, Locus]]:
    """What is looked for in every instance."""
    detectors = [family for family in FAMILIES.values() if family.detect is not None]
    return [(f, locus) for f in detectors for table in data.tables for locus in (f.detect or _nothing)(table, data)]


def _nothing(table: Table, data: Data) -> list[Locus]:
    return []


def _ledger(queries: Shown, data: Data, planted: list[_Planted]) -> dict[str, frozenset[str]]:
    """By query, the rows that it finds in the data before anything is planted; of columns planted anew, none."""
    asked = [locus.evidence for _, locus in _detected(data)]
    asked += [one.locus.evidence for one in planted if one.family.unit in OF_ROWS and one.family.detect is None]
    return {query: queries.by(query) for query in asked}


def _plants(
    queries: Shown, data: Data, planted: list[_Planted], natural: Mapping[str, frozenset[str]]
) -> list[Plant] | None:
    """The gate and the closure: None where a plant's evidence is not exactly its locus."""
    plants = []
    for one in planted:
        shows = queries.by(one.locus.evidence)
        how = {"dose": one.planting.dose, "placement": one.planting.placement, "stealth": one.planting.stealth}
        if one.family.unit in OF_ROWS:
            shows -= natural[one.locus.evidence]
            exact = bool(shows) and (one.family.detect is not None or shows == set(one.locus.rows))
        else:
            exact = shows == {one.locus.column or one.locus.field}
        if not exact:
            return None
        plants.append(plant_of(one.family, one.locus, shows, **how))
    known = {plant.evidence for plant in plants}
    for family, locus in _detected(data):
        shows = queries.by(locus.evidence) - natural[locus.evidence] if locus.evidence not in known else frozenset()
        if shows:
            plants.append(plant_of(family, locus, shows, planted=False))
    return merged(plants)


def _finished(
    draw: Draw,
    data: Data,
    before: Sequence[Table],
    plants: list[Plant],
    natural: Mapping[str, frozenset[str]],
    truth: Truth,
) -> Made:
    """Rows in a new order under new keys that tell neither order nor birth."""
    fresh = draw.keys()
    keys = {row[KEY]: next(fresh) for table in data.tables for row in table.rows}
    files = {}
    for table in data.tables:
        rows = [{**row, KEY: keys[row[KEY]]} for row in draw.shuffled(table.rows)]
        files[table.file] = written(table.file, (KEY, *table.columns), rows)
    files[CARD] = markdown(stated(data))

    def renamed(rows: frozenset[str] | tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(keys[row] for row in rows if row in keys))

    asked = {locus.evidence: (family.name, locus.file) for family, locus in _detected(data)}
    asked |= {plant.evidence: (plant.families[0], plant.file) for plant in plants}
    found = [(*what, renamed(natural[query])) for query, what in asked.items() if natural.get(query)]
    return Made(
        files,
        replace(
            truth,
            plants=tuple(replace(plant, rows=tuple(renamed(rows) for rows in plant.rows)) for plant in plants),
            natural=tuple(found),
            decoys=tuple((kind, file, renamed(rows)) for kind, file, rows in data.decoys),
        ),
        tuple((file, keys[row], column, value) for file, row, column, value in _changed(before, data.tables)),
    )


def _changed(before: Sequence[Table], after: Sequence[Table]) -> list[tuple[str, str, str, str]]:
    """(file, row, column, value before) of the cells that differ, of rows that were there before."""
    found = []
    for old, new in zip(before, after, strict=True):
        rows = {row[KEY]: row for row in new.rows}
        for row in old.rows:
            now = rows.get(row[KEY], row)
            found += [(old.file, row[KEY], name, row[name]) for name in old.columns if now[name] != row[name]]
    return found
