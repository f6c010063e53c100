"""Tutoring conversations: word problems with their working and the right answer; some use a calculator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..draw import Draw, Speaker, capital, lines, words
from ..messages import Message, Record, assistant, tool_exchange, tool_schema, user
from .vocabulary import SHARED

SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **SHARED,
    "item": words(
        "pencils|marbles|train tickets|tulip bulbs|notebooks|oranges|roof tiles|postcards|lanterns|"
        "jars of honey|stickers|chairs|paving stones|apples|beads|buckets|paper cranes|seedlings|loaves|"
        "batteries|balloons|candles|picture frames|light bulbs"
    ),
    "seller": words("market stall|school fair|bakery|garden centre|museum shop|corner shop|library sale|ferry kiosk"),
    "vehicle": words("train|bus|cyclist|ferry|tram|delivery van|rowing boat|hiker|cable car|freight train"),
    "liquid": words("paint|apple juice|rainwater|oil|vinegar|lemonade|soup|milk"),
    "vessel": words("tank|barrel|pool|cistern|trough|bathtub|boiler"),
    "field": words("garden|playground|vegetable patch|car park|meadow|courtyard|sports hall|stage|roof"),
    "worker": words("painters|bricklayers|volunteers|gardeners|printers|tailors|bakers|students"),
    "preface": lines("""
        Can you help me with this one?
        I got stuck on an exercise from {month}.
        This is from {name}'s worksheet.
        My answer differs from the one {person} found.
        Please show the working.
        {name} and I disagree about this.
        I have a test on {weekday} and do not see how to start.
        For the evening class in {town}:
        Problem {number} of the {colour} book:
        Could you check my thinking?
        Here is a puzzle from {person}.
        Without a calculator if possible.
    """),
    "begin": lines("""
        Let us write down what is given.
        One step at a time.
        Start with the part that is asked last.
        Good question, {name}.
        First turn the words into numbers.
        Sure. The idea is to find one unit first.
        Here is one way to see it.
        Draw a small sketch for this one.
        We can do it in {small} lines, but fewer will do.
        Read it twice, then compute.
    """),
    "check": lines("""
        Check: going backwards gives the {small} facts of the text again.
        You can test it with smaller numbers, say {tens} and {number}.
        Does the size of the answer make sense to you?
        The units agree, which is a good sign.
        Try the same with {number} {item} to see the pattern.
        That is also what a quick estimate suggests.
        If {person} got something else, compare the second line.
        Now try problem {number} on your own.
        Underline the unit before you hand it in on {weekday}.
        Write the answer as a full sentence, as {name} likes it.
    """),
}

Numbers = dict[str, int | str]


@dataclass(frozen=True, slots=True)
class Exercise:
    """A word problem and its working, whose last line is the answer; `numbers` draws what both speak of."""

    text: str
    working: tuple[str, ...]
    numbers: Callable[[Draw], Numbers]


def _packing(draw: Draw) -> Numbers:
    lot, lots, left = draw.between(6, 48), draw.between(5, 36), draw.between(1, 5)
    total = lot * lots + left
    return {"total": total, "lot": lot, "lots": lots, "left": left, "full": lot * lots, "more": lots + 1,
            "over": lot * (lots + 1)}  # fmt: skip


def _discount(draw: Draw) -> Numbers:
    price, percent, sets = draw.between(4, 90) * 20, draw.between(1, 11) * 5, draw.between(2, 9)
    off = price * percent // 100
    return {"price": price, "percent": percent, "sets": sets, "off": off, "one": price - off,
            "all": sets * (price - off)}  # fmt: skip


def _speed(draw: Draw) -> Numbers:
    speed, hours, rest = draw.between(3, 28) * 4, draw.between(2, 7), draw.pick((15, 30, 45))
    start, end = draw.some(SHARED["town"], 2)
    first, then = speed * hours, speed * rest // 60
    return {"speed": speed, "hours": hours, "rest": rest, "start": start, "end": end, "first": first,
            "then": then, "way": first + then}  # fmt: skip


def _ages(draw: Draw) -> Numbers:
    young, times, years = draw.between(3, 19), draw.between(2, 4), draw.between(2, 12)
    older, younger = draw.some(SHARED["name"], 2)
    old = times * (young + years) - years
    return {"young": young, "times": times, "years": years, "older": older, "younger": younger, "old": old,
            "product": times * young, "less": times - 1, "gap": old - times * young, "then_old": old + years,
            "then_young": young + years}  # fmt: skip


def _tank(draw: Draw) -> Numbers:
    rate, leak, time = draw.between(9, 40), draw.between(1, 8), draw.between(6, 50)
    return {"rate": rate, "leak": leak, "time": time, "gain": rate - leak, "volume": (rate - leak) * time}


def _area(draw: Draw) -> Numbers:
    width, length, path = draw.between(5, 60), draw.between(8, 90), draw.between(1, 4)
    wide, long = width + 2 * path, length + 2 * path
    return {"width": width, "length": length, "path": path, "wide": wide, "long": long, "whole": wide * long,
            "inside": width * length, "rest": wide * long - width * length}  # fmt: skip


def _crew(draw: Draw) -> Numbers:
    crew, factor, days = draw.between(2, 9), draw.between(2, 5), draw.between(3, 14)
    return {
        "crew": crew,
        "long": factor * days,
        "many": crew * factor,
        "job": crew * factor * days,
        "days": days,
    }


def _average(draw: Draw) -> Numbers:
    counts = [draw.between(11, 99) for _ in range(draw.between(4, 7))]
    counts[-1] += -sum(counts) % len(counts)
    return {"listed": ", ".join(map(str, counts)), "added": " + ".join(map(str, counts)), "days": len(counts),
            "sum": sum(counts), "mean": sum(counts) // len(counts)}  # fmt: skip


def _shares(draw: Draw) -> Numbers:
    a, b, unit = draw.between(2, 7), draw.between(3, 11), draw.between(4, 60)
    one, other = draw.some(SHARED["name"], 2)
    return {"a": a, "b": b, "unit": unit, "one": one, "other": other, "parts": a + b, "total": (a + b) * unit,
            "first": a * unit, "second": b * unit}  # fmt: skip


_EXERCISES: Final = (
    Exercise(
        "{name} packs {total} {item} into lots of {lot}. How many full lots are there, and how many {item} remain?",
        lines("""
            One lot holds {lot} {item}, so divide {total} by {lot}.
            {lot} × {lots} = {full}, and {lot} × {more} = {over} is already too many.
            {total} - {full} = {left}.
            So there are {lots} full lots and {left} {item} left over.
        """),
        _packing,
    ),
    Exercise(
        "At the {seller} in {town} a set of {item} costs {price} cents. Today everything is {percent} "
        "percent off. What does {name} pay for {sets} sets?",
        lines("""
            {percent} percent of {price} is {price} × {percent} / 100 = {off} cents.
            One set costs {price} - {off} = {one} cents.
            {sets} sets cost {sets} × {one} = {all} cents.
            {name} pays {all} cents at the {seller}.
        """),
        _discount,
    ),
    Exercise(
        "{a vehicle} leaves {start} and covers {speed} kilometres every hour. It reaches {end} after "
        "{hours} hours and {rest} minutes. How far apart are the two places?",
        lines("""
            In {hours} hours the {vehicle} covers {hours} × {speed} = {first} kilometres.
            {rest} minutes are {rest}/60 of an hour, which gives {then} kilometres more.
            Together: {first} + {then} = {way}.
            {start} and {end} are {way} kilometres apart.
        """),
        _speed,
    ),
    Exercise(
        "{older} is {old} years old and {younger} is {young}. In how many years will {older} be exactly "
        "{times} times as old as {younger}?",
        lines("""
            After x years they are {old} + x and {young} + x.
            The condition reads {old} + x = {times} × ({young} + x).
            That is {old} - {product} = {less} × x, so x = {gap} / {less} = {years}.
            In {years} years {older} is {then_old} and {younger} is {then_young}.
        """),
        _ages,
    ),
    Exercise(
        "{a vessel} for {liquid} holds {volume} litres. A pipe fills {rate} litres a minute while {leak} "
        "litres a minute drip out. After how many minutes is the {vessel} full?",
        lines("""
            Each minute the {vessel} gains {rate} - {leak} = {gain} litres of {liquid}.
            Divide the volume by the gain: {volume} / {gain} = {time}.
            The {vessel} is full after {time} minutes.
        """),
        _tank,
    ),
    Exercise(
        "The {field} in {town} measures {width} by {length} metres and gets a path of {path} metres all "
        "around it. What is the area of the path?",
        lines("""
            With the path the sides are {wide} and {long} metres.
            The whole area is {wide} × {long} = {whole} square metres.
            The {field} itself is {width} × {length} = {inside} square metres.
            The path covers {whole} - {inside} = {rest} square metres.
        """),
        _area,
    ),
    Exercise(
        "{crew} {worker} need {long} days for {a field}. How long would {many} {worker} need at the same pace?",
        lines("""
            The job is {crew} × {long} = {job} working days for a single person.
            Shared by {many} {worker} that is {job} / {many} = {days}.
            They would finish in {days} days, in theory at least.
        """),
        _crew,
    ),
    Exercise(
        "{name} counted {item} on {days} days: {listed}. What is the average per day?",
        lines("""
            Add them up: {added} = {sum}.
            There are {days} days, so divide by {days}.
            {sum} / {days} = {mean}.
            On average {name} counted {mean} {item} a day.
        """),
        _average,
    ),
    Exercise(
        "{one} and {other} share {total} {item} in the ratio {a} : {b}. How many does each of them get?",
        lines("""
            The ratio has {a} + {b} = {parts} parts.
            One part is {total} / {parts} = {unit} {item}.
            {one} gets {a} × {unit} = {first}, {other} gets {b} × {unit} = {second}.
        """),
        _shares,
    ),
)
_TOOL: Final = tool_schema("calculate", "Evaluates an arithmetic expression.", expression="string")
_SETTLED: Final = ("name", "item", "seller", "vehicle", "liquid", "vessel", "field", "worker", "town")


def conversation(draw: Draw) -> Record:
    """One to three problems with their working; one in six records uses the calculator."""
    if draw.chance(0.16):
        return _with_calculator(draw)
    messages: list[Message] = []
    for _ in range((1, 1, 1, 2, 3)[draw.below(5)]):
        exercise = draw.pick(_EXERCISES)
        numbers = {name: str(value) for name, value in exercise.numbers(draw).items()}
        speaker = Speaker(draw, SLOTS, **numbers)
        speaker.settle(*_SETTLED)
        messages.append(user(f"{speaker.say(SLOTS['preface'])} {capital(speaker.fill(exercise.text))}"))
        steps = [capital(speaker.fill(step)) for step in exercise.working]
        shape = draw.below(3)
        if shape == 0:
            body = "\n\n" + "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1)) + "\n\n"
        else:
            body = ("\n" if shape == 1 else " ").join(["", *steps, ""])
        messages.append(assistant(speaker.say(SLOTS["begin"]) + body + speaker.say(SLOTS["check"])))
    return {"messages": messages, "source": "maths"}


def _with_calculator(draw: Draw) -> Record:
    pieces, price, extra = draw.between(12, 480), draw.between(105, 1990), draw.between(35, 900)
    total = pieces * price + extra
    speaker = Speaker(draw, SLOTS, pieces=str(pieces), price=str(price), extra=str(extra), total=str(total))
    speaker.settle(*_SETTLED)
    question = (
        "{preface} {name} buys {pieces} {item} for {price} cents each at the {seller} in {town} and pays "
        "{extra} cents for delivery. What is the sum?"
    )
    reply = (
        "{begin} {pieces} {item} at {price} cents each, plus {extra} cents for the way to {town}, come to "
        "{total} cents. {check}"
    )
    messages = [
        user(capital(speaker.fill(question))),
        *tool_exchange(draw, "calculate", {"expression": f"{pieces}*{price}+{extra}"}, {"value": total}),
        assistant(capital(speaker.fill(reply))),
    ]
    return {"messages": messages, "tools": [_TOOL], "source": "maths"}
