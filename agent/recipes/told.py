"""What a run has to say of itself: the content of its lock, and its result line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...tools.store import licences
from ...tools.store.ingest import is_remote
from ...tools.store.ledger import Entry
from ...tools.version import VERSION
from . import expect
from .recipe import Recipe

if TYPE_CHECKING:
    from ..workspace import Workspace


def lock_of(workspace: Workspace, recipe: Recipe, entries: Sequence[Entry], vid: str) -> dict[str, Any]:
    imported, *steps = entries
    details = imported.details
    return {
        "lock": 1,
        "tilth": VERSION,
        "recipe": recipe.sha,
        "seed": recipe.model.seed,
        **({"since": workspace.store.resolve(recipe.model.since)[1]} if recipe.model.since else {}),
        "sources": [_from_recipe(recipe, source) for source in details["sources"]],
        "license": licences.strictest(source.get("license") for source in details["sources"]),
        "read": details["read"],
        "kept": details["kept"],
        "rejected": details["rejected"],
        "steps": [
            {
                "tool": entry.tool,
                "tool_version": entry.tool_version,
                **picked(entry.details, "tool_source"),
                "args": dict(entry.args),
                **picked(entry.counts, "before", "after", "dropped", "added", "edits", "planned", "accepted"),
                **picked(entry.details.get("made", {}), "into", "version"),
            }
            for entry in steps
        ],
        "rows": len(workspace.store.rows_of(vid)),
        "version": vid,
    }


def picked(counts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: counts[name] for name in names if name in counts}


def _from_recipe(recipe: Recipe, source: Mapping[str, Any]) -> dict[str, Any]:
    """A source as the ledger has it, with paths as seen from the recipe's folder."""

    def seen(path: str) -> str:
        return path if is_remote(path) else os.path.relpath(path, recipe.folder).replace(os.sep, "/")

    files = [{**file, "path": seen(file["path"])} for file in source["files"]]
    return {**source, "paths": [seen(path) for path in source["paths"]], "files": files}


def result_of(
    recipe: Recipe,
    entries: Sequence[Entry],
    vid: str,
    verdicts: Sequence[expect.Verdict],
    reused: int,
    import_reused: bool,
    seconds: float,
) -> dict[str, Any]:
    dropped: Counter[str] = Counter()
    for entry in entries:
        dropped.update(entry.counts.get("dropped", {}))
    kept = ("before", "after", "dropped", "added", "edited", "findings", "planned", "accepted", "rejected")
    steps = [
        {
            "tool": entry.tool,
            **picked(entry.counts, *kept),
            **picked(entry.details.get("made", {}), "into", "version"),
        }
        for entry in entries[1:]
    ]
    return {
        "recipe": recipe.path.name,
        "dataset": recipe.model.dataset,
        "version": vid,
        "read": entries[0].details["read"],
        "kept": entries[0].details["kept"],
        "rejected": sum(entries[0].details["rejected"].values()),
        "before": entries[0].details["kept"],
        "after": entries[-1].counts["after"],
        "dropped": dict(dropped),
        "added": sum(entry.counts.get("added", 0) for entry in entries[1:]),
        "edited": sum(entry.counts.get("edited", 0) for entry in entries[1:]),
        "findings": sum(entry.counts.get("findings", 0) for entry in entries[1:]),
        "steps": steps,
        "reused": reused,
        "import_reused": import_reused,
        "expect": [verdict.to_json() for verdict in verdicts],
        "seconds": round(seconds, 3),
    }
