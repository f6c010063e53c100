"""Suites, agents, runs, and what came of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ...evals import statistics
from ...evals.estimate import Estimated, Guess
from ...evals.statistics import Estimate
from ...evals.suite import Instance
from ...evals.summary import AgentSummary, Comparison, Report
from ..terminal import Terminal
from ..text import many_lines, one_line, shorten, table
from . import fitted

MOST_TRUTH: Final = 60
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


def said_before(one: Estimated) -> str:
    """What stands before a run: what it can tell and what it takes, in a sentence."""
    takes = "; ".join(f"{one_line(guess.agent)}: {_guessed(guess)}" for guess in one.guesses)
    return f"{_tells(one)}. It takes {takes}"


def _tells(one: Estimated) -> str:
    epochs = f" × {one.epochs} epochs" if one.epochs > 1 else ""
    few = f"; in only {one.clusters:,} clusters, which may show less" if one.clusters < one.instances else ""
    return (
        f"{one.instances:,} instances{epochs} of set {one.set}: two agents that differ by {one.detectable:.2f} or more "
        f"can be told apart (80 % power, by a usual spread{few})"
    )


def _guessed(guess: Guess) -> str:
    each, jobs = guess.each, guess.jobs
    if each is None:
        return f"{jobs:,} tries, cost not known (no earlier run)"
    if not each.calls:
        return f"{jobs:,} tries, no model calls that are known"
    return (f"{jobs:,} tries, about {each.calls * jobs:,} calls, {(each.tokens_in + each.tokens_out) * jobs:,} tokens, "
            f"${each.usd * jobs:.2f}, {each.seconds * jobs / 60:.1f} min of work (by {guess.by})")  # fmt: skip


@fitted
def estimated(one: Estimated, terminal: Terminal) -> Iterator[str]:
    yield f"{_tells(one)}."
    yield ""
    rows = []
    for guess in one.guesses:
        each = guess.each
        figures = ["not known"] * 4 if each is None else [
            f"{each.calls * guess.jobs:,}", f"{(each.tokens_in + each.tokens_out) * guess.jobs:,}",
            f"{each.usd * guess.jobs:.2f}", f"{each.seconds * guess.jobs / 60:.1f}",
        ]  # fmt: skip
        place = "this one, trusted" if guess.trusted else "its own"
        rows.append([guess.agent, f"{guess.jobs:,}", *figures, guess.by, place])
    head = ["agent", "tries", "calls", "tokens", "$", "minutes", "told by", "process"]
    yield from table([head, *rows], columns=terminal.columns, numbers=(1, 2, 3, 4, 5))
    yield "nothing was run"


@fitted
def report(one: Report, wrote: Sequence[str], terminal: Terminal) -> Iterator[str]:
    epochs = f" × {one.epochs} epochs" if one.epochs > 1 else ""
    yield f"run {one.run}: {one.suite}@{one.version}, set {one.set}, {one.instances:,} instances{epochs}"
    yield f"score: {one.metric}, {one.better} is better; 95 % intervals over instances"
    yield ""
    yield from table(agent_rows(one), columns=terminal.columns, numbers=(1, 3, 4, 5, 6))
    yield from unanswered(one)
    yield from _figures(one, terminal)
    if one.comparisons:
        yield ""
        yield from (verdict(pair) for pair in one.comparisons)
    elif one.agents:
        yield ""
        yield f"a second agent on the same instances would have to differ by about {one.planned_detectable:.2f}"
    if any(agent.spent.self_reported for agent in one.agents):
        yield "tokens and dollars of cmd: agents are self-reported"
    yield from (f"wrote {one_line(name)}" for name in wrote)


def agent_rows(one: Report) -> list[list[str]]:
    """The table of agents: its head and a row for each."""
    rows = [["agent", "score", "95 % interval", "scored", "answered", "tokens", "$", "worst family"]]
    for agent in one.agents:
        worst = agent.worst
        rows.append(
            [
                agent.label,
                score(agent.score.value),
                span(agent.score),
                f"{agent.score.n:,}",
                f"{agent.ended.get('answered', 0):,} of {agent.jobs:,}",
                f"{agent.spent.tokens_in + agent.spent.tokens_out:,}",
                f"{agent.spent.usd:.2f}",
                f"{worst[0]} {score(worst[1].value)}" if worst else "",
            ]
        )
    return rows


def unanswered(one: Report) -> Iterator[str]:
    """How tries ended that have no score; none of them is a zero among the scores."""
    for agent in one.agents:
        if agent.ended.get("answered", 0) < agent.jobs:
            yield f"{one_line(agent.label)}: {ended(agent)}; only answered tries have a score"


def _figures(one: Report, terminal: Terminal) -> Iterator[str]:
    """A line for each figure, a column for each agent; intervals where one agent leaves room for them."""
    rows: dict[str, dict[str, str]] = {}

    def put(name: str, agent: AgentSummary, figure: Estimate) -> None:
        beside = f"  {span(figure)}" if len(one.agents) == 1 else ""
        rows.setdefault(name, {})[agent.label] = f"{score(figure.value)}{beside}" if figure.known else ""

    for agent in one.agents:
        for name, figure in agent.metrics.items():
            put(name, agent, figure)
        for name, figure in agent.pooled.items():
            put(f"{name} (pooled)", agent, figure)
        for tries in agent.tries:
            rows.setdefault(f"pass@{tries.k}", {})[agent.label] = score(tries.at)
            rows.setdefault(f"pass^{tries.k}", {})[agent.label] = score(tries.hat)
        for tag, values in agent.groups.items():
            for value, figure in values.items():
                put(f"{tag} = {value or 'none'} ({figure.n:,})", agent, figure)
    families = lowest_first(one)
    for name in families[:LOWEST]:
        for agent in one.agents:
            if name in agent.families:
                put(f"family {name}", agent, agent.families[name])
    told = [[name, *(cells.get(agent.label, "") for agent in one.agents)] for name, cells in rows.items()
            if any(cells.values())]  # fmt: skip
    if told:
        yield ""
        head = ["figure", *(agent.label for agent in one.agents)]
        yield from table([head, *told], columns=terminal.columns, numbers=range(1, len(head)))
    if len(families) > LOWEST:
        yield f"{len(families) - LOWEST:,} families more, none of them lower (--md and --html show all)"


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
    if one.paired:
        groups = f" in {one.difference.clusters:,} clusters" if one.difference.clusters < one.difference.n else ""
        figures += f", p {_p(one.p)}, {one.difference.n:,} pairs{groups}"
        if one.mcnemar is not None:
            figures += f", McNemar p {_p(one.mcnemar)}"
    if not one.separable:
        said = f"{first} and {second} are not separable: {figures}{_why_not(one)}"
    else:
        said = f"{one_line(one.winner)} is better than {first if turned else second}: {figures}"
    lost = f"; {one.left_out:,} instances left out that one of them did not answer" if one.left_out else ""
    return said + way + gap + lost


def _why_not(one: Comparison) -> str:
    if math.isnan(one.detectable):
        return "; too few for an interval"
    if one.difference.value == 0:
        return ""
    if abs(one.difference.value) < one.detectable or not one.paired:
        return f"; these show {one.detectable:.3f} or more"
    least = statistics.least_p(one.difference.clusters)
    return f"; no p below {least:.3f} is possible for {one.difference.clusters} clusters" if least > 0.001 else ""


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


@fitted
def instances(found: Sequence[Instance], terminal: Terminal) -> Iterator[str]:
    rows = [
        [number, one.id, len(one.files), f"{sum(map(len, one.files.values())):,}",
         ", ".join(f"{tag}={value}" for tag, value in one.tags.items())]
        for number, one in enumerate(found, 1)
    ]  # fmt: skip
    yield from table([["", "instance", "files", "bytes", "tags"], *rows], columns=terminal.columns, numbers=(0, 2, 3))


@fitted
def instance(one: Instance, terminal: Terminal) -> Iterator[str]:
    yield f"instance {one.id} of {one.suite}"
    yield from (f"  {one_line(tag)}: {one_line(value)}" for tag, value in one.tags.items())
    yield ""
    yield from many_lines(one.task)
    yield ""
    yield from (f"file {one_line(name)}, {len(body):,} bytes" for name, body in one.files.items())
    yield f"submission: {shorten(json.dumps(one.submission, ensure_ascii=False), 400)}"
    yield ""
    yield "truth (agents never see it):"
    lines = json.dumps(one.truth, indent=1, ensure_ascii=False).split("\n")
    yield from (" " * (len(line) - len(line.lstrip())) + shorten(line, 400) for line in lines[:MOST_TRUTH])
    if len(lines) > MOST_TRUTH:
        yield f"… {len(lines) - MOST_TRUTH:,} lines more; --json shows all"
