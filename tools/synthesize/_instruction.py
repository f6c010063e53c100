"""`few_shot` for instructions and responses: seeds for supervised fine-tuning, in the seeds' own format.

Offline it makes one kind of row only, by a template: a text and the order to quote its sentence with a given mention.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..panel import Candidate, Gate, Job, Prior, Rejected, Request, Step, Task
from ..text.mentions import mentions
from . import _gates
from ._seeds import Seeds
from ._shots import NAME, VERSION, Shots, pool, tasks
from ._strategy import Wish, draw, evidence, request, rubric, text_of

CRITERIA: Final = {
    "follows": "Does the response do all that the instruction asks?",
    "correct": "Is everything the response states correct?",
    "complete": "Is the response complete, without placeholders and without a part left out?",
    "clear": "Is the instruction clear and possible to carry out from what it says?",
}
INSTRUCTION_CRITERIA: Final = {
    "clear": "Is the instruction clear to a reader who sees nothing else?",
    "complete": "Does the instruction hold everything needed to carry it out?",
    "reasonable": "Can it be carried out in writing, by someone who can only write?",
}

CUT: Final = 12
"""Words of the shortest response that is cut in the middle for a control: a shorter half may be an answer."""

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]?")


class Instructions:
    """New instructions, responses to instructions that have none, or both."""

    def __init__(self, config: Shots, seeds: Seeds, wish: Wish) -> None:
        seeds.need_instructions(NAME)
        self.config, self.seeds, self.wish = config, seeds, wish
        self.asked, self.answers = seeds.texts("prompt"), seeds.texts("response")
        self.pool = pool([[one] if one.strip() else [] for one in self.answers], (), free=True)
        self.pool.need(config.mode, "response")
        if config.mode != "labelled":
            wish.refuse_offline(NAME, "write instructions or responses", "It can make quotations: mode labelled.")
        self.instruct = wish.prompts.load("synthesize/instruction")
        self.respond = wish.prompts.load("synthesize/response")
        used = {"unlabelled": [self.instruct], "label": [self.respond], "labelled": [self.instruct, self.respond]}
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, *used[config.mode])

    def ask(self, task: Task, prior: Prior) -> Request:
        parts = [("example_instruction", self.asked[i]) for i in task.data["examples"]]
        return request(self.instruct, parts, self.config)

    def answer(self, task: Task, prior: Prior) -> Request:
        parts: list[tuple[str, str]] = []
        for i in task.data["examples"]:
            parts += [("example_instruction", self.asked[i]), ("example_response", self.answers[i])]
        return request(self.respond, [*parts, ("instruction", self._instruction(task, prior))], self.config)

    def parse(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        return text_of(answer)

    def candidate(self, task: Task, prior: Prior) -> Candidate | Rejected:
        like = task.data.get("row", next(iter(task.data["examples"]), 0))
        instruction, response = self._instruction(task, prior), prior.get("response")
        if self.config.mode == "label":
            return self._labelled(task.data["row"], instruction, str(response))
        return self.made(like, instruction, response)

    def offline(self, task: Task) -> Prior | Rejected:
        row = task.data.get("row", next(iter(task.data["examples"]), 0))
        return quotation(self.answers[row], self.wish.rng(NAME, f"quote {task.position}"))

    def made(self, like: int, instruction: str, response: str | None) -> Candidate:
        record = self.seeds.conversation(like, instruction, response)
        return pair(record, instruction, response, self.evidence)

    def instruction_shown(self, task: Task, prior: Prior) -> Mapping[str, str]:
        return {"instruction": self._instruction(task, prior)}

    def job(self) -> Job:
        mode = self.config.mode
        steps = {"unlabelled": self._steps[:1], "label": self._steps[1:], "labelled": self._steps}[mode]
        made = [label for label, at in (("instruction", "label"), ("response", "unlabelled")) if mode != at]
        gates: list[Gate] = [_gates.length(*made), _gates.scaffold(*made), _gates.answered(*made)]
        if mode != "label":
            gates.append(_gates.no_copy("instruction", self._examples))
        answered = mode != "unlabelled"
        controls = [
            self.made(i, self.asked[i], self.answers[i] if answered else None)
            for i in draw(self.wish, self.pool.labelled)
        ]
        both = mode == "labelled"
        sources = self.pool.labelled if self.wish.offline else None
        return Job(
            name=NAME,
            tasks=lambda: tasks(self.config, self.pool, self.wish, self.seeds, sources=sources),
            steps=steps,
            candidate=self.candidate,
            rubric=response_rubric(self.wish) if answered else instruction_rubric(self.wish),
            gates=gates,
            instruction=self.instruction_shown if both else None,
            instruction_rubric=instruction_rubric(self.wish) if both else None,
            instruction_after="instruction" if both else "",
            controls=controls,
            corrupted=spoiler([text for text in self.answers if text.strip()]),
            near_duplicate=0.7 if mode != "label" else None,
            seeds=self.asked if mode != "label" else (),
            fields=("prompt", "response") if answered else ("prompt",),
            offline=self.offline if both else None,
        )

    @property
    def _steps(self) -> tuple[Step, ...]:
        return (Step("instruction", self.ask, self.parse), Step("response", self.answer, self.parse))

    def _instruction(self, task: Task, prior: Prior) -> str:
        return self.asked[task.data["row"]] if self.config.mode == "label" else str(prior["instruction"])

    def _labelled(self, row: int, instruction: str, response: str) -> Candidate | Rejected:
        """The seed's own record with the response it lacked."""
        return pair(self.seeds.with_response(row, response), instruction, response, self.evidence)

    def _examples(self, task: Task) -> list[str]:
        return [self.asked[i] for i in task.data["examples"]]


def pair(record: Mapping[str, Any], instruction: str, response: str | None, told: Mapping[str, Any]) -> Candidate:
    """A candidate of an instruction with its response."""
    shown = {"instruction": instruction, **({"response": response} if response is not None else {})}
    return Candidate(record, shown, "\n\n".join(shown.values()), told)


def quotation(text: str, rng: random.Random) -> Prior | Rejected:
    """An order to quote the one sentence of a text that mentions something, and that sentence: without a model."""
    sentences = [one for match in _SENTENCE.finditer(text) if len((one := match[0].strip()).split()) >= 4]
    choices = [
        (sentence, sentence[one.start : one.end])
        for sentence in sentences
        for one in mentions(sentence)
        if sum(one.key in mentioned(other) for other in sentences) == 1
    ]
    if len(sentences) < 2 or not choices:
        return Rejected("no_evidence", "The text has no two sentences of which one alone mentions something.")
    sentence, mention = rng.choice(choices)
    instruction = f"Quote the sentence of the following text that mentions {mention}.\n\n{text.strip()}"
    return {"instruction": instruction, "response": sentence}


def mentioned(text: str) -> str:
    """As mentions are looked for: case and the commas of figures aside."""
    return text.casefold().replace(",", "")


def spoiler(answers: Sequence[str]) -> Callable[[Candidate, random.Random], Candidate | None]:
    """Makes controls: the response cut in the middle, its words in another order, or another row's response; of an
    instruction alone, its words in another order. `record` stays that of the whole candidate."""

    def corrupted(candidate: Candidate, rng: random.Random) -> Candidate | None:
        label = "response" if "response" in candidate.shown else "instruction"
        text = candidate.shown[label]
        words = text.split()
        spoiled = [disordered(words, rng)]
        if label == "response":
            other = rng.choice(answers) if answers else ""
            spoiled += [" ".join(words[: len(words) // 2]).rstrip(".!?:;") if len(words) >= CUT else "", other]
        wrong = [one for one in spoiled if one.strip() and one.split() != words]
        if not wrong:
            return None
        shown = {**candidate.shown, label: rng.choice(wrong)}
        return Candidate(candidate.record, shown, "\n\n".join(shown.values()), candidate.data)

    return corrupted


def disordered(words: Sequence[str], rng: random.Random) -> str:
    """Words in another order."""
    return " ".join(rng.sample(words, len(words)))


def response_rubric(wish: Wish) -> Any:
    return rubric(wish, "response", **CRITERIA)


def instruction_rubric(wish: Wish) -> Any:
    return rubric(wish, "instruction", **INSTRUCTION_CRITERIA)
