"""Summaries, comparisons and reports as JSON: the result lines of `tilth eval`. It knows fields and rounding only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from .statistics import Estimate
from .summary import AgentSummary, Comparison, Report

DIGITS: Final = 6


def figure(value: float) -> float | None:
    """Rounded, so that the last bits of a sum never show; None where there is no figure."""
    return None if math.isnan(value) else round(value, DIGITS) + 0.0


def interval(one: Estimate) -> list[float | None]:
    return [figure(one.low), figure(one.high)]


def agent_json(one: AgentSummary) -> dict[str, Any]:
    """The fields of DESIGN's result line for one agent, and the rest of its figures."""

    def told(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
        return {name: {"value": figure(e.value), "ci": interval(e), "n": e.n} for name, e in estimates.items()}

    worst = one.worst
    return {
        "agent": one.label,
        "score": figure(one.score.value),
        "ci": interval(one.score),
        "scored": one.score.n,
        "ended": {**one.ended, **({"not_run": one.missing} if one.missing else {})},
        "worst_family": None if worst is None else {"family": worst[0], "value": figure(worst[1].value)},
        "metrics": told(one.metrics),
        "pooled": told(one.pooled),
        "families": told(one.families),
        "groups": {tag: told(values) for tag, values in one.groups.items()},
        "pass": [{"k": t.k, "pass@k": figure(t.at), "pass^k": figure(t.hat)} for t in one.tries],
        "curve": [[figure(x), figure(y)] for x, y in one.curve],
        "calls": one.spent.calls,
        "tool_calls": one.spent.tool_calls,
        "tokens": {"in": one.spent.tokens_in, "out": one.spent.tokens_out},
        "usd": figure(one.spent.usd),
        "per_accepted": told({"tokens": one.spent.tokens_per_accepted, "usd": one.spent.usd_per_accepted}),
        "usage": "self-reported" if one.spent.self_reported else "measured",
        "simulated": one.spent.simulated,
    }


def comparison_json(one: Comparison) -> dict[str, Any]:
    return {
        "first": one.first,
        "second": one.second,
        "paired": one.paired,
        "difference": figure(one.difference.value),
        "ci": interval(one.difference),
        "p": figure(one.p),
        "mcnemar": None if one.mcnemar is None else figure(one.mcnemar),
        "detectable": figure(one.detectable),
        "left_out": one.left_out,
        "separable": one.separable,
        "winner": one.winner or None,
        "public_minus_fresh": one.gap,
    }


def report_json(one: Report) -> dict[str, Any]:
    """The result line of a run; with a single agent its score stands at the top."""
    agents = [agent_json(agent) for agent in one.agents]
    alone = {name: agents[0][name] for name in ("agent", "score", "ci")} if len(agents) == 1 else {}
    return {
        "run": one.run,
        "suite": one.suite,
        "version": one.version,
        "metric": one.metric,
        "better": one.better,
        "set": one.set,
        "instances": one.instances,
        "epochs": one.epochs,
        **alone,
        "usd": figure(one.usd),
        "agents": agents,
        "comparisons": [comparison_json(pair) for pair in one.comparisons],
        "planned_detectable": figure(one.planned_detectable),
        "uncalibrated": sorted(one.uncalibrated),
        "left_out": list(one.left_out),
        "gaps": [comparison_json(gap) for gap in one.gaps],
    }
