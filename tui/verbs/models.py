"""The verb `models`: list endpoints and roles, add an endpoint, check what models can do."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...agent.config import Config, is_local, read_config
from ...agent.events import Noticed
from ...agent.models import connections
from ...tools.errors import Misuse, Unavailable, nearest
from ...tools.store.store import find_workspace
from ..render.listings import models as shown

if TYPE_CHECKING:
    from ...agent.models.probe import Probed
    from ..command import Command


def models(command: Command) -> int:
    words = command.args.words
    action, rest = (words[0], words[1:]) if words else ("", [])
    if action != "add":
        for option in ("key_env", "may_see", "model"):
            if getattr(command.args, option):
                raise Misuse(f"--{option.replace('_', '-')} is for 'tilth models add'.")
    if action == "add":
        _add(command, rest)
        return 0
    if action == "check":
        return _check(command, rest)
    if action:
        raise Misuse(f"'tilth models' has no {action!r}.", next_step=nearest(action, ["add", "check"]))
    _list(command)
    return 0


def _root(command: Command) -> Path:
    folder = command.folder.resolve()
    return find_workspace(folder) or folder


def _list(command: Command) -> None:
    config = read_config(_root(command))
    named = connections.roles(config)
    line = {
        "tool": "models",
        "endpoints": [
            {"name": name, "base_url": one.base_url, "api_key_env": one.api_key_env, "may_see": one.sees}
            for name, one in config.endpoints.items()
        ],
        "roles": {role: [str(one) for one in found] for role, found in named.items()},
    }
    command.face.result(line, lambda screen: shown.listed(line, screen))


def _add(command: Command, words: list[str]) -> None:
    from ...agent.models.declare import add

    if len(words) != 2:
        raise Misuse("'tilth models add' takes a name and a URL.",
                     next_step="For example: tilth models add lab http://localhost:8000/v1")  # fmt: skip
    args = command.args
    added = add(_root(command), *words, key_env=args.key_env, may_see=args.may_see, models=args.model)
    if args.key_env and urlsplit(added.base_url).scheme == "http" and not is_local(added.base_url):
        command.face.listener(Noticed("the key travels unencrypted: the URL is http", "warning"))
    line: dict[str, Any] = {
        "tool": "models.add",
        "endpoint": added.name,
        "base_url": added.base_url,
        "may_see": added.may_see,
        "new": added.new,
        "roles": dict(added.roles),
        "empty": list(added.empty),
        "models": list(added.offered),
        "wrote": str(added.path),
    }
    command.face.result(line, lambda screen: shown.added(line, screen))


def _check(command: Command, words: list[str]) -> int:
    config = read_config(_root(command))
    names = words or list(dict.fromkeys(str(one) for named in connections.roles(config).values() for one in named))
    if not names:
        name, url = next(((name, one.base_url) for name, one in config.endpoints.items()), ("", ""))
        next_step = f"Say which: tilth models add {name} {url} --model MODEL" if name else \
            "Run: tilth models add NAME URL"  # fmt: skip
        raise Misuse("There is no model to check: the roles in tilth.toml are empty.", next_step=next_step)
    found = asyncio.run(_probe(config, names))
    faults = [one for one in found if one.fault]
    if len(found) == len(faults) == 1:
        raised = Unavailable if faults[0].exit_code == Unavailable.exit_code else Misuse
        raise raised(faults[0].fault, next_step=faults[0].next_step)
    line = {"tool": "models.check", "models": [dataclasses.asdict(one) for one in found]}
    command.face.result(line, lambda screen: shown.probed(found, screen))
    return faults[0].exit_code if faults else 0


async def _probe(config: Config, names: list[str]) -> list[Probed]:
    from ...agent.models.probe import probe

    async with connections.Connections(config, attempts=2) as opened:
        return [await probe(name, opened) for name in names]
