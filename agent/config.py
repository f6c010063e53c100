"""`tilth.toml`: endpoints, roles and own tools, validated once at the edge.

It knows names of environment variables, never their values.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..tools.errors import Misuse, nearest

Sight = Literal["rows", "statistics", "nothing"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Endpoint(_Strict):
    """An OpenAI-compatible server; `may_see` says what of the data it may receive."""

    base_url: str
    api_key_env: str | None = None
    may_see: Sight | None = None


class Tools(_Strict):
    """Files of own tools; nothing else is ever loaded."""

    load: list[str] = Field(default_factory=list)


class Config(_Strict):
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)
    roles: dict[Literal["generator", "reviewer", "adjudicator"], list[str]] = Field(default_factory=dict)
    tools: Tools = Field(default_factory=Tools)


def read_config(root: Path) -> Config:
    """The workspace's configuration; without a file, the empty one. Raises Misuse naming the key at fault."""
    path = root / "tilth.toml"
    try:
        return Config.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError:
        return Config()
    except tomllib.TOMLDecodeError as error:
        raise Misuse(f"{path.name}: {error}.", next_step="It is written in TOML.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = list(Config.model_fields) if len(first["loc"]) == 1 else []
        next_step = nearest(str(first["loc"][-1]), known) if first["type"] == "extra_forbidden" and known else ""
        raise Misuse(f"{path.name}: {where}: {first['msg']}.", next_step=next_step) from None
