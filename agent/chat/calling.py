"""A call of a tool that is understood and not yet done: what it would do, and how it is done once somebody said so.

It knows arguments, paths, dry runs and estimates. It does not know who proposed the call nor who approves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from ...tools import tool as registry
from ...tools.change import Report
from ...tools.errors import Retry, TilthError
from ...tools.tool import Effect, Tool
from .. import commands
from ..acting import resolving, toolbox
from ..acting.resolving import Origin
from ..acting.spending import NOTHING_SAID, PAID, Estimate, Spending
from ..events import Listener
from ..plural import counted
from . import reach, told
from .told import Told

if TYPE_CHECKING:
    from ...tools.store.store import Store
    from ..workspace import Workspace

COLUMNS: Final = 30
"""Columns of a dataset that the model is told at the beginning."""


@dataclass(frozen=True)
class Terms:
    """Under whose name a call is made, who hears of it, and what it may spend on models."""

    origin: Origin
    listener: Listener
    spending: Spending = NOTHING_SAID


Act = Callable[[Terms], Told]


@dataclass(frozen=True)
class Planned:
    """A call that is understood and not yet done. `counts` tells, without writing, what it would do to how many rows;
    `estimate`, without sending, what it would spend; `rows` is how many it is about where neither says so; `run` is the
    name that its models' costs are kept under."""

    tool: str
    dataset: str
    args: Mapping[str, Any]
    effect: Effect
    command: str
    act: Act
    counts: Callable[[Listener], Mapping[str, Any]] | None = None
    estimate: Callable[[], Estimate | None] | None = None
    rows: int | None = None
    reports: bool = False
    """It tells findings, and makes no version."""
    run: str = ""


@dataclass
class Desk:
    """What calls are made on: the workspace, the dataset the conversation is about, and the person's own words."""

    workspace: Workspace
    dataset: str = ""
    said: list[str] = field(default_factory=list)

    def address(self, wanted: str) -> str:
        """The address itself, which must name a dataset. Raises Retry and Misuse."""
        wanted = wanted or self.dataset
        if not wanted:
            names = ", ".join(sorted(self.workspace.store.histories()))
            raise Retry("No dataset is named.", next_step=f"Datasets here: {names or 'none'}.")
        self.workspace.store.resolve(wanted)
        return wanted

    def names(self) -> list[str]:
        """Names that are no row text: of datasets, of the columns of the one at hand."""
        histories = self.workspace.store.histories()
        name = self.dataset.partition("@")[0].partition("~")[0]
        columns = self.workspace.store.rows(name).mapping.columns if name in histories else ()
        return [*histories, *columns, *registry.ids()]

    def state(self) -> str:
        """The datasets there are, with their versions, sizes and columns."""
        lines = []
        for one in self.workspace.datasets():
            columns = list(self.workspace.store.version(one.version).mapping.columns)
            more = f" and {len(columns) - COLUMNS} more" if len(columns) > COLUMNS else ""
            here = " (the one we speak of)" if one.name == self.dataset else ""
            lines.append(
                f"{one.name}@{one.version[:8]}{here}: {counted(one.rows, 'rows')}, format {one.format}, "
                f"columns {', '.join(columns[:COLUMNS])}{more}"
            )
        return "\n".join(lines) or "There is no dataset yet."


def plan_tool(desk: Desk, id: str, dataset: str, args: Mapping[str, Any]) -> Planned:
    """A call of a tool by its id. Raises Retry, and Misuse for what a store refuses."""
    tool = registry.get(id)
    address = desk.address(dataset)
    given = {name: _reached(desk, tool, name, value) for name, value in args.items()}
    workspace = desk.workspace
    settings = resolving.Settings(workspace.seed, workspace.threads)
    asked = resolving.resolve(workspace.store, tool.id, address, given, settings)

    def act(terms: Terms) -> Told:
        with workspace.store.writing(f"tilth do {tool.id} {address}"):
            allowed = replace(settings, spending=terms.spending)
            done = toolbox.call(
                workspace.store, tool.id, address, given, allowed, origin=terms.origin, listener=terms.listener
            )
        if "made" in done.entry.details:
            return told.made(done)
        if tool.id == "inspect.sql":
            return told.table(done.details, str(given["query"]), desk.names())
        if done.entry.kind != "report":
            return told.change(done)
        objects, facts = workspace.store.objects, done.entry.objects.get("facts")
        return told.report(done, workspace.findings(done.entry), objects.read(facts).to_pylist() if facts else [])

    def counts(listener: Listener) -> Mapping[str, Any]:
        known = toolbox.finished(workspace.store, asked.key)
        return known.counts if known else toolbox.preview(workspace.store, asked, settings, listener).counts()

    flags = [text for name, value in given.items() for text in _flag(name, value)]
    command = commands.typed(["tilth", "do", tool.id, address, *flags])
    effect = tool.effect_of(asked.args)
    planned = Planned(tool.id, asked.dataset, asked.args, effect, command, act)
    if effect == "writes":
        return replace(planned, counts=counts)
    if effect in PAID:
        reports = get_type_hints(tool.function)["return"] is Report
        estimate = partial(_estimated, workspace.store, asked, settings)
        return replace(planned, estimate=estimate, run=asked.key, reports=reports)
    return planned


def _estimated(store: Store, asked: resolving.Call, settings: resolving.Settings) -> Estimate | None:
    """What a call would send and cost, None where that cannot be told beforehand."""
    try:
        return toolbox.estimate(store, asked, settings)
    except TilthError:
        return None  # what is wrong with the call is told when it is made


def _reached(desk: Desk, tool: Tool, name: str, value: Any) -> Any:
    """An argument with its paths checked. Unknown names are left for the tool itself to refuse."""
    marks = next((one.arg for one in tool.parameters if one.name == name), None)
    if marks is None or not (marks.path or marks.benchmark):
        return value
    known = {name.removeprefix("benchmarks/") for name in desk.workspace.store.histories()}
    if isinstance(value, list):
        return [_reached(desk, tool, name, one) for one in value]
    if marks.benchmark and re.split("[:@~]", str(value).removeprefix("benchmarks/"))[0] in known:
        return value
    return str(reach.within(str(value), desk.workspace.root, desk.said))


def _flag(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, Mapping):
        value = [f"{key}={one}" for key, one in value.items()]
    if isinstance(value, list):
        return [flag, ",".join(map(str, value))]
    return [flag, str(value)]
