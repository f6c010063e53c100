"""The one declaration of a tool. From a typed function it derives validated arguments, a JSON schema, command-line
flags and a docs page.

It knows signatures and where tools live (`tools/<verb>/<noun>.py` declares `verb.noun`). It does not know how a
tool is called on a version, approved or recorded: that is `agent/toolbox.py`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic import Field as PydanticField

from . import own
from .change import Change, Made, Outcome, Report, drops
from .context import Context
from .errors import Misuse, Retry, nearest

Effect = Literal["reads", "writes", "exports", "spends", "sends"]

VERBS: Final = (
    "inspect", "clean", "filter", "dedup", "select", "mix", "synthesize", "contaminate", "document", "discover",
)  # fmt: skip


@dataclass(frozen=True)
class Arg:
    """What the signature alone cannot say of an argument.

    `threshold`: takes part in `--what-if`. `dataset`: names a version, resolved and recorded before the call.
    `field`: names which text is read, resolved by the mapping. `predicate`, `order`, `query`: SQL, validated before the call.
    `path`: a file or folder whose bytes are part of what the call depends on. `benchmark`: names of benchmarks, or files
    of items, which are registered on the way. `makes`: names the dataset that rows are made into; with an argument
    `append` they are added to what it holds, with `replace` it is made anew on purpose. `spends`: any value but the
    default asks models.
    """

    help: str
    threshold: bool = False
    dataset: bool = False
    field: bool = False
    predicate: bool = False
    order: bool = False
    query: bool = False
    path: bool = False
    benchmark: bool = False
    makes: bool = False
    spends: bool = False
    minimum: float | None = None
    maximum: float | None = None


TextField = Annotated[
    str,
    Arg(
        "which text is read: dialogue, prompt, response, first_user, assistant, system, chosen, rejected, all, or a "
        "column; 'default' is the mapping's own",
        field=True,
    ),
]
"""The `field` argument every text tool shares; system prompts and tool schemas are outside the default."""

ToolFunction = Callable[..., Change | Report | Made]
Reasons = Sequence[str] | Callable[[Mapping[str, Any]], Iterable[str]]
"""The reasons a tool may drop a row for, or what gives them for its arguments."""


@dataclass(frozen=True)
class Parameter:
    """One argument as every face shows it."""

    name: str
    annotation: Any
    default: Any
    required: bool
    arg: Arg

    @property
    def kind(self) -> Any:
        """The bare type: `float`, `str`, `bool`, a Literal, or a list of one of them; None is stripped."""
        kind = self.annotation
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        if get_origin(kind) in (Union, types.UnionType):
            kind = next(part for part in get_args(kind) if part is not type(None))
        return kind

    @property
    def choices(self) -> tuple[str, ...]:
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def many(self) -> bool:
        return get_origin(self.kind) in (list, tuple, Sequence)


@dataclass(frozen=True)
class Tool:
    """A typed function over a version: `(ctx, data, *, args) -> Change | Report`."""

    id: str
    function: ToolFunction
    version: int
    effect: Effect
    source: str = "tilth"
    reads: tuple[str, ...] = ()
    after: str = ""
    local: bool = False
    packages: tuple[str, ...] = ()
    more: Callable[[], str] | None = None
    reasons: Reasons = ()

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.function) or "").split("\n")[0]

    @property
    def doc(self) -> str:
        told = inspect.getdoc(self.function) or ""
        return told if self.more is None else f"{told}\n\n{self.more()}"

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        hints = get_type_hints(self.function, include_extras=True)
        found = []
        for name, parameter in inspect.signature(self.function).parameters.items():
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                continue
            annotation = hints[name]
            marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
            arg = next((mark for mark in marks if isinstance(mark, Arg)), None)
            if arg is None:
                raise TypeError(f"{self.id}: argument {name!r} needs Annotated[type, Arg('help')]")
            required = parameter.default is inspect.Parameter.empty
            default = None if required else parameter.default
            found.append(Parameter(name, annotation, default, required, arg))
        return tuple(found)

    @cached_property
    def model(self) -> type[BaseModel]:
        """The pydantic model of the arguments; unknown names are refused."""
        fields: dict[str, Any] = {}
        for parameter in self.parameters:
            default = ... if parameter.required else parameter.default
            field = PydanticField(
                default, description=parameter.arg.help, ge=parameter.arg.minimum, le=parameter.arg.maximum
            )
            fields[parameter.name] = (parameter.annotation, field)
        config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
        return create_model(self.id.replace(".", "_"), __config__=config, **fields)

    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        schema = self.model.model_json_schema()
        schema.pop("title", None)
        for part in schema.get("properties", {}).values():
            part.pop("title", None)
        return schema

    @property
    def changes(self) -> bool:
        """May a call change rows? All may that are not declared to give a Report or rows Made."""
        return get_type_hints(self.function).get("return") not in (Report, Made)

    def effect_of(self, args: Mapping[str, Any]) -> Effect:
        """What a call does: more than the tool by itself where an argument asks models."""
        asks = any(one.arg.spends and args.get(one.name, one.default) != one.default for one in self.parameters)
        return "spends" if asks and self.effect in ("reads", "writes") else self.effect

    @property
    def makes(self) -> str:
        """The argument that names the dataset rows are made into; "" for a tool that makes none."""
        return next((one.name for one in self.parameters if one.arg.makes), "")

    def reasons_of(self, args: Mapping[str, Any]) -> frozenset[str] | None:
        """The reasons a call with these validated arguments may drop a row for; None where an own tool leaves it open."""
        if self.source != "tilth":
            return None
        return frozenset(self.reasons(args) if callable(self.reasons) else self.reasons)

    def validate(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Every argument with its default filled in, JSON types only. Raises Retry naming the nearest name."""
        names = [parameter.name for parameter in self.parameters]
        for name in args:
            if name not in names:
                raise Retry(f"{self.id} has no argument {name!r}.", next_step=nearest(name, names))
        try:
            valid = self.model.model_validate(dict(args)).model_dump(mode="json")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            given = f" (given: {first['input']!r})" if first["type"] != "missing" else ""
            next_step = f"See 'tilth tools {self.id}'."
            raise Retry(f"{self.id}: {where}: {first['msg']}{given}.", next_step=next_step) from None
        refuse_contradiction(self.id, valid)
        return valid


def refuse_contradiction(tool_id: str, limits: Mapping[str, Any]) -> None:
    """Raises Retry where a number `min_X` lies over `max_X`: no row can satisfy both."""
    for name, least in limits.items():
        most = limits.get(opposite := f"max_{name.removeprefix('min_')}") if name.startswith("min_") else None
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            raise Retry(f"{tool_id}: {name} {least:,} is more than {opposite} {most:,}: no row lies between.",
                        next_step=f"Lower {name} or raise {opposite}.")  # fmt: skip


_declared: dict[str, Tool] = {}
_loading: list[str] = []


def tool(
    id: str,
    *,
    version: int = 1,
    effect: Effect = "writes",
    reads: tuple[str, ...] = (),
    after: str = "",
    local: bool = False,
    packages: tuple[str, ...] = (),
    more: Callable[[], str] | None = None,
    reasons: Reasons = (),
) -> Callable[[ToolFunction], ToolFunction]:
    """Declare a tool. `version` is raised whenever the same arguments may give another result; `reads` names files of
    the workspace that the result also depends on, `after` a tool whose last report on the way to the version it reads;
    `more()` is what its page says beside the docstring; `reasons` are those it may drop a row for, so that a recipe which
    expects another is told.

    `local` promises that what becomes of a row (decisions, edits, signals) depends on its record and the arguments
    alone, not on its place, its source or other rows, that outcomes come batch by batch and add no rows, and that
    facts and findings are made in `Change.told`: rows whose content an earlier run has seen are then not given to
    the function again. `packages` names those whose version the result depends on too: another version sees all rows
    anew.
    """

    def declare(function: ToolFunction) -> ToolFunction:
        verb, _, noun = id.partition(".")
        if not verb.isidentifier() or not noun.isidentifier():
            raise Misuse(f"A tool's id is 'verb.noun', not {id!r}.")
        if id in _declared and _declared[id].function.__module__ != function.__module__:
            raise Misuse(f"Two tools are called {id!r}: {_declared[id].function.__module__} and this one.")
        _declared[id] = Tool(
            id,
            function,
            version,
            effect,
            _loading[-1] if _loading else "tilth",
            reads,
            after,
            local,
            packages,
            more,
            reasons,
        )
        return function

    return declare


def row_filter(function: Callable[[Mapping[str, Any]], str | None]) -> Callable[[Mapping[str, Any]], str | None]:
    """Declare `row -> None | "reason"` as the tool `my.<function name>`: None keeps the row."""

    def run(ctx: Context, data: Any) -> Change:
        return Change(_apply(function, ctx, data))

    run.__doc__ = inspect.getdoc(function) or f"Drop rows for which {function.__name__} gives a reason."
    run.__module__ = function.__module__
    tool(f"my.{function.__name__}")(run)
    return function


def _apply(function: Callable[[Mapping[str, Any]], str | None], ctx: Context, data: Any) -> Iterator[Outcome]:
    name = f"my.{function.__name__}"
    for batch in data.batches():
        reasons: dict[int, str] = {}
        for position, record in enumerate(batch.records(), batch.start):

            def row(position: int = position) -> str:
                return str(data.take([position], ["row_id"])["row_id"][0].as_py().hex())

            with own.blamed(name, function, row):
                reason = function(record)
            if reason is None:
                continue
            if not isinstance(reason, str) or not reason.strip():
                raise own.refuse_reason(name, function, reason, row())
            reasons[position] = reason
        yield Outcome(decisions=drops(list(reasons), list(reasons.values())))
        ctx.progress(batch.start + len(batch), len(data))


def ids() -> list[str]:
    """The ids of all tools that can be called, in order; imports nothing."""
    return sorted({*_packaged(), *(id for id in _declared if _declared[id].source != "tilth")})


def get(id: str) -> Tool:
    """The tool of this id, imported now if need be. Raises Retry naming the nearest id."""
    if id not in _declared and id in _packaged():
        importlib.import_module(f".{id}", __package__)
    if id not in _declared:
        raise Retry(f"There is no tool {id!r}.", next_step=f"{nearest(id, ids())} 'tilth tools' lists them.")
    return _declared[id]


def load(path: Path) -> list[Tool]:
    """Import a person's own tools from a file named in tilth.toml; its sha256 is their `source`."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise Misuse(f"Cannot read the tools file {path}: {error.strerror}.") from None
    name = f"tilth_own_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misuse(f"{path} is not a Python file.", next_step="[tools] load names .py files.")
    before = set(_declared)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _loading.append(hashlib.sha256(source).hexdigest())
    for id in [id for id, known in _declared.items() if known.function.__module__ == name]:
        del _declared[id]
        before.discard(id)
    try:
        spec.loader.exec_module(module)
    except Misuse:
        raise
    except Exception as error:
        raise Misuse(f"{path} could not be imported: {type(error).__name__}: {error}.") from error
    finally:
        _loading.pop()
    return [_declared[id] for id in sorted(set(_declared) - before)]


def _packaged() -> set[str]:
    folder = Path(__file__).parent
    return {
        f"{verb}.{module.name}"
        for verb in VERBS
        for module in pkgutil.iter_modules([str(folder / verb)])
        if not module.name.startswith("_") and not module.ispkg
    }
