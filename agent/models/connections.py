"""Which model a name means: "openai:MODEL@ENDPOINT", "vllm:MODEL" or "offline:", and the roles that name them.

It knows names and configuration. It opens no connection before a model is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from ...tools.errors import Misuse, nearest
from ..config import Config, Endpoint, Role
from ..events import Listener, Noticed
from .answer import Tally
from .offline import NAME as OFFLINE

if TYPE_CHECKING:
    from ...tools.context import Model
    from ...tools.store.calls import Calls
    from .budget import Budget, Caps
    from .client import Learned
    from .server import Server

VLLM: Final = "vllm"
VLLM_URL: Final = "http://127.0.0.1:8000/v1"
"""Where vLLM serves unless an endpoint named "vllm" in tilth.toml, or a server that `tilth serve` runs, says otherwise."""

CONTEXT_KEYS: Final = ("max_model_len", "context_length", "context_window", "max_context_length")
"""Where servers tell the context length in /v1/models: vLLM, then others."""

Kind = Literal["openai", "vllm", "offline"]
FORMS: Final = 'A model is named "openai:MODEL@ENDPOINT", "vllm:MODEL" or "offline:".'


@dataclass(frozen=True)
class Reference:
    """A model by name; `endpoint` is a table of tilth.toml, "" for offline."""

    kind: Kind
    model: str
    endpoint: str

    def __str__(self) -> str:
        return {"openai": f"openai:{self.model}@{self.endpoint}", "vllm": f"vllm:{self.model}"}.get(self.kind, OFFLINE)


def reference(text: str, endpoints: Mapping[str, Endpoint]) -> Reference:
    """Read a model's name. Raises Misuse naming the form or the nearest endpoint."""
    kind, colon, rest = text.partition(":")
    if colon and kind == "offline" and not rest:
        return Reference("offline", "", "")
    if colon and kind == "vllm" and rest:
        return Reference("vllm", rest, VLLM)
    model, at, endpoint = rest.rpartition("@")
    if not (colon and kind == "openai" and at and model and endpoint):
        raise Misuse(f"{text!r} names no model.", next_step=FORMS)
    if not endpoints:
        raise Misuse(f"{text!r}: tilth.toml has no endpoints.", next_step=f"Run: tilth models add {endpoint} URL")
    if endpoint not in endpoints:
        raise Misuse(f"{text!r}: tilth.toml has no endpoint {endpoint!r}.", next_step=nearest(endpoint, endpoints))
    return Reference("openai", model, endpoint)


def roles(config: Config) -> dict[Role, list[Reference]]:
    """Every role's models. Raises Misuse for a role that contradicts itself."""
    found: dict[Role, list[Reference]] = {}
    for role in get_args(Role):
        named = config.roles.get(role, [])
        try:
            found[role] = [reference(text, config.endpoints) for text in named]
        except Misuse as error:
            raise Misuse(f"tilth.toml: roles.{role}: {error.args[0]}", next_step=error.next_step) from None
        for text in named:
            if named.count(text) > 1:
                raise Misuse(f"tilth.toml: roles.{role} names {text!r} twice.", next_step="A model has one vote.")
        if len(named) > 1 and any(one.kind == "offline" for one in found[role]):
            raise Misuse(f"tilth.toml: roles.{role} mixes offline: with models.",
                         next_step="Name either offline: alone or models.")  # fmt: skip
    if not found["generator"] and (found["reviewer"] or found["adjudicator"]):
        raise Misuse("tilth.toml: roles name who judges and no generator.", next_step='Add: generator = ["…"]')
    return found


def endpoint_of(name: str, config: Config) -> Endpoint:
    """An endpoint by name; "vllm" exists without being declared."""
    if name == VLLM and VLLM not in config.endpoints:
        return Endpoint.model_validate({"base_url": config.served or VLLM_URL})
    if name not in config.endpoints:
        next_step = nearest(name, config.endpoints) if config.endpoints else "Run: tilth models add NAME URL"
        raise Misuse(f"tilth.toml has no endpoint {name!r}.", next_step=next_step)
    return config.endpoints[name]


def context_told(listed: Mapping[str, Any]) -> int | None:
    """The context length of a model, in tokens, as its entry in /v1/models tells it."""
    return next((int(value) for key in CONTEXT_KEYS if (value := listed.get(key))), None)


class Connections:
    """The open endpoints of one run, in one event loop: `async with Connections(config, calls=…) as connections`.

    Models of one endpoint share its limits; all share `calls`, `budget` and `tally`. `options` go to every `Server`.
    """

    def __init__(
        self, config: Config, *, calls: Calls | None = None, budget: Budget | None = None, **options: Any
    ) -> None:
        self.config, self.tally = config, Tally()
        self._calls, self._budget, self._options = calls, budget, options
        self._servers: dict[str, tuple[Server, Learned]] = {}
        self._models: dict[Reference, Model] = {}

    def model(self, name: str) -> Model:
        """The model a name means; the same object for the same name. Raises Misuse, before anything is sent."""
        wanted = reference(name, self.config.endpoints)
        if wanted not in self._models:
            self._models[wanted] = self._open(wanted)
        return self._models[wanted]

    def server(self, endpoint: str) -> Server:
        """The connection to an endpoint of tilth.toml. Raises Misuse."""
        return self._server(endpoint)[0]

    async def context(self, wanted: Reference) -> int | None:
        """The context length of a model in tokens, None where its server does not tell. Raises Unavailable."""
        import openai

        try:
            listed = await self.server(wanted.endpoint).models()
        except openai.APIStatusError:
            return None
        return next((context_told(one) for one in listed if one["id"] == wanted.model), None)

    def _open(self, wanted: Reference) -> Model:
        if wanted.kind == "offline":
            from .offline import OfflineModel

            return OfflineModel()
        from .client import OpenAIModel

        server, learned = self._server(wanted.endpoint)
        return OpenAIModel(
            wanted.model,
            server,
            name=str(wanted),
            tally=self.tally,
            facts=server.endpoint.models.get(wanted.model),
            learned=learned,
            calls=self._calls,
            budget=self._budget,
        )

    def _server(self, name: str) -> tuple[Server, Learned]:
        if name not in self._servers:
            from .client import Learned
            from .server import Server

            endpoint = endpoint_of(name, self.config)
            self._servers[name] = (Server(name, endpoint, tally=self.tally, **self._options), Learned())
        return self._servers[name]

    async def __aenter__(self) -> Connections:
        return self

    async def __aexit__(self, *raised: object) -> None:
        for server, _ in self._servers.values():
            await server.close()


@asynccontextmanager
async def connected(
    config: Config, calls: Path | None, *, caps: Caps, run: str, listener: Listener, **options: Any
) -> AsyncIterator[Connections]:
    """The endpoints of a run over its records (`calls`) and its budget. In the end what did not go smoothly is told."""
    from ...tools.store.calls import Calls
    from .budget import Budget

    recorded = Calls(calls) if calls is not None else None
    budget = Budget(caps, run=run, calls=recorded)
    connections = Connections(config, calls=recorded, budget=budget, **options)
    try:
        async with connections:
            yield connections
    finally:
        if line := connections.tally.line():
            listener(Noticed(line))
        budget.close()
        if recorded is not None:
            recorded.close()
