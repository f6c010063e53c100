"""What a run changes of the process it runs in, it puts back."""

from __future__ import annotations

import gc

import pytest

from tilth.agent.models.loop import ALLOCATIONS, seldom_collected


def test_the_garbage_collector_is_as_it_was_also_after_an_error() -> None:
    before = gc.get_threshold()
    with seldom_collected():
        assert gc.get_threshold() == (ALLOCATIONS, *before[1:])
    assert gc.get_threshold() == before
    with pytest.raises(ValueError, match="no"), seldom_collected():
        raise ValueError("no")
    assert gc.get_threshold() == before
