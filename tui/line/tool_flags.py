"""A tool's arguments as flags of `tilth do`: types, choices, lists and switches follow from its signature.

It knows Parameters and argparse. Values are checked by the tool itself, so that a recipe and a flag are refused alike.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...tools import tool as registry
from ...tools.errors import Misuse
from ...tools.tool import Parameter, Tool

_SECOND: Final = "second_dataset"


@dataclass(frozen=True)
class ToolFlags:
    """The tool a line names, and how its values are taken from the parsed line."""

    tool: Tool

    def values(self, args: argparse.Namespace) -> dict[str, Any]:
        """The arguments that were given."""
        given: dict[str, Any] = {one.name: getattr(args, _destination(one), None) for one in self.tool.parameters}
        second, other = _second_dataset(self.tool), getattr(args, _SECOND, None)
        if second is not None and other is not None:
            if given[second.name] is not None:
                raise Misuse(
                    f"{self.tool.id} was given both {other!r} and --{second.name}.", next_step="Give one of them."
                )
            given[second.name] = other
        return {
            one.name: _listed(given[one.name]) if one.many else given[one.name]
            for one in self.tool.parameters
            if given[one.name] is not None
        }


def _second_dataset(tool: Tool) -> Parameter | None:
    """The argument that may be given as a second dataset, without its flag: `tilth do inspect.compare A B`."""
    return next((one for one in tool.parameters if one.required and one.arg.dataset), None)


def _destination(parameter: Parameter) -> str:
    return f"tool_argument_{parameter.name}"


def _listed(given: Sequence[str]) -> list[Any]:
    """`--keep en --keep no`, `--keep en,no` and `--keep '["en","no"]'` are the same list."""
    found: list[Any] = []
    for text in given:
        if text.startswith("["):
            try:
                found.extend(json.loads(text))
            except ValueError:
                raise Misuse(f"{text!r} is not a JSON list.") from None
        else:
            found.extend(part.strip() for part in text.split(","))
    return found


def add_tool_flags(parser: argparse.ArgumentParser, words: Sequence[str], place: int) -> ToolFlags | None:
    """Find the tool a `do` line names and give the parser its flags; without one, None."""
    plain = [word for word in words[place + 1 :] if not word.startswith("-")]
    if not set(plain) & set(registry.ids()):
        load_own(_value_of("--workspace", words))
    wanted = _named(plain)
    if wanted is None:
        return None
    tool = registry.get(wanted)
    describe(parser, tool)
    return ToolFlags(tool)


def _named(plain: Sequence[str]) -> str | None:
    """The first word that is a tool's id; if none is, the first that looks like one, else the first of all."""
    known = set(registry.ids())
    likely = [word for word in plain if word.partition(".")[0] in (*registry.VERBS, "my")]
    return next((word for word in plain if word in known), next(iter([*likely, *plain]), None))


def _value_of(option: str, words: Sequence[str]) -> str:
    for word, following in zip(words, [*words[1:], "."], strict=True):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return "."


def load_own(folder: str) -> None:
    """Load the own tools that the workspace at or above a folder names."""
    from ...agent.config import read_config
    from ...tools.store.store import find_workspace

    root = find_workspace(Path(folder).resolve())
    if root is not None:
        for name in read_config(root).tools.load:
            registry.load(root / name)


def describe(parser: argparse.ArgumentParser, tool: Tool) -> None:
    """Make a parser that of `tilth do TOOL`."""
    parser.prog = f"tilth do {tool.id}"
    second = _second_dataset(tool)
    parser.usage = f"tilth do {tool.id} X {second.name.upper() + ' ' if second else ''}[options]"
    parser.description = tool.doc
    if second is not None:
        parser.add_argument(_SECOND, metavar=second.name.upper(), nargs="?", help=f"the same as --{second.name}")
    group = parser.add_argument_group(f"arguments of {tool.id}")
    for one in tool.parameters:
        flag = f"--{one.name.replace('_', '-')}"
        group.add_argument(flag, dest=_destination(one), default=None, help=help_of(one), **_settings(one))


def _settings(parameter: Parameter) -> Mapping[str, Any]:
    if parameter.kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    metavar = f"{{{','.join(map(str, parameter.choices))}}}" if parameter.choices else _metavar(parameter)
    return {"metavar": metavar, "action": "append"} if parameter.many else {"metavar": metavar}


def _metavar(parameter: Parameter) -> str:
    if parameter.many:
        return "A,B"
    marks = parameter.arg
    named = {"FIELD": marks.field, "X": marks.dataset, "SQL": marks.predicate or marks.order}
    return next(
        (name for name, is_so in named.items() if is_so), {int: "N", float: "NUMBER"}.get(parameter.kind, "TEXT")
    )


def help_of(parameter: Parameter) -> str:
    """The argument's help with its default, as argparse wants it."""
    notes = []
    if parameter.required:
        notes.append("required")
    elif parameter.default not in (None, ""):
        shown = str(parameter.default).lower() if isinstance(parameter.default, bool) else parameter.default
        notes.append(f"default {shown}")
    if parameter.arg.threshold:
        notes.append("threshold: --what-if takes it")
    text = f"{parameter.arg.help} ({'; '.join(notes)})" if notes else parameter.arg.help
    return text.replace("%", "%%")
