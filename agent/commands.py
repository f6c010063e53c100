"""The slash commands of a conversation: one table for the prompt, the palette, completion and help.

It knows what a line means, its twin on the command line, and which method of a workspace it is. It does not print.
Commands without a handler belong to the conversation itself: the face that holds it does them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..tools.errors import Misuse, nearest

if TYPE_CHECKING:
    from .workspace import Workspace

ADDRESS: Final = re.compile(r"[a-z0-9][a-z0-9._/-]*(?:[@~]\S+)?")


@dataclass(frozen=True)
class Line:
    """A command line that was read: the dataset meant, the other words, and `--name value` options."""

    command: Command
    dataset: str
    words: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def twin(self) -> list[str]:
        """The same on the command line, `tilth` left out; [] for what only a conversation has."""
        if not self.command.twin:
            return []
        given = {"X": [self.dataset] if self.dataset else [], "…": list(self.words)}
        words = [word for part in self.command.twin.split() for word in given.get(part, [part])]
        flags = [text for name, value in self.options.items() for text in _flag(name, value)]
        return [*words, *flags]

    @property
    def shown(self) -> str:
        """The twin as a person would type it."""
        return typed(["tilth", *self.twin]) if self.twin else ""

    def option(self, name: str) -> str | None:
        value = self.options.get(name)
        return None if value is None else str(value)


@dataclass(frozen=True)
class Command:
    """`twin` is the command line: X stands for the dataset, … for the words. `takes_dataset`: the first word may name
    another dataset than the one at hand. `wants` is the least number of words."""

    name: str
    args: str
    help: str
    twin: str = ""
    handler: Callable[[Workspace, Line], Any] | None = None
    takes_dataset: bool = True
    wants: int = 0


def read(text: str, dataset: str, known: Sequence[str]) -> Line:
    """What a line that begins with `/` or `!` means. `known` are the names of datasets. Raises Misuse."""
    if text.startswith("!"):
        return Line(_named("sql"), _some(dataset), (text[1:].strip(),))
    try:
        name, *words = shlex.split(text[1:]) or [""]
    except ValueError:  # a quote without its twin, as in "because it's short"
        name, *words = text[1:].split()
    command = _named(name)
    plain, options = _options(words)
    at = 1 if command.name == "do" else 0
    if command.takes_dataset and len(plain) > at and _is_dataset(plain[at], known):
        dataset = plain.pop(at)
    if len(plain) < command.wants:
        raise Misuse(f"/{command.name} wants more words.", next_step=f"Write: /{command.name} {command.args}")
    if command.takes_dataset and command.twin and " X" in command.twin:
        dataset = _some(dataset)
    if command.name in ("keep", "drop") and "because" not in options:
        reason = plain[2:] if plain[1:2] == ["because"] else plain[1:]
        plain, options = plain[:1], {**options, "because": " ".join(reason)}
    return Line(command, dataset, tuple(plain), options)


def typed(words: Sequence[str]) -> str:
    """Words as a person would type them: quoted where a shell needs it, SQL's own quotes inside of double ones."""
    return " ".join(
        f'"{word}"' if "'" in word and not re.search(r'["$`\\!\n]', word) else shlex.quote(word) for word in words
    )


def complete(text: str, workspace: Workspace) -> Iterator[tuple[str, str]]:
    """What the last word of a text may become, with a word of help: commands at the start, addresses behind `@`."""
    word = text.rpartition(" ")[2]
    if text.startswith("/") and word == text:
        for one in COMMANDS:
            if one.name.startswith(word[1:]):
                yield f"/{one.name}", one.help
    if word.startswith("@"):
        for address, told in addresses(workspace):
            if address.startswith(word[1:]):
                yield f"@{address}", told


def addresses(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Every dataset, tag and step back that an address can name."""
    for one in workspace.datasets():
        yield one.name, f"{one.rows:,} rows"
        for tag in one.tags:
            yield f"{one.name}@{tag}", "tag"
        for steps in range(1, one.undoable + 1):
            yield f"{one.name}~{steps}", f"{steps} steps back"


def _named(name: str) -> Command:
    wanted = {"exit": "quit", "q": "quit", "?": "help"}.get(name, name)
    found = next((one for one in COMMANDS if one.name == wanted), None)
    if found is None:
        raise Misuse(
            f"There is no command /{name}.", next_step=f"{nearest(name, [one.name for one in COMMANDS])} See /help."
        )
    return found


def _some(dataset: str) -> str:
    if not dataset:
        raise Misuse("No dataset is named.", next_step="Write /use NAME, or /import NAME PATH to make one.")
    return dataset


def _is_dataset(word: str, known: Sequence[str]) -> bool:
    name = word.removeprefix("@")
    return bool(ADDRESS.fullmatch(name)) and name.partition("@")[0].partition("~")[0] in known


def _options(words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """-> (plain words, options). `--flag` before another option or at the end is a switch."""
    plain: list[str] = []
    options: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or len(word) == 2:
            plain.append(word.removeprefix("@"))
            continue
        name, equals, value = word[2:].partition("=")
        if equals:
            options[name] = value
        elif rest and not rest[0].startswith("--"):
            options[name] = rest.pop(0)
        else:
            options[name] = True
    return plain, options


def _flag(name: str, value: Any) -> list[str]:
    return [f"--{name}"] if value is True else [f"--{name}", str(value)]


def _arguments(line: Line) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in line.options.items()}


COMMANDS: Final = (
    Command("inspect", "[X]", "what a dataset holds and what is wrong with it", "inspect X …",
            lambda workspace, line: workspace.inspect(line.dataset)),
    Command("do", "TOOL [X] [--arg value]", "run a tool; undo takes it back", "do … X",
            lambda workspace, line: workspace.do(line.words[0], line.dataset, **_arguments(line)), wants=1),
    Command("tools", "[TOOL]", "list tools, or show one", "tools …", takes_dataset=False),
    Command("drops", "[X] [--reason R]", "what was dropped and why, with examples", "drops X …",
            lambda workspace, line: workspace.drops(line.dataset, step=line.option("step"), reason=line.option("reason"))),
    Command("show", "[X] [--where SQL]", "look at rows", "show X …",
            lambda workspace, line: workspace.show(line.dataset, where=line.option("where"))),
    Command("sql", "QUERY", "query a dataset, read-only; !QUERY is the same", "sql X …",
            lambda workspace, line: workspace.sql(line.dataset, line.words[0], limit=200), wants=1),
    Command("why", "ROW", "the whole life of one row", "why …",
            lambda workspace, line: workspace.why(line.words[0]), takes_dataset=False, wants=1),
    Command("keep", "ROW because …", "rule that a row stays, now and later", "keep …",
            lambda workspace, line: workspace.keep(line.words[0], because=str(line.options["because"])),
            takes_dataset=False, wants=2),
    Command("drop", "ROW because …", "rule that a row goes, now and later", "drop …",
            lambda workspace, line: workspace.drop(line.words[0], because=str(line.options["because"])),
            takes_dataset=False, wants=2),
    Command("undo", "[X]", "take back the last step", "undo X …",
            lambda workspace, line: workspace.undo(line.dataset, to=line.option("to"))),
    Command("redo", "[X]", "take back the last undo", "redo X",
            lambda workspace, line: workspace.redo(line.dataset)),
    Command("diff", "[A] [B]", "what the last step did, or what differs between two versions", "diff X …",
            lambda workspace, line: workspace.diff(line.dataset, *line.words[:1])),
    Command("log", "[X]", "what was done", "log X", lambda workspace, line: workspace.log(line.dataset)),
    Command("export", "[X] [DIR] [--for TRAINER]", "write files that load, with their card", "export X …",
            lambda workspace, line: workspace.export(line.dataset, *line.words[:1])),
    Command("card", "[X]", "the dataset card", "card X", lambda workspace, line: workspace.card(line.dataset)),
    Command("recipe", "[X]", "what was done, as a recipe that gives the same version", "log X --recipe",
            lambda workspace, line: workspace.recipe(line.dataset)),
    Command("import", "NAME PATH …", "read files as a dataset", "import …",
            lambda workspace, line: workspace.add(*line.words[1:], name=line.words[0]), takes_dataset=False, wants=2),
    Command("datasets", "", "the datasets here", "datasets", lambda workspace, line: workspace.datasets(),
            takes_dataset=False),
    Command("use", "X", "the dataset this conversation is about"),
    Command("context", "", "what the model is given, and what it costs", takes_dataset=False),
    Command("model", "", "who answers, and what it may see of the data", "models", takes_dataset=False),
    Command("sessions", "", "the conversations of this workspace", "sessions", takes_dataset=False),
    Command("help", "", "this list", takes_dataset=False),
    Command("quit", "", "leave; the conversation can be resumed", takes_dataset=False),
)  # fmt: skip
