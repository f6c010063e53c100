"""What a run of a recipe would do, and what its steps would ask of models: told without doing or asking anything.

It knows steps and the ledger. How steps are run is `run`'s business.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...tools import tool as registry
from ...tools.errors import Misuse
from ...tools.store.ledger import Entry
from ..acting import resolving, toolbox
from ..acting.spending import PAID
from .form import Step
from .recipe import Recipe
from .run import import_key, settings_of, sources_of, with_rulings

if TYPE_CHECKING:
    from ..workspace import Workspace


def plan(workspace: Workspace, recipe: Recipe) -> list[dict[str, Any]]:
    """What a run would do, in order, without doing it; `done` says that the ledger already holds the step.

    A step that spends has an `estimate` of what it would send and cost at most (None: it asks nobody): on its own rows, or
    on those of the last step that is done, `estimated_on`; "" where that cannot be told yet.
    """
    store = workspace.store
    entry = toolbox.finished(store, import_key(recipe, sources_of(recipe, store.inputs), store.ledger.purged))
    lines: list[dict[str, Any]] = [
        {"step": "import", "sources": [source.name for source in recipe.model.sources], "done": entry is not None}
    ]
    vid = entry.output if entry else None
    last, told_by = vid, "import"
    bases: dict[str, str] = {}
    for step in with_rulings(workspace, recipe.model.dataset, recipe.model.steps):
        known = None
        if vid is not None:
            rows = store.rows_of(vid)
            settings = settings_of(workspace, recipe, step, None, bases)
            asked = resolving.resolve_on(store, step.tool, recipe.model.dataset, rows, step.args, settings)
            known = toolbox.finished(store, asked.key)
            if known is not None and (made := known.details.get("made")):
                bases[made["into"]] = made["version"]
        args = registry.get(step.tool).validate(step.args)
        rows_before = len(store.rows_of(vid)) if vid is not None else None
        line = {"step": step.tool, "args": args, "done": known is not None, "rows": rows_before}
        if known is None and registry.get(step.tool).effect_of(args) in PAID:
            line |= _estimated(workspace, recipe, step, vid, bases) if vid else {"estimate": None, "estimated_on": ""}
            if vid is None and last is not None:
                with suppress(Misuse):  # it may name what an earlier step is still to make
                    line |= {**_estimated(workspace, recipe, step, last, bases), "estimated_on": told_by}
        lines.append(line)
        vid = (known.output or vid) if known else None
        if vid is not None:
            last, told_by = vid, step.tool
    return lines


def foreseen(workspace: Workspace, recipe: Recipe, imported: Entry) -> str | None:
    """The version a run from this import would end with, under the rulings and models as they are now; None where that
    takes a step that has not been done. Nothing is read again and nobody asked."""
    store, bases, vid = workspace.store, dict[str, str](), imported.output
    for step in with_rulings(workspace, recipe.model.dataset, recipe.model.steps):
        if vid is None:
            return None
        settings = settings_of(workspace, recipe, step, None, bases)
        rows = store.rows_of(vid)
        asked = resolving.resolve_on(store, step.tool, recipe.model.dataset, rows, step.args, settings)
        known = toolbox.finished(store, asked.key)
        if known is None:
            return None
        vid = known.output or vid
        if made := known.details.get("made"):
            bases[made["into"]] = made["version"]
    return vid


def _estimated(workspace: Workspace, recipe: Recipe, step: Step, vid: str, bases: dict[str, str]) -> dict[str, Any]:
    settings, rows = settings_of(workspace, recipe, step, None, bases), workspace.store.rows_of(vid)
    asked = resolving.resolve_on(workspace.store, step.tool, recipe.model.dataset, rows, step.args, settings)
    found = toolbox.estimate(workspace.store, asked, settings, workspace.listener)
    return {"estimate": None if found is None else found.to_json()}
