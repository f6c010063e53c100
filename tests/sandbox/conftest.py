"""A workspace with rows to ask about and files that are no query's business."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.tools.sandbox.sandbox import Sandbox
from tilth.tools.sandbox.wire import Job, Limits
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.query.views import VIEWS, define
from tilth.tools.store.store import Store

SECRET = "not for your eyes"


@dataclass(frozen=True)
class Yard:
    """A workspace with one dataset, `data`, and canaries beside it."""

    store: Store
    folder: Path

    def job(self, sql: str, limits: Limits | None = None) -> Job:
        """Any SQL at all, past the validator, in the sandbox's own views."""
        defined = define(self.store, "data", " union all ".join(f"(select 1 from {view})" for view in VIEWS))
        return Job(sql, defined.statements, tuple(map(str, defined.files)), limits or Limits())

    def fingerprint(self) -> dict[str, str]:
        """Every file and folder of the workspace, with the hash of what it holds."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for path in sorted(self.folder.rglob("*"))
        }


@pytest.fixture(scope="session")
def new_yard() -> Callable[[Path], Yard]:
    def make(folder: Path) -> Yard:
        records = [
            {"text": f"Row {i}, said once.", "label": i % 3, "score": i / 4, "tags": ["x", str(i)]} for i in range(60)
        ]
        path = folder / "data.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
        pq.write_table(pa.table({"x": [SECRET]}), folder / "x.parquet")
        (folder / "canary.csv").write_text(f"a\n{SECRET}\n")
        (folder / "canary.json").write_text(f'{{"a": "{SECRET}"}}\n')
        store = Store(folder)
        with store.writing("test"):
            import_sources(store, "data", [Source("data", (str(path),))], ReadOptions.from_args({}), mode="new")
        yard = Yard(store, folder)
        yard.job("")  # derives texts and turns: afterwards nothing has a reason to write
        return yard

    return make


@pytest.fixture(scope="session")
def yard(tmp_path_factory: pytest.TempPathFactory, new_yard: Callable[[Path], Yard]) -> Iterator[Yard]:
    made = new_yard(tmp_path_factory.mktemp("yard"))
    yield made
    made.store.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    opened = Sandbox()
    yield opened
    opened.close()
