"""Suites, agents, runs, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from ...agent.plural import counted
from ...evals import statistics, summary
from ...evals.estimate import Estimated, Guess
from ...evals.statistics import Estimate
from ...evals.summary import AgentSummary, Comparison, Report
from ..terminal import Terminal
from ..text import one_line, table
from . import fitted

LOWEST: Final = 6


@fitted
def listed(line: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    if line["suites"]:
        rows = [[f"{one['suite']}@{one['version']}", one["metric"], one["summary"]] for one in line["suites"]]
        yield from table([["suite", "metric", "what"], *rows], columns=terminal.columns)
    else:
        yield "no suites are installed; FILE.py runs one of your own"
    yield ""
    yield f'agents: {", ".join(line["agents"])}; or FILE.py:CLASS, cmd:"COMMAND", replay:RUN'
    if line["runs"]:
        yield ""
        rows = [
            [one["run"], one["set"], one["instances"], one["epochs"], f"{one['done']:,} of {one['jobs']:,}",
             ", ".join(one["agents"])]
            for one in line["runs"]
        ]  # fmt: skip
        head = ["run", "set", "instances", "epochs", "done", "agents"]
        yield from table([head, *rows], columns=terminal.columns, numbers=(2, 3))


def said_before(one: Estimated) -> Iterator[str]:
    """What stands before a run: what it can tell, and what it takes."""
    yield _tells(one)
    alike: dict[str, list[str]] = {}
    for guess in one.guesses:
        alike.setdefault(_guessed(guess), []).append(one_line(guess.agent))
    yield from (f"{', '.join(names)}: {told}" for told, names in alike.items())
    yield _together(one)


def _tells(one: Estimated) -> str:
    epochs = f" × {one.epochs} epochs" if one.epochs > 1 else ""
    few = f"; in only {one.clusters:,} clusters, which may show less" if one.clusters < one.instances else ""
    what = f"{counted(one.instances, 'instances')}{epochs} of {one_line(one.suite)}, set {one.set}"
    if one.detectable >= 1:
        return f"{what}: too few to tell any two agents apart"
    return (
        f"{what}: two agents that differ by {one.detectable:.2f} or more can be told apart (80 % power, by a usual "
        f"spread{few})"
    )


def _guessed(guess: Guess) -> str:
    each, jobs = guess.each, guess.jobs
    if each is None:
        return f"{counted(jobs, 'tries')}, cost not known (no earlier run)"
    if not each.calls:
        return f"{counted(jobs, 'tries')}, no model calls that are known{_minutes(each.seconds * jobs, ', ')}"
    return (f"{counted(jobs, 'tries')}, about {each.calls * jobs:,} calls, {each.tokens * jobs:,} tokens, "
            f"${each.usd * jobs:.2f}{_minutes(each.seconds * jobs, ', ')} (by {guess.by})")  # fmt: skip


def _together(one: Estimated) -> str:
    known = [(guess.each, guess.jobs) for guess in one.guesses if guess.each is not None]
    calls = sum(each.calls * jobs for each, jobs in known)
    tokens = sum(each.tokens * jobs for each, jobs in known)
    usd = math.fsum(each.usd * jobs for each, jobs in known)
    seconds = math.fsum(each.seconds * jobs for each, jobs in known)
    more = "" if len(known) == len(one.guesses) else "; what is not known comes on top"
    return f"together about {calls:,} calls, {tokens:,} tokens, ${usd:.2f}, {_minutes(seconds) or 'minutes not known'}{more}"


def _minutes(seconds: float, lead: str = "") -> str:
    return f"{lead}{seconds / 60:.1f} min of work" if seconds else ""


@fitted
def estimated(one: Estimated, terminal: Terminal) -> Iterator[str]:
    yield f"{_tells(one)}."
    yield ""
    rows = []
    for guess in one.guesses:
        each = guess.each
        figures = ["not known"] * 4 if each is None else [
            f"{each.calls * guess.jobs:,}", f"{each.tokens * guess.jobs:,}",
            f"{each.usd * guess.jobs:.2f}", f"{each.seconds * guess.jobs / 60:.1f}",
        ]  # fmt: skip
        place = "this one, trusted" if guess.trusted else "its own"
        rows.append([guess.agent, f"{guess.jobs:,}", *figures, guess.by, place])
    rows.insert(0, ["agent", "tries", "calls", "tokens", "$", "minutes", "told by", "process"])
    if _width(rows) <= terminal.columns:
        yield from table(rows, columns=terminal.columns, numbers=(1, 2, 3, 4, 5))
    else:
        yield from islice(said_before(one), 1, None)
    yield "nothing was run"


def second_agent(one: Report) -> str:
    """What a run of one agent may be used for."""
    if one.planned_detectable >= 1:
        return "on so few instances no second agent could be told apart from this one"
    return f"a second agent on the same instances would have to differ by about {one.planned_detectable:.2f}"


SIMULATED: Final = "a simulated model answered here: these figures say nothing of any model"


@fitted
def report(one: Report, wrote: Sequence[str], terminal: Terminal) -> Iterator[str]:
    yield f"run {one.run}: {one_line(one.suite)}@{one.version}, {title(one)}"
    yield f"score: {metric_name(one, one.metric)}, {one.better} is better; 95 % intervals over instances"
    yield from cautions(one)
    yield ""
    yield from _agents(one, terminal)
    yield from unanswered(one)
    yield from _figures(one, terminal)
    if one.comparisons:
        yield ""
        yield from (verdict(pair) for pair in one.comparisons)
    elif any(agent.score.known for agent in one.agents):
        yield ""
        yield second_agent(one)
    if one.gaps:
        yield ""
        yield from (verdict(gap) for gap in one.gaps)
    if any(agent.spent.self_reported for agent in one.agents):
        yield "tokens and dollars of cmd: agents are self-reported"
    yield from (f"wrote {one_line(name)}" for name in wrote)


def title(one: Report) -> str:
    epochs = f" × {one.epochs} epochs" if one.epochs > 1 else ""
    return f"set {one.set}, {counted(one.instances, 'instances')}{epochs}"


def metric_name(one: Report, name: str) -> str:
    """A metric, with the word that a judge nobody calibrated needs."""
    return f"{name} (judge-scored, uncalibrated)" if name in one.uncalibrated else name


def cautions(one: Report) -> Iterator[str]:
    """What must stand above all figures."""
    if one.simulated:
        yield SIMULATED
    if one.left_out:
        yield (f"left out: {', '.join(map(one_line, one.left_out))}; it asked a simulated model, which is never shown beside "
               "a real one")  # fmt: skip


PER_ACCEPTED: Final = "per accepted row"
SPARE: Final = ("$", "tokens", "answered", "worst family", "scored")
"""Columns of the agents' table that a narrow terminal goes without, the first first; what they tell stands below."""


def _agents(one: Report, terminal: Terminal) -> Iterator[str]:
    """The table of agents; columns without any news are left out, and those for which there is no room."""
    rows = agent_rows(one)
    for name in SPARE:
        at = rows[0].index(name)
        plain = name in ("$", "tokens") and all(row[at] in ("0", "0.00") for row in rows[1:])
        if plain or _width(rows) > terminal.columns:
            rows = [[*row[:at], *row[at + 1 :]] for row in rows]
    yield from table(rows, columns=terminal.columns, numbers=numeric(rows[0]))
    if "worst family" not in rows[0]:
        yield from (f"worst family of {one_line(agent.label)}: {worst(agent)}" for agent in one.agents if agent.worst)


def _width(rows: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True)) - 2


def numeric(head: Sequence[str]) -> list[int]:
    """Which columns of the agents' table hold numbers."""
    return [at for at, name in enumerate(head) if name not in ("agent", "95 % interval", "worst family")]


def agent_rows(one: Report) -> list[list[str]]:
    """The table of agents: its head and a row for each. Where no row was accepted at any cost, nothing is told of that."""
    rows = [["agent", "score", "95 % interval", "scored", "answered", "tokens", "$", PER_ACCEPTED, "worst family"]]
    for agent in one.agents:
        rows.append(
            [
                agent_name(agent),
                score(agent.score.value),
                span(agent.score),
                f"{agent.score.n:,}",
                f"{agent.ended.get('answered', 0):,} of {agent.jobs:,}",
                f"{agent.spent.tokens:,}",
                f"{agent.spent.usd:.2f}",
                per_accepted(agent),
                worst(agent),
            ]
        )
    if not any(map(per_accepted, one.agents)):
        at = rows[0].index(PER_ACCEPTED)
        rows = [[*row[:at], *row[at + 1 :]] for row in rows]
    return rows


def per_accepted(agent: AgentSummary) -> str:
    """What an accepted row cost: dollars where any were spent, else tokens; empty where neither is known."""
    dollars, tokens = agent.spent.usd_per_accepted, agent.spent.tokens_per_accepted
    if dollars.known:
        return f"${dollars.value:.6f}".rstrip("0")
    return f"{tokens.value:,.0f} tokens" if tokens.known else ""


def agent_name(agent: AgentSummary) -> str:
    """The label, with the word that one who asked a simulated model needs."""
    return f"{agent.label} (simulated)" if agent.spent.simulated else agent.label


def worst(agent: AgentSummary) -> str:
    """The family with the lowest figure; how many share it."""
    if agent.worst is None:
        return ""
    name, lowest = agent.worst
    known = [one.value for one in agent.families.values() if one.known]
    alike = known.count(lowest.value)
    if alike == len(known) > 1:
        return f"all {alike} at {score(lowest.value)}"
    return f"{name} {score(lowest.value)}{f' and {alike - 1} more' if alike > 1 else ''}"


def unanswered(one: Report) -> Iterator[str]:
    """How tries ended that have no score; none of them is a zero among the scores."""
    for agent in one.agents:
        if agent.ended.get("answered", 0) < agent.jobs:
            yield f"{one_line(agent.label)}: {ended(agent)}; only answered tries have a score"


def _figures(one: Report, terminal: Terminal) -> Iterator[str]:
    """A line for each figure, a column for each agent; intervals where one agent leaves room for them. Agents for whom
    the terminal has no room follow in a table of their own."""
    rows = _figure_rows(one)
    left = min(max((len(name) for name in rows), default=0), terminal.columns // 2)
    agents, families = list(one.agents), lowest_first(one)
    while agents and rows:
        room, here = terminal.columns - left, 0
        while here < len(agents):
            cells = (row.get(agents[here].label, "") for row in rows.values())
            room -= 2 + max(len(agents[here].label), *map(len, cells))
            if room < 0 and here:
                break
            here += 1
        labels, agents = [agent.label for agent in agents[:here]], agents[here:]
        told = [[name, *(row.get(label, "") for label in labels)] for name, row in rows.items()]
        told = [row for row in told if any(row[1:])]
        if told:
            yield ""
            yield from table([["figure", *labels], *told], columns=terminal.columns, numbers=range(1, here + 1))
    if len(families) > LOWEST:
        yield f"{len(families) - LOWEST:,} families more, none of them lower (--md and --html show all)"


def _figure_rows(one: Report) -> dict[str, dict[str, str]]:
    """Figure -> agent -> what is told of it: the metrics by name, each with its pooled ratio, tries, tags, families."""
    rows: dict[str, dict[str, str]] = {}

    def put(name: str, agent: AgentSummary, figure: Estimate) -> None:
        beside = f"  {span(figure)}" if len(one.agents) == 1 else ""
        rows.setdefault(name, {})[agent.label] = f"{score(figure.value)}{beside}" if figure.known else ""

    names = {name for agent in one.agents for name in (*agent.metrics, *agent.pooled)}
    for name in sorted(names, key=lambda name: (name != one.metric, name)):
        for agent in one.agents:
            if name in agent.metrics:
                put(metric_name(one, name), agent, agent.metrics[name])
        for agent in one.agents:
            if name in agent.pooled:
                put(f"{metric_name(one, name)} (pooled)", agent, agent.pooled[name])
    for agent in one.agents:
        for tries in agent.tries:
            rows.setdefault(f"pass@{tries.k}", {})[agent.label] = score(tries.at)
            rows.setdefault(f"pass^{tries.k}", {})[agent.label] = score(tries.hat)
        for tag, values in agent.groups.items():
            for value, figure in values.items():
                put(f"{tag} = {value or 'none'} ({figure.n:,})", agent, figure)
    for name in lowest_first(one)[:LOWEST]:
        for agent in one.agents:
            if name in agent.families:
                put(f"family {name}", agent, agent.families[name])
    return rows


def lowest_first(one: Report) -> list[str]:
    """Families by their mean over agents."""

    def height(name: str) -> float:
        known = [agent.families[name].value for agent in one.agents if name in agent.families]
        return math.fsum(known) / len(known)

    return sorted({name for agent in one.agents for name in agent.families}, key=lambda name: (height(name), name))


@fitted
def compared(found: Sequence[Comparison], terminal: Terminal) -> Iterator[str]:
    for one in found:
        yield verdict(one)


def verdict(one: Comparison) -> str:
    """What may be said of two agents, with the figures it rests on: the better minus the other, or first minus second."""
    first, second = one_line(one.first), one_line(one.second)
    gap = " (the gap of public to fresh instances)" if one.gap else ""
    way = "" if one.paired else "; unpaired: two sets of instances"
    if not one.difference.known:
        return f"{first} and {second}: no instance has a score of both"
    turned = one.winner == one.second
    figures = f"{_signed(one.difference, turned)}, 95 % interval {_signed_span(one.difference, turned)}"
    if constant(one):
        figures = f"{_signed(one.difference, turned)} on every instance"
    if one.paired:
        groups = f" in {one.difference.clusters:,} clusters" if one.difference.clusters < one.difference.n else ""
        figures += f", p {_p(one.p)}, {one.difference.n:,} pairs{groups}"
        if one.mcnemar is not None:
            figures += f", McNemar p {_p(one.mcnemar)}"
    if constant(one) and one.difference.value == 0:
        said = f"{first} and {second} are not separable: the same score on all {one.difference.n:,} instances"
    elif not one.separable:
        said = f"{first} and {second} are not separable: {figures}{_why_not(one)}"
    else:
        said = f"{one_line(one.winner)} is better than {first if turned else second}: {figures}"
    lost = f"; {one.left_out:,} instances left out that one of them did not answer" if one.left_out else ""
    return said + way + gap + lost


def constant(one: Comparison) -> bool:
    """Is the difference the same everywhere? Then resampling it says nothing, and there is no interval to tell."""
    return one.paired and one.difference.low == one.difference.high


def _why_not(one: Comparison) -> str:
    if math.isnan(one.detectable):
        return "; too few for an interval"
    if one.difference.value == 0:
        return ""
    if abs(one.difference.value) < one.detectable or not one.paired:
        return f"; these show {one.detectable:.3f} or more"
    least = statistics.least_p(one.difference.clusters)
    groups = "clusters" if one.difference.clusters < one.difference.n else "pairs"
    if least > summary.SIGNIFICANT:
        return f"; no p below {least:.3f} is possible for {one.difference.clusters} {groups}"
    return f"; {one.difference.clusters} {groups} are too few to be sure"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def score(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.3f}"


def span(one: Estimate) -> str:
    """An interval, or nothing where there are too few values for one."""
    return "" if math.isnan(one.low) else f"{one.low:.3f} to {one.high:.3f}"


def _signed(one: Estimate, turned: bool) -> str:
    return f"{-one.value if turned else one.value:+.3f}"


def _signed_span(one: Estimate, turned: bool) -> str:
    if math.isnan(one.low):
        return "none"
    low, high = (-one.high, -one.low) if turned else (one.low, one.high)
    return f"{low:+.3f} to {high:+.3f}"


def ended(agent: AgentSummary) -> str:
    """How jobs ended, the answered first; outcomes that did not happen are left out."""
    parts = [f"{count:,} {name.replace('_', ' ')}" for name, count in agent.ended.items()]
    if agent.missing:
        parts.append(f"{agent.missing:,} not run")
    return ", ".join(parts)
