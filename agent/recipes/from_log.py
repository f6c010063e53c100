"""The ledger told as a recipe: what was done to a dataset, so that it can be done again elsewhere.

It knows entries and the recipe's form. Entries that cannot be repeated from files (an append to a cleaned version)
are refused with the reason rather than written down wrongly.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from ...tools import tool as registry
from ...tools.errors import Misuse
from ...tools.store.ingest import is_remote
from ...tools.store.ledger import Entry
from ...tools.store.store import Store
from .recipe import to_yaml

SOURCE_KEYS: Final = ("name", "paths", "split", "license", "license_url", "terms", "retrieved", "url")


def recipe_from_log(store: Store, address: str) -> str:
    """YAML text of a recipe whose run ends with the same version id. Raises Misuse where no recipe can."""
    dataset, vid = store.resolve(address)
    entries = store.ledger.lineage(dataset, vid)
    imports = [entry for entry in entries if entry.kind == "import"]
    steps = [entry for entry in entries if entry.kind == "step" or "made" in entry.details]
    if made_from := [
        source["made_from"] for one in imports for source in one.details["sources"] if "made_from" in source
    ]:
        seeds = made_from[0].partition("@")[0]
        raise Misuse(f"The rows of {dataset} were made from {made_from[0][: len(seeds) + 9]}.",
                     next_step=f"Their recipe is that of {seeds}: tilth log {seeds} --recipe")  # fmt: skip
    if not imports or imports[0] is not entries[0]:
        raise Misuse(f"{address} does not begin with an import.", next_step="A recipe starts from source files.")
    if len(imports) > 1:
        next_step = "Import all files at once (tilth import NAME A B …), or list them as sources of a recipe."
        raise Misuse(f"{dataset} was imported in {len(imports)} parts with steps of its own each.", next_step=next_step)
    recipe: dict[str, Any] = {
        "recipe": 1,
        "dataset": dataset,
        "sources": [_source(store, source) for source in imports[0].details["sources"]],
    }
    read = {name: value for name, value in imports[0].args.items() if name != "mode"}
    if read:
        recipe["read"] = read
    seeds = {entry.seed for entry in steps}
    if len(seeds) > 1:
        raise Misuse(f"The steps of {dataset} ran under {len(seeds)} different seeds; a recipe has one.")
    recipe["seed"] = seeds.pop() if seeds else 0
    released = {str(entry.details["since"]) for entry in steps if "since" in entry.details}
    if len(released) > 1:
        raise Misuse(f"The steps of {dataset} ran against {len(released)} different releases; a recipe has one.")
    if released:
        recipe["since"] = f"{dataset}@{released.pop()}"
    recipe["steps"] = [_step(entry) for entry in steps]
    return to_yaml(recipe)


def _source(store: Store, source: dict[str, Any]) -> dict[str, Any]:
    """A source with its paths as seen from the workspace's folder, where a recipe usually lies."""
    told = {key: source[key] for key in SOURCE_KEYS if source.get(key)}
    local = [path for path in source["paths"] if not is_remote(path)]
    inside = [path for path in local if Path(path).resolve().is_relative_to(store.root.resolve())]
    seen = {path: os.path.relpath(Path(path).resolve(), store.root.resolve()) for path in inside}
    return {**told, "paths": [seen.get(path, path) for path in source["paths"]]}


def _step(entry: Entry) -> str | dict[str, Any]:
    """Only the arguments that differ from the tool's own defaults."""
    assert entry.tool is not None
    defaults = {parameter.name: parameter.default for parameter in registry.get(entry.tool).parameters}
    args = {name: value for name, value in entry.args.items() if name not in defaults or value != defaults[name]}
    return {entry.tool: args} if args else entry.tool
