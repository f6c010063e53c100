"""Every screen at three sizes as SVG, dark and light.

`--snapshot-update` accepts what is there now: look at it first.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from textual.theme import Theme

from tilth.agent.events import Answered, Asked, Counted, Finished, Metered, Noticed, Proposed, Returned, Started
from tilth.tui.app import DARK, LIGHT, TilthApp

METERED = Metered(3_200, 32_768, 4_100, 220, 0.01, 54.0, "openai:small@lab", "rows")
PANEL = Counted(
    "synthesize.rows", 41, {"score": 19, "near_duplicate": 6, "parse": 2}, {"length": 1}, 0, 8, 90, 60, 310, 12,
    88_000, 41_000, 0.37, 1.8, 2.5,
)  # fmt: skip
ASKED = Asked(
    "c2", "synthesize.rows", "tickets", {"n": 20}, "tilth do synthesize.rows tickets --n 20 --strategy few_shot",
    "spends", writes="20 rows into tickets-synth", sends="instructions and 60 seed rows to localhost",
    cost="$0.12 at most, about 80 calls", time="about 2 minutes", endpoint="localhost",
)  # fmt: skip
ANSWER = (
    "17 of 57 rows were near-duplicates (30 %), most of them the same question about invoices.\n\n"
    "Look at them with /drops; /undo takes the step back. Roughly 1,200 would remain in a set of 1,700."
)
TURN = (
    Proposed("c1", "dedup.near", "tickets", {"threshold": 0.6}, "tilth do dedup.near tickets --threshold 0.6"),
    Returned("c1", "dedup.near", True, "57 -> 40", 0.4, "dropped near_duplicate 17"),
    Finished({"tool": "dedup.near", "dataset": "tickets", "before": 57, "after": 40, "version": "0" * 32,
              "dropped": {"near_duplicate": 17}}),
    Answered(ANSWER, ((ANSWER.index("1,200"), ANSWER.index("1,200") + 5),)),
    METERED,
    Noticed("tickets@20774ace has no license; say it at the import", "warning"),
    Started("synthesize.rows", "tickets", "0" * 32, 40, {}, "user and assistant turns"),
    PANEL,
    ASKED,
)  # fmt: skip

SMALL, USUAL, LARGE = (80, 24), (120, 36), (180, 50)
SIZES = [SMALL, USUAL, LARGE]


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_screens(size: tuple[int, int], open_app: Any, settle: Any, snapshot: Any) -> None:
    app: TilthApp = open_app(TURN)
    async with app.run_test(size=size) as pilot:

        async def looks(name: str) -> None:
            for theme in (DARK, LIGHT):
                app.theme = theme.name
                await settle(pilot)
                svg = re.sub(r"terminal-\d+-", "terminal-", app.export_screenshot())
                assert svg == snapshot(name=f"{name} {theme.name}", extension_class=SVGImageExtension)
            app.theme = DARK.name

        async def press(*keys: str) -> None:
            await pilot.press(*keys)
            await settle(pilot)

        await settle(pilot)
        await looks("findings")
        await press("ctrl+t", "f")
        await looks("fix")
        await press("escape", "ctrl+t")
        await press("/")
        await looks("commands")
        await press("backspace", "f2")
        await looks("rows")
        await press("f", *"scor = 1", "enter")
        await looks("rows with a mistake")
        await press("down", "right", "enter")
        await looks("cell")
        await press("escape", "f3", "down")
        await looks("drops")
        await press("k")
        await looks("question")
        await press("escape", "R")
        await looks("review")
        await press("escape", "f5")
        await looks("ledger")
        app.screen.query_one("#prompt").focus()
        await press(*"what repeats?", "enter")
        await looks("approval")
        await press("escape")
        await looks("conversation")
        await press("f4")
        await looks("run")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
async def test_first_screen(theme: Theme, size: tuple[int, int], open_app: Any, settle: Any, snapshot: Any) -> None:
    app: TilthApp = open_app(dataset="")
    async with app.run_test(size=size) as pilot:
        app.theme = theme.name
        await settle(pilot)
        svg = re.sub(r"terminal-\d+-", "terminal-", app.export_screenshot())
        assert svg == snapshot(extension_class=SVGImageExtension)
