"""The report of an evaluation run as Markdown, for a pull request or a README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...evals.summary import Report
from ..text import one_line
from .evals import agent_rows, cautions, metric_name, numeric, score, span, unanswered, verdict


def markdown(one: Report) -> Iterator[str]:
    epochs = f" × {one.epochs} epochs" if one.epochs > 1 else ""
    yield f"## {_cell(one.suite)}@{one.version}: {_cell(metric_name(one, one.metric))}"
    yield ""
    yield (f"Run `{one.run}`, set `{one.set}`, {one.instances:,} instances{epochs}; {one.better} is better; 95 % "
           "intervals over instances.")  # fmt: skip
    yield ""
    for caution in cautions(one):
        yield f"**{_cell(caution)}**"
        yield ""
    agents = agent_rows(one)
    yield from _table(agents, numbers=numeric(agents[0]))
    if said := [f"- {_cell(line)}" for line in unanswered(one)]:
        yield ""
        yield from said
    names = sorted({name for agent in one.agents for name in agent.families})
    if names:
        rows = [["family", *(agent.label for agent in one.agents)]]
        for name in names:
            found = [agent.families.get(name) for agent in one.agents]
            rows.append([name, *(f"{score(figure.value)} ({figure.n:,})" if figure else "" for figure in found)])
        yield ""
        yield from _table(rows, numbers=range(1, len(rows[0])))
    pooled = [(agent.label, name, figure) for agent in one.agents for name, figure in agent.pooled.items()]
    if pooled:
        yield ""
        rows = [[label, metric_name(one, name), score(figure.value), span(figure)] for label, name, figure in pooled]
        yield from _table([["agent", "pooled figure", "value", "95 % interval"], *rows], numbers=(2,))
    if one.comparisons:
        yield ""
        yield from (f"- {_cell(verdict(pair))}" for pair in one.comparisons)
    if one.gaps:
        yield ""
        yield from (f"- {_cell(verdict(gap))}" for gap in one.gaps)


def _table(rows: Sequence[Sequence[str]], *, numbers: Sequence[int] | range) -> Iterator[str]:
    head, *rest = rows
    yield f"| {' | '.join(map(_cell, head))} |"
    yield f"|{'|'.join(' ---: ' if i in numbers else ' --- ' for i in range(len(head)))}|"
    for row in rest:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    """Text from data as text: no markup of it is heeded."""
    marked = "".join(f"\\{sign}" if sign in "\\`*[]|" else sign for sign in one_line(text))
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
