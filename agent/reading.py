"""What can be asked of a workspace: rows, queries, what happened and why. Nothing here changes a version.

It knows which question is answered where. It does not print.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..tools.errors import Misuse
from ..tools.store.ledger import Entry
from ..tools.store.past import differences, drafts, history, lives, stored
from ..tools.store.rows import Rows
from .opened import Opened

if TYPE_CHECKING:
    import pyarrow as pa

    from ..tools.contaminate._finding.scanned import Shown


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


class Reading(Opened):
    """An open workspace that answers. Addresses are `NAME`, `NAME~1`, `NAME@TAG`, `NAME@VID`, or the path of a file."""

    def rows(self, dataset: str) -> Rows:
        """The rows of a version: `.arrow()`, `.batches()`, `.texts(field)`, `.take(positions, columns)`."""
        return self.store.rows(self.address(dataset))

    def sql(self, dataset: str, query: str, *, limit: int | None = None) -> pa.Table:
        """A read-only query over the views rows, dropped, texts, turns, signals, decisions, findings, facts."""
        from ..tools.store.query.views import query as run_query

        return run_query(self.store, self.address(dataset), query, limit=limit)

    def last_scan(self, dataset: str) -> Entry:
        """The newest contaminate.scan on the way to a version. Raises Misuse where there is none."""
        from ..tools.contaminate._finding.scanned import last_scan

        return last_scan(self.store, *self.store.resolve(self.address(dataset)))

    def details(self, entry: Entry) -> dict[str, Any]:
        """The details of a recorded report."""
        from ..tools.store.commit import read_details

        return read_details(self.store, entry)

    def contamination(self, scan: Entry, *, most: int = 3) -> list[Shown]:
        """The strongest pairs of a scan, `most` for each benchmark, with what both texts say there."""
        from ..tools.contaminate._finding.scanned import evidence

        return evidence(self.store, scan, most)

    def excluded(self, scan: Entry, verdicts: Collection[str]) -> list[dict[str, Any]]:
        """For each benchmark of a scan the items to leave out of an evaluation."""
        from ..tools.contaminate._finding.scanned import excluded

        return list(excluded(self.store, scan, verdicts))

    def show(self, dataset: str, *, where: str | None = None, count: int = 10) -> list[stored.StoredRow]:
        """The first rows, or the first that meet a predicate."""
        from ..tools.store.query.views import positions_where

        address = self.address(dataset)
        rows = self.store.rows(address)
        if where is None:
            return stored.stored_rows(rows, range(min(count, len(rows))))
        return stored.stored_rows(rows, positions_where(self.store, address, where, threads=self.threads)[:count])

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
        """The funnel of a version, or the part of `step` in it, and seeded examples per step and reason."""
        address = self.address(dataset)
        found = history.drops(self.store, address, step=step, reason=reason, count=count, seed=self.seed)
        return history.funnel(self.store, address, step=step), found

    def refused(
        self, dataset: str, *, reason: str | None = None, count: int = 5
    ) -> tuple[dict[str, int], list[drafts.Draft]]:
        """Drafts that a panel refused on the way to a version: how many by code, and seeded examples."""
        return drafts.refused(self.store, self.address(dataset), reason=reason, count=count, seed=self.seed)

    def why(self, row: str, *, dataset: str | None = None) -> lives.Life:
        """The life of one row, searched in one dataset or in all."""
        names = [dataset] if dataset is not None else sorted(self.store.histories())
        if not names:
            raise Misuse("There is no dataset here.", next_step="'tilth import NAME PATH' makes one.")
        error: Misuse | None = None
        for name in names:
            try:
                return lives.why(self.store, name, row)
            except Misuse as refused:
                error = refused
        if len(names) == 1 and error is not None:
            raise error
        raise Misuse(f"No row here is called {row!r}.", next_step="Name it by id (6 digits or more), FILE:LINE or key.")

    def diff(self, a: str, b: str | None = None, *, count: int = 3) -> differences.Difference:
        """What turns version `a` into `b`; with one address, what its last step did."""
        if b is None:
            dataset, vid = self.store.resolve(a)
            past = self.store.history(dataset)
            at = past.vids.index(vid) if vid in past.vids else 0
            if at == 0:
                raise Misuse(f"{a} has no version before it.", next_step="Give two addresses: tilth diff A B.")
            a, b = f"{dataset}@{past.vids[at - 1]}", a
        return differences.diff(self.store, a, b, count=count)

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
        from .recipes.from_log import recipe_from_log

        return recipe_from_log(self.store, self.address(dataset))

    def findings(self, entry: Entry) -> list[dict[str, Any]]:
        """The findings a step reported; their examples are row ids."""
        if "findings" not in entry.objects:
            return []
        found: list[dict[str, Any]] = self.store.objects.read(entry.objects["findings"]).to_pylist()
        return found

    def running(self) -> dict[str, Any] | None:
        """The command that holds the write lock now, as {"pid", "command"}."""
        path = self.store.state / "lock"
        if not path.exists():
            return None
        with path.open() as lock:
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
