"""The report of an evaluation run as one HTML page: scores, differences, families, cost, curves.

It knows the values of `evals.summary`. How a page is made and data kept harmless is `page`'s, plots are `evals_svg`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...evals.statistics import Estimate
from ...evals.summary import Comparison, Report
from ..render.evals import (
    PER_ACCEPTED,
    agent_name,
    cautions,
    constant,
    ended,
    lowest_first,
    metric_name,
    per_accepted,
    score,
    second_agent,
    span,
    title,
    verdict,
    worst,
)
from . import evals_svg as svg
from . import page


def render_html(one: Report) -> str:
    """The whole page."""
    sections = _scores, _differences, _families, _cost, _curves, _figures, _made
    body = "\n".join(part for section in sections if (part := "".join(section(one))))
    name = f"{one.suite}: {', '.join(agent.label for agent in one.agents)}"
    return page.whole(name, f"{_head(one)}\n{body}", style=svg.STYLE)


def _head(one: Report) -> str:
    said = "".join(f'<p class="caution">{page.data(caution)}</p>' for caution in cautions(one))
    return (
        f"<h1>{page.data(one.suite)}@{one.version}: {page.data(metric_name(one, one.metric))}</h1>"
        f"<p>{page.data(title(one))}; {one.better} is better</p>"
        f'<p class="faint">run {page.escaped(one.run)}</p>{said}'
    )


def _scores(one: Report) -> Iterator[str]:
    bars = [_bar(agent_name(agent), agent.score) for agent in one.agents]
    rows = (
        (page.data(agent_name(agent)), score(agent.score.value), span(agent.score), f"{agent.score.n:,}",
         page.escaped(ended(agent)), page.data(worst(agent)))
        for agent in one.agents
    )  # fmt: skip
    head = ("agent", "score", "95 % interval", "scored", "how tries ended", "worst family")
    body = _wide(svg.forest(bars, name="Scores with their intervals"), *page.table(head, rows, (1, 2, 3)))
    yield from page.section("Scores", body, "95 % intervals over instances; only answered tries have a score")


def _wide(*parts: str) -> list[str]:
    """Parts that a narrow window scrolls rather than squeezes."""
    return ['<div class="wide">', *parts, "</div>"]


def _bar(label: str, one: Estimate) -> svg.Bar:
    return svg.Bar(label, one.value, one.low, one.high)


def _pair(pair: Comparison) -> svg.Bar:
    bar = _bar(f"{pair.first} − {pair.second}", pair.difference)
    return replace(bar, low=math.nan, high=math.nan) if constant(pair) else bar


def _differences(one: Report) -> Iterator[str]:
    if one.gaps:
        plot = svg.forest([_pair(gap) for gap in one.gaps], name="Gaps", unit_range=False)
        gaps = [*_wide(plot), _verdicts(one.gaps)]
        yield from page.section("The same agents in another run", gaps, "public minus fresh shows what was memorised")
    if not one.comparisons:
        yield from page.section("Differences", [f"<p>{second_agent(one)}</p>"])
        return
    bars = [_pair(pair) for pair in one.comparisons]
    plot = svg.forest(bars, name="Differences of agents", unit_range=False)
    body = [*_wide(plot), _verdicts(one.comparisons)]
    yield from page.section("Differences", body, "the same instances, p after Holm’s correction")


def _verdicts(pairs: Sequence[Comparison]) -> str:
    return f"<ul>{''.join(f'<li>{page.data(verdict(pair))}</li>' for pair in pairs)}</ul>"


def _families(one: Report) -> Iterator[str]:
    names = lowest_first(one)
    if not names:
        return
    rows = []
    for name in names:
        cells = "".join(_cell(agent.families.get(name)) for agent in one.agents)
        rows.append(f"<tr><td>{page.data(name)}</td>{cells}</tr>")
    heads = "".join(f'<th class="n">{page.data(agent.label)}</th>' for agent in one.agents)
    table = f'<table class="heat"><tr><th>family</th>{heads}</tr>{"".join(rows)}</table>'
    yield from page.section("Families", _wide(table), "lowest first; in brackets how many tries had it")


def _cell(one: Estimate | None) -> str:
    if one is None or not one.known:
        return "<td></td>"
    shade = 55 * min(max(one.value, 0.0), 1.0)
    style = f"background:color-mix(in srgb,var(--bar) {shade:.0f}%,transparent)"
    told = f'{one.value:.3f} <span class="faint">({one.n:,})</span>'
    return f'<td style="{style}" title="{page.escaped(span(one))}">{told}</td>'


def _cost(one: Report) -> Iterator[str]:
    """Dollars where any were spent, else tokens."""
    if not any(agent.spent.calls or agent.spent.tool_calls or agent.spent.self_reported for agent in one.agents):
        yield from page.section("Cost", ["<p>No model was asked.</p>"])
        return
    money = one.usd > 0
    dots = []
    for agent in one.agents:
        tries = max(agent.jobs - agent.missing, 1)
        spent = agent.spent.usd if money else agent.spent.tokens
        dots.append(svg.Dot(agent.label, spent / tries, agent.score.value))
    plot = svg.scatter(
        dots,
        name="Cost and score",
        x_name="dollars per try" if money else "tokens per try",
        y_name=one.metric,
        money=money,
    )
    rows = (
        (page.data(agent.label), f"{agent.spent.calls:,}", f"{agent.spent.tokens_in:,}", f"{agent.spent.tokens_out:,}",
         f"{agent.spent.tool_calls:,}", f"{agent.spent.usd:.4f}", per_accepted(agent),
         "self-reported" if agent.spent.self_reported else "measured")
        for agent in one.agents
    )  # fmt: skip
    head = ("agent", "model calls", "tokens in", "tokens out", "tool calls", "$", PER_ACCEPTED, "")
    body = _wide(plot, *page.table(head, rows, (1, 2, 3, 4, 5, 6)))
    yield from page.section("Cost", body)


def _curves(one: Report) -> Iterator[str]:
    series = [(agent.label, agent.curve) for agent in one.agents if len(agent.curve) > 1]
    if series:
        plot = svg.curves(series, name="Recovery", x_name="rows inspected or kept, as the suite counts them")
        yield from page.section("Recovery curves", _wide(plot), "mean over instances")


def _figures(one: Report) -> Iterator[str]:
    """All figures of each agent, folded."""
    for agent in one.agents:
        pooled = {f"{name}, pooled": figure for name, figure in agent.pooled.items()}
        rows = [
            (page.data(metric_name(one, name)), score(e.value), span(e), f"{e.n:,}")
            for name, e in {**agent.metrics, **pooled}.items()
        ]
        for tag, values in agent.groups.items():
            rows += [
                (page.data(f"{tag} = {value}"), score(e.value), span(e), f"{e.n:,}") for value, e in values.items()
            ]
        rows += [(f"pass@{t.k}", f"{t.at:.3f}", "", "") for t in agent.tries]
        rows += [(f"pass^{t.k}", f"{t.hat:.3f}", "", "") for t in agent.tries]
        if rows:
            table = "".join(page.table(("figure", "value", "95 % interval", "tries"), rows, (1, 2, 3)))
            yield f"<details><summary>all figures of {page.data(agent.label)}</summary>{table}</details>"


def _made(one: Report) -> Iterator[str]:
    told = ", ".join(f"{name} {version}" for name, version in one.versions.items())
    yield f'<p class="faint">{page.escaped(told)}</p>'
