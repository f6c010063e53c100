"""What a person does on the screen and what follows: looking, filtering, ruling, undoing, approving, leaving."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from tilth.agent.events import Answered, Asked, Finished, Noticed, Progressed, Proposed, Returned, Said, Started, Wrote
from tilth.agent.workspace import Workspace
from tilth.tui.app import TilthApp
from tilth.tui.screens.fix import FixScreen
from tilth.tui.screens.main import MainScreen
from tilth.tui.screens.over import Question, Reader
from tilth.tui.screens.review import ReviewScreen
from tilth.tui.screens.start import StartScreen
from tilth.tui.widgets.approval import ApprovalCard
from tilth.tui.widgets.item_list import ItemList
from tilth.tui.widgets.plain_text import PlainText
from tilth.tui.widgets.status_line import StatusLine

OpenApp = Any
Settle = Any

ASKED = Asked(
    "c2", "synthesize.rows", "tickets", {"n": 20}, "tilth do synthesize.rows tickets --n 20", "spends",
    writes="20 rows into tickets-synth", sends="prompts to localhost", cost="$0.12 at most", time="2 minutes",
    endpoint="localhost",
)  # fmt: skip


def main(app: TilthApp) -> MainScreen:
    screen = app.screen
    assert isinstance(screen, MainScreen)
    return screen


async def type_in(pilot: Any, text: str) -> None:
    composer = main(pilot.app).composer
    composer.prompt.focus()
    composer.write(text)
    await pilot.press("enter")


def facts(app: TilthApp) -> str:
    return str(main(app).pane.tab.query_one(".facts", PlainText).content)


async def test_a_dataset_opens_with_the_verdicts_of_its_profile(open_app: OpenApp, settle: Settle) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "conversations, messages format" in facts(app)
        assert len(main(app).pane.query_one("#verdicts", ItemList)) >= 1
        assert "tickets@" in str(main(app).query_one(StatusLine).content)


async def test_enter_on_a_finding_shows_its_rows(open_app: OpenApp, settle: Settle) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t", "enter")
        await settle(pilot)
        assert main(app).pane.current == "rows"
        table = main(app).pane.rows.table
        assert 0 < table.total < 60
        assert "those that filter.rules would touch" in facts(app)


async def test_a_fix_shows_what_three_values_of_its_threshold_would_do_and_enter_does_one(
    open_app: OpenApp, settle: Settle, tickets: Workspace
) -> None:
    tickets.undo("tickets")
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t")
        while "dedup.near" not in (main(app).pane.tab.fix or ""):  # type: ignore[attr-defined]
            await pilot.press("down")
        before = len(tickets.store.rows("tickets"))
        await pilot.press("f")
        await settle(pilot)
        values = app.screen.query_one("#values", ItemList)
        assert isinstance(app.screen, FixScreen)
        assert [line.split()[1] for line in values.text.splitlines()] == ["0.6", "0.7", "0.8"]
        assert values.text.splitlines()[values.cursor].endswith("(suggested)")
        assert "decide every row alike" in app.screen.query_one("#told").text  # type: ignore[attr-defined]
        assert len(tickets.store.rows("tickets")) == before
        await pilot.press("up", "enter")
        await settle(pilot)
        assert f"drops {before - len(tickets.store.rows('tickets')):>9,}" in values.text.splitlines()[0]
        assert tickets.log("tickets")[-1].args["threshold"] == 0.6
        assert "--threshold 0.6" in main(app).transcript.text


async def test_rows_are_filtered_and_sorted_by_sql_and_a_mistake_is_told_in_place(
    open_app: OpenApp, settle: Settle
) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f2")
        await settle(pilot)
        rows = main(app).pane.rows
        whole = rows.table.total
        await pilot.press("f", *"score > 1", "enter")
        await settle(pilot)
        assert 0 < rows.table.total < whole
        await pilot.press("s", *"score desc", "enter")
        await settle(pilot)
        pages = rows.table.pages
        assert pages is not None
        scores = [record["score"] for record in map(lambda i: pages.stored(i).record, range(len(pages)))]
        assert scores == sorted(scores, reverse=True)
        rows.query_one("#where", Input).value = "scor > 1"
        rows.query_one("#where").focus()
        await pilot.press("enter")
        await settle(pilot)
        trouble = rows.query_one(".trouble", PlainText)
        assert trouble.display
        assert "Nearest: score" in str(trouble.content)
        assert rows.table.total < whole, "the rows that were there stay"


async def test_enter_opens_the_whole_cell_and_null_is_shown_as_such(open_app: OpenApp, settle: Settle) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f2")
        await settle(pilot)
        await pilot.press("down", "right", "right", "right", "enter")
        await settle(pilot)
        assert isinstance(app.screen, Reader)
        assert "null" in app.screen.query_one("#text").text  # type: ignore[attr-defined]
        await pilot.press("escape", "left", "enter")
        await settle(pilot)
        assert "follow the three steps" in app.screen.query_one("#text").text  # type: ignore[attr-defined]


async def test_a_dropped_row_is_kept_with_a_reason(open_app: OpenApp, settle: Settle, tickets: Workspace) -> None:
    before = len(tickets.rows("tickets"))
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f3")
        await settle(pilot)
        assert "rows dropped" in facts(app)
        await pilot.press("end", "k")
        await settle(pilot)
        assert isinstance(app.screen, Question)
        await pilot.press(*"it is fine", "enter")
        await settle(pilot)
    assert len(tickets.rows("tickets")) == before + 1
    assert (tickets.root / "rulings.jsonl").read_text().count("it is fine") == 1


async def test_a_review_is_written_down_at_its_end(open_app: OpenApp, settle: Settle, tickets: Workspace) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press("R")
        await settle(pilot)
        assert isinstance(app.screen, ReviewScreen)
        await pilot.press("u", "u", "escape")
        await settle(pilot)
    assert (tickets.root / "rulings.jsonl").read_text().count('"unsure"') == 2


async def test_the_ledger_undoes_and_redoes(open_app: OpenApp, settle: Settle, tickets: Workspace) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        after = tickets.store.resolve("tickets")[1]
        await pilot.press("f5")
        await settle(pilot)
        await pilot.press("u")
        await settle(pilot)
        assert tickets.store.resolve("tickets")[1] != after
        assert "1 to redo" in facts(app)
        await pilot.press("r")
        await settle(pilot)
        assert tickets.store.resolve("tickets")[1] == after


async def test_a_turn_is_told_as_it_happens(open_app: OpenApp, settle: Settle) -> None:
    script = (
        Proposed("c1", "dedup.near", "tickets", {"threshold": 0.7}, "tilth do dedup.near tickets --threshold 0.7"),
        Started("dedup.near", "tickets", "0" * 32, 50),
        Progressed("dedup.near", 25, 50),
        Returned("c1", "dedup.near", True, "50 -> 40", 3.1, "dropped 10 rows"),
        Finished({"tool": "dedup.near", "dataset": "tickets", "before": 50, "after": 40, "version": "0" * 32}),
        Wrote("There were 10 "),
        Answered("There were 10 of them, 21 %.", ((23, 25),)),
        Noticed("look [/here]", "warning"),
    )
    app = open_app(script)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await type_in(pilot, "how many?")
        await settle(pilot)
        told = main(app).transcript.text
        assert "✔ dedup.near  3.1 s  50 → 40" in told
        assert "21? %" in told
        assert "! look [/here]" in told
        assert told.count("There were 10") == 1
        assert "dropped 10 rows" not in told
        main(app).transcript.focus()
        await pilot.press("up", "up", "enter")
        assert "dropped 10 rows" in main(app).transcript.text


async def test_every_slash_command_shows_its_twin_and_answers(open_app: OpenApp, settle: Settle) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await type_in(pilot, "/undo")
        await settle(pilot)
        told = main(app).transcript.text
        assert "$ tilth undo tickets" in told
        await type_in(pilot, "!select count(*) as many from rows")
        await settle(pilot)
        assert "many" in main(app).transcript.text
        await type_in(pilot, "/undoo")
        await settle(pilot)
        assert "Nearest: undo" in main(app).transcript.text


async def test_a_message_that_is_typed_fast_in_the_pane_arrives_whole(open_app: OpenApp, settle: Settle) -> None:
    app = open_app((Answered("Done."),))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f5")
        await settle(pilot)
        assert main(app).pane.has_focus_within
        for letter in "Export":  # all before the first is handled
            app.post_message(events.Key(letter, letter))
        app.post_message(events.Paste(" what you made"))
        app.post_message(events.Key("enter", None))
        await settle(pilot)
        assert main(app).engine.said == ["Export what you made"]  # type: ignore[attr-defined]


async def test_context_tells_what_the_next_request_holds(open_app: OpenApp, settle: Settle) -> None:
    app = open_app((Answered("Done."),))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await type_in(pilot, "drop what repeats")
        await settle(pilot)
        await type_in(pilot, "/context")
        await settle(pilot)
        told = main(app).transcript.text.partition("/context")[2].split()
        assert told[told.index("said") + 1] == str(len("drop what repeats"))
        assert told[told.index("all") + 1] == str(400 + len("drop what repeats"))


async def test_completion_offers_commands_and_datasets(open_app: OpenApp, settle: Settle) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("/", "u", "n")
        await settle(pilot)
        assert main(app).composer.has_class("-completing")
        await pilot.press("tab")
        assert main(app).composer.text == "/undo "
        await pilot.press("@", "t", "i")
        await settle(pilot)
        await pilot.press("tab")
        assert main(app).composer.text == "/undo @tickets "


async def test_history_comes_back_on_the_arrow_keys(open_app: OpenApp, settle: Settle) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for text in ("first", "second"):
            await type_in(pilot, text)
            await settle(pilot)
        await pilot.press(*"dra")
        await pilot.press("up")
        assert main(app).composer.text == "second"
        await pilot.press("up")
        assert main(app).composer.text == "first"
        await pilot.press("down", "down")
        assert main(app).composer.text == "dra"


@pytest.mark.parametrize(
    ("keys", "word", "extra"),
    [
        (["1"], "once", {}),
        (["2", "enter"], "session", {"cap_usd": 1.0}),
        (["3", "enter"], "edit", {"args": {"n": 20}}),
        (["4", *"too dear", "enter"], "no", {"because": "too dear"}),
        (["escape"], "no", {"because": ""}),
    ],
)
async def test_the_card_takes_four_answers(
    open_app: OpenApp, settle: Settle, keys: list[str], word: str, extra: dict[str, Any]
) -> None:
    app = open_app((ASKED, Answered("Done.")))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_in(pilot, "make 20")
        await settle(pilot)
        assert app.screen.query(ApprovalCard)
        app.clock.now += 0.6
        await pilot.press(*keys)
        await settle(pilot)
        (ruled,) = main(app).engine.ruled
        assert (ruled.call_id, ruled.word) == ("c2", word)
        assert {name: getattr(ruled, name) for name in extra} == extra
        assert not app.screen.query(ApprovalCard)
        assert "Done." in main(app).transcript.text


async def test_keys_do_not_count_while_somebody_is_typing(open_app: OpenApp, settle: Settle) -> None:
    app = open_app((ASKED, Answered("Done.")))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_in(pilot, "make 20")
        await settle(pilot)
        for _ in range(4):
            app.clock.now += 0.3
            await pilot.press("1")
        await settle(pilot)
        assert main(app).engine.ruled == []
        app.clock.now += 0.5
        await pilot.press("1")
        await settle(pilot)
        assert [ruled.word for ruled in main(app).engine.ruled] == ["once"]


async def test_a_word_that_was_begun_before_the_card_came_approves_nothing(open_app: OpenApp, settle: Settle) -> None:
    app = open_app((ASKED, Answered("Done.")))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_in(pilot, "make 20")
        await settle(pilot)
        app.clock.now += 0.6
        await pilot.press("x", "1")
        await settle(pilot)
        assert main(app).engine.ruled == []


async def test_a_wrong_amount_or_wrong_json_is_told_on_the_card(open_app: OpenApp, settle: Settle) -> None:
    app = open_app((ASKED,))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_in(pilot, "make 20")
        await settle(pilot)
        app.clock.now += 1
        await pilot.press("2", *"x", "enter")
        await settle(pilot)
        assert "dollars" in str(app.screen.query_one("#wrong", PlainText).content)
        await pilot.press("escape")
        app.clock.now += 1
        await pilot.press("3", *"{", "enter")
        await settle(pilot)
        assert "no JSON" in str(app.screen.query_one("#wrong", PlainText).content)
        assert main(app).engine.ruled == []


async def test_escape_interrupts_at_once(open_app: OpenApp, settle: Settle) -> None:
    app = open_app((ASKED,))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_in(pilot, "make 20")
        await settle(pilot)
        main(app).composer.prompt.focus()
        await pilot.press("escape")
        await settle(pilot)
        assert main(app).engine.interrupted
        assert "Stopped." in main(app).transcript.text
        assert not app.screen.query(ApprovalCard)


async def test_a_narrow_screen_shows_one_pane_at_a_time(open_app: OpenApp, settle: Settle) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        screen = main(app)
        assert (screen.pane.display, screen.transcript.display) == (True, False)
        await pilot.press("ctrl+t", "ctrl+t")
        assert (screen.pane.display, screen.transcript.display) == (False, True)
        await pilot.resize_terminal(120, 36)
        await settle(pilot)
        assert (screen.pane.display, screen.transcript.display) == (True, True)


async def test_without_a_dataset_a_path_is_asked_for_and_imported(open_app: OpenApp, settle: Settle) -> None:
    app = open_app(dataset="")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, StartScreen)
        (app.workspace.root / "more.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n')
        await pilot.press(*"nowhere.jsonl", "enter")
        await settle(pilot)
        assert isinstance(app.screen, StartScreen)
        app.screen.query_one("#path", Input).value = "more.jsonl"
        await pilot.press("enter")
        await settle(pilot)
        assert main(app).dataset == "more"


async def test_a_fault_of_ours_in_a_thread_is_one_sentence_and_a_log(
    open_app: OpenApp, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        monkeypatch.setattr(Workspace, "undo", lambda *args, **options: 1 / 0)
        await pilot.press("f5")
        await settle(pilot)
        await pilot.press("u")
        await settle(pilot)
        assert "A fault in tilth (ZeroDivisionError)" in main(app).transcript.text
        assert list((app.workspace.root / ".tilth").glob("crash-*.log"))


async def test_a_fault_of_ours_on_the_screen_ends_it_with_one_sentence(
    open_app: OpenApp, settle: Settle, capsys: pytest.CaptureFixture[str]
) -> None:
    from tilth.tui import app as face

    app = open_app()
    with pytest.raises(ZeroDivisionError):
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            app.call_later(lambda: 1 / 0)
            await settle(pilot)
    assert face.told_of_crash(app) == 70
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "crash-" in told


async def test_a_cell_and_a_block_are_copied(open_app: OpenApp, settle: Settle) -> None:
    app = open_app((Answered("Nothing repeats."),))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f2")
        await settle(pilot)
        await pilot.press("right", "y")
        assert app.clipboard.startswith("How do I get my refund")
        await type_in(pilot, "what repeats?")
        await settle(pilot)
        main(app).transcript.focus()
        await pilot.press("end", "down", "y")
        assert app.clipboard == "Nothing repeats."


async def test_the_editor_that_cannot_be_opened_is_told_and_the_message_stays(
    open_app: OpenApp, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    app = open_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for editor, said in (("", "No editor is named"), ("true", "cannot make way")):
            monkeypatch.setenv("EDITOR", editor)
            main(app).composer.write("half a thought")
            await pilot.press("ctrl+g")
            await settle(pilot)
            assert said in main(app).transcript.text
            assert main(app).composer.text == "half a thought"


async def test_without_colour_every_state_is_still_a_word(
    open_app: OpenApp, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = open_app((ASKED,))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.no_color
        assert "error" in main(app).pane.query_one("#verdicts", ItemList).text
        assert "● ready" in str(main(app).query_one(StatusLine).content)
        await type_in(pilot, "make 20")
        await settle(pilot)
        assert "? asks you" in str(main(app).query_one(StatusLine).content)


async def test_a_thousand_turns_are_there_at_once_and_reading_is_not_disturbed(
    open_app: OpenApp, settle: Settle
) -> None:
    app = open_app((Wrote("More "), Wrote("words.\n\nAnd more."), Answered("More words.\n\nAnd more.")))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        transcript = main(app).transcript
        transcript.tell_all([event for i in range(1000) for event in (Said(f"question {i}"), Answered(f"answer {i}"))])
        await settle(pilot)
        assert transcript.scroll_offset.y == transcript.max_scroll_y
        transcript.scroll_to(y=100, animate=False)
        await settle(pilot)
        transcript.tell(Wrote("late"))
        transcript.flush()
        await settle(pilot)
        assert transcript.scroll_offset.y == 100
