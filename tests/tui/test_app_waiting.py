"""What waits on the screen: for the workspace, for its turn, for the person's word."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.acting.spending import Estimate
from tilth.agent.events import Answered, Asked
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse
from tilth.tui.app import TilthApp, run
from tilth.tui.screens.main import MainScreen
from tilth.tui.screens.work import Work
from tilth.tui.widgets.approval import ApprovalCard
from tilth.tui.widgets.tabs.tab import Tab

ASKED = Asked("c2", "synthesize.rows", "tickets", {}, "tilth do synthesize.rows tickets", "spends")
ESTIMATE = Estimate(5, 100, 29_000, 1_700, 0.03, None, ["lab.example"], ["prompt"], False, "a guess")


def main(app: TilthApp) -> MainScreen:
    assert isinstance(app.screen, MainScreen)
    return app.screen


async def test_what_is_typed_before_the_workspace_is_open_is_done_then(
    open_app: Any, settle: Any, tickets: Workspace
) -> None:
    gate = threading.Event()

    def opening() -> Workspace:
        gate.wait()
        return tickets

    app = open_app(opening=opening)
    async with app.run_test(size=(120, 36)) as pilot:
        try:
            await pilot.press(*"/log", "enter", "f5")
            await pilot.pause()
            assert "opening" in str(main(app).query_one("#status").content)  # type: ignore[attr-defined]
            assert "tilth log" not in main(app).transcript.text
        finally:
            gate.set()
        await settle(pilot)
        assert "tilth log tickets" in main(app).transcript.text
        assert main(app).pane.current == "ledger"


@pytest.mark.parametrize("dataset", ["tickets", ""])
def test_a_workspace_that_cannot_be_opened_ends_the_screen_with_its_error(
    at_home: Path, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    def opening() -> Workspace:
        raise Misuse("There is no workspace.")

    shown = TilthApp.run
    monkeypatch.setattr(TilthApp, "run", lambda app: shown(app, headless=True, size=(80, 24)))
    with pytest.raises(Misuse, match="There is no workspace"):
        run(opening, dataset=dataset)


async def test_a_card_is_found_again_after_looking_elsewhere(open_app: Any, settle: Any) -> None:
    app = open_app((ASKED, Answered("Done.")))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*"make 20", "enter")
        await settle(pilot)
        await pilot.press("f5")
        await settle(pilot)
        assert main(app).pane.has_focus_within
        await pilot.press("escape")
        app.clock.now += 0.6
        await pilot.press("1")
        await settle(pilot)
        assert [one.word for one in main(app).engine.ruled] == ["once"]  # type: ignore[attr-defined]


async def test_letters_that_mean_nothing_in_the_pane_begin_a_message(open_app: Any, settle: Any) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f4", *"Export it")
        assert main(app).composer.text == "Export it"


@pytest.mark.parametrize(("key", "said"), [("1", True), ("4", False), ("escape", False), ("2", None)])
async def test_what_the_person_began_asks_them_before_models_are_asked(
    open_app: Any, settle: Any, tickets: Workspace, key: str, said: bool | None
) -> None:
    heard: list[bool] = []
    over = threading.Event()
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        agree = tickets.spending.agree
        assert agree is not None

        def work() -> None:
            heard.append(agree(ESTIMATE))
            over.set()

        main(app).pane.tab.post_message(Tab.Act("tilth do x tickets", work))
        while not app.screen.query(ApprovalCard):
            await pilot.pause()
        assert "asks you" in str(main(app).query_one("#status").content)  # type: ignore[attr-defined]
        app.clock.now += 0.6
        await pilot.press(key)
        if said is not None:
            await settle(pilot)
            assert heard == [said]
            assert not app.screen.query(ApprovalCard)
    assert over.wait(30)
    assert heard == [bool(said)], "who leaves has not agreed"


def test_one_thing_is_under_way_at_a_time() -> None:
    told: list[str] = []
    begun: list[str] = []
    work = Work(told.append, lambda: None)
    work.start("one", lambda: begun.append("one"))
    work.start("two", lambda: begun.append("two"))
    work.start("three", lambda: begun.append("three"), quiet=True)
    assert (begun, told) == (["one"], ["waits until this has ended: one"])
    work.end()
    assert (begun, work.now, work.quiet) == (["one", "two"], "two", False)
    work.end()
    assert (begun[-1], work.quiet) == ("three", True)
    work.end()
    assert work.now == ""
