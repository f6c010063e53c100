"""A workspace as people use it: every verb of the command line is a method here, and every face calls these.

It knows verbs, and tells what happens as events. It does not print, parse command lines or talk to models.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..tools import tool as registry
from ..tools.errors import Misuse, nearest
from ..tools.store.ledger import Entry
from ..tools.store.past import stored
from ..tools.store.rows import Rows
from ..tools.store.store import check_name, find_workspace
from . import review
from .acting import resolving, toolbox
from .acting.spending import NOTHING_SAID, PAID, Spending, journals
from .events import Finished, Listener, Noticed, nobody
from .opened import name_for as name_for
from .reading import DatasetStatus as DatasetStatus
from .reading import Reading
from .recipes import lock

if TYPE_CHECKING:
    import numpy as np

    from ..tools.contaminate._registered import Registered
    from ..tools.document.card import Verified
    from ..tools.store.bundle import Bundled
    from ..tools.store.past.rulings import Rate, Word
    from .recipes.replay import Replayed
    from .recipes.run import Ran
    from .release import Exported
    from .report import ReleaseReport
    from .review import Case


@dataclass(frozen=True)
class Preview:
    """What a call would do for one value of a threshold; `flips` are decided otherwise than at the value before."""

    value: str
    kept: int
    dropped: Mapping[str, int]
    flips: Sequence[stored.StoredRow]


def open_workspace(
    path: str | os.PathLike[str] = ".",
    *,
    seed: int = 0,
    threads: int | None = None,
    listener: Listener = nobody,
    spending: Spending = NOTHING_SAID,
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
    return Workspace(root, seed=seed, threads=threads, listener=listener, spending=spending)


class Workspace(Reading):
    """An open workspace in which things are done."""

    def add_benchmark(self, name: str, *paths: str | os.PathLike[str], **options: Any) -> Registered:
        """Register files of items as a benchmark; `options` are fields, `revision` and `license`, as `register` has them."""
        from ..tools.contaminate._registered import register

        with self.store.writing(f"tilth benchmark add {name}"):
            return register(self.store, name, [os.fspath(path) for path in paths], **options)

    def benchmarks(self) -> list[Registered]:
        """The benchmarks registered here."""
        from ..tools.contaminate._registered import registered

        return registered(self.store)

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

    def dry_run(self, tool: str, dataset: str, *, sample: int | None = None, **args: Any) -> dict[str, Any]:
        """The counts a call would come to; nothing is changed, and nobody is asked: of a tool that spends, `estimate` has
        what it would send and cost, None where it would ask nobody. With `sample`, of that many rows."""
        name, rows = self._tried_on(dataset, sample)
        asked = resolving.resolve_on(self.store, tool, name, rows, args, self._settings())
        if asked.tool.effect_of(asked.args) in PAID:
            known = toolbox.finished(self.store, asked.key)
            found = None if known else toolbox.estimate(self.store, asked, self._settings(), self.listener)
            told = None if found is None else found.to_json()
            return {"before": len(asked.rows), "done": known is not None, "estimate": told}
        return toolbox.preview(self.store, asked, self._settings(), self.listener).counts()

    def touched(self, tool: str, dataset: str, reason: str, **args: Any) -> np.ndarray:
        """Positions, ascending, of the rows that a call would drop or edit: those of this reason where it gives it, else
        all. Nothing is changed."""
        asked = resolving.resolve(self.store, tool, self.address(dataset), args, self._settings())
        if asked.tool.effect_of(asked.args) in PAID:
            raise Misuse(f"Which rows {tool} touches, only models can say.", next_step="Run it; undo takes it back.")
        return toolbox.touched(self.store, asked, self._settings(), reason, self.listener)

    def amend(self, tool: str, dataset: str, **args: Any) -> Replayed:
        """Do the last step of this tool again with other arguments, and all that followed it."""
        from .recipes.replay import amend

        return amend(self, tool, dataset, args)

    def _tried_on(self, dataset: str, sample: int | None) -> tuple[str, Rows]:
        """The dataset and the rows a call is tried on: all, or those of a scratch version."""
        name, vid = self.store.resolve(self.address(dataset))
        rows = self.store.rows_of(vid)
        if sample is None:
            return name, rows
        with self.store.writing(f"tilth do {dataset} --sample {sample}"):
            return name, toolbox.sampled(self.store, name, rows, sample, self.seed, self.listener)

    def what_if(
        self, tool: str, dataset: str, name: str, values: Sequence[str], *, sample: int | None = None, **args: Any
    ) -> list[Preview]:
        """What a tool would drop for several values of one threshold; nothing is changed. With `sample`, of that many
        rows."""
        declared = registry.get(tool)
        thresholds = [parameter.name for parameter in declared.parameters if parameter.arg.threshold]
        if name not in thresholds:
            raise Misuse(f"{tool} has no threshold {name!r}.", next_step=nearest(name, thresholds))
        whose, tried = self._tried_on(dataset, sample)
        previews: list[Preview] = []
        earlier: Any = None
        for value in values:
            asked = resolving.resolve_on(self.store, tool, whose, tried, {**args, name: value}, self._settings())
            found = toolbox.preview(self.store, asked, self._settings(), self.listener)
            gone = set(found.gone.tolist())
            flips = sorted(gone ^ earlier)[:3] if earlier is not None else []
            counts = found.counts()
            rows = stored.stored_rows(asked.rows, flips)
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
        from .recipes.recipe import read_recipe
        from .recipes.run import run

        return run(self, read_recipe(Path(recipe), set), until=until, locked=locked, sample=sample, max_drop=max_drop)

    def plan(self, recipe: str | os.PathLike[str], *, set: Sequence[str] = ()) -> list[dict[str, Any]]:
        """What a run would do (`tilth run --dry-run`)."""
        from .recipes.planned import plan
        from .recipes.recipe import read_recipe

        return plan(self, read_recipe(Path(recipe), set))

    # -- moving --------------------------------------------------------------------------------------------------

    def undo(self, dataset: str, *, to: str | None = None, origin: resolving.Origin = resolving.PERSON) -> str:
        """Take back the last step, or all back to the version `to`; -> the version now current."""
        return self._move(dataset, "undo", to, origin)

    def redo(self, dataset: str) -> str:
        """Take back the last undo."""
        return self._move(dataset, "redo", None)

    def _move(
        self, dataset: str, kind: Literal["undo", "redo"], to: str | None, origin: resolving.Origin = resolving.PERSON
    ) -> str:
        with self.store.writing(f"tilth {kind} {dataset}"):
            done = self.store.ledger.with_call(origin.session, origin.call_id) if origin.call_id else None
            if done is not None and done.output is not None:
                return done.output
            past = self.store.history(dataset)
            steps = 1 if kind == "redo" else -1
            if to is not None:
                _, wanted = self.store.resolve(to if "@" in to or "~" in to or to == dataset else f"{dataset}@{to}")
                earlier = [i for i, vid in enumerate(past.vids[: past.cursor]) if vid == wanted]
                if wanted == past.current:
                    raise Misuse(f"{to} is the current version of {dataset}; there is nothing to undo.")
                if not earlier:
                    raise Misuse(f"{to} is not among the versions undo can go back to.",
                                 next_step=f"'tilth log {dataset}' lists them.")  # fmt: skip
                steps = earlier[-1] - past.cursor
            if not 0 <= past.cursor + steps < len(past.vids):
                what = "is at its first version; there is nothing to undo"
                raise Misuse(f"{dataset} {what if kind == 'undo' else 'has nothing to redo'}.")
            target = past.vids[past.cursor + steps]
            entry = Entry(kind, dataset, args={"steps": steps}, inputs=(past.current,), output=target)
            self.store.commit(replace(entry, actor=origin.actor, session=origin.session, call_id=origin.call_id))
            low, high = sorted((past.cursor, past.cursor + steps))
            crossed = list(pairwise(past.vids[low : high + 1]))
            ruled = review.follow(self, dataset, crossed if kind == "redo" else crossed[::-1], kind)
        if ruled:
            which = f"{ruled:,} {'ruling' if ruled == 1 else 'rulings'}"
            what = "taken back with it" if kind == "undo" else "in force again"
            self.listener(Noticed(f"{which} {what}", "warning"))
        purged = [one for one in self.store.ledger.purged.values() if target in one.details["versions"]]
        if purged:
            text = f"{dataset}@{target[:8]} lacks {len(purged):,} purged rows; {kind} does not bring them back"
            self.listener(Noticed(text, "loud"))
        rows = self.store.version(target).rows
        self.listener(Finished({"tool": kind, "dataset": dataset, "version": target, "rows": rows}))
        return target

    def tag(self, address: str, label: str, *, move: bool = False) -> str:
        """Give a version a name: `NAME@LABEL`. Raises Misuse where another version has it, unless it is to `move`."""
        check_name(label, use="be a tag")
        with self.store.writing(f"tilth tag {address}"):
            dataset, vid = self.store.resolve(address)
            known = self.store.history(dataset).tags.get(label)
            if known is not None and known != vid and not move:
                next_step = f"Choose another label, or say --move to take it from there: it would mean {vid[:16]}."
                raise Misuse(f"{dataset}@{label} is {known[:16]} already; it was left there.", next_step=next_step)
            if known != vid:
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
        """Remove objects nothing refers to; undo keeps working. -> {"objects": n, "bytes": n}, files and their size.

        Journals of runs that were stopped go too: such a run goes on from the recorded answers and pays nothing again.
        """
        from ..tools.store.upkeep import collect

        with self.store.writing("tilth gc"):
            removed = collect(self.store)
            for path in journals(self.store.state):
                removed = {"objects": removed["objects"] + 1, "bytes": removed["bytes"] + path.stat().st_size}
                path.unlink()
            return removed

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
        return review.rule_one(self, row, "keep", because, dataset)

    def drop(self, row: str, *, because: str, dataset: str | None = None) -> Replayed:
        """Rule that a row goes: at once, and in every later run."""
        return review.rule_one(self, row, "drop", because, dataset)

    def cases(self, dataset: str, *, reason: str | None = None, count: int = 50) -> list[Case]:
        """A seeded sample of dropped rows and rows that stayed, for people to rule on."""
        return review.cases(self, dataset, reason=reason, count=count)

    def rule(self, dataset: str, said: Sequence[tuple[Case, Word, str]], *, blind: bool = False) -> None:
        """Write down what people said about cases, and do the dataset's steps again under it."""
        review.rule(self, dataset, said, blind=blind)

    def rates(self, dataset: str) -> list[Rate]:
        """How often people contradicted each reason, and the decision to let rows stay."""
        from ..tools.store.past import rulings

        return rulings.rates(rulings.read(self.root), self.store.resolve(dataset)[0])

    def report(self, dataset: str, *, since: str, recipe: str | os.PathLike[str] | None = None) -> ReleaseReport:
        """What a version changes against an older one, as data for a pull request."""
        from .report import report

        return report(self, self.address(dataset), since, None if recipe is None else Path(recipe))


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
