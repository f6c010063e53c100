"""The suite `sqlqa`: a question over two tables that were written badly. It knows what an agent is told and handed in."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ...tools.errors import Misuse, Retry
from ..planted.draw import Draw
from ..sets import generator, instance_id
from ..sqlqa.answers import MOST_ROWS, Column, bird_same, rows_of, same
from ..sqlqa.making import item, run
from ..sqlqa.questions import SHAPES, headline
from ..sqlqa.tables import README, STEPS
from ..suite import Baseline, Instance, Score

TASK: Final = f"""\
Answer a question about the tables in this folder: {{tables}}. {README} tells how they are to be read; the question takes
all of it for granted.

{{question}}

Hand in {{{{"answer": [[value, …], …]}}}}, one list a row with its values in the order of the columns, or
{{{{"sql": "SELECT …"}}}}: one SELECT in DuckDB's SQL, which is run for you. In it the tables are named by their files without
.csv, every column is text, and an empty cell is NULL. Numbers are numbers without a unit, dates are written YYYY-MM-DD, a
missing value is null. At most {MOST_ROWS} rows."""

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "answer": {
            "type": "array",
            "maxItems": MOST_ROWS,
            "items": {"type": "array", "items": {"type": ["string", "number", "null"]}},
        },
        "sql": {"type": "string"},
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


class SqlQa:
    """Questions whose answer every known mistake would change."""

    name = "sqlqa"
    version = 1
    summary = "answer questions over tables with doubles, mixed units, odd dates and words for nothing"
    metric = "correct"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        """Shapes take turns in drawn order."""
        turn = Draw.by(generator(seed, self.name, "shapes", number // len(SHAPES)))
        shape = turn.shuffled(SHAPES)[number % len(SHAPES)]
        made = item(f"{self.name}@{self.version}:{seed}:{number}", shape)
        question, tables = made.question, made.tables
        needs = sorted(name.removeprefix("ignores: ") for name in made.wrong if name.startswith("ignores: "))
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK.format(
                tables=", ".join(name for name in tables.files if name != README), question=headline(question)
            ),
            files=tables.files,
            submission=SCHEMA,
            truth={
                "gold": made.gold,
                "sql": question.query.sql(),
                "columns": [column.json() for column in question.columns],
                "ordered": question.ordered,
                "wrong": made.wrong,
                "needs": needs,
            },
            tags={
                "shape": question.shape,
                "domain": tables.domain.records,
                "pitfalls": "1-3" if len(needs) < 4 else "4-6" if len(needs) < 7 else "7+",
            },
        )

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        return score(instance, submission)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        """The sprayer hands a whole table in; random fills the gold's shape with cells of the table."""
        truth = instance.truth
        if name == "oracle":
            return {"answer": truth["gold"]}
        if name == "nothing":
            return {"answer": []}
        table = sorted(file for file in instance.files if file.endswith(".csv"))[-1]
        if name == "sprayer":
            return {"sql": f'select * from "{table.removesuffix(".csv")}"'}
        cells = instance.files[table].decode().replace("\n", ",").split(",")
        draw = Draw.by(rng)
        return {"answer": [[draw.pick(cells) for _ in truth["columns"]] for _ in range(draw.between(1, 6))]}


def score(instance: Instance, submission: Mapping[str, Any]) -> Score:
    """`correct` is equality of multisets by type; `bird_ex` equality of sets as BIRD has it.

    A wrong answer that a known mistake gives is said to be that mistake. Raises Misuse for what is no submission.
    """
    truth = instance.truth
    columns = [Column(**told) for told in truth["columns"]]
    if set(submission) == {"sql"} and isinstance(submission["sql"], str):
        try:
            given = run(instance.files, submission["sql"])
        except Retry as problem:
            return _scored(truth, right=False, bird=False, note=str(problem))
    elif set(submission) == {"answer"}:
        given = rows_of(submission["answer"])
    else:
        raise Misuse('A submission is an object with one key: "answer" with a list of rows, or "sql" with a text.')
    right = same(given, truth["gold"], columns, ordered=truth["ordered"])
    bird = bird_same(given, truth["gold"], columns)
    if right:
        return _scored(truth, right=True, bird=bird)
    for name, wrong in truth["wrong"].items():
        if same(given, wrong, columns, ordered=truth["ordered"]):
            return _scored(
                truth, right=False, bird=bird, mistake=True, note=f"It is the answer of one who {_told(name)}."
            )
    return _scored(truth, right=False, bird=bird, note="It is another answer.")


def _told(mistake: str) -> str:
    """A mistake's name as the end of a sentence."""
    step = mistake.removeprefix("ignores: ")
    return f"forgets that {STEPS[step]}" if step in STEPS else f"makes this mistake: {mistake}"


def _scored(truth: Mapping[str, Any], *, right: bool, bird: bool, mistake: bool = False, note: str = "") -> Score:
    return Score(
        value=float(right),
        metrics={"correct": float(right), "bird_ex": float(bird), "known_mistake": float(mistake)},
        families={step: float(right) for step in truth["needs"]},
        notes=[note] if note else [],
        weights={"accuracy": (float(right), 1.0)},
    )


SUITE: Final = SqlQa()
