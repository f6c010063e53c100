"""A proposed call that waits for the person: what it writes, sends and costs, and four answers.

It knows one `Asked` and makes one `Ruled` of it. Keys do not count while somebody is still typing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from ...agent.events import Asked, Ruled
from ...agent.plural import counted
from ..cells import neutral, wrap
from ..render.chat import why_told
from .item_list import ItemList, one
from .plain_text import BOLD, MUTED, WARNING, LineInput, PlainText, joined, safe, stacked

GRACE: Final = 0.5
"""Seconds without a key before keys count: who was typing must not approve by accident."""

WITH_A_REASON: Final = "with a reason for the model; Esc is no without one"
_COMMAND_LINES: Final = 3


class ApprovalCard(Vertical):
    """Keys 1 to 4, or arrows and Enter; Escape is no. `own`: the person typed the call; then the answers are yes and no."""

    DEFAULT_CSS = """
    ApprovalCard { height: auto; border: round $warning; padding: 0 1; background: $surface; }
    ApprovalCard ItemList { height: 4; }
    ApprovalCard #say { display: none; height: auto; }
    ApprovalCard.-asking #say { display: block; }
    ApprovalCard.-asking ItemList { display: none; }
    ApprovalCard #wrong { color: $text-error; height: auto; }
    """

    class Answered(Message):
        """What the person said."""

        def __init__(self, ruled: Ruled) -> None:
            super().__init__()
            self.ruled = ruled

    def __init__(self, asked: Asked, clock: Callable[[], float], *, own: bool = False) -> None:
        super().__init__(id="approval")
        self.asked = asked
        self._offered = (0, 3) if own else (0, 1, 2, 3)
        self._clock = clock
        self._quiet_since = clock()
        self._word = ""

    def compose(self) -> ComposeResult:
        yield PlainText(id="facts")
        yield ItemList(id="answers")
        with Vertical(id="say"):
            yield PlainText(id="question")
            yield LineInput(id="words")
            yield PlainText(id="wrong")

    def on_mount(self) -> None:
        limit = " up to a cap" if self.asked.cost else ""
        where = f" through {self.asked.endpoint}" if self.asked.endpoint else ""
        told = (
            ("1", "once", ""),
            ("2", "for this session" + limit, f"{self.asked.tool} on {self.asked.dataset}{where}"),
            ("3", "edit", "other arguments, checked again"),
            ("4", "no", "nothing is sent" if len(self._offered) == 2 else WITH_A_REASON),
        )
        answers = [one(joined((f"{key} {word}", BOLD), (f"   {help}", MUTED))) for key, word, help in told]
        self._answers.styles.height = len(self._offered)
        self._answers.show([answers[i] for i in self._offered], cursor=len(self._offered) - 1)
        self._answers.focus()

    def focus_card(self) -> None:
        """Take the keys again, after the person has looked elsewhere."""
        self._quiet_since = self._clock()
        (self.query_one("#words") if self.has_class("-asking") else self._answers).focus()

    @property
    def _answers(self) -> ItemList:
        return self.query_one("#answers", ItemList)

    def on_resize(self) -> None:
        self.query_one("#facts", PlainText).show(stacked(self._facts(max(self.size.width - 4, 20))))

    def _facts(self, width: int) -> list[Content]:
        asked = self.asked
        question = wrap(neutral(f"May it run {asked.tool}? It {why_told(asked.why)}."), width - 2)
        lines = [joined(("? " if i == 0 else "  ", f"bold {WARNING}"), (line, BOLD)) for i, line in enumerate(question)]
        command = wrap(neutral(asked.command), width - 2)
        lines += [safe(f"  {line}", MUTED) for line in command[:_COMMAND_LINES]]
        if len(command) > _COMMAND_LINES:
            lines.append(
                safe(f"  … (+{counted(len(command) - _COMMAND_LINES, 'lines')}; 3 shows all arguments)", MUTED)
            )
        for name, value in (
            ("writes", asked.writes), ("sends", asked.sends), ("cost", asked.cost), ("time", asked.time)
        ):  # fmt: skip
            if not value and len(self._offered) == 2:
                continue
            for number, line in enumerate(
                wrap(neutral(value or "nothing" if name != "time" else value or "?"), width - 9)
            ):
                lines.append(joined((f"  {name if number == 0 else '':<7}", MUTED), line))
        return lines

    # -- keys ------------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        if self.has_class("-asking"):
            if event.key == "escape":
                event.stop()
                self._back()
            return
        if event.key == "escape":
            event.stop()
            self._say(Ruled(self.asked.call_id, "no"))
        elif event.key in "1234":
            event.stop()
            if self._heard() and int(event.key) - 1 in self._offered:
                self._choose(int(event.key) - 1)
        else:
            self._heard()

    def _heard(self) -> bool:
        """May this key count? Every key that comes too soon starts the wait anew."""
        now = self._clock()
        heard = now - self._quiet_since >= GRACE
        self._quiet_since = now
        return heard

    @on(ItemList.Chosen, "#answers")
    def _chosen(self, event: ItemList.Chosen) -> None:
        event.stop()
        if self._heard():
            self._choose(self._offered[event.index])

    @on(ItemList.Moved, "#answers")
    def _moved(self, event: ItemList.Moved) -> None:
        event.stop()

    def _choose(self, answer: int) -> None:
        asked = self.asked
        match answer:
            case 0:
                self._say(Ruled(asked.call_id, "once"))
            case 1 if not asked.cost:
                self._say(Ruled(asked.call_id, "session"))
            case 1:
                self._ask("session", "Up to how many dollars for the rest of this session?", "1.00")
            case 2:
                arguments = json.dumps(dict(asked.args), ensure_ascii=False, default=str)
                if neutral(arguments) != arguments:  # escapes keep what the line could not show
                    arguments = json.dumps(dict(asked.args), default=str)
                self._ask("edit", "The arguments, as JSON:", arguments)
            case 3 if len(self._offered) == 2:
                self._say(Ruled(asked.call_id, "no"))
            case 3:
                self._ask("no", "Why not? (the model reads this; may stay empty)", "")

    def _ask(self, word: str, question: str, value: str) -> None:
        self._word = word
        self.add_class("-asking")
        self.query_one("#question", PlainText).show(question)
        self.query_one("#wrong", PlainText).show("")
        words = self.query_one("#words", LineInput)
        words.value = value
        words.focus()

    def _back(self) -> None:
        self.remove_class("-asking")
        self._quiet_since = self._clock()
        self._answers.focus()

    @on(LineInput.Submitted, "#words")
    def _said(self, event: LineInput.Submitted) -> None:
        event.stop()
        call_id, text = self.asked.call_id, event.value.strip()
        if self._word == "no":
            self._say(Ruled(call_id, "no", because=text))
        elif self._word == "session":
            try:
                cap = float(text.lstrip("$"))
            except ValueError:
                cap = -1.0
            if not 0 <= cap < float("inf"):
                self.query_one("#wrong", PlainText).show("An amount of dollars, such as 1.50")
                return
            self._say(Ruled(call_id, "session", cap_usd=cap))
        else:
            try:
                args = json.loads(text)
            except ValueError as error:
                self.query_one("#wrong", PlainText).show(f"This is no JSON: {error}")
                return
            if not isinstance(args, dict):
                self.query_one("#wrong", PlainText).show('Arguments are an object, such as {"threshold": 0.8}')
                return
            self._say(Ruled(call_id, "edit", args=args))

    def _say(self, ruled: Ruled) -> None:
        self.post_message(self.Answered(ruled))
