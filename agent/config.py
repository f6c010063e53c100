"""`tilth.toml`: endpoints, roles and own tools, validated once at the edge.

It knows names of environment variables, never their values.
"""

from __future__ import annotations

import ipaddress
import json
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from ..tools.errors import Misuse, nearest

Sight = Literal["rows", "statistics", "nothing"]
Role = Literal["generator", "reviewer", "adjudicator"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Price(_Strict):
    """US dollars per million tokens, and the day somebody looked them up."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    as_of: str = ""


class ModelFacts(_Strict):
    """What people declare about one model of an endpoint; a new `revision` asks every question anew."""

    revision: str = ""
    price: Price | None = None


class Timeouts(_Strict):
    """Seconds: until connected, until the first token of a streamed answer, until the whole answer."""

    connect: float = Field(default=10.0, gt=0)
    first_token: float = Field(default=120.0, gt=0)
    total: float = Field(default=600.0, gt=0)


class Endpoint(_Strict):
    """An OpenAI-compatible server; `may_see` says what of the data it may receive, `simulated` that no model answers there:
    what `tilth eval` measures with it is never shown beside a real model's."""

    base_url: str
    api_key_env: str | None = None
    may_see: Sight | None = None
    simulated: bool = False
    concurrency: int = Field(default=32, ge=1)
    requests_per_minute: float | None = Field(default=None, gt=0)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    models: dict[str, ModelFacts] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _bears_no_secret(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise ValueError("a URL here holds no user and no password; name the key's variable in api_key_env")
        return url

    @property
    def host(self) -> str:
        """Host and port as they are shown to people."""
        return urlsplit(self.base_url).netloc

    @property
    def local(self) -> bool:
        """Is it on this machine or its private network?"""
        return is_local(self.base_url)

    @property
    def sees(self) -> Sight:
        """`may_see`; where nobody said, rows for local hosts and statistics for all others."""
        return self.may_see or ("rows" if is_local(self.base_url) else "statistics")


class Tools(_Strict):
    """Files of own tools; nothing else is ever loaded."""

    load: list[str] = Field(default_factory=list)


class Chat(_Strict):
    """What a model's calls in a conversation ask a person for. `risky`: what spends, sends or exports, and changes that
    drop over 20 % of the rows; `all`: every change too; `off`: only what spends or sends. `model` is who answers, by
    default the first generator; `context` its context in tokens, by default what the server tells."""

    review: Literal["off", "risky", "all"] = "risky"
    model: str | None = None
    context: int | None = Field(default=None, ge=1024)


class Config(_Strict):
    chat: Chat = Field(default_factory=Chat)
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)
    roles: dict[Role, list[str]] = Field(default_factory=dict)
    tools: Tools = Field(default_factory=Tools)
    _served: str = PrivateAttr("")

    @field_validator("roles", mode="before")
    @classmethod
    def _one_is_a_list(cls, roles: Any) -> Any:
        """`generator = "offline:"` means `generator = ["offline:"]`."""
        if not isinstance(roles, dict):
            return roles
        return {role: [named] if isinstance(named, str) else named for role, named in roles.items()}

    @property
    def served(self) -> str:
        """The address of the server that `tilth serve` runs for this workspace; "" without one."""
        return self._served


def server_file(root: Path) -> Path:
    """Where the server that a workspace runs is written down."""
    return root / ".tilth" / "serve" / "server.json"


def _served(root: Path) -> str:
    try:
        return str(json.loads(server_file(root).read_text())["base_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def is_local(url: str) -> bool:
    """Is the host this machine or an address of a private network? Names other than localhost are not looked up."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address: Any = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return bool(address.is_loopback or address.is_private or address.is_link_local) and not address.is_unspecified


def read_config(root: Path) -> Config:
    """The workspace's configuration; without a file, the empty one. Raises Misuse naming the key at fault."""
    path = root / "tilth.toml"
    try:
        config = Config.model_validate(tomllib.loads(path.read_text())) if path.exists() else Config()
        config._served = _served(root)
        return config
    except tomllib.TOMLDecodeError as error:
        raise Misuse(f"{path.name}: {error}.", next_step="It is written in TOML.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = list(Config.model_fields) if len(first["loc"]) == 1 else []
        next_step = nearest(str(first["loc"][-1]), known) if first["type"] == "extra_forbidden" and known else ""
        if first["loc"][0] == "roles" and not next_step:
            next_step = f'As in: generator = ["openai:MODEL@ENDPOINT"]; the roles are {", ".join(get_args(Role))}.'
        raise Misuse(f"{path.name}: {where}: {first['msg']}.", next_step=next_step) from None
