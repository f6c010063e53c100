"""The suite `contamination`: which items of a benchmark stand in a training set, and in which form."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ...tools.errors import Misuse, nearest
from ..leaks.making import CLEAN, LEAKED, LEVELS, make
from ..planted.draw import Draw
from ..sets import generator, instance_id
from ..suite import Baseline, Instance, Score

BENCHMARK: Final = "benchmark.jsonl"
TRAINING: Final = "train.jsonl"
SCHEMA: Final = {
    "type": "object",
    "required": ["items"],
    "additionalProperties": False,
    "properties": {"items": {"type": "object", "additionalProperties": {"enum": [*LEAKED, "clean"]}}},
}
TASK: Final = f"""\
{BENCHMARK} holds the items of a benchmark (id, question, answer), {TRAINING} a training set (row, text). Say which items
have leaked into the training set, and in which form:
- exact: a row is the question, or the question with its answer
- near_verbatim: a row holds the question but for case, punctuation and a few words, perhaps among other text
- partial: a row holds a whole sentence of the question word for word, and not the rest
- rephrased: a row asks the same with the same facts in other words
- clean: none of these. A problem of the same kind about other people, things and numbers is no leak.

Hand in {{"items": {{"ID": "exact", …}}}}; an item that is left out counts as clean. The score is the share of leaked items that
were named less the share of clean ones that were: 0 for naming none or all, 1 at best."""


class Contamination:
    """Planted leaks at four levels, and look-alikes."""

    name = "contamination"
    version = 1
    summary = "say which benchmark items have leaked into a training set: verbatim, in part, or in other words"
    metric = "youden"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        draw = Draw.by(generator(seed, self.name, self.version, number))
        made = make(draw, BENCHMARK, TRAINING)
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK,
            files=made.files,
            submission=SCHEMA,
            truth={"levels": dict(made.levels), "rows": dict(made.rows)},
        )

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        """Youden's J over items; which level was said is a second figure. Raises Misuse."""
        levels: Mapping[str, str] = instance.truth["levels"]
        said = _said(submission, levels)
        leaked = {id for id, level in levels.items() if level in LEAKED}
        named = {id for id, level in said.items() if level != "clean"}
        hits = named & leaked
        weights: dict[str, tuple[float, float]] = {
            "sensitivity": (len(hits), len(leaked)),
            "specificity": (len(levels) - len(leaked | named), len(levels) - len(leaked)),
            "precision": (len(hits), len(named)),
            "level_accuracy": (sum(said[id] == levels[id] for id in hits), len(hits)),
        }
        figures = {name: part / whole for name, (part, whole) in weights.items() if whole}
        figures["youden"] = figures["sensitivity"] + figures["specificity"] - 1
        families = {
            level: sum((id in named) == (level in LEAKED) for id in these) / len(these)
            for level in LEVELS
            if (these := [id for id, one in levels.items() if one == level])
        }
        return Score(figures["youden"], figures, families, weights=weights)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        levels: Mapping[str, str] = instance.truth["levels"]
        draw = Draw.by(rng)
        found = {
            "oracle": {id: level for id, level in levels.items() if level not in CLEAN},
            "nothing": {},
            "random": {id: draw.pick(LEAKED) for id in levels if draw.chance(0.5)},
            "sprayer": dict.fromkeys(levels, "near_verbatim"),
        }
        return {"items": found[name]}


def _said(submission: Mapping[str, Any], levels: Mapping[str, str]) -> dict[str, str]:
    told = submission.get("items")
    if set(submission) != {"items"} or not isinstance(told, Mapping):
        raise Misuse("A submission is an object with one key, items, which maps ids to verdicts.")
    known = (*LEAKED, "clean")
    for id, level in told.items():
        if id not in levels:
            raise Misuse(f"The benchmark has no item {id!r}.")
        if level not in known:
            raise Misuse(f"Item {id} has the verdict {level!r}.", next_step=nearest(str(level), known))
    return dict(told)


SUITE: Final = Contamination()
