"""The screen with the real engine: a model that a simulated server plays, none at all, and a conversation gone on with."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.agent.chat import session as sessions
from tilth.agent.workspace import Workspace, open_workspace
from tilth.tui.app import TilthApp, engine_of
from tilth.tui.screens.main import MainScreen
from tilth.tui.widgets.approval import ApprovalCard

SERVER = Path(__file__).parents[1] / "agent" / "simulated_server.py"


@pytest.fixture(scope="module")
def sim() -> Iterator[ModuleType]:
    """The simulated server, which lies beside the agent's tests."""
    spec = importlib.util.spec_from_file_location("simulated_server_of_the_screen", SERVER)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def app_of(workspace: Workspace, **options: Any) -> TilthApp:
    return TilthApp(lambda: workspace, engine=engine_of(options.pop("session", None)), clock=lambda: 0.0, **options)


async def say(pilot: Any, text: str, settle: Any) -> None:
    """Type it, and wait until the turn has ended or asks something."""
    main = pilot.app.screen
    assert isinstance(main, MainScreen)
    main.composer.write(text)
    await pilot.press("enter")
    await settle(pilot)
    turns = [one for one in pilot.app.workers if one.group == "turn"]
    while any(not one.is_finished for one in turns) and not main.query(ApprovalCard):
        await pilot.pause()
    await settle(pilot)


async def test_without_a_model_everything_but_free_text_works(tickets: Workspace, settle: Any) -> None:
    app = app_of(tickets, dataset="tickets")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await say(pilot, "what repeats?", settle)
        told = app.screen.query_one("#transcript").text  # type: ignore[attr-defined]
        assert "No model is connected" in told
        assert "tilth models add" in told
        await say(pilot, "/context", settle)
        await say(pilot, "/datasets", settle)
        told = app.screen.query_one("#transcript").text  # type: ignore[attr-defined]
        assert "tilth datasets" in told
        assert "A fault" not in told


async def test_a_question_is_answered_and_the_conversation_gone_on_with(
    tickets: Workspace, settle: Any, sim: ModuleType
) -> None:
    replies = (
        sim.Say(None, "tool_calls", tool_calls=[("inspect_sql", '{"query": "select count(*) as n from rows"}')]),
        "There are 47 rows.",
    )
    with sim.SimulatedServer(sim.script(*replies), context=32768) as server:
        config = f'[endpoints.lab]\nbase_url = "{server.url}"\n[roles]\ngenerator = ["openai:small@lab"]\n'
        (tickets.root / "tilth.toml").write_text(config)
        with open_workspace(tickets.root, threads=1) as workspace:
            app = app_of(workspace, dataset="tickets")
            async with app.run_test(size=(120, 36)) as pilot:
                await settle(pilot)
                assert "sees rows" in str(app.screen.query_one("#status").content)  # type: ignore[attr-defined]
                await say(pilot, "how many?", settle)
                told = app.screen.query_one("#transcript").text  # type: ignore[attr-defined]
                assert "✔ inspect.sql" in told
                assert "There are 47 rows." in told
                await say(pilot, "/context", settle)
                assert "so far 2 answers: " in app.screen.query_one("#transcript").text  # type: ignore[attr-defined]
        with open_workspace(tickets.root, threads=1) as workspace:
            session = sessions.resume(workspace.store, "last")
            app = app_of(workspace, session=session, resumed=True)
            async with app.run_test(size=(120, 36)) as pilot:
                await settle(pilot)
                told = app.screen.query_one("#transcript").text  # type: ignore[attr-defined]
                assert "❯ how many?" in told
                assert "There are 47 rows." in told
                await pilot.press("up")
                assert app.screen.composer.text == "how many?"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("imported", "later"),
    [
        ("tilth.tui.app, tilth.tui.cli, tilth.tui.verbs.chat", ["numpy", "pyarrow", "duckdb", "pydantic"]),
        ("tilth.tui.app, tilth.agent.engine", ["openai", "langgraph"]),
    ],
    ids=["screen", "engine"],
)
def test_the_screen_is_there_before_what_reads_data_and_talks_to_models_is_loaded(
    imported: str, later: list[str]
) -> None:
    code = f"import sys, {imported}; print(set({later}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
