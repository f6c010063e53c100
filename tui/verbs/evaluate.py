"""The verb eval: run agents on suites, look at instances, report, compare, score again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...agent.events import Noticed
from ...evals import registry, runner, sets, summary, summary_json
from ...evals.estimate import estimate
from ...evals.records import FOLDER, Run, create_run, open_run, run_ids
from ...evals.suite import Limits, Suite
from ...tools.errors import Misuse, nearest
from ...tools.store.store import find_workspace
from .. import evals_json
from ..render import evals as shown
from ..render import evals_instance

if TYPE_CHECKING:
    from ..command import Command

COUNT: Final = 30
_TAKES: Final = {
    "list": set[str](),
    "run": {
        "agent",
        "model",
        "count",
        "seeds",
        "data",
        "epochs",
        "jobs",
        "limit",
        "budget_usd",
        "env",
        "resume",
        "dry_run",
        "md",
        "html",
        "inspect",
    },
    "show": {"count", "seeds", "data", "instance"},
    "report": {"data", "md", "html", "inspect"},
    "compare": set[str](),
    "rescore": {"data"},
    "calibrate": {"prompt", "gold", "target", "batch", "votes"},
}
_FIXED: Final = ("agent", "model", "count", "seeds", "epochs", "limit")
"""What a run keeps over resumes."""


def evaluate(command: Command) -> int:
    action: str = command.args.action
    for option in sorted(set().union(*_TAKES.values()) - _TAKES[action]):
        if getattr(command.args, option):
            takers = ", ".join(f"'tilth eval {name}'" for name, taken in _TAKES.items() if option in taken)
            raise Misuse(f"--{option.replace('_', '-')} means nothing for 'tilth eval {action}'.",
                         next_step=f"It is for {takers}.")  # fmt: skip
    actions: dict[str, Callable[[Command], int | None]] = {
        "list": _list, "run": _run, "show": _show, "report": _report, "compare": _compare, "rescore": _rescore,
        "calibrate": _calibrate,
    }  # fmt: skip
    return actions[action](command) or 0


def _root(command: Command) -> Path:
    folder = command.folder.resolve()
    return find_workspace(folder) or folder


def _runs(command: Command) -> Path:
    return _root(command) / FOLDER


def _data(command: Command) -> Path | None:
    return Path(command.args.data) if command.args.data else None


def _usual(suite: Suite) -> int:
    """How many instances where nobody says; real data may give fewer."""
    return min(COUNT, getattr(suite, "most", COUNT))


def _words(command: Command, form: str, *, least: int = 1, most: int = 1) -> list[str]:
    words: list[str] = command.args.words
    if not least <= len(words) <= most:
        raise Misuse(f"'tilth eval {command.args.action}' is written otherwise.", next_step=f"Write: tilth eval {form}")
    return words


def _list(command: Command) -> None:
    _words(command, "list", least=0, most=0)
    runs = _runs(command)
    suites = [registry.suite(name) for name in registry.suites()]
    line = {
        "tool": "eval.list",
        "suites": [
            {"suite": one.name, "version": one.version, "metric": one.metric, "summary": one.summary} for one in suites
        ],
        "agents": registry.agents(),
        "runs": [evals_json.run(open_run(runs, id)) for id in run_ids(runs)],
    }
    command.face.result(line, lambda screen: shown.listed(line, screen))


# Running ----------------------------------------------------------------------------------------------------------


def _run(command: Command) -> int:
    args = command.args
    if args.resume:
        return _finish(command, _resumed(command))
    words = _words(command, "run SUITE --agent A")
    suite, runs = registry.suite(words[0], _data(command)), _runs(command)
    if not args.agent:
        raise Misuse("'tilth eval run' wants an agent.", next_step=f"Write --agent A. {nearest('', registry.agents())}")
    if args.budget_usd is not None and not args.budget_usd >= 0:
        raise Misuse("--budget-usd is not below 0.")
    seeds = args.seeds or sets.PUBLIC
    if seeds == "fresh" and args.dry_run:
        seeds = sets.PUBLIC  # nothing is drawn for a rehearsal
    drawn = sets.choose(seeds, suite, runs / "sets")
    if seeds == "fresh":
        told = f"drew set {drawn.id}; the same instances for another agent: --seeds set:{drawn.id}"
        command.face.listener(Noticed(told))
    choices = registry.matrix(args.agent, args.model)
    source = str(Path(words[0].partition(".py")[0]).resolve()) + ".py" + words[0].partition(".py")[2] \
        if ".py" in words[0] else words[0]  # fmt: skip
    plan, instances = runner.planned(
        suite, source, drawn, choices,
        count=args.count or _usual(suite), epochs=args.epochs or 1, limits=_limits(args.limit), folder=_data(command),
    )  # fmt: skip
    rehearsal = runner.Bench(Run(runs / "none", plan), suite, instances, _root(command), args.env)
    guessed = estimate(plan, list(instances.values()), rehearsal.agents(), runs)
    if args.dry_run:
        line = {"tool": "eval.dry_run", **evals_json.estimated(guessed)}
        command.face.result(line, lambda screen: shown.estimated(guessed, screen))
        return 0
    for said in shown.said_before(guessed):
        command.face.listener(Noticed(said))
    return _finish(command, replace(rehearsal, run=create_run(runs, plan)))


def _resumed(command: Command) -> runner.Bench:
    args, runs = command.args, _runs(command)
    words = _words(command, "run --resume RUN", least=0)
    run = open_run(runs, args.resume)
    for option in _FIXED:
        if getattr(args, option):
            raise Misuse(f"--{option} cannot change for a run that was begun.", next_step="Leave it out, or run anew.")
    if args.dry_run:
        raise Misuse("--dry-run is for a run that is not begun.")
    if words and registry.suite(words[0]).name != run.plan.suite.partition("[")[0]:
        raise Misuse(f"Run {run.id} is of suite {run.plan.suite}, not {words[0]}.")
    return runner.reopen(run, _root(command), variables=args.env, folder=_data(command))


def _finish(command: Command, bench: runner.Bench) -> int:
    """Work the run off and tell it; 3 when an endpoint was unavailable, 4 when the budget left something undone, 1 when
    an agent answered no try."""
    args = command.args
    command.face.listener(Noticed(f"run {bench.run.id}; 'tilth eval run --resume {bench.run.id}' goes on with it"))
    again = f"tilth eval run --resume {bench.run.id}"
    jobs = args.jobs or runner.JOBS
    try:
        ran = asyncio.run(runner.work(bench, jobs=jobs, budget_usd=args.budget_usd, listener=command.face.listener))
    except KeyboardInterrupt:
        command.face.listener(Noticed(f"what is done is kept; to go on: {again}", "warning"))
        raise
    _tell(command, bench.run, "eval.run")
    if ran.stopped:
        command.face.listener(
            Noticed(f"the budget left {ran.stopped:,} tries undone: {again} --budget-usd …", "warning")
        )
        return 4
    if ran.unavailable:
        said = f"{ran.unavailable:,} tries found their endpoint unavailable; to try them again: {again}"
        command.face.listener(Noticed(said, "warning"))
        return 3
    silent = list(_silent(bench.run))
    for said in silent:
        command.face.listener(Noticed(said, "warning"))
    return 1 if silent else 0


def _silent(run: Run) -> Iterator[str]:
    """A sentence about every agent that answered none of its tries."""
    records = list(run.records().values())
    for choice in run.plan.choices:
        mine = [one for one in records if one.agent == choice.label]
        if mine and all(one.ended != "answered" for one in mine):
            first = mine[0]
            yield (
                f"{choice.label} answered none of its {len(mine):,} tries; the first, on {first.instance}, "
                f"{first.ended.replace('_', ' ')}: {first.why.rstrip('.')}; mend the agent and run anew"
            )


def _limits(words: list[str]) -> Limits:
    """NAME=VALUE each. Raises Misuse naming the nearest name."""
    given: dict[str, Any] = {}
    names = [one.name for one in fields(Limits)]
    for word in words:
        name, _, text = word.partition("=")
        if name not in names:
            raise Misuse(f"--limit {word}: there is no limit {name!r}.", next_step=nearest(name, names))
        try:
            given[name] = float(text) if name in ("seconds", "usd") else int(text)
        except ValueError:
            raise Misuse(f"--limit {word}: {text!r} is no number.", next_step=f"Write --limit {name}=100") from None
        if not given[name] > 0:
            raise Misuse(f"--limit {word}: a limit is more than 0.")
    return Limits(**given)


# Looking ----------------------------------------------------------------------------------------------------------


def _show(command: Command) -> None:
    args, words = command.args, _words(command, "show SUITE [--instance I]")
    suite = registry.suite(words[0], _data(command))
    if args.seeds == "fresh":
        raise Misuse("A fresh set that was looked at is fresh no more.", next_step="Look at public or at set:ID.")
    drawn = sets.choose(args.seeds or sets.PUBLIC, suite, _runs(command) / "sets")
    wanted: str = args.instance or ""
    most = args.count or _usual(suite)
    number = int(wanted) if wanted.isdigit() and int(wanted) <= most else 0
    instances = drawn.draw(suite, number or most)
    if not wanted:
        line = {"tool": "eval.show", "suite": suite.name, "set": drawn.id,
                "instances": [evals_json.instance(one) for one in instances]}  # fmt: skip
        command.face.result(line, lambda screen: evals_instance.instances(instances, screen))
        return
    found = [instances[number - 1]] if number else [one for one in instances if one.id.startswith(wanted)]
    if len(found) != 1:
        raise Misuse(f"Set {drawn.id} has no instance {wanted!r} among its first {len(instances):,}.",
                     next_step=nearest(wanted, [one.id for one in instances]))  # fmt: skip
    line = {"tool": "eval.show", "suite": suite.name, "set": drawn.id, **evals_json.whole_instance(found[0])}
    command.face.result(line, lambda screen: evals_instance.instance(found[0], screen))


def _report(command: Command) -> None:
    run, *others = (open_run(_runs(command), id) for id in _words(command, "report RUN [RUN]", most=2))
    _tell(command, run, "eval.report", *others)


def _tell(command: Command, run: Run, tool: str, *others: Run) -> None:
    """The report as asked for, with the gaps to `others`; files are written beside it."""
    told, args = summary.report(run, *others), command.args
    wrote: list[str] = []
    if args.html:
        from ..pages.evals import render_html

        Path(args.html).write_text(render_html(told), encoding="utf-8")
        wrote.append(args.html)
    if args.inspect:
        from ...evals.export_inspect import export

        instances = runner.reopen(run, _root(command), folder=_data(command)).instances
        wrote += [str(path) for path in export(run, instances, Path(args.inspect))]
    line = {"tool": tool, **summary_json.report_json(told), "wrote": wrote}
    if args.md:
        from ..render.evals_md import markdown

        command.face.result(line, lambda screen: markdown(told))
        return
    command.face.result(line, lambda screen: shown.report(told, wrote, screen))


def _compare(command: Command) -> None:
    """Two agents, of one run or two; a run alone: every pair of its agents."""
    words, runs = _words(command, "compare RUN[:AGENT] RUN[:AGENT]", most=2), _runs(command)
    if len(words) == 1:
        found = list(summary.report(open_run(runs, words[0])).comparisons)
        if not found:
            raise Misuse(f"Run {words[0]} has one agent.", next_step="Name a second run: tilth eval compare A B")
    else:
        sides = []
        for word in words:
            id, _, label = word.partition(":")
            run = open_run(runs, id)
            sides.append((run, run.label(label)))
        found = [summary.compare(*sides[0], *sides[1])]
    line = {"tool": "eval.compare", "comparisons": [summary_json.comparison_json(one) for one in found]}
    command.face.result(line, lambda screen: shown.compared(found, screen))


def _rescore(command: Command) -> None:
    run = open_run(_runs(command), _words(command, "rescore RUN")[0])
    changed = runner.rescore(runner.reopen(run, _root(command), folder=_data(command)))
    command.face.listener(Noticed(f"scored every submission of {run.id} again: {changed:,} scores changed"))
    _tell(command, run, "eval.rescore")


def _calibrate(command: Command) -> None:
    from ...agent.acting.calibrating import calibrate

    args = command.args
    words = _words(command, "calibrate [X] [--gold FILE]", least=0)
    if not words and not args.gold:
        raise Misuse("There is nothing to calibrate on.", next_step="Name a dataset with rulings, or give --gold FILE.")
    with command.open(create=True) as workspace:
        made = calibrate(
            workspace,
            words[0] if words else "",
            prompt=args.prompt or "judge/quality",
            gold=Path(args.gold) if args.gold else None,
            target=args.target or 0.9,
            batch=args.batch or 1,
            votes=args.votes or 1,
        )
    line = {"tool": "calibrate", "path": str(made.path), **made.calibration.to_json()}
    told = made.calibration.line()
    command.face.result(line, lambda screen: [told, f"kept in {made.path}"])
