"""Text leaves the screen by the terminal's own clipboard sequence (OSC 52), which works through SSH and tmux alike."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from tilth.agent.events import Answered
from tilth.tui.screens.main import MainScreen

OSC_52 = re.compile("\x1b]52;c;([^\x07]*)\x07")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was written to the terminal."""
    found: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "write", lambda driver, data: found.append(data))
    return found


def copied(written: list[str]) -> list[str]:
    """What the terminal was told to hold, in order."""
    return [base64.b64decode(one).decode() for one in OSC_52.findall("".join(written))]


def line_of(view: Any, text: str) -> int:
    """The line on the screen, from the view's top, that holds a text."""
    lines = view.text.split("\n")
    return next(i for i, line in enumerate(lines) if text in line) - int(view.scroll_offset.y)


async def test_what_the_mouse_selects_in_the_conversation_is_copied(
    open_app: Any, settle: Any, written: list[str]
) -> None:
    app = open_app((Answered("Nothing repeats, ünicode 漢字 included.\n\nLook at [/INST] too."),))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, MainScreen)
        screen.composer.write("what repeats?")
        await pilot.press("enter")
        await settle(pilot)
        view = screen.transcript
        first, last = line_of(view, "Nothing repeats"), line_of(view, "[/INST]")
        left = view.styles.padding.left
        await pilot.mouse_down(view, offset=(left, first))
        await pilot.hover(view, offset=(left + 5, last))
        await pilot.mouse_up(view, offset=(left + 40, last))
        await pilot.press("ctrl+c")
        await settle(pilot)
    (text,) = copied(written)
    told = [line.strip() for line in text.splitlines() if line.strip()]
    assert told == ["Nothing repeats, ünicode 漢字 included.", "Look at [/INST] too."]


async def test_a_part_of_a_line_is_copied_as_it_is_marked(open_app: Any, settle: Any, written: list[str]) -> None:
    app = open_app((Answered("Nothing repeats here."),))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.screen.composer.write("what repeats?")
        await pilot.press("enter")
        await settle(pilot)
        view = app.screen.transcript
        y, x = line_of(view, "Nothing repeats"), view.text.split("\n")
        start = next(line for line in x if "Nothing repeats" in line).index("repeats") + view.styles.padding.left
        await pilot.mouse_down(view, offset=(start, y))
        await pilot.hover(view, offset=(start + 6, y))
        await pilot.mouse_up(view, offset=(start + 6, y))
        await pilot.press("ctrl+c")
        await settle(pilot)
        assert app.clipboard == "repeats"
    assert copied(written) == ["repeats"]


async def test_a_cell_goes_to_the_terminals_clipboard(open_app: Any, settle: Any, written: list[str]) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f2")
        await settle(pilot)
        await pilot.press("right", "y")
        await settle(pilot)
        assert copied(written) == [app.screen.pane.rows.table.cell()]
        assert copied(written)[0].startswith("How do I get my refund")
