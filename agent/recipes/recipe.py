"""A recipe: a list of tool calls read from strict YAML, with the line of every fault.

It knows the file's form and its overrides. It does not run anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from ...tools import tool as registry
from ...tools.errors import Misuse, TilthError, nearest
from ...tools.store.past.rulings import REASON as RULING
from . import expect
from .form import RecipeModel, example_of, keys_of, model_at


class _StrictLoader(yaml.SafeLoader):
    """YAML whose only booleans are true and false; no dates, octals or sexagesimals; 1e-3 is a number."""


_RESOLVERS: Final = [
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$|"
     r"^[-+]?(?:0|[1-9][0-9]*)[eE][-+]?[0-9]+$", "-+0123456789."),
]  # fmt: skip
_StrictLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in _RESOLVERS:
    _StrictLoader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


@dataclass(frozen=True)
class Recipe:
    """A validated recipe; `sha` is that of its logical content, `folder` is what its paths are relative to."""

    model: RecipeModel
    path: Path
    sha: str

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def lock_path(self) -> Path:
        return self.path.with_suffix(".lock.json")


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read and validate a recipe; `overrides` are `key=value` (see `_override`). Raises Misuse with the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Misuse(f"Cannot read the recipe {path}: {reason}.") from None
    return parse_recipe(text, path, overrides)


def parse_recipe(text: str, path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """As `read_recipe`, for text that stands in `path` or is to stand there."""
    try:
        node = yaml.compose(text, Loader=_StrictLoader)  # derived from SafeLoader
        _refuse_repeated_keys(node, path)
        value = _StrictLoader("").construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Misuse(f"{path.name}:{line}: {error.problem}.") from None
    if not isinstance(value, dict):
        raise Misuse(f"{path.name}:1: a recipe is a mapping that begins with 'recipe: 1'.")
    for override in overrides:
        _override(value, override)
    model = _validated(value, node, path)
    _check_steps(model, node, path)
    _check_expectations(model, node, path)
    return Recipe(model, path, hashlib.sha256(model.model_dump_json(by_alias=True).encode()).hexdigest())


def _validated(value: Mapping[str, Any], node: yaml.Node | None, path: Path) -> RecipeModel:
    try:
        return RecipeModel.model_validate(value)
    except ValidationError as error:
        # A key that is none may be the one that is missing, misspelt: it is told first.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        loc = first["loc"]
        where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in loc) or "recipe"
        message, next_step = first["msg"].removeprefix("Value error, ").rstrip("."), ""
        if first["type"] == "extra_forbidden":
            message = "is not a key of this place"
            next_step = nearest(str(loc[-1]), (name for name, _ in keys_of(model_at(loc))))
            loc = loc[:-1]
        elif first["type"] == "missing":
            message = "is missing"
        if example := example_of(loc):
            next_step = f"{next_step} As in: {example}".lstrip()
        raise Misuse(f"{path.name}:{_line(node, first['loc'])}: {where}: {message}.", next_step=next_step) from None


def _check_steps(model: RecipeModel, node: yaml.Node | None, path: Path) -> None:
    """Every step names a tool and arguments it has; a fault is told with its line."""
    for number, step in enumerate(model.steps):
        try:
            registry.get(step.tool).validate(step.args)
        except TilthError as error:
            line = _line(node, ("steps", number))
            raise Misuse(f"{path.name}:{line}: {error.args[0]}", next_step=error.next_step) from None


def _check_expectations(model: RecipeModel, node: yaml.Node | None, path: Path) -> None:
    """Every condition is one, on a number that a run may have; a fault is told with its line."""
    if not model.expect:
        return
    reasons: Set[str] | None = {RULING}
    made = set()
    for step in model.steps:
        tool = registry.get(step.tool)
        args = tool.validate(step.args)
        given = tool.reasons_of(args)
        reasons = None if given is None or reasons is None else reasons | given
        made |= {str(args[tool.makes])} if tool.makes else set()
    for name, condition in model.expect.items():
        try:
            expect.foresee([expect.parse(name, condition)], reasons, made)
        except Misuse as error:
            line = _line(node, ("expect", name))
            raise Misuse(f"{path.name}:{line}: {error.args[0]}", next_step=error.next_step) from None


def _line(node: yaml.Node | None, where: Sequence[int | str]) -> int:
    """The 1-based line of the value at `where`, or of the nearest enclosing one."""
    line = 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _refuse_repeated_keys(node: yaml.Node | None, path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise Misuse(f"{path.name}:{key.start_mark.line + 1}: the key {key.value!r} stands here twice.")
            seen.add(key.value)
            _refuse_repeated_keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value, path)


def _override(value: dict[str, Any], text: str) -> None:
    """Apply `seed=3`, `export.to=dir`, `expect.rows=>= 5`, `sources.1.split=train`, `steps.2.filter.rules.max_looped=0.5`
    (an argument of the second step) or `filter.rules.max_looped=0.5` (of every step of that tool) in place."""
    key, equals, raw = text.partition("=")
    if not equals:
        raise Misuse(f"--set {text!r} has no '='.", next_step="Write --set key=value.")
    new = _value(raw)
    parts = key.split(".")
    if parts[0] in registry.VERBS:
        return _override_tool(value, key, parts, new)
    if parts[0] == "steps":
        return _override_step(value.get("steps") or [], key, parts[1:], new)
    if parts[0] == "expect" and len(parts) > 2:  # the name of a number may hold dots
        parts = [parts[0], ".".join(parts[1:])]
    place: Any = value
    for part, after in pairwise(parts):
        if isinstance(place, list):
            place = place[_number(place, key, part)]
        elif isinstance(place, dict):
            place = place.setdefault(part, {})
        if not isinstance(place, list if after.isdigit() else dict):
            keys = [name for name, _ in keys_of(RecipeModel)]
            raise Misuse(
                f"--set {key}: {part!r} holds no {after!r}.", next_step=f"Keys of a recipe: {', '.join(keys)}."
            )
    if isinstance(place, list):
        place[_number(place, key, parts[-1])] = new
    else:
        place[parts[-1]] = new


def _override_tool(value: dict[str, Any], key: str, parts: Sequence[str], new: Any) -> None:
    """An argument of every step of a tool."""
    if len(parts) != 3:
        raise Misuse(f"--set {key} names no argument.", next_step=f"Write --set {'.'.join(parts[:2])}.ARGUMENT=VALUE.")
    steps = value.get("steps") or []
    used = [_tool_of(step) for step in steps]
    hits = [place for place, name in enumerate(used) if name == ".".join(parts[:2])]
    if not hits:
        next_step = nearest(".".join(parts[:2]), used)
        raise Misuse(f"--set {key}: the recipe has no step {'.'.join(parts[:2])}.", next_step=next_step)
    for place in hits:
        steps[place] = _with_argument(steps[place], parts[2], new)


def _override_step(steps: list[Any], key: str, parts: Sequence[str], new: Any) -> None:
    """`2.filter.rules.max_looped` or `2.max_looped`: an argument of the second step."""
    if len(parts) not in (2, 4) or not parts[0].isdigit():
        next_step = (
            "Write steps.2.filter.rules.max_looped=0.5, or filter.rules.max_looped=0.5 for every step of the tool."
        )
        raise Misuse(f"--set {key} names no argument of a step.", next_step=next_step)
    place = _number(steps, key, parts[0])
    name = _tool_of(steps[place])
    if len(parts) == 4 and name != ".".join(parts[1:3]):
        numbers = [at for at, step in enumerate(steps, 1) if _tool_of(step) == ".".join(parts[1:3])]
        told = f"steps.{numbers[0]}.{'.'.join(parts[1:])}" if numbers else f"steps.{parts[0]}.{name}.ARGUMENT"
        next_step = f"Steps are numbered from 1: write {told}."
        raise Misuse(f"--set {key}: step {parts[0]} is {name}.", next_step=next_step)
    steps[place] = _with_argument(steps[place], parts[-1], new)


def _number(items: Sequence[Any], key: str, part: str) -> int:
    """The place of an item that is numbered from 1."""
    if not part.isdigit() or not 1 <= int(part) <= len(items):
        next_step = f"There are {len(items)}, numbered from 1."
        raise Misuse(f"--set {key}: there is no number {part}.", next_step=next_step)
    return int(part) - 1


def _tool_of(step: Any) -> str:
    return str(next(iter(step), "")) if isinstance(step, dict) else str(step)


def _with_argument(step: Any, name: str, new: Any) -> dict[str, Any]:
    tool = _tool_of(step)
    return {tool: {**((step.get(tool) or {}) if isinstance(step, dict) else {}), name: new}}


def _value(text: str) -> Any:
    """A value typed on a command line: YAML where it is YAML, else the text itself (as in `>= 5`)."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # derived from SafeLoader
    except yaml.YAMLError:
        return text


def to_yaml(value: Mapping[str, Any]) -> str:
    """A recipe as text that reads back to the same value."""
    return yaml.dump(dict(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Quotes whatever the strict loader, or any YAML 1.1 reader, would not take for a string."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None if text.isprintable() and _value(text or "''") == text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)
