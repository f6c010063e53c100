"""The accounts of a running panel: what became of every task, and what faces are told of it while it runs.

It counts; it decides nothing. Rates and minutes are for people and go into no result.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ...tools.panel import Books, Verdict
from ..events import Counted, Listener
from .ask import Meter

SECONDS_BETWEEN: Final = 0.2
"""At most five events a second."""

Usd = Callable[[], float]


@dataclass
class Accounts:
    """Every task that was begun is decided (in plan order), pending, or surplus."""

    begun: int = 0
    decided: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    undecided: int = 0
    escalated: int = 0
    surplus: int = 0

    @property
    def pending(self) -> int:
        return self.begun - self.decided - self.surplus

    def decide(self, verdict: Verdict) -> None:
        """Enter a verdict whose turn has come."""
        self.decided += 1
        self.escalated += verdict.escalated
        match verdict.outcome:
            case "accepted":
                self.accepted += 1
            case "rejected":
                self.rejected[verdict.code] += 1
            case "failed":
                self.failed[verdict.code] += 1
            case _:
                self.undecided += 1

    def books(self, meter: Meter, usd: Usd) -> Books:
        return Books(
            planned=self.begun - self.surplus,
            accepted=self.accepted,
            rejected=dict(sorted(self.rejected.items())),
            failed=dict(sorted(self.failed.items())),
            undecided=self.undecided,
            pending=self.pending,
            surplus=self.surplus,
            escalated=self.escalated,
            calls=meter.calls,
            cached=meter.cached,
            tokens_in=meter.tokens_in,
            tokens_out=meter.tokens_out,
            usd=usd(),
            dropped_quotes=meter.dropped_quotes,
        )


class Teller:
    """Tells a listener how the accounts stand, not too often."""

    def __init__(
        self,
        what: str,
        wanted: int | None,
        accounts: Accounts,
        meter: Meter,
        usd: Usd,
        listener: Listener,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._wanted, self._accounts, self._meter = what, wanted, accounts, meter
        self._usd, self._listener, self._clock = usd, listener, clock
        self._start = clock()
        self._told = float("-inf")

    def tell(self, *, parked: int, in_flight: int, last: bool = False) -> None:
        """Tell, unless it was told a moment ago; the `last` word is always told."""
        now = self._clock()
        if not last and now - self._told < SECONDS_BETWEEN:
            return
        self._told = now
        accounts, meter = self._accounts, self._meter
        seconds = now - self._start
        rate = accounts.decided / seconds if seconds > 0 else 0.0
        made = accounts.accepted / seconds if seconds > 0 else 0.0
        left = None if self._wanted is None or made == 0 else max(self._wanted - accounts.accepted, 0) / made / 60
        self._listener(
            Counted(
                what=self._what,
                accepted=accounts.accepted,
                rejected=dict(accounts.rejected),
                failed=dict(accounts.failed),
                parked=parked,
                in_flight=in_flight,
                planned=accounts.begun - accounts.surplus,
                wanted=self._wanted,
                calls=meter.calls,
                cached=meter.cached,
                tokens_in=meter.tokens_in,
                tokens_out=meter.tokens_out,
                usd=self._usd(),
                rate=rate,
                minutes_left=left,
            )
        )
