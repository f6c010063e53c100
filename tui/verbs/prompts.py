"""The verb prompts: list the texts models are given, print one, copy one into the workspace to change it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...prompts import PromptError, Prompts
from ...tools.errors import Misuse
from ...tools.store.store import find_workspace
from ..render.listings import prompts as render

if TYPE_CHECKING:
    from ..command import Command


def prompts(command: Command) -> None:
    args = command.args
    if args.eject and args.name is None:
        raise Misuse("--eject wants a prompt's name.", next_step="'tilth prompts' lists them.")
    known = Prompts(_folder(command))
    try:
        if args.name is None:
            listed = [
                {"name": name, "sha": known.template(name).sha, "path": str(known.path(name)),
                 "shadowed": known.shadowed(name)}
                for name in known.names()
            ]  # fmt: skip
            command.face.result({"tool": "prompts", "prompts": listed}, lambda screen: render.listed(listed, screen))
            return
        path = known.eject(args.name) if args.eject else known.path(args.name)
        prompt = known.template(args.name)
    except PromptError as error:
        raise Misuse(error.message, next_step=error.next_step) from None
    line = {"tool": "prompts", "name": prompt.name, "sha": prompt.sha, "path": str(path), "ejected": args.eject}
    if not args.eject:
        line["text"] = prompt.text
    command.face.result(line, lambda screen: render.one(line, screen))


def _folder(command: Command) -> Path | None:
    """The workspace's own prompts; None outside a workspace."""
    root = find_workspace(command.folder.resolve())
    return None if root is None else root / "prompts"
