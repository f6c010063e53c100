"""Instructions with responses: what the strategies that make them share.

It knows the seeds as such pairs, their gates, rubrics and controls, and the job these make. What a strategy asks its
generator is its own file's business.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..panel import Candidate, Gate, Job, Prior, Rejected, Rubric, Step, Task
from ..text.mentions import mentions
from . import _gates
from ._seeds import Seeds
from ._strategy import Wish, draw, rubric

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

Spoiler = Callable[[Candidate, random.Random], Candidate | None]

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]?")


class Pairs:
    """Seeds that are instructions with responses. Raises Misuse where they are not."""

    def __init__(self, strategy: str, seeds: Seeds, wish: Wish) -> None:
        seeds.need_instructions(strategy)
        self.seeds, self.wish = seeds, wish
        self.asked, self.answers = seeds.texts("prompt"), seeds.texts("response")
        self.usable = [i for i, text in enumerate(self.asked) if text.strip()]

    def examples(self, task: Task) -> list[str]:
        """The instructions that a task's prompt shows."""
        return [self.asked[i] for i in task.data["examples"]]

    def shown(self, task: Task) -> list[tuple[str, str]]:
        """The same as parts of a request."""
        return [("example_instruction", text) for text in self.examples(task)]

    def gates(self, *made: str) -> list[Gate]:
        """The checks of what was made of a pair."""
        gates = [_gates.length(*made), _gates.scaffold(*made), _gates.answered(*made)]
        return [*gates, _gates.no_copy("instruction", self.examples)] if "instruction" in made else gates

    def job(
        self,
        name: str,
        told: Mapping[str, Any],
        *,
        tasks: Callable[[], Iterator[Task]],
        steps: Sequence[Step],
        candidate: Callable[[Task, Prior], Candidate | Rejected],
        instruction: Callable[[Prior], str],
        after: str,
    ) -> Job:
        """A job that makes new pairs; `instruction` finds the one to be answered once the step `after` is done. Controls
        are whole seeds with the evidence `told`."""
        answered = [i for i in self.usable if self.answers[i].strip()]
        return Job(
            name=name,
            tasks=tasks,
            steps=steps,
            candidate=candidate,
            rubric=response_rubric(self.wish),
            gates=self.gates("instruction", "response"),
            instruction=lambda task, prior: {"instruction": instruction(prior)},
            instruction_rubric=instruction_rubric(self.wish),
            instruction_after=after,
            controls=[
                pair(self.seeds.record(i), self.asked[i], self.answers[i], told) for i in draw(self.wish, answered)
            ],
            corrupted=spoiler([self.answers[i] for i in answered]),
            seeds=self.asked,
            fields=("prompt",),
        )


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


def spoiler(answers: Sequence[str]) -> Spoiler:
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


def response_rubric(wish: Wish) -> Rubric:
    return rubric(wish, "response", **CRITERIA)


def instruction_rubric(wish: Wish) -> Rubric:
    return rubric(wish, "instruction", **INSTRUCTION_CRITERIA)
