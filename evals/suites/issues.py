"""The suite `issues`: find what is wrong with the data in a folder. It knows what an agent is told and what it is not."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from ..issues.baselines import guesses, oracle, spray
from ..issues.bases import BASES
from ..issues.card import REQUIRED
from ..issues.data import KEY
from ..issues.making import make
from ..issues.scoring import MOST_FINDINGS, groups, schema, score
from ..issues.truth import Truth
from ..planted.draw import Draw
from ..sets import generator, instance_id
from ..suite import Baseline, Instance, Score

CLEAN_IN: Final = 5
"""One instance out of so many in a row has no defects, only what looks like some."""

TASK: Final = f"""\
The files in this folder are a dataset that is about to be used: {{files}}. Find what is wrong with it.

Some of the data may have been damaged, mislabelled, copied, mixed up or lost on the way, and the data card, card.md, may
say what the data deny. There may be several defects, one, or none. Some things look odd and are as they should be; the
card's remarks tell of some. Reporting those counts against you, and so does any finding that is not a defect.

A finding is one defect: one cause, in one place. Report all rows that it touched in one finding, and two causes in two.
Rows are named by their value in the column {KEY}. A finding has
- file: the file's name
- unit: "cell" (values of one column in some rows), "row" (whole records), "cross-table" (rows whose link to another file
  is broken), "column" (a column that should not be there as it is), "table" (rows are absent: name the column along which
  it shows), or "doc" (a line of the card)
- rows: the list of row keys, for the first three units. Of records that are there several times, name every copy, the
  first as well; of records that must not be in two splits, name those in the test split.
- column: the faulty column, for cell, column and table
- field: the field of the card, for doc; also of a field that is missing
- family, if you like: one of {", ".join(groups())}
- why: a sentence

A card must have the fields {", ".join(REQUIRED)}. A defect of the data is not one of the card as well. Hand in
{{{{"findings": [...]}}}}, at most {MOST_FINDINGS}; an empty list says that all is well. Findings are matched to defects by place:
the same file, and rows of which at least half are shared (intersection over union)."""


class Issues:
    """Planted defects in tables, texts, instruction pairs and preference pairs."""

    name = "issues"
    version = 1  # a family, a base or a word more makes other instances of the same seed: raise it
    summary = "find planted defects in tables, texts, instruction and preference pairs"
    metric = "f1"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        """Bases take turns in drawn order, and so do the clean ones: any run of six, or of five, has its share."""
        turn = Draw.by(generator(seed, self.name, "bases", number // len(BASES)))
        base = turn.shuffled(sorted(BASES))[number % len(BASES)]
        turn = Draw.by(generator(seed, self.name, "clean", number // CLEAN_IN))
        clean = turn.below(CLEAN_IN) == number % CLEAN_IN
        made = make(f"{self.name}@{self.version}:{seed}:{number}", base, clean=clean)
        plants = made.truth.plants
        tiers = sorted({plant.family.tier for plant in plants})
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK.format(files=", ".join(sorted(made.files))),
            files=made.files,
            submission=schema(),
            truth=made.truth.json(),
            tags={
                "base": base,
                "clean": "yes" if clean else "no",
                "tier": "+".join(tiers),
                "defects": str(len(plants)),
            },
            cluster=str(number),  # bases are fixed strata, all in every set; instances are what is sampled
        )

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        return score(Truth.of(instance.truth), submission)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        submissions: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "oracle": lambda: oracle(Truth.of(instance.truth)),
            "nothing": list,
            "random": lambda: guesses(instance.files, Draw.by(rng)),
            "sprayer": lambda: spray(instance.files),
        }
        return {"findings": submissions[name]()}


SUITE: Final = Issues()
