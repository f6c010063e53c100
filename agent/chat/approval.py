"""What needs a person's word before it is done, and who gives it: the person at the terminal, grants given earlier in the
session, or the options of a command without one.

It knows effects, shares and caps. It does not know how a question is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from ...tools.errors import Misuse, nearest
from ...tools.tool import Effect
from ..acting.spending import Estimate
from ..events import Asked
from ..models.budget import Caps
from ..plural import counted
from .calling import Planned
from .session import Grant

Review = Literal["off", "risky", "all"]

LARGE_DROP: Final = 0.20
"""A change that drops more than this share of the rows is a person's decision."""

COSTLY: Final = frozenset(["spends", "sends"])
NO_CAPS: Final = Caps()


@dataclass(frozen=True)
class Approved:
    """What a command without a terminal may do: these effects, within these caps. Nothing, unless it says so."""

    effects: frozenset[Effect] = frozenset()
    caps: Caps = NO_CAPS


def approved(text: str, caps: Caps) -> Approved:
    """Read `--approve writes,exports`. Raises Misuse; what costs money wants a cap."""
    known = [one for one in get_args(Effect) if one != "reads"]
    named = [word.strip() for word in text.split(",") if word.strip()]
    for word in named:
        if word not in known:
            raise Misuse(f"--approve does not know {word!r}.", next_step=nearest(word, known))
    if COSTLY & set(named) and caps == NO_CAPS:
        raise Misuse(f"--approve {text} wants a cap.", next_step="Add --max-usd, --max-calls or --max-minutes.")
    return Approved(frozenset(word for word in known if word in named), caps)


def reason(planned: Planned, review: Review, counts: Mapping[str, Any] | None) -> str:
    """Why a call needs a person, "" when it does not. `counts` is what a dry run says it does."""
    if planned.effect in COSTLY or (planned.effect == "exports" and review != "off"):
        return planned.effect
    if counts is not None and review != "off" and (share := _dropped(counts)) > LARGE_DROP:
        return f"would drop {share:.0%} of the rows"
    return "writes" if review == "all" and planned.effect == "writes" else ""


def refusal(planned: Planned, given: Approved) -> str:
    """Why a command without a terminal does not do a call, "" when it does."""
    if planned.effect == "reads" or planned.effect in given.effects:
        return ""
    does = {"spends": "asks models, which may cost", "sends": "sends data out", "exports": "writes files"}
    return (
        f"{planned.tool} {does.get(planned.effect, 'makes a new version')}, and nobody is here to approve it. "
        f"Add --approve {planned.effect} to allow it."
    )


def granted(planned: Planned, endpoint: str, grants: Iterable[Grant], spent_usd: float) -> bool:
    """Did the person allow this for the session? A grant with a cap ends when it is spent."""
    return any(
        (one.tool, one.dataset, one.endpoint) == (planned.tool, planned.dataset, endpoint)
        and (one.cap_usd is None or spent_usd < one.cap_usd)
        for one in grants
    )


def asked(
    call_id: str,
    planned: Planned,
    why: str,
    endpoint: str,
    counts: Mapping[str, Any] | None,
    estimate: Estimate | None,
) -> Asked:
    """The question as faces show it: what the call writes, to how many rows, what it sends and costs."""
    writes = _writes(planned, counts, estimate)
    costly = planned.effect in COSTLY
    sends, cost, time = _told(planned, endpoint, estimate) if costly else ("", "", "")
    return Asked(
        call_id, planned.tool, planned.dataset, planned.args, planned.command, why, writes, sends, cost, time,
        endpoint=endpoint if costly else "",
    )  # fmt: skip


def _dropped(counts: Mapping[str, Any]) -> float:
    """The share of the rows that a dry run drops."""
    gone: int = sum(counts.get("dropped", {}).values())
    return gone / max(int(counts["before"]), 1)


def _writes(planned: Planned, counts: Mapping[str, Any] | None, estimate: Estimate | None) -> str:
    rows = "" if planned.rows is None else f"{counted(planned.rows, 'rows')} "
    match planned.effect:
        case "exports":
            return f"{rows}as files in {planned.args.get('folder') or 'exports/'}"
        case "writes" if planned.tool == "undo":
            return f"{rows}into {planned.dataset}, as it was one step ago; redo takes that back"
        case "writes":
            return f"a new version of {planned.dataset}{_changes(counts)}; undo takes it back"
        case "spends" if planned.reports:
            return "findings; no row is changed"
        case "spends" if into := planned.args.get("into"):
            made = "rows" if estimate is None else f"up to {counted(estimate.rows, 'rows')}"
            return f"{made} into {into}; undo takes it back"
        case "spends":
            judged = "" if estimate is None else f", {counted(estimate.rows, 'rows')} of it looked at"
            return f"a new version of {planned.dataset}{judged}; undo takes it back"
    return ""


def _changes(counts: Mapping[str, Any] | None) -> str:
    """`: 12,000 of 17,000 rows stay (29.4% dropped), 3 edited`."""
    if counts is None:
        return ""
    before, share = int(counts["before"]), _dropped(counts)
    gone, all_rows = sum(counts.get("dropped", {}).values()), counted(before, "rows")
    parts = [f"{before - gone:,} of {all_rows} stay ({share:.1%} dropped)" if gone else f"all {all_rows} stay"]
    parts += [f"{counts[name]:,} {name}" for name in ("edited", "added") if counts.get(name)]
    return f": {', '.join(parts)}"


def _told(planned: Planned, endpoint: str, estimate: Estimate | None) -> tuple[str, str, str]:
    """-> (what is sent where, what it costs, how long it takes), as far as that is known beforehand."""
    if estimate is None:
        return f"texts of {planned.dataset} to {endpoint or 'an endpoint'}", "not known beforehand", ""
    price = "no price declared" if estimate.usd is None else f"up to ${estimate.usd:,.2f}"
    cost = f"up to {estimate.calls:,} calls, {estimate.tokens_in:,} tokens in, {estimate.tokens_out:,} out; {price}"
    time = "" if estimate.minutes is None else f"about {estimate.minutes:,.0f} minutes"
    fields = ", ".join(estimate.fields) or "no row text"
    return f"{fields} to {', '.join(estimate.hosts) or 'nobody'}", cost, time
