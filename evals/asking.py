"""Models as agents ask them: every answer is kept in the run's folder and counted by the job that asked.

It knows epochs, meters and prices. What is asked, and what answers mean, is the agents'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from ..agent.config import Config, Price, read_config
from ..agent.models.budget import usd
from ..agent.models.connections import Connections, endpoint_of, reference
from ..tools.errors import Misuse
from .suite import Job

if TYPE_CHECKING:
    from ..tools.context import Model
    from ..tools.store.calls import Calls

CALLS: Final = "calls.sqlite"


@dataclass
class Asking:
    """The models of one agent, open for a whole run: `async with Asking(root, folder) as asking`.

    `root` holds tilth.toml, `folder` is the run's, whose calls.sqlite keeps answers: a job that is done again after a kill
    asks nothing twice. `options` go to every connection.
    """

    root: Path
    folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    _calls: Calls | None = None
    _connections: Connections | None = None

    def config(self) -> Config:
        return read_config(self.root)

    async def __aenter__(self) -> Asking:
        from ..tools.store.calls import Calls

        self._calls = Calls(self.folder / CALLS)
        self._connections = Connections(self.config(), calls=self._calls, **self.options)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connections is not None:
            await self._connections.__aexit__(kind, error, trace)
        if self._calls is not None:
            self._calls.close()
        self._calls = self._connections = None

    def model(self, name: str, job: Job) -> JobModel:
        """The model of this name as one job asks it. Raises Misuse."""
        if self._connections is None:
            raise Misuse("No connection is open: an agent is entered before it runs.")
        config = self._connections.config
        return JobModel(name, self._connections.model(name), job, *declared(name, config))


@dataclass
class AskingAgent:
    """What agents that ask models have in common: they run in this process, and `asking` is open for a whole run."""

    name: str
    asking: Asking
    trusted: ClassVar[bool] = True
    recounts: ClassVar[bool] = True

    async def __aenter__(self) -> Self:
        await self.asking.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.asking.__aexit__(kind, error, trace)


@dataclass
class JobModel:
    """The `Model` protocol for one job: the epoch is part of every question, and what answers take is metered.

    An answer recorded before counts like a new one: usage does not depend on whether the run was interrupted.
    """

    name: str
    model: Model
    job: Job
    price: Price | None
    simulated: bool = False

    async def answer(self, messages: Sequence[Mapping[str, Any]], **request: Any) -> Mapping[str, Any]:
        """Raises OverBudget when the job's limit is passed, and what the model raises.

        What a job shows was drawn for it and holds nothing of the workspace's data, so any host may see it.
        """
        nonce = request.pop("nonce", 0)
        parts = list(nonce) if isinstance(nonce, list | tuple) else [nonce]
        asked = {**request, "nonce": ["epoch", self.job.epoch, *parts], "shows": "nothing"}
        answer = await self.model.answer(messages, **asked)
        tokens = answer["tokens"]
        self.job.meter.add(
            calls=len(answer["calls"]),
            tokens_in=tokens["input"],
            tokens_out=tokens["output"],
            usd=usd(self.price, tokens["input"], tokens["output"]),
            simulated=self.simulated,
        )
        return answer


def declared(name: str, config: Config) -> tuple[Price | None, bool]:
    """What tilth.toml says of a model: its price, and whether its endpoint is simulated. Raises Misuse for no model."""
    wanted = reference(name, config.endpoints)
    if not wanted.endpoint:
        return None, False
    endpoint = endpoint_of(wanted.endpoint, config)
    facts = endpoint.models.get(wanted.model)
    return (facts.price if facts else None), endpoint.simulated
