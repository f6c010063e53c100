"""Screenshots for the README, from the real app on made-up data: `python -m tilth.tui.screenshots [FOLDER]`.

The data, the steps and every number are real; what the model says is written here, since no model is asked.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ..agent.config import Sight
from ..agent.engine import Engine
from ..agent.events import Answered, Asked, Event, Metered, Proposed, Returned, Ruled
from ..agent.workspace import Workspace, open_workspace
from ..evals.planted import generate
from .app import LIGHT, TilthApp

SIZE: Final = (132, 38)
ROWS: Final = 600
NAME: Final = "tickets"
TOOL: Final = "dedup.near"
QUESTION: Final = "Drop what is nearly the same, then make 20 more like the rest."


class Told(Engine):
    """A conversation whose model's words are given; what it calls is done."""

    async def chat(self, text: str, *, context: str = "") -> AsyncGenerator[Event, None]:
        yield Proposed("1", TOOL, NAME, {"threshold": 0.7}, f"tilth do {TOOL} {NAME} --threshold 0.7")
        done = await asyncio.to_thread(lambda: self.workspace.do(TOOL, NAME, threshold=0.7))
        before, after, dropped = (done.result[name] for name in ("before", "after", "dropped"))
        yield Returned("1", TOOL, True, f"{before:,} -> {after:,}", 0.4, str(dropped), done.result)
        gone = sum(dropped.values())
        yield Answered(
            f"{gone} of {before:,} rows repeated another one nearly word for word; {after:,} are left. "
            "Each of them is under Drops beside the row that stayed, and /undo takes the step back.\n\n"
            "The 20 new rows would be written from five of yours each. They need your word:"
        )
        yield Metered(3_184, 32_768, 6_020, 412, 0.0, 61.0, "openai:small@lab", "rows")
        yield Asked(
            "2", "synthesize.rows", NAME, {"n": 20}, f"tilth do synthesize.rows {NAME} --strategy few_shot --n 20",
            "spends", writes=f"up to 20 rows into {NAME}-synth; undo takes it back",
            sends="instructions and seed rows to localhost",
            cost="nothing: about 90 calls to a local server", time="about 2 minutes", endpoint="localhost",
        )  # fmt: skip
        await asyncio.Event().wait()

    @property
    def model(self) -> str:
        return "openai:small@lab"

    @property
    def sees(self) -> Sight:
        return "rows"

    def rule(self, ruled: Ruled) -> None:
        """Nobody answers here."""


async def shoot(folder: Path) -> list[Path]:
    """Write the screenshots; -> where."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_STATE_HOME"] = place
        path = Path(place) / f"{NAME}.jsonl"
        path.write_bytes(generate(seed=7, rows=ROWS).jsonl)
        os.chdir(place)
        with open_workspace(place, threads=1) as workspace:
            workspace.add(path.name, name=NAME)
            for theme in ("dark", "light"):
                async with _app(workspace, theme).run_test(size=SIZE) as pilot:
                    await _settle(pilot)
                    written.append(_save(pilot, folder / f"findings-{theme}.svg"))
                    await pilot.press(*QUESTION, "enter")
                    while not pilot.app.screen.query("#approval"):
                        await pilot.pause(0.01)
                    await _settle(pilot)
                    await pilot.press("f3")
                    await _settle(pilot)
                    pilot.app.screen.query_one("#answers").focus()
                    await _settle(pilot)
                    written.append(_save(pilot, folder / f"approval-{theme}.svg"))
                workspace.undo(NAME)
    return written


def _app(workspace: Workspace, theme: str) -> TilthApp:
    return TilthApp(
        lambda: workspace,
        dataset=NAME,
        engine=lambda opened, name: Told(opened, dataset=name),
        light=theme in LIGHT.name,
    )


async def _settle(pilot: Any) -> None:
    """Until no thread is at work; a turn may wait for a person."""
    quiet = 0
    while quiet < 3:
        await pilot.pause()
        busy = [one for one in pilot.app.workers if one.group != "turn" and not one.is_finished]
        quiet = 0 if busy else quiet + 1
        if busy:
            await pilot.app.workers.wait_for_complete(busy)


def _save(pilot: Any, path: Path) -> Path:
    """The screen as SVG, the same for the same screen."""
    path.write_text(re.sub(r"terminal-\d+-", "terminal-", pilot.app.export_screenshot()), encoding="utf-8")
    return path


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots").resolve()
    with suppress(KeyboardInterrupt):
        for path in asyncio.run(shoot(folder)):
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
