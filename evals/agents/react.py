"""One model that looks at the files of a job with a few tools and hands in: `react --model openai:NAME@ENDPOINT`.

Without --model it is the first generator of tilth.toml. It knows a loop of calls and results (ReAct, arXiv 2210.03629);
it does not know suites.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ...agent.models.connections import reference, roles
from ...prompts import load
from ...tools.errors import Misuse, Retry, TilthError, nearest
from ...tools.sandbox.wire import Limits
from ..asking import Asking, AskingAgent
from ..folder_sql import ask, tables
from ..registry import Setting
from ..suite import Agent, Job, Submission, Usage

MOST_TURNS: Final = 40
MAX_TOKENS: Final = 4096
SHOWN: Final = Limits(rows=40, cell=300, size=12_000)
LINES: Final = 60
LONGEST_LINE: Final = 600

_TEXT: Final = {"type": "string"}
_TOOLS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "list_files": ("The files of the folder with their sizes and numbers of lines.", {}),
    "read_file": (
        f"Up to {LINES} lines of a file from line `first` on, the first line being 1.",
        {"file": _TEXT, "first": {"type": "integer", "minimum": 1}},
    ),
    "sql": (
        f"One SELECT in DuckDB's SQL; up to {SHOWN.rows} rows are shown. Tables are the CSV and JSON Lines files, named "
        "without the ending; in CSV files every column is text.",
        {"query": _TEXT},
    ),
}


@dataclass
class React(AskingAgent):
    """`model` is a model by name."""

    model: str
    expected: Usage = field(default_factory=lambda: Usage(calls=12, tokens_in=60_000, tokens_out=4_000, tool_calls=12))

    async def run(self, job: Job) -> Submission:
        """Raises Misuse when the model refuses or hands nothing in."""
        model = self.asking.model(self.model, job)
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": load("evals/react").text},
            {"role": "user", "content": job.task},
        ]
        for turn in range(MOST_TURNS):
            answer = await model.answer(
                messages, tools=_declared(job), nonce=["react", job.instance, turn], max_tokens=MAX_TOKENS
            )
            if answer["outcome"] != "ok":
                raise Misuse(f"{self.model} gave no answer ({answer['outcome']}): {answer['problem']}.")
            calls = answer["tool_calls"]
            messages.append(
                {"role": "assistant", "content": answer["text"], **({"tool_calls": calls} if calls else {})}
            )
            if not calls:
                messages.append({"role": "user", "content": "Go on with the tools; hand in with submit."})
            for call in calls:
                job.meter.add(tool_calls=1)
                name, arguments = call["function"]["name"], _arguments(call["function"]["arguments"])
                if name == "submit" and isinstance(arguments, Mapping):
                    return Submission(dict(arguments), transcript=messages)
                said = await asyncio.to_thread(_result, job.folder, name, arguments)
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": said})
        raise Misuse(f"{self.model} handed nothing in after {MOST_TURNS} turns.")


def _declared(job: Job) -> list[dict[str, Any]]:
    """The tools as chat completions declare them; what `submit` takes is the suite's own schema."""
    made = [
        _function(name, told, {"type": "object", "properties": dict(given), "required": list(given)})
        for name, (told, given) in _TOOLS.items()
    ]
    return [*made, _function("submit", "Hand in. This ends the work.", dict(job.submission))]


def _function(name: str, told: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": told, "parameters": dict(parameters)}}


def _arguments(text: str) -> Any:
    """The arguments of a call; None when they are no JSON."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return None


def _result(folder: Path, name: str, arguments: Any) -> str:
    """What a tool says; what goes wrong is said, too."""
    try:
        if not isinstance(arguments, Mapping):
            raise Retry("The arguments are not a JSON object.")
        match name:
            case "list_files":
                return _listed(folder)
            case "read_file":
                return _read(folder, str(arguments.get("file", "")), arguments.get("first", 1))
            case "sql":
                return _answered(folder, str(arguments.get("query", "")))
        raise Retry(f"There is no tool {name!r}.", next_step=nearest(name, [*_TOOLS, "submit"]))
    except TilthError as error:
        return f"Error: {error}"


def _files(folder: Path) -> dict[str, Path]:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path for path in found}


def _listed(folder: Path) -> str:
    asked = {path: name for name, path in tables(folder).items()}
    lines = []
    for name, path in _files(folder).items():
        body = path.read_bytes()
        count = body.count(b"\n")
        table = f', table "{asked[path]}"' if path in asked else ""
        lines.append(f"{name}: {len(body):,} bytes, {count:,} lines{table}")
    return "\n".join(lines) or "The folder is empty."


def _read(folder: Path, name: str, first: Any) -> str:
    files = _files(folder)
    if name not in files:
        raise Retry(f"There is no file {name!r}.", next_step=nearest(name, files))
    if not isinstance(first, int) or first < 1:
        raise Retry("`first` is a line's number, from 1.")
    with files[name].open(encoding="utf-8", errors="replace") as lines:
        found = [line.rstrip("\n") for line in islice(lines, first - 1, first - 1 + LINES)]
    cut = [
        line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}… (+{len(line) - LONGEST_LINE:,})"
        for line in found
    ]
    return "\n".join(cut) or f"{name} has no line {first:,}."


def _answered(folder: Path, query: str) -> str:
    found = ask(folder, query, SHOWN)
    rows = [json.dumps(row, ensure_ascii=False) for row in found["rows"]]
    more = f"\n… there are more rows than these {len(rows)}" if found["more"] else ""
    return "\n".join([json.dumps(found["columns"], ensure_ascii=False), *rows]) + more


def agent(setting: Setting) -> Agent:
    """Raises Misuse when neither --model nor tilth.toml names a model."""
    asking = Asking(setting.root, setting.folder)
    config = asking.config()
    named = [setting.model] if setting.model else [str(one) for one in roles(config)["generator"]]
    if not named or named[0].startswith("offline:"):
        raise Misuse(
            "react needs a model.", next_step="Give --model openai:NAME@ENDPOINT, or name a generator in tilth.toml."
        )
    reference(named[0], config.endpoints)
    return React(setting.name, asking, named[0])
