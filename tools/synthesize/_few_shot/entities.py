"""`few_shot` for named entities: a text and labelled spans of it, each equal to the characters it points at.

It knows spans ([{start, end, label}] over a text, in characters) and words with BIO tags, and turns one into the
other. Offline it finds the entities that other seeds hold.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from ...panel import Candidate, Gate, Job, Prior, Rejected, Request, Step, Task
from .. import _gates
from .._seeds import Seeds
from .._strategy import Wish, data_of, draw, evidence, request, rubric, text_of
from .classification import one_of
from .shots import NAME, VERSION, Shots, pool, tasks

OUTSIDE: Final = "O"

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_CRITERIA: Final = {
    "complete": "Is every entity of the listed types in the text marked?",
    "correct": "Is every marked entity of the type it is marked with?",
    "exact": "Does every marked entity begin and end where it should?",
}
_NATURAL: Final = {"natural": "Could a person have written the text in earnest?"}


class Span(NamedTuple):
    """text[start:end] is an entity of this label."""

    start: int
    end: int
    label: str


class Entity(BaseModel):
    """An entity as a model tells it: copied from the text, in reading order."""

    model_config = ConfigDict(extra="forbid")

    text: str
    label: str


class Entities(BaseModel):
    """What is asked for where a text is to be labelled."""

    model_config = ConfigDict(extra="forbid")

    entities: list[Entity]


class TextWithEntities(BaseModel):
    """What is asked for where both are made."""

    model_config = ConfigDict(extra="forbid")

    text: str
    entities: list[Entity]


class NamedEntities:
    """New texts, entities for texts that have none marked, or new texts with entities of a type."""

    def __init__(self, config: Shots, seeds: Seeds, wish: Wish) -> None:
        self.config, self.seeds, self.wish = config, seeds, wish
        self.tagged = bool(config.tokens or config.tags)
        for column in (config.tokens, config.tags) if self.tagged else (config.text, config.spans):
            seeds.column(column, "words and tags" if self.tagged else "text and its spans")
        records = [seeds.record(i) for i in range(len(seeds))]
        self.tokens = [list(map(str, record.get(config.tokens) or ())) for record in records]
        self.texts = [
            " ".join(tokens) if self.tagged else str(record.get(config.text) or "")
            for tokens, record in zip(self.tokens, records, strict=True)
        ]
        self.spans = [self._read(i, record) for i, record in enumerate(records)]
        given = [[span.label for span in spans] for spans in self.spans]
        self.pool = pool(given, config.labels)
        self.pool.need(config.mode, "entities")
        self.labels = self.pool.labels
        if config.mode != "label":
            wish.refuse_offline(NAME, "write new texts", "It can mark entities that other rows hold: mode label.")
        self.prompt = wish.prompts.load(f"synthesize/ner_{config.mode}")
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, self.prompt)

    def request(self, task: Task, prior: Prior) -> Request:
        mode = self.config.mode
        parts = [("types", "\n".join(self.labels))] if mode != "unlabelled" else []
        for i in task.data["examples"]:
            parts.append(("example_text", self.texts[i]))
            if mode != "unlabelled":
                parts.append(("example_entities", listed(self.texts[i], self.spans[i])))
        if mode == "label":
            parts.append(("text", self.texts[task.data["row"]]))
        elif mode == "labelled":
            parts.append(("type", task.data["label"]))
        schema: dict[str, type[BaseModel] | None]
        schema = {"label": Entities, "unlabelled": None, "labelled": TextWithEntities}
        return request(self.prompt, parts, self.config, schema[mode])

    def parse(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        if self.config.mode == "unlabelled":
            text = text_of(answer)
            return text if isinstance(text, Rejected) else {"text": text, "spans": None}
        told = data_of(answer)
        text = str(told.get("text", "")).strip() if self.config.mode == "labelled" else self.texts[task.data["row"]]
        found = located(text, [(one["text"], one["label"]) for one in told["entities"]], self.labels)
        return found if isinstance(found, Rejected) else {"text": text, "spans": [list(span) for span in found]}

    def candidate(self, task: Task, prior: Prior) -> Candidate | Rejected:
        if self.config.mode == "label":
            row = task.data["row"]
            spans = [Span(*one) for one in prior["entities"]["spans"]]
            made = self._made(self.texts[row], spans, self.tokens[row] or None)
            if isinstance(made, Rejected):
                return made
            return Candidate({**self.seeds.record(row), **made.record}, made.shown, made.text, made.data)
        told = prior["entities"]
        if told["spans"] is None:
            return self._made(told["text"], None)
        spans = [Span(*one) for one in told["spans"]]
        if task.data.get("label") not in {span.label for span in spans}:
            said = f"No entity of the type {task.data.get('label')!r}, which was asked for, is in the text."
            return Rejected("label_missing", said)
        return self._made(told["text"], spans)

    def offline(self, task: Task) -> Prior | Rejected:
        """Entities that stand in other seeds."""
        text = self.texts[task.data["row"]]
        spans = self._known(text)
        if not spans:
            return Rejected("no_evidence", "The text holds no entity of another row.")
        return {"entities": {"text": text, "spans": [list(span) for span in spans]}}

    def corrupted(self, candidate: Candidate, rng: random.Random) -> Candidate | None:
        """One entity unmarked or marked with another type; without marks, the words in another order."""
        text, spans = candidate.shown["text"], [Span(*one) for one in candidate.data.get("spans", ())]
        if not spans:
            words = text.split()
            rng.shuffle(words)
            made = self._made(" ".join(words), None)
        else:
            i = rng.randrange(len(spans))
            others = [label for label in self.labels if label != spans[i].label]
            wrong = [spans[i]._replace(label=rng.choice(others))] if others else []
            made = self._made(text, [*spans[:i], *wrong, *spans[i + 1 :]])
        return None if isinstance(made, Rejected) else made

    def job(self) -> Job:
        made = self.config.mode != "label"
        marked = self.config.mode != "unlabelled"
        gates: list[Gate] = [spans_equal]
        if made:
            gates += [_gates.length("text"), _gates.scaffold("text"), _gates.answered("text")]
            gates.append(_gates.no_copy("text", self._examples))
        real = [
            self._made(self.texts[i], self.spans[i] if marked else None, self.tokens[i] or None)
            for i in draw(self.wish, self.pool.labelled)
        ]
        columns = (self.config.tokens, self.config.tags) if self.tagged else (self.config.text, self.config.spans)
        return Job(
            name=NAME,
            tasks=lambda: tasks(self.config, self.pool, self.wish, self.seeds),
            steps=(Step("entities", self.request, self.parse),),
            candidate=self.candidate,
            rubric=rubric(self.wish, "ner", **{**(_CRITERIA if marked else {}), **(_NATURAL if made else {})}),
            gates=gates,
            controls=[one for one in real if isinstance(one, Candidate)],
            corrupted=self.corrupted,
            near_duplicate=0.7 if made else None,
            seeds=self.texts if made else (),
            fields=columns if marked else columns[:1],
            offline=None if made else self.offline,
        )

    def _read(self, position: int, record: Mapping[str, Any]) -> list[Span]:
        if self.tagged:
            tags = [str(tag) for tag in record.get(self.config.tags) or ()]
            return from_bio(self.tokens[position], tags)[1] if len(tags) == len(self.tokens[position]) else []
        given = record.get(self.config.spans)
        found = [Span(one["start"], one["end"], str(one["label"])) for one in given or () if _is_span(one)]
        return [span for span in found if 0 <= span.start < span.end <= len(self.texts[position])]

    def _made(
        self, text: str, spans: Sequence[Span] | None, tokens: Sequence[str] | None = None
    ) -> Candidate | Rejected:
        shown = {"text": text}
        told = dict(self.evidence)
        record: dict[str, Any] = {} if self.tagged else {self.config.text: text}
        if self.tagged:
            words = list(tokens) if tokens is not None else _WORD.findall(text)
            record[self.config.tokens] = words
        if spans is not None:
            shown |= {"entities": listed(text, spans), "types": "\n".join(self.labels)}
            told["spans"] = [list(span) for span in spans]
            if self.tagged:
                tags = to_bio(text, spans, words)
                if isinstance(tags, Rejected):
                    return tags
                record[self.config.tags] = tags
            else:
                record[self.config.spans] = [span._asdict() for span in spans]
        return Candidate(record, shown, text, told)

    def _known(self, text: str) -> list[Span]:
        """Entities that stand in other seeds, longest first, none over another."""
        told = {self.texts[i][s.start : s.end]: s.label for i in self.pool.labelled for s in reversed(self.spans[i])}
        found: list[Span] = []
        for entity in sorted(told, key=lambda one: (-len(one), one)):
            for match in re.finditer(rf"(?<!\w){re.escape(entity)}(?!\w)", text):
                if all(match.end() <= span.start or span.end <= match.start() for span in found):
                    found.append(Span(*match.span(), told[entity]))
        return sorted(found)

    def _examples(self, task: Task) -> list[str]:
        return [self.texts[i] for i in task.data["examples"]]


def located(text: str, told: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[Span] | Rejected:
    """Where the entities stand: each at its first place behind the one before, else at its first free place."""
    found: list[Span] = []
    after = 0
    for entity, given in told:
        label = one_of(given, labels)
        if isinstance(label, Rejected):
            return label
        places = [match.start() for match in re.finditer(re.escape(entity), text)] if entity else []
        free = [at for at in places if all(at + len(entity) <= s.start or s.end <= at for s in found)]
        if not free:
            code, said = (
                ("spans_overlap", "lies over another") if places else ("span_not_in_text", "is not in the text")
            )
            return Rejected(code, f"The entity {entity[:80]!r} {said}.", {"entity": entity[:200]})
        at = next((place for place in free if place >= after), free[0])
        found.append(Span(at, at + len(entity), label))
        after = at + len(entity)
    return sorted(found)


def spans_equal(task: Task, candidate: Candidate) -> Rejected | None:
    """Spans lie inside the text, begin and end with a character that is no space, and none lies over another."""
    text, last = candidate.shown["text"], 0
    for start, end, _ in candidate.data.get("spans", ()):
        inside = last <= start < end <= len(text)
        if not inside or text[start:end].strip() != text[start:end]:
            return Rejected("span_not_in_text", f"The span {start} to {end} is no entity of the text.")
        last = end
    return None


def to_bio(text: str, spans: Sequence[Span], words: Sequence[str]) -> list[str] | Rejected:
    """A BIO tag for every word. `words` stand in the text in this order. A span that splits a word is rejected."""
    places, at = [], 0
    for word in words:
        at = text.index(word, at)
        places.append((at, at + len(word)))
        at += len(word)
    tags = [OUTSIDE] * len(words)
    for span in spans:
        inside = [i for i, (start, end) in enumerate(places) if start >= span.start and end <= span.end]
        if not inside or (places[inside[0]][0], places[inside[-1]][1]) != (span.start, span.end):
            said = {"start": span.start, "end": span.end}
            return Rejected("span_splits_word", "An entity begins or ends inside a word.", said)
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{span.label}"
    return tags


def from_bio(words: Sequence[str], tags: Sequence[str]) -> tuple[str, list[Span]]:
    """The words with a space between them, and the spans their tags mark. An I- tag that continues nothing begins."""
    text, open_label = "", ""
    spans: list[Span] = []
    for word, tag in zip(words, tags, strict=True):
        start = len(text) + bool(text)
        text = f"{text} {word}" if text else word
        prefix, _, label = tag.partition("-")
        if prefix == "I" and label == open_label:
            spans[-1] = spans[-1]._replace(end=len(text))
        elif prefix in ("B", "I"):
            spans.append(Span(start, len(text), label))
        open_label = label if prefix in ("B", "I") else ""
    return text, spans


def listed(text: str, spans: Sequence[Span]) -> str:
    """Entities a line each, as models and judges read them."""
    return "\n".join(f"{span.label}: {text[span.start : span.end]}" for span in spans) or "(none)"


def _is_span(value: Any) -> bool:
    return isinstance(value, dict) and type(value.get("start")) is int and type(value.get("end")) is int and bool(
        value.get("label")
    )  # fmt: skip
