"""Who says whether a proposed call is made: grants, the person who is asked, or a command's own options and, where there
are any, reviewer models.

It knows one call at a time, and waits for the person's word as long as that takes. What needs one is known in `approval`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from ...tools.errors import Misuse, Unavailable
from ..config import Sight
from ..events import Asked, Event, Listener, Noticed, Reviewed, Ruled
from ..models import connections
from . import approval, offered
from .approval import Approved
from .calling import Desk, Planned
from .session import Grant, Session

Work = Callable[[Callable[[], Any]], Awaitable[Any]]
Opinions = Callable[[Asked, str, Sight], Awaitable[Reviewed]]

REVIEWERS_SAID_NO: Final = "the reviewers of this workspace say no. Do not try it another way; tell the person."


class Gate:
    """`await gate(call_id, planned)` -> the call, perhaps with other arguments, or None and why not.

    `work` runs a function in the worker thread; `watch` hears of its progress and may end it by raising. `opinions`
    are had before a risky call: they decide where nobody is asked, and are advice to the person who is.
    """

    def __init__(
        self,
        session: Session,
        desk: Desk,
        approved: Approved | None,
        emit: Callable[[Event], None],
        work: Work,
        watch: Listener,
        opinions: Opinions | None = None,
    ) -> None:
        self._session, self._desk, self._approved = session, desk, approved
        self._emit, self._work, self._watch, self._opinions = emit, work, watch, opinions
        self._waiting: dict[str, asyncio.Future[Ruled]] = {}

    async def __call__(self, call_id: str, planned: Planned) -> tuple[Planned | None, str]:
        """Ask where a person is needed, again after an edit. Raises what an edited call is refused with."""
        review = self._desk.workspace.config.chat.review
        while True:
            why = approval.reason(planned, review, None)
            if self._approved is not None:
                if refused := approval.refusal(planned, self._approved):
                    return None, refused
                if self._opinions is None:
                    return planned, ""
            counts = None
            if planned.counts is not None and review != "off":
                counts = await self._work(partial(planned.counts, self._watch))
                why = approval.reason(planned, review, counts)
            endpoint = self._hosts() if planned.effect in approval.COSTLY else ""
            spent = self._session.paid[planned.tool]
            if not why or approval.granted(planned, endpoint, self._session.grants, spent):
                return planned, ""
            estimate = await self._work(planned.estimate) if planned.estimate is not None else None
            asked = approval.asked(call_id, planned, why, endpoint, counts, estimate)
            advice = await self._advice(self._opinions, asked) if self._opinions is not None else ""
            if self._approved is not None:
                return (None, advice) if advice else (planned, "")
            ruled = await self._ruling(asked)
            if ruled.word == "no":
                return None, f"the person said no{': ' + ruled.because if ruled.because else ''}."
            if ruled.word == "session":
                self._session.grant(Grant(planned.tool, planned.dataset, endpoint, ruled.cap_usd))
            if ruled.word != "edit":
                return planned, ""
            planned = await self._work(partial(offered.edited, self._desk, planned, ruled.args))

    async def _advice(self, opinions: Opinions, asked: Asked) -> str:
        """Why reviewer models would not make a call, "" when they would; written down and told. They are shown no more
        than the call's own message holds."""
        lines = self._session.lines
        request = next((one.text for one in reversed(lines) if one.role == "user" and not one.notes.get("ours")), "")
        shows = next(one.shows for one in reversed(lines) if one.role == "assistant")
        try:
            reviewed = await opinions(asked, request, shows)
        except (Misuse, Unavailable) as error:
            self._emit(Noticed(f"no reviewer could be asked: {error}", "warning"))
            return f"no reviewer could be asked: {error.args[0]}"
        self._session.tell(reviewed)
        self._emit(reviewed)
        return "" if reviewed.allowed else REVIEWERS_SAID_NO

    def rule(self, ruled: Ruled) -> bool:
        """The person's answer; -> did a call wait for it?"""
        waiting = self._waiting.get(ruled.call_id)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(ruled)
        return True

    async def _ruling(self, asked: Asked) -> Ruled:
        """The person's word about a call. One given before the process died holds for exactly what was asked then."""
        before, known = self._session.asked.get(asked.call_id), self._session.rulings.get(asked.call_id)
        if before is not None and known is not None and known.word != "edit" and before.args == asked.args:
            return known
        waiting = self._waiting[asked.call_id] = asyncio.get_running_loop().create_future()
        self._session.tell(asked)
        self._emit(asked)
        try:
            ruled: Ruled = await waiting
        finally:
            del self._waiting[asked.call_id]
        self._session.tell(ruled)
        self._emit(ruled)
        return ruled

    def _hosts(self) -> str:
        """The hosts that a tool which asks models would send to."""
        config = self._desk.workspace.config
        named = [one for role in connections.roles(config).values() for one in role]
        hosts = {connections.endpoint_of(one.endpoint, config).host for one in named if one.kind != "offline"}
        return ", ".join(sorted(hosts))
