"""The suite `repair`: give damaged cells their values back. It knows cells before and after; `issues` does the damage, or
it was done by life: with real data, a dirty table and the same table repaired by people.

Precision and recall of changed cells as in HoloClean (Rekatsinas et al. 2017) and Raha (Mahdavi et al. 2019).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from ...tools.errors import Misuse
from ..issues.card import CARD
from ..issues.data import KEY
from ..issues.files import read, written
from ..issues.making import make
from ..planted.draw import Draw
from ..real import PAIR, Pair, digest, enough, named, read_pair
from ..sets import generator, instance_id
from ..suite import Baseline, Instance, Score

FAMILIES: Final = (
    "broken_dependency",
    "decimal_comma",
    "html_residue",
    "label_spelling",
    "mixed_dates",
    "mojibake",
    "state_contradiction",
    "swapped_columns",
    "wrong_total",
    "zero_width",
)
"""Defects of `issues` whose true value the rest of the data tells."""

BASES: Final = ("shop", "events", "tickets", "documents")
NAMES: Final = ("file", "row", "column", "value")
SCHEMA: Final = {
    "type": "object",
    "required": ["cells"],
    "additionalProperties": False,
    "properties": {
        "cells": {
            "type": "array",
            "items": {
                "type": "object",
                "required": list(NAMES),
                "additionalProperties": False,
                "properties": {name: {"type": "string"} for name in NAMES},
            },
        }
    },
}

TASK: Final = f"""\
Some cells of the files in this folder, {{files}}, were damaged: written in another style than their neighbours, with
letters or marks that do not belong there, swapped between two columns, or in contradiction to what the rest of the data
says. What the right value is can be told from the data. Put it back, and change nothing else.

{{hand_in}} {CARD} describes the
data; it is true."""

REAL_TASK: Final = """\
Some cells of {file} are wrong: misspelt, garbled, exchanged or lost. Many values stand in several rows, and some columns
follow from others, so that what the right value is can often be told from the rest. Put it back, and change nothing else.

{hand_in}"""

HAND_IN: Final = f"""\
Hand in {{"cells": [{{"file", "row", "column", "value"}}, ...]}}: row is the value in the column {KEY}, value the whole
new content of the cell, as text. A cell is right when it holds exactly what it held before the damage; numbers may be written
in another way. Every changed cell that was whole, or does not become right, counts against you."""

ROWS: Final = 100
"""Consecutive rows of a real table in one instance: neighbours share most of what tells the right value."""
REAL_FILE: Final = "table.csv"


class Repair:
    """Cells to be restored, and cells to be left alone."""

    name = "repair"
    version = 1
    summary = "restore damaged cells of tables and texts"
    metric = "f1"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        turn = Draw.by(generator(seed, self.name, number // len(BASES)))
        base = turn.shuffled(BASES)[number % len(BASES)]
        made = make(f"{self.name}@{self.version}:{seed}:{number}", base, among=FAMILIES)
        family = {row: one.families[0] for one in made.truth.plants for rows in one.rows for row in rows}
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK.format(files=", ".join(sorted(made.files)), hand_in=HAND_IN),
            files=made.files,
            submission=SCHEMA,
            truth={"cells": [[*cell, family[cell[1]]] for cell in made.repairs]},
            tags={"base": base},
            cluster=str(number),  # bases are fixed strata, all in every set; instances are what is sampled
        )

    def with_data(self, folder: Path) -> RepairPair:
        """Over FOLDER/dirty.csv and clean.csv, row by row the same records.

        Raises Misuse when they are not there, BadInput when they are no pair.
        """
        return RepairPair(folder)

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        """F1 of changed cells. Handing in what a cell holds already changes nothing. Raises Misuse."""
        held = _cells(instance.files)
        told = {place: value for place, value in _submitted(submission, held).items() if held[place] != value}
        damaged = {(file, row, column): value for file, row, column, value, _ in instance.truth["cells"]}
        right = {place for place, value in told.items() if place in damaged and same(value, damaged[place])}
        harmed = len(told.keys() - damaged.keys())
        families: dict[str, list[bool]] = {}
        for file, row, column, _, family in instance.truth["cells"]:
            families.setdefault(family, []).append((file, row, column) in right)
        weights: dict[str, tuple[float, float]] = {
            "f1": (2 * len(right), len(told) + len(damaged)),
            "precision": (len(right), len(told)),
            "recall": (len(right), len(damaged)),
            "collateral": (harmed, len(held) - len(damaged)),
        }
        metrics = {name: part / whole for name, (part, whole) in weights.items() if whole}
        by_family = {name: sum(hits) / len(hits) for name, hits in sorted(families.items())}
        return Score(metrics["f1"], metrics, by_family, weights=weights)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        submissions: dict[str, Callable[[], list[tuple[str, ...]]]] = {
            "oracle": lambda: [tuple(cell[:4]) for cell in instance.truth["cells"]],
            "nothing": list,
            "random": lambda: _guessed(instance.files, Draw.by(rng)),
            "sprayer": lambda: _usual(instance.files),
        }
        return {"cells": [dict(zip(NAMES, cell, strict=True)) for cell in submissions[name]()]}


class RepairPair(Repair):
    """Cells of a real table, as people repaired them. The seed decides which blocks of rows come in which order."""

    def __init__(self, folder: Path) -> None:
        self.name = named(Repair.name, folder)
        self.summary = f"restore the cells of {folder.name} that people restored"
        self.data = digest(folder, PAIR)
        self._folder = folder
        self._pair = read_pair(folder)
        starts = range(0, len(self._pair.dirty), ROWS)
        self._blocks = [start for start in starts if any(_damage(self._pair, at) for at in _block(self._pair, start))]
        self.most = len(self._blocks)

    def with_data(self, folder: Path) -> RepairPair:
        return RepairPair(folder)

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        """Raises Misuse when the table has not so many blocks of rows with damage in them."""
        enough(self._folder, self.most, count, f"{ROWS} rows")
        order = Draw.by(generator(seed, self.name)).shuffled(self._blocks)
        return [self._dealt(seed, number, start) for number, start in enumerate(order[:count])]

    def _dealt(self, seed: str, number: int, start: int) -> Instance:
        pair, turn = self._pair, Draw.by(generator(seed, self.name, number))
        places = turn.shuffled(_block(pair, start))
        keys = dict(zip(places, turn.some(range(10_000, 100_000), len(places)), strict=True))
        columns = [column for column in pair.columns if column != KEY]
        rows = [{**dict(zip(pair.columns, pair.dirty[at], strict=True)), KEY: str(keys[at])} for at in places]
        cells = [
            [REAL_FILE, str(keys[at]), column, value, column]
            for at in sorted(places)
            for column, value in _damage(pair, at)
        ]
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=REAL_TASK.format(file=REAL_FILE, hand_in=HAND_IN),
            files={REAL_FILE: written(REAL_FILE, (KEY, *columns), rows)},
            submission=SCHEMA,
            truth={"cells": cells},
            tags={},
            cluster=str(number),
        )


def _block(pair: Pair, start: int) -> range:
    """The rows of a block."""
    return range(start, min(start + ROWS, len(pair.dirty)))


def _damage(pair: Pair, at: int) -> list[tuple[str, str]]:
    """(column, right value) of each damaged cell of a row."""
    cells = zip(pair.columns, pair.dirty[at], pair.clean[at], strict=True)
    return [(column, right) for column, held, right in cells if column != KEY and not same(held, right)]


def same(one: str, other: str) -> bool:
    """Equal as text, or as numbers to half a hundredth."""
    try:
        return one == other or abs(float(one) - float(other)) < 0.005
    except ValueError:
        return False


Place = tuple[str, str, str]


def _cells(files: Mapping[str, bytes]) -> dict[Place, str]:
    """What every cell of the tables holds."""
    tables = {name: read(name, content) for name, content in files.items() if name != CARD}
    return {
        (name, row[KEY], column): value
        for name, rows in tables.items()
        for row in rows
        for column, value in row.items()
        if column != KEY
    }


def _submitted(submission: Mapping[str, Any], held: Mapping[Place, str]) -> dict[Place, str]:
    told = submission.get("cells")
    if set(submission) != {"cells"} or not isinstance(told, list):
        raise Misuse("A submission is an object with one key, cells, which holds a list.")
    cells: dict[Place, str] = {}
    for number, cell in enumerate(told):
        if (
            not isinstance(cell, Mapping)
            or set(cell) != set(NAMES)
            or not all(isinstance(v, str) for v in cell.values())
        ):
            raise Misuse(f"Cell {number} is not an object of the texts {', '.join(NAMES)}.")
        place = (cell["file"], cell["row"], cell["column"])
        if place not in held:
            raise Misuse(f"Cell {number} is not in the files: {place}.")
        if place in cells:
            raise Misuse(f"Cell {number} names {place} for the second time.")
        cells[place] = cell["value"]
    return cells


def _guessed(files: Mapping[str, bytes], draw: Draw) -> list[tuple[str, ...]]:
    """Twenty cells, each set to what another row has there."""
    held = _cells(files)
    by_column: dict[tuple[str, str], list[str]] = {}
    for (file, _, column), value in held.items():
        by_column.setdefault((file, column), []).append(value)
    return [(*place, draw.pick(by_column[place[0], place[2]])) for place in draw.some(list(held), 20)]


def _usual(files: Mapping[str, bytes]) -> list[tuple[str, ...]]:
    """Every cell set to its column's commonest value."""
    held = _cells(files)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for (file, _, column), value in held.items():
        counts.setdefault((file, column), Counter())[value] += 1
    return [(*place, counts[place[0], place[2]].most_common(1)[0][0]) for place in held]


SUITE: Final = Repair()
