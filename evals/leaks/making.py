"""From a number to a benchmark and a training set, and in which form each item has leaked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from ..planted.draw import Draw
from .writing import SCENES, Slots, filler, told

ITEMS: Final = 24
ROWS: Final = 150
LEAKED: Final = ("exact", "near_verbatim", "partial", "rephrased")
CLEAN: Final = ("look_alike", "absent")
LEVELS: Final = (*LEAKED, *CLEAN)
_CHANGED: Final = {
    " how many ": " what number of ",
    " with ": " together with ",
    " because ": " since ",
    " each ": " every ",
}


@dataclass(frozen=True, slots=True)
class Made:
    """`levels` maps an item's id to one of LEVELS, `rows` to the training row that was made from it."""

    files: Mapping[str, bytes]
    levels: Mapping[str, str]
    rows: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Item:
    scene: int
    wording: int
    slots: Slots
    answer: str

    @property
    def sentences(self) -> list[str]:
        return told(SCENES[self.scene][self.wording], self.slots)

    @property
    def rephrased(self) -> str:
        return " ".join(told(SCENES[self.scene][1 - self.wording], self.slots))

    @property
    def question(self) -> str:
        return " ".join(self.sentences)


def make(draw: Draw, benchmark: str, training: str) -> Made:
    """Each scene stands in the benchmark in both wordings, about different things; some items leak at every level."""
    items = [_item(draw, at % len(SCENES), at // len(SCENES)) for at in range(ITEMS)]
    counts = {"exact": draw.between(2, 4), "near_verbatim": draw.between(2, 4), "partial": draw.between(2, 4),
              "rephrased": draw.between(2, 4), "look_alike": draw.between(3, 5)}  # fmt: skip
    levels = [level for level, count in counts.items() for _ in range(count)]
    levels += ["absent"] * (ITEMS - len(levels))
    ids = list(islice(draw.keys(), ITEMS + ROWS))
    items, known, texts = draw.shuffled(items), {}, []
    for item, level, id in zip(items, levels, ids[:ITEMS], strict=True):
        known[id] = (item, level)
        if level != "absent":
            texts.append((id, _leak(draw, item, level)))
    texts += [("", " ".join(filler(draw, draw.between(2, 6)))) for _ in range(ROWS - len(texts))]
    lines, rows = [], {}
    for row, (id, text) in zip(ids[ITEMS:], draw.shuffled(texts), strict=True):
        lines.append({"row": row, "text": text})
        if id:
            rows[id] = row
    listed = [{"id": id, "question": item.question, "answer": item.answer} for id, (item, _) in known.items()]
    files = {benchmark: _written(draw.shuffled(listed)), training: _written(lines)}
    return Made(files, {id: level for id, (_, level) in known.items()}, rows)


def _item(draw: Draw, scene: int, wording: int) -> _Item:
    slots = Slots.drawn(draw)
    a, b, c = (int(slots[name]) for name in "abc")
    added = "more" in "".join(SCENES[scene][1]) and scene in (3, 6)
    return _Item(scene, wording, slots, str(a * b + c if added else a * b - c))


def _leak(draw: Draw, item: _Item, level: str) -> str:
    """The training row that an item of this level has left."""
    before, after = " ".join(filler(draw, 2)), " ".join(filler(draw, 2))
    match level:
        case "exact":
            return item.question if draw.chance(0.5) else f"{item.question} {item.answer}"
        case "near_verbatim":
            return f"{before} {_touched(draw, item.question)} {after}"
        case "partial":
            return f"{before} {max(item.sentences[:2], key=lambda sentence: len(sentence.split()))} {after}"
        case "rephrased":
            return item.rephrased
    return _item(draw, item.scene, item.wording).question


def _touched(draw: Draw, text: str) -> str:
    """Another case, other punctuation, one or two words put otherwise."""
    for old, new in draw.some(list(_CHANGED.items()), 2):
        text = text.replace(old, new, 1)
    text = draw.pick((text.upper(), text.lower(), text))
    return text.replace(",", "").replace(".", " -")


def _written(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
