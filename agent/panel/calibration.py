"""Calibration: the cut that people's verdicts on rows call for, and how many independent judges the reviewers are worth.

It knows scores, labels and the identity of what was calibrated; a calibration of anything else is stale.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

from ...tools.errors import Misuse, Refused
from ...tools.panel import Candidate, Job, PolicyName
from ...tools.statistics import wilson
from ...tools.store.calls import canonical
from .ask import ADJUDICATOR, Ask, all_of
from .batch import Batch, in_batches, reviews
from .eligible import Bench
from .policy import DIGITS, decide

Z90: Final = 1.645
"""One-sided 95 %: the lower bound that the target precision has to stay below."""
TARGET: Final = 0.9
ENOUGH: Final = 200
"""With fewer gold rows a cut for a precision of .9 is seldom found: in 31 % of simulated runs with 100, never with 30."""
FEWEST: Final = 30
TOP: Final = 10.0


@dataclass(frozen=True, slots=True)
class Gold:
    """A candidate and whether people call it good."""

    candidate: Candidate
    good: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A gold row with what the judges made of it: score by reviewer, and the adjudicator's vote where there is one."""

    good: bool
    scores: Mapping[str, float]
    vote: float | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """`precision` is the share of good rows among the accepted gold rows, `least` its Wilson lower bound; `worth` is the
    number of independent reviewers that as many correlated ones are worth. `of` names what it holds for."""

    strategy: str
    of: Mapping[str, str]
    cut: float
    target: float
    rows: int
    accepted: int
    precision: float
    least: float
    recall: float
    correlation: float | None
    worth: float

    def line(self) -> str:
        few = f" ({self.rows} gold rows are few; {ENOUGH} are enough for most)" if self.rows < ENOUGH else ""
        told = "" if self.correlation is None else f"; reviewers' errors correlate {self.correlation:.2f}"
        return (
            f"calibration: cut {self.cut:.2f} keeps {self.recall:.0%} of the good rows at a precision of at least "
            f"{self.least:.2f}{few}{told}, worth {self.worth:.1f} independent ones"
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Calibration:
        """Raises Misuse for what is no calibration."""
        try:
            return cls(**told)
        except TypeError as error:
            raise Misuse(f"This is no calibration: {error}.", next_step="Calibrate again.") from None

    def stale(self, job: Job, bench: Bench) -> list[str]:
        """What has changed since, in words; nothing: it holds."""
        now = identity(job, bench)
        return [name for name in now if now[name] != self.of.get(name)]


def identity(job: Job, bench: Bench) -> dict[str, str]:
    """What a calibration depends on."""
    rubric = [job.rubric.name, job.rubric.sha, [[one.id, one.question] for one in job.rubric.criteria]]
    return {
        "strategy": job.name,
        "rubric": hashlib.sha256(canonical(rubric).encode()).hexdigest()[:16],
        "models": canonical([bench.generators, bench.reviewers, bench.adjudicators]),
        "policy": canonical([bench.policy, bench.size, job.policy.band, job.policy.k]),
        "batch": canonical([job.batch, job.votes, job.every_vote]),
    }


async def judged(job: Job, bench: Bench, ask: Ask, gold: Sequence[Gold], *, seed: int) -> list[Judged]:
    """Show gold rows to the judges. Rows that no reviewer gave a readable answer about are left out."""
    together = in_batches(((one, one[1].candidate.shown) for one in enumerate(gold)), job)
    found = await all_of([_judge(job, bench, ask, one, batch, seed, i) for (i, one), batch in together])
    return [one for one in found if one.scores]


def fit(job: Job, bench: Bench, rows: Sequence[Judged], *, target: float = TARGET) -> Calibration:
    """The lowest cut at which the accepted rows' precision is at least `target`, by the Wilson lower bound (1927).

    Raises Refused when there are too few rows, or no cut gets there.
    """
    if len(rows) < FEWEST:
        raise Refused(
            f"{len(rows)} gold rows cannot calibrate {job.name}; {FEWEST} are the least, about {ENOUGH} are needed for a "
            f"precision of {target:g}.",
            next_step="Rule on more rows ('tilth review'), or let controls set the cut.",
        )
    for cut in cuts(rows, bench.policy, job):
        accepted = [row.good for row in rows if _accepts(row, cut, bench.policy, job)]
        least, _ = wilson(sum(accepted), len(accepted), Z90)
        if accepted and least >= target:
            break
    else:
        raise Refused(
            f"No cut reaches a precision of {target:g} on {len(rows)} gold rows.",
            next_step=f"Rule on more rows (about {ENOUGH} are needed), use other reviewers, or ask for less.",
        )
    correlation = error_correlation(rows)
    good = sum(row.good for row in rows)
    return Calibration(
        strategy=job.name,
        of=identity(job, bench),
        cut=cut,
        target=target,
        rows=len(rows),
        accepted=len(accepted),
        precision=sum(accepted) / len(accepted),
        least=least,
        recall=sum(accepted) / good,
        correlation=correlation,
        worth=effective(bench.size, correlation),
    )


def cuts(rows: Sequence[Judged], policy: PolicyName, job: Job) -> list[float]:
    """Cuts worth trying, ascending: half-way between neighbouring scores that rows can come to."""
    levels: set[float] = set()
    for row in rows:
        scores = list(row.scores.values())
        levels.update(scores if policy == "k_of_n" else [decide("mean", job.policy, 0.0, scores).score])
        if row.vote is not None:
            levels.add(decide(policy, job.policy, 0.0, scores, row.vote).score)
    ordered = sorted(levels)
    return [round((low + high) / 2, DIGITS) for low, high in zip([0.0, *ordered], ordered, strict=False)]


def error_correlation(rows: Sequence[Judged]) -> float | None:
    """The mean over pairs of reviewers of the correlation (Pearson) of their errors; None where nothing varies."""
    errors: dict[str, dict[int, float]] = {}
    for i, row in enumerate(rows):
        for name, score in row.scores.items():
            errors.setdefault(name, {})[i] = score - TOP * row.good
    found = []
    for one, other in combinations(sorted(errors), 2):
        both = sorted(errors[one].keys() & errors[other].keys())
        value = _pearson([errors[one][i] for i in both], [errors[other][i] for i in both])
        if value is not None:
            found.append(value)
    return math.fsum(found) / len(found) if found else None


def effective(reviewers: int, correlation: float | None) -> float:
    """n_eff = R / (1 + (R - 1) rho), of R reviewers whose errors correlate by rho; a negative rho counts as none."""
    return reviewers / (1 + (reviewers - 1) * max(correlation or 0.0, 0.0))


def _accepts(row: Judged, cut: float, policy: PolicyName, job: Job) -> bool:
    scores = list(row.scores.values())
    decision = decide(policy, job.policy, cut, scores)
    if decision.near and row.vote is not None:
        decision = decide(policy, job.policy, cut, scores, row.vote)
    return decision.accepted


async def _judge(job: Job, bench: Bench, ask: Ask, gold: Gold, batch: Batch | None, seed: int, number: int) -> Judged:
    seats = bench.seats(seed, batch.name if batch is not None else f"{job.name}/gold/{number}")
    shown = gold.candidate.shown
    found = await reviews(ask, seats, job.rubric, shown, batch)
    scores = {one["model"]: one["score"] for one in found if "score" in one}
    if seats.adjudicator is None or not scores:
        return Judged(gold.good, scores)
    others = found if bench.policy == "replace" else ()
    vote = await ask.review(seats.adjudicator, "panel/adjudicate", job.rubric, shown, ADJUDICATOR, others)
    return Judged(gold.good, scores, vote.get("score"))


def _pearson(one: Sequence[float], other: Sequence[float]) -> float | None:
    if len(one) < 2:
        return None
    means = math.fsum(one) / len(one), math.fsum(other) / len(other)
    pairs = [(a - means[0], b - means[1]) for a, b in zip(one, other, strict=True)]
    spread = math.fsum(a * a for a, _ in pairs) * math.fsum(b * b for _, b in pairs)
    return None if spread <= 0 else math.fsum(a * b for a, b in pairs) / math.sqrt(spread)
