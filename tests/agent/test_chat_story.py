"""The whole story on real data: a person and a scripted model, from the first look to a recipe that gives the same versions.

It is told twice, to the engine and, typed line by line, to `tilth chat`; both end in the same workspace.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tilth.agent import commands
from tilth.agent.chat import session as sessions
from tilth.agent.engine import Engine
from tilth.agent.events import Answered, Asked, Metered, Returned, Ruled
from tilth.agent.workspace import Workspace, open_workspace
from tilth.tui.cli import main

LOOK, DROP, SEE, UNDO, COUNT, MAKE, EXPORT = (
    "What is wrong with it?", "Drop the prompts that nearly repeat others.", "What did it drop?", "Take the ruling back.",
    "How many rows speak of a detective?", "Make 20 more like them.", "Export what you made, with its card.",
)  # fmt: skip
MADE = {
    "strategy": "few_shot",
    "n": 20,
    "into": "more",
    "cut": 5.0,
    "settings": {"mode": "unlabelled", "task": "instruction"},
}
QUERY = "select count(*) as detectives, (select count(*) from rows) as all_rows from rows where instruction ilike '%detective%'"
AGAIN = "No result of this conversation holds"


def model(sim: ModuleType) -> Callable[[dict[str, Any]], Any]:
    """A model for every role: it converses by heart, reading the numbers out of results; it drafts; it judges."""

    def call(name: str, **args: Any) -> Any:
        return sim.Say(None, "tool_calls", tool_calls=[(name, json.dumps(args))])

    def counted(text: str) -> str:
        found, rows = re.findall(r"^\[(\d+), (\d+)\]$", text, re.MULTILINE)[0]
        return f"{found} of {int(rows):,} rows do, {int(found) / int(rows):.1%}."

    near = {"tool": "dedup.near", "args": {"field": "prompt", "threshold": 0.5}}
    plot: dict[str, list[Callable[[str], Any]]] = {
        LOOK: [lambda _: call("inspect_profile"), lambda told: f"It holds {re.findall(r'([0-9,]+) rows', told)[0]} rows."],
        DROP: [lambda _: call("find_tool", query="near duplicates"), lambda _: call("do", **near),
               lambda told: f"{re.findall(r'near_duplicate ([0-9,]+)', told)[0]} rows are gone."],
        SEE: [lambda _: call("drops", count=2), lambda _: "Prompts with the same words, as listed."],
        UNDO: [lambda _: call("undo"), lambda _: "It is taken back."],
        COUNT: [lambda _: call("inspect_sql", query=QUERY), lambda _: "4,321 rows do."],
        AGAIN: [counted],
        MAKE: [lambda _: call("do", tool="synthesize.rows", args=MADE), lambda _: "20 rows are made."],
        EXPORT: [lambda _: call("export", dataset="more", folder="exports/more"), lambda _: "It lies in exports/more."],
    }  # fmt: skip

    def judged(request: dict[str, Any]) -> str:
        shown = str(request["messages"][-1]["content"])
        schema = request["response_format"]["json_schema"]["schema"]
        names = schema["$defs"][schema["properties"]["answers"]["$ref"].rpartition("/")[2]]["properties"]
        said = "yes" if int(hashlib.sha256((request["model"] + shown).encode()).hexdigest(), 16) % 10 < 7 else "no"
        item = shown.partition("id: ")[2].partition("\n")[0]
        return json.dumps({"id": item, "answers": dict.fromkeys(names, said), "quotes": []})

    def answer(request: dict[str, Any]) -> Any:
        if "response_format" in request:
            return judged(request)
        messages = request["messages"]
        if "tools" not in request:
            word = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
            return f"Play a keeper of {word[:9]} who explains {word[9:20]} to a visitor from {word[20:30]}, and stay in role."
        last = max(i for i, one in enumerate(messages) if one["role"] == "user")
        steps = next(steps for said, steps in plot.items() if said in messages[last]["content"].rpartition("\n\n")[2])
        told = next((one["content"] for one in reversed(messages) if one["role"] == "tool"), "")
        return steps[sum(one["role"] == "assistant" for one in messages[last:])](told)

    return answer


@pytest.fixture
def server(serve: Any, sim: ModuleType) -> Any:
    """One server that plays all roles."""
    return serve(model(sim), models=("small", "one", "two", "other"), context=32768)


@pytest.fixture
def folder(server: Any, shared_data: Path, tmp_path: Path) -> Callable[[str], Path]:
    """`folder(name) -> Path`: a new folder with real data, and the server named for every role."""
    roles = 'generator = ["openai:small@lab"]\nreviewer = ["openai:one@lab", "openai:two@lab"]\n' \
            'adjudicator = ["openai:other@lab"]'  # fmt: skip
    prices = "\n".join(f"{name} = {{price = {{input = 1, output = 1}}}}" for name in server.models)

    def make(name: str) -> Path:
        root = tmp_path / name
        root.mkdir()
        (root / "tilth.toml").write_text(
            f'[endpoints.lab]\nbase_url = "{server.url}"\n[endpoints.lab.models]\n{prices}\n[roles]\n{roles}\n'
        )
        shutil.copy(shared_data / "gpteacher" / "roleplay.json", root)
        return root

    return make


def typed(workspace: Workspace, line: str) -> Any:
    """A slash command, as a face does it."""
    read = commands.read(line, "roleplay", list(workspace.store.histories()))
    assert read.command.handler is not None
    return read.command.handler(workspace, read)


async def say(engine: Engine, text: str) -> tuple[list[str], list[Returned], list[str]]:
    """A turn in which the person says yes; -> what was asked, what returned, the answers."""
    asked, returned, answered = [], [], []
    async for event in engine.chat(text):
        if isinstance(event, Asked):
            asked.append(event.why)
            assert event.cost.startswith("up to ") == (event.why == "spends")
            engine.rule(Ruled(event.call_id, "once"))
        elif isinstance(event, Returned):
            assert event.ok, event.told
            returned.append(event)
        elif isinstance(event, Answered):
            answered.append(event.text + "".join(f" [?{event.text[a:b]}]" for a, b in event.doubtful))
    return asked, returned, answered


def versions(root: Path) -> dict[str, str]:
    with open_workspace(root) as workspace:
        return {one.name: one.version for one in workspace.datasets()}


@pytest.mark.slow
async def test_from_the_first_look_to_a_recipe_that_gives_the_same_versions(
    folder: Callable[[str], Path], server: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder("told")
    with open_workspace(root, threads=1) as workspace:
        workspace.add(root / "roleplay.json", license="MIT")
        async with Engine(workspace, dataset="roleplay") as engine:
            assert (await say(engine, LOOK))[2] == ["It holds 1,923 rows."]
            asked, returned, answered = await say(engine, DROP)
            assert asked == [] and returned[-1].line == "1,923 → 1,918"  # a fifth of the rows was not at stake
            assert answered == ["5 rows are gone."]
            assert "stayed:" in (await say(engine, SEE))[1][0].told
            dropped = typed(workspace, "/drops")[1][0].row.row_id
            assert typed(workspace, f"/keep {dropped[:12]} because it's another scene").rows == 1919
            await say(engine, UNDO)
            assert len(workspace.store.rows("roleplay")) == 1918
            _, _, answered = await say(engine, COUNT)
            assert answered == ["4,321 rows do. [?4,321]", "10 of 1,918 rows do, 0.5%."]
            asked, returned, _ = await say(engine, MAKE)
            assert asked == ["spends"] and returned[-1].line == "20 rows made into more"
            asked, _, _ = await say(engine, EXPORT)
            assert asked == ["exports"] and workspace.verify_card(root / "exports" / "more").holds
            usage, session = engine.session.usage, engine.session.id
            assert usage.calls > 20 + 14 and usage.usd > 0  # those of the panel count
    left = versions(root)

    with open_workspace(root, threads=1) as workspace:  # resumed: everything is there
        again = sessions.resume(workspace.store, "last")
        assert (again.id, again.usage, again.dataset) == (session, usage, "roleplay")
        async with Engine(workspace, session=again) as engine:
            recipe = typed(workspace, "/recipe")
            metered = [event async for event in engine.chat(SEE) if isinstance(event, Metered)]
            assert metered[-1].usd > usage.usd
    assert list(recipe_steps(recipe)) == ["dedup.near", "synthesize.rows"]

    # The same, typed line by line.
    linear = folder("typed")
    lines = [LOOK, DROP, SEE, "/drops", f"/keep {dropped[:12]} because it's another scene", UNDO, COUNT, MAKE, "1", EXPORT,
             "1", "quit"]  # fmt: skip
    keyboard(monkeypatch, *lines)
    assert run(linear, "import", "roleplay", linear / "roleplay.json", "--license", "MIT") == 0
    assert run(linear, "chat", "--plain") == 0
    told = capsys.readouterr().out
    assert "asks: may it run this? It asks models" in told and "10 of 1,918 rows do, 0.5%." in told
    assert versions(linear) == left

    keyboard(monkeypatch, "/recipe", "quit")
    assert run(linear, "chat", "--plain", "--resume", "last") == 0
    told = capsys.readouterr().out
    assert f"you: {COUNT}" in told and all(line in told for line in recipe.splitlines())

    # The recipe, without anybody: here nothing is done again; elsewhere everything is, and comes to the same.
    paid = server.calls
    for place in (linear, folder("elsewhere")):
        assert server.calls == paid
        (place / "again.yaml").write_text(recipe)
        assert run(place, "run", place / "again.yaml", "--json", "--max-usd", "5") == 0
        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert line["version"] == left["roleplay"] and versions(place) == left
    assert server.calls > paid


def keyboard(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """What a person types at a terminal."""
    stream = io.StringIO("".join(f"{line}\n" for line in lines))
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", stream)


def run(root: Path, *words: object) -> int:
    """The exit code of a command, which has an event loop of its own."""
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main([*map(str, words), "--workspace", str(root)])))
    thread.start()
    thread.join()
    return codes[0]


def recipe_steps(recipe: str) -> Iterator[str]:
    for step in yaml.safe_load(recipe)["steps"]:
        yield step if isinstance(step, str) else next(iter(step))
