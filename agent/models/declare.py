"""`tilth models add`: ask a server what it offers and write it into tilth.toml, whose comments and order stay.

It knows TOML as text: tables are added, empty roles filled, and the outcome is read back before it is kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args
from urllib.parse import urlsplit

import openai

from ...tools.errors import Misuse, nearest
from ...tools.store import disk
from ..config import Config, Endpoint, Role, Sight, read_config

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Added:
    """What was written: the endpoint's address and what it may see, the roles that were filled and those that nobody
    plays yet, what it offers. `new` is false where the endpoint was there already."""

    name: str
    base_url: str
    may_see: Sight
    new: bool
    roles: Mapping[Role, Sequence[str]]
    empty: Sequence[Role]
    offered: Sequence[str]
    path: Path


def add(
    root: Path,
    name: str,
    url: str,
    *,
    key_env: str | None = None,
    may_see: Sight | None = None,
    models: Sequence[str] = (),
) -> Added:
    """Write an endpoint, and roles that are empty: with `models`, or with the only one the server offers.

    The first model generates, the last judges close cases, those between review; one model does it all. With `models`
    an endpoint that is there under the same address only fills roles. Raises Misuse and Unavailable; then nothing is
    written.
    """
    config = read_config(root)
    _check(config, name, url, key_env)
    known = _known(config, name, url, key_env, may_see, models)
    if known is not None:
        key_env, may_see = known.api_key_env, known.sees
    base_url, offered = asyncio.run(_ask(name, _addresses(url), key_env))
    for model in models:
        if model not in offered:
            raise Misuse(f"{urlsplit(base_url).netloc} has no model {model!r}.", next_step=nearest(model, offered))
    sees = may_see or Endpoint(base_url=base_url).sees
    table = {"base_url": base_url, **({"api_key_env": key_env} if key_env else {}), "may_see": sees}
    table = table if known is None else {}
    chosen = [f"openai:{model}@{name}" for model in models or (offered if len(offered) == 1 else ())]
    filled = {role: named for role, named in _casting(chosen).items() if not config.roles.get(role)}
    if known is not None and not filled:
        raise Misuse("Every role in tilth.toml has a model already; the file was left as it is.",
                     next_step="'tilth models' lists them; edit [roles] in tilth.toml to change them.")  # fmt: skip
    path = (root / "tilth.toml").resolve()
    before = path.read_bytes().decode() if path.exists() else ""
    after = extended(before, name, table, filled)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    disk.write_file(path, after.encode(), temporary=path.with_name(f".{path.name}.{os.getpid()}"), mode=mode)
    empty = [role for role in get_args(Role) if not config.roles.get(role) and role not in filled]
    return Added(name, base_url, sees, known is None, filled, empty, offered, path)


def _check(config: Config, name: str, url: str, key_env: str | None) -> None:
    if not NAME.fullmatch(name):
        raise Misuse(
            f"{name!r} cannot name an endpoint.", next_step="Names are 1 to 64 of letters, digits, '_' and '-'."
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misuse(f"{url!r} is no URL of a server.", next_step="Write it as http://host:8000/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not shown: it may hold a key.
        raise Misuse("The URL holds a user, a password or a query, which tilth.toml must not.",
                     next_step="Give the key by --key-env VARIABLE.")  # fmt: skip
    if key_env is not None and not VARIABLE.fullmatch(key_env):
        raise Misuse("--key-env takes the name of a variable, not a key.", next_step="For example: --key-env LAB_KEY")
    if key_env is not None and not os.environ.get(key_env):
        raise Misuse(f"The variable that --key-env names ({key_env}) is not set.", next_step=f"Run: export {key_env}=…")


def _known(
    config: Config, name: str, url: str, key_env: str | None, may_see: Sight | None, models: Sequence[str]
) -> Endpoint | None:
    """The endpoint as it is in tilth.toml, where only roles are to be filled; None where it is not there."""
    known = config.endpoints.get(name)
    if known is None:
        return None
    same = known.base_url.rstrip("/") in _addresses(url)
    same = same and key_env in (None, known.api_key_env) and may_see in (None, known.sees)
    if same and models:
        return known
    fill = f"To fill roles that are empty: tilth models add {name} {known.base_url} --model MODEL"
    raise Misuse(f"tilth.toml has an endpoint {name!r} already; it was left as it is.",
                 next_step=fill if same else "Edit the file, or choose another name.")  # fmt: skip


def _addresses(url: str) -> list[str]:
    url = url.rstrip("/")
    return [url] if url.endswith("/v1") else [url, f"{url}/v1"]


async def _ask(name: str, addresses: Sequence[str], key_env: str | None) -> tuple[str, list[str]]:
    """-> (the address that answers, the models it lists)."""
    from .answer import Tally
    from .server import Server

    for address in addresses:
        endpoint = Endpoint(base_url=address, api_key_env=key_env)
        server = Server(name, endpoint, tally=Tally(), attempts=1, declared=False)
        try:
            return address, [str(one["id"]) for one in await server.models()]
        except openai.APIStatusError as error:
            refusal = server.told(error)
        finally:
            await server.close()
    next_step = "Give the address under which it answers /models; it usually ends in /v1."
    raise Misuse(f"{refusal.args[0]}", next_step=next_step)


def _casting(chosen: Sequence[str]) -> dict[Role, list[str]]:
    if not chosen:
        return {}
    if len(chosen) == 1:
        return {role: list(chosen) for role in get_args(Role)}
    roles: dict[Role, list[str]] = {"generator": [chosen[0]], "reviewer": list(chosen[1:-1] or chosen[1:])}
    return roles if len(chosen) == 2 else {**roles, "adjudicator": [chosen[-1]]}


def extended(text: str, name: str, table: Mapping[str, str], roles: Mapping[Role, Sequence[str]]) -> str:
    """The file's text with one more endpoint, unless its `table` is empty, and its empty roles filled; every old line
    stays where it is.

    Raises Misuse when the file is written in a way that cannot be added to.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    before = tomllib.loads(text)
    after = text if not text or text.endswith("\n") else text + newline
    if roles:
        after = _with_roles(after, roles, "roles" in before, newline)
    block, wanted = [], before
    if table:
        values = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items())
        block = [f"[endpoints.{name}]", *values]
        after += (newline if after else "") + newline.join(block) + newline
        wanted = {**before, "endpoints": {**before.get("endpoints", {}), name: dict(table)}}
    if roles:
        filled = {role: list(named) for role, named in roles.items()}
        wanted = {**wanted, "roles": {**before.get("roles", {}), **filled}}
    try:
        if tomllib.loads(after) == wanted:
            return after
    except tomllib.TOMLDecodeError:
        pass
    lines = [
        *block,
        *(f"roles.{role} = {json.dumps(list(named), ensure_ascii=False)}" for role, named in roles.items()),
    ]
    raise Misuse("tilth.toml is written in a way nothing can be added to; it was left as it is.",
                 next_step="Add this by hand: " + "; ".join(lines))  # fmt: skip


def _with_roles(text: str, roles: Mapping[Role, Sequence[str]], has_table: bool, newline: str) -> str:
    lines = {role: f"{role} = {json.dumps(list(named), ensure_ascii=False)}" for role, named in roles.items()}
    if not has_table:
        return text + (newline if text else "") + newline.join(["[roles]", *lines.values()]) + newline
    start = re.search(r"(?m)^[ \t]*\[[ \t]*roles[ \t]*\][^\n]*\n", text)
    if start is None:
        return text  # an inline table or dotted keys: reading back will tell
    head, rest = text[: start.end()], text[start.end() :]
    following = re.search(r"(?m)^[ \t]*\[", rest)
    end = following.start() if following else len(rest)
    table, tail = rest[:end], rest[end:]
    for role, line in lines.items():
        empty = re.search(rf"(?m)^{role}[ \t]*=[ \t]*\[[ \t]*\]", table)
        if empty is None:
            head += line + newline
        else:
            table = table[: empty.start()] + line + table[empty.end() :]
    return head + table + tail
