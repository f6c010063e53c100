"""A benchmark from items, a scan of rows for it, and servers to probe."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.tools.contaminate._registered import register
from tilth.tools.contaminate._verdicts import VERDICTS
from tilth.tools.store.store import Store


@dataclass(frozen=True)
class Scanned:
    """A scan's result of one benchmark, its flags, and the rows."""

    told: Mapping[str, Any]
    flags: Sequence[Mapping[str, Any]]
    entry: Any
    rows: Any

    @property
    def verdicts(self) -> dict[str, int]:
        return dict(self.told["verdicts"])

    def verdict(self, item: int) -> str | None:
        """The strongest verdict of any flagged pair with this item."""
        said = [pair["verdict"] for flag in self.flags for pair in flag["evidence"]["pairs"] if pair["number"] == item]
        return min(said, key=VERDICTS.index, default=None)


AddBenchmark = Callable[..., str]
Scan = Callable[..., Scanned]


@pytest.fixture
def add_benchmark(store: Store, tmp_path: Path) -> AddBenchmark:
    """`add_benchmark(items, name="bench", **options) -> name`, registered through a real file."""

    def add(items: Sequence[Mapping[str, Any]], *, name: str = "bench", **options: Any) -> str:
        path = tmp_path / f"items-{name}.jsonl"
        path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
        with store.writing("test"):
            register(store, name, [str(path)], **options)
        return name

    return add


@pytest.fixture
def scan(store: Store, make_rows, run_tool, add_benchmark) -> Scan:  # type: ignore[no-untyped-def]
    """`scan(items, texts) -> Scanned`: texts become rows {"text": …}, dicts become rows as they are."""

    def run(
        items: Sequence[Mapping[str, Any]], texts: Sequence[Any], *, pack_rows: int = 1 << 20, **args: Any
    ) -> Scanned:
        if "benchmarks/bench" not in store.histories():
            add_benchmark(items)
        records = [{"text": one} if isinstance(one, str) else one for one in texts]
        rows = make_rows(records, pack_rows=pack_rows)
        ran = run_tool("contaminate.scan", rows, benchmarks=["bench"], **{"similar": False, **args})
        (told,) = ran.details["benchmarks"]
        return Scanned(told, ran.decisions, ran.entry, rows)

    return run


def _load(path: Path) -> ModuleType:
    """A module among the tests: they are no package."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem]


@pytest.fixture(scope="session")
def sim() -> ModuleType:
    """The simulated server: `sim.SimulatedServer`, `sim.Raw`, …"""
    return _load(Path(__file__).parents[1] / "agent" / "simulated_server.py")


@pytest.fixture(scope="session")
def ngram() -> ModuleType:
    """`ngram.NgramModel(corpus file)`"""
    return _load(Path(__file__).with_name("ngram_model.py"))
