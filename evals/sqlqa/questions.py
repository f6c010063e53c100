"""Questions with SQL that answers them, and mutants: the same SQL with one mistake in it.

It knows shapes of questions. What the tables mean is told in `tables`; whether a mutant gives another answer, `making`
finds out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from ...tools.store.door import text_literal
from ..planted.draw import Draw, capital
from .answers import Column
from .tables import Domain, Record, Tables, reading

Join = Literal["none", "inner", "left"]

CENT: Final = 0.0101
"""The tolerance of what is rounded to two decimals: rounding a half up or down is no mistake."""


@dataclass(frozen=True, slots=True)
class Part:
    """A condition or a figure: its SQL, its words, the steps of reading it depends on, and mistakes in it."""

    sql: str
    words: str
    needs: tuple[str, ...] = ()
    mutants: Mapping[str, str] = field(default_factory=dict)  # its SQL with a mistake, by name
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, in parts. `distinct` columns of `select` come before `figure`."""

    domain: Domain
    select: tuple[str, ...]
    figure: Part | None
    where: tuple[Part, ...]
    join: Join = "none"
    group: str = ""
    order: str = ""
    without: str = ""  # a step of reading that is forgotten

    def sql(self) -> str:
        source = "records" if self.join == "none" else f"records {self.join} join others using (link)"
        parts = [*self.select, *([self.figure.sql] if self.figure else [])]
        text = f"{reading(self.domain, self.without)} select {', '.join(parts)} from {source}"
        if self.where:
            text += f" where {' and '.join(part.sql for part in self.where)}"
        return text + (f" group by {self.group}" if self.group else "") + (f" {self.order}" if self.order else "")

    def mutants(self) -> dict[str, Query]:
        """Every mistake that must change the answer, by its name."""
        figures = [self.figure] if self.figure else []
        made = {
            f"ignores: {step}": replace(self, without=step)
            for part in (*figures, *self.where)
            for step in part.needs
        }  # fmt: skip
        for part in figures:
            for name, sql in part.mutants.items():
                made[f"figure: {name}"] = replace(self, figure=replace(part, sql=sql))
        for at, part in enumerate(self.where):
            rest = (*self.where[:at], *self.where[at + 1 :])
            made[f"drops: {part.words}"] = replace(self, where=rest)
            for name, sql in part.mutants.items():
                made[f"bound: {name}"] = replace(self, where=(*rest, replace(part, sql=sql)))
        if self.join == "inner" and self.group == "place" and not self.order:
            made["join: left"] = replace(self, join="left")
        return made


@dataclass(frozen=True, slots=True)
class Question:
    """A query in words, with the columns of its answer. `shape` is a tag."""

    shape: str
    text: str
    query: Query
    columns: tuple[Column, ...]
    ordered: bool = False


SHAPES: Final = ("figure", "by kind", "by place", "by month", "best", "list", "idle")


def ask(draw: Draw, tables: Tables, shape: str) -> Question:
    """One question of a shape; whether it tells right from wrong is not yet known."""
    makers = (_scalar, _by_kind, _by_place, _by_month, _best, _listed, _idle)
    return makers[SHAPES.index(shape)](draw, tables)


def _scalar(draw: Draw, tables: Tables) -> Question:
    figure = draw.pick((*_figures(tables.domain), *_of_one(tables.domain)))
    where = _conditions(draw, tables, draw.between(1, 3))
    text = f"What is {figure.words}{_told(tables.domain, where)}?"
    return Question("figure", text, _query(tables, (), figure, where), (_number(figure),))


def _by_kind(draw: Draw, tables: Tables) -> Question:
    domain = tables.domain
    figure = draw.pick(_figures(domain))
    known = Part("kind is not null", f"the {domain.names['kind']} is known", ("spelling", "absent"))
    where = (known, *_conditions(draw, tables, draw.between(0, 2), but=("kind",)))
    text = f"For each {domain.names['kind']}, what is {figure.words}{_told(domain, where)}?"
    query = _query(tables, ("kind",), figure, where, group="kind")
    return Question("by kind", text, query, (Column(domain.names["kind"], "text"), _number(figure)))


def _by_place(draw: Draw, tables: Tables) -> Question:
    domain = tables.domain
    figure = draw.pick(_figures(domain))
    where = _conditions(draw, tables, draw.between(0, 2), but=("place",))
    text = (
        f"For each {domain.place}, what is {figure.words}{_told(domain, where)}? Leave out {domain.records} whose "
        f"{domain.other} is not listed."
    )
    figure = replace(figure, needs=(*figure.needs, "links", "fanout", "places"))
    query = _query(tables, ("place",), figure, where, group="place", join="inner")
    return Question("by place", text, query, (Column(domain.place, "text"), _number(figure)))


def _by_month(draw: Draw, tables: Tables) -> Question:
    domain = tables.domain
    figure = draw.pick(_figures(domain))
    where = _conditions(draw, tables, draw.between(0, 2), but=("day",))
    text = f"For each month (as YYYY-MM), what is {figure.words}{_told(domain, where)}?"
    query = _query(tables, ("strftime(day, '%Y-%m')",), figure, where, group="1")
    query = replace(query, figure=replace(figure, needs=(*figure.needs, "dates")))
    return Question("by month", text, query, (Column("month", "text"), _number(figure)))


def _best(draw: Draw, tables: Tables) -> Question:
    domain, count = tables.domain, draw.between(2, 4)
    figure = draw.pick([one for one in _figures(domain) if "number of" in one.words or "total" in one.words])
    figure = replace(figure, needs=(*figure.needs, "links", "fanout", "places"))
    where = _conditions(draw, tables, draw.between(0, 1), but=("place",))
    text = (
        f"Which {count} values of {domain.place} have the largest figures, where the figure is {figure.words}"
        f"{_told(domain, where)}? Give {domain.place} and figure, the largest first, equal ones by {domain.place}. Leave out "
        f"{domain.records} whose {domain.other} is not listed."
    )
    query = _query(tables, ("place",), figure, where, group="place", join="inner")
    query = replace(query, order=f"order by 2 desc, place limit {count}")
    return Question("best", text, query, (Column(domain.place, "text"), _number(figure)), ordered=True)


def _listed(draw: Draw, tables: Tables) -> Question:
    domain = tables.domain
    where = _conditions(draw, tables, draw.between(1, 2))
    text = f"List the {domain.names['id']} of all {domain.records}{_told(domain, where)}."
    where[0] = replace(where[0], needs=(*where[0].needs, "repeats"))
    return Question("list", text, _query(tables, ("id",), None, where), (Column(domain.names["id"], "text"),))


def _idle(draw: Draw, tables: Tables) -> Question:
    """Who is listed and has no record of some kind."""
    domain = tables.domain
    inner = _conditions(draw, tables, 2, but=("place",))
    told = _told(domain, inner)
    none = Part(
        f"link not in (select link from records where {' and '.join(one.sql for one in inner)})",
        "no record",
        tuple(dict.fromkeys(["links", *(step for one in inner for step in one.needs)])),
        {
            name: f"link not in (select link from records where {_but(inner, at, sql)})"
            for at, one in enumerate(inner)
            for name, sql in {"drops a condition": "true", **one.mutants}.items()
        },
    )
    text = (
        f"Which {domain.others} that are listed have not a single {domain.record}{told}? "
        f"Give each {domain.names['link']} once."
    )
    query = Query(domain, ("link",), None, (replace(none, needs=(*none.needs, "fanout")),))
    return Question("idle", text, _Idle.of(query), (Column(domain.names["link"], "text"),))


class _Idle(Query):
    """A query over the others instead of the records."""

    __slots__ = ()

    @staticmethod
    def of(query: Query) -> _Idle:
        return _Idle(query.domain, query.select, query.figure, query.where)

    def sql(self) -> str:
        conditions = " and ".join(part.sql for part in self.where) or "true"
        return f"{reading(self.domain, self.without)} select link from others where {conditions}"


def _but(parts: Sequence[Part], at: int, sql: str) -> str:
    return " and ".join(sql if i == at else part.sql for i, part in enumerate(parts))


def _query(
    tables: Tables, select: tuple[str, ...], figure: Part | None, where: Sequence[Part], *, group: str = "",
    join: Join = "none",
) -> Query:  # fmt: skip
    if join == "none" and any(part.joins for part in where):
        join = "inner"
    return Query(tables.domain, select, figure, tuple(where), join, group)


def _number(figure: Part) -> Column:
    return Column("figure", "number", CENT if "rounded" in figure.words else 0.0)


def _told(domain: Domain, where: Sequence[Part]) -> str:
    return f" where {' and '.join(part.words for part in where)}" if where else ""


def _figures(domain: Domain) -> list[Part]:
    """What may be asked of every group of records."""
    measure, price = domain.names["measure"], domain.names["price"]
    total, mean, paid = (f"round({how}, 2)" for how in ("sum(measure)", "avg(price)", "sum(price)"))
    return [
        Part("count(*)", f"the number of {domain.records}", ("repeats",), {"counts a column": "count(price)"}),
        Part(total, f"the total {measure} of the {domain.records} (in {domain.units[0]}, rounded to 2 decimals)",
             ("repeats", "units", "sentinel"), {"mean for total": "round(avg(measure), 2)"}),
        Part(mean, f"the mean {price} of the {domain.records} (in euros, rounded to 2 decimals)",
             ("repeats", "comma", "absent"), {"median for mean": "round(median(price), 2)", "total for mean": paid}),
        Part(paid, f"the total {price} of the {domain.records} (in euros, rounded to 2 decimals)", ("repeats", "comma"),
             {"mean for total": mean, "price times measure": "round(sum(price * measure), 2)"}),
    ]  # fmt: skip


def _of_one(domain: Domain) -> list[Part]:
    """What is asked of all records at once only: in small groups these seldom tell right from wrong."""
    price = domain.names["price"]
    return [
        Part("count(distinct link)", f"the number of different {domain.others} (listed or not) that have {domain.records}",
             ("links",), {"does not drop doubles": "count(link)"}),
        Part("round(median(price), 2)", f"the median {price} of the {domain.records} (in euros, rounded to 2 decimals)",
             ("comma", "absent"), {"mean for median": "round(avg(price), 2)"}),
    ]  # fmt: skip


def _conditions(draw: Draw, tables: Tables, count: int, but: Sequence[str] = ()) -> list[Part]:
    """Conditions of different columns. A bound is the value of a record that meets the others, so that it matters whether
    it is included; so at most one condition has bounds, and it comes last."""
    domain, names = tables.domain, tables.domain.names
    bounded = draw.pick(("day", "measure"))
    makers = [name for name in draw.some(("kind", "place", bounded), count) if name not in but]
    pool, made = list(tables.records), []
    for name in sorted(makers, key=lambda name: name == bounded):
        if name == "kind":
            kind = draw.pick(domain.kinds)
            made.append(Part(f"kind = {text_literal(kind)}", f'{names["kind"]} is "{kind}"', ("spelling",)))
            pool = [one for one in pool if one.kind == kind] or pool
        elif name == "place":
            place = draw.pick(sorted(set(tables.places.values())))
            words = f'the {domain.other} is listed with {domain.place} "{place}"'
            needs = ("links", "fanout", "places")
            made.append(Part(f"place = {text_literal(place)}", words, needs, joins=True))
            pool = [one for one in pool if tables.places.get(one.link) == place] or pool
        elif name == "measure":
            made.append(_at_least(draw, domain, pool))
        else:
            made.append(_between(draw, domain, pool))
    return made


def _at_least(draw: Draw, domain: Domain, pool: Sequence[Record]) -> Part:
    seen = sorted(one.measure for one in pool if one.measure is not None) or [1000]
    bound = seen[len(seen) * draw.between(15, 50) // 100]
    value = f"{bound // 1000}.{bound % 1000:03d}"
    words = f"{domain.names['measure']} is at least {value} {domain.units[0]}"
    return Part(f"measure >= {value}", words, ("units",), {"more than": f"measure > {value}"})


def _between(draw: Draw, domain: Domain, pool: Sequence[Record]) -> Part:
    days = sorted(one.day for one in pool)
    at = len(days) * draw.between(5, 25) // 100
    first, last = days[at], days[min(len(days) - 1, at + len(days) * draw.between(40, 65) // 100)]
    words = f"{domain.names['day']} is from {first} to {last} (both included)"
    low, high = f"day >= date '{first}'", f"day <= date '{last}'"
    mutants = {"first day": f"(day > date '{first}' and {high})", "last day": f"({low} and day < date '{last}')"}
    return Part(f"({low} and {high})", words, ("dates",), mutants)


def headline(question: Question) -> str:
    """The question with what its answer is to look like."""
    columns = ", ".join(column.name for column in question.columns)
    order = "Rows are in the order asked for." if question.ordered else "The order of rows does not matter."
    return f"{capital(question.text)}\n\nColumns of the answer: {columns}. {order}"
