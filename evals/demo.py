"""The demo: messy data whose truth is known, the shipped recipe run on it, planted against found.

It knows how a run's record becomes outcomes per line. How data is made and scored is told in `planted`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from ..agent.events import Listener, Noticed, nobody
from ..agent.workspace import Workspace
from ..tools.errors import Misuse
from ..tools.store.disk import writing_to
from ..tools.store.past import history
from .planted.chat import generate
from .planted.scoring import IMPORT, KINDS, KindScore, Outcome, score

DATASET: Final = "demo"
MADE: Final = ("messy.jsonl", "demo.yaml")
LEAST: Final = 100
"""Fewer rows hold too little for the recipe's synthesis to draw on."""
CONFIG: Final = """\
# No model: drafts are made by rules, judges are measured signals. 'tilth models add NAME URL' names models instead.
[roles]
generator = ["offline:"]
reviewer = ["offline:"]
"""


@dataclass(frozen=True)
class Demo:
    """Where everything lies, what the run came to, and how it scored."""

    folder: Path
    export: Path
    card: Path
    ran: Mapping[str, Any]
    scores: list[KindScore]


def demonstrate(
    folder: Path, *, rows: int = 5000, seed: int = 7, threads: int | None = None, listener: Listener = nobody
) -> Demo:
    """Make the data, run the recipe, compare. Raises Misuse when `folder` holds other things, and below `LEAST` rows."""
    if rows < LEAST:
        raise Misuse(f"The demo cannot be made of {rows:,} rows.", next_step=f"Choose {LEAST} or more: --rows {LEAST}")
    if folder.exists() and not folder.is_dir():
        raise Misuse(f"{folder} is a file.", next_step="Name another folder: tilth demo DIR")
    strangers = sorted(path.name for path in folder.glob("*")) if folder.exists() else []
    if strangers and not (folder / MADE[0]).exists():
        raise Misuse(f"{folder} is not empty ({strangers[0]} …).", next_step="Name another folder: tilth demo DIR")
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MADE[0]).touch()
    listener(Noticed(f"making {rows:,} conversations, some of them broken on purpose (seed {seed})"))
    planted = generate(seed, rows)
    (folder / MADE[0]).write_bytes(planted.jsonl)
    (folder / "tilth.toml").write_text(CONFIG, encoding="utf-8")
    recipe = folder / MADE[1]
    recipe.write_text(files("tilth.agent").joinpath("recipes", MADE[1]).read_text(encoding="utf-8"), encoding="utf-8")
    with Workspace(folder.resolve(), threads=threads, listener=listener) as workspace:
        ran = workspace.run(recipe)
        scores = score(planted.truth, outcomes(workspace, ran.dataset))
    export = Path(str(ran.result["export"]))
    return Demo(folder, export, export / "README.md", ran.result, scores)


def outcomes(workspace: Workspace, dataset: str) -> dict[int, list[Outcome]]:
    """Line of the source file -> what was decided about it; a signal that is true counts as a flag."""
    store = workspace.store
    told: defaultdict[int, list[Outcome]] = defaultdict(list)
    line_of: dict[int, int] = {}
    signals = [(expected.tool, expected.reason) for expected in KINDS.values() if expected.signal]
    for entry in history.lineage(store, dataset)[1]:
        if entry.kind == "import":
            line_of |= _lines(store.rows_of(str(entry.output)))
            for line, reason in _rejects(workspace, entry.details.get("rejects")):
                told[line].append((IMPORT, "reject", reason))
            continue
        table = history.decisions(store, entry) if entry.kind == "step" else None
        if table is not None:
            for ord, action, reason in zip(
                *(table[name].to_pylist() for name in ("ord", "action", "reason")), strict=True
            ):
                told[line_of[ord]].append((str(entry.tool), action, reason))
        wanted = [name for tool, name in signals if tool == entry.tool]
        if wanted and "signals" in entry.objects:
            measured = store.objects.read(entry.objects["signals"], ["ord", *wanted])
            for name in wanted:
                for ord, value in zip(measured["ord"].to_pylist(), measured[name].to_pylist(), strict=True):
                    if value:
                        told[line_of[ord]].append((str(entry.tool), "flag", name))
    return dict(told)


def _lines(rows: Any) -> dict[int, int]:
    table = rows.arrow(("ord", "line"))
    return dict(zip(table["ord"].to_pylist(), table["line"].to_pylist(), strict=True))


def _rejects(workspace: Workspace, name: str | None) -> list[tuple[int, str]]:
    if name is None:
        return []
    path = workspace.store.state / "rejects" / name
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(reject["line"], reject["reason"]) for reject in found]
