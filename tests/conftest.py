"""What every test may ask for. It knows where real data may lie and how to make a small workspace."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tilth.agent.acting import resolving, toolbox
from tilth.tools import tool as registry
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.ledger import Entry
from tilth.tools.store.past import history, rulings
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

REPO = Path(__file__).resolve().parents[1]

# `ci` gives every run the same examples, so a red test is red for everyone; `explore` is for hunting:
# HYPOTHESIS_PROFILE=explore make test
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", max_examples=1_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real datasets: `$TILTH_SHARED_DATA`, else ../shared/data; absent, the test is skipped."""
    named = os.environ.get("TILTH_SHARED_DATA")
    folder = Path(named) if named else REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; point TILTH_SHARED_DATA to it")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty workspace."""
    opened = Store(tmp_path)
    yield opened
    opened.close()


MakeRows = Callable[..., Rows]


@pytest.fixture
def make_rows(store: Store, tmp_path: Path) -> MakeRows:
    """`make_rows(records, name="data", pack_rows=…, **read options) -> Rows`: imported through the real ingest."""

    def make(
        records: Sequence[Mapping[str, Any]], *, name: str = "data", pack_rows: int = 1 << 20, **read: Any
    ) -> Rows:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
        mode = "replace" if name in store.histories() else "new"
        with store.writing("test"):
            import_sources(
                store, name, [Source(name, (str(path),))], ReadOptions.from_args(read), mode=mode, pack_rows=pack_rows
            )
        return store.rows(name)

    return make


@dataclass(frozen=True)
class Ran:
    """What a tool did: its entry, the rows after it, and its decisions with the position before it."""

    entry: Entry
    rows: Rows
    decisions: list[dict[str, Any]]
    details: Mapping[str, Any]

    def dropped(self) -> dict[int, str]:
        """Position -> reason of the dropped rows."""
        return {one["position"]: one["reason"] for one in self.decisions if one["action"] == "drop"}


RunTool = Callable[..., Ran]


@pytest.fixture
def run_tool(store: Store) -> RunTool:
    """`run_tool(id, rows, seed=0, threads=1, **args) -> Ran`, through the toolbox and a real commit."""

    def run(tool_id: str, rows: Rows, *, seed: int = 0, threads: int = 1, **args: Any) -> Ran:
        dataset = next(name for name, past in store.histories().items() if rows.vid in past.vids)
        with store.writing("test"):
            done = toolbox.call_on(
                store, tool_id, dataset, rows.vid, args, resolving.Settings(seed=seed, threads=threads)
            )
        reasons = registry.get(tool_id).reasons_of(done.entry.args)
        assert reasons is None or reasons | {rulings.REASON} >= done.entry.counts.get("dropped", {}).keys()
        table = history.decisions(store, done.entry)
        place = {ord: position for position, ord in enumerate(rows.arrow(("ord",))["ord"].to_pylist())}
        lines = [] if table is None else table.to_pylist()
        for line in lines:
            line["position"] = place[line["ord"]]
            line["evidence"] = json.loads(line["evidence"]) if line["evidence"] else {}
        return Ran(done.entry, store.rows_of(done.version.vid), lines, done.details)

    return run
