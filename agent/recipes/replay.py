"""Doing part of a dataset's history again: with other arguments, or after people have ruled on rows.

It knows entries and the order they came in. How one step acts is the toolbox's business; steps whose input, arguments
and rulings are the same are found done and cost nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ...tools.errors import Misuse, nearest
from ...tools.store.ledger import Entry
from ...tools.store.past import rulings
from ..acting import resolving, toolbox
from ..events import Finished

if TYPE_CHECKING:
    from ..workspace import Workspace


RULED_OUT: Final = "filter.rulings"


@dataclass(frozen=True)
class Replayed:
    """What doing steps again came to."""

    dataset: str
    version: str
    rows: int
    entries: tuple[Entry, ...]


def amend(workspace: Workspace, tool: str, dataset: str, args: Mapping[str, Any]) -> Replayed:
    """Do the last step of `tool` again with `args` over its old ones, and all that followed it. Raises Misuse."""
    name, entries = _history(workspace, dataset)
    places = [i for i, entry in enumerate(entries) if entry.tool == tool and entry.kind == "step"]
    if not places:
        used = [entry.tool for entry in entries if entry.tool]
        raise Misuse(f"{dataset} has no step {tool} to amend.", next_step=nearest(tool, used))
    first = entries[places[-1]]
    return _again(workspace, name, _start(first), entries[places[-1] :], {first.seq: {**first.args, **args}})


def again(workspace: Workspace, dataset: str, ruled: Mapping[str, Sequence[str]] | None = None) -> Replayed:
    """Do every step since the last import again, under the rulings as they are now. `ruled` notes what they changed:
    row id -> the word before, the word now."""
    name, entries = _history(workspace, dataset)
    imports = [i for i, entry in enumerate(entries) if entry.kind == "import"]
    if not imports or entries[imports[-1]].output is None:
        raise Misuse(f"{dataset} does not begin with an import; there is nothing to do again.")
    start = entries[imports[-1]].output
    assert start is not None
    following = [entry for entry in entries[imports[-1] + 1 :] if entry.tool != RULED_OUT]
    said = rulings.read(workspace.root)
    # As the steps around it were, so that a recipe finds it done.
    like = next((entry for entry in following if entry.kind == "step"), Entry("step", name))
    ruling = Entry("step", name, tool=RULED_OUT, seed=like.seed, details=_picked(like.details, "since"))
    if rulings.ruled_out(said, name, confirmed=False):
        following = [ruling, *following]
    if rulings.ruled_out(said, name, confirmed=True):
        following = [*following, replace(ruling, args={"confirmed": True})]
    return _again(workspace, name, start, following, {}, ruled)


def _picked(details: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: details[name]} if name in details else {}


def _history(workspace: Workspace, dataset: str) -> tuple[str, Sequence[Entry]]:
    name, vid = workspace.store.resolve(dataset)
    return name, workspace.store.ledger.lineage(name, vid)


def _start(entry: Entry) -> str:
    assert entry.before is not None
    return entry.before


def _again(
    workspace: Workspace,
    dataset: str,
    vid: str,
    entries: Sequence[Entry],
    changed: Mapping[int, Mapping[str, Any]],
    ruled: Mapping[str, Sequence[str]] | None = None,
) -> Replayed:
    if any(entry.kind == "import" for entry in entries):
        next_step = "Undo to before it, or use a recipe."
        raise Misuse(f"Rows were appended to {dataset} after that step.", next_step=next_step)
    done: list[Entry] = []
    idle: set[str] = set()
    with workspace.store.writing(f"tilth do --amend {dataset}"):
        for entry in entries:
            if entry.kind != "step" or entry.tool is None:
                continue
            if entry.output == entry.before and entry.output is not None:
                # A step that changed nothing is told once for each set of rulings it was done under.
                told = json.dumps([entry.tool, dict(entry.args), entry.before], sort_keys=True)
                if told in idle:
                    continue
                idle.add(told)
            settings = resolving.Settings(
                seed=entry.seed,
                threads=workspace.threads,
                released=entry.details.get("since"),
                spending=workspace.spending,
            )
            made = toolbox.call_on(
                workspace.store, entry.tool, dataset, vid, changed.get(entry.seq, entry.args), settings,
                listener=workspace.listener, moves=False,
            )  # fmt: skip
            done.append(made.entry)
            vid = made.version.vid
        history = workspace.store.history(dataset)
        if history.current != vid:
            steps = {"again": [entry.seq for entry in entries], **({"ruled": dict(ruled)} if ruled is not None else {})}
            counts = {
                "before": workspace.store.version(history.current).rows,
                "after": workspace.store.version(vid).rows,
            }
            entry = Entry("run", dataset, args=steps, inputs=(history.current,), output=vid, counts=counts)
            workspace.store.commit(entry)
    rows = workspace.store.version(vid).rows
    workspace.listener(Finished({"tool": "amend", "dataset": dataset, "version": vid, "rows": rows}))
    return Replayed(dataset, vid, rows, tuple(done))
