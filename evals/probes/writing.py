"""Questions with an answer that is right beyond doubt, and slips of it that only a reader of the question notices."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..planted.draw import Draw, words

NAMES: Final = words(
    "Ada | Bruno | Carla | Dmitri | Elif | Farid | Greta | Hana | Ivo | Jana | Kofi | Lena | Marek | Nadia | Omar | Petra"
)
GOODS: Final = words("lemons | tickets | bricks | candles | stamps | tiles | buttons | seedlings | postcards | marbles")
BROUGHT: Final = words("the lamp | the drums | a tent | two cakes | the projector | the chairs | a ladder | the map")
DAYS: Final = words("Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday")
CITIES: Final = words("Lisbon | Bremen | Ghent | Turku | Brno | Nantes | Seville | Tartu")
LISTS: Final = {
    "rivers": words("Danube | Elbe | Loire | Oder | Rhine | Tagus | Vistula"),
    "fruits": words("apple | cherry | fig | grape | peach | pear | plum"),
    "musical instruments": words("cello | drum | flute | harp | oboe | trumpet | violin"),
    "trees": words("ash | beech | birch | elm | maple | oak | willow"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """`slips` maps a wrong answer to the criteria that it breaks."""

    kind: str
    question: str
    answer: str
    slips: Mapping[str, tuple[str, ...]]


def row(draw: Draw) -> Row:
    """A row of a drawn kind."""
    return draw.pick(_MAKERS)(draw)


def _left_over(draw: Draw) -> Row:
    name, goods = draw.pick(NAMES), draw.pick(GOODS)
    had, more, gone = draw.between(12, 80), draw.between(5, 60), draw.between(3, 15)
    question = (
        f"{name} has {had} {goods}, gets {more} more and gives {gone} away. How many {goods} does {name} have then?"
    )

    def told(total: int, rest: int) -> str:
        first = f"With those {name} got there are {had} + {more} = {total} {goods}."
        return f"{first} Less {gone} that makes {rest}. {name} has {rest} {goods}."

    total, off = had + more, draw.between(1, 9)
    slips = {
        told(total, total - gone + off): ("correct",),
        told(total + 10, total + 10 - gone): ("correct",),
        told(total, total + gone): ("correct",),
    }
    return Row("left over", question, told(total, total - gone), slips)


def _bill(draw: Draw) -> Row:
    name, goods = draw.pick(NAMES), draw.pick(GOODS)
    price, count = draw.between(4, 19), draw.between(6, 24)
    off = draw.between(2, price - 1)
    question = f"{name} buys {count} {goods} at {price} coins each and gets {off} coins off the whole bill. What does {name} pay?"

    def told(whole: int, paid: int) -> str:
        return (
            f"{count} times {price} coins are {whole} coins. With {off} coins off the bill, {name} pays {paid} coins."
        )

    whole = count * price
    slips = {
        told(whole, whole): ("correct",),
        told(whole, whole - count * off): ("correct",),
        told(whole + price, whole + price - off): ("correct",),
        f"{count} times {price} coins are {whole} coins, and some of that comes off the bill.": ("complete",),
    }
    return Row("bill", question, told(whole, whole - off), slips)


def _weekday(draw: Draw) -> Row:
    today, ahead = draw.below(7), draw.between(8, 60)
    question = (
        f"Today is {DAYS[today]}. Which day of the week will it be in {ahead} days, and how many full weeks are that?"
    )
    weeks, rest = divmod(ahead, 7)

    def told(day: int, full: int) -> str:
        return f"In {ahead} days it will be {DAYS[day % 7]}. That is after {full} full weeks."

    slips = {
        told(today + rest + 1, weeks): ("correct",),
        told(today + rest - 1, weeks): ("correct",),
        told(today + rest, weeks + 1): ("correct",),
        f"In {ahead} days it will be {DAYS[(today + rest) % 7]}.": ("complete",),
    }
    return Row("weekday", question, told(today + rest, weeks), slips)


def _note(draw: Draw) -> Row:
    who, what, days = draw.some(NAMES, 3), draw.some(BROUGHT, 3), draw.some(DAYS, 3)
    note = " ".join(f"{n} brings {w} on {d}." for n, w, d in zip(who, what, days, strict=True))
    question = f'From this note, who brings {what[1]}, and when? "{note}"'

    def told(name: str, day: str) -> str:
        return f"It is {name} who brings {what[1]}, on {day}."

    slips = {
        told(who[0], days[1]): ("correct",),
        told(who[1], days[2]): ("correct",),
        told(who[2], days[2]): ("correct",),
        f"It is {who[1]} who brings {what[1]}.": ("complete",),
    }
    return Row("note", question, told(who[1], days[1]), slips)


def _list(draw: Draw) -> Row:
    kind, other = draw.some(list(LISTS), 2)
    count = draw.between(3, 5)
    named = sorted(draw.some(LISTS[kind], count))
    question = f"Name {count} {kind}, in alphabetical order."

    def told(items: Sequence[str]) -> str:
        return f"Here are {count} {kind}: {', '.join(items)}."

    stranger = sorted([*named[1:], draw.pick(LISTS[other])])
    swapped = [named[1], named[0], *named[2:]]
    slips = {told(stranger): ("correct",), told(swapped): ("correct",), told(named[:-1]): ("complete",)}
    return Row("list", question, told(named), slips)


def _hours(draw: Draw) -> Row:
    name, minutes = draw.pick(NAMES), draw.between(70, 590)
    question = f"{name} worked {minutes} minutes. Write that as hours and minutes."

    def told(hours: int, rest: int) -> str:
        return f"{minutes} minutes are {hours} hours and {rest} minutes."

    hours, rest = divmod(minutes, 60)
    slips = {
        told(hours, (rest + draw.between(1, 9)) % 60): ("correct",),
        told(hours + 1, rest): ("correct",),
        told(*divmod(minutes, 100)): ("correct",),
    }
    slips.pop(told(hours, rest), None)
    return Row("hours", question, told(hours, rest), slips)


def _fields(draw: Draw) -> Row:
    name, city, age = draw.pick(NAMES), draw.pick(CITIES), draw.between(19, 84)
    question = f"Write as a JSON object with the keys name, city and age: {name}, who is {age}, lives in {city}."

    def told(**fields: object) -> str:
        return json.dumps(fields)

    slips = {
        told(name=name, city=city): ("complete",),
        told(name=name, city=city, age=age + draw.between(1, 9)): ("correct",),
        told(name=city, city=name, age=age): ("correct",),
    }
    return Row("fields", question, told(name=name, city=city, age=age), slips)


_MAKERS: Final[tuple[Callable[[Draw], Row], ...]] = (_left_over, _bill, _weekday, _note, _list, _hours, _fields)
