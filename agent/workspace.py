"""A workspace as people use it: every verb of the command line is a method here, and every face calls these.

It knows verbs, and tells what happens as events. It does not print, parse command lines or talk to models.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from ..tools import tool as registry
from ..tools.errors import Misuse, nearest
from ..tools.store import history
from ..tools.store.importing import MAX_REJECT, PACK_ROWS, Imported, Mode, import_sources
from ..tools.store.ingest import ReadOptions, Source
from ..tools.store.ledger import Entry
from ..tools.store.licences import doubt
from ..tools.store.rows import Rows
from ..tools.store.store import Store, check_name, find_workspace
from . import lock, toolbox
from .config import Config, read_config
from .events import Finished, Listener, Noticed, Progressed, nobody

if TYPE_CHECKING:
    import pyarrow as pa

    from ..tools.document.card import Verified
    from ..tools.store.bundle import Bundled
    from ..tools.store.rulings import Rate, Word
    from .release import Exported
    from .replay import Replayed
    from .report import ReleaseReport
    from .review import Case
    from .run import Ran


@dataclass(frozen=True)
class Preview:
    """What a call would do for one value of a threshold; `flips` are decided otherwise than at the value before."""

    value: str
    kept: int
    dropped: Mapping[str, int]
    flips: Sequence[history.StoredRow]


@dataclass(frozen=True)
class DatasetStatus:
    """A dataset in one line."""

    name: str
    version: str
    rows: int
    format: str
    versions: int
    undoable: int
    redoable: int
    tags: Mapping[str, str]


def open_workspace(
    path: str | os.PathLike[str] = ".",
    *,
    seed: int = 0,
    threads: int | None = None,
    listener: Listener = nobody,
    create: bool = True,
) -> Workspace:
    """The workspace at `path` or the nearest one above it; without one, `path` becomes one (if `create`)."""
    start = Path(path).resolve()
    root = find_workspace(start)
    if root is None:
        if not create:
            next_step = "'tilth import NAME PATH' makes one."
            raise Misuse(f"There is no workspace at {path} or above it.", next_step=next_step)
        if not start.is_dir():
            raise Misuse(f"{path} is not a folder.")
        root = start
    return Workspace(root, seed=seed, threads=threads, listener=listener)


class Workspace:
    """An open workspace. Addresses are `NAME`, `NAME~1`, `NAME@TAG`, `NAME@VID`, or the path of a file."""

    def __init__(
        self, root: Path, *, seed: int = 0, threads: int | None = None, listener: Listener = nobody
    ) -> None:
        self.root = root
        self.seed = seed
        self.threads = threads or os.cpu_count() or 1
        self.listener = listener
        self.pack_rows = PACK_ROWS
        self.config: Config = read_config(root)
        self.store = Store(root)
        for name in self.config.tools.load:
            registry.load(root / name)

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- in ------------------------------------------------------------------------------------------------------

    def add(
        self,
        *paths: str | os.PathLike[str],
        name: str | None = None,
        append: bool = False,
        replace: bool = False,
        split: str | None = None,
        license: str | None = None,
        max_reject: float = MAX_REJECT,
        **read: Any,
    ) -> Imported:
        """Import files as a dataset (default name: the stem of the first); `read` are options of `ReadOptions`."""
        if not paths:
            raise Misuse("There is nothing to import.", next_step="Name one or more files, globs or folders.")
        texts = tuple(os.fspath(path) for path in paths)
        dataset = check_name(name) if name is not None else name_for(texts[0])
        mode: Mode = "append" if append else "replace" if replace else "new"
        source = Source(name=dataset, paths=texts, split=split, license=license)
        self.doubt_licenses([(dataset, license)])
        with self.store.writing(f"tilth import {dataset}"):
            imported = import_sources(
                self.store,
                dataset,
                [source],
                ReadOptions.from_args(read),
                mode=mode,
                max_reject=max_reject,
                pack_rows=self.pack_rows,
                progress=lambda done, total: self.listener(Progressed("import", done, total, "bytes")),
            )
        self.listener(Finished(self.import_line(imported)))
        return imported

    def doubt_licenses(self, declared: Iterable[tuple[str, str | None]]) -> None:
        """Tell of every source whose licence was not understood."""
        for name, license in declared:
            text = doubt(license)
            if text:
                self.listener(Noticed(f"source {name}: {text}", "loud"))

    def import_line(self, imported: Imported) -> dict[str, Any]:
        """The result line of an import."""
        return {
            "tool": "import",
            "dataset": imported.entry.dataset,
            "format": imported.version.mapping.format,
            "read": imported.read,
            "kept": imported.kept,
            "rejected": sum(imported.rejected.values()),
            "rejects": imported.rejected,
            "blank": imported.blank,
            "rejects_file": os.path.relpath(imported.rejects, self.root) if imported.rejects else None,
            "version": imported.version.vid,
        }

    def address(self, wanted: str) -> str:
        """The address itself, or, for an existing path, the dataset it is imported as."""
        if wanted.partition("@")[0].partition("~")[0] in self.store.histories():
            return wanted
        if not os.path.exists(wanted) and not any(mark in wanted for mark in "*?"):
            return wanted
        name = name_for(wanted)
        if name in self.store.histories():
            imported = [entry for entry in self.store.ledger.of(name) if entry.kind == "import"]
            files = [file["path"] for source in imported[-1].details["sources"] for file in source["files"]]
            if os.path.realpath(wanted) in map(os.path.realpath, files):
                self.listener(Noticed(f"{wanted} is the dataset {name!r}, imported before"))
                return name
            next_step = f"Import it under a name of its own: tilth import NAME {wanted}"
            raise Misuse(f"{wanted} would be imported as {name!r}, which is another dataset.", next_step=next_step)
        self.add(wanted, name=name)
        self.listener(Noticed(f"{wanted} is now the dataset {name!r}"))
        return name

    # -- tools ---------------------------------------------------------------------------------------------------

    def do(
        self, tool: str, dataset: str, *, sample: int | None = None, max_drop: float | None = None, **args: Any
    ) -> toolbox.Done:
        """Run a tool on a dataset: the version it makes becomes the current one."""
        address = self.address(dataset)
        with self.store.writing(f"tilth do {tool} {dataset}"):
            return toolbox.call(
                self.store, tool, address, args, self._settings(sample, max_drop), listener=self.listener
            )

    def inspect(self, dataset: str, **args: Any) -> toolbox.Done:
        """`inspect.profile`."""
        return self.do("inspect.profile", dataset, **args)

    def dry_run(self, tool: str, dataset: str, **args: Any) -> dict[str, Any]:
        """The counts a call would come to; nothing is changed."""
        asked = toolbox.resolve(self.store, tool, self.address(dataset), args, self._settings())
        return toolbox.preview(self.store, asked, self._settings(), self.listener).counts()

    def amend(self, tool: str, dataset: str, **args: Any) -> Replayed:
        """Do the last step of this tool again with other arguments, and all that followed it."""
        from .replay import amend

        return amend(self, tool, dataset, args)

    def what_if(self, tool: str, dataset: str, name: str, values: Sequence[str], **args: Any) -> list[Preview]:
        """What a tool would drop for several values of one threshold; nothing is changed."""
        declared = registry.get(tool)
        thresholds = [parameter.name for parameter in declared.parameters if parameter.arg.threshold]
        if name not in thresholds:
            raise Misuse(f"{tool} has no threshold {name!r}.", next_step=nearest(name, thresholds))
        address = self.address(dataset)
        previews: list[Preview] = []
        earlier: Any = None
        for value in values:
            asked = toolbox.resolve(self.store, tool, address, {**args, name: value}, self._settings())
            found = toolbox.preview(self.store, asked, self._settings(), self.listener)
            gone = set(found.gone.tolist())
            flips = sorted(gone ^ earlier)[:3] if earlier is not None else []
            counts = found.counts()
            rows = history.stored_rows(asked.rows, flips)
            previews.append(Preview(str(value), counts["before"] - len(gone), counts["dropped"], rows))
            earlier = gone
        return previews

    def run(
        self,
        recipe: str | os.PathLike[str],
        *,
        set: Sequence[str] = (),
        until: str | None = None,
        locked: bool = False,
        sample: int | None = None,
        max_drop: float | None = None,
    ) -> Ran:
        """Run a recipe from its sources; steps already done with the same input are not done again."""
        from .recipe import read_recipe
        from .run import run

        return run(
            self, read_recipe(Path(recipe), set), until=until, locked=locked, sample=sample, max_drop=max_drop
        )

    def plan(self, recipe: str | os.PathLike[str], *, set: Sequence[str] = ()) -> list[dict[str, Any]]:
        """What a run would do (`tilth run --dry-run`)."""
        from .recipe import read_recipe
        from .run import plan

        return plan(self, read_recipe(Path(recipe), set))

    # -- looking -------------------------------------------------------------------------------------------------

    def rows(self, dataset: str) -> Rows:
        """The rows of a version: `.arrow()`, `.batches()`, `.texts(field)`, `.take(positions, columns)`."""
        return self.store.rows(self.address(dataset))

    def sql(self, dataset: str, query: str, *, limit: int | None = None) -> pa.Table:
        """A read-only query over the views rows, dropped, texts, turns, signals, decisions, findings, facts."""
        from ..tools.store.views import query as run_query

        return run_query(self.store, self.address(dataset), query, limit=limit)

    def show(self, dataset: str, *, where: str | None = None, count: int = 10) -> list[history.StoredRow]:
        """The first rows, or the first that meet a predicate."""
        from ..tools.store.views import positions_where

        address = self.address(dataset)
        rows = self.store.rows(address)
        if where is None:
            return history.stored_rows(rows, range(min(count, len(rows))))
        return history.stored_rows(rows, positions_where(self.store, address, where, threads=self.threads)[:count])

    def datasets(self) -> list[DatasetStatus]:
        found = []
        for name, past in sorted(self.store.histories().items()):
            version = self.store.version(past.current)
            redoable = len(past.vids) - 1 - past.cursor
            found.append(
                DatasetStatus(name, version.vid, version.rows, version.mapping.format, len(past.vids), past.cursor,
                              redoable, dict(past.tags))
            )  # fmt: skip
        return found

    def drops(
        self, dataset: str, *, step: str | None = None, reason: str | None = None, count: int = 5
    ) -> tuple[list[history.Funnel], list[history.Dropped]]:
        """The funnel of a version, and seeded examples per step and reason."""
        address = self.address(dataset)
        found = history.drops(self.store, address, step=step, reason=reason, count=count, seed=self.seed)
        return history.funnel(self.store, address), found

    def why(self, row: str, *, dataset: str | None = None) -> history.Life:
        """The life of one row, searched in one dataset or in all."""
        names = [dataset] if dataset is not None else sorted(self.store.histories())
        if not names:
            raise Misuse("There is no dataset here.", next_step="'tilth import NAME PATH' makes one.")
        error: Misuse | None = None
        for name in names:
            try:
                return history.why(self.store, name, row)
            except Misuse as refused:
                error = refused
        if len(names) == 1 and error is not None:
            raise error
        raise Misuse(f"No row here is called {row!r}.", next_step="Name it by id (6 digits or more), FILE:LINE or key.")

    def diff(self, a: str, b: str | None = None, *, count: int = 3) -> history.Difference:
        """What turns version `a` into `b`; with one address, what its last step did."""
        if b is None:
            dataset, vid = self.store.resolve(a)
            past = self.store.history(dataset)
            at = past.vids.index(vid) if vid in past.vids else 0
            if at == 0:
                raise Misuse(f"{a} has no version before it.", next_step="Give two addresses: tilth diff A B.")
            a, b = f"{dataset}@{past.vids[at - 1]}", a
        return history.diff(self.store, a, b, count=count)

    def log(self, dataset: str | None = None) -> list[Entry]:
        """The ledger, or the entries of one dataset, oldest first."""
        self.store.ledger.refresh()
        if dataset is None:
            return self.store.ledger.entries()
        self.store.history(dataset)
        return self.store.ledger.of(dataset)

    def verify_log(self) -> list[str]:
        """Every fault of the ledger and every object it names that is missing; an empty list means none."""
        from ..tools.store.upkeep import verify

        return verify(self.store)

    def purges(self) -> list[str]:
        """What purges have changed, for whoever verifies the log."""
        from ..tools.store.upkeep import explained

        return explained(self.store)

    def recipe(self, dataset: str) -> str:
        """The steps that led to a version, as a recipe that gives the same version again."""
        from .recipe_from_log import recipe_from_log

        return recipe_from_log(self.store, self.address(dataset))

    def findings(self, entry: Entry) -> list[dict[str, Any]]:
        """The findings a step reported; their examples are row ids."""
        if "findings" not in entry.objects:
            return []
        found: list[dict[str, Any]] = self.store.objects.read(entry.objects["findings"]).to_pylist()
        return found

    def running(self) -> dict[str, Any] | None:
        """The command that holds the write lock now, as {"pid", "command"}."""
        with (self.store.state / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder: dict[str, Any] = json.loads(lock.read() or "{}")
                return holder
        return None

    def disk_used(self) -> int:
        """Bytes under `.tilth/`."""
        return sum(path.stat().st_size for path in self.store.state.rglob("*") if path.is_file())

    # -- moving --------------------------------------------------------------------------------------------------

    def undo(self, dataset: str, *, to: str | None = None) -> str:
        """Take back the last step, or all back to the version `to`; -> the version now current."""
        return self._move(dataset, "undo", to)

    def redo(self, dataset: str) -> str:
        """Take back the last undo."""
        return self._move(dataset, "redo", None)

    def _move(self, dataset: str, kind: Literal["undo", "redo"], to: str | None) -> str:
        with self.store.writing(f"tilth {kind} {dataset}"):
            past = self.store.history(dataset)
            steps = 1 if kind == "redo" else -1
            if to is not None:
                _, wanted = self.store.resolve(to if "@" in to or "~" in to or to == dataset else f"{dataset}@{to}")
                earlier = [i for i, vid in enumerate(past.vids[: past.cursor]) if vid == wanted]
                if not earlier:
                    raise Misuse(f"{to} is not among the versions undo can go back to.",
                                 next_step=f"'tilth log {dataset}' lists them.")  # fmt: skip
                steps = earlier[-1] - past.cursor
            if not 0 <= past.cursor + steps < len(past.vids):
                what = "is at its first version" if kind == "undo" else "has nothing to redo"
                raise Misuse(f"{dataset} {what}; there is nothing to {kind}.")
            target = past.vids[past.cursor + steps]
            self.store.commit(Entry(kind, dataset, args={"steps": steps}, inputs=(past.current,), output=target))
        purged = [one for one in self.store.ledger.purged.values() if target in one.details["versions"]]
        if purged:
            text = f"{dataset}@{target[:8]} lacks {len(purged):,} purged rows; {kind} does not bring them back"
            self.listener(Noticed(text, "loud"))
        rows = self.store.version(target).rows
        self.listener(Finished({"tool": kind, "dataset": dataset, "version": target, "rows": rows}))
        return target

    def tag(self, address: str, label: str) -> str:
        """Give a version a name: `NAME@LABEL`."""
        check_name(label)
        with self.store.writing(f"tilth tag {address}"):
            dataset, vid = self.store.resolve(address)
            self.store.commit(Entry("tag", dataset, args={"label": label}, inputs=(vid,), moves=False))
        return vid

    def purge(self, row: str, *, because: str, dataset: str | None = None) -> Entry:
        """Erase one row for good, everywhere in this workspace; its tombstone says what that broke. No undo."""
        from ..tools.store.purge import purge

        if not because.strip():
            raise Misuse("A purge wants a reason.", next_step="Write: tilth purge ROW --because …")
        found = self.why(row, dataset=dataset)
        with self.store.writing(f"tilth purge {row}"):
            tombstone = purge(self.store, found.dataset, found.row_id, because=because)
        for text in _left(tombstone):
            self.listener(Noticed(text, "loud"))
        return tombstone

    def gc(self) -> dict[str, int]:
        """Remove objects nothing refers to; undo keeps working. -> {"objects": n, "bytes": n}."""
        from ..tools.store.upkeep import collect

        with self.store.writing("tilth gc"):
            return collect(self.store)

    # -- out -----------------------------------------------------------------------------------------------------

    def export(self, dataset: str, folder: str | os.PathLike[str] | None = None, **options: Any) -> Exported:
        """Write a version's data files, card, manifest and provenance into a folder, atomically."""
        from .release import export

        return export(self, self.address(dataset), None if folder is None else Path(folder), **options)

    def card(self, dataset: str) -> str:
        """The dataset card as Markdown."""
        markdown: str = self.do("document.card", dataset).details["markdown"]
        return markdown

    def verify_card(self, folder: str | os.PathLike[str]) -> Verified:
        """Re-compute every number of an exported card."""
        from ..tools.document.card import verify_card

        return verify_card(Path(folder))

    def bundle(self, dataset: str, path: str | os.PathLike[str], *, rows: bool = False) -> Bundled:
        """Pack a version's history, with the recipes whose lock is of it, into one file; `rows` adds the rows."""
        from ..tools.store.bundle import write_bundle

        _, vid = self.store.resolve(dataset)
        locks = [one for one in sorted(self.root.glob("*.lock.json")) + sorted(self.root.glob("recipes/*.lock.json"))
                 if lock.read(one).get("version") == vid]  # fmt: skip
        beside = [one for path in locks for one in (path, *lock.recipes_of(path))]
        return write_bundle(self.store, dataset, Path(path), rows=rows, beside=beside)

    # -- people's rulings ----------------------------------------------------------------------------------------

    def keep(self, row: str, *, because: str, dataset: str | None = None) -> Replayed:
        """Rule that a row stays, whatever any step says: at once, and in every later run."""
        from .review import rule_one

        return rule_one(self, row, "keep", because, dataset)

    def drop(self, row: str, *, because: str, dataset: str | None = None) -> Replayed:
        """Rule that a row goes: at once, and in every later run."""
        from .review import rule_one

        return rule_one(self, row, "drop", because, dataset)

    def cases(self, dataset: str, *, reason: str | None = None, count: int = 50) -> list[Case]:
        """A seeded sample of dropped rows and rows that stayed, for people to rule on."""
        from .review import cases

        return cases(self, dataset, reason=reason, count=count)

    def rule(self, dataset: str, said: Sequence[tuple[Case, Word, str]], *, blind: bool = False) -> None:
        """Write down what people said about cases, and do the dataset's steps again under it."""
        from .review import rule

        rule(self, dataset, said, blind=blind)

    def rates(self, dataset: str) -> list[Rate]:
        """How often people contradicted each reason, and the decision to let rows stay."""
        from ..tools.store import rulings

        return rulings.rates(rulings.read(self.root), self.store.resolve(dataset)[0])

    def report(self, dataset: str, *, since: str, recipe: str | os.PathLike[str] | None = None) -> ReleaseReport:
        """What a version changes against an older one, as data for a pull request."""
        from .report import report

        return report(self, self.address(dataset), since, None if recipe is None else Path(recipe))

    def _settings(self, sample: int | None = None, max_drop: float | None = None) -> toolbox.Settings:
        return toolbox.Settings(self.seed, self.threads, sample, max_drop)


def _left(tombstone: Entry) -> Iterable[str]:
    """What a purge does not reach, for people to see to."""
    told = tombstone.details
    if told["exports"]:
        yield f"these exports still hold the row: {', '.join(told['exports'])}"
    if told["places"]:
        yield f"source files are not touched; {', '.join(told['places'])} will be left out of later imports"
    if told["related"]:
        some = ", ".join(one[:12] for one in told["related"][:5])
        yield f"{len(told['related']):,} other rows have the same content or were made from it: {some}"


def name_for(path: str) -> str:
    """A dataset name from a path: its stem, lower case, other characters replaced by '-'."""
    stem = Path(path).name or Path(path).parent.name
    for suffix in (".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", ".txt", ".md"):
        stem = stem.removesuffix(suffix)
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem.lower()).strip("._-")
    return check_name(cleaned[:64] or "data")


