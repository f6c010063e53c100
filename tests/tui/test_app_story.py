"""The whole story on the screen, on real data: a person types and presses, a scripted model answers over HTTP.

Its end is the recipe, run without anybody: it comes to the same versions.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.agent.chat import session as sessions
from tilth.agent.workspace import open_workspace
from tilth.tui import twin
from tilth.tui.app import TilthApp, engine_of
from tilth.tui.screens.main import MainScreen
from tilth.tui.terminal import Terminal
from tilth.tui.widgets.approval import ApprovalCard

AGENT = Path(__file__).parents[1] / "agent"
MODELS = ("small", "one", "two", "other")


@pytest.fixture(scope="module")
def parts() -> Iterator[tuple[ModuleType, ModuleType]]:
    """The simulated server, and the story whose model plays here too; both lie beside the agent's tests."""
    made = []
    for name in ("simulated_server", "test_chat_story"):
        spec = importlib.util.spec_from_file_location(f"{name}_of_the_screen", AGENT / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made.append(module)
    yield made[0], made[1]
    for module in made:
        del sys.modules[module.__name__]


def configured(root: Path, url: str) -> Path:
    """A folder whose models are all played by one server, which asks a price."""
    prices = "\n".join(f"{name} = {{price = {{input = 1, output = 1}}}}" for name in MODELS)
    roles = '[roles]\ngenerator = ["openai:small@lab"]\nreviewer = ["openai:one@lab", "openai:two@lab"]\n'
    root.mkdir()
    (root / "tilth.toml").write_text(
        f'[endpoints.lab]\nbase_url = "{url}"\n[endpoints.lab.models]\n{prices}\n{roles}adjudicator = ["openai:other@lab"]\n'
    )
    return root


def versions(root: Path) -> dict[str, str]:
    with open_workspace(root) as workspace:
        return {one.name: one.version for one in workspace.datasets()}


@pytest.mark.slow
async def test_from_the_first_look_to_a_recipe_that_gives_the_same_versions(
    parts: tuple[ModuleType, ModuleType], shared_data: Path, at_home: Path, settle: Any
) -> None:
    sim, story = parts
    with sim.SimulatedServer(story.model(sim), models=MODELS, context=32768) as server:
        root = configured(at_home / "told", server.url)
        shutil.copy(shared_data / "gpteacher" / "roleplay.json", root)
        recipe = await told(root, story, settle)
        elsewhere = configured(at_home / "elsewhere", server.url)
        shutil.copy(root / "roleplay.json", elsewhere)
        (elsewhere / "again.yaml").write_text(recipe)
        _, code = twin.run(["run", str(elsewhere / "again.yaml"), "--max-usd", "5"], elsewhere, Terminal())
        assert code == 0
        assert versions(elsewhere) == versions(root)


async def told(root: Path, story: ModuleType, settle: Any) -> str:
    """What a person does; -> the recipe of it."""
    seconds = iter(range(1_000_000))  # every key comes long after the one before
    clock: Callable[[], float] = lambda: float(next(seconds))  # noqa: E731
    file = str(root / "roleplay.json")
    app = TilthApp(lambda: open_workspace(root, threads=1), dataset=file, engine=engine_of(None), clock=clock)
    async with app.run_test(size=(140, 42)) as pilot:
        screen, say = await begun(pilot, settle)
        assert "1,923 examples" in facts(screen)
        await say(story.LOOK)
        assert "It holds 1,923 rows." in screen.transcript.text
        await say(story.DROP)
        assert "✔ dedup.near" in screen.transcript.text and "1,923 → 1,918" in screen.transcript.text
        await say(story.SEE)

        await pilot.press("f3")  # the drops: one is kept, which is taken back
        await settle(pilot)
        assert "5 rows dropped in 1 step" in facts(screen)
        await pilot.press("k", *"another scene", "enter")
        await settle(pilot)
        assert "4 rows dropped" in facts(screen)
        assert "--because 'another scene'" in screen.transcript.text
        await pilot.press("f5")
        await settle(pilot)
        await pilot.press("u")
        await settle(pilot)
        assert len(screen.workspace.store.rows("roleplay")) == 1918

        await say(story.COUNT)
        assert "4,321? rows do." in screen.transcript.text
        assert "10 of 1,918 rows do, 0.5%." in screen.transcript.text
        await say(story.MAKE, "1")
        assert "20 rows are made." in screen.transcript.text
        await say(story.EXPORT, "1")
        assert screen.workspace.verify_card(root / "exports" / "more").holds
        assert app.workspace is not None
        app.workspace.close()

    with open_workspace(root, threads=1) as workspace:
        session = sessions.resume(workspace.store, "last")
        app = TilthApp(lambda: workspace, engine=engine_of(session), resumed=True, clock=clock)
        async with app.run_test(size=(140, 42)) as pilot:
            screen, say = await begun(pilot, settle)
            assert f"❯ {story.COUNT}" in screen.transcript.text
            await say("/recipe")
            shown = screen.transcript.text.partition("tilth log roleplay --recipe\n")[2]
            recipe = workspace.recipe("roleplay")
            assert json.dumps(recipe.split()) == json.dumps(shown.split())
    return recipe


async def begun(pilot: Any, settle: Any) -> tuple[MainScreen, Callable[..., Any]]:
    """The screen with its data, and `say(text, key)`: type, answer the card with a key, wait for the end of the turn."""
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, MainScreen)

    async def turn() -> None:
        await settle(pilot)
        while any(one.group == "turn" and not one.is_finished for one in pilot.app.workers):
            if screen.query(ApprovalCard):
                return
            await pilot.pause()
        await settle(pilot)

    async def say(text: str, key: str = "") -> None:
        screen.composer.prompt.focus()
        screen.composer.write(text)
        await pilot.press("enter")
        await turn()
        if key:
            assert screen.query(ApprovalCard)
            await pilot.press(key)
            await pilot.pause()
            await turn()
        assert not screen.query(ApprovalCard)

    return screen, say


def facts(screen: MainScreen) -> str:
    return str(screen.pane.tab.query_one(".facts").content)  # type: ignore[attr-defined]
