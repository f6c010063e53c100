"""What a run may spend: the worst case is set aside before a request goes out, and sums go on over resumes.

It knows calls, dollars and minutes, and prices only as `tilth.toml` declares them. It sends nothing.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...tools.errors import Misuse, OverBudget
from ...tools.store.calls import Calls, Cost
from ..config import Price

PER_MILLION = 1e-6


@dataclass(frozen=True)
class Caps:
    """The most a run may come to; None is no limit."""

    calls: int | None = None
    usd: float | None = None
    minutes: float | None = None


def usd(price: Price | None, tokens_in: int, tokens_out: int) -> float:
    """Dollars for so many tokens; 0 without a price."""
    if price is None:
        return 0.0
    return PER_MILLION * (tokens_in * price.input + tokens_out * price.output)


@dataclass(frozen=True)
class Reservation:
    """A worst case that is set aside until `settle` or `release`."""

    worst: Cost


class Budget:
    """The caps of one run. Requests are granted in the order they ask; used from one event loop.

    `run` names the run in `calls`; what it spent before counts. A request that was sent and whose answer never came
    may have been paid: `lose` counts its worst case as spent.
    """

    def __init__(
        self,
        caps: Caps | None = None,
        *,
        run: str = "",
        calls: Calls | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.caps = caps or Caps()
        self.run = run
        self._calls = calls
        self._clock, self._start = clock, clock()
        self._before = calls.elapsed(run) if calls is not None else 0.0
        self.spent = calls.spent(run) if calls is not None else Cost()
        self._set_aside = Cost()
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()
        self._over: OverBudget | None = None

    @property
    def seconds(self) -> float:
        """How long the run has been at work, over all its resumes."""
        return self._before + self._clock() - self._start

    def check(self, model: str, price: Price | None) -> None:
        """A cap in dollars needs a price. Raises Misuse."""
        if self.caps.usd is not None and price is None:
            next_step = (
                "Declare it in tilth.toml under [endpoints.NAME.models.MODEL]: price = {input = …, output = …} "
                "(dollars per million tokens; 0 for a server of your own), or cap the run with --max-calls."
            )
            raise Misuse(f"--max-usd cannot be kept: {model} has no price.", next_step=next_step)

    async def reserve(self, worst: Cost) -> Reservation:
        """Set a request's worst case aside, if need be after others are settled. Raises OverBudget."""
        async with self._turn:
            while True:
                if self._over is not None:
                    raise self._over
                if self._fits(worst):
                    self._set_aside += worst
                    return Reservation(worst)
                if self._set_aside.calls == 0 or self._late():
                    self._over = self._reached(worst)
                    raise self._over
                self._settled.clear()
                await self._settled.wait()

    def settle(self, reservation: Reservation, cost: Cost) -> None:
        """The request came to `cost`, which is recorded with its answer."""
        self.spent += cost
        self.release(reservation)

    def lose(self, reservation: Reservation) -> bool:
        """A request may have been paid without an answer arriving: its worst case is spent, and still set aside for
        asking again; -> may it be asked again?"""
        lost = replace(reservation.worst, tokens_in=0, tokens_out=0, lost=1)
        if self._calls is not None:
            self._calls.spend(self.run, f"lost-{uuid.uuid4().hex}", lost)
        self.spent += lost
        return self._fits(Cost())

    def release(self, reservation: Reservation) -> None:
        """The request was not answered and not paid."""
        worst = reservation.worst
        self._set_aside += Cost(-worst.calls, -worst.usd, -worst.tokens_in, -worst.tokens_out)
        if self._set_aside.calls == 0:
            self._set_aside = Cost()  # no rest of float sums
        self._settled.set()

    def close(self) -> None:
        """Keep the time at work for the next resume."""
        if self._calls is not None:
            self._calls.set_elapsed(self.run, self.seconds)

    def _late(self) -> bool:
        return self.caps.minutes is not None and self.seconds >= 60 * self.caps.minutes

    def _fits(self, worst: Cost) -> bool:
        total = self.spent + self._set_aside + worst
        return (
            (self.caps.calls is None or total.calls <= self.caps.calls)
            and (self.caps.usd is None or total.usd <= self.caps.usd)
            and not self._late()
        )

    def _reached(self, worst: Cost) -> OverBudget:
        caps, spent = self.caps, self.spent
        lost = f", {spent.lost} of them lost on the way" if spent.lost else ""
        if self._late():
            what, option = f"of {caps.minutes:g} minutes", "--max-minutes"
        elif caps.calls is not None and spent.calls + worst.calls > caps.calls:
            what, option = f"of {caps.calls:,} calls", "--max-calls"
        else:
            what, option = f"of ${caps.usd:g}: ${spent.usd:.4f} is spent, the next call may cost ${worst.usd:.4f}", \
                "--max-usd"  # fmt: skip
        message = f"The run has reached its cap {what} (after {spent.calls:,} calls{lost})."
        return OverBudget(message, next_step=f"Raise {option} to go on; recorded answers are not paid again.")
