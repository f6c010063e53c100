"""The suite `synthesis`: write more labelled texts like the few that are given, and be measured by what a learner makes of
all of them on hidden ones. Copies teach nothing and do not count; recovery is signed, as wrong texts do harm.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal

from ...tools.errors import Misuse
from ..planted.draw import Draw
from ..proxies.naive_bayes import Example, accuracy, tokens
from ..proxies.shots import MORE, shots
from ..sets import instance_id
from ..suite import Baseline, Instance, Score

FILE: Final = "shots.jsonl"
_ROW: Final = {
    "type": "object",
    "required": ["text", "label"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string"}, "label": {"type": "string"}},
}
SCHEMA: Final = {
    "type": "object",
    "required": ["rows"],
    "additionalProperties": False,
    "properties": {"rows": {"type": "array", "items": _ROW}},
}
TASK: Final = f"""\
{FILE} holds a few texts with labels, one JSON object with text and label a line: notes of seven words that people took at a
counter, two or so of which tell what the note is about. Write more of the same kind, of the same labels, at most {MORE} a label.

A classifier learns from the given texts and yours together, and is tested on texts that nobody is shown. A text with the words
of a given one, or of another of yours, does not count, whatever their order. Hand in {{"rows": [{{"text", "label"}}, …]}}. The
score is 0 for handing in nothing, 1 for what as many texts of people's are worth, and below 0 for doing harm."""


class Synthesis:
    """Few-shot synthesis, by the worth of what was written."""

    name = "synthesis"
    version = 1
    summary = "write more labelled texts like a few; scored by what a learner makes of them"
    metric = "recovery"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        made = shots(f"{self.name}@{self.version}:{seed}:{number}")
        lines = (json.dumps({"text": text, "label": label}) for text, label in made.given)
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK,
            files={FILE: ("\n".join(lines) + "\n").encode()},
            submission=SCHEMA,
            truth={
                "more": [list(one) for one in made.more],
                "hidden": [list(one) for one in made.hidden],
                "few": made.few,
                "all": made.all,
            },
        )

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        """(reached - few) / (all - few) in accuracy on the hidden texts. Raises Misuse."""
        given = _given(instance)
        rows = _rows(submission, {label for _, label in given})
        truth = instance.truth
        hidden = [(text, label) for text, label in truth["hidden"]]
        fresh = _fresh(rows, given)
        reached = accuracy([*given, *fresh], hidden)
        recovery = (reached - truth["few"]) / (truth["all"] - truth["few"])
        weights: dict[str, tuple[float, float]] = {"copies": (len(rows) - len(fresh), len(rows))}
        metrics = {
            "recovery": recovery,
            "accuracy": reached,
            "rows": float(len(rows)),
            **({"copies": 1 - len(fresh) / len(rows), "distinct_pairs": _distinct(rows)} if rows else {}),
        }
        return Score(recovery, metrics, weights=weights)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        """Random deals the words and the labels anew, the sprayer hands in what is given."""
        given, draw = _given(instance), Draw.by(rng)
        labels = sorted({label for _, label in given})
        words = [word for text, _ in given for word in tokens(text)]
        dealt = [(" ".join(draw.some(words, 7)), label) for label in labels for _ in range(MORE)]
        rows = {"oracle": instance.truth["more"], "nothing": [], "sprayer": given, "random": dealt}
        return {"rows": [{"text": text, "label": label} for text, label in rows[name]]}


def _given(instance: Instance) -> list[Example]:
    rows = map(json.loads, instance.files[FILE].splitlines())
    return [(row["text"], row["label"]) for row in rows]


def _rows(submission: Mapping[str, Any], labels: set[str]) -> list[Example]:
    told = submission.get("rows")
    if set(submission) != {"rows"} or not isinstance(told, list):
        raise Misuse("A submission is an object with one key, rows, which holds a list.")
    rows: list[Example] = []
    for number, one in enumerate(told):
        fits = isinstance(one, Mapping) and set(one) == {"text", "label"}
        if not fits or not all(isinstance(value, str) for value in one.values()):
            raise Misuse(f"Row {number} is not an object of the texts text and label.")
        if one["label"] not in labels:
            raise Misuse(
                f"Row {number} has the label {one['label']!r}.", next_step=f"Valid: {', '.join(sorted(labels))}."
            )
        rows.append((one["text"], one["label"]))
    for label, count in Counter(label for _, label in rows).items():
        if count > MORE:
            raise Misuse(f"{count:,} rows have the label {label}; {MORE} are the most.")
    return rows


def _fresh(rows: Sequence[Example], given: Sequence[Example]) -> list[Example]:
    """Rows that are no copies, the first of each."""
    seen = {_bag(text) for text, _ in given}
    kept = []
    for text, label in rows:
        if _bag(text) not in seen:
            seen.add(_bag(text))
            kept.append((text, label))
    return kept


def _bag(text: str) -> tuple[str, ...]:
    return tuple(sorted(tokens(text)))


def _distinct(rows: Sequence[Example]) -> float:
    """The share of different pairs of neighbouring words (distinct-2, Li et al. 2016)."""
    pairs = [pair for text, _ in rows for pair in pairwise(tokens(text))]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


SUITE: Final = Synthesis()
