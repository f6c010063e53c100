"""Support messages with labels, split by date; a user writes in one split only."""

from __future__ import annotations

from ...planted.draw import Draw
from ..data import Data, Table
from . import words
from .writing import Writer, day, first_day

SOURCES = ("email", "form", "chat", "phone")
ANNOTATORS = ("ann_ha", "ann_lo", "ann_mi", "ann_ry", "ann_to")
QUEUES = ("north desk", "south desk", "night desk")
WEEKS, TRAIN_WEEKS = 10, 8


def tickets(draw: Draw) -> Data:
    """About 400 messages; the last two of ten weeks are the test split."""
    write, start = Writer(draw), first_day(draw)
    test_from = day(start, 7 * TRAIN_WEEKS)
    table = Table(
        "tickets.csv",
        ["ticket_id", "user_id", "created_on", "source", "text", "label", "annotator", "desk", "minutes", "split"],
        [],
        {
            "id": ("ticket_id",),
            "identity": ("text",),
            "text": ("text",),
            "name": ("desk",),
            "required": ("text", "label", "minutes"),
            "number": ("minutes",),
            "date": ("created_on",),
            "source": ("source",),
            "label": ("label",),
            "annotator": ("annotator",),
            "split": ("split",),
            "group": ("user_id",),
        },
        {"minutes": (1, 95)},
    )
    data = Data("tickets", [table], {"period": f"{day(start, 0)} to {day(start, 7 * WEEKS - 1)}"})
    users = {"train": [write.id("U") for _ in range(90)], "test": [write.id("U") for _ in range(30)]}
    for offset, source in write.calendar(draw.between(380, 430), WEEKS, SOURCES):
        split = "train" if offset < 7 * TRAIN_WEEKS else "test"
        label = write.skewed(list(words.TICKETS))
        text = message(write, label)
        data.add(
            table,
            {
                "ticket_id": write.id("T"),
                "user_id": draw.pick(users[split]),
                "created_on": day(start, offset),
                "source": source,
                "text": text,
                "label": label,
                "annotator": draw.pick(ANNOTATORS),
                "desk": draw.pick(QUEUES),
                "minutes": write.amount(110, 9_499),
                "split": split,
            },
        )
    data.facts["labels"] = ", ".join(words.TICKETS)
    data.facts["split rule"] = f"by date, test from {test_from}; a user is in one split only"
    _decoys(draw, data, table)
    return data


def message(write: Writer, label: str) -> str:
    """A message with the label's sentence in it, like no other."""
    while True:
        parts = [
            write.draw.pick(words.OPENERS),
            write.fill(write.draw.pick(words.TICKETS[label])) + ".",
            *(write.fill(frame) for frame in write.draw.some(words.CLOSERS, write.draw.between(1, 3))),
        ]
        text = " ".join(parts)
        if write.new(text):
            return text


def _decoys(draw: Draw, data: Data, table: Table) -> None:
    """Messages that quote markup or an address of the shop, and one greeting many share."""
    account = [row for row in table.rows if row["label"] == "account"]
    quoting = draw.some(account, 3)
    for row in quoting:
        row["text"] += ' The page shows "<br>" in the middle of my address.'
    data.decoy("quoted_markup", table, quoting)
    mailing = draw.some([row for row in account if row not in quoting], 3)
    for row in mailing:
        row["text"] += " I also wrote to help@example.com about it."
    data.decoy("public_address", table, mailing)
    data.facts["remarks"] = "help@example.com is the shop's own public address. Desks are assigned by the hour."
