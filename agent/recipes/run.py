"""Running a recipe: sources, steps, expectations, export, lock. A step found in the ledger is not done again.

It knows the order of things and what a run's result says. How one step acts is the toolbox's business.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...tools.errors import Misuse, Refused, Unavailable, nearest
from ...tools.store.importing import MAX_REJECT, import_sources
from ...tools.store.ingest import ReadOptions, Source, fetch, find_files, is_remote
from ...tools.store.ledger import Entry
from ...tools.store.past import differences, rulings
from ..acting import making, resolving, toolbox
from ..events import Finished, Listener, Noticed, Progressed
from . import expect, lock
from .form import Step
from .recipe import Recipe
from .replay import RULED_OUT

if TYPE_CHECKING:
    from ..workspace import Workspace
from .told import lock_of, result_of


@dataclass(frozen=True)
class Ran:
    """What a run came to. `reused` counts the steps (the import too) that were found done."""

    dataset: str
    version: str
    entries: tuple[Entry, ...]
    verdicts: tuple[expect.Verdict, ...]
    reused: int
    result: Mapping[str, Any]


def run(
    workspace: Workspace,
    recipe: Recipe,
    *,
    until: str | None = None,
    locked: bool = False,
    sample: int | None = None,
    max_drop: float | None = None,
) -> Ran:
    """Run a recipe from its sources. Raises Refused when an expectation fails, a cap stops it or the lock differs.

    Under a lock a dataset that is here already moves at the end, when nothing differs: else it stays where it is.
    """
    began = time.monotonic()
    steps = _until(recipe.model.steps, until)
    wanted = [expect.parse(name, condition) for name, condition in recipe.model.expect.items()]
    promised = lock.read(recipe.lock_path) if locked else None
    listener = workspace.listener
    workspace.doubt_licenses((source.name, source.license) for source in recipe.model.sources)
    with workspace.store.writing(f"tilth run {recipe.path.name}"):
        here = recipe.model.dataset in workspace.store.histories()
        moves = promised is None or not here
        entry, import_reused, absent = _import(workspace, recipe, listener, promised, moves=moves)
        reused = int(import_reused)
        entries = [entry]
        vid = _output(entry)
        if sample is not None and sample < len(workspace.store.rows_of(vid)):
            listener(Noticed(f"sample {sample:,} of {len(workspace.store.rows_of(vid)):,} rows: a scratch version"))
            rows = toolbox.sample(workspace.store, recipe.model.dataset, workspace.store.rows_of(vid), sample,
                                  recipe.model.seed)  # fmt: skip
            vid = rows.vid
        bases: dict[str, str] = {}
        for step in with_rulings(workspace, recipe.model.dataset, steps):
            done = _step(workspace, recipe, step, vid, max_drop, bases, moves=moves and sample is None)
            entries.append(done.entry)
            reused += done.reused
            vid = done.entry.output or vid
            if made := done.entry.details.get("made"):
                bases[made["into"]] = made["version"]
        partial = until is not None or sample is not None
        verdicts = () if partial else tuple(judge(workspace, wanted, entries))
        made = lock_of(workspace, recipe, entries, vid)
        if promised is not None and not partial:
            if absent:
                made["sources"] = promised["sources"]
            left = f"{recipe.model.dataset} is left as it was." if here else ""
            lock.compare(promised, made, recipe.lock_path, left)
        if sample is None:
            _move(workspace, recipe, vid)
            for name in bases:
                making.follow(workspace.store, [one for one in entries if _into(one) == name][-1])
        result = result_of(recipe, entries, vid, verdicts, reused, import_reused, time.monotonic() - began)
        if recipe.model.since is not None:
            result |= _since(workspace, recipe.model.since, vid)
        failed = [verdict for verdict in verdicts if not verdict.met]
        if not failed and not partial:
            if recipe.model.export is not None:
                result["export"] = _export(workspace, recipe, vid)
            if promised is None:
                recipe.lock_path.write_bytes(lock.render(made))
                result["lock"] = str(recipe.lock_path)
    listener(Finished(result))
    if failed:
        lines = "; ".join(map(str, failed))
        raise Refused(f"Expectation not met: {lines}. Nothing was exported.")
    return Ran(recipe.model.dataset, vid, tuple(entries), verdicts, reused, result)


def import_key(recipe: Recipe, sources: Sequence[Source], purged: Collection[str] = ()) -> str:
    """The step key of a recipe's import: what the files hold, how they are read, and which rows stay out of them."""
    files = [
        (source.name, found.path, found.copy.sha256 if found.copy else _file_sha(found.path))
        for source in sources
        for found in find_files(source)
    ]
    told = [source.declared() for source in sources]
    identity = ["import", 1, recipe.model.dataset, told, files, recipe.model.read]
    identity += [sorted(purged)] if purged else []
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _file_sha(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sources_of(recipe: Recipe, inputs: Path) -> list[Source]:
    """The recipe's sources, with paths relative to its folder made usable from here and remote files copied."""
    sources = [
        Source(
            **{
                **source.model_dump(exclude={"paths"}),
                "paths": tuple(_from_here(recipe.folder, path) for path in source.paths),
            }
        )
        for source in recipe.model.sources
    ]
    return fetch(sources, inputs)


def _from_here(folder: Path, path: str) -> str:
    return path if is_remote(path) or Path(path).is_absolute() or folder == Path() else str(folder / path)


def _until(steps: Sequence[Step], until: str | None) -> Sequence[Step]:
    if until is None:
        return steps
    names = [step.tool for step in steps]
    if until.isdigit() and 1 <= int(until) <= len(steps):
        return steps[: int(until)]
    if until not in names:
        raise Misuse(f"--until {until}: the recipe has no such step.", next_step=nearest(until, names))
    return steps[: len(names) - names[::-1].index(until)]


def _import(
    workspace: Workspace, recipe: Recipe, listener: Listener, promised: Mapping[str, Any] | None, *, moves: bool
) -> tuple[Entry, bool, bool]:
    """The import, whether it was found done, and whether the sources are absent, so that only the ledger has them."""
    try:
        sources = sources_of(recipe, workspace.store.inputs)
        key = import_key(recipe, sources, workspace.store.ledger.purged)
    except (Misuse, Unavailable) as error:
        known = None if promised is None else _as_locked(workspace, recipe, promised)
        if known is None:
            raise
        listener(Noticed(f"{error.args[0]} The rows are those that were imported for {recipe.lock_path.name}", "loud"))
        return known, True, True
    if promised is not None:
        lock.compare_copies(promised, sources, recipe.lock_path)
    known = toolbox.finished(workspace.store, key)
    if known is not None:
        return known, True, False
    name = recipe.model.dataset
    mode = "replace" if name in workspace.store.histories() else "new"
    limit = MAX_REJECT if recipe.model.max_reject is None else recipe.model.max_reject
    imported = import_sources(
        workspace.store,
        name,
        sources,
        ReadOptions.from_args(recipe.model.read),
        mode=mode,  # type: ignore[arg-type]
        max_reject=limit,
        key=key,
        actor=f"recipe {recipe.path.name}",
        pack_rows=workspace.pack_rows,
        progress=lambda done, total: listener(Progressed("import", done, total, "bytes")),
        moves=moves,
    )
    listener(Finished(workspace.import_line(imported)))
    return imported.entry, False, False


def _as_locked(workspace: Workspace, recipe: Recipe, promised: Mapping[str, Any]) -> Entry | None:
    """The import that led to the locked version of this very recipe, if its rows are still here (as in a bundle)."""
    if promised.get("recipe") != recipe.sha:
        return None
    lineage = workspace.store.ledger.lineage(recipe.model.dataset, str(promised.get("version")))
    if not lineage or lineage[0].kind != "import":
        return None
    return toolbox.finished(workspace.store, lineage[0].key)


def _into(entry: Entry) -> str:
    """The dataset an entry's rows were made into."""
    return str(entry.details.get("made", {}).get("into", ""))


def settings_of(
    workspace: Workspace, recipe: Recipe, step: Step, max_drop: float | None, bases: dict[str, str]
) -> resolving.Settings:
    since = recipe.model.since
    return resolving.Settings(
        bases=bases,
        spending=workspace.spending,
        seed=recipe.model.seed,
        threads=workspace.threads,
        max_drop=step.max_drop if step.max_drop is not None else max_drop,
        released=None if since is None else workspace.store.resolve(since)[1],
    )


def _step(
    workspace: Workspace,
    recipe: Recipe,
    step: Step,
    vid: str,
    max_drop: float | None,
    bases: dict[str, str],
    *,
    moves: bool,
) -> toolbox.Done:
    settings = settings_of(workspace, recipe, step, max_drop, bases)
    name = recipe.model.dataset
    asked = resolving.resolve_on(workspace.store, step.tool, name, workspace.store.rows_of(vid), step.args, settings)
    known = toolbox.finished(workspace.store, asked.key)
    if known is not None and settings.max_drop is None:
        return toolbox.recorded(workspace.store, known)
    origin = resolving.Origin(actor=f"recipe {recipe.path.name}")
    return toolbox.call_on(
        workspace.store, step.tool, name, vid, step.args, settings,
        origin=origin, listener=workspace.listener, moves=moves,
    )  # fmt: skip


def with_rulings(workspace: Workspace, dataset: str, steps: Sequence[Step]) -> list[Step]:
    """The steps, with people's rulings to drop applied before and after them where there are any."""
    said = rulings.read(workspace.root)
    first, last = (Step.model_validate(form) for form in (RULED_OUT, {RULED_OUT: {"confirmed": True}}))
    before = [first] if rulings.ruled_out(said, dataset, confirmed=False) else []
    return [*before, *steps, *([last] if rulings.ruled_out(said, dataset, confirmed=True) else [])]


def _output(entry: Entry) -> str:
    assert entry.output is not None
    return entry.output


def _move(workspace: Workspace, recipe: Recipe, vid: str) -> None:
    """Let the ref stand where the recipe ends, also when every step was found done."""
    store = workspace.store
    before = store.history(recipe.model.dataset).current
    if before != vid:
        counts = {"before": store.version(before).rows, "after": store.version(vid).rows}
        entry = Entry("run", recipe.model.dataset, args={"recipe": recipe.path.name}, inputs=(before,), counts=counts)
        store.commit(replace(entry, output=vid, actor=f"recipe {recipe.path.name}"))


def judge(workspace: Workspace, wanted: Sequence[expect.Expectation], entries: Sequence[Entry]) -> list[expect.Verdict]:
    """Compare expectations with the numbers of the entries that led from an import to a version, oldest first."""
    if not wanted:
        return []
    numbers: dict[str, float] = {}
    dropped: Counter[str] = Counter()
    for entry in entries:
        dropped.update(entry.counts.get("dropped", {}))
        if "facts" in entry.objects:
            for fact in workspace.store.objects.read(entry.objects["facts"]).to_pylist():
                value = json.loads(fact["value"])
                if isinstance(value, int | float):
                    numbers[fact["id"]] = value
    numbers |= {f"dropped.{reason}": count for reason, count in dropped.items()}
    for entry in entries:
        if made := entry.details.get("made"):
            numbers[f"made.{made['into']}"] = workspace.store.version(made["version"]).rows
    numbers |= {"dropped": sum(dropped.values()), "rows": entries[-1].counts["after"]}
    numbers |= {"rejected": sum(entries[0].details["rejected"].values()), "read": entries[0].details["read"]}
    return [
        expect.check_licenses(one, entries[0].details["sources"])
        if one.allowed
        else expect.check(one, numbers, int(numbers["read"]))
        for one in wanted
    ]


def _since(workspace: Workspace, since: str, vid: str) -> dict[str, int]:
    """How the version relates to the release: rows carried over, new, and withdrawn; the last are never silent."""
    found = differences.diff(workspace.store, since, f"{since.partition('@')[0].partition('~')[0]}@{vid}", count=0)
    withdrawn = sum(found.dropped.values())
    if withdrawn:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in found.dropped.items())
        text = f"{withdrawn:,} rows of {since} are not in the new version ({reasons})"
        workspace.listener(Noticed(text, "loud"))
    return {"carried": found.before - withdrawn, "new": found.added[0], "withdrawn": withdrawn}


def _export(workspace: Workspace, recipe: Recipe, vid: str) -> str:
    spec = recipe.model.export
    assert spec is not None
    target = Path(spec.to)
    folder = target if target.is_absolute() else recipe.folder / target
    exported = workspace.export(
        f"{recipe.model.dataset}@{vid}",
        folder,
        format=spec.format,
        trainer=spec.for_,
        split=spec.split,
        group_by=spec.group_by,
        uniform=spec.uniform,
    )
    return str(exported.folder)
