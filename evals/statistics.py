"""Statistics of scores: intervals, paired tests, power, repeated tries. All random numbers come from a fixed seed.

It knows arrays of numbers, and clusters where values hang together. What they measure it does not know.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..tools.statistics import wilson

RESAMPLES: Final = 10_000
_SEED: Final = 20_261_120
_EXACT_SIGNS: Final = 14
_BLOCK: Final = 1 << 22
"""Numbers held at once while resampling."""
_FEW: Final = 128

PLANNED_SD: Final = 0.5
"""Standard deviation of paired differences assumed before anything is measured: two agents on yes-or-no tasks whose
scores correlate at 0.7 (by simulation; epochs divide its square)."""

POWER_Z: Final = 1.959963984540054 + 0.8416212335729143
"""Two-sided 5 % and 80 % power."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval, over `n` values in `clusters` independent groups; NaN where there is none."""

    value: float
    low: float
    high: float
    n: int
    clusters: int

    @property
    def known(self) -> bool:
        return not math.isnan(self.value)


NONE: Final = Estimate(math.nan, math.nan, math.nan, 0, 0)


def mean(values: Sequence[float], clusters: Sequence[str] | None = None) -> Estimate:
    """The mean, with a bootstrap interval over clusters (each value its own when none are given).

    Values that are all 0 or 1 and hang together nowhere have Wilson's interval: a bootstrap of 20 hits in 20 has none.
    """
    if len(values) > 1 and set(values) <= {0.0, 1.0} and len(set(clusters or ())) in (0, len(values)):
        hits = sum(value == 1.0 for value in values)
        return Estimate(hits / len(values), *wilson(hits, len(values)), len(values), len(values))
    return ratio(values, [1.0] * len(values), clusters)


def ratio(above: Sequence[float], below: Sequence[float], clusters: Sequence[str] | None = None) -> Estimate:
    """sum(above) / sum(below), with a bootstrap interval over clusters.

    Percentiles are taken further out, at Phi(-t sqrt(c / (c - 1))) for c clusters, so that the interval of a mean is as
    wide as Student's: plain percentiles are too narrow for few clusters (Hesterberg 2015, "expanded percentile").
    """
    total = math.fsum(below)
    if total == 0:
        return NONE
    value = math.fsum(above) / total
    sums = _sums(clusters if clusters is not None else _alone(len(above)), above, below)
    count = sums.shape[1]
    if count < 2:
        return Estimate(value, math.nan, math.nan, len(above), count)
    drawn = _resampled(sums)
    drawn = drawn[:, drawn[1] != 0]
    low, high = np.quantile(drawn[0] / drawn[1], _tails(count))
    return Estimate(value, min(float(low), value), max(float(high), value), len(above), count)


@dataclass(frozen=True)
class Paired:
    """The mean of differences with its interval; `p` of the sign-flip test; `detectable`: the least difference that
    these pairs show with 80 % power."""

    difference: Estimate
    p: float
    detectable: float


def paired(differences: Sequence[float], clusters: Sequence[str] | None = None) -> Paired:
    """Compare two agents by their differences on the same instances."""
    names = clusters if clusters is not None else _alone(len(differences))
    return Paired(
        ratio(differences, [1.0] * len(differences), names),
        sign_flip(differences, names),
        detectable(differences, names),
    )


def sign_flip(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """Two-sided p of a zero mean when the sign of each cluster's sum could as well be the other one.

    All sign patterns for up to 14 clusters, else 10,000 drawn ones and the observed (Phipson and Smyth 2010).
    """
    if not differences:
        return math.nan
    sums = _sums(clusters if clusters is not None else _alone(len(differences)), differences)[0]
    observed = abs(math.fsum(sums)) - 1e-12 * math.fsum(np.abs(sums))
    if len(sums) <= _EXACT_SIGNS:
        patterns = np.arange(1 << len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ sums) >= observed))
    random = np.random.default_rng(_SEED)
    extreme, rows = 0, max(_BLOCK // len(sums), 1)
    for start in range(0, RESAMPLES, rows):
        signs = random.integers(0, 2, (min(rows, RESAMPLES - start), len(sums)), dtype=np.int8)
        extreme += int(np.count_nonzero(np.abs((2 * signs - 1) @ sums) >= observed))
    return (extreme + 1) / (RESAMPLES + 1)


def detectable(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """The least mean difference seen with 80 % power at 5 %, two-sided, by the spread of these differences.

    By Student's t: with few clusters their own spread is hardly known.
    """
    n = len(differences)
    sums = _sums(clusters if clusters is not None else _alone(n), differences, [1.0] * n)
    count = sums.shape[1]
    if count < 2:
        return math.nan
    rest = sums[0] - sums[1] * (math.fsum(differences) / n)
    return _power(count - 1) * math.sqrt(count / (count - 1) * math.fsum(rest * rest)) / n


def planned_detectable(instances: int, epochs: int = 1) -> float:
    """What `detectable` is likely to be, before anything is run (see PLANNED_SD)."""
    return POWER_Z * PLANNED_SD / math.sqrt(instances * epochs) if instances else math.nan


def least_p(clusters: int) -> float:
    """The smallest p that `sign_flip` can give for so many clusters."""
    return max(2.0 ** (1 - clusters), 1 / (RESAMPLES + 1)) if clusters > _EXACT_SIGNS else 2.0 ** (1 - clusters)


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided p for counts of instances that only one of two agents solved (McNemar 1947, binomial form)."""
    trials, fewer = first_only + second_only, min(first_only, second_only)
    if trials == 0:
        return 1.0
    patterns: int = sum(math.comb(trials, k) for k in range(fewer + 1))
    return min(1.0, float(2 * patterns / (1 << trials)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given (Holm 1979)."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def pass_at_k(tries: int, solved: int, k: int) -> float:
    """The chance that one of k tries solves the task, unbiased from `solved` of `tries` (Chen et al. 2021)."""
    return 1.0 - math.comb(tries - solved, k) / math.comb(tries, k)


def pass_hat_k(tries: int, solved: int, k: int) -> float:
    """The chance that all of k tries solve the task, pass^k, unbiased (Yao et al. 2024, tau-bench)."""
    return math.comb(solved, k) / math.comb(tries, k)


def difference(
    first: Sequence[float], second: Sequence[float],
    first_clusters: Sequence[str] | None = None, second_clusters: Sequence[str] | None = None,
) -> Estimate:  # fmt: skip
    """mean(first) - mean(second) over two different sets: nothing is paired."""
    if not first or not second:
        return NONE
    value = math.fsum(first) / len(first) - math.fsum(second) / len(second)
    sums = [
        _sums(names if names is not None else _alone(len(values)), values, [1.0] * len(values))
        for values, names in ((first, first_clusters), (second, second_clusters))
    ]
    counts = [one.shape[1] for one in sums]
    n, clusters = len(first) + len(second), sum(counts)
    if min(counts) < 2:
        return Estimate(value, math.nan, math.nan, n, clusters)
    one, other = _resampled(sums[0]), _resampled(sums[1], seed=_SEED + 1)
    low, high = np.quantile(one[0] / one[1] - other[0] / other[1], _tails(min(counts)))
    return Estimate(value, float(low), float(high), n, clusters)


def families(scores: Sequence[Mapping[str, float]], clusters: Sequence[str]) -> dict[str, Estimate]:
    """The mean of each family over the instances that have it, by name."""
    names = sorted({name for one in scores for name in one})
    found = {}
    for name in names:
        places = [i for i, one in enumerate(scores) if name in one]
        found[name] = mean([scores[i][name] for i in places], [clusters[i] for i in places])
    return found


def _alone(count: int) -> list[str]:
    return [str(i) for i in range(count)]


def _sums(clusters: Sequence[str], *columns: Sequence[float]) -> Floats:
    """Sums of each column within each cluster, (columns, clusters), clusters in order of their names."""
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(clusters):
        groups.setdefault(name, []).append(place)
    return np.array([[math.fsum(column[i] for i in groups[name]) for name in sorted(groups)] for column in columns])


def _resampled(sums: Floats, *, seed: int = _SEED) -> Floats:
    """Totals of clusters drawn with replacement, (columns, RESAMPLES)."""
    count = sums.shape[1]
    drawn = _few_drawn(count, seed) if count <= _FEW else _drawn(count, seed)
    rows = max(_BLOCK // count, 1)
    return np.concatenate([sums @ drawn[at : at + rows].T for at in range(0, RESAMPLES, rows)], axis=1)


def _drawn(count: int, seed: int) -> NDArray[np.int16]:
    """How often each of `count` clusters is drawn, (RESAMPLES, count)."""
    random, rows = np.random.default_rng(seed), max(_BLOCK // count, 1)
    shares, starts = np.full(count, 1 / count), range(0, RESAMPLES, rows)
    blocks = [random.multinomial(count, shares, size=min(rows, RESAMPLES - at)).astype(np.int16) for at in starts]
    return np.concatenate(blocks)


_few_drawn = functools.lru_cache(maxsize=32)(_drawn)
"""Drawing costs more than summing, and a report has many figures over the same few numbers of clusters."""


def _power(freedom: int) -> float:
    """POWER_Z for so many degrees of freedom."""
    from scipy import special

    return float(special.stdtrit(freedom, 0.975) + special.stdtrit(freedom, 0.8))


def _tails(clusters: int) -> tuple[float, float]:
    """The percentiles at which the interval ends (see `ratio`)."""
    from scipy import special

    student = special.stdtrit(clusters - 1, 0.975) * math.sqrt(clusters / (clusters - 1))
    tail = float(special.ndtr(-student))
    return tail, 1.0 - tail
