"""The strategy `skillmix`: instructions that need two skills at once, with responses; drafted, criticised, refined.

It knows pairs of skills and how each is drawn once before any is drawn again. Without a list of skills it asks for those
of two seeds at a time.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ..errors import Misuse
from ..panel import Candidate, Job, Prior, Rejected, Request, Step, Task
from . import _gates
from ._pairs import Pairs, pair
from ._seeds import Seeds
from ._strategy import Config, Wish, data_of, evidence, request, some, strategy

NAME: Final = "skillmix"
VERSION: Final = 1
EXAMPLES: Final = 2

QUERY_TYPES: Final = (
    "a request for information",
    "a request for advice on a decision",
    "a problem to solve step by step",
    "a text to write for a given reader",
    "a text to change in a given way",
    "a plan to make under constraints",
    "something to explain to a beginner",
    "two things to compare",
    "a mistake to find and correct",
    "an everyday situation to deal with",
)

ONE: Final = "skillmix combines two skills; there is only one."
_ROUNDS: Final = 4
_EDGES: Final = re.compile(r"^[\s\d.)*•-]+|[\s.;,]+$")


class SkillMix(Config):
    """The config of `skillmix`."""

    skills: tuple[str, ...] = Field((), description="the skills to combine (default: asked for, two seeds at a time)")
    extract: int = Field(
        0, ge=0, description="without skills: make a list of those of so many seeds first, each skill once"
    )
    query_types: tuple[str, ...] = Field(QUERY_TYPES, min_length=1, description="what an instruction can be")


class Skills(BaseModel):
    """What is asked for without a list: the chief skill of each of two seeds."""

    model_config = ConfigDict(extra="forbid")

    first_skill: str
    second_skill: str


class Draft(BaseModel):
    """An instruction with its response."""

    model_config = ConfigDict(extra="forbid")

    instruction: str
    response: str


class Refined(BaseModel):
    """What is wrong with a draft, and a better one."""

    model_config = ConfigDict(extra="forbid")

    critique: str
    instruction: str
    response: str


@strategy(NAME, version=VERSION, config=SkillMix)
def skillmix(config: SkillMix, seeds: Seeds, wish: Wish) -> Job:
    """Make instructions that need two skills at once, with responses: draft, critique, refined draft.

    Each task takes a pair of skills and a type of query. No pair comes again before all have come. Give `skills` for a
    list of your own (equal ones but for case and marks count once), or `extract` to have one made of so many seeds before
    anything else, two seeds a question; without either every task names the chief skills of two seeds first, and a pair
    of seeds takes the pair of skills' place. Two skills for each instruction, after
    Instruct-SkillMix (Kaur et al. 2024, arXiv 2408.14774).
    """
    return _SkillMix(config, seeds, wish).job()


class _SkillMix:
    def __init__(self, config: SkillMix, seeds: Seeds, wish: Wish) -> None:
        self.pairs = Pairs(NAME, seeds, wish)
        wish.refuse_offline(NAME, "combine skills", "Strategies that work offline: few_shot, expand, rephrase, refine.")
        self.config, self.seeds, self.wish = config, seeds, wish
        self.skills = distinct(config.skills)
        if (len(self.skills) if config.skills else len(self.pairs.usable)) < 2 or config.extract == 1:
            raise Misuse(ONE, next_step="Give two skills or seeds, or more.")
        self.extracted = () if config.skills else some(wish.rng(NAME, "extract"), self.pairs.usable, config.extract)
        names = [*(["skills"] if not config.skills else []), "skillmix_draft", "skillmix_refine"]
        self.prompts = {name: wish.prompts.load(f"synthesize/{name}") for name in names}
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, *self.prompts.values())

    def tasks(self, skills: Sequence[str] = ()) -> Iterator[Task]:
        """A plan over pairs of skills, of seeds where there are none."""
        many = len(skills) or len(self.pairs.usable)
        for position in self.wish.endless(NAME):
            rng = self.wish.rng(NAME, position)
            first, second = pair_at(position, many, self.wish.seed)
            data: dict[str, Any] = {"query_type": rng.choice(self.config.query_types)}
            if skills:
                data |= {"skills": [skills[first], skills[second]]}
                data["examples"] = some(rng, self.pairs.usable, EXAMPLES)
            else:
                data["examples"] = [self.pairs.usable[first], self.pairs.usable[second]]
            yield Task(position, data, tuple(self.seeds.parent(i) for i in data["examples"]))

    def plan(self, answers: Sequence[Mapping[str, Any]]) -> Callable[[], Iterator[Task]]:
        """The plan over the list of skills that was extracted; what could not be read of it is left out."""
        told = [data_of(one) for one in answers]
        skills = distinct([one[name] for one in told for name in ("first_skill", "second_skill")])
        if len(skills) < 2:
            raise Misuse(ONE, next_step="Raise the setting extract, or give a list: skills.")
        return lambda: self.tasks(skills)

    def ask_skills(self, task: Task, prior: Prior) -> Request:
        return self._skills_of(task.data["examples"])

    def _skills_of(self, seeds: Sequence[int]) -> Request:
        parts = [("example_instruction", self.pairs.asked[i]) for i in seeds]
        return request(self.prompts["skills"], parts, self.config, Skills)

    def read_skills(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        told = data_of(answer)
        found = distinct([told["first_skill"], told["second_skill"]])
        if len(found) < 2:
            return Rejected("same_skill", "The two seeds were given one skill, or none.", {"skills": list(found)})
        return list(found)

    def ask_draft(self, task: Task, prior: Prior) -> Request:
        parts = [("skill", skill) for skill in self._skills(task, prior)]
        parts.append(("query_type", task.data["query_type"]))
        parts += self.pairs.shown(task)
        return request(self.prompts["skillmix_draft"], parts, self.config, Draft)

    def ask_refined(self, task: Task, prior: Prior) -> Request:
        parts = [("skill", skill) for skill in self._skills(task, prior)]
        parts += [("instruction", prior["draft"]["instruction"]), ("response", prior["draft"]["response"])]
        return request(self.prompts["skillmix_refine"], parts, self.config, Refined)

    def read(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        told = {key: str(value).strip() for key, value in data_of(answer).items()}
        if not told["instruction"] or not told["response"]:
            return Rejected("empty", "The answer holds no instruction or no response.")
        return told

    def candidate(self, task: Task, prior: Prior) -> Candidate:
        told = prior["refined"]
        record = self.seeds.conversation(task.data["examples"][0], told["instruction"], told["response"])
        skills = {"skills": list(self._skills(task, prior)), "query_type": task.data["query_type"]}
        made = pair(record, told["instruction"], told["response"], {**self.evidence, **skills})
        shown = {**made.shown, "skills": "\n".join(skills["skills"])}
        return Candidate(made.record, shown, made.text, made.data)

    def job(self) -> Job:
        steps = [Step("draft", self.ask_draft, self.read), Step("refined", self.ask_refined, self.read)]
        couples = [self.extracted[i : i + EXAMPLES] for i in range(0, len(self.extracted) - 1, EXAMPLES)]
        made = self.pairs.job(
            NAME,
            self.evidence,
            tasks=lambda: self.tasks(self.skills),
            steps=steps if self.skills or couples else [Step("skills", self.ask_skills, self.read_skills), *steps],
            candidate=self.candidate,
            instruction=lambda prior: str(prior["draft"]["instruction"]),
            after="draft",
        )
        return replace(made, first=[self._skills_of(two) for two in couples], plan=self.plan if couples else None)

    def _skills(self, task: Task, prior: Prior) -> Sequence[str]:
        found: Sequence[str] = task.data.get("skills") or prior["skills"]
        return found


def distinct(skills: Sequence[str]) -> tuple[str, ...]:
    """Skills in the order given, each once; list marks around them are left out, case and marks are not compared."""
    found: dict[str, str] = {}
    for skill in skills:
        told = _EDGES.sub("", skill).strip()
        key = " ".join(_gates.words(told))
        if key:
            found.setdefault(key, told)
    return tuple(found.values())


def pair_at(position: int, count: int, seed: int) -> tuple[int, int]:
    """The pair of `count` things for a position: all pairs in a seeded order, then all again in another.

    The order is a permutation by a Feistel network of 4 rounds over the next power of 4, walked until it lands inside
    (Black, Rogaway 2002): no list of pairs is made, however many there are.
    """
    total = count * (count - 1) // 2
    cycle, place = divmod(position, total)
    half = max((total - 1).bit_length() + 1, 2) // 2
    while True:
        place = _feistel(place, half, f"{seed}\0{cycle}\0{count}")
        if place < total:
            break
    second = (1 + math.isqrt(1 + 8 * place)) // 2  # pairs in order: (0, 1), (0, 2), (1, 2), (0, 3), …
    return place - second * (second - 1) // 2, second


def _feistel(value: int, half: int, key: str) -> int:
    left, right, mask = value >> half, value & ((1 << half) - 1), (1 << half) - 1
    for number in range(_ROUNDS):
        digest = hashlib.blake2b(f"{key}\0{number}\0{right}".encode(), digest_size=8).digest()
        left, right = right, left ^ (int.from_bytes(digest, "big") & mask)
    return left << half | right
