"""How much an endpoint is asked at once, how fast, and whether at all while it is down.

It decides *when* a request goes out, never what is in it nor who else might answer. It knows no HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from ...tools.errors import Unavailable

CUT: Final = 0.75
SUCCESSES_PER_STEP: Final = 25
FAILURES_TO_OPEN: Final = 5
COOLDOWN_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 120.0

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


@dataclass
class Permit:
    """The right to one request. `generation`: how often the limit was cut before; `probe`: it tests a dead endpoint."""

    generation: int
    probe: bool = False


class Traffic:
    """Adaptive concurrency (additive increase, multiplicative decrease), pacing (GCRA) and a circuit breaker.

    `cap` is the most requests at once; `per_minute` the most in a minute; after `FAILURES_TO_OPEN` failures in a row
    requests wait, one probe at a time goes out every `cooldown` seconds, and once the endpoint has been down for
    `patience` seconds those who wait are told so. Used from one event loop.
    """

    def __init__(
        self,
        host: str,
        *,
        cap: int = 32,
        per_minute: float | None = None,
        cooldown: float = COOLDOWN_SECONDS,
        patience: float = PATIENCE_SECONDS,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.host, self.cap, self.cooldown, self.patience = host, cap, cooldown, patience
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._clock, self._sleep = clock, sleep
        self._limit = float(cap)
        self._generation = 0
        self._streak = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.in_flight = 0
        self._next_start = self._hold_until = float("-inf")
        self._failures = 0
        self._failing_since = 0.0
        self._opened_at: float | None = None
        self._probe: asyncio.Future[None] | None = None

    @property
    def limit(self) -> int:
        """How many requests may be out at once now."""
        return int(self._limit)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Permit]:
        """Wait in line for a place; leaving, also by cancellation, frees it. Raises Unavailable."""
        await self._take()
        permit = Permit(self._generation)
        try:
            await self._pace()
            await self._admit(permit)
            yield permit
        finally:
            if permit.probe:
                self._end_probe()
            self._give_back()

    # -- what became of a request ----------------------------------------------------------------------------------

    def succeeded(self) -> None:
        """The endpoint did what it was asked to."""
        self.alive()
        self._streak += 1
        if self._streak >= SUCCESSES_PER_STEP:
            self._streak = 0
            self._limit = min(float(self.cap), self._limit + 1)
            self._wake()

    def alive(self) -> None:
        """The endpoint answered, if only to refuse."""
        self._failures = 0
        self._opened_at = None

    def overloaded(self, permit: Permit, *, hold: float = 0.0) -> None:
        """Too much at once: cut the limit once for all requests that were out together; nothing starts for `hold` s."""
        self._streak = 0
        if permit.generation == self._generation:
            self._generation += 1
            self._limit = max(1.0, self._limit * CUT)
        self._hold_until = max(self._hold_until, self._clock() + hold)

    def failed(self) -> None:
        """No answer, or a broken one."""
        self._streak = 0
        if self._failures == 0:
            self._failing_since = self._clock()
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._opened_at = self._clock()

    # -- waiting ---------------------------------------------------------------------------------------------------

    async def _take(self) -> None:
        if self.in_flight < self.limit and not self._waiting:
            self.in_flight += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._give_back()  # the place was given in the moment of cancellation
            elif place in self._waiting:
                self._waiting.remove(place)
            raise

    def _give_back(self) -> None:
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self.in_flight < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    async def _pace(self) -> None:
        now = self._clock()
        start = max(now, self._next_start, self._hold_until)
        self._next_start = start + self._interval
        while start > now:
            await self._sleep(start - now)
            now = self._clock()
            start = max(start, self._hold_until)

    async def _admit(self, permit: Permit) -> None:
        while self._opened_at is not None:
            if self._probe is not None:
                await asyncio.wait({self._probe})
                continue
            wait = self._opened_at + self.cooldown - self._clock()
            if wait <= 0:
                permit.probe = True
                self._probe = asyncio.get_running_loop().create_future()
                return
            down = self._clock() - self._failing_since
            if down >= self.patience:
                next_step = "Recorded answers are kept; run the same command again once it is back."
                raise Unavailable(f"{self.host} has failed {self._failures} times in a row.", next_step=next_step)
            await self._sleep(min(wait, self.patience - down))

    def _end_probe(self) -> None:
        if self._probe is not None and not self._probe.done():
            self._probe.set_result(None)
        self._probe = None
