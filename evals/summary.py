"""What the records of runs come to: a summary of each agent, comparisons of two, and what may be said of them.

It knows records and statistics. How that looks is the faces'. Nothing here depends on clocks or on the order in which
jobs ended, so a run that was killed and resumed is told exactly as one that was not.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

from ..tools.errors import Misuse
from . import statistics
from .judged import uncalibrated
from .records import ENDED, Record, Run
from .sets import PUBLIC
from .statistics import Estimate, Paired

SOLVED: Final = 1.0 - 1e-9
"""A score from here on counts as solved, where tries are counted."""

SIGNIFICANT: Final = 0.05
ACCEPTED: Final = "accepted"
"""The metric that counts accepted rows, in suites that have any."""


@dataclass(frozen=True)
class Tries:
    """Over k epochs: `at` is the chance that one of k solves an instance, `hat` that all k do."""

    k: int
    at: float
    hat: float


@dataclass(frozen=True)
class Spent:
    """What all jobs took, also those without a score. `…_per_accepted`: of all that, for each row that was accepted; not
    known where no model was asked, nothing was accepted or the suite does not count rows."""

    calls: int
    tokens_in: int
    tokens_out: int
    tool_calls: int
    usd: float
    self_reported: bool
    simulated: bool
    tokens_per_accepted: Estimate = statistics.NONE
    usd_per_accepted: Estimate = statistics.NONE

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    @property
    def of_a_model(self) -> bool:
        """Did a model answer, as far as is known? Of a process of somebody's own nobody knows better."""
        return not self.simulated and (self.calls > 0 or self.tokens_in > 0 or self.self_reported)


@dataclass(frozen=True)
class AgentSummary:
    """One agent in one run. Figures are over answered jobs, the mean over epochs standing for an instance.

    `ended` counts jobs, `missing` those without a record; `pooled` are ratios of sums over instances; `groups` are
    scores by tag and its value; `worst` is the family with the lowest figure.
    """

    run: str
    label: str
    set: str
    score: Estimate
    ended: Mapping[str, int]
    missing: int
    metrics: Mapping[str, Estimate]
    pooled: Mapping[str, Estimate]
    families: Mapping[str, Estimate]
    groups: Mapping[str, Mapping[str, Estimate]]
    tries: Sequence[Tries]
    curve: Sequence[tuple[float, float]]
    spent: Spent

    @property
    def worst(self) -> tuple[str, Estimate] | None:
        known = [(one.value, name) for name, one in self.families.items() if one.known]
        return (min(known)[1], self.families[min(known)[1]]) if known else None

    @property
    def jobs(self) -> int:
        return sum(self.ended.values()) + self.missing


@dataclass(frozen=True)
class Comparison:
    """Two agents. `difference` is first minus second; unpaired (two sets of instances) there is no p.

    `left_out` counts instances that one of the two did not answer; `mcnemar` is given where every score is 0 or 1.
    `separable`: the difference is at least `detectable`, and significant after Holm's correction.
    """

    first: str
    second: str
    paired: bool
    difference: Estimate
    p: float
    detectable: float
    left_out: int
    better: str
    mcnemar: float | None = None
    gap: bool = False  # the same agent on public and on fresh instances

    @property
    def separable(self) -> bool:
        one = self.difference
        if not one.known or math.isnan(one.low) or abs(one.value) < self.detectable:
            return False
        return self.p < SIGNIFICANT if self.paired else not one.low <= 0 <= one.high

    @property
    def winner(self) -> str:
        """The better of the two; empty when they are not separable."""
        if not self.separable:
            return ""
        return self.first if (self.difference.value > 0) == (self.better == "higher") else self.second


@dataclass(frozen=True)
class Report:
    """A whole run. `planned_detectable` is what it could be expected to separate before it began.

    `uncalibrated` are the metrics that a judge decides whom nobody has calibrated. `left_out` are agents that asked a
    simulated model, where others asked a real one: the two are never shown beside each other.
    """

    run: str
    suite: str
    version: int
    metric: str
    better: str
    set: str
    instances: int
    epochs: int
    agents: Sequence[AgentSummary]
    comparisons: Sequence[Comparison]
    planned_detectable: float
    versions: Mapping[str, str] = field(default_factory=dict)
    uncalibrated: frozenset[str] = frozenset()
    left_out: Sequence[str] = ()
    gaps: Sequence[Comparison] = ()

    @property
    def simulated(self) -> bool:
        return any(one.spent.simulated for one in self.agents)

    @property
    def usd(self) -> float:
        return math.fsum(one.spent.usd for one in self.agents)


def report(run: Run, *others: Run) -> Report:
    """Summaries of all agents of a run, in the order they were named, and every pair compared.

    Agents that `others` measured too are compared with themselves: public minus fresh where the one is public and the other
    is not. Raises Misuse when none of them is there.
    """
    plan, records = run.plan, run.records()
    found = [summary(run, label, [one for one in records.values() if one.agent == label]) for label in plan.labels]
    real = any(one.spent.of_a_model for one in found)
    agents = [one for one in found if not (real and one.spent.simulated)]
    labels = [one.label for one in agents]
    return Report(
        run=run.id,
        suite=plan.suite,
        version=plan.version,
        metric=plan.metric,
        better=plan.better,
        set=plan.set,
        instances=len(plan.instances),
        epochs=plan.epochs,
        agents=agents,
        comparisons=adjusted([compare(run, a, run, b) for a, b in combinations(labels, 2)]),
        planned_detectable=statistics.planned_detectable(len(plan.instances), plan.epochs),
        versions=plan.versions,
        uncalibrated=uncalibrated(plan.judge_scored, run.folder.parent.parent),
        left_out=[label for label in plan.labels if label not in labels],
        gaps=[gap for other in others for gap in _gaps(run, labels, other)],
    )


def summary(run: Run, label: str, records: Sequence[Record]) -> AgentSummary:
    """`records` are those of agent `label`."""
    answered = [one for one in records if one.score is not None]
    scores = _by_instance(answered)
    planned = len(run.plan.instances) * run.plan.epochs
    counts = Counter(one.ended for one in records)
    clusters = [one.cluster or one.instance for one in answered]
    told = [one.score for one in answered if one.score is not None]
    return AgentSummary(
        run=run.id,
        label=label,
        set=run.plan.set,
        score=_mean(scores.values()),
        ended={name: counts[name] for name in ENDED if counts[name]},
        missing=planned - len(records),
        metrics=statistics.families([one.metrics for one in told], clusters),
        pooled=_pooled(answered),
        families=statistics.families([one.families for one in told], clusters),
        groups=_groups(answered),
        tries=_tries(answered, run.plan.epochs),
        curve=_curve(answered),
        spent=_spent(records),
    )


def _gaps(run: Run, labels: Sequence[str], other: Run) -> list[Comparison]:
    """Each agent in `run` against itself in `other`."""
    shared = [label for label in labels if label in other.plan.labels]
    if not shared:
        raise Misuse(f"Runs {run.id} and {other.id} have no agent in common.",
                     next_step=f"Two agents: tilth eval compare {run.id}:AGENT {other.id}:AGENT")  # fmt: skip
    return [compare(run, label, other, label) for label in shared]


def compare(first: Run, first_label: str, second: Run, second_label: str) -> Comparison:
    """Pairs by instance where both runs have some in common; of public and fresh instances, public stand first.

    Raises Misuse for runs of different suites or data, and for a simulated model beside a real one.
    """
    if second.plan.set == PUBLIC != first.plan.set:
        first, first_label, second, second_label = second, second_label, first, first_label
    plans = first.plan, second.plan
    kinds = [(plan.suite, plan.version, plan.metric) for plan in plans]
    if kinds[0] != kinds[1]:
        raise Misuse(
            f"Run {first.id} is of {plans[0].suite}@{plans[0].version} and {second.id} of "
            f"{plans[1].suite}@{plans[1].version}: their scores measure different things."
        )
    if plans[0].data != plans[1].data:
        raise Misuse(f"Runs {first.id} and {second.id} are of {plans[0].suite} over different data.",
                     next_step="Run both on the same files.")  # fmt: skip
    records = [
        [one for one in run.records().values() if one.agent == label]
        for run, label in ((first, first_label), (second, second_label))
    ]
    spent = [_spent(one) for one in records]
    for i, j in ((0, 1), (1, 0)):
        if spent[i].simulated and spent[j].of_a_model:
            names = f"{first.id}:{first_label}", f"{second.id}:{second_label}"
            raise Misuse(f"{names[i]} asked a simulated model: its figures say nothing beside those of {names[j]}.",
                         next_step="Compare simulated runs with one another.")  # fmt: skip
    sides = [_by_instance([one for one in found if one.score is not None]) for found in records]
    shared = [id for id in plans[0].instances if id in plans[1].instances]
    same_run = first.id == second.id
    one, other = (
        label if same_run else f"{run.id}:{label}" for run, label in ((first, first_label), (second, second_label))
    )
    made = _paired(one, other, sides[0], sides[1], shared) if shared else _unpaired(one, other, sides[0], sides[1])
    public = [plan.set == PUBLIC for plan in plans]
    is_gap = not shared and first_label == second_label and public[0] != public[1]
    return replace(made, better=plans[0].better, gap=is_gap)


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same with Holm's correction over all pairs."""
    places = [i for i, one in enumerate(comparisons) if not math.isnan(one.p)]
    corrected = dict(zip(places, statistics.holm([comparisons[i].p for i in places]), strict=True))
    return [replace(one, p=corrected.get(i, one.p)) for i, one in enumerate(comparisons)]


_Scores = Mapping[str, tuple[float, str]]  # instance -> (mean score over epochs, cluster)


def _paired(first: str, second: str, one: _Scores, other: _Scores, shared: Sequence[str]) -> Comparison:
    both = sorted(id for id in shared if id in one and id in other)
    values = [(one[id][0], other[id][0]) for id in both]
    clusters = [one[id][1] for id in both]
    found: Paired = statistics.paired([a - b for a, b in values], clusters)
    mcnemar = None
    if values and all(value in (0.0, 1.0) for pair in values for value in pair) and len(set(clusters)) == len(both):
        mcnemar = statistics.mcnemar(sum(a > b for a, b in values), sum(b > a for a, b in values))
    lost = sum((id in one) != (id in other) for id in shared)
    return Comparison(first, second, True, found.difference, found.p, found.detectable, lost, "", mcnemar)


def _unpaired(first: str, second: str, one: _Scores, other: _Scores) -> Comparison:
    columns = [([value for value, _ in side.values()], [name for _, name in side.values()]) for side in (one, other)]
    (a, a_names), (b, b_names) = columns
    found = statistics.difference(a, b, a_names, b_names)
    least = math.hypot(*(_spread(values, names) for values, names in columns))
    return Comparison(first, second, False, found, math.nan, least, 0, "")


def _spread(values: Sequence[float], clusters: Sequence[str]) -> float:
    """What this side adds to the detectable difference of two sets."""
    return statistics.detectable(values, clusters) if values else math.nan


def _by_instance(answered: Sequence[Record]) -> _Scores:
    """Instances whose primary metric is defined, in order of their ids."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    clusters: dict[str, str] = {}
    for one in answered:
        if one.score is not None and one.score.value is not None:
            values[one.instance].append(one.score.value)
            clusters[one.instance] = one.cluster or one.instance
    return {id: (math.fsum(values[id]) / len(values[id]), clusters[id]) for id in sorted(values)}


def _mean(scores: Iterable[tuple[float, str]]) -> Estimate:
    listed = list(scores)
    return statistics.mean([value for value, _ in listed], [name for _, name in listed])


def _pooled(answered: Sequence[Record]) -> dict[str, Estimate]:
    """Ratios of sums over jobs, by the names in `weights`."""
    told = [(one.score.weights, one.cluster or one.instance) for one in answered if one.score is not None]
    found = {}
    for name in sorted({name for weights, _ in told for name in weights}):
        pairs = [(*weights[name], cluster) for weights, cluster in told if name in weights]
        found[name] = statistics.ratio(
            [above for above, _, _ in pairs], [below for _, below, _ in pairs], [cluster for _, _, cluster in pairs]
        )
    return found


def _groups(answered: Sequence[Record]) -> dict[str, dict[str, Estimate]]:
    """Scores by tag and value, for tags that tell instances apart without naming each."""
    found: dict[str, dict[str, Estimate]] = {}
    for tag in sorted({tag for one in answered for tag in one.tags}):
        values = sorted({one.tags[tag] for one in answered if tag in one.tags})
        if 1 < len(values) <= 40:
            found[tag] = {
                value: _mean(_by_instance([one for one in answered if one.tags.get(tag) == value]).values())
                for value in values
            }
    return found


def _tries(answered: Sequence[Record], epochs: int) -> list[Tries]:
    """pass@k and pass^k over the instances whose every epoch was answered."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for one in answered:
        if one.score is not None and one.score.value is not None:
            values[one.instance].append(one.score.value)
    solved = [sum(value >= SOLVED for value in values[id]) for id in sorted(values) if len(values[id]) == epochs]
    if epochs < 2 or not solved:
        return []
    return [
        Tries(
            k,
            math.fsum(statistics.pass_at_k(epochs, count, k) for count in solved) / len(solved),
            math.fsum(statistics.pass_hat_k(epochs, count, k) for count in solved) / len(solved),
        )
        for k in range(1, epochs + 1)
    ]


def _curve(answered: Sequence[Record]) -> list[tuple[float, float]]:
    points: defaultdict[float, list[float]] = defaultdict(list)
    for one in answered:
        for x, y in one.score.curve if one.score is not None else ():
            points[x].append(y)
    return [(x, math.fsum(points[x]) / len(points[x])) for x in sorted(points)]


def _spent(records: Sequence[Record]) -> Spent:
    usages = [one.usage for one in records]
    tokens, usd = [float(one.tokens) for one in usages], [one.usd for one in usages]
    return Spent(
        calls=sum(one.calls for one in usages),
        tokens_in=sum(one.tokens_in for one in usages),
        tokens_out=sum(one.tokens_out for one in usages),
        tool_calls=sum(one.tool_calls for one in usages),
        usd=math.fsum(usd),
        self_reported=any(one.reported == "self-reported" for one in usages),
        simulated=any(one.simulated for one in usages),
        tokens_per_accepted=_per_accepted(tokens, records),
        usd_per_accepted=_per_accepted(usd, records),
    )


def _per_accepted(spent: Sequence[float], records: Sequence[Record]) -> Estimate:
    """Of what each job took, the sum over accepted rows."""
    accepted = [one.score.metrics.get(ACCEPTED, 0.0) if one.score is not None else 0.0 for one in records]
    if not any(spent):
        return statistics.NONE
    return statistics.ratio(spent, accepted, [one.cluster or one.instance for one in records])
