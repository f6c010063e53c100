"""The strategy `expand`: more instructions like a pair of seeds, with responses.

It knows how several proposals become one row. Offline it makes quotations from the seeds' responses, as `few_shot` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField

from ..panel import Candidate, Job, Prior, Rejected, Request, Step, Task
from . import _gates
from ._pairs import Pairs, pair, quotation
from ._seeds import Seeds
from ._strategy import Config, Wish, data_of, evidence, request, some, strategy, text_of

NAME: Final = "expand"
VERSION: Final = 1
SHOWN: Final = 2
FEWEST, MOST = 3, 5


class Expansion(Config):
    """The config of `expand`."""

    temperature: float = PydanticField(0.8, ge=0, le=2, description="of the generator")


class Proposals(BaseModel):
    """What is asked for first: 3 to 5 instructions."""

    model_config = ConfigDict(extra="forbid")

    instructions: list[str]


@strategy(NAME, version=VERSION, config=Expansion)
def expand(config: Expansion, seeds: Seeds, wish: Wish) -> Job:
    """Make new instructions from pairs of seeds, and answer them.

    Two seeds are shown, 3 to 5 new instructions of their kind come back, and the one that is least like the two (share
    of words in common; ties go to the first) is answered; the others are kept as evidence. Temperature 0.8. After the
    expansion operator of EasyDistill (Wang et al. 2025, arXiv 2505.20888).
    """
    return _Expand(config, seeds, wish).job()


class _Expand:
    def __init__(self, config: Expansion, seeds: Seeds, wish: Wish) -> None:
        self.pairs = Pairs(NAME, seeds, wish)
        self.config, self.seeds, self.wish = config, seeds, wish
        self.propose = wish.prompts.load("synthesize/expand")
        self.respond = wish.prompts.load("synthesize/response")
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, self.propose, self.respond)

    def tasks(self) -> Iterator[Task]:
        for position in self.wish.endless(NAME):
            rows = some(self.wish.rng(NAME, position), self.pairs.usable, SHOWN)
            yield Task(position, {"examples": rows}, tuple(self.seeds.parent(i) for i in rows))

    def ask(self, task: Task, prior: Prior) -> Request:
        return request(self.propose, self.pairs.shown(task), self.config, Proposals)

    def choose(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        proposed = [text.strip() for text in data_of(answer)["instructions"]]
        if not FEWEST <= len(proposed) <= MOST or not all(proposed):
            said = f"{FEWEST} to {MOST} instructions were asked for; {len([one for one in proposed if one])} came."
            return Rejected("wrong_count", said, {"count": len(proposed)})
        shown = [set(_gates.words(text)) for text in self.pairs.examples(task)]
        likeness = [max((_jaccard(set(_gates.words(one)), other) for other in shown), default=0) for one in proposed]
        best = min(range(len(proposed)), key=lambda i: (likeness[i], i))
        return {"instruction": proposed[best], "others": proposed[:best] + proposed[best + 1 :]}

    def answer(self, task: Task, prior: Prior) -> Request:
        return request(self.respond, [("instruction", prior["instruction"]["instruction"])], self.config)

    def read(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        return text_of(answer)

    def candidate(self, task: Task, prior: Prior) -> Candidate | Rejected:
        like = task.data["examples"][0]
        told = prior["instruction"]
        record = self.seeds.conversation(like, told["instruction"], prior["response"])
        return pair(record, told["instruction"], prior["response"], {**self.evidence, "others": told["others"]})

    def offline(self, task: Task) -> Prior | Rejected:
        made = quotation(self.pairs.answers[task.data["examples"][0]], self.wish.rng(NAME, f"quote {task.position}"))
        if isinstance(made, Rejected):
            return made
        return {**made, "instruction": {"instruction": made["instruction"], "others": []}}

    def job(self) -> Job:
        made = self.pairs.job(
            NAME,
            self.evidence,
            tasks=self.tasks,
            steps=(Step("instruction", self.ask, self.choose), Step("response", self.answer, self.read)),
            candidate=self.candidate,
            instruction=lambda prior: str(prior["instruction"]["instruction"]),
            after="instruction",
        )
        return replace(made, offline=self.offline)


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0
