"""A small model that errs before every call it gets right: it is told what to write, and the work is done once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tilth.agent.events import Answered, Failed, Returned

GOAL: list[tuple[str, dict[str, Any]]] = [
    ("inspect_sql", {"query": "select count(*) as n from rows", "dataset": "chats"}),
    ("do", {"tool": "dedup.exact", "dataset": "chats"}),
    ("drops", {"dataset": "chats", "count": 1}),
    ("do", {"tool": "filter.length", "dataset": "chats", "args": {"min_words": 2}}),
]
ANSWER = "Of 40 rows 4 were copies; 36 are left."


def wrong(rng: random.Random, name: str, args: dict[str, Any]) -> tuple[str, str]:
    """The same call with one mistake that small models make."""
    text = json.dumps(args)
    key = rng.choice(sorted(args))
    return rng.choice(
        [
            (name, text[:-1]),
            (name, f"Sure! Here is the call: {text}"),
            (name, json.dumps([args])),
            (f"{name}_rows", text),
            (name, json.dumps({**args, "dataset": "chat"})),
            (name, json.dumps({**{one: value for one, value in args.items() if one != key}, f"{key}s": args[key]})),
            (name, json.dumps({**args, "reasoning": "because the person asked for it"})),
        ]
    )


@pytest.mark.parametrize("seed", range(6))
async def test_every_mistake_is_told_and_the_work_is_done_once(
    converse: Callable[..., Any], turn: Any, sim: ModuleType, seed: int
) -> None:
    rng = random.Random(seed)
    calls = [call for name, args in GOAL for call in (wrong(rng, name, args), (name, json.dumps(args)))]
    talk = converse(*[sim.Say(None, "tool_calls", tool_calls=[one]) for one in calls], ANSWER)
    async with talk.engine() as engine:
        events = await turn(engine.chat("Drop the copies and what is shorter than two words."))
    returned = [one for one in events if isinstance(one, Returned)]
    assert [one.ok for one in returned] == [False, True] * len(GOAL), [one.told for one in returned]
    for failed in returned[::2]:
        assert failed.told.startswith("Not done: ") and len(failed.told) > 30  # what is wrong, and what to write
    assert events[-1] == Answered(ANSWER) and not any(isinstance(one, Failed) for one in events)
    assert [entry.tool for entry in talk.workspace.log("chats")][1:] == ["dedup.exact", "filter.length"]
