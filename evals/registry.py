"""Suites and agents by name: built in, from a file, or offered by installed packages as entry points.

It knows how a name becomes a thing, and imports only what is named. It runs nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast, get_args

from ..tools.errors import Misuse, nearest
from .suite import Agent, Baseline, Instance, Limits, Suite

SUITES: Final = "tilth.suites"
AGENTS: Final = "tilth.agents"
KNOWN: Final = tuple(sorted(get_args(Baseline)))
_WITHOUT_MODEL: Final = (*KNOWN, "heuristic", "cmd", "replay")
_SUITE_HAS: Final = ("name", "version", "summary", "metric", "better", "draw", "score", "known")
_SUITE_NAME: Final = re.compile(r"[A-Za-z][\w-]{0,63}(\[[\w.-]{1,64}\])?", re.ASCII)
_NAMED: Final = re.compile(r"([A-Za-z][\w.-]*)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class Setting:
    """What an agent of ours is made for.

    `instances` hold the truth: for agents in this process, which are trusted. `rest` is what stood behind the colon
    of its name, `model` what --model said, `root` the folder that tilth.toml is in, `variables` the names of
    environment variables a process may see, `folder` the run's own, which keeps what models answered, `limits` the budget
    of each instance.
    """

    suite: Suite
    instances: Mapping[str, Instance]
    name: str
    root: Path
    runs: Path
    rest: str = ""
    model: str | None = None
    variables: Sequence[str] = ()
    folder: Path = Path()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Choice:
    """One --agent with one --model, as written; `label` is its name in records and reports."""

    spec: str
    model: str | None = None
    name: str = ""

    @property
    def label(self) -> str:
        base = self.name or self.spec
        return f"{base}+{self.model}" if self.model else base


_imported: Final[dict[tuple[Path, str], Any]] = {}
"""Files imported in this process, by path and content."""


def suites() -> list[str]:
    """The names of all suites that are built in or installed."""
    return sorted({*built_in(), *(point.name for point in importlib.metadata.entry_points(group=SUITES))})


def built_in() -> list[str]:
    """The names of the suites that are part of this package."""
    return sorted(_modules("suites"))


def agents() -> list[str]:
    """The names of all agents that are built in or installed; files and commands are named by themselves."""
    built_in = set(_modules("agents")) - {"known", "command", "replay"}
    return sorted({*KNOWN, *built_in, *(point.name for point in importlib.metadata.entry_points(group=AGENTS))})


def suite(name: str, data: Path | None = None) -> Suite:
    """The suite of this name, or the SUITE of FILE.py (FILE.py:NAME); with `data`, over the real data of that folder.

    Raises Misuse naming the nearest, and for a suite that takes no data.
    """
    found = _suite(name)
    if data is None:
        return found
    with_data: Callable[[Path], Suite] | None = getattr(found, "with_data", None)
    if with_data is None:
        takers = [one for one in suites() if hasattr(_suite(one), "with_data")]
        raise Misuse(f"Suite {found.name} takes no data.", next_step=f"--data is for {', '.join(takers)}.")
    if not data.is_dir():
        raise Misuse(f"There is no folder {data}.", next_step="--data names the folder that the files lie in.")
    return _checked(with_data(data.resolve()), name)


def _suite(name: str) -> Suite:
    if _is_file(name):
        return _checked(_from_file(name, "SUITE"), name)
    if name in _modules("suites"):
        return cast(Suite, importlib.import_module(f".suites.{name}", __package__).SUITE)
    for point in importlib.metadata.entry_points(group=SUITES, name=name):
        return _checked(point.load(), name)
    raise Misuse(f"There is no suite {name!r}.", next_step=f"{nearest(name, suites())} 'tilth eval list' lists them.")


def _checked(found: Any, origin: str) -> Suite:
    """Somebody else's suite: its name becomes the name of a folder. Raises Misuse."""
    lacks = [one for one in _SUITE_HAS if not hasattr(found, one)]
    if lacks:
        raise Misuse(f"{origin} is no suite: it has no {', '.join(lacks)}.", next_step="See tilth.evals.suite.Suite.")
    if not _SUITE_NAME.fullmatch(str(found.name)):
        raise Misuse(f"{origin}: {found.name!r} is no name for a suite.", next_step="Use letters, digits, _ and -.")
    return cast(Suite, found)


def matrix(specs: Sequence[str], models: Sequence[str]) -> list[Choice]:
    """Every agent with every model. NAME=SPEC gives an agent a name of its own. Raises Misuse for one named twice."""
    choices = []
    for text in specs:
        named = None if text.startswith("cmd:") else _NAMED.fullmatch(text)
        spec, name = (named[2], named[1]) if named else (text, "")
        alone = spec.partition(":")[0] in _WITHOUT_MODEL
        choices += [Choice(spec, model, name) for model in ([None] if alone or not models else models)]
    if models and choices and not any(one.model for one in choices):
        raise Misuse(
            f"--model means nothing for {', '.join(specs)}.", next_step="Leave it out, or add an agent that asks."
        )
    labels = [one.label for one in choices]
    for label in labels:
        if labels.count(label) > 1:
            raise Misuse(f"The agent {label!r} is named twice.", next_step="Give one a name: --agent NAME=AGENT")
    return choices


def agent(choice: Choice, setting: Setting) -> Agent:
    """The agent of this choice, ready to run. Raises Misuse naming the nearest name."""
    spec = choice.spec
    name, _, rest = spec.partition(":")
    if name == "cmd":
        return _made("command", setting, choice, rest)
    if spec in KNOWN:
        return _made("known", setting, choice, spec)
    if _is_file(spec):
        return _constructed(_from_file(spec, "Agent"), choice)
    if name in {*agents(), "replay"} and name in _modules("agents"):
        return _made(name, setting, choice, rest)
    for point in importlib.metadata.entry_points(group=AGENTS, name=name):
        return _constructed(point.load(), choice)
    hint = f'{nearest(name, agents())} Or FILE.py:CLASS, or cmd:"COMMAND".'
    raise Misuse(f"There is no agent {spec!r}.", next_step=hint)


def _made(module: str, setting: Setting, choice: Choice, rest: str) -> Agent:
    make: Callable[[Setting], Agent] = importlib.import_module(f".agents.{module}", __package__).agent
    return make(replace(setting, name=choice.label, rest=rest, model=choice.model))


def _constructed(made: Any, choice: Choice) -> Agent:
    """An agent of somebody else: `Class()`, or `Class(model=NAME)` where --model is given."""
    takes_model = "model" in inspect.signature(made).parameters
    if choice.model is not None and not takes_model:
        raise Misuse(f"{choice.spec} takes no model.", next_step="Leave --model out for it, or give it a parameter.")
    found = cast(Agent, made(model=choice.model) if takes_model and choice.model is not None else made())
    lacks = [one for one in ("name", "trusted", "run") if not hasattr(found, one)]
    if lacks:
        raise Misuse(f"{choice.spec} is no agent: it has no {', '.join(lacks)}.",
                     next_step="See tilth.evals.suite.Agent.")  # fmt: skip
    return found


def _modules(folder: str) -> list[str]:
    place = Path(__file__).parent / folder
    return [one.name for one in pkgutil.iter_modules([str(place)]) if not one.name.startswith("_")]


def _is_file(name: str) -> bool:
    return re.search(r"\.py(:|$)", name) is not None


def _from_file(name: str, default: str) -> Any:
    """What FILE.py:NAME names, FILE.py imported. Raises Misuse."""
    stem, _, rest = name.partition(".py")
    path, wanted = Path(f"{stem}.py").resolve(), rest.removeprefix(":") or default
    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise Misuse(f"Cannot read {path}: {error.strerror}.", next_step="Write FILE.py or FILE.py:NAME.") from None
    key = (path, content)
    if key not in _imported:
        _imported[key] = _import(path, content)
    module = _imported[key]
    if not hasattr(module, wanted):
        offered = [one for one in vars(module) if not one.startswith("_")]
        raise Misuse(f"{path} holds no {wanted}.", next_step=nearest(wanted, offered))
    return getattr(module, wanted)


def _import(path: Path, content: str) -> Any:
    name = f"tilth_eval_{path.stem}_{content[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misuse(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Misuse(f"{path} could not be imported: {type(error).__name__}: {error}.") from error
    return module
