"""Is one mean greater than another, and by how much: permutation and bootstrap, paired or of two groups; exact binomial.

It knows numbers only. Every draw comes from a seed, so the same numbers give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

DRAWS: Final = 9_999
_DIGITS: Final = 9  # means are rounded before they are compared, so that the order of sums cannot show
_BLOCK: Final = 1 << 22


@dataclass(frozen=True)
class Contrast:
    """A difference of means with its 95 % percentile bootstrap interval; one-sided p that it is no greater than 0.

    `p` is the larger of the permutation's and the bootstrap's, each (1 + as extreme) / (1 + draws).
    """

    n: int
    n_control: int
    difference: float
    low: float
    high: float
    p_permutation: float
    p_bootstrap: float

    @property
    def p(self) -> float:
        return max(self.p_permutation, self.p_bootstrap)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "p": self.p}


def paired(differences: Sequence[float], seed: int) -> Contrast:
    """Is the mean of differences within pairs above 0? Signs are flipped, pairs are drawn anew."""
    values = np.asarray(differences, np.float64)
    rng = np.random.default_rng(seed)
    flipped = _means(values, lambda size: rng.choice(np.array([-1.0, 1.0]), size), weighs=True)
    drawn = _means(values, lambda size: rng.integers(0, len(values), size))
    return _contrast(len(values), len(values), _rounded(values.mean()), flipped, drawn)


def groups(values: Sequence[float], control: Sequence[float], seed: int) -> Contrast:
    """Is the mean of one group above that of another? Labels are shuffled, each group is drawn anew."""
    one, other = np.asarray(values, np.float64), np.asarray(control, np.float64)
    rng = np.random.default_rng(seed)
    both = np.concatenate([one, other])
    # The mean of one part says that of the other: their sum stays the same.
    first = _means(both, lambda size: rng.permuted(np.tile(np.arange(len(both)), (size[0], 1)), axis=1)[:, : len(one)])
    shuffled = first - (both.sum() - first * len(one)) / len(other)
    drawn = _means(one, lambda size: rng.integers(0, len(one), size))
    drawn = drawn - _means(other, lambda size: rng.integers(0, len(other), size))
    return _contrast(len(one), len(other), _rounded(one.mean() - other.mean()), _rounded(shuffled), _rounded(drawn))


def above_chance(hits: int, trials: int, chance: float) -> float:
    """P(hits or more of `trials`) when each comes with probability `chance`: the exact binomial tail."""
    from scipy.stats import binom

    return float(binom.sf(hits - 1, trials, chance))


def holm(values: Sequence[float]) -> list[float]:
    """p-values adjusted for having made several tests (Holm 1979)."""
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    adjusted, least = [0.0] * len(values), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, values[i] * (len(values) - rank)))
        adjusted[i] = least
    return adjusted


def _contrast(n: int, n_control: int, difference: float, null: np.ndarray, drawn: np.ndarray) -> Contrast:
    low, high = (_rounded(edge) for edge in np.percentile(drawn, [2.5, 97.5]))
    return Contrast(
        n,
        n_control,
        difference,
        low,
        high,
        (1 + int((null >= difference).sum())) / (1 + DRAWS),
        (1 + int((drawn <= 0).sum())) / (1 + DRAWS),
    )


def _means(values: np.ndarray, draw: Any, *, weighs: bool = False) -> np.ndarray:
    """DRAWS means: of values drawn by place, or of values times drawn weights."""
    rows = max(_BLOCK // len(values), 1)
    found = []
    for start in range(0, DRAWS, rows):
        one = draw((min(rows, DRAWS - start), len(values)))
        found.append((one * values if weighs else values[one]).mean(axis=1))
    return _rounded(np.concatenate(found))  # type: ignore[no-any-return]


def _rounded(value: Any) -> Any:
    found = np.round(value, _DIGITS) + 0.0
    return float(found) if np.ndim(found) == 0 else found
