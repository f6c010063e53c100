"""Questions to the workspace that are answered in a thread, so that the screen goes on being drawn.

A thread never touches a widget: the answer comes back as a message to the widget that asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget

from ...tools.errors import TilthError


class Fetched(Message):
    """The answer to a question, or the sentence that says why there is none."""

    def __init__(self, what: str, value: Any = None, trouble: str = "") -> None:
        super().__init__()
        self.what = what
        self.value = value
        self.trouble = trouble


class Broke(Message):
    """A fault of ours in a thread that worked for `whom`: the screen writes the log and says one sentence."""

    def __init__(self, error: Exception, whom: MessagePump) -> None:
        super().__init__()
        self.error = error
        self.whom = whom

    def sentence(self) -> str:
        """Write the log; -> what the person is told."""
        from ..crash import write_log

        path = write_log(self.error)
        return f"A fault in tilth ({type(self.error).__name__}); nothing that was done is lost. Log: {path}"


def fetch(widget: Widget, what: str, question: Callable[[], Any]) -> None:
    """Ask in a thread; `widget` gets `Fetched(what, …)`. A newer question of the same name takes its place."""
    widget.run_worker(
        partial(_answer, widget, what, question), thread=True, exclusive=True, group=what, exit_on_error=False
    )


def _answer(widget: MessagePump, what: str, question: Callable[[], Any]) -> None:
    from textual.worker import get_current_worker

    worker = get_current_worker()
    try:
        message: Message = Fetched(what, question())
    except TilthError as error:
        message = Fetched(what, trouble=str(error))
    except Exception as error:
        message = Broke(error, widget)
    if not worker.is_cancelled:
        widget.post_message(message)
