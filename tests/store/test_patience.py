"""SQL that never ends is ended, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.tools.errors import Retry
from tilth.tools.store import door
from tilth.tools.store.query import views


def test_a_predicate_that_never_ends_is_interrupted(
    store: Any, make_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rows([{"text": "loam"}])
    monkeypatch.setattr(door, "LONGEST_SECONDS", 0.2)
    endless = "(select count(*) from turns a, range(1000000000000) b where b.range % 7 = 3) > 0"
    with pytest.raises(Retry, match="was not done"):
        views.positions_where(store, "data", f"exists (select 1) and {endless.replace('turns a, ', '')}")
