"""The one declaration of a strategy, and what strategies share: drawing, asking, reading answers.

It knows what a strategy is given (a config, seeds, a wish) and gives (a Job). It does not know how models are asked.
A strategy `refine` is declared in `_refine`, a module or a package.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import inspect
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...prompts import Prompt, PromptError, Prompts
from ...prompts.fences import fenced
from ..errors import Misuse, nearest
from ..panel import Criterion, Job, Rejected, Request, Rubric
from ..store.rows import Rows
from . import _gates
from ._seeds import Seeds

NAMES: Final = ("expand", "few_shot", "refine", "rephrase", "skillmix")

Contaminated = Callable[[str], Mapping[str, Any] | None]
"""Evidence that a text holds an item of a benchmark, or None."""

Item = TypeVar("Item")


class Config(BaseModel):
    """What every strategy can be told; each adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(0.7, ge=0, le=2, description="of the generator")
    max_tokens: int = Field(1024, ge=1, description="the longest answer")


@dataclass(frozen=True)
class Wish:
    """What is wanted of a strategy beside its config.

    `wanted`: rows to be accepted, None where the plan ends by itself. `field`: which text of the seeds is meant, where
    a strategy leaves that open. `offline`: draft from the seeds without a model.
    """

    seed: int = 0
    wanted: int | None = None
    field: str = "default"
    prompts: Prompts = dataclasses.field(default_factory=Prompts)
    contaminated: Contaminated | None = None
    offline: bool = False

    def rng(self, strategy: str, position: int | str) -> random.Random:
        """The generator of one task: it depends on the seed, the strategy and the task's position alone."""
        told = f"{self.seed}\0{strategy}\0{position}".encode()
        return random.Random(int.from_bytes(hashlib.sha256(told).digest()[:8], "big"))

    def endless(self, strategy: str) -> Iterator[int]:
        """0, 1, 2, …: positions of a plan that goes on until enough rows were accepted."""
        if self.wanted is None or self.wanted < 1:
            raise Misuse(f"{strategy} makes as many rows as are wanted.", next_step="Say how many: --n 200")
        return itertools.count()

    def refuse_offline(self, strategy: str, what: str, instead: str) -> None:
        """Raises Misuse when a draft is wanted that cannot be made without a model."""
        if self.offline:
            raise Misuse(f"{strategy} cannot {what} without a model.", next_step=instead)


Build = Callable[[Any, Seeds, Wish], Job]


@dataclass(frozen=True)
class Strategy:
    """A declared strategy: `build(config, seeds, wish) -> Job`."""

    name: str
    version: int
    config: type[Config]
    build: Build

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def doc(self) -> str:
        return inspect.cleandoc(self.build.__doc__ or "")


_declared: dict[str, Strategy] = {}


def strategy(name: str, *, version: int = 1, config: type[Config]) -> Callable[[Build], Build]:
    """Declare a strategy. `version` is raised whenever the same config and seeds may give another plan or request."""

    def declare(function: Build) -> Build:
        _declared[name] = Strategy(name, version, config, function)
        return function

    return declare


def get(name: str) -> Strategy:
    """The strategy of this name. Raises Misuse naming the nearest."""
    if name not in NAMES:
        raise Misuse(f"There is no strategy {name!r}.", next_step=nearest(name, NAMES))
    importlib.import_module(f"._{name}", __package__)
    return _declared[name]


def strategies() -> list[Strategy]:
    """All of them, by name."""
    return [get(name) for name in NAMES]


def build(
    name: str, config: Mapping[str, Any], rows: Rows, *, also: Rows | None = None, wish: Wish | None = None
) -> Job:
    """A panel's job from a strategy, its config and seed rows, those of `also` among them; a pure function of them.

    With `wish.offline` the job's name and the evidence of each row say so, and a strategy that cannot draft from the
    seeds by rules raises Misuse. Raises Misuse for unknown names, a config that does not fit and seeds of another kind.
    """
    chosen = get(name)
    wish = wish or Wish()
    try:
        job = chosen.build(_validated(chosen, config), Seeds(rows, also), wish)
    except PromptError as error:
        raise Misuse(error.message, next_step=error.next_step) from None
    gates = (*job.gates, *([_gates.contamination(wish.contaminated)] if wish.contaminated else []))
    return replace(job, name=f"{chosen.id}{' offline' if wish.offline else ''}", gates=gates, wanted=wish.wanted)


def _validated(chosen: Strategy, config: Mapping[str, Any]) -> Config:
    for key in config:
        if key not in chosen.config.model_fields:
            raise Misuse(f"{chosen.name} has no option {key!r}.", next_step=nearest(key, chosen.config.model_fields))
    try:
        return chosen.config.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Misuse(f"{chosen.name}: {where}: {first['msg']} (given: {first['input']!r}).") from None


# What strategies are written with.


def request(
    system: Prompt, parts: Iterable[tuple[str, str]], config: Config, schema: type[BaseModel] | None = None
) -> Request:
    """A question whose system message is the prompt and whose user message is (label, text) in fences, nothing else."""
    messages = [{"role": "system", "content": system.text}, {"role": "user", "content": fenced(parts)}]
    return Request(messages, schema, config.temperature, config.max_tokens)


def text_of(answer: Mapping[str, Any]) -> str | Rejected:
    """The answer's text without the space around it."""
    text = str(answer.get("text") or "").strip()
    return text or Rejected("empty", "The answer holds no text.")


def data_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer's validated data."""
    return dict(answer["data"])


def evidence(id: str, wish: Wish, *prompts: Prompt, **more: Any) -> dict[str, Any]:
    """What is kept with a row: how it was made, and the sha of every prompt that made it."""
    shas = {prompt.name: prompt.sha for prompt in prompts}
    made = {"strategy": id, "seed": wish.seed}
    return {**made, **({"offline": True} if wish.offline else {"prompts": shas}), **more}


def rubric(wish: Wish, name: str, **criteria: str) -> Rubric:
    """What judges are asked: the prompt file `synthesize/judge_NAME`, and yes/no questions by id."""
    prompt = wish.prompts.load(f"synthesize/judge_{name}")
    return Rubric(prompt.name, prompt.text, prompt.sha, tuple(Criterion(*one) for one in criteria.items()))


def some(rng: random.Random, population: Sequence[Item], count: int) -> list[Item]:
    """Up to `count` of them, drawn without replacement."""
    return rng.sample(population, min(count, len(population)))


def draw(wish: Wish, population: Sequence[int], count: int = 20) -> list[int]:
    """Seeds for controls, the same for the same seed."""
    return some(wish.rng("controls", 0), population, count)
