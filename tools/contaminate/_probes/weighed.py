"""What scores of many items say together: one verdict for each method, one for the whole partition.

It knows which score each method contrasts with what, and when a contrast concludes nothing. It never speaks of one item.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from ...statistics import wilson
from .contrast import Contrast, above_chance, groups, holm, paired

Method = Literal["guided", "ts_guess", "option_shuffle", "cdd", "min_k"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)

Verdict = Literal["evidence", "no_evidence", "undecided", "unavailable"]

LEAST_ITEMS: Final = 30
"""Items with an answer, in each arm, below which nothing is concluded."""

_SCORE: Final[dict[Method, str]] = {
    "guided": "guided", "ts_guess": "match", "option_shuffle": "first", "cdd": "peak", "min_k": "logprob",
}  # fmt: skip
_SHARES: Final = ("ts_guess", "option_shuffle")
_NEEDS: Final[dict[Method, str]] = {
    "guided": "no item has 8 words",
    "ts_guess": "no item has three options, a known answer and a wrong option that cannot be worked out",
    "option_shuffle": "no item has three different options",
    "cdd": "no item has 8 words",
    "min_k": "no item has 8 words",
}

Scores = Mapping[str, Mapping[str, float] | None]
"""Name of an item -> its scores; None where its answers could not be read."""


@dataclass(frozen=True)
class Arms:
    """The scores of the benchmark's items and of fresh ones; `paired`: those of one name belong together.

    `without_logprobs`: the server was asked for log-probabilities and gave none.
    """

    items: Scores
    control: Scores | None = None
    paired: bool = False
    without_logprobs: bool = False


@dataclass(frozen=True)
class Weighed:
    """What one method came to. `p` is None where no test was made; `means` are of each score, by arm."""

    method: Method
    verdict: Verdict
    reason: str
    p: float | None = None
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    means: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    p_chance: float | None = None
    answered: int = 0
    answered_control: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "verdict": self.verdict,
            "reason": self.reason,
            "p": self.p,
            "p_chance": self.p_chance,
            "answered": self.answered,
            "answered_control": self.answered_control,
            "contrasts": {name: one.to_json() for name, one in self.contrasts.items()},
            "means": {arm: dict(means) for arm, means in self.means.items()},
            "intervals": {arm: list(bounds) for arm, bounds in self.intervals.items()},
        }


def weigh(method: Method, arms: Arms, *, alpha: float, seed: int) -> Weighed:
    """The verdict of one method on the whole partition.

    `evidence` wants p <= alpha: of guided over untold continuations or over fresh items (Holm's adjustment for the two);
    of the others over fresh items; of option_shuffle over chance as well. Without fresh items guided can conclude, the
    others cannot: frozen outputs, options in a usual order and answers that many would give look the same.
    """
    found = {name: scores for name, scores in arms.items.items() if scores is not None}
    fresh = {name: scores for name, scores in (arms.control or {}).items() if scores is not None}
    told = Weighed(
        method,
        "unavailable",
        "",
        means={arm: _means(scores) for arm, scores in (("items", found), ("control", fresh)) if scores},
        intervals=_intervals(found, fresh, _SCORE[method]) if method in _SHARES else {},
        answered=len(found),
        answered_control=len(fresh),
    )
    if method == "min_k" and not arms.paired:
        return _with(told, "unavailable", "wants fresh paraphrases: --control BENCHMARK --paired")
    if not arms.items:
        return _with(told, "unavailable", _NEEDS[method])
    if arms.without_logprobs:
        return _with(told, "unavailable", "the endpoint gives no log-probabilities of a prompt")
    if len(found) < LEAST_ITEMS:
        return _with(told, "undecided", f"{len(found)} of {len(arms.items)} items answered; {LEAST_ITEMS} are needed")
    contrasts = _contrasts(method, arms, found, fresh, seed)
    told = _with(told, "undecided", "", contrasts=contrasts)
    if method == "option_shuffle":
        return _shuffled(told, found, alpha)
    if not contrasts:
        return _with(told, "undecided", _without_control(arms, fresh))
    p = min(holm([one.p for one in contrasts.values()]))
    return _with(told, "evidence" if p <= alpha else "no_evidence", _said(contrasts), p=p)


def together(weighed: Sequence[Weighed], *, alpha: float) -> Verdict:
    """The verdict on the partition: evidence if any method has it after Holm's adjustment for their number."""
    tested = [one for one in weighed if one.p is not None]
    adjusted = holm([one.p for one in tested if one.p is not None])
    if any(one.verdict == "evidence" and p <= alpha for one, p in zip(tested, adjusted, strict=True)):
        return "evidence"
    verdicts = {one.verdict for one in weighed}
    if "no_evidence" in verdicts or "evidence" in verdicts:
        return "no_evidence"
    return "undecided" if "undecided" in verdicts else "unavailable"


def _contrasts(
    method: Method, arms: Arms, found: Mapping[str, Mapping[str, float]], fresh: Mapping[str, Mapping[str, float]],
    seed: int,
) -> dict[str, Contrast]:  # fmt: skip
    score = _SCORE[method]
    told = {}
    if method == "guided":
        told["untold"] = paired([one["guided"] - one["general"] for one in found.values()], seed)
    if arms.paired:
        both = [(one[score], fresh[name][score]) for name, one in found.items() if name in fresh]
        if len(both) >= LEAST_ITEMS:
            told["fresh paraphrases"] = paired([one - other for one, other in both], seed + 1)
    elif len(fresh) >= LEAST_ITEMS:
        values, control = ([one[score] for one in arm.values()] for arm in (found, fresh))
        told["fresh items"] = groups(values, control, seed + 1)
    return told


def _shuffled(told: Weighed, found: Mapping[str, Mapping[str, float]], alpha: float) -> Weighed:
    """Both tests must reject: one against chance, one against the order that such options usually have."""
    chances = {one["chance"] for one in found.values()}
    # With different numbers of options the largest chance bounds them all.
    p_chance = above_chance(int(sum(one["first"] for one in found.values())), len(found), max(chances))
    told = _with(told, told.verdict, told.reason, p_chance=p_chance)
    if p_chance > alpha:
        return _with(told, "no_evidence", f"as often first as by chance (p {p_chance:.2g})", p=p_chance)
    if not told.contrasts:
        return _with(told, "undecided", "first more often than by chance, which a usual order of options would give "
                     "too: --control says")  # fmt: skip
    p = max(p_chance, *(one.p for one in told.contrasts.values()))
    return _with(told, "evidence" if p <= alpha else "no_evidence", _said(told.contrasts), p=p)


def _without_control(arms: Arms, fresh: Mapping[str, Any]) -> str:
    if arms.control is None:
        return "wants fresh items to compare with: --control BENCHMARK"
    return f"{len(fresh)} of {len(arms.control)} fresh items answered; {LEAST_ITEMS} are needed"


def _said(contrasts: Mapping[str, Contrast]) -> str:
    return "; ".join(
        f"{one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}] over {name}" for name, one in contrasts.items()
    )


def _means(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    names = sorted({name for one in scores.values() for name in one})
    found = {}
    for name in names:
        values = [one[name] for one in scores.values() if name in one]
        found[name] = round(math.fsum(values) / len(values), 6)
    return found


def _intervals(
    found: Mapping[str, Mapping[str, float]], fresh: Mapping[str, Mapping[str, float]], score: str
) -> dict[str, tuple[float, float]]:
    arms = (("items", found), ("control", fresh))
    return {arm: wilson(int(sum(one[score] for one in arm_.values())), len(arm_)) for arm, arm_ in arms if arm_}


def _with(told: Weighed, verdict: Verdict, reason: str, **more: Any) -> Weighed:
    return replace(told, verdict=verdict, reason=reason, **more)
