"""Two tables that belong together, written as people write them, and the SQL that reads them as they are meant.

It knows how cells are spoiled and what each way of reading costs when it is forgotten. It asks no question.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ...tools.store.door import identifier, text_literal
from ..planted.draw import Draw, words

README: Final = "README.md"
ABSENT: Final = ("n/a", "-", "unknown", "N/A")
SENTINEL: Final = "-999"
STEPS: Final = {
    "repeats": "records exported twice are counted once",
    "fanout": "entries listed twice are joined once",
    "spelling": "kinds are read without case and outer spaces",
    "absent": "words for a missing value are no values",
    "units": "both units are brought to one",
    "sentinel": f"{SENTINEL} is no measurement",
    "comma": "decimal commas are read",
    "dates": "all three forms of dates are read",
    "links": "keys are read without case and outer spaces",
    "places": "places are read without case and outer spaces",
}
"""What must be done to read the tables right. Leaving one out is a mutant of a question that depends on it."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What the tables are about. `names` are the columns of the records (id, link, day, kind, measure, price), `units`
    the larger and the smaller unit of the measure, `ratio` how many small ones a large one has."""

    records: str
    record: str
    others: str
    other: str
    names: Mapping[str, str]
    place: str
    kinds: Sequence[str]
    places: Sequence[str]
    units: tuple[str, str]
    ratio: int


def _domain(
    records: str, others: str, names: str, place: str, kinds: str, places: str, units: str, ratio: int
) -> Domain:
    (many, one), (group, member) = records.split("/"), others.split("/")
    columns = dict(zip(("id", "link", "day", "kind", "measure", "price"), names.split(), strict=True))
    large, small = units.split("/")
    return Domain(many, one, group, member, columns, place, words(kinds), words(places), (large, small), ratio)


DOMAINS: Final = (
    _domain(
        "orders/order", "customers/customer", "order_id customer_id ordered_on channel weight amount", "city",
        "web | phone | market | wholesale", "lisbon | bremen | ghent | turku | brno | nantes | seville", "kg/g", 1000,
    ),
    _domain(
        "trips/trip", "bikes/bike", "trip_id bike_id started_on rider distance fee", "depot",
        "member | visitor | staff | courier", "harbour | station | market hall | old mill | park | quarry", "km/m", 1000,
    ),
    _domain(
        "deliveries/delivery", "farms/farm", "delivery_id farm_id delivered_on crop load price", "valley",
        "apples | barley | oats | plums | rye", "upper vale | lower vale | north fold | ashbeck | stonegill", "t/kg", 1000,
    ),
    _domain(
        "samples/sample", "stations/station", "sample_id station_id taken_on method volume cost", "lake",
        "net | bottle | core | trap", "silver lake | long tarn | black mere | high pool | west water", "l/ml", 1000,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is meant; measure in thousandths of the large unit, price in cents; None is missing."""

    id: str
    link: str
    day: date
    kind: str | None
    measure: int | None
    price: int | None


@dataclass(frozen=True, slots=True)
class Tables:
    """What is meant, and the files that say it badly."""

    domain: Domain
    records: Sequence[Record]
    places: Mapping[str, str]
    files: Mapping[str, bytes]
    rows: Mapping[str, Sequence[Mapping[str, str | None]]]  # of every table, as SQL sees them


def make(draw: Draw) -> Tables:
    """Some 230 records of some 40 others."""
    domain = draw.pick(DOMAINS)
    letter, start = domain.other[0].upper(), date(2023, 1, 1) + timedelta(draw.below(400))
    links = [f"{letter}{number}" for number in draw.some(range(100, 1000), draw.between(36, 44))]
    places = {link: draw.pick(domain.places) for link in links}
    absent = [f"{letter}{number}" for number in range(10, 14)]  # records name them, the other table does not
    busy = links[: len(links) - 5]
    records = [
        Record(
            f"{domain.record[0].upper()}{number}",
            draw.pick(absent) if draw.chance(0.05) else draw.pick(busy),
            start + timedelta(draw.below(120)),
            None if draw.chance(0.06) else draw.pick(domain.kinds),
            None if draw.chance(0.06) else draw.between(60, 9_500),
            None if draw.chance(0.06) else draw.between(150, 29_999),
        )
        for number in draw.some(range(10_000, 100_000), draw.between(210, 250))
    ]
    pen = _Pen(draw, domain)
    of_records = [pen.record(one) for one in (*records, *draw.some(records, draw.between(22, 30)))]
    of_others = [pen.other(link, places[link]) for link in (*links, *draw.some(links, draw.between(10, 14)))]
    rows = {domain.records: draw.shuffled(of_records), domain.others: draw.shuffled(of_others)}
    files = {f"{name}.csv": _written(table) for name, table in rows.items()}
    seen = {name: [{key: cell or None for key, cell in row.items()} for row in table] for name, table in rows.items()}
    return Tables(domain, records, places, {**files, README: readme(domain).encode()}, seen)


class _Pen:
    """Writes cells as hands and programs of many years do."""

    def __init__(self, draw: Draw, domain: Domain) -> None:
        self.draw, self.domain = draw, domain

    def record(self, one: Record) -> dict[str, str]:
        names, draw = self.domain.names, self.draw
        cells = {
            "id": one.id,
            "link": self._spelled(one.link, 0.15, str.lower),
            "day": self._day(one.day),
            "kind": self._absent() if one.kind is None else self._spelled(one.kind, 0.2, str.title),
            "measure": self._measure(one.measure),
            "price": self._absent() if one.price is None else f"{one.price // 100}.{one.price % 100:02d}",
        }
        if one.price is not None and draw.chance(0.15):
            cells["price"] = cells["price"].replace(".", ",")
        return {names[key]: cell for key, cell in cells.items()}

    def other(self, link: str, place: str) -> dict[str, str]:
        return {
            self.domain.names["link"]: self._spelled(link, 0.15, str.lower),
            self.domain.place: self._spelled(place, 0.2, str.title),
        }

    def _spelled(self, text: str, share: float, other: Callable[[str], str]) -> str:
        if not self.draw.chance(share):
            return text
        return self.draw.pick((other(text), f"{text} ", f" {text}", f"{other(text)} "))

    def _absent(self) -> str:
        return "" if self.draw.chance(0.3) else self.draw.pick(ABSENT)

    def _day(self, day: date) -> str:
        months = words("Jan | Feb | Mar | Apr | May | Jun | Jul | Aug | Sep | Oct | Nov | Dec")
        if not self.draw.chance(0.25):
            return day.isoformat()
        return self.draw.pick((f"{day:%d.%m.%Y}", f"{day.day} {months[day.month - 1]} {day.year}"))

    def _measure(self, thousandths: int | None) -> str:
        large, small = self.domain.units
        if thousandths is None:
            return SENTINEL
        if self.draw.chance(0.2):
            return f"{thousandths} {small}"
        return f"{thousandths // 1000}.{thousandths % 1000:03d} {large}"


def readme(domain: Domain) -> str:
    """How the tables are to be read: all that a question takes for granted."""
    names, (large, small) = domain.names, domain.units
    return f"""\
# {domain.records.capitalize()} and {domain.others}

{domain.records}.csv has one {domain.record} a line, {domain.others}.csv one {domain.other} a line.
They were kept by several people and programs over the years.

- A {domain.record} may have been exported twice and be written differently: one {names["id"]} is one
  {domain.record}. A {domain.other} may be listed twice in the same way: one {names["link"]} is one {domain.other}.
- Case and outer spaces mean nothing in {names["link"]}, {names["kind"]} and {domain.place}. Answers write
  {names["kind"]} and {domain.place} in small letters and keys in capital ones.
- {names["day"]}: year-month-day, day.month.year, or day, month's name and year.
- {names["measure"]}: in {large} or in {small} ({domain.ratio} {small} are 1 {large}); {SENTINEL} says that nobody measured.
  Answers are in {large}.
- {names["price"]}: in euros, with a decimal point or a decimal comma.
- An empty cell, "-", "n/a" and "unknown" say that a value is missing; no missing value is 0.
- Some {domain.records} name a {domain.other} that is not listed.
"""


def reading(domain: Domain, without: str = "") -> str:
    """The WITH clause of tables as they are meant: records(id, link, day, kind, measure, price), others(link, place).

    `without` leaves one of STEPS out.
    """
    names = {key: identifier(name) for key, name in domain.names.items()}
    absent = ", ".join(text_literal(word) for word in dict.fromkeys(word.lower() for word in ABSENT))

    def plain(column: str, step: str, how: str) -> str:
        return column if without == step else f"{how}(trim({column}))"

    kind = plain(names["kind"], "spelling", "lower")
    known = "true" if without == "absent" else f"lower(trim({names['kind']})) not in ({absent})"
    amount = names["price"] if without == "comma" else f"replace({names['price']}, ',', '.')"
    price = f"try_cast({amount} as decimal(18, 4))"
    number = f"try_cast(regexp_extract({names['measure']}, '-?[0-9.]+') as decimal(18, 4))"
    small = f"{names['measure']} like {text_literal('% ' + domain.units[1])}"
    measure = number if without == "units" else f"case when {small} then {number} / {domain.ratio} else {number} end"
    measured = "true" if without == "sentinel" else f"trim({names['measure']}) <> {text_literal(SENTINEL)}"
    forms = ("%Y-%m-%d",) if without == "dates" else ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y")
    day = ", ".join(f"try_strptime(trim({names['day']}), '{form}')" for form in forms)
    cells = {
        "id": names["id"],
        "link": plain(names["link"], "links", "upper"),
        "day": f"cast(coalesce({day}) as date)",
        "kind": f"case when {known} then {kind} end",
        "measure": f"case when {measured} then cast({measure} as decimal(18, 4)) end",
        "price": f"coalesce({price}, 0)" if without == "absent" else price,
    }
    place = plain(identifier(domain.place), "places", "lower")
    records = _once(cells, domain.records, "id", repeated=without == "repeats")
    others = _once({"link": cells["link"], "place": place}, domain.others, "link", repeated=without == "fanout")
    return f"with records as ({records}), others as ({others})"


def _once(cells: Mapping[str, str], table: str, key: str, *, repeated: bool) -> str:
    """One row for each key: of what is written twice, whichever value sorts first."""
    inner = f"select {', '.join(f'{cell} as {name}' for name, cell in cells.items())} from {identifier(table)}"
    if repeated:
        return inner
    values = ", ".join(name if name == key else f"min({name}) as {name}" for name in cells)
    return f"select {values} from ({inner}) group by {key}"


def _written(rows: Sequence[Mapping[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode()
