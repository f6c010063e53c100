"""What a command may spend on models: consent is had before anything leaves.

It knows caps, consent and which models the workspace names. What a tool may ask is told in `asking`, what a call costs
in `models.budget`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...tools.errors import Refused
from ..config import read_config

if TYPE_CHECKING:
    from ...tools.store.store import Store

PAID: Final = ("spends", "sends")
"""Effects whose result depends on the models that are asked."""

FREE_CALLS: Final = 1_000
"""Calls to local hosts without a price that nobody has to agree to."""


@dataclass(frozen=True)
class Estimate:
    """What a piece of work may come to, before it begins. `basis` says what the figures rest on.

    `usd` is None where a model has no price, `minutes` None where nothing was measured. `fields` of the data leave for
    `hosts`; `local` says that all of them are this machine or its network.
    """

    rows: int
    calls: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    minutes: float | None
    hosts: Sequence[str]
    fields: Sequence[str]
    local: bool
    basis: str
    least: int | None = None
    """Calls when every draft is accepted as it is; None where `calls` is that number."""
    priced: str = ""
    """The day of the oldest price, as tilth.toml has it."""

    @property
    def needs_consent(self) -> bool:
        expected = self.calls if self.least is None else self.least
        return not self.local or bool(self.usd) or expected > FREE_CALLS

    def lines(self) -> list[str]:
        """The block people read."""
        cost = "no price declared" if self.usd is None else f"up to ${self.usd:,.2f}"
        cost += f" (prices of {self.priced})" if self.usd is not None and self.priced else ""
        time = "not known" if self.minutes is None else f"about {self.minutes:,.0f} minutes"
        what = ", ".join(self.fields) or "no row text"
        least = f"{self.least:,} if every draft is accepted, " if self.least is not None else ""
        return [
            f"rows    {self.rows:,}",
            f"calls   {least}up to {self.calls:,}",
            f"tokens  up to {self.tokens_in:,} in, {self.tokens_out:,} out ({self.basis})",
            f"cost    {cost}",
            f"time    {time}",
            f"sends   {what} to {', '.join(self.hosts) or 'nobody'}",
        ]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Spending:
    """Caps of a command (None: no cap), and how a person is asked. `agree` answers an estimate; without it, a cap or
    `yes` must have been given."""

    max_calls: int | None = None
    max_usd: float | None = None
    max_minutes: float | None = None
    yes: bool = False
    agree: Callable[[Estimate], bool] | None = None

    @property
    def capped(self) -> bool:
        return any(cap is not None for cap in (self.max_calls, self.max_usd, self.max_minutes))

    def consent(self, estimate: Estimate) -> None:
        """Raises Refused when nobody agrees; then nothing was sent."""
        if not estimate.needs_consent or self.yes:
            return
        if self.agree is not None:
            if self.agree(estimate):
                return
            raise Refused("Nothing was sent.", next_step="Say yes to the block above, or give --yes.")
        if self.capped:
            return
        told = "; ".join(" ".join(line.split()) for line in estimate.lines())
        raise Refused(
            f"This asks models: {told}. Nothing was sent.",
            next_step="Give --yes, or a cap: --max-usd, --max-calls or --max-minutes.",
        )

    def asked_of(self, store: Store) -> Mapping[str, Any]:
        """The models whose answers a result depends on: roles, and the revisions people declare."""
        config = read_config(store.root)
        revisions = {
            f"{model}@{name}": facts.revision
            for name, endpoint in sorted(config.endpoints.items())
            for model, facts in sorted(endpoint.models.items())
            if facts.revision
        }
        return {"roles": {role: sorted(named) for role, named in sorted(config.roles.items())}, "revisions": revisions}


NOTHING_SAID: Final = Spending()


def journal_of(state: Path, run: str) -> Path:
    """The file of what a panel has decided in a run that is not finished; it may be deleted at any time."""
    return state / "cache" / "decided" / f"{run}.jsonl"


def journals(state: Path) -> list[Path]:
    """The files of all runs that were not finished, whether or not anybody will go on with them."""
    return sorted((state / "cache" / "decided").glob("*.jsonl"))


class Estimated(Exception):
    """Raised in place of consent: what the work would come to is known, and nothing was sent."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate


class Probe(Spending):
    """Lets a tool come as far as the question what it may spend. Raises Estimated there."""

    def consent(self, estimate: Estimate) -> None:
        raise Estimated(estimate)
