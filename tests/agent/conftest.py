"""A simulated server to ask, and connections to it that wait for nothing."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load(name: str) -> ModuleType:
    """A module of this folder: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def sim() -> ModuleType:
    """The module `simulated_server`: `sim.Say`, `sim.Status`, `sim.script`, …"""
    return _load("simulated_server")


@pytest.fixture
def serve(sim: ModuleType) -> Iterator[Callable[..., Any]]:
    """`serve(answers, **options) -> SimulatedServer`, running until the test ends."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(sim.SimulatedServer(*args, **options))


@pytest.fixture(scope="session")
def panelists() -> ModuleType:
    """The module `scripted_panel`: scripted models, a job to work on, and a loop whose time only events move."""
    return _load("scripted_panel")
