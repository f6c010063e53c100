"""Many samples in an order that no timing can change: plan, window, commit.

Task i begins only when the commit cursor has reached i - W, sees the rows accepted before i - W, and is decided in plan
order. Concurrency, faults and budgets decide when, never what. It knows no model and no prompt.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from ...tools.errors import OverBudget, TilthError, Unavailable
from ...tools.panel import Job, Task, Verdict
from ...tools.store.calls import canonical
from .ask import Ask, Closed
from .batch import planned
from .books import Accounts, Teller
from .eligible import Bench, Sample
from .journal import Journal
from .pool import Pool, all_signed, near_duplicate, signed

WINDOW_PER_CALL: Final = 8
"""W over the concurrency cap: nine tenths of the speed of having no order at all."""
TAKEN_OVER: Final = 1_024
"""Verdicts of a journal after which it is told how far the run is."""
LULL: Final = 256
"""An endless plan ends, short of what is wanted, after so many tasks (at least W) in a row without an accepted row."""
MOST_GIVEN_UP: Final = 64
"""So many tasks in a row given up mean that nobody is there."""


class Judge(Protocol):
    """What makes a verdict of one sample."""

    async def run(self, sample: Sample) -> Verdict: ...


class Run:
    """One run over a plan. `verdict` gets every decision in plan order; what is surplus is only counted."""

    def __init__(
        self,
        job: Job,
        bench: Bench,
        judge: Judge,
        ask: Ask,
        *,
        seed: int,
        concurrency: int,
        window: int,
        verdict: Callable[[Verdict], None],
        accounts: Accounts,
        teller: Teller,
        pool: Pool | None = None,
        give_up: bool = False,
        journal: Journal | None = None,
    ) -> None:
        self.job, self.bench, self.judge, self.ask = job, bench, judge, ask
        self.seed, self.concurrency, self.window = seed, concurrency, window
        self.verdict, self.accounts, self.teller = verdict, accounts, teller
        self.pool, self.give_up, self.journal = pool, give_up, journal
        self._plan = enumerate(planned(job))
        self._next = next(self._plan, None)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._arrived: asyncio.Queue[tuple[Sample, Verdict | Exception]] = asyncio.Queue()
        self._ready: dict[int, Verdict] = {}
        self._parked: dict[int, TilthError] = {}
        self._given_up = self.since_accepted = 0
        self.lulled = False

    async def work(self) -> None:
        """Until the plan or the wish is done. Raises Unavailable and OverBudget once everything in flight has ended;
        what is wrong with the run as a whole at once."""
        try:
            await self._take_over()
            self._launch()
            while self._running:
                sample, found = await self._arrived.get()
                del self._running[sample.index]
                self._take(sample, found)
                self._commit()
                self._launch()
                self.teller.tell(parked=len(self._parked), in_flight=len(self._running))
            if self._finished:
                self.accounts.surplus = self.accounts.begun - self.accounts.decided
        finally:
            for running in self._running.values():
                running.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            self.teller.tell(parked=len(self._parked), in_flight=0, last=True)
        if self._parked and not self._finished:
            raise self._stopped()

    @property
    def _finished(self) -> bool:
        return self.ask.closed

    async def _take_over(self) -> None:
        """What the journal holds was decided before the run was stopped: it is decided again without a question."""
        texts: list[tuple[int, str]] = []
        while self.journal is not None and self._next is not None and not self._finished:
            found = self.journal.verdict(self._next[1][0])
            if found is None:
                break
            self._next = next(self._plan, None)
            self.accounts.begun += 1
            self.ask.meter.cached += len(found.calls)
            if found.outcome == "accepted" and found.candidate and found.candidate.text:
                texts.append((self.accounts.decided, found.candidate.text))
            self._decide(found)
            if self.accounts.decided % TAKEN_OVER == 0:
                self._remember(texts)
                self.teller.tell(parked=0, in_flight=0)
                await asyncio.sleep(0)  # so that a person can stop it
        self._remember(texts)

    def _remember(self, texts: list[tuple[int, str]]) -> None:
        """Add accepted texts, each with the number it was decided as, to the pool: many at a time take a third as long."""
        if self.pool is not None and texts:
            for (number, _), text in zip(texts, all_signed([text for _, text in texts]), strict=True):
                self.pool.add(text, number)
        texts.clear()

    # -- beginning -------------------------------------------------------------------------------------------------

    def _launch(self) -> None:
        while self._next is not None and self._may_begin(self._next[0]):
            index, (task, batch) = self._next
            name = task_name(self.job, task)
            seats = self.bench.seats(self.seed, batch.name if batch is not None else name)
            sample = Sample(index, name, task, seats, batch)
            self.accounts.begun += 1
            self._running[index] = asyncio.create_task(self._one(sample))
            self._next = next(self._plan, None)

    def _may_begin(self, index: int) -> bool:
        if self._finished or self._parked or len(self._running) >= self.concurrency:
            return False
        return index <= self.accounts.decided + self.window and self._is_wanted()

    def _is_wanted(self) -> bool:
        """Would what is begun, at the rate so far, be too little? It limits surplus and changes no result."""
        if self.job.wanted is None:
            return True
        accounts = self.accounts
        rate = (accounts.accepted + 1) / (accounts.decided + 1)
        return accounts.accepted + (accounts.begun - accounts.decided) * rate < self.job.wanted

    async def _one(self, sample: Sample) -> None:
        found: Verdict | Exception
        try:
            found = await self.judge.run(sample)
        except Exception as error:
            found = error
        self._arrived.put_nowait((sample, found))

    # -- ending ----------------------------------------------------------------------------------------------------

    def _take(self, sample: Sample, found: Verdict | Exception) -> None:
        if isinstance(found, Verdict):
            self._ready[sample.index] = found
        elif isinstance(found, Closed):
            return  # surplus: the run ended while it was under way
        elif isinstance(found, Unavailable) and self.give_up:
            self._ready[sample.index] = Verdict(sample.task, "failed", "unavailable", str(found.args[0]))
        elif isinstance(found, Unavailable | OverBudget):
            self._parked[sample.index] = found
        else:
            raise found

    def _commit(self) -> None:
        while not self._finished and (found := self._ready.pop(self.accounts.decided, None)) is not None:
            found = self._final(found)
            if self.journal is not None:
                self.journal.add(found)
            self._decide(found)
        if self.journal is not None:
            self.journal.flush()

    def _decide(self, found: Verdict) -> None:
        """The next verdict in plan order, and whether it is the last."""
        self.accounts.decide(found)
        self.verdict(found)
        self._given_up = self._given_up + 1 if found.outcome == "failed" else 0
        if self._given_up >= MOST_GIVEN_UP:
            raise Unavailable(f"{self._given_up} tasks in a row had to be given up: {found.message}")
        self.since_accepted = 0 if found.outcome == "accepted" else self.since_accepted + 1
        if self.job.wanted is not None:
            self.lulled = self.since_accepted >= max(LULL, self.window)
            self.ask.closed = self.lulled or self.accounts.accepted >= self.job.wanted

    def _final(self, found: Verdict) -> Verdict:
        """The last look at the pool, all rows accepted so far in it."""
        if self.pool is None or found.outcome != "accepted" or found.candidate is None or not found.candidate.text:
            return found
        text = signed(found.candidate.text)
        near = self.pool.nearest(text)
        if near is None:
            self.pool.add(text, self.accounts.decided)
            return found
        why = near_duplicate(near)
        return replace(found, outcome="rejected", code=why.code, message=why.message,
                       evidence={**found.evidence, **why.evidence})  # fmt: skip

    def _stopped(self) -> TilthError:
        """Why the run cannot go on now, and how it stands."""
        error = self._parked[min(self._parked)]
        accounts = self.accounts
        of = f" of {self.job.wanted:,}" if self.job.wanted is not None else ""
        stands = f"{accounts.accepted:,}{of} rows are accepted, {accounts.pending:,} tasks are pending."
        next_step = error.next_step
        if isinstance(error, Unavailable) and "same command again" not in next_step:
            next_step = f"{next_step} Run the same command again to go on; recorded answers are not paid again."
        return type(error)(f"{error.args[0]} {stands}", next_step=next_step.strip())


def task_name(job: Job, task: Task) -> str:
    """What a task is called in nonces and draws: its place for what is made; for what is judged its data, so that equal
    rows have equal judges."""
    if job.steps:
        return f"{job.name}/{task.position}"
    return hashlib.sha256(canonical(dict(task.data)).encode()).hexdigest()[:16]
