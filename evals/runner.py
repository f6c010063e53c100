"""Runs agents on instances: several jobs at once, each within its budget, each recorded before it counts.

It knows how jobs end: answered, crashed, unavailable, over budget, timed out or malformed. It does not know what an
agent does, nor what a score means. Truth stays here; a job's folder holds the instance's files and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.metadata
import json
import platform
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..agent.events import Listener, Noticed, Progressed, nobody
from ..tools.errors import Misuse, OverBudget, TilthError, Unavailable
from ..tools.version import VERSION
from . import registry, sets
from .records import Key, Plan, Record, Run, line_of
from .suite import Agent, Ended, Instance, Job, Limits, Meter, Submission, Suite, passed

JOBS: Final = 4


@dataclass(frozen=True)
class Bench:
    """A run's suite and instances, which hold the truth, and where its agents find their settings."""

    run: Run
    suite: Suite
    instances: Mapping[str, Instance]
    root: Path
    variables: Sequence[str] = ()

    def agents(self) -> dict[str, Agent]:
        setting = registry.Setting(
            self.suite,
            self.instances,
            "",
            self.root,
            runs=self.run.folder.parent,
            variables=self.variables,
            folder=self.run.folder,
            limits=self.run.plan.limits,
        )
        return {choice.label: registry.agent(choice, setting) for choice in self.run.plan.choices}


def planned(
    suite: Suite,
    source: str,
    drawn: sets.Set,
    choices: Sequence[registry.Choice],
    *,
    count: int,
    epochs: int = 1,
    limits: Limits | None = None,
    folder: Path | None = None,
) -> tuple[Plan, dict[str, Instance]]:
    """What would be run, without an id yet, and its instances. `folder` holds the suite's real data."""
    instances = {one.id: one for one in drawn.draw(suite, count)}
    plan = Plan(
        id="",
        suite=suite.name,
        source=source,
        version=suite.version,
        metric=suite.metric,
        better=suite.better,
        set=drawn.id,
        choices=list(choices),
        instances={id: sets.digest(one) for id, one in instances.items()},
        epochs=epochs,
        limits=limits or Limits(),
        versions={
            "tilth": VERSION,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("duckdb", "numpy", "openai")},
        },
        folder="" if folder is None else str(folder.resolve()),
        data=sets.data_of(suite),
        judge_scored=dict(getattr(suite, "judge_scored", {})),
    )
    return plan, instances


def reopen(run: Run, root: Path, *, variables: Sequence[str] = (), folder: Path | None = None) -> Bench:
    """The bench of an earlier run, its instances drawn again. `folder`: where its real data lie now.

    Raises Misuse when they are not the same any more.
    """
    plan = run.plan
    suite = registry.suite(plan.source, folder or (Path(plan.folder) if plan.folder else None))
    if sets.data_of(suite) != plan.data:
        raise Misuse(
            f"Run {run.id} is over other data ({plan.data or 'none'}) than {folder or plan.folder} holds now "
            f"({sets.data_of(suite)}).",
            next_step="Put the files back or name their folder (--data DIR), or run anew.",
        )
    drawn = sets.load(plan.set, suite, run.folder.parent / "sets").draw(suite, len(plan.instances))
    instances = {one.id: one for one in drawn}
    if (suite.name, suite.version) != (plan.suite, plan.version):
        raise Misuse(f"Run {run.id} is of {plan.suite}@{plan.version}; the suite here is {suite.name}@{suite.version}.")
    for id, digest in plan.instances.items():
        if id not in instances or sets.digest(instances[id]) != digest:
            raise Misuse(
                f"Suite {plan.suite} no longer draws instance {id} of run {run.id} as it did.",
                next_step="Its generator changed without a new version; run anew.",
            )
    return Bench(run, suite, instances, root, variables)


@dataclass
class _Purse:
    """What the run may still spend. `held` is set aside for jobs at work that have a limit of their own."""

    cap: float | None
    spent: float
    held: float = 0.0
    stopped: int = 0

    def grants(self, usd: float | None) -> bool:
        """May a job that takes at most `usd` begin? One without a limit may while anything is left."""
        if self.cap is None:
            return True
        left = self.cap - self.spent - self.held
        return left > 0 if usd is None else usd <= left


@dataclass(frozen=True)
class Ran:
    """How a run went. `stopped` are jobs that the run's budget left undone; `unavailable` those to be asked again."""

    run: Run
    stopped: int
    unavailable: int


async def work(bench: Bench, *, jobs: int = JOBS, budget_usd: float | None = None, listener: Listener = nobody) -> Ran:
    """Do every job that has no record yet, and again those whose endpoint was unavailable. Raises Busy."""
    run, agents = bench.run, bench.agents()
    with run.writing():
        before = run.records()
        todo = [key for key in run.plan.jobs() if key not in before or before[key].ended == "unavailable"]
        purse = _Purse(budget_usd, spent=sum(one.usage.usd for one in before.values()))
        done, total = len(before), len(before) + sum(key not in before for key in todo)
        gate = asyncio.Semaphore(jobs)

        async def one(key: Key) -> None:
            nonlocal done
            async with gate:
                record = await _recorded(bench, agents[key[0]], key, purse, before.get(key))
            if record is not None and key not in before:
                done += 1
            if record is not None and record.ended not in ("answered", "unavailable"):
                listener(Noticed(f"{key[0]} on {key[1]}: {record.ended}: {record.why}"))
            listener(Progressed(run.plan.suite, done, total, "tries"))

        try:
            async with _entered(agents.values()), asyncio.TaskGroup() as group:
                for key in todo:
                    group.create_task(one(key))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
    after = run.records()
    return Ran(run, purse.stopped, sum(one.ended == "unavailable" for one in after.values()))


@contextlib.asynccontextmanager
async def _entered(agents: Any) -> AsyncIterator[None]:
    """Agents that hold connections are open while the run lasts."""
    async with contextlib.AsyncExitStack() as stack:
        for one in agents:
            if hasattr(one, "__aenter__"):
                await stack.enter_async_context(one)
        yield


async def _recorded(bench: Bench, agent: Agent, key: Key, purse: _Purse, earlier: Record | None) -> Record | None:
    """Run one job and write its record; None when the run's budget does not reach for it.

    What an `earlier` try took before its endpoint became unavailable was spent all the same; an agent that `recounts`
    counts it again with the answers that were recorded then.
    """
    limits = bench.run.plan.limits
    if not purse.grants(limits.usd):
        purse.stopped += 1
        return None
    purse.held += limits.usd or 0.0
    record = await _ended(bench, agent, key, limits)
    purse.held -= limits.usd or 0.0
    purse.spent += record.usage.usd
    if earlier is not None and getattr(agent, "recounts", False):
        purse.spent -= earlier.usage.usd
    elif earlier is not None:
        record = replace(record, usage=record.usage + earlier.usage)
    bench.run.append(record)
    return record


async def _ended(bench: Bench, agent: Agent, key: Key, limits: Limits) -> Record:
    instance = bench.instances[key[1]]
    plain = Record(*key, ended="crashed", tags=dict(instance.tags), cluster=instance.cluster)
    meter = Meter(limits)
    start = time.monotonic()
    ended, why, submission = await _answer(agent, instance, key, limits, meter)
    given = submission.usage if submission is not None else None
    simulated = meter.usage.simulated or (given is not None and given.simulated)
    usage = replace(given or meter.usage, seconds=round(time.monotonic() - start, 3), simulated=simulated)
    if not agent.trusted:
        usage = replace(usage, reported="self-reported")
    if ended == "answered" and usage.seconds > limits.seconds:
        ended, why = "timed_out", f"It took {usage.seconds:.1f} s of {limits.seconds:g} s."
    elif ended == "answered" and (said := passed(usage, limits)):
        ended, why = "over_budget", f"It took {said}."
    record = replace(plain, ended=ended, why=why, usage=usage)
    if submission is None:
        return record
    try:
        value = json.loads(json.dumps(submission.value, allow_nan=False))
    except (ValueError, TypeError, RecursionError) as error:
        return replace(record, ended="malformed", why=f"The submission is not JSON: {error}.")
    transcript = bench.run.keep_transcript(key, submission.transcript) if submission.transcript else ""
    return scored(bench, replace(record, submission=value, transcript=transcript))


async def _answer(
    agent: Agent, instance: Instance, key: Key, limits: Limits, meter: Meter
) -> tuple[Ended, str, Submission | None]:
    """Run the agent in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tilth-eval-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "work"
        lay_out(instance, folder)
        job = Job(
            instance=instance.id,
            suite=instance.suite,
            task=instance.task,
            folder=folder,
            submission=instance.submission,
            limits=limits,
            seed=seed_of(key),
            epoch=key[2],
            meter=meter,
        )
        try:
            async with asyncio.timeout(limits.seconds) as clock:
                return "answered", "", await agent.run(job)
        except Unavailable as error:
            return "unavailable", str(error), None
        except OverBudget as error:
            return "over_budget", str(error), None
        except Misuse as error:
            return "malformed", str(error), None
        except Exception as error:
            if clock.expired():
                return "timed_out", f"It was stopped after {limits.seconds:g} s.", None
            said = str(error) if isinstance(error, TilthError) else f"{type(error).__name__}: {error}"
            return "crashed", said, None


def scored(bench: Bench, record: Record) -> Record:
    """The record with the score of its submission; malformed when the suite refuses it."""
    if record.ended not in ("answered", "malformed") or record.submission is None:
        return record
    try:
        score = bench.suite.score(bench.instances[record.instance], record.submission)
    except Misuse as error:
        return replace(record, ended="malformed", why=str(error), score=None)
    return replace(record, ended="answered", why="", score=score)


def rescore(bench: Bench) -> int:
    """Score every stored submission again; -> how many records that changed. Nothing is run."""
    changed = 0
    with bench.run.writing():
        for record in bench.run.records().values():
            again = replace(scored(bench, record), rescored=True)
            if line_of(again) != line_of(replace(record, rescored=True)):
                bench.run.append(again)
                changed += 1
    return changed


def lay_out(instance: Instance, folder: Path) -> None:
    """Write the instance's files; its truth is not among them. Raises Misuse for a path that leads out."""
    folder.mkdir(parents=True)
    for name, body in instance.files.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise Misuse(f"Instance {instance.id} has a file outside its folder: {name}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def seed_of(key: Key) -> int:
    """A seed for the agent's own dice: the same for every agent on an instance and epoch."""
    return int.from_bytes(hashlib.sha256(f"{key[1]}:{key[2]}".encode()).digest()[:6])
