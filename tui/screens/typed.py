"""What a line in the prompt is: free text, a command of the conversation (agent/commands), or one of the screen itself.

It knows the screen's own commands and makes palette, completion and help of both lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...agent import commands
from ...agent.commands import COMMANDS, Line
from ..terminal import Terminal
from ..text import table
from ..widgets.composer import Completion

if TYPE_CHECKING:
    from ...agent.workspace import Workspace


@dataclass(frozen=True)
class Own:
    """A command of the screen: `action` is what it does there, with `words` or with what follows the name."""

    name: str
    help: str
    action: str
    words: tuple[str, ...] = ()
    args: str = ""


OWN: Final = (
    Own("findings", "tab: what the profile found", "tab", ("findings",)),
    Own("rows", "tab: the rows as a table", "tab", ("rows",)),
    Own("dropped", "tab: what was dropped, example by example", "tab", ("drops",)),
    Own("run", "tab: what runs now", "tab", ("run",)),
    Own("ledger", "tab: everything that was done; undo, redo, why", "tab", ("ledger",)),
    Own("open", "another dataset; a file is imported", "open", args="NAME|PATH"),
    Own("theme", "light or dark", "theme"),
    Own("editor", "write the message in $EDITOR", "edit"),
)

WELCOME: Final = (
    "Say what you want in your own words, or / for commands, ! for a query.\n"
    "Ctrl+T goes to the pane and back, /help tells all keys."
)

KEYS: Final = (
    ("Enter", "send; Ctrl+J begins a new line"),
    ("Esc", "interrupt at once; else back to the prompt"),
    ("Ctrl+T", "between prompt and pane"),
    ("F1 to F5", "tabs of the pane; 1 to 5 within it, or /rows, /ledger …"),
    ("Ctrl+P", "all commands; Tab completes"),
    ("Ctrl+G", "write in $EDITOR"),
    ("↑ ↓", "what was typed before"),
    ("Shift+Tab", "to the transcript: ↑ ↓ blocks, Enter opens, y copies"),
    ("Ctrl+Q", "leave"),
)

LEAVING: Final = ("exit", "quit", ":q")


def read(text: str, dataset: str, workspace: Workspace) -> Line | Own | None:
    """What a line means; None for free text. Raises Misuse."""
    if text in LEAVING:
        text = "/quit"
    if text[0] not in "/!":
        return None
    name, _, rest = text[1:].partition(" ")
    own = next((one for one in OWN if text[0] == "/" and one.name == name), None)
    if own is not None:
        rest = rest.strip().removeprefix("@")
        return Own(own.name, own.help, own.action, (rest,)) if own.args and rest else own
    return commands.read(text, dataset, list(workspace.store.histories()))


def completions(text: str, workspace: Workspace | None) -> Sequence[Completion]:
    """What the last word of a text may become; nothing before the workspace is open."""
    if workspace is None:
        return ()
    found = [Completion(word, help) for word, help in commands.complete(text, workspace)]
    if text.startswith("/") and " " not in text:
        found += [Completion(f"/{one.name}", one.help) for one in OWN if one.name.startswith(text[1:])]
    return found


def help_lines(terminal: Terminal) -> Iterator[str]:
    """Every command and key."""
    listed = [(one.name, one.args, one.help) for one in COMMANDS] + [(one.name, one.args, one.help) for one in OWN]
    rows = [[f"/{name} {args}".strip(), help] for name, args, help in listed]
    yield from table(rows, columns=terminal.columns, header=False)
    yield ""
    yield from table(KEYS, columns=terminal.columns, header=False)
