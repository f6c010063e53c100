"""Who may draft and who may judge: the models of each role, and the seats of one row.

It knows names, seeds and the table of DESIGN section 4. It asks nobody, and no model stands in for another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...tools.errors import Misuse
from ...tools.panel import Policy, PolicyName, Task
from ..models.offline import NAME as OFFLINE

if TYPE_CHECKING:
    from .batch import Batch


@dataclass(frozen=True, slots=True)
class Seats:
    """The models, by name, that one row is drafted and judged by. `generator` is "" where nothing is drafted."""

    generator: str
    reviewers: tuple[str, ...]
    adjudicator: str | None = None
    self_reviewed: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One entry of a plan with its seats; `index` counts the plan, `name` is the task's own name for ever, `batch` what
    its reviewers see it among."""

    index: int
    name: str
    task: Task
    seats: Seats
    batch: Batch | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """The models of a run, sorted and without doubles, and how many reviewers every row has.

    `policy` is what their number allows; a row whose adjudicator drafted or reviews it is decided by the mean.
    """

    generators: tuple[str, ...]
    reviewers: tuple[str, ...]
    adjudicators: tuple[str, ...]
    size: int
    policy: PolicyName
    self_reviewed: bool = False

    def seats(self, seed: int, task: str) -> Seats:
        """The seats of a row: a function of the seed, the task and the models, in whatever order they were named."""
        generator = next(iter(_drawn(self.generators, seed, task, "generator")), "")
        judges = [name for name in _drawn(self.reviewers, seed, task, "reviewer") if not same_model(name, generator)]
        own = not judges and self.self_reviewed
        if own:
            judges = [generator]
        # Who may adjudicate reviews only when nobody else is left: then more rows have an adjudicator.
        judges.sort(key=lambda name: name in self.adjudicators)
        reviewers = tuple(judges[: self.size])
        if self.policy not in ("near_cut_vote", "replace"):
            return Seats(generator, reviewers, None, own)
        spoken = (generator, *reviewers)
        votes = _drawn(self.adjudicators, seed, task, "adjudicator")
        free = (name for name in votes if not any(same_model(name, other) for other in spoken))
        return Seats(generator, reviewers, next(free, None), own)


def bench(
    roles: Mapping[str, Sequence[str]], policy: Policy, *, drafts: bool, allow_self_review: bool = False
) -> Bench:
    """Who takes part, from the names of each role. Without a draft (`drafts`) every model may judge.

    Raises Misuse when nobody is there to draft or to judge, or when the models cannot play the policy asked for.
    """
    generators = _distinct(roles.get("generator", ())) if drafts else ()
    if drafts and not generators:
        raise Misuse(
            "No model generates.", next_step='Write [roles] generator = ["openai:MODEL@ENDPOINT"] in tilth.toml.'
        )
    judging = ("reviewer", "adjudicator") if drafts else ("reviewer", "adjudicator", "generator")
    reviewers = next((named for role in judging if (named := _distinct(roles.get(role, ())))), ())
    adjudicators = _distinct(roles.get("adjudicator", ()))
    if not reviewers and not (drafts and allow_self_review):
        next_step = 'Write [roles] reviewer = ["openai:MODEL@ENDPOINT"] in tilth.toml'
        own = ", or let the generator's judge its own drafts: --allow-self-review" if drafts else "."
        raise Misuse("No model reviews.", next_step=next_step + own)
    others = {name: sum(not same_model(name, one) for one in reviewers) for name in generators}
    alone = [name for name, count in others.items() if count == 0]
    if alone and not allow_self_review:
        raise Misuse(
            f"{alone[0]} would review its own rows: no reviewer is another model.",
            next_step="Add a reviewer of another model to [roles] in tilth.toml, or allow self-review; "
            "rows and card then say self_reviewed.",
        )
    most = min(others.values(), default=len(reviewers))
    size = 1 if alone else min(most, max(policy.reviewers, 1))
    found = Bench(generators, reviewers, adjudicators, size, "mean", bool(alone))
    return Bench(generators, reviewers, adjudicators, size, _policy(found, policy), bool(alone))


def same_model(one: str, other: str) -> bool:
    """Do two names mean one model, wherever it is served? Signals measured offline are nobody's opinion."""
    return one != OFFLINE and _bare(one) == _bare(other)


def _policy(found: Bench, asked: Policy) -> PolicyName:
    """The policy asked for, else what the table gives. Raises Misuse."""
    can_adjudicate = _may_adjudicate(found)
    if asked.name is None:
        if found.size == 1:
            return "single"
        return "near_cut_vote" if can_adjudicate else "mean"
    if asked.name in ("near_cut_vote", "replace") and not can_adjudicate:
        raise Misuse(
            f"The policy {asked.name} needs an adjudicator that neither drafts nor reviews the row.",
            next_step='Add one to [roles] adjudicator in tilth.toml, or use the policy "mean".',
        )
    if asked.name == "k_of_n" and not 1 <= asked.k <= found.size:
        raise Misuse(
            f"k_of_n: {asked.k} of {found.size} reviewers cannot accept.", next_step="k lies from 1 to their number."
        )
    return asked.name


def _may_adjudicate(found: Bench) -> bool:
    """Is there an adjudicator that some row's generator and reviewers leave free?"""
    for adjudicator in found.adjudicators:
        for generator in found.generators or ("",):
            left = [
                one for one in found.reviewers if not same_model(one, generator) and not same_model(one, adjudicator)
            ]
            if not same_model(adjudicator, generator) and len(left) >= found.size:
                return True
    return False


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted; of one model under two names the first."""
    kept: list[str] = []
    for name in sorted(names):
        if name not in kept and not any(same_model(name, other) for other in kept):
            kept.append(name)
    return tuple(kept)


def _drawn(names: Sequence[str], seed: int, task: str, role: str) -> list[str]:
    """The names in an order of their own for every (seed, task, role)."""

    def rank(name: str) -> bytes:
        return hashlib.sha256("\0".join((str(seed), task, role, name)).encode()).digest()

    return sorted(names, key=rank) if len(names) > 1 else list(names)


def _bare(name: str) -> str:
    """The model's own name: "openai:small@lab" and "vllm:small" are both "small"."""
    kind, colon, rest = name.partition(":")
    if not colon or kind not in ("openai", "vllm"):
        return name
    return rest.rpartition("@")[0] if kind == "openai" and "@" in rest else rest
