"""Controls: real candidates and mechanically spoiled copies of them, shown to the judges before anything is paid for.

They tell judges that accept everything from those that see a difference, and set a cut where nobody ruled on rows. What
is spoiled mechanically is easier to see than real mistakes: the figures are optimistic, and say so.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...tools.errors import Misuse, Refused
from ...tools.panel import Candidate, Job
from .ask import Ask, all_of
from .batch import Batch, Shown, in_batches, reviews
from .eligible import Bench
from .policy import DIGITS, decide

PAIRS: Final = 20
FEWEST_PAIRS: Final = 8
LEAST_AUC: Final = 0.7
LABEL: Final = "controls, optimistic"


@dataclass(frozen=True, slots=True)
class Controls:
    """How well the judges tell `pairs` real candidates from their spoiled copies, and the cut between them."""

    pairs: int
    auc: float
    cut: float

    def line(self) -> str:
        items = f"{self.pairs} real and {self.pairs} spoiled items"
        return f"controls: AUC {self.auc:.2f} on {items}; cut {self.cut:.2f} (optimistic)"


async def by_controls(job: Job, bench: Bench, ask: Ask, *, seed: int) -> Controls:
    """Show the controls to the reviewers and set the cut.

    Raises Misuse when the job has too few of them, Refused when the judges cannot tell them apart.
    """
    pairs = pairs_of(job, seed)
    if len(pairs) < FEWEST_PAIRS:
        raise Misuse(
            f"Nothing says where to cut: {job.name} has {len(pairs)} usable controls, {FEWEST_PAIRS} are needed.",
            next_step="Give a cut from 0 to 10, rule on rows and calibrate, or give more seeds.",
        )
    items = list(enumerate(one.shown for pair in pairs for one in pair))
    together = in_batches((((i, shown), shown) for i, shown in items), job)
    scores = await all_of([_score(job, bench, ask, shown, batch, seed, i) for (i, shown), batch in together])
    good = [score for score in scores[0::2] if score is not None]
    bad = [score for score in scores[1::2] if score is not None]
    if min(len(good), len(bad)) < FEWEST_PAIRS:
        unread = len(scores) - len(good) - len(bad)
        raise Refused(
            f"The judges gave no readable answer about {unread} of {len(scores)} controls; nothing else was spent.",
            next_step="'tilth models check' shows what they can do; another model may do better.",
        )
    found = Controls(min(len(good), len(bad)), auc(good, bad), cut_between(good, bad))
    if found.auc < LEAST_AUC:
        raise Refused(
            f"The judges cannot tell real from spoiled items (AUC {found.auc:.2f} on {found.pairs} of each, "
            f"{LEAST_AUC} is the least); nothing else was spent.",
            next_step="Use other reviewers or a sharper rubric, or give a cut if you know better.",
        )
    return found


def pairs_of(job: Job, seed: int) -> list[tuple[Candidate, Candidate]]:
    """The first real candidates that can be spoiled, each with its spoiled copy."""
    found: list[tuple[Candidate, Candidate]] = []
    for i, real in enumerate(job.controls):
        digest = hashlib.sha256(f"{seed}\0{job.name}\0control\0{i}".encode()).digest()
        spoiled = job.corrupted(real, random.Random(digest)) if job.corrupted else None
        if spoiled is not None and dict(spoiled.shown) != dict(real.shown):
            found.append((real, spoiled))
        if len(found) == PAIRS:
            break
    return found


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """The chance that a real item scores above a spoiled one, ties counting half (Mann and Whitney 1947)."""
    wins = sum((one > other) + 0.5 * (one == other) for one in good for other in bad)
    return wins / (len(good) * len(bad))


def cut_between(good: Sequence[float], bad: Sequence[float]) -> float:
    """The cut with the largest share of real items kept minus share of spoiled ones kept (Youden 1950); of equally good
    ones the highest, moved half-way down to the next score below."""
    levels = sorted({*good, *bad})

    def gain(cut: float) -> float:
        kept = (sum(score >= cut for score in some) / len(some) for some in (good, bad))
        return round(next(kept) - next(kept), DIGITS)

    best = max(levels, key=lambda cut: (gain(cut), cut))
    below = [level for level in levels if level < best]
    return round((best + below[-1]) / 2, DIGITS) if below else best


async def _score(
    job: Job, bench: Bench, ask: Ask, shown: Shown, batch: Batch | None, seed: int, number: int
) -> float | None:
    """The reviewers' mean; None where no answer can be read."""
    seats = bench.seats(seed, batch.name if batch is not None else f"{job.name}/control/{number // 2}")
    found = await reviews(ask, seats, job.rubric, shown, batch)
    scores = [one["score"] for one in found if "score" in one]
    return decide("mean", job.policy, 0.0, scores).score if scores else None
