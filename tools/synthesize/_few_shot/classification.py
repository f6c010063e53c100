"""`few_shot` for classification: a text and one of a set of labels. It knows two columns and what stands in them."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from ...panel import Candidate, Gate, Job, Prior, Rejected, Request, Step, Task
from .. import _gates
from .._seeds import Seeds
from .._strategy import Wish, data_of, draw, evidence, request, rubric, text_of
from .shots import NAME, VERSION, Shots, pool, tasks


class LabelAnswer(BaseModel):
    """What is asked for where a text is to be labelled."""

    model_config = ConfigDict(extra="forbid")

    label: str


class Classification:
    """New texts, labels for texts that have none, or new texts for a label."""

    def __init__(self, config: Shots, seeds: Seeds, wish: Wish) -> None:
        self.config, self.seeds, self.wish = config, seeds, wish
        text, label = seeds.column(config.text, "text"), seeds.column(config.label, "label")
        records = [seeds.record(i) for i in range(len(seeds))]
        self.texts = [str(record.get(text) or "") for record in records]
        self.values = {_written(record.get(label)): record.get(label) for record in records}  # an id stays a number
        self.given = [[written] if (written := _written(record.get(label))) else [] for record in records]
        self.pool = pool(self.given, config.labels)
        self.pool.need(config.mode, "label")
        self.labels = self.pool.labels
        self.labelling = config.mode == "label"
        if not self.labelling:
            wish.refuse_offline(NAME, "write new texts", "It can label rows that lack a label: mode label.")
        self.prompt = wish.prompts.load(f"synthesize/classification_{config.mode}")
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, self.prompt)

    def request(self, task: Task, prior: Prior) -> Request:
        labelled = self.config.mode != "unlabelled"
        parts = [("labels", "\n".join(self.labels))] if labelled else []
        for i in task.data["examples"]:
            parts.append(("example_text", self.texts[i]))
            parts += [("example_label", self.given[i][0])] if labelled else []
        if self.labelling:
            parts.append(("text", self.texts[task.data["row"]]))
        elif labelled:
            parts.append(("label", task.data["label"]))
        return request(self.prompt, parts, self.config, LabelAnswer if self.labelling else None)

    def parse(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        return one_of(str(data_of(answer)["label"]), self.labels) if self.labelling else text_of(answer)

    def candidate(self, task: Task, prior: Prior) -> Candidate | Rejected:
        if not self.labelling:
            return self._made(prior["text"], task.data.get("label"))
        row = task.data["row"]
        made = self._made(self.texts[row], prior["label"])
        return Candidate({**self.seeds.record(row), **made.record}, made.shown, made.text, made.data)

    def offline(self, task: Task) -> Prior | Rejected:
        label = self._nearest(self.texts[task.data["row"]])
        return label if isinstance(label, Rejected) else {"label": label}

    def corrupted(self, candidate: Candidate, rng: random.Random) -> Candidate | None:
        """The text under another label; without labels, its words in another order."""
        label = candidate.shown.get("label")
        if label is None:
            return self._made(shuffled(candidate.shown["text"], rng), None)
        others = [one for one in self.labels if one != label]
        return self._made(candidate.shown["text"], rng.choice(others)) if others else None

    def job(self) -> Job:
        config, made = self.config, not self.labelling
        labelled = config.mode != "unlabelled"
        step = Step("label" if self.labelling else "text", self.request, self.parse)
        gates: list[Gate] = [in_set(self.labels)] if labelled else []
        if made:
            shown = [_gates.length("text"), _gates.scaffold("text"), _gates.answered("text")]
            gates += [*shown, _gates.no_copy("text", self._examples)]
        real = draw(self.wish, self.pool.labelled)
        return Job(
            name=NAME,
            tasks=lambda: tasks(config, self.pool, self.wish, self.seeds),
            steps=(step,),
            candidate=self.candidate,
            rubric=rubric(self.wish, "classification", **self._criteria()),
            gates=gates,
            controls=[self._made(self.texts[i], self.given[i][0] if labelled else None) for i in real],
            corrupted=self.corrupted,
            near_duplicate=0.7 if made else None,
            seeds=self.texts if made else (),
            fields=(config.text, *((config.label,) if labelled else ())),
            offline=self.offline if self.labelling else None,
        )

    def _made(self, text: str, label: str | None) -> Candidate:
        record: dict[str, Any] = {self.config.text: text}
        shown = {"text": text}
        if label is not None:
            record[self.config.label] = self.values.get(label, label)
            shown |= {"label": label, "labels": "\n".join(self.labels)}
        return Candidate(record, shown, text, self.evidence)

    def _examples(self, task: Task) -> list[str]:
        return [self.texts[i] for i in task.data["examples"]]

    def _criteria(self) -> dict[str, str]:
        fits = {
            "label_fits": "Does the label say what the text is about?",
            "no_better_label": "Is there no other label in the set that says it better?",
        }
        natural = {
            "natural": "Could a person have written the text in earnest?",
            "complete": "Is the text complete, without placeholders and without a word about being an example?",
        }
        return {**(fits if self.config.mode != "unlabelled" else {}), **({} if self.labelling else natural)}

    @cached_property
    def _nearest(self) -> Callable[[str], str | Rejected]:
        return nearest_label([(self.texts[i], self.given[i][0]) for i in self.pool.labelled])


def one_of(given: str, labels: Sequence[str]) -> str | Rejected:
    """The label of the set that was meant: exact, else alone in being equal but for case and the space around it."""
    if given in labels:
        return given
    meant = [label for label in labels if label.strip().casefold() == given.strip().casefold()]
    if len(meant) == 1:
        return meant[0]
    return not_in_set(given, len(labels))


def not_in_set(given: str, count: int) -> Rejected:
    return Rejected("label_not_in_set", f"{given[:80]!r} is none of the {count} labels.", {"label": given[:200]})


def in_set(labels: Sequence[str]) -> Gate:
    """The label is one of the set."""
    allowed = frozenset(labels)

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        label = candidate.shown["label"]
        return None if label in allowed else not_in_set(label, len(allowed))

    return gate


def nearest_label(examples: Sequence[tuple[str, str]]) -> Callable[[str], str | Rejected]:
    """A rule that labels a text by the words it shares with the texts of each label: the mean of their rarities
    (log inverse document frequency) times the share of the label's texts that hold them. Ties go to the first label."""
    texts = [(set(_gates.words(text)), label) for text, label in examples]
    frequency = Counter(word for words, _ in texts for word in words)
    sizes = Counter(label for _, label in texts)
    held: dict[str, Counter[str]] = {}
    for words, label in texts:
        held.setdefault(label, Counter()).update(words)

    def label_of(text: str) -> str | Rejected:
        words = sorted(set(_gates.words(text)))
        scores = {
            label: math.fsum(
                math.log1p(len(texts) / frequency[word]) * count[word] / sizes[label] for word in words if count[word]
            )
            for label, count in sorted(held.items())
        }
        best = max(scores, key=lambda label: round(scores[label], 9), default=None)
        if best is None or not scores[best]:
            return Rejected("no_evidence", "The text shares no word with any labelled text.")
        return best

    return label_of


def shuffled(text: str, rng: random.Random) -> str:
    """The words of a text in another order."""
    words = text.split()
    rng.shuffle(words)
    return " ".join(words)


def _written(value: Any) -> str:
    """A label as it is shown; "" for none."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return str(value).strip()
