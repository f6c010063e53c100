"""`PanelRunner`: the Panel that tools are given. It opens what a run needs and sets the cut.

It knows files and configuration. How samples become verdicts is `graph`'s business, their order `run`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...prompts import Prompts
from ...tools.errors import Misuse, Unavailable
from ...tools.panel import Books, Job, Verdict
from ...tools.version import VERSION
from ..config import Config
from ..events import Listener, Noticed, nobody
from ..models.budget import Caps
from ..models.connections import Connections, connected, endpoint_of, reference, roles
from ..models.loop import in_a_loop, seldom_collected
from . import calibration, controls
from .ask import Ask, all_of
from .books import Accounts, Teller, Usd
from .calibration import Calibration, Gold
from .eligible import Bench, bench
from .journal import Journal
from .pool import Pool
from .run import WINDOW_PER_CALL, Run

if TYPE_CHECKING:
    from ...tools.context import Model

CONCURRENCY: Final = 32
"""Tasks at once where no endpoint says how much it takes."""

Consent = Callable[[Job, Bench], None]


@dataclass(frozen=True)
class Cut:
    """Where the policy accepts, and who says so."""

    value: float
    told_by: str
    auc: float | None = None


@dataclass
class PanelRunner:
    """The `Panel` protocol over the models of a configuration.

    `calls` is the workspace's calls.sqlite; `run_name` is the name under which costs add up over resumes; `journal` is
    the file that keeps what this run decides, so that a resume begins behind it. `consent` is asked once, before anything
    is sent, and raises to say no. `models` (by name) are asked in place of those that names mean, with `roles` in place of
    the configuration's. `options` go to every connection. `give_up` records tasks that could not be asked as failed and
    goes on. `books` holds the accounts so far, also of a run that was stopped.
    """

    config: Config = field(default_factory=Config)
    calls: Path | None = None
    journal: Path | None = None
    caps: Caps = field(default_factory=Caps)
    run_name: str = ""
    seed: int = 0
    listener: Listener = nobody
    prompts: Prompts = field(default_factory=Prompts)
    calibrations: Sequence[Calibration] = ()
    allow_self_review: bool = False
    give_up: bool = False
    consent: Consent | None = None
    models: Mapping[str, Model] | None = None
    roles: Mapping[str, Sequence[str]] | None = None
    concurrency: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    books: Books = field(default_factory=Books)

    def run(self, job: Job, verdict: Callable[[Verdict], None]) -> Books:
        """Work through a job; `verdict` is called in plan order, from this thread. -> the accounts.

        Raises Misuse, Unavailable, OverBudget and Refused as `tools.panel.Panel` says; KeyboardInterrupt once all has
        been put away.
        """
        return in_a_loop(lambda hand: self.work(job, hand), verdict)

    def calibrate(self, job: Job, gold: Sequence[Gold], *, target: float = calibration.TARGET) -> Calibration:
        """Show gold rows to the judges of this job and fit the cut. Raises Refused as `calibration.fit`."""

        async def work(_: Callable[[Verdict], None]) -> Calibration:
            found = self._bench(job)
            async with self._asking(job, found) as (ask, _usd):
                rows = await calibration.judged(job, found, ask, gold, seed=self.seed)
            return calibration.fit(job, found, rows, target=target)

        return in_a_loop(work, lambda _: None)

    async def work(self, job: Job, verdict: Callable[[Verdict], None]) -> Books:
        """As `run`, within an event loop."""
        from .graph import SampleGraph, untraced

        self.books = Books()
        found = self._bench(job)
        if job.wanted == 0:
            return self.books
        accounts = Accounts()
        async with self._asking(job, found) as (ask, usd):
            concurrency = (self.concurrency or self._concurrency(found)) * job.batch
            job = await self._planned(job, found, ask)
            cut = await self._cut(job, found, ask)
            pool = Pool(job.near_duplicate, job.seeds) if job.near_duplicate is not None else None
            teller = Teller(job.name, job.wanted, accounts, ask.meter, usd, self.listener)
            window = WINDOW_PER_CALL * concurrency
            graph = SampleGraph(job, ask, policy=found.policy, cut=cut.value, pool=pool, window=window)
            try:
                with untraced(), seldom_collected(), self._journal(job, found, cut, window) as journal:
                    run = Run(
                        job, found, graph, ask, seed=self.seed, concurrency=concurrency, window=window, verdict=verdict,
                        accounts=accounts, teller=teller, pool=pool, give_up=self.give_up, journal=journal,
                    )  # fmt: skip
                    await run.work()
            except asyncio.CancelledError:
                text = f"stopped after {accounts.accepted:,} accepted rows; run the same command again to go on"
                self.listener(Noticed(f"{text}, recorded answers are not paid again", "warning"))
                raise
            finally:
                self.books = replace(
                    accounts.books(ask.meter, usd), cut=cut.value, policy=found.policy, cut_from=cut.told_by, auc=cut.auc,
                    self_reviewed=found.self_reviewed, window=window,
                )  # fmt: skip
            if run.lulled:
                text = (
                    f"{run.since_accepted:,} tasks in a row made no accepted row: the run ends short of {job.wanted:,}"
                )
                self.listener(Noticed(text, "warning"))
        return self.books

    # -- who takes part --------------------------------------------------------------------------------------------

    def _bench(self, job: Job) -> Bench:
        if job.batch != 1 and job.steps:
            raise Misuse(f"{job.name}: drafts are judged one at a time, not {job.batch}.", next_step="Use batch 1.")
        if job.votes > 1 and job.batch == 1:
            raise Misuse("Votes are on rows of a batch, each time in another order.", next_step="Add --batch 8.")
        named = self.roles
        if named is None:
            named = {role: [str(one) for one in found] for role, found in roles(self.config).items()}
        drafts = bool(job.steps)
        found = bench(named, job.policy, drafts=drafts, allow_self_review=self.allow_self_review)
        if job.offline is None and drafts and any(name == "offline:" for name in found.generators):
            next_step = 'Write [roles] generator = ["openai:MODEL@ENDPOINT"] in tilth.toml.'
            raise Misuse(f"{job.name} cannot be made without a model.", next_step=next_step)
        if found.self_reviewed:
            self.listener(Noticed("the generator reviews its own rows: they are marked self_reviewed", "warning"))
        return found

    @asynccontextmanager
    async def _asking(self, job: Job, found: Bench) -> AsyncIterator[tuple[Ask, Usd]]:
        """The models of a bench, open: nothing was sent before they were all found and consent was had."""
        names = dict.fromkeys([*found.generators, *found.reviewers, *found.adjudicators])
        if self.models is not None:
            if self.consent is not None:
                self.consent(job, found)
            yield Ask(self.models, self.prompts), lambda: 0.0
            return
        opened = connected(
            self.config, self.calls, caps=self.caps, run=self.run_name, listener=self.listener, **self.options
        )
        async with opened as connections:
            models = {name: connections.model(name) for name in names}
            for model in models.values():
                if (may_leave := getattr(model, "may_leave", None)) is not None:
                    may_leave("rows")
            if self.consent is not None:
                self.consent(job, found)
            await self._known(connections, list(names))
            yield Ask(models, self.prompts), lambda: connections.tally.usd

    def _journal(self, job: Job, found: Bench, cut: Cut, window: int) -> AbstractContextManager[Journal | None]:
        """Open, where one is kept: begun anew when anything but the job's own arguments is another."""
        if self.journal is None:
            return nullcontext()
        told = {"cut": cut.value, "seed": self.seed, "window": window, "version": VERSION}
        return Journal(self.journal, job, {**calibration.identity(job, found), **told})

    async def _known(self, connections: Connections, names: Sequence[str]) -> None:
        """Does every endpoint that lists its models list these? One that cannot be reached now may not be needed: what
        was asked before is recorded. Raises Misuse."""
        import openai

        from ..models import failures

        wanted: dict[str, list[str]] = {}
        for name in names:
            one = reference(name, self.config.endpoints)
            if one.endpoint:
                wanted.setdefault(one.endpoint, []).append(one.model)
        for endpoint, models in wanted.items():
            server = connections.server(endpoint)
            try:
                offered = [str(one["id"]) for one in await server.models()]
            except (Unavailable, openai.APIStatusError):
                continue
            for model in models:
                if offered and model not in offered:
                    raise failures.unknown_model(model, endpoint, server.endpoint, offered)

    def _concurrency(self, found: Bench) -> int:
        """The sum over the endpoints that take part."""
        if self.models is not None:
            return CONCURRENCY
        names = [*found.generators, *found.reviewers, *found.adjudicators]
        used = {reference(name, self.config.endpoints).endpoint for name in names} - {""}
        return sum(endpoint_of(name, self.config).concurrency for name in used) or CONCURRENCY

    async def _planned(self, job: Job, found: Bench, ask: Ask) -> Job:
        """The job with the plan that its first questions give; what cannot be had now is asked by the next run."""
        if job.plan is None:
            return job
        seats = [found.seats(self.seed, f"{job.name}/first/{i}") for i in range(len(job.first))]
        answers = await all_of([
            ask.generate(one.generator, request, 0) for one, request in zip(seats, job.first, strict=True)
        ])  # fmt: skip
        told = [{"text": one.get("text"), "data": one.get("data")} for one in answers if one["outcome"] == "ok"]
        return replace(job, tasks=job.plan(told))

    async def _cut(self, job: Job, found: Bench, ask: Ask) -> Cut:
        """The given cut, else that of a calibration that holds, else that of controls."""
        if job.policy.cut is not None:
            return Cut(job.policy.cut, "given")
        for one in (one for one in self.calibrations if one.strategy == job.name):
            if not (changed := one.stale(job, found)):
                self.listener(Noticed(one.line()))
                return Cut(one.cut, f"calibration on {one.rows} gold rows")
            text = f"a calibration of {job.name} is stale: {', '.join(changed)} changed since"
            self.listener(Noticed(text, "warning"))
        told = await controls.by_controls(job, found, ask, seed=self.seed)
        self.listener(Noticed(told.line()))
        return Cut(told.cut, controls.LABEL, told.auc)
