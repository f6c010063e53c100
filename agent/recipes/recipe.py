"""A recipe: a list of tool calls read from strict YAML, with the line of every fault.

It knows the file's form and its overrides. It does not run anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ...tools import tool as registry
from ...tools.errors import Misuse, TilthError, nearest


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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceSpec(_Strict):
    """Where rows come from, with what its owner declares about it."""

    name: str
    paths: list[str] = Field(min_length=1)
    split: str | None = None
    license: str | None = None
    license_url: str | None = None
    terms: str | None = None
    retrieved: str | None = None
    url: str | None = None


class ExportSpec(_Strict):
    to: str
    format: str | None = None
    for_: Literal["trl", "axolotl", "llama-factory"] | None = Field(None, alias="for")
    split: dict[str, float] | None = None
    group_by: str | None = None
    uniform: bool = False


class Step(_Strict):
    """One tool call; `max_drop` caps it."""

    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    max_drop: float | None = None

    @model_validator(mode="before")
    @classmethod
    def from_yaml(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"tool": value}
        if isinstance(value, dict) and len(value) == 1:
            name, args = next(iter(value.items()))
            if args is not None and not isinstance(args, dict):
                raise ValueError(f"the arguments of {name} are a mapping, not {args!r}")
            args = dict(args or {})
            return {"tool": name, "max_drop": args.pop("max_drop", None), "args": args}
        raise ValueError("a step is 'verb.noun' or 'verb.noun: {argument: value}'")


class RecipeModel(_Strict):
    recipe: Literal[1]
    dataset: str
    sources: list[SourceSpec] = Field(min_length=1)
    read: dict[str, Any] = Field(default_factory=dict)
    max_reject: float | None = None
    since: str | None = None
    seed: int = 0
    steps: list[Step] = Field(default_factory=list)
    expect: dict[str, str | int | float | list[str]] = Field(default_factory=dict)
    export: ExportSpec | None = None

    @field_validator("expect")
    @classmethod
    def only_licences_are_lists(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, condition in value.items():
            if isinstance(condition, list) and name != "license":
                raise ValueError(f"{name} takes one condition; only license takes a list")
        return value

    @field_validator("sources")
    @classmethod
    def names_differ(cls, value: list[SourceSpec]) -> list[SourceSpec]:
        names = [source.name for source in value]
        if len(set(names)) != len(names):
            raise ValueError("two sources have the same name")
        return value


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
    return Recipe(model, path, hashlib.sha256(model.model_dump_json(by_alias=True).encode()).hexdigest())


def _validated(value: Mapping[str, Any], node: yaml.Node | None, path: Path) -> RecipeModel:
    try:
        return RecipeModel.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        message = first["msg"].removeprefix("Value error, ")
        next_step = ""
        if first["type"] == "extra_forbidden":
            message = "is not a key of this place"
            next_step = nearest(str(first["loc"][-1]), _keys_at(first["loc"]))
        raise Misuse(f"{path.name}:{_line(node, first['loc'])}: {where}: {message}.", next_step=next_step) from None


def _keys_at(where: Sequence[int | str]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"sources": SourceSpec, "export": ExportSpec}
    model = models.get(str(where[0]), RecipeModel) if len(where) > 1 else RecipeModel
    return [field.alias or name for name, field in model.model_fields.items()]


def _check_steps(model: RecipeModel, node: yaml.Node | None, path: Path) -> None:
    """Every step names a tool and arguments it has; a fault is told with its line."""
    for number, step in enumerate(model.steps):
        try:
            registry.get(step.tool).validate(step.args)
        except TilthError as error:
            line = _line(node, ("steps", number))
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
    """Apply `seed=3`, `dataset=x`, `export.to=dir`, `expect.rows=>= 5` or `dedup.near.threshold=0.8` in place.

    A tool's argument is set in every step of that tool.
    """
    key, equals, raw = text.partition("=")
    if not equals:
        raise Misuse(f"--set {text!r} has no '='.", next_step="Write --set key=value.")
    new = _value(raw)
    parts = key.split(".")
    if len(parts) == 3 and parts[0] in registry.VERBS:
        name, hits = ".".join(parts[:2]), 0
        steps = value.get("steps") or []
        for number, step in enumerate(steps):
            if step == name or (isinstance(step, dict) and name in step):
                args = dict(step[name] or {}) if isinstance(step, dict) else {}
                steps[number] = {name: {**args, parts[2]: new}}
                hits += 1
        if not hits:
            used = [step if isinstance(step, str) else next(iter(step)) for step in steps]
            raise Misuse(f"--set {key}: the recipe has no step {name}.", next_step=nearest(name, used))
        return
    place: Any = value
    for part in parts[:-1]:
        place = place.setdefault(part, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise Misuse(f"--set {key}: {part!r} holds no keys.")
    place[parts[-1]] = new


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
