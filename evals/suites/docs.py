"""The suite `docs`: write a data card that says what is so, and leaves out what nobody knows."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from ...tools.errors import Misuse, Retry, nearest
from ...tools.sandbox.wire import Limits
from ..folder_sql import ask
from ..issues.bases import BASES
from ..issues.data import KEY
from ..notes.making import NOTES, documented
from ..planted.draw import Draw
from ..sets import generator, instance_id
from ..suite import Baseline, Instance, Score

LIMITS: Final = Limits(seconds=10, rows=2)
SCHEMA: Final = {
    "type": "object",
    "required": ["card"],
    "additionalProperties": False,
    "properties": {
        "card": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        "evidence": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
TASK: Final = f"""\
Write the data card of the files in this folder: {{files}}. {NOTES} holds what their keepers wrote down. The card has these
fields:

{{fields}}

Each is a text as short as it can be: a number in digits; values in alphabetical order with a comma and a space between them;
a licence by its SPDX name; a name, place or address as the notes have it. Empty cells are those without any character; the
column {KEY} is left out. What is asked is what holds of this folder now. A field that neither the files nor the notes tell is
null: a card that makes something up is worse than one with a gap.

Hand in {{{{"card": {{{{"FIELD": "value" or null, …}}}}, "evidence": {{{{"FIELD": "SELECT …", …}}}}}}}}. Evidence may be given
for what is counted: one SELECT in DuckDB's SQL over the files, named without their ending, whose one cell is the value."""


class Docs:
    """True, complete and nothing made up."""

    name = "docs"
    version = 1
    summary = "write a data card from files and notes, with nothing made up"
    metric = "f1"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        """Bases take turns in drawn order."""
        turn = Draw.by(generator(seed, self.name, "bases", number // len(BASES)))
        base = turn.shuffled(sorted(BASES))[number % len(BASES)]
        made = documented(f"{self.name}@{self.version}:{seed}:{number}", base)
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK.format(
                files=", ".join(sorted(set(made.files) - {NOTES})),
                fields="\n".join(f"- {field}" for field in made.facts),
            ),
            files=made.files,
            submission=SCHEMA,
            truth={"facts": dict(made.facts), "kinds": dict(made.kinds)},
            tags={"base": base},
        )

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        """F1 of the fields that say something. Raises Misuse."""
        facts: Mapping[str, str | None] = instance.truth["facts"]
        kinds: Mapping[str, str] = instance.truth["kinds"]
        card, evidence = _submitted(submission, facts)
        said = {field: value for field, value in card.items() if value is not None and value.strip()}
        right = {field for field, value in said.items() if _plain(value) == _plain(facts[field])}
        known = {field for field, value in facts.items() if value is not None}
        counted = [field for field in said if kinds[field] == "counted"]
        shown = sum(_shows(instance.files, evidence[field], said[field]) for field in counted if field in evidence)
        weights: dict[str, tuple[float, float]] = {
            "f1": (2 * len(right), len(said) + len(known)),
            "precision": (len(right), len(said)),
            "recall": (len(right), len(known)),
            "made_up": (len(said.keys() - known), len(facts) - len(known)),
            "evidenced": (shown, len(counted)),
        }
        metrics = {name: part / whole for name, (part, whole) in weights.items() if whole}
        families = {}
        for kind in sorted(set(kinds.values())):
            fields = [field for field in facts if kinds[field] == kind]
            held = [field not in said if kind == "unknown" else field in right for field in fields]
            families[kind] = sum(held) / len(held)
        notes = [f"{field}: {said[field]!r}, not {facts[field]!r}" for field in said if field not in right]
        return Score(metrics["f1"], metrics, families, notes, weights)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        """Random and the sprayer fill every field: with a number, and with what is commonest in cards."""
        facts: Mapping[str, str | None] = instance.truth["facts"]
        draw = Draw.by(rng)
        cards: Mapping[str, Mapping[str, str | None]] = {
            "oracle": facts,
            "nothing": {},
            "random": {field: str(draw.below(300)) for field in facts},
            "sprayer": {field: "CC-BY-4.0" if field == "license" else "0" for field in facts},
        }
        return {"card": dict(cards[name])}


def _submitted(
    submission: Mapping[str, Any], facts: Mapping[str, str | None]
) -> tuple[dict[str, str | None], dict[str, str]]:
    card, evidence = submission.get("card"), submission.get("evidence", {})
    if (
        not set(submission) <= {"card", "evidence"}
        or not isinstance(card, Mapping)
        or not isinstance(evidence, Mapping)
    ):
        raise Misuse('A submission is an object with "card", and "evidence" if you like, which are objects.')
    for field, value in [*card.items(), *evidence.items()]:
        if field not in facts:
            raise Misuse(f"The card has no field {field!r}.", next_step=nearest(str(field), list(facts)))
        if not isinstance(value, str) and (value is not None or field in evidence):
            raise Misuse(f"What is said of {field!r} is no text.")
    return dict(card), dict(evidence)


def _plain(value: str | None) -> str | None:
    return None if value is None else " ".join(value.split()).casefold()


def _shows(files: Mapping[str, bytes], sql: str, value: str) -> bool:
    """Does the query's one cell hold the value? It runs in the sandbox; one that fails shows nothing."""
    with tempfile.TemporaryDirectory(prefix="tilth-docs-") as name:
        for file, body in files.items():
            (Path(name) / file).write_bytes(body)
        try:
            rows = ask(Path(name), sql, LIMITS)["rows"]
        except Retry:
            return False
    return len(rows) == 1 and len(rows[0]) == 1 and _plain(str(rows[0][0])) == _plain(value)


SUITE: Final = Docs()
