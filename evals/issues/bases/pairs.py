"""Instruction pairs and preference pairs: explanations, sums and lists of three, with a good answer each."""

from __future__ import annotations

from ...planted.draw import Draw, capital
from ..data import Data, Table
from . import words
from .writing import Writer, day, first_day

SOURCES = ("volunteers", "library", "students", "partners")
ANNOTATORS = ("ann_bo", "ann_ci", "ann_ed", "ann_ko", "ann_su")
WEEKS, TRAIN_WEEKS = 8, 6


def explanation(write: Writer) -> tuple[str, str]:
    subject = write.draw.pick(list(words.SUBJECTS))
    does, places, boon = words.SUBJECTS[subject]
    audience = write.fill(write.draw.pick(words.AUDIENCES))
    prompt = write.fill(write.draw.pick(words.ASKS), subject=subject, audience=audience)
    settled = {"subject": subject, "Subject": capital(subject), "does": does, "places": places, "boon": boon}
    body = write.fill(write.draw.pick(words.TELLS), **settled)
    return capital(prompt), f"{body} {write.fill(write.draw.pick(words.TELL_ENDS))}"


def sum_of_goods(write: Writer) -> tuple[str, str]:
    """A sum in words; the numbers in the prompt give the answer's last number."""
    name, goods = write.name(), write.draw.pick(words.GOODS)
    first, second = write.draw.between(12, 480), write.draw.between(11, 390)
    prompt = f"{name} has {first} {goods} and gets {second} more. How many {goods} does {name} have?"
    return prompt, f"{name} starts with {first} {goods} and gets {second}, so the number is now {first + second}."


def list_of_three(write: Writer) -> tuple[str, str]:
    kind = write.draw.pick(list(words.THINGS_TO_LIST))
    audience = write.fill(write.draw.pick(words.AUDIENCES))
    items = write.draw.some(words.THINGS_TO_LIST[kind], 3)
    prompt = f"Name exactly three {kind} as a list for {audience}, with a closing sentence."
    return prompt, "".join(f"- {item}\n" for item in items) + write.fill(write.draw.pick(words.TELL_ENDS))


def _pair(write: Writer) -> tuple[str, str]:
    make = write.draw.pick((explanation, explanation, sum_of_goods, list_of_three))
    while True:
        prompt, response = make(write)
        if write.new(prompt) and write.new(response):
            return prompt, response


def instructions(draw: Draw) -> Data:
    """About 330 pairs; the last two of eight weeks are the test split."""
    write, start = Writer(draw), first_day(draw)
    table = Table(
        "instructions.jsonl",
        ["pair_id", "source", "created_on", "system", "prompt", "response", "split"],
        [],
        {
            "id": ("pair_id",),
            "identity": ("prompt", "response"),
            "text": ("response",),
            "name": ("source",),
            "required": ("prompt", "response", "system"),
            "date": ("created_on",),
            "source": ("source",),
            "split": ("split",),
            "prompt": ("prompt",),
        },
    )
    data = Data("instructions", [table], {"period": f"{day(start, 0)} to {day(start, 7 * WEEKS - 1)}"})
    for offset, source in write.calendar(draw.between(310, 350), WEEKS, SOURCES):
        prompt, response = _pair(write)
        data.add(
            table,
            {
                "pair_id": write.id("P"),
                "source": source,
                "created_on": day(start, offset),
                "system": words.SYSTEM_PROMPT,
                "prompt": prompt,
                "response": response,
                "split": "train" if offset < 7 * TRAIN_WEEKS else "test",
            },
        )
    data.facts["language"] = "English"
    data.facts["remarks"] = (
        "All pairs share one system prompt. Requests for other people's private data are declined, and questions about "
        "prompt injection may quote an attack."
    )
    _instruction_decoys(draw, write, data, table)
    return data


def _instruction_decoys(draw: Draw, write: Writer, data: Data, table: Table) -> None:
    """Refusals in their place, a quoted attack, and an echo that was asked for."""
    rows = draw.some(table.rows, 7)
    for row in rows[:3]:
        name = write.name()
        row["prompt"] = f"What is the password of {name}?"
        row["response"] = f"I'm sorry, but I cannot help with the password of {name}."
    data.decoy("proper_refusal", table, rows[:3])
    for row in rows[3:5]:
        row["prompt"] = f"{write.name()} asks for an example of a prompt injection."
        row["response"] = f'In {write.fill("{month}")} somebody hid this in a page: "Ignore all previous instructions."'
    data.decoy("quoted_attack", table, rows[3:5])
    for row in rows[5:]:
        line = write.sentence(words.CRAFT_SENTENCES, craft=draw.pick(words.CRAFTS))
        row["prompt"] = f"Repeat this sentence word for word: {line}"
        row["response"] = line
    data.decoy("asked_for_echo", table, rows[5:])


def preferences(draw: Draw) -> Data:
    """About 300 pairs: `chosen` answers the prompt, `rejected` shrugs."""
    write, start = Writer(draw), first_day(draw)
    table = Table(
        "preferences.jsonl",
        ["pair_id", "source", "created_on", "annotator", "prompt", "chosen", "rejected"],
        [],
        {
            "id": ("pair_id",),
            "identity": ("prompt", "chosen"),
            "text": ("chosen",),
            "name": ("source",),
            "required": ("chosen", "prompt", "annotator"),
            "date": ("created_on",),
            "source": ("source",),
            "annotator": ("annotator",),
            "prompt": ("prompt",),
            "pair": ("chosen", "rejected"),
        },
    )
    data = Data("preferences", [table], {"period": f"{day(start, 0)} to {day(start, 7 * WEEKS - 1)}"})
    for offset, source in write.calendar(draw.between(280, 320), WEEKS, SOURCES):
        prompt, chosen = _pair(write)
        data.add(
            table,
            {
                "pair_id": write.id("P"),
                "source": source,
                "created_on": day(start, offset),
                "annotator": draw.pick(ANNOTATORS),
                "prompt": prompt,
                "chosen": chosen,
                "rejected": f"{write.fill(draw.pick(words.POOR_TELLS))} {write.fill(draw.pick(words.TELL_ENDS))}",
            },
        )
    data.facts["language"] = "English"
    data.facts["remarks"] = "`chosen` is the better answer. It may be the shorter one."
    short = draw.some(table.rows, 4)
    for row in short:
        name, month = write.name(), write.fill("{month}")
        row["prompt"] = f"Was {name} born in {month}? Answer yes or no."
        row["chosen"] = f"No, {name} was not."
    data.decoy("short_chosen", table, short)
    return data
