"""Verbs that look after things: purge, bundle, unbundle, init, demo, doctor, gc, docs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...agent.plural import counted
from ...tools.errors import Misuse, Refused
from ..faces.consent import ask, can_ask
from ..render.listings import catalogue
from ..render.records import life

if TYPE_CHECKING:
    from ...tools.store.past.lives import Life
    from ..command import Command

TEMPLATE: Final = """# tilth.toml: the settings of this workspace. Every line is optional; commit this file.
# State lives in .tilth/, which ignores itself in git.

# An OpenAI-compatible server. A key is never written here, only the name of the variable that holds it.
# [endpoints.lab]
# base_url = "http://localhost:8000/v1"
# api_key_env = "LAB_KEY"
# may_see = "rows"               # rows | statistics | nothing; default: rows for local hosts, statistics for others

# Who makes and judges rows, and who answers in 'tilth chat' (the generator, unless [chat] model names another).
# A model is "openai:MODEL@ENDPOINT", "vllm:MODEL" or "offline:"; one may do all. 'tilth models add NAME URL' fills this in.
# [roles]
# generator = ["openai:small-a@lab"]
# reviewer = ["openai:small-b@lab"]
# adjudicator = ["openai:other-c@lab"]

# Your own tools: files with functions under @tilth.tool or @tilth.filter. Nothing else is ever loaded.
# Try one with: tilth tools check my_tools.py
# [tools]
# load = ["my_tools.py"]
"""


def init(command: Command) -> None:
    folder = Path(command.args.folder)
    if command.option("workspace") and command.args.folder == ".":
        folder = Path(command.option("workspace"))
    path = folder / "tilth.toml"
    if path.exists():
        raise Misuse(f"{path} exists; it was left as it is.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATE, encoding="utf-8")
    except OSError as error:
        raise Misuse(f"Cannot write {path}: {error.strerror}.", next_step="Choose a folder you may write in.") from None
    line = {"tool": "init", "workspace": str(folder), "wrote": str(path)}
    command.face.result(line, lambda screen: [f"wrote {path}", "next: tilth import NAME PATH…"])


def demo(command: Command) -> None:
    from ...evals.demo import demonstrate
    from ..render import demo as shown

    args = command.args
    found = demonstrate(
        Path(args.folder),
        rows=args.rows,
        seed=command.option("seed", 7),
        threads=command.option("threads"),
        listener=command.face.listener,
    )
    line = {"tool": "demo", "folder": str(found.folder), "export": str(found.export), "card": str(found.card),
            "recipe": found.ran, "kinds": [dataclasses.asdict(one) for one in found.scores]}  # fmt: skip
    command.face.result(line, lambda screen: shown.demo(found, screen), instead=True)


def doctor(command: Command) -> int:
    from ...agent.doctor import examine

    checks = examine(command.folder)
    line = {"tool": "doctor", "checks": [dataclasses.asdict(one) for one in checks]}
    command.face.result(line, lambda screen: catalogue.checks(checks, screen))
    return 1 if any(one.state == "fault" for one in checks) else 0


def gc(command: Command) -> None:
    with command.open() as workspace:
        removed = workspace.gc()
    line = {"tool": "gc", **removed}
    command.face.result(
        line, lambda screen: [f"removed {counted(removed['objects'], 'files')}, {counted(removed['bytes'], 'bytes')}"]
    )


def purge(command: Command) -> None:
    args = command.args
    with command.open() as workspace:
        if not command.option("yes"):
            _agreed(workspace.why(args.row, dataset=args.dataset))
        tombstone = workspace.purge(args.row, because=args.because, dataset=args.dataset)
    told = {name: tombstone.details[name] for name in ("datasets", "versions", "exports", "related")}
    line = {"tool": "purge", "row_id": tombstone.args["row"], "because": args.because, **tombstone.counts, **told}
    summary = f"row {tombstone.args['row'][:12]} is erased from {', '.join(told['datasets'])}"
    command.face.result(line, lambda screen: [summary, life.broken(told["versions"], told["exports"])])


def _agreed(found: Life) -> None:
    """Ask before a row is erased. Raises Misuse where nobody can be asked, Refused where the answer is no."""
    row = f"the row {found.row_id[:12]} of {found.dataset}"
    if not can_ask():
        raise Misuse(f"A purge erases {row} for good, and nobody is here to be asked.",
                     next_step="Look at the row with 'tilth why', then say --yes.")  # fmt: skip
    if not ask(f"Erase {row} for good, from every version, answer and cache? No undo brings it back. [y/N] "):
        raise Refused("Nothing was purged.")


def bundle(command: Command) -> None:
    args = command.args
    with command.open(args.dataset) as workspace:
        made = workspace.bundle(args.dataset, args.file, rows=args.rows)
    size = made.path.stat().st_size
    line = {"tool": "bundle", **dataclasses.asdict(made), "path": str(made.path), "bytes": size}
    packed = f"{made.entries:,} entries, {made.objects:,} objects, {'the rows' if made.rows else 'no rows'}"
    command.face.result(line, lambda screen: [f"wrote {made.path}: {packed}, {size:,} bytes",
                                              *(f"  with {name}" for name in made.beside)])  # fmt: skip


def unbundle(command: Command) -> None:
    from ...tools.store.bundle import read_bundle

    folder = Path(command.args.folder)
    entries = read_bundle(Path(command.args.file), folder)
    names = sorted({entry.dataset for entry in entries})
    line = {"tool": "unbundle", "workspace": str(folder), "datasets": names, "entries": len(entries)}
    command.face.result(line, lambda screen: [f"{folder} holds {', '.join(names)} ({len(entries):,} entries)",
                                              f"next: cd {folder} && tilth log"])  # fmt: skip


def docs(command: Command) -> None:
    from ..docs import check, repository, write

    root = repository()
    if command.args.check:
        first = check(root)
        if first is not None:
            raise Refused(first, next_step="'tilth docs' writes them anew.")
        command.face.result({"tool": "docs", "checked": True}, lambda screen: ["generated pages are up to date"])
        return
    wrote = write(root)
    command.face.result({"tool": "docs", "wrote": wrote}, lambda screen: [f"wrote {path}" for path in wrote]
                        or ["generated pages were up to date"])  # fmt: skip
