"""A recipe that somebody handed in, run in a workspace of its own: what it may do, and which rows it leaves.

It knows recipes and tools. It runs nothing that reads other files, asks models or writes exports.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...agent.recipes.form import RecipeModel
from ...agent.recipes.recipe import read_recipe
from ...agent.workspace import open_workspace
from ...tools import tool as registry
from ...tools.errors import Misuse, TilthError

RECIPE: Final = "recipe.yaml"
MOST_STEPS: Final = 20
MOST_CHARACTERS: Final = 40_000
_ALLOWED: Final = frozenset({"reads", "writes"})


@dataclass(frozen=True)
class Left:
    """The rows of the last version, as records, and the lines of the source file that they came from."""

    records: tuple[Mapping[str, Any], ...]
    lines: frozenset[int]


def run(text: str, file: str, body: bytes) -> Left:
    """Run a recipe over one file. Raises Misuse when it may not be run or fails."""
    if len(text) > MOST_CHARACTERS:
        raise Misuse(f"The recipe has {len(text):,} characters; {MOST_CHARACTERS:,} are the most.")
    with tempfile.TemporaryDirectory(prefix="tilth-recipe-") as name:
        folder = Path(name)
        (folder / file).write_bytes(body)
        path = folder / RECIPE
        path.write_text(text, encoding="utf-8")
        try:
            model = read_recipe(path).model
            check(model, file)
            with open_workspace(folder, threads=1) as workspace:
                ran = workspace.run(path)
                rows = workspace.store.rows_of(ran.version)
                lines = rows.arrow(("line",))["line"].to_pylist()
                records = rows.records(range(len(rows)))
        except Misuse:
            raise
        except TilthError as error:
            raise Misuse(f"The recipe failed: {error}") from None
    return Left(tuple(records), frozenset(lines))


def check(model: RecipeModel, file: str) -> None:
    """May this be run for somebody unknown? Raises Misuse naming the part at fault."""
    if [source.paths for source in model.sources] != [[file]]:
        raise Misuse(
            f"The recipe's one source is {file}.", next_step=f"Write: sources: [{{name: pool, paths: [{file}]}}]"
        )
    if model.export is not None or model.since is not None:
        raise Misuse("A recipe that is handed in has neither 'export' nor 'since'.")
    if len(model.steps) > MOST_STEPS:
        raise Misuse(f"The recipe has {len(model.steps)} steps; {MOST_STEPS} are the most.")
    for step in model.steps:
        tool = registry.get(step.tool)
        if tool.effect not in _ALLOWED:
            raise Misuse(f"{step.tool} {tool.effect}: a recipe that is handed in only reads and writes.")
        for parameter in tool.parameters:
            arg = parameter.arg
            if parameter.name in step.args and (arg.path or arg.benchmark or arg.makes or arg.dataset or arg.spends):
                raise Misuse(f"{step.tool}: {parameter.name} may not be given in a recipe that is handed in.")
