"""`few_shot` for instructions and responses: seeds for supervised fine-tuning, in the seeds' own format.

Offline it makes one kind of row only, by a template: a text and the order to quote its sentence with a given mention.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...panel import Candidate, Job, Prior, Rejected, Request, Step, Task
from .._pairs import Pairs, instruction_rubric, pair, quotation, response_rubric, spoiler
from .._seeds import Seeds
from .._strategy import Wish, draw, evidence, request, text_of
from .shots import NAME, VERSION, Shots, pool, tasks


class Instructions:
    """New instructions, responses to instructions that have none, or both."""

    def __init__(self, config: Shots, seeds: Seeds, wish: Wish) -> None:
        self.pairs = Pairs(NAME, seeds, wish)
        self.config, self.seeds, self.wish = config, seeds, wish
        self.asked, self.answers = self.pairs.asked, self.pairs.answers
        self.pool = pool([[one] if one.strip() else [] for one in self.answers], (), free=True)
        self.pool.need(config.mode, "response")
        if config.mode != "labelled":
            wish.refuse_offline(NAME, "write instructions or responses", "It can make quotations: mode labelled.")
        self.instruct = wish.prompts.load("synthesize/instruction")
        self.respond = wish.prompts.load("synthesize/response")
        used = {"unlabelled": [self.instruct], "label": [self.respond], "labelled": [self.instruct, self.respond]}
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, *used[config.mode])

    def ask(self, task: Task, prior: Prior) -> Request:
        return request(self.instruct, self.pairs.shown(task), self.config)

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
            gates=self.pairs.gates(*made),
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
