"""Rows that shirk, a fifth of a set: how many of them a panel's scores put into the lowest fifth (Instruct-SkillMix).

In the paper's arms a fifth of poor answers undoes what the good ones teach, so finding them is what a ranking is for.
"""

from __future__ import annotations

from math import comb
from types import ModuleType
from typing import Any

import pytest

from tilth.tools.panel import Criterion, Policy, Rubric, Task, Verdict

ROWS = 200
BREVITY = ["Sure.", "It depends.", "Yes", "I cannot help with that, sorry."]
JUNK = ["good good good good good good good good good", "{{answer}} TODO lorem ipsum", "because of the", "As an AI I"]
RUBRIC = Rubric(
    "answers", "Judge.", "0" * 16, tuple(Criterion(id, "?") for id in ("complete", "relevant", "clear", "useful"))
)


def shirks(position: int) -> bool:
    return position % 5 == 2


def answer(position: int, kind: list[str]) -> str:
    if shirks(position):
        return kind[position // 5 % len(kind)]
    return (
        f"To prepare garden bed number {position}, loosen its soil a spade deep, remove stones and roots, rake it fine, "
        f"and water it well {position % 7 + 1} days before sowing."
    )


def recall(verdicts: list[Verdict]) -> float:
    """The share of shirkers in the lowest fifth, ties by place."""
    ranked = sorted(verdicts, key=lambda one: (one.score if one.score is not None else 0.0, one.task.position))
    lowest = ranked[: ROWS // 5]
    return sum(shirks(one.task.position) for one in lowest) / (ROWS // 5)


def judged(panelists: ModuleType, kind: list[str], *models: Any, roles: dict[str, list[str]]) -> list[Verdict]:
    tasks = lambda: (  # noqa: E731
        Task(i, {"question": f"How do I prepare garden bed number {i} for sowing?", "answer": answer(i, kind)})
        for i in range(ROWS)
    )
    verdicts: list[Verdict] = []
    work = panelists.job(steps=[], tasks=tasks, near_duplicate=None, rubric=RUBRIC, policy=Policy(cut=5.0))
    panelists.panel(*models, roles=roles).run(work, verdicts.append)
    return verdicts


def expected(questions: int, error: float) -> float:
    """The recall when every one of so many questions is answered wrongly with this chance, exactly."""
    good = [comb(questions, k) * (1 - error) ** k * error ** (questions - k) for k in range(questions + 1)]
    room, found = 0.2, 0.0
    for fine, poor in zip(good, reversed(good), strict=True):  # by ascending score
        share = 0.8 * fine + 0.2 * poor
        taken = min(room, share)
        found, room = found + 0.2 * poor * taken / share, room - taken
    return found / 0.2


@pytest.mark.parametrize(("kind", "least"), [(JUNK, 0.7), (BREVITY, 0.3)])
def test_measured_signals_see_junk_and_hardly_brevity(panelists: ModuleType, kind: list[str], least: float) -> None:
    assert recall(judged(panelists, kind, roles={"reviewer": ["offline:"]})) >= least


def test_judges_that_err_rank_shirkers_low_and_more_of_them_lower(panelists: ModuleType) -> None:
    """Of four questions each is answered wrongly in .25 of the cases."""

    def verdict(name: str) -> Any:
        def told(text: str) -> dict[str, bool]:
            return {
                one.id: (not text.startswith("To prepare")) == (panelists.chance(name, one.id, text, "e") < 0.25)
                for one in RUBRIC.criteria
            }

        return told

    names = ["anna", "ben", "cleo"]
    found = []
    for judges in (names[:1], names):
        kind = [f"Sure, number {i}." for i in range(ROWS)]  # no two alike: equal texts have one answer
        models = [panelists.judge(name, verdict(name)) for name in judges]
        found.append(recall(judged(panelists, kind, *models, roles={"reviewer": judges})))
    assert found[0] == pytest.approx(expected(4, 0.25), abs=0.1)
    assert found[1] == pytest.approx(expected(12, 0.25), abs=0.1)
    assert found[1] >= 0.85 > found[0]
