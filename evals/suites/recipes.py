"""The suite `recipes`: write a recipe that curates a pool, under a budget of rows and of submissions, and be measured by
what a learner makes of the rows that are left.

An agent may hand in several recipes; the first hold-out chooses among them, the second, which nobody is told of, is the
score. Recovery is signed: curation that does harm is below 0.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ...tools.errors import Misuse
from ..planted.draw import Draw
from ..proxies.naive_bayes import Example
from ..proxies.pools import PROXIES, Pool, example, learned, pool
from ..proxies.running import Left, run
from ..sets import generator, instance_id
from ..suite import Baseline, Instance, Score
from . import filtering

POOL: Final = "pool.jsonl"
MOST_RECIPES: Final = 3
KINDS: Final = (*PROXIES, "chat")
SCHEMA: Final = {
    "type": "object",
    "required": ["recipes"],
    "additionalProperties": False,
    "properties": {
        "recipes": {"type": "array", "minItems": 1, "maxItems": MOST_RECIPES, "items": {"type": "string"}},
    },
}
ABOUT: Final = {
    "labels": f"""\
{POOL} holds texts with labels, which several annotators gave (id, text, label, annotator, source); most texts have two
labels. Not everyone labelled well. A classifier will be trained on all rows that are left.""",
    "selection": f"""\
{POOL} holds texts with labels from several sources (id, text, label, annotator, source). There are copies, texts of another
domain, and wrong labels. A classifier will be trained on at most {{budget}} of the rows that are left; if there are more, they
are drawn at random, several times.""",
    "chat": f"""\
{POOL} holds conversations for fine-tuning, one JSON object with "messages" in a line. Lines that are no valid records,
malformed conversations, empty, echoing, looping or marked-up answers, and copies and near copies (all but one) must go; all
others must stay.""",
}
TASK: Final = f"""\
{{about}}

Write a recipe that curates it: YAML, as `tilth run` takes it, with the one source {POOL}, for example

recipe: 1
dataset: pool
sources: [{{{{name: pool, paths: [{POOL}]}}}}]
max_reject: 0.05
steps:
  - dedup.exact: {{{{field: {{field}}}}}}
  - filter.where: {{{{drop: "{{where}}"}}}}

Steps read and write only: no models, no other files, no export. Hand in {{{{"recipes": ["...", …]}}}}, at most {MOST_RECIPES}; of
several, the one that does best on held-out data is taken. The score is 0 for leaving everything as it is and 1 for what is
possible with all faults known; it is below 0 for doing harm."""


class Recipes:
    """End to end: from a pool to what curation was worth."""

    name = "recipes"
    version = 1
    summary = "write recipes that curate a pool; scored by what a learner makes of the rows that are left"
    metric = "recovery"
    better: Literal["higher", "lower"] = "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        return [self._instance(seed, number) for number in range(count)]

    def _instance(self, seed: str, number: int) -> Instance:
        """Kinds take turns in drawn order."""
        turn = Draw.by(generator(seed, self.name, "kinds", number // len(KINDS)))
        kind = turn.shuffled(KINDS)[number % len(KINDS)]
        own = f"{self.name}@{self.version}:{seed}:{number}"
        if kind == "chat":
            (inner,) = filtering.SUITE.draw(own, 1)
            body, budget = inner.files[filtering.FILE], 0
            truth: dict[str, Any] = {"kind": kind, "filtering": inner.truth}
        else:
            made = pool(own, kind)  # type: ignore[arg-type]
            body, budget = _written(made), made.budget
            truth = _truth(made, own)
        shown = {"field": "dialogue", "where": "len(messages) < 2"} if kind == "chat" else \
            {"field": "text", "where": "length(text) < 3"}  # fmt: skip
        return Instance(
            id=instance_id(seed, self.name, number),
            suite=self.name,
            task=TASK.format(about=ABOUT[kind].format(budget=budget), **shown),
            files={POOL: body},
            submission=SCHEMA,
            truth=truth,
            tags={"kind": kind},
        )

    def score(self, instance: Instance, submission: Mapping[str, Any]) -> Score:
        """Raises Misuse when no recipe could be run; one that could not, beside others, is told in a note."""
        texts = _texts(submission)
        left: list[Left] = []
        notes: list[str] = []
        for number, text in enumerate(texts, 1):
            try:
                left.append(run(text, POOL, instance.files[POOL]))
            except Misuse as error:
                notes.append(f"Recipe {number}: {error}")
        if not left:
            raise Misuse(notes[0])
        truth = instance.truth
        measured = _of_chat if truth["kind"] == "chat" else _of_learner
        return measured(instance, left, notes)

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Mapping[str, Any] | None:
        """The oracle keeps the rows without a fault; random drops half of them, the sprayer all rows but a few."""
        truth, draw = instance.truth, Draw.by(rng)
        lines = range(1, instance.files[POOL].count(b"\n") + 1)
        if truth["kind"] == "chat":
            inner = _inner(instance)
            gone = set((filtering.SUITE.known("oracle", inner, rng) or {})["drop"])
            good = [line for line in lines if line not in gone]
        else:
            ids = [json.loads(line)["id"] for line in instance.files[POOL].splitlines()]
            good = [line for line, id in zip(lines, ids, strict=True) if id in set(truth["best"])]
        keep = {
            "oracle": good,
            "nothing": None,
            "random": [one for one in lines if draw.chance(0.5)],
            "sprayer": lines[:3],
        }
        return {"recipes": [recipe(keep[name])]}


def recipe(lines: Sequence[int] | None) -> str:
    """A recipe that keeps these lines, or all."""
    kept = None if lines is None else f"line in ({', '.join(map(str, lines))})"
    steps = "[]" if kept is None else f'\n  - filter.where: {{keep: "{kept}"}}'
    return f"recipe: 1\ndataset: pool\nsources: [{{name: pool, paths: [{POOL}]}}]\nmax_reject: 0.1\nsteps: {steps}\n"


def _of_learner(instance: Instance, left: Sequence[Left], notes: Sequence[str]) -> Score:
    """Recovery on the second hold-out of the recipe that does best on the first: (agent - dirty) / (oracle - dirty)."""
    truth = instance.truth
    shown = {row["id"] for row in map(json.loads, instance.files[POOL].splitlines())}
    curve: list[tuple[float, float]] = []
    best: tuple[float, float, Left] | None = None
    for number, one in enumerate(left, 1):
        if not {str(record.get("id")) for record in one.records} <= shown:
            raise Misuse("A recipe left rows that are not of the pool.")
        rows = [example(record) for record in one.records]
        first, second = (_recovery(rows, truth, truth[name]) for name in ("first", "second"))
        if best is None or first > best[0]:
            best = (first, second, one)
        curve.append((number, best[0]))
    assert best is not None
    good, kept = set(truth["good"]), {str(record["id"]) for record in best[2].records}
    bad = shown - good
    weights: dict[str, tuple[float, float]] = {
        "bad_dropped": (len(bad - kept), len(bad)),
        "good_dropped": (len(good - kept), len(good)),
    }
    metrics = {name: part / whole for name, (part, whole) in weights.items()}
    metrics |= {"recovery": best[1], "recovery_feedback": best[0], "feedback_gap": best[0] - best[1], "rows": len(kept)}
    return Score(best[1], metrics, {truth["kind"]: best[1]}, notes, weights, curve)


def _recovery(rows: Sequence[Example], truth: Mapping[str, Any], held_out: Mapping[str, Any]) -> float:
    reached = learned(rows, [(text, label) for text, label in held_out["rows"]], truth["budget"], truth["seed"])
    recovered: float = (reached - held_out["dirty"]) / (held_out["oracle"] - held_out["dirty"])
    return recovered


def _of_chat(instance: Instance, left: Sequence[Left], notes: Sequence[str]) -> Score:
    """Planted lines dropped less good lines dropped; of several recipes the first, as there is no hold-out."""
    inner = _inner(instance)
    lines = set(range(1, int(inner.truth["lines"]) + 1))
    found = filtering.SUITE.score(inner, {"drop": sorted(lines - left[0].lines)})
    value = found.value
    metrics = {**found.metrics, "rows": len(left[0].lines), **({} if value is None else {"recovery": value})}
    families = {**found.families, **({} if value is None else {"chat": value})}
    return Score(value, metrics, families, notes, found.weights)


def _inner(instance: Instance) -> Instance:
    return Instance(instance.id, filtering.SUITE.name, "", {}, {}, instance.truth["filtering"])


def _texts(submission: Mapping[str, Any]) -> list[str]:
    texts = submission.get("recipes")
    if set(submission) != {"recipes"} or not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise Misuse("A submission is an object with one key, recipes, which holds a list of texts.")
    if not 1 <= len(texts) <= MOST_RECIPES:
        raise Misuse(f"{len(texts)} recipes were handed in; 1 to {MOST_RECIPES} may be.")
    return texts


def _written(made: Pool) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in made.rows).encode()


def _truth(made: Pool, seed: str) -> dict[str, Any]:
    """`best` are the ids that the oracle keeps: the first rows without a fault, as many as the budget."""
    best = [row["id"] for row in made.rows if row["id"] in made.good][: made.budget]
    return {
        "kind": made.proxy,
        "seed": seed,
        "budget": made.budget,
        "good": sorted(made.good),
        "best": best,
        "first": {"rows": [list(one) for one in made.first], "dirty": made.dirty_first, "oracle": made.oracle_first},
        "second": {"rows": [list(one) for one in made.second], "dirty": made.dirty, "oracle": made.oracle},
    }


SUITE: Final = Recipes()
