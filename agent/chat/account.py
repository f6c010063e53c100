"""What a conversation has cost and may still cost, over all its resumes: its own answers, and the models its tools ask.

It knows caps, grants and sums. Prices and worst cases are `models.budget`'s business; it asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...tools.store.calls import Calls, Cost
from ..acting.asking import CALLS
from ..acting.spending import Spending
from ..models.budget import Budget, Caps
from .calling import Planned
from .session import Payment, Session, Usage


class Account:
    """The books of one session. `budget` bounds the answers of its own models."""

    def __init__(self, session: Session, caps: Caps, state: Path) -> None:
        self._session, self._caps, self._calls = session, caps, state / CALLS
        self.budget = Budget(caps)
        self.budget.spent += _cost(session.usage)
        self._settle()

    def answered(self, tokens_in: int, tokens_out: int) -> None:
        """Note one answer of a model of the conversation's own."""
        usd = self.budget.spent.usd - self._session.usage.usd
        self._session.use(Usage(1, tokens_in, tokens_out, usd))

    def allowance(self, planned: Planned, call_id: str, *, yes: bool) -> Spending:
        """What a call's models may come to: what is left of the conversation's caps and of the person's, and what the
        same call has cost before, which its own budget counts again."""
        caps, spent, session = self._caps, self._session.usage, self._session
        before, seconds = self._spent(planned.run)
        left = [caps.usd - spent.usd] if caps.usd is not None else []
        ruled = session.rulings.get(call_id)
        if ruled is not None and ruled.cap_usd is not None:
            left.append(ruled.cap_usd)
        for one in session.grants:
            if one.cap_usd is not None and (one.tool, one.dataset) == (planned.tool, planned.dataset):
                left.append(one.cap_usd - session.paid[planned.tool])
        return Spending(
            max_calls=None if caps.calls is None else before.calls + max(caps.calls - spent.calls, 0),
            max_usd=before.usd + max(min(left), 0.0) if left else None,
            max_minutes=None if caps.minutes is None else max(caps.minutes + (seconds - self.budget.seconds) / 60, 0.0),
            yes=yes,
        )

    @contextmanager
    def paying(self, planned: Planned) -> Iterator[None]:
        """Note what a call's models cost while it is made, however it ends: a killed process's share is noted by the
        next one."""
        if not planned.run:
            yield
            return
        before, _ = self._spent(planned.run)
        self._session.pay(Payment(planned.tool, planned.run, _usage(before)))
        try:
            yield
        finally:
            self._settle()

    def _settle(self) -> None:
        payment = self._session.payment
        if payment is None:
            return
        now, before = _usage(self._spent(payment.run)[0]), payment.before
        used = Usage(
            now.calls - before.calls, now.tokens_in - before.tokens_in, now.tokens_out - before.tokens_out,
            now.usd - before.usd,
        )  # fmt: skip
        self._session.use(used, payment.tool)
        self.budget.spent += _cost(used)

    def _spent(self, run: str) -> tuple[Cost, float]:
        """-> (what a call's models have cost so far, seconds they were at work)."""
        if not run or not self._calls.exists():
            return Cost(), 0.0
        with Calls(self._calls) as calls:
            return calls.spent(run), calls.elapsed(run)


def _cost(usage: Usage) -> Cost:
    return Cost(usage.calls, usage.usd, usage.tokens_in, usage.tokens_out)


def _usage(cost: Cost) -> Usage:
    return Usage(cost.calls, cost.tokens_in, cost.tokens_out, cost.usd)
