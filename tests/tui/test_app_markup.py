"""Text from data is never markup and never acts on the terminal: how the code is written, and what hostile text does."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.agent.events import (
    Answered,
    Asked,
    Counted,
    Failed,
    Finished,
    Noticed,
    Proposed,
    Returned,
    Reviewed,
    Started,
    Wrote,
)
from tilth.tui.widgets.blocks import Answer, Call, Note, Person, Ran
from tilth.tui.widgets.line_view import marks
from tilth.tui.widgets.plain_text import joined, safe

TUI = Path(__file__).resolve().parents[2] / "tui"
SCREEN_FILES = [TUI / "app.py", *sorted((TUI / "screens").rglob("*.py")), *sorted((TUI / "widgets").rglob("*.py"))]

WIDGETS = {"Static": "plain_text.py", "Input": "plain_text.py", "TextArea": "composer.py"}
"""Widgets of the toolkit that may be used, and the one file that may."""
MARKUP = {"notify", "from_markup", "render_str", "Label", "Markdown"}
TITLES = {"border_title", "border_subtitle", "tooltip", "sub_title"}


@pytest.mark.parametrize("path", SCREEN_FILES, ids=lambda path: path.name)
def test_no_widget_is_given_text_that_it_would_read_as_markup(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "textual.widgets":
            wrong += [one.name for one in node.names if WIDGETS.get(one.name) != path.name]
        if isinstance(node, ast.Attribute) and node.attr in MARKUP | TITLES:
            wrong.append(node.attr)
        if isinstance(node, ast.keyword) and node.arg == "markup" and not (
            isinstance(node.value, ast.Constant) and node.value.value is False
        ):  # fmt: skip
            wrong.append("markup=")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Content":
            wrong += [f"Content of data, line {node.lineno}" for arg in node.args if not allowed(arg, path)]
    assert wrong == [], "text goes through widgets/plain_text.py"


def allowed(arg: ast.expr, path: Path) -> bool:
    return isinstance(arg, ast.Constant) or path.name == "plain_text.py"


HOSTILE = [
    "[/INST] a [bold]b[/] [b", "[@click=app.quit]x[/]", "<|im_start|>[INST]", "\x1b[31mred\x1b[0m\x1b]52;c;eA==\x07",
    "\u202eevil\u2066", "\x00\x07\x08\x9b1m", "a\rb\x0bc\x85d\u2028e", "é\u0301\u0301\u0301" * 30, "漢字" * 90,
    "👨\u200d👩\u200d👧 🏳️\u200d🌈", "x" * 40_000, "w " * 3_000, "\ue000boo\ue001", "", " \n\n ", "$primary $text",
    "[-a-] {+b+} [-", "\ufeff\u200b\u00ad", "{}[]\\[\\", "\t\ttabs\t",
]  # fmt: skip
ACTING = {chr(code) for code in (*range(32), *range(127, 160))} | set(
    "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b"
)

texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=200), st.lists(st.sampled_from(HOSTILE[:9])).map("".join))


def harmless(shown: str) -> bool:
    return not ACTING & set(shown.replace("\n", ""))


@settings(max_examples=40)
@given(texts, st.integers(8, 120))
def test_every_block_shows_any_text_within_its_width_and_nothing_acts(text: str, width: int) -> None:
    blocks = [
        Person(text), Answer(text, ((0, len(text) // 2),) if text else ()), Note(text),
        Call("c", text, text, {text: text}, "done", text, 1.0, text, open=True), Ran(text, text, lambda terminal: [text]),
    ]  # fmt: skip
    for block in blocks:
        for line in block.lines(width):
            assert harmless(line.plain)
            assert "\n" not in line.plain
            assert line.cell_length <= width + 14, "a line may pass the edge by an indent, never by its text"


@given(texts)
def test_text_keeps_its_brackets(text: str) -> None:
    for shown in (safe(text).plain, joined((text, "bold"), text).plain[: len(text)], marks(text).plain):
        assert len(shown) == len(text)
        assert [one for one in shown if one in "[]"] == [one for one in text if one in "[]"]


@settings(max_examples=40)
@given(st.lists(texts.filter(bool), max_size=8))
def test_a_streamed_answer_comes_to_the_same_lines_as_the_whole(pieces: list[str]) -> None:
    growing = Answer()
    lines: list[str] = []
    for piece in pieces:
        growing.text += piece
        first, tail = growing.tail(40)
        lines[first:] = [line.plain for line in tail]
    assert lines == [line.plain for line in Answer("".join(pieces)).lines(40)] or not pieces


def events(text: str) -> list[Any]:
    return [
        Proposed("c1", text, text, {text: text}, text), Started(text, text, text, 3, {text: text}, text),
        Counted(text, 1, {text: 2}, {text: 1}, 0, 1, 5, 5, 9, 0, 1, 1, 0.1, 1.0, 2.0),
        Returned("c1", text, False, text, 0.1, text, {text: text}),
        Finished({"tool": text, "dataset": text, "before": 2, "after": 1, "version": text, "dropped": {text: 1}}),
        Noticed(text, "loud"), Wrote(text), Answered(text, ((0, 1),) if text else ()), Failed(text, text),
        Reviewed("c1", text, False, ({"model": text, "role": "reviewer", "word": "no", "because": text},)),
        Asked("c2", text, text, {text: text}, text, text, text, text, text, text, text),
    ]  # fmt: skip


@pytest.fixture
def screen_text() -> Any:
    """Every character that stands on the screen."""

    def read(app: Any) -> str:
        lines = app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in lines)

    return read


@pytest.mark.slow
async def test_hostile_text_goes_through_every_screen(
    open_app: Any, settle: Any, screen_text: Any, tickets: Any, tmp_path: Path
) -> None:
    import json

    rows = [{"instruction": text, "output": f"{text} out", text[:20] or "k": text} for text in HOSTILE * 2]
    path = tickets.root / "hostile.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tickets.add("hostile.jsonl", name="hostile")
    tickets.do("dedup.exact", "hostile")
    app = open_app(
        [event for text in HOSTILE for event in events(text)[:-1]] + events(HOSTILE[0])[-1:], dataset="hostile"
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for keys in (
            ["ctrl+t"], ["enter"], ["f2"], ["w"], ["escape"], ["down", "right", "enter"], ["escape"], ["end"],
            ["f", *"no[/]such", "enter"], ["f3"], ["right"], ["R"], ["escape"], ["f5"], ["down"], ["f4"],
        ):  # fmt: skip
            await pilot.press(*keys)
            await settle(pilot)
            assert "Ctrl" in screen_text(app) or "Esc" in screen_text(app) or "hostile@" in screen_text(app)
            assert harmless(screen_text(app)), keys
        main = app.screen
        for text in HOSTILE:
            main.composer.write(text[:500])
            await settle(pilot)
            assert harmless(screen_text(app)), text
        for text in ("/do [/x] [bold", "/[b", "!select '[/INST]' as a, chr(27) || '[31m' as b", "[/INST] hello"):
            main.composer.write(text)
            await pilot.press("enter")
            await settle(pilot)
            assert harmless(screen_text(app)), text
        app.clock.now += 1
        await pilot.press("3")
        await settle(pilot)
        assert harmless(screen_text(app))
        await pilot.press("escape", "escape")
        await settle(pilot)


@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts)
def test_any_text_in_any_event_leaves_the_screen_standing(
    open_app: Any, settle: Any, screen_text: Any, text: str
) -> None:
    import asyncio

    async def shown() -> None:
        app = open_app(events(text))
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            app.screen.composer.write("go")
            await pilot.press("enter")
            await settle(pilot)
            assert harmless(screen_text(app))
            await pilot.press("escape")
            await settle(pilot)
            assert harmless(screen_text(app))

    asyncio.run(shown())
