"""How scores become a verdict: pure functions of yes/no answers, scores, a cut and a vote.

It knows numbers only. Who gave them, and in which order, makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ...tools.panel import Policy, PolicyName

DIGITS: Final = 9
"""Scores are compared after rounding to so many digits: a third of ten and its sums are no exact numbers."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What scores come to; `near` asks for the adjudicator's vote."""

    score: float
    accepted: bool
    near: bool = False


def score_of(answers: Mapping[str, bool]) -> float:
    """The share of criteria met, times ten."""
    return rounded(10.0 * sum(answers.values()) / len(answers))


def decide(
    name: PolicyName, policy: Policy, cut: float, scores: Sequence[float], vote: float | None = None
) -> Decision:
    """The decision over at least one score.

    near_cut_vote and replace are `near` while no vote is given and |mean - cut| < band. The vote of near_cut_vote
    weighs as much as half the reviewers, the mean counting as all of them; in replace it stands alone. k_of_n accepts
    when `k` scores reach the cut.
    """
    mean = rounded(math.fsum(scores) / len(scores))
    if name == "k_of_n":
        return Decision(mean, sum(score >= rounded(cut) for score in scores) >= policy.k)
    if name in ("near_cut_vote", "replace"):
        if vote is not None:
            score = rounded(vote if name == "replace" else (mean + vote / 2) / 1.5)
            return Decision(score, score >= rounded(cut))
        return Decision(mean, mean >= rounded(cut), near=rounded(abs(mean - cut)) < policy.band)
    return Decision(mean, mean >= rounded(cut))


def settled(policy: Policy, cut: float, scores: Sequence[float], left: int) -> bool:
    """k_of_n: can the scores still to come change nothing?"""
    votes = sum(score >= rounded(cut) for score in scores)
    return votes >= policy.k or votes + left < policy.k


def rounded(value: float) -> float:
    return round(value, DIGITS)
