"""The tools a model is offered: a small fixed core, `find_tool` for all others, `do` to call one.

It knows their schemas, how a model's arguments are read and mended, and what a call would do before it is done. It does
not know who approves a call. The list is the same in every turn, so that servers can keep what they computed for it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...tools import tool as registry
from ...tools.errors import Retry, TilthError, nearest
from ...tools.sandbox.query import ask
from ...tools.store.past.stored import excerpt
from ...tools.tool import Tool
from .. import commands
from ..plural import counted
from . import reach, told
from .calling import Act, Desk, Planned, Terms, plan_tool
from .told import Told

SCHEMA_TOKENS: Final = 2500
"""The most all schemas together may come to."""
FOUND: Final = 4
"""Tools one search shows."""


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Profile(_Args):
    dataset: str = ""


class Sql(_Args):
    query: str = Field(description="one SELECT")
    dataset: str = ""


class Show(_Args):
    dataset: str = ""
    where: str = Field("", description="SQL predicate over the columns")
    count: int = Field(5, ge=1, le=20)


class Drops(_Args):
    dataset: str = ""
    step: str = Field("", description="tool id or step number")
    reason: str = ""
    count: int = Field(2, ge=0, le=5, description="examples per reason")


class Why(_Args):
    row: str = Field(description="row id (6 digits or more) or FILE:LINE")
    dataset: str = ""


class Undo(_Args):
    dataset: str = ""


class Diff(_Args):
    a: str = Field(description="version: NAME, NAME~1, NAME@TAG")
    b: str = Field("", description="another version; empty: what the last step of a did")


class Export(_Args):
    dataset: str = ""
    format: str = Field("", description="messages, prompt-completion, preference, text, jsonl, csv, parquet …")
    folder: str = Field("", description="inside the workspace; empty: exports/NAME-VERSION")


class FindTool(_Args):
    query: str = Field(description="what it should do")


class Do(_Args):
    tool: str = Field(description="id such as dedup.near, from find_tool")
    dataset: str = ""
    args: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """One function of the list. `plan` turns validated arguments into a planned call."""

    name: str
    summary: str
    args: type[_Args]
    plan: Callable[[Desk, Any], Planned]


def schemas() -> list[dict[str, Any]]:
    """The list as the OpenAI protocol wants it."""
    return [
        {
            "type": "function",
            "function": {"name": one.name, "description": one.summary, "parameters": _schema(one.args)},
        }
        for one in OFFERS
    ]


def _schema(args: type[_Args]) -> dict[str, Any]:
    schema = args.model_json_schema()
    for part in schema["properties"].values():
        part.pop("title", None)
    return {name: schema[name] for name in ("type", "properties", "required", "additionalProperties") if name in schema}


def plan(desk: Desk, name: str, arguments: str) -> Planned:
    """What a model's call means. A tool's own id in place of `do` is understood, as is JSON text within JSON.

    Raises Retry (and Misuse for what a store refuses), telling what to write instead.
    """
    given = _json(name, arguments)
    offer = next((one for one in OFFERS if one.name == name.replace(".", "_")), None)
    if offer is None:
        own = _id_like(name)
        if own is None:
            raise Retry(f"There is no function {name!r}.", next_step=nearest(name, [one.name for one in OFFERS]))
        inner = given.pop("args", {})
        given = {**(inner if isinstance(inner, dict) else {}), **given}
        dataset = str(given.pop("dataset", ""))
        return plan_tool(desk, own, dataset, given)
    if isinstance(given.get("args"), str):
        given["args"] = _json(name, given["args"])
    return offer.plan(desk, _validated(offer, given))


def edited(desk: Desk, planned: Planned, args: Mapping[str, Any]) -> Planned:
    """The same call with a person's arguments. Raises Retry and Misuse."""
    if planned.tool in registry.ids():
        return plan_tool(desk, planned.tool, planned.dataset, args)
    return plan(desk, planned.tool, json.dumps({"dataset": planned.dataset, **args}))


def _json(name: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise Retry(f"The arguments of {name} are no JSON: {error}.", next_step="Send one JSON object.") from None
    if not isinstance(found, dict):
        raise Retry(f"The arguments of {name} are no JSON object.", next_step='Send for example {"dataset": "chats"}.')
    return found


def _id_like(name: str) -> str | None:
    """`dedup_near` and `dedup.near` both mean the tool dedup.near."""
    return next((id for id in registry.ids() if name.replace(".", "_") == id.replace(".", "_")), None)


def _validated(offer: Offer, given: Mapping[str, Any]) -> _Args:
    names = list(offer.args.model_fields)
    for name in given:
        if name not in names:
            raise Retry(f"{offer.name} has no argument {name!r}.", next_step=nearest(name, names))
    try:
        return offer.args.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Retry(
            f"{offer.name}: {where}: {first['msg']}.", next_step=f"Its arguments: {', '.join(names)}."
        ) from None


# -- the core ------------------------------------------------------------------------------------------------------


def _plan_profile(desk: Desk, args: Profile) -> Planned:
    return plan_tool(desk, "inspect.profile", args.dataset, {})


def _plan_do(desk: Desk, args: Do) -> Planned:
    return plan_tool(desk, args.tool, args.dataset, args.args)


def _plan_sql(desk: Desk, args: Sql) -> Planned:
    address = desk.address(args.dataset)

    def act(terms: Terms) -> Told:
        answer = ask(desk.workspace.store, address, args.query)
        details = {**asdict(answer), "columns": list(answer.columns), "shown": len(answer.rows)}
        return told.table(details, args.query, desk.names())

    return _reading("inspect.sql", address, {"query": args.query}, ["sql", address, args.query], act)


def _plan_show(desk: Desk, args: Show) -> Planned:
    address = desk.address(args.dataset)

    def act(terms: Terms) -> Told:
        found = desk.workspace.show(address, where=args.where or None, count=args.count)
        return told.rows(found, address, len(desk.workspace.store.rows(address)))

    where = ["--where", args.where] if args.where else []
    return _reading("show", address, args.model_dump(), ["show", address, *where, "-n", str(args.count)], act)


def _plan_drops(desk: Desk, args: Drops) -> Planned:
    address = desk.address(args.dataset)

    def act(terms: Terms) -> Told:
        found = desk.workspace.drops(address, step=args.step or None, reason=args.reason or None, count=args.count)
        return told.drops(*found)

    given = {"--step": args.step, "--reason": args.reason}
    flags = [text for name, value in given.items() if value for text in (name, value)]
    return _reading("drops", address, args.model_dump(), ["drops", address, *flags], act)


def _plan_why(desk: Desk, args: Why) -> Planned:
    inside = ["--in", args.dataset] if args.dataset else []

    def act(terms: Terms) -> Told:
        return told.life(desk.workspace.why(args.row, dataset=args.dataset or None))

    return _reading("why", args.dataset or desk.dataset, args.model_dump(), ["why", args.row, *inside], act)


def _plan_diff(desk: Desk, args: Diff) -> Planned:
    addresses = [desk.address(one) for one in (args.a, args.b) if one]

    def act(terms: Terms) -> Told:
        return told.difference(desk.workspace.diff(*addresses), args.a, args.b)

    return _reading("diff", args.a, args.model_dump(), ["diff", *addresses], act)


def _plan_undo(desk: Desk, args: Undo) -> Planned:
    address = desk.address(args.dataset)

    def act(terms: Terms) -> Told:
        vid = desk.workspace.undo(address, origin=terms.origin)
        count = desk.workspace.store.version(vid).rows
        rows = counted(count, "rows")
        result = {"tool": "undo", "dataset": address, "version": vid, "rows": count}
        return Told(rows, f"{address} is at version {vid[:8]} again: {rows}.", result=result)

    before = _rows_of(desk, f"{address}~1")
    command = commands.typed(["tilth", "undo", address])
    return Planned("undo", address, args.model_dump(), "writes", command, act, rows=before)


def _plan_export(desk: Desk, args: Export) -> Planned:
    address = desk.address(args.dataset)
    folder = reach.within(args.folder, desk.workspace.root, desk.said) if args.folder else None

    def act(terms: Terms) -> Told:
        done = desk.workspace.export(address, folder, format=args.format or None, origin=terms.origin)
        where = str(done.folder)
        result = {"tool": "export", "dataset": address, "folder": where, "rows": done.written.rows}
        rows = counted(done.written.rows, "rows")
        return Told(f"{rows} → {where}", f"Exported {rows} to {where}, with the card.", result=result)

    words = ["export", address, *([str(folder)] if folder else []), *(["--format", args.format] if args.format else [])]
    rows = _rows_of(desk, address)
    return Planned("export", address, args.model_dump(), "exports", commands.typed(["tilth", *words]), act, rows=rows)


def _rows_of(desk: Desk, address: str) -> int | None:
    """How many rows a version has, None where there is none: the call itself says what is wrong then."""
    try:
        return len(desk.workspace.store.rows(address))
    except TilthError:
        return None


def _plan_find(desk: Desk, args: FindTool) -> Planned:
    def act(terms: Terms) -> Told:
        found = search(args.query)
        return Told(", ".join(one.id for one in found), "\n\n".join(_page(one) for one in found))

    return _reading("find_tool", "", args.model_dump(), ["tools"], act)


def _reading(tool: str, address: str, args: Mapping[str, Any], words: Sequence[str], act: Act) -> Planned:
    return Planned(tool, address, args, "reads", commands.typed(["tilth", *words]), act)


def search(query: str) -> list[Tool]:
    """The tools whose id, summary, description and arguments share most with a query; rare words count more (log inverse
    document frequency over the tools)."""
    tools = [registry.get(id) for id in registry.ids()]
    texts = [
        [(4, _words(tool.id)), (2, _words(tool.summary)), (1, _words(tool.doc)),
         (1, _words(" ".join(f"{one.name} {one.arg.help}" for one in tool.parameters)))]
        for tool in tools
    ]  # fmt: skip
    frequency = Counter(word for parts in texts for word in {word for _, words in parts for word in words})
    wanted = _words(query)

    def score(place: int) -> float:
        return math.fsum(
            weight * math.log1p(len(tools) / frequency[word])
            for weight, words in texts[place]
            for word in sorted(wanted & words)
        )

    best = sorted(range(len(tools)), key=lambda place: (-score(place), tools[place].id))
    return [tools[place] for place in best[:FOUND]]


def _words(text: str) -> set[str]:
    """Words with their commonest English endings cut, so that `duplicates` finds texts that say `duplicate`."""
    return {re.sub(r"(?:ing|es|ed|s|e)$", "", word) for word in re.findall(r"[a-z]{3,}", text.lower())}


def _page(tool: Tool) -> str:
    lines = [f"{tool.id} ({tool.effect}): {tool.summary}"]
    for one in tool.parameters:
        kind = "|".join(map(str, one.choices)) or getattr(one.kind, "__name__", "list")
        default = "required" if one.required else f"default {json.dumps(one.default, default=str)}"
        lines.append(f"  {one.name}: {kind}, {default}. {excerpt(one.arg.help, 110)}")
    return "\n".join(lines)


OFFERS: Final = (
    Offer("inspect_profile", "What a dataset holds and what is wrong with it. Start here.", Profile, _plan_profile),
    Offer("inspect_sql", "Count or query with one read-only DuckDB SELECT over the views rows (the columns), turns(row_id, "
          "i, role, text), texts(row_id, field, text), dropped, decisions, signals, facts.", Sql, _plan_sql),
    Offer("show_rows", "Look at a few rows.", Show, _plan_show),
    Offer("drops", "What steps have dropped and why, with examples.", Drops, _plan_drops),
    Offer("why", "The life of one row: where it came from, what was decided about it.", Why, _plan_why),
    Offer("undo", "Take back the last step of a dataset.", Undo, _plan_undo),
    Offer("diff", "What differs between two versions.", Diff, _plan_diff),
    Offer("export", "Write data files with their card. The person is asked first.", Export, _plan_export),
    Offer("find_tool", "Find tools that clean, filter, deduplicate, select, mix, synthesize, check contamination or "
          "document; shows their arguments.", FindTool, _plan_find),
    Offer("do", "Run a tool on a dataset. Versions are kept: undo takes it back.", Do, _plan_do),
)  # fmt: skip
