"""The panel and what is left of it without a part: verdicts as the closed form has them, and an equal budget for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tilth.evals import registry, sets
from tilth.evals.agents.panel import VARIANTS, PanelAgent, accepted, affordable
from tilth.evals.probes.figures import accepted_accuracy
from tilth.evals.suite import Instance, Limits, Meter
from tilth.tools.panel import Outcome, Task, Verdict


@pytest.fixture(scope="module")
def probes() -> Sequence[Instance]:
    return registry.suite("panel").draw(sets.PUBLIC, 6)


def accepts(variant: str, e: float, a: float) -> tuple[float, float]:
    """-> (sensitivity, false positive rate) of a variant, where reviewers err with chance e and the adjudicator with a.

    Scores are 0 or 10 and the cut is 7: three of three accept, two of three are near the cut, one is not.
    """

    def by(yes: float, vote: float) -> float:
        all_three, two = yes**3, 3 * yes**2 * (1 - yes)
        match variant:
            case "no_adjudicator":
                return all_three
            case "majority":
                return all_three + two
            case "no_reviewer":
                return vote
        return all_three + two * vote

    return by(1 - e, 1 - a), by(e, a)


@pytest.mark.slow
def test_every_variant_accepts_as_the_closed_form_says(judges: Any, tmp_path: Path, probes: Sequence[Instance]) -> None:
    e, a = 0.2, 0.1
    answers = judges.Simulated(probes, {**dict.fromkeys(judges.JUDGES, e), "dora": a})
    agents = [f"panel:{variant}" for variant in VARIANTS]
    with judges.sim.SimulatedServer(answers, models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        run = judges.worked(tmp_path, "panel", *agents, count=5)
    probes = probes[:5]
    good = sum(not one["broken"] for instance in probes for one in instance.truth["probes"].values())
    whole = sum(len(instance.truth["probes"]) for instance in probes)
    found = {}
    for variant, label in zip(VARIANTS, agents, strict=True):
        se, fpr = accepts(variant, e, a)
        measured = judges.pooled(run, label, "sensitivity"), 1 - judges.pooled(run, label, "specificity")
        for value, expected, n in zip(measured, (se, fpr), (good, whole - good), strict=True):
            assert abs(value - expected) <= 4 * (expected * (1 - expected) / n) ** 0.5 + 1e-9, variant
        found[variant] = judges.pooled(run, label, "accepted_accuracy")
        assert found[variant] == pytest.approx(accepted_accuracy(good / whole, *measured))
    assert min(found.values()) > good / whole
    assert found["full"] == found["replace"]


@pytest.mark.slow
def test_with_a_limit_of_tokens_all_variants_spend_the_same(
    judges: Any, tmp_path: Path, probes: Sequence[Instance]
) -> None:
    """The adjudicator alone asks a third of the full panel, so it goes round about three times: what most of its votes say
    errs as the closed form has it."""
    a, count = 0.2, 4
    answers = judges.Simulated(probes, {**dict.fromkeys(judges.JUDGES, 0.2), "dora": a})
    agents = [f"panel:{variant}" for variant in VARIANTS]
    with judges.sim.SimulatedServer(answers, models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        (one,) = judges.worked(tmp_path, "panel", "panel:no_reviewer", count=1).records().values()
        limit = 5 * one.usage.tokens + one.usage.tokens // 10
        run = judges.worked(tmp_path, "panel", *agents, count=count, limits=Limits(tokens=limit))
    records = list(run.records().values())
    assert {record.ended for record in records} == {"answered"}
    assert all(0.9 * limit < record.usage.tokens <= limit for record in records)
    assert all(record.score.metrics["accepted"] > 0 for record in records if record.score is not None)
    n = sum(len(instance.truth["probes"]) for instance in probes[:count])
    good = sum(not one["broken"] for instance in probes[:count] for one in instance.truth["probes"].values())
    three, five = 3 * a**2 - 2 * a**3, 10 * a**3 * (1 - a) ** 2 + 5 * a**4 * (1 - a) + a**5
    for name, rows in (("sensitivity", good), ("specificity", n - good)):
        found = 1 - judges.pooled(run, "panel:no_reviewer", name)
        assert five - 4 * (five * (1 - five) / rows) ** 0.5 <= found <= three + 4 * (three * (1 - three) / rows) ** 0.5
        assert found < a


@pytest.mark.parametrize(
    ("rounds", "holds"),
    [("a", 1), ("r", 0), ("ara", 1), ("arr", 0), ("ar", 1), ("ra", 0), ("rraa", 0), ("u", 0), ("uaa", 1)],
)
def test_what_most_rounds_say_holds_and_in_doubt_the_first(rounds: str, holds: int) -> None:
    outcomes: dict[str, Outcome] = {"a": "accepted", "r": "rejected", "u": "undecided"}
    assert accepted([Verdict(Task(0, {}), outcomes[one]) for one in rounds]) == bool(holds)


def test_what_is_expected_fills_the_limit_of_tokens(judges: Any, tmp_path: Path) -> None:
    judges.configured(tmp_path, "http://127.0.0.1:1/v1")
    suite = registry.suite("panel")
    tokens = []
    for limit in (None, 1000, 150_000):
        setting = registry.Setting(suite, {}, "", tmp_path, tmp_path, limits=Limits(tokens=limit))
        made = registry.agent(registry.Choice("panel:majority"), setting)
        assert isinstance(made, PanelAgent)
        tokens.append(made.expected.tokens)
    assert tokens == [tokens[0], tokens[0], pytest.approx(150_000, abs=2)]


@pytest.mark.parametrize(
    ("limits", "rows"),
    [
        (Limits(), 0),
        (Limits(tokens=1_000), 4),
        (Limits(tokens=1_000, usd=0.05), 2),
        (Limits(tokens=1_000, usd=0.011), 0),
    ],
)
def test_another_round_begins_only_where_every_limit_covers_it(limits: Limits, rows: int) -> None:
    meter = Meter()
    meter.add(calls=1, tokens_in=60, tokens_out=40, usd=0.01)
    assert affordable(limits, meter, 2) == rows
