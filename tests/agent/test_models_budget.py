"""Caps that hold: worst cases set aside in order, sums over resumes, one clear sentence when it is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.config import Price
from tilth.agent.models.budget import Budget, Caps, usd
from tilth.tools.errors import Misuse, OverBudget
from tilth.tools.store.calls import Call, Calls, Cost


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with Calls(tmp_path / "calls.sqlite") as opened:
        yield opened


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_dollars_are_per_million_tokens() -> None:
    assert usd(Price(input=2.0, output=8.0), 1_000_000, 500_000) == pytest.approx(6.0)
    assert usd(None, 10**9, 10**9) == 0.0


def test_a_cap_in_dollars_needs_a_price() -> None:
    with pytest.raises(Misuse, match=r"openai:x@lab has no price") as told:
        Budget(Caps(usd=1.0)).check("openai:x@lab", None)
    assert "tilth.toml" in told.value.next_step
    Budget(Caps(usd=1.0)).check("openai:x@lab", Price(input=0, output=0))
    Budget(Caps(calls=1)).check("openai:x@lab", None)


FATES = st.sampled_from(["settle", "release", "lose"])


@given(
    st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(0, 1), FATES), max_size=30),
    st.floats(0.1, 10.0),
    st.integers(1, 30),
)
def test_never_more_than_the_caps(requests: list[tuple[float, float, str]], dollars: float, calls: int) -> None:
    async def play() -> None:
        budget = Budget(Caps(calls=calls, usd=dollars))

        async def one(worst: float, share: float, fate: str) -> None:
            reservation = await budget.reserve(Cost(1, worst))
            await asyncio.sleep(0)
            if fate == "settle":
                budget.settle(reservation, Cost(1, worst * share))
            else:
                if fate == "lose":
                    budget.lose(reservation)
                budget.release(reservation)
            assert budget.spent.usd <= dollars * (1 + 1e-9)
            assert budget.spent.calls <= calls

        results = await asyncio.gather(*(one(*request) for request in requests), return_exceptions=True)
        assert all(result is None or isinstance(result, OverBudget) for result in results)

    asyncio.run(play())


async def test_who_does_not_fit_waits_for_others_to_settle_and_keeps_its_turn() -> None:
    budget, order = Budget(Caps(usd=1.0)), []

    async def one(name: str, worst: float) -> None:
        await budget.reserve(Cost(1, worst))
        order.append(name)

    first = await budget.reserve(Cost(1, 0.8))
    large, small = asyncio.create_task(one("large", 0.7)), asyncio.create_task(one("small", 0.1))
    await settle()
    assert order == []  # the small one would fit, but comes later
    budget.settle(first, Cost(1, 0.1))
    await asyncio.gather(large, small)
    assert order == ["large", "small"]


async def test_once_reached_it_stays_reached() -> None:
    budget = Budget(Caps(usd=1.0))
    with pytest.raises(OverBudget, match=r"\$1: \$0\.0000 is spent, the next call may cost \$2\.0000"):
        await budget.reserve(Cost(1, 2.0))
    with pytest.raises(OverBudget):
        await budget.reserve(Cost(1, 0.1))


async def test_spending_goes_on_over_resumes(calls: Calls) -> None:
    first = Budget(Caps(calls=3), run="r", calls=calls)
    reservation = await first.reserve(Cost(1))
    calls.record("k", Call("e", "m", "{}", "plain", "{}"), run="r", cost=Cost(1, 0.5))
    first.settle(reservation, Cost(1, 0.5))
    reservation = await first.reserve(Cost(1, 0.25))
    assert first.lose(reservation)
    first.release(reservation)
    resumed = Budget(Caps(calls=3), run="r", calls=calls)
    assert resumed.spent == first.spent == Cost(2, 0.75, lost=1)
    resumed.settle(await resumed.reserve(Cost(1)), Cost(1))
    with pytest.raises(OverBudget, match=r"cap of 3 calls \(after 3 calls, 1 of them lost on the way\)") as told:
        await resumed.reserve(Cost(1))
    assert told.value.exit_code == 4
    assert "--max-calls" in told.value.next_step


async def test_minutes_go_on_over_resumes(calls: Calls) -> None:
    now = 0.0
    first = Budget(Caps(minutes=2), run="r", calls=calls, clock=lambda: now)
    now = 90.0
    first.release(await first.reserve(Cost(1)))
    first.close()
    second = Budget(Caps(minutes=2), run="r", calls=calls, clock=lambda: now)
    now = 119.0
    second.release(await second.reserve(Cost(1)))
    now = 121.0
    with pytest.raises(OverBudget, match="2 minutes"):
        await second.reserve(Cost(1))


async def test_a_lost_request_is_asked_again_only_when_both_fit() -> None:
    budget = Budget(Caps(calls=2))
    reservation = await budget.reserve(Cost(1))
    assert budget.lose(reservation)
    assert not budget.lose(reservation)
