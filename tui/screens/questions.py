"""The question that waits for the person: about a call of the model, or about something the person began that asks models.

It knows the card and who is told the answer. There is one question at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from textual.message import Message

from ...agent.events import Asked
from ...agent.plural import counted
from ..widgets.approval import ApprovalCard

if TYPE_CHECKING:
    from textual.screen import Screen

    from ...agent.acting.spending import Estimate
    from ...agent.events import Ruled
    from ..widgets.composer import Composer


class Consent(Message):
    """A thread waits for the person's word before models are asked; `answer` wakes it."""

    def __init__(self, estimate: Estimate) -> None:
        super().__init__()
        self.estimate = estimate
        self.answer: Future[bool] = Future()

    def asked(self, command: str) -> Asked:
        """The question as a card shows it."""
        told = dict(line.split(None, 1) for line in self.estimate.lines())
        rows = f"{counted(self.estimate.rows, 'rows')}; " if self.estimate.rows else ""
        cost = f"{rows}calls {told['calls']}; tokens {told['tokens']}; {told['cost']}"
        return Asked("", "this", "", {}, command, "spends", "", told["sends"], cost, told["time"])


class Questions:
    """What is asked stands above the prompt until it is answered or taken back."""

    def __init__(self, screen: Screen[None], composer: Callable[[], Composer], clock: Callable[[], float]) -> None:
        self._screen, self._composer, self._clock = screen, composer, clock
        self._consent: Consent | None = None
        self.waits = False

    def agree(self, estimate: Estimate) -> bool:
        """In the thread of what the person began: may models be asked?"""
        consent = Consent(estimate)
        self._screen.post_message(consent)
        return consent.answer.result()

    def ask(self, asked: Asked) -> None:
        """A call of the model."""
        self._show(ApprovalCard(asked, self._clock))

    def ask_consent(self, consent: Consent, command: str) -> None:
        """What the person began, as they typed it."""
        self._show(ApprovalCard(consent.asked(command), self._clock, own=True))
        self._consent = consent

    def _show(self, card: ApprovalCard) -> None:
        self.take_back()
        self.waits = True
        self._screen.mount(card, before=self._composer())
        self._screen.app.bell()

    def answered(self, ruled: Ruled) -> bool:
        """The person's word; -> was it meant for the model's call?"""
        mine = self._consent is not None
        self._settle(ruled.word == "once")
        self.take_back()
        return not mine

    def take_back(self) -> None:
        """Nothing is asked any more; what waited for consent has none."""
        self._settle(False)
        self.waits = False
        for card in self._screen.query(ApprovalCard):
            if card.has_focus_within:
                self._composer().prompt.focus()
            card.remove()

    def _settle(self, yes: bool) -> None:
        if self._consent is not None:
            self._consent.answer.set_result(yes)
        self._consent = None

    def focus(self) -> None:
        """Where the person says something: the card that waits, else the prompt."""
        cards = self._screen.query(ApprovalCard)
        if cards:
            cards.last().focus_card()
        else:
            self._composer().prompt.focus()
