"""Rows at random, one after the other, for a person to rule on: keep, drop, or not sure.

It knows cases and words. Nothing is written before the last case or Escape; then all of it at once, by whoever opened it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from ..render.records import reviewing
from ..terminal import Terminal
from ..widgets.line_view import TextView
from ..widgets.plain_text import PlainText, safe
from .over import Question

if TYPE_CHECKING:
    from ...agent.review import Case
    from ...tools.store.format.mapping import Mapping
    from ...tools.store.past.rulings import Word

Said = list[tuple["Case", "Word", str]]


class ReviewScreen(ModalScreen[Said]):
    """`k` keep, `d` drop, `u` not sure; Escape ends with what was said so far."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "say('keep')", show=False),
        Binding("d", "say('drop')", show=False),
        Binding("u", "say('unsure')", show=False),
        Binding("escape,q", "end", show=False),
    ]

    def __init__(self, dataset: str, cases: Sequence[Case], mapping: Mapping) -> None:
        super().__init__()
        self._dataset = dataset
        self._cases = cases
        self._mapping = mapping
        self._said: Said = []

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            yield PlainText(safe(f"Review of {self._dataset}", "bold"), id="title")
            yield TextView(self._case, id="text")
            yield PlainText("k keep   d drop   u not sure   Esc end and write down", classes="keys")

    def _case(self, terminal: Terminal) -> Iterable[str]:
        number = len(self._said)
        if number >= len(self._cases):
            return ["every row drawn has been ruled on"]
        return reviewing.case(self._cases[number], number + 1, len(self._cases), self._mapping, False, terminal)

    def action_say(self, word: Word) -> None:
        """A word that contradicts the step wants a reason; agreement does not."""
        case = self._cases[len(self._said)]
        contradicts = word == ("keep" if case.decision is not None else "drop")
        if contradicts:
            self.app.push_screen(Question(f"{word}, because"), lambda because: self._take(word, because or "", True))
        else:
            self._take(word, "", False)

    def _take(self, word: Word, because: str, wanted: bool) -> None:
        if wanted and not because:
            return
        self._said.append((self._cases[len(self._said)], word, because))
        if len(self._said) == len(self._cases):
            self.dismiss(self._said)
        else:
            self.query_one(TextView).show(self._case)

    def action_end(self) -> None:
        self.dismiss(self._said)
