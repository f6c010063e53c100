"""What a line in the prompt means: free text, a slash command, or a read-only query after `!`; and how it is completed.

It knows one table of commands: palette, help and completion are all made from it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...tools.errors import Misuse, nearest
from ..render import rows as records
from ..terminal import Terminal
from ..text import table
from ..widgets.composer import Completion, last_word

if TYPE_CHECKING:
    from ...agent.workspace import Workspace

Render = Callable[[Terminal], Iterable[str]]
SQL_ROWS: Final = 200


@dataclass(frozen=True)
class Here:
    """A command of the screen itself: `action` is what it presses, with these words."""

    name: str
    help: str
    action: str
    words: tuple[str, ...] = ()
    takes: str = ""


HERE: Final = (
    Here("findings", "what the profile found", "tab", ("findings",)),
    Here("rows", "the rows as a table", "tab", ("rows",)),
    Here("drops", "what was dropped, with examples", "tab", ("drops",)),
    Here("run", "what runs now", "tab", ("run",)),
    Here("ledger", "everything that was done; undo, redo, why", "tab", ("ledger",)),
    Here("open", "another dataset, or a file", "open", takes="NAME|PATH"),
    Here("theme", "light or dark", "theme"),
    Here("editor", "write the message in $EDITOR (Ctrl+G)", "edit"),
    Here("help", "every command and key", "help"),
    Here("quit", "leave; the conversation can be resumed", "quit"),
)

KEYS: Final = (
    ("Enter", "send"), ("Ctrl+J", "new line"), ("Esc", "interrupt at once; else back to the prompt"),
    ("Ctrl+T", "prompt and pane"), ("Alt+1 to 5", "tabs of the pane"), ("Ctrl+P", "commands"),
    ("Ctrl+G", "external editor"), ("↑ ↓", "what was typed before"), ("Tab", "complete"),
    ("y, Ctrl+C", "copy, also over SSH"), ("Ctrl+Q", "leave"),
)  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """A line that is no free text. `here` is an action of the screen, else `answer` is called in a thread."""

    line: str
    name: str
    dataset: str = ""
    here: str = ""
    words: tuple[str, ...] = ()
    twin: str = ""

    @classmethod
    def read(cls, line: str, dataset: str) -> Typed | None:
        """What a line means; None for free text."""
        if line.startswith("!"):
            query = line[1:].strip()
            twin = shlex.join(["tilth", "sql", dataset or "X", query])
            return cls(line, "sql", dataset, words=(query,), twin=twin)
        if not line.startswith("/"):
            return None
        name, _, rest = line[1:].partition(" ")
        found = next((one for one in HERE if one.name == name), None)
        if found is not None:
            words = found.words + ((rest.strip(),) if found.takes and rest.strip() else ())
            return cls(line, name, dataset, here=found.action, words=words)
        return cls(line, name, dataset, words=(rest,))

    def answer(self, workspace: Workspace, engine: Any) -> Render:
        """Do it; -> how the answer is drawn. Raises TilthError."""
        if self.name == "sql":
            if not self.dataset:
                raise Misuse("No dataset is open.", next_step="/open NAME")
            found = workspace.sql(self.dataset, self.words[0], limit=SQL_ROWS)
            values = records.table_rows(found)
            return lambda terminal: records.grid(found.column_names, values, terminal)
        raise Misuse(f"There is no command /{self.name}.", next_step=nearest(self.name, [one.name for one in HERE]))


def completions(text: str, workspace: Workspace) -> Sequence[Completion]:
    """What the word that ends a text can become: commands at the beginning, datasets and versions after @."""
    word = last_word(text)
    if text.startswith("/") and word == text:
        return [Completion(f"/{one.name}", one.help) for one in HERE if one.name.startswith(word[1:])]
    if word.startswith("@"):
        return [one for one in _addresses(workspace) if one.text.startswith(word)]
    return []


def _addresses(workspace: Workspace) -> Iterable[Completion]:
    for one in workspace.datasets():
        yield Completion(f"@{one.name}", f"{one.rows:,} rows, {one.versions} versions")
        for tag in one.tags:
            yield Completion(f"@{one.name}@{tag}", "tag")
        for steps in range(1, one.undoable + 1):
            yield Completion(f"@{one.name}~{steps}", f"{steps} steps back")


def help_lines(terminal: Terminal) -> Iterable[str]:
    """Every command and key."""
    yield from table([[f"/{one.name} {one.takes}".strip(), one.help] for one in HERE], columns=terminal.columns, header=False)
    yield ""
    yield from table(KEYS, columns=terminal.columns, header=False)
