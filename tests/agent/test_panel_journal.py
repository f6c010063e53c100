"""A run that was stopped goes on behind what it decided: the same end from whatever a death left of its journal."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.tools.panel import Books, Job, Parent, Policy, Rejected, Task

WANTED = 9


def duplicates(question: str) -> str:
    """Every third answer was given before."""
    number = int(question.split()[1])
    return f"an answer that is as good as number {number if number % 3 else number // 6} of all the answers there are"


def started(panelists: ModuleType, journal: Path | None, memory: Any, timing: int = 0, **options: Any) -> Any:
    models = panelists.cast(memory, delay=lambda key: 0.01 + 2.0 * panelists.chance(timing, key) ** 4)
    models[0].say = panelists.writer(text=duplicates).say
    return models, panelists.panel(*models, concurrency=4, journal=journal, **options)


def worked(panelists: ModuleType, panel: Any, work: Job, kill: float = 0.0) -> list[Any] | None:
    """Run in virtual time; killed `kill` seconds into it: None."""
    found: list[Any] = []

    async def until() -> list[Any] | None:
        try:
            async with asyncio.timeout(kill or None):
                await panel.work(work, lambda verdict: found.append((panelists.told(verdict), verdict)))
        except TimeoutError:
            return None
        return found

    told: list[Any] | None = panelists.in_virtual_time(until())
    return told


def result(books: Books) -> tuple[Any, ...]:
    return books.accepted, books.rejected, books.planned, books.escalated


def asked(models: Any) -> int:
    return sum(len(one.asked) for one in models)


def test_twelve_timings_and_kills_give_one_output_and_ask_for_no_decided_row(
    panelists: ModuleType, tmp_path: Path
) -> None:
    work = panelists.job(None, wanted=WANTED)
    _, plain = started(panelists, None, panelists.Memory())
    expected = worked(panelists, plain, work)
    assert plain.books.rejected["near_duplicate"] > 0
    decided: list[int] = []
    for timing in range(1, 13):
        memory, path = panelists.Memory(), tmp_path / f"{timing}.jsonl"
        for i in range(1 + timing % 3):
            _, panel = started(panelists, path, memory, 100 * timing + i)
            assert worked(panelists, panel, work, kill=1.5) is None
        decided.append(len(path.read_text().splitlines()) - 1)
        models, panel = started(panelists, path, memory, timing)
        assert worked(panelists, panel, work) == expected
        assert result(panel.books) == result(plain.books)
        assert max(memory.paid.values()) == 1
        again = {request["nonce"][0] for _, request in models[0].asked}
        assert not again & {f"plain@1/{position}" for position in range(decided[-1])}
    assert sum(decided) > 9


def test_any_beginning_of_a_journal_leads_to_the_same_end(panelists: ModuleType, tmp_path: Path) -> None:
    work, memory, path = panelists.job(None, wanted=WANTED), panelists.Memory(), tmp_path / "journal.jsonl"
    _, panel = started(panelists, path, memory)
    expected = worked(panelists, panel, work)
    whole, books = path.read_bytes(), panel.books
    drawn = random.Random(7)
    sizes = [0, 1, len(whole) - 1, len(whole), *drawn.sample(range(len(whole)), 8)]
    for size, tail in zip(sizes, itertools.cycle([b"", b"\0\0\0", b'{"task": "x"}\n', b"[]\n"])):
        path.write_bytes(whole[:size] + tail)
        _, panel = started(panelists, path, memory)
        assert worked(panelists, panel, work) == expected
        assert result(panel.books) == result(books)
        assert path.read_bytes().startswith(whole)


def test_a_finished_journal_is_told_again_without_a_question(panelists: ModuleType, tmp_path: Path) -> None:
    work, memory, path = panelists.job(40), panelists.Memory(), tmp_path / "journal.jsonl"
    first = worked(panelists, started(panelists, path, memory)[1], work)
    models, panel = started(panelists, path, memory)
    assert worked(panelists, panel, work) == first
    assert asked(models) == panel.books.calls == 0
    assert panel.books.cached == sum(len(one[0][7]) for one in first or ())


def test_what_is_judged_needs_no_draft_in_the_journal(panelists: ModuleType, tmp_path: Path) -> None:
    path, memory = tmp_path / "journal.jsonl", panelists.Memory()
    tasks = [Task(i, {"question": "?", "answer": f"Answer {i}."}, (Parent(f"{i:032x}"),)) for i in range(12)]
    odd = lambda task, made: Rejected("odd", "It is odd.", {"at": task.position}) if task.position % 2 else None  # noqa: E731
    work = panelists.job(steps=[], tasks=lambda: iter(tasks), near_duplicate=None, gates=[odd])
    first = worked(panelists, started(panelists, path, memory)[1], work)
    assert first is not None and b"Answer" not in path.read_bytes()
    models, panel = started(panelists, path, memory)
    assert worked(panelists, panel, work) == first
    assert asked(models) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda panelists: (panelists.job(20, policy=Policy(cut=3.0)), {}),
        lambda panelists: (panelists.job(20, name="other@1"), {}),
        lambda panelists: (panelists.job(20), {"seed": 5}),
        lambda panelists: (
            panelists.job(20, tasks=lambda: (Task(i, {"question": f"case {i}"}) for i in range(20))),
            {},
        ),
    ],
)
def test_the_journal_of_another_run_is_not_used(panelists: ModuleType, tmp_path: Path, change: Any) -> None:
    path = tmp_path / "journal.jsonl"
    worked(panelists, started(panelists, path, panelists.Memory())[1], panelists.job(20))
    work, options = change(panelists)
    expected = worked(panelists, started(panelists, None, panelists.Memory(), **options)[1], work)
    assert worked(panelists, started(panelists, path, panelists.Memory(), **options)[1], work) == expected
    assert len(path.read_text().splitlines()) == 21


def test_what_was_given_up_is_asked_again_when_the_run_goes_on(panelists: ModuleType, tmp_path: Path) -> None:
    path, memory, work = tmp_path / "journal.jsonl", panelists.Memory(), panelists.job(30)
    models, panel = started(panelists, path, memory, give_up=True)
    models[0].fault = lambda key: panelists.chance("gone", key) < 0.2
    given_up = [one[0] for one, _ in worked(panelists, panel, work) or () if one[1] == "failed"]
    assert given_up
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert len(lines) == given_up[0]
    _, panel = started(panelists, path, memory, give_up=True)
    found = worked(panelists, panel, work)
    assert found == worked(panelists, started(panelists, None, panelists.Memory())[1], work)
