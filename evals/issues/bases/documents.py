"""Web-like documents on crafts, some sentences each, from four sites."""

from __future__ import annotations

from ...planted.draw import Draw, capital
from ..data import Data, Table
from . import words
from .writing import Writer, day, first_day

SITES = ("craftnotes.example", "slowhands.example", "villagepost.example", "makerfolk.example")
WEEKS = 8


def documents(draw: Draw) -> Data:
    """About 300 documents in English."""
    write, start = Writer(draw), first_day(draw)
    table = Table(
        "documents.jsonl",
        ["doc_id", "site", "crawled_on", "author", "title", "text"],
        [],
        {
            "id": ("doc_id",),
            "identity": ("text",),
            "text": ("text",),
            "name": ("title", "author"),
            "required": ("title", "text", "author"),
            "date": ("crawled_on",),
            "source": ("site",),
        },
    )
    data = Data("documents", [table], {"period": f"{day(start, 0)} to {day(start, 7 * WEEKS - 1)}"})
    for offset, site in write.calendar(draw.between(280, 320), WEEKS, SITES):
        craft = draw.pick(words.CRAFTS)
        frames = draw.some(words.CRAFT_SENTENCES, draw.between(4, 8))
        text = " ".join(capital(write.fill(frame, craft=craft)) + "." for frame in frames)
        write.new(text)
        data.add(
            table,
            {
                "doc_id": write.id("W"),
                "site": site,
                "crawled_on": day(start, offset),
                "author": write.name(),
                "title": capital(write.fill(draw.pick(words.TITLES), craft=craft)),
                "text": text,
            },
        )
    data.facts["language"] = "English"
    data.facts["remarks"] = "Articles may quote foreign words, sample addresses at example.com and damaged letters."
    _decoys(draw, data, table)
    return data


def _decoys(draw: Draw, data: Data, table: Table) -> None:
    """Articles that speak of defects without having them."""
    rows = draw.some(table.rows, 9)
    tails = {
        "quoted_damage": ' In the old file the letter é had become "Ã©" everywhere.',
        "sample_address": " A sample form shows user@example.com as the address.",
        "foreign_quotation": ' A German visitor called it "sehr schön" and stayed.',
    }
    for at, (kind, tail) in enumerate(tails.items()):
        mine = rows[3 * at : 3 * at + 3]
        for row in mine:
            row["text"] += tail
        data.decoy(kind, table, mine)
