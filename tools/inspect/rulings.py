"""`inspect.rulings`: how often people who looked at rows contradicted what had been decided about them.

It knows rates and when they are bad. What a ruling is, and which rulings count, is known in `store/past/rulings`.
"""

from __future__ import annotations

from typing import Final

from ..change import Fact, Finding, Report, Severity
from ..context import Context
from ..store.past import rulings
from ..store.past.rulings import STAYED, Rate
from ..store.rows import Rows
from ..tool import tool

BAD: Final = 0.10
"""A rate is a finding when even the lower bound of its interval lies above this."""

_EXAMPLES: Final = 5


@tool("inspect.rulings", reads=("rulings.jsonl",), version=1, effect="reads")
def by_rulings(ctx: Context, data: Rows) -> Report:
    """Say how often people's rulings on sampled rows contradict what the steps had decided.

    Changes nothing. Counts the rulings of rulings.jsonl that `tilth review` drew by sample, each row by its last
    word; unsure ones and rulings by `tilth keep` and `tilth drop` are left out, because nobody drew those rows at
    random. A row dropped for a reason and kept by people is a false drop of that reason; a row that had stayed and
    was ruled out is a false keep.

    Facts `rulings.false_drop.REASON` and `rulings.false_keep`: the share, with `.low` and `.high`, the bounds of its
    95 % interval (Wilson 1927); they say of how many rows. What nobody reviewed has no fact. `rulings.keep` and
    `rulings.drop`: how many rows a last word keeps or drops, drawn or not.

    Findings of the same names: the lower bound is above 10 %.
    """
    said = rulings.read(ctx.store.root)
    rates = rulings.rates(said, ctx.dataset)
    last = rulings.last_words(said, ctx.dataset).values()
    facts = [fact for rate in rates for fact in _facts(rate)]
    for word in ("keep", "drop"):
        count = sum(ruling.word == word for ruling in last)
        facts.append(Fact(f"rulings.{word}", count, "rows", "last word on each row in rulings.jsonl", len(last)))
    against: dict[str, list[str]] = {}
    for ruling in rulings.judged(said, ctx.dataset):
        if rulings.contradicts(ruling):
            against.setdefault(ruling.of or STAYED, []).append(ruling.row_id)
    findings = [_finding(rate, data, against[rate.reason]) for rate in rates if rate.low > BAD]
    told = [{"reason": rate.reason, "looked_at": rate.looked_at, "contradicted": rate.contradicted,
             "share": rate.share, "low": rate.low, "high": rate.high} for rate in rates]  # fmt: skip
    return Report(findings, facts, {"rates": told})


def _name(rate: Rate) -> str:
    return "rulings.false_keep" if rate.reason == STAYED else f"rulings.false_drop.{rate.reason}"


def _facts(rate: Rate) -> list[Fact]:
    method = "rows drawn by review, last word on each"
    bound = f"Wilson 95 % interval; {method}"
    name, count = _name(rate), rate.looked_at
    return [
        Fact(name, rate.share, "share", f"{rate.contradicted} of {count} {method}", count),
        Fact(f"{name}.low", rate.low, "share", bound, count),
        Fact(f"{name}.high", rate.high, "share", bound, count),
    ]


def _finding(rate: Rate, data: Rows, against: list[str]) -> Finding:
    stayed = rate.reason == STAYED
    what = "would drop" if stayed else "would keep"
    which = "that had stayed" if stayed else f"dropped for {rate.reason}"
    message = (
        f"People {what} {rate.contradicted:,} of {rate.looked_at:,} sampled rows {which}: {rate.share:.1%}, "
        f"at least {rate.low:.1%} of all (95 %)."
    )
    live = sorted(data.positions_of(against).values())[:_EXAMPLES]
    severity: Severity = "warning" if rate.low <= 0.5 else "error"
    return Finding(_name(rate), severity, message, rate.contradicted, unit="sampled rows", rows=tuple(live))
