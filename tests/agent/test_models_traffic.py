"""When a request may go out: concurrency, pace and breaker, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.models.traffic import SUCCESSES_PER_STEP, Traffic
from tilth.tools.errors import Unavailable


class Time:
    """Virtual seconds: sleeping moves the clock to the earliest sleeper once nobody else has work to do."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def traffic(time: Time, **options: float) -> Traffic:
    return Traffic("lab", clock=time.clock, sleep=time.sleep, **options)  # type: ignore[arg-type]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def fail(way: Traffic, times: int) -> None:
    for _ in range(times):
        async with way.slot():
            way.failed()


async def test_no_more_than_the_cap_are_out_at_once_and_all_get_through() -> None:
    way = traffic(Time(), cap=4)
    peak, done = 0, 0

    async def one() -> None:
        nonlocal peak, done
        async with way.slot():
            peak = max(peak, way.in_flight)
            await asyncio.sleep(0)
            done += 1

    await asyncio.gather(*(one() for _ in range(40)))
    assert (peak, done, way.in_flight) == (4, 40, 0)


async def test_who_came_first_goes_first() -> None:
    way, order = traffic(Time(), cap=1), []

    async def one(i: int) -> None:
        async with way.slot():
            order.append(i)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(i) for i in range(10)))
    assert order == list(range(10))


@given(st.lists(st.sampled_from(["cancel", "done"]), min_size=1, max_size=12), st.integers(1, 3))
def test_cancellation_never_loses_a_place(fates: list[str], cap: int) -> None:
    async def play() -> None:
        way, release = traffic(Time(), cap=cap), asyncio.Event()

        async def one() -> None:
            async with way.slot():
                await release.wait()

        tasks = [asyncio.create_task(one()) for _ in fates]
        await settle()
        for task, fate in zip(tasks, fates, strict=True):
            if fate == "cancel":
                task.cancel()
        release.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert way.in_flight == 0
        async with asyncio.timeout(1), way.slot():
            assert way.in_flight == 1

    asyncio.run(play())


async def test_cancelled_in_the_moment_the_place_is_given() -> None:
    way = traffic(Time(), cap=1)
    held = way.slot()
    await held.__aenter__()
    waiter = asyncio.create_task(fail(way, 1))
    await settle()
    await held.__aexit__(None, None, None)  # gives the waiter its place …
    waiter.cancel()  # … which is taken from it before it could run
    await asyncio.gather(waiter, return_exceptions=True)
    assert way.in_flight == 0


async def test_cancelled_in_line_while_the_line_moves_on() -> None:
    way = traffic(Time(), cap=1)
    held = way.slot()
    await held.__aenter__()
    first, second = asyncio.create_task(fail(way, 1)), asyncio.create_task(fail(way, 1))
    await settle()
    first.cancel()
    await held.__aexit__(None, None, None)  # passes the cancelled one over before it knows
    await asyncio.gather(first, second, return_exceptions=True)
    assert first.cancelled() and second.exception() is None
    assert way.in_flight == 0


async def test_overload_cuts_once_for_all_that_were_out_together() -> None:
    way = traffic(Time(), cap=16)
    async with way.slot() as one, way.slot() as two:
        way.overloaded(one)
        way.overloaded(two)
    assert way.limit == 12
    async with way.slot() as later:
        way.overloaded(later)
    assert way.limit == 9


async def test_the_limit_never_falls_below_one_and_climbs_back_to_the_cap() -> None:
    way = traffic(Time(), cap=3)
    for _ in range(20):
        async with way.slot() as permit:
            way.overloaded(permit)
    assert way.limit == 1
    for _ in range(SUCCESSES_PER_STEP - 1):
        way.succeeded()
    assert way.limit == 1
    way.succeeded()
    assert way.limit == 2
    for _ in range(10 * SUCCESSES_PER_STEP):
        way.succeeded()
    assert way.limit == 3


async def test_a_higher_limit_lets_those_in_who_wait() -> None:
    way, out = traffic(Time(), cap=2), asyncio.Event()
    async with way.slot() as permit:
        way.overloaded(permit)

    async def one() -> None:
        async with way.slot():
            await out.wait()

    tasks = [asyncio.create_task(one()) for _ in range(2)]
    await settle()
    assert way.in_flight == 1
    for _ in range(2 * SUCCESSES_PER_STEP):
        way.succeeded()
    await settle()
    assert way.in_flight == 2
    out.set()
    await asyncio.gather(*tasks)


async def test_requests_keep_the_pace() -> None:
    time = Time()
    way, starts = traffic(time, per_minute=60), []

    async def one() -> None:
        async with way.slot():
            starts.append(time.now)

    await asyncio.gather(*(one() for _ in range(5)))
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(starts))


async def test_a_hold_stops_everybody() -> None:
    time = Time()
    way = traffic(time)
    async with way.slot() as permit:
        way.overloaded(permit, hold=30)
    async with way.slot():
        assert time.now >= 30


async def test_after_five_failures_one_probe_goes_out_and_opens_the_way() -> None:
    time = Time()
    way = traffic(time, cooldown=10)
    await fail(way, 5)
    async with way.slot() as probe:
        assert probe.probe
        assert time.now >= 10
        other = asyncio.create_task(fail(way, 1))
        await settle()
        assert not other.done()  # waits for the probe, sends nothing
        way.succeeded()
    await other
    async with way.slot() as permit:
        assert not permit.probe


async def test_a_refusal_is_a_sign_of_life() -> None:
    way = traffic(Time())
    await fail(way, 4)
    way.alive()
    await fail(way, 4)
    async with way.slot() as permit:
        assert not permit.probe


async def test_a_cancelled_probe_makes_room_for_the_next() -> None:
    way = traffic(Time())
    await fail(way, 5)

    async def probe() -> None:
        async with way.slot():
            await asyncio.Event().wait()

    first = asyncio.create_task(probe())
    await settle()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    async with asyncio.timeout(1), way.slot() as permit:
        assert permit.probe


async def test_when_patience_ends_everybody_who_waits_is_told() -> None:
    time = Time()
    way = traffic(time, cooldown=10, patience=25)
    await fail(way, 5)
    with pytest.raises(Unavailable, match=r"lab has failed \d+ times in a row"):
        await fail(way, 10)
    assert time.now >= 25
    assert way.in_flight == 0
