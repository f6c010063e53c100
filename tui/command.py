"""One command being run: its arguments, the face it answers through, the workspace it opens.

It knows which face the options ask for and where the workspace is. It does not know verbs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..agent.events import Listener, Noticed
from ..tools.errors import Misuse
from .faces.ndjson import NdjsonFace, RowFormat
from .faces.plain import Human, PlainFace
from .terminal import terminal_of

if TYPE_CHECKING:
    from ..agent.acting.spending import Spending
    from ..agent.chat.approval import Approved
    from ..agent.models.budget import Caps
    from ..agent.workspace import Workspace


class Face(Protocol):
    """Where events, answers and errors go."""

    @property
    def listener(self) -> Listener: ...

    def result(self, line: Mapping[str, Any], human: Human | None = None, *, instead: bool = False) -> None: ...

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Iterable[str] = ()) -> None: ...

    def fail(self, message: str, next_step: str, exit_code: int) -> None: ...

    def close(self) -> None: ...


def open_face(words: Sequence[str]) -> Face:
    """The face a command line asks for, also when the line turns out to be wrong."""
    asked = set(words)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="backslashreplace")
    if "--json" in asked:
        return NdjsonFace(_utf8(sys.stdout))
    row_format: RowFormat | None = "jsonl" if "--jsonl" in asked else "csv" if "--csv" in asked else None
    plain = "--plain" in asked
    return PlainFace(
        _utf8(sys.stdout) if row_format else sys.stdout,
        sys.stderr,
        screen=terminal_of(sys.stdout, plain=plain),
        narrator=terminal_of(sys.stderr, plain=plain),
        quiet="--quiet" in asked,
        row_format=row_format,
    )


def _utf8(stream: Any) -> Any:
    """JSON and CSV are UTF-8 whatever the locale says."""
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
        stream.reconfigure(encoding="utf-8")
    return stream


@dataclass(frozen=True)
class Command:
    """`args` as parsed; `tool` holds the values of the flags of the tool that `do` names."""

    args: argparse.Namespace
    face: Face
    tool: Any = None

    def option(self, name: str, default: Any = None) -> Any:
        value = getattr(self.args, name, None)
        return default if value is None else value

    @property
    def wants_rows(self) -> bool:
        """Are bare rows asked for? `--json` wins: its result holds them."""
        return bool(self.option("jsonl") or self.option("csv")) and not self.option("json")

    @property
    def seed(self) -> int:
        return int(self.option("seed", 0))

    @property
    def folder(self) -> Path:
        folder = Path(self.option("workspace", "."))
        if not folder.is_dir():
            raise Misuse(
                f"--workspace {folder}: there is no such folder.", next_step=f"'tilth init {folder}' makes it."
            )
        return folder

    @property
    def spending(self) -> Spending:
        """The caps of the line, and a question on the terminal where there is one."""
        from ..agent.acting.spending import Spending
        from .faces.consent import asker

        return Spending(
            max_calls=self.option("max_calls"),
            max_usd=self.option("max_usd"),
            max_minutes=self.option("max_minutes"),
            yes=bool(self.option("yes")),
            agree=asker(self.face),
        )

    @property
    def caps(self) -> Caps:
        """The caps of the line, for a conversation."""
        from ..agent.models.budget import Caps

        return Caps(self.option("max_calls"), self.option("max_usd"), self.option("max_minutes"))

    @property
    def approved(self) -> Approved:
        """What a model's calls may do where nobody is asked. Raises Misuse."""
        from ..agent.chat.approval import approved

        return approved(self.option("approve", ""), self.caps)

    def has_workspace(self) -> bool:
        from ..tools.store.store import find_workspace

        return find_workspace(self.folder.resolve()) is not None

    def open(self, *datasets: str, create: bool = False, listener: Listener | None = None) -> Workspace:
        """The workspace; made here when `create` says so or one of `datasets` is a file to be imported. `listener` hears
        in place of the face, where a screen is up."""
        from ..agent.opened import refuse_missing_file
        from ..agent.workspace import open_workspace

        create = create or any(os.path.exists(name) or any(mark in name for mark in "*?") for name in datasets)
        new = create and not self.has_workspace()
        if not create and not self.has_workspace():
            for name in datasets:
                refuse_missing_file(name)
        workspace = open_workspace(
            self.folder,
            seed=self.seed,
            threads=self.option("threads"),
            listener=listener or self.face.listener,
            spending=self.spending,
            create=create,
        )
        if new:
            workspace.listener(Noticed(f"{workspace.root} is now a workspace (its state is in .tilth/)"))
        return workspace
