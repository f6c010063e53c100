"""`few_shot` for extractive questions and answers: the answer stands verbatim in the passage, at a known character.

It knows SQuAD's columns (context, question, answers {text, answer_start}), or a plain text column for the answer with
`answer_start` beside it. Offline it makes clozes: a sentence of the passage with one mention blanked out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ...errors import Misuse
from ...panel import Candidate, Gate, Job, Prior, Rejected, Request, Step, Task
from ...text.mentions import mentions
from .. import _gates
from .._seeds import Seeds
from .._strategy import Wish, data_of, draw, evidence, request, rubric
from .shots import NAME, VERSION, Shots, pool, tasks

GAP: Final = "_____"

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]?")
_CRITERIA: Final = {
    "answerable": "Does the passage alone answer the question?",
    "correct": "Is the answer the right one to the question, by the passage?",
    "exact": "Does the answer hold all that is asked for and nothing else?",
    "clear": "Can the question be understood without seeing the passage or the other examples?",
}


class QuestionAnswer(BaseModel):
    """What is asked for where both are made."""

    model_config = ConfigDict(extra="forbid")

    question: str
    answer: str


class Question(BaseModel):
    """What is asked for where questions alone are made."""

    model_config = ConfigDict(extra="forbid")

    question: str


class AnswerOnly(BaseModel):
    """What is asked for where questions are to be answered."""

    model_config = ConfigDict(extra="forbid")

    answer: str


class QuestionAnswering:
    """Questions about the seeds' passages, answers to their questions, or both."""

    def __init__(self, config: Shots, seeds: Seeds, wish: Wish) -> None:
        self.config, self.seeds, self.wish = config, seeds, wish
        for column, what in ((config.context, "passage"), (config.question, "question"), (config.answers, "answer")):
            seeds.column(column, what)
        records = [seeds.record(i) for i in range(len(seeds))]
        self.contexts = [str(record.get(config.context) or "") for record in records]
        self.questions = [str(record.get(config.question) or "") for record in records]
        self.answers = [answer_of(record.get(config.answers)) for record in records]
        self.squad = any(isinstance(record.get(config.answers), dict) for record in records)
        self.pool = pool([[answer] if answer else [] for answer in self.answers], (), free=True)
        self.pool.need(config.mode, "answer")
        self.sources = [i for i, context in enumerate(self.contexts) if context.strip()]
        if not self.sources:
            raise Misuse(f"No row has a passage in {config.context!r}; there is nothing to ask about.")
        if config.mode != "labelled":
            wish.refuse_offline(NAME, "ask or answer questions", "It can make clozes: mode labelled.")
        self.prompt = wish.prompts.load(f"synthesize/qa_{config.mode}")
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, self.prompt)

    def request(self, task: Task, prior: Prior) -> Request:
        mode, row = self.config.mode, task.data["row"]
        parts: list[tuple[str, str]] = []
        for i in task.data["examples"]:
            parts += [("example_passage", self.contexts[i]), ("example_question", self.questions[i])]
            parts += [("example_answer", self.answers[i])] if mode != "unlabelled" else []
        parts.append(("passage", self.contexts[row]))
        if mode == "label":
            parts.append(("question", self.questions[row]))
        schema: dict[str, type[BaseModel]] = {"label": AnswerOnly, "unlabelled": Question, "labelled": QuestionAnswer}
        return request(self.prompt, parts, self.config, schema[mode])

    def parse(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        return {key: str(value).strip() for key, value in data_of(answer).items()}

    def candidate(self, task: Task, prior: Prior) -> Candidate | Rejected:
        row = task.data["row"]
        told = prior["question"]
        question = told.get("question", self.questions[row])
        if self.config.mode == "unlabelled":
            return self._made(self.contexts[row], question, None)
        return self._made(self.contexts[row], question, told["answer"], told.get("start"))

    def offline(self, task: Task) -> Prior | Rejected:
        """A sentence of the passage with one mention of it blanked out, and that mention."""
        context = self.contexts[task.data["row"]]
        told = mentions(context)
        gaps = [
            (sentence, one)
            for sentence in _SENTENCE.finditer(context)
            for one in told
            if sentence.start() <= one.start and one.end <= sentence.end() and len(sentence[0].split()) >= 5
        ]
        if not gaps:
            return Rejected("no_evidence", "The passage has no sentence with a figure or a name to ask for.")
        sentence, gap = self.wish.rng(NAME, f"cloze {task.position}").choice(gaps)
        question = context[sentence.start() : gap.start] + GAP + context[gap.end : sentence.end()]
        answer = {"answer": context[gap.start : gap.end], "start": gap.start}
        return {"question": {"question": question.strip(), **answer}}

    def corrupted(self, candidate: Candidate, rng: random.Random) -> Candidate | None:
        """Another part of the passage as the answer; without answers, the question's words in another order."""
        context, question = candidate.shown["passage"], candidate.shown["question"]
        answer = candidate.shown.get("answer")
        if answer is None:
            words = question.split()
            rng.shuffle(words)
            made = self._made(context, " ".join(words), None)
        else:
            wrong = [one for one in _spans(context, len(answer.split())) if not _overlap(one, answer)]
            if not wrong:
                return None
            made = self._made(context, question, rng.choice(wrong))
        return None if isinstance(made, Rejected) else made

    def job(self) -> Job:
        mode = self.config.mode
        gates: list[Gate] = [_gates.length("question", "answer", most=2_000), spans_exact]
        if mode != "label":
            gates += [_gates.scaffold("question"), _gates.answered("question")]
            gates.append(_gates.no_copy("question", self._examples))
        controls = [
            self._made(self.contexts[i], self.questions[i], self.answers[i] if mode != "unlabelled" else None)
            for i in draw(self.wish, self.pool.labelled)
        ]
        return Job(
            name=NAME,
            tasks=lambda: tasks(self.config, self.pool, self.wish, self.seeds, sources=self.sources),
            steps=(Step("question", self.request, self.parse),),
            candidate=self.candidate,
            rubric=rubric(self.wish, "qa", **self._criteria()),
            gates=gates,
            controls=[one for one in controls if isinstance(one, Candidate)],
            corrupted=self.corrupted,
            near_duplicate=0.7 if mode != "label" else None,
            seeds=self.questions if mode != "label" else (),
            fields=(self.config.context, self.config.question, self.config.answers),
            offline=self.offline if mode == "labelled" else None,
        )

    def _made(self, context: str, question: str, answer: str | None, start: int | None = None) -> Candidate | Rejected:
        config = self.config
        record: dict[str, Any] = {config.context: context, config.question: question}
        shown = {"passage": context, "question": question}
        told = dict(self.evidence)
        if answer is not None:
            at = context.find(answer) if start is None else start
            if at < 0 or not answer:
                said = {"answer": answer[:200]}
                return Rejected("answer_not_in_context", "The answer does not stand verbatim in the passage.", said)
            record |= self._placed(answer, at)
            shown["answer"] = answer
            told |= {"answer_start": at, "occurrences": context.count(answer)}
        return Candidate(record, shown, question, told)

    def _placed(self, answer: str, at: int) -> dict[str, Any]:
        if self.squad:
            return {self.config.answers: {"text": [answer], "answer_start": [at]}}
        return {self.config.answers: answer, "answer_start": at}

    def _examples(self, task: Task) -> list[str]:
        return [self.questions[i] for i in task.data["examples"]]

    def _criteria(self) -> dict[str, str]:
        told = {"unlabelled": ("answerable", "clear"), "label": ("correct", "exact"), "labelled": tuple(_CRITERIA)}
        return {id: _CRITERIA[id] for id in told[self.config.mode]}


def spans_exact(task: Task, candidate: Candidate) -> Rejected | None:
    """The answer stands in the passage where its offset says."""
    answer, at = candidate.shown.get("answer"), candidate.data.get("answer_start", 0)
    if answer is None or candidate.shown["passage"][at : at + len(answer)] == answer:
        return None
    return Rejected("answer_not_in_context", "The answer does not stand in the passage where its offset says.")


def answer_of(value: Any) -> str:
    """The first answer of SQuAD's object, or the text itself; "" for none."""
    if isinstance(value, dict):
        value = value.get("text")
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value) if isinstance(value, (str, int, float)) else ""


def _spans(context: str, words: int) -> list[str]:
    """The runs of so many words of a passage, verbatim, one after the other."""
    places = [match.span() for match in re.finditer(r"\S+", context)]
    size = max(words, 1)
    return [context[places[i][0] : places[i + size - 1][1]] for i in range(0, len(places) - size + 1, size)]


def _overlap(one: str, other: str) -> bool:
    return bool(set(_gates.words(one)) & set(_gates.words(other)))
