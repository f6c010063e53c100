"""The models a tool may ask, made from the workspace's configuration: a panel, one model by name, an embedder.

It knows files, caps and what consent is asked about. How a panel works is `panel`'s business.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...prompts import Prompts
from ...tools.context import Embedder, Model
from ...tools.errors import Misuse
from ...tools.panel import Books, Job, Task, Verdict
from ...tools.store.calls import Calls
from ..config import Config, is_local, read_config
from ..events import Listener
from ..models.budget import Caps, usd
from ..models.connections import connected, endpoint_of, reference, roles
from ..models.offline import NAME as OFFLINE
from .spending import Estimate, Spending, journal_of

if TYPE_CHECKING:
    from ...tools.store.store import Store
    from ..panel.calibration import Calibration, Gold
    from ..panel.eligible import Bench
    from ..panel.runner import PanelRunner

CALLS: Final = "calls.sqlite"
CALIBRATIONS: Final = "calibrations"
RECORDED: Final = 5
"""So many recorded calls of a model tell better what the next one takes than its bounds do."""

LOOKED_AT: Final = 8
"""Tasks whose requests are written out to see how long they are."""

COUNTED: Final = 1_000_000
BYTES_PER_TOKEN: Final = 4
REVIEW_TOKENS: Final = 300


def asked(store: Store, spending: Spending, run: str, seed: int, listener: Listener) -> dict[str, Any]:
    """The fields of a Context for a tool that spends; costs add up under the name `run`."""
    world = World(store.root, store.state / CALLS, read_config(store.root), spending, run, seed, listener)
    return {"panel": world, "open_model": world.open_model, "open_embedder": world.open_embedder}


@dataclass(frozen=True)
class World:
    """The `Panel` of a workspace, and its models one by one."""

    root: Path
    calls: Path
    config: Config
    spending: Spending
    run_name: str
    seed: int
    listener: Listener

    @property
    def offline(self) -> bool:
        named = roles(self.config)["generator"]
        return [str(one) for one in named] == [OFFLINE]

    @property
    def caps(self) -> Caps:
        return Caps(self.spending.max_calls, self.spending.max_usd, self.spending.max_minutes)

    def run(self, job: Job, verdict: Callable[[Verdict], None]) -> Books:
        """As `tools.panel.Panel.run`."""
        return self._runner(job).run(job, verdict)

    def calibrate(self, job: Job, gold: Sequence[Gold], *, target: float) -> Calibration:
        """Fit the cut of a job to people's verdicts. Raises Refused when no cut meets the target precision."""
        return self._runner(job).calibrate(job, gold, target=target)

    def _runner(self, job: Job) -> PanelRunner:
        from ..panel.runner import PanelRunner

        return PanelRunner(
            config=self.config,
            calls=self.calls,
            journal=journal_of(self.calls.parent, self.run_name),
            caps=self.caps,
            run_name=self.run_name,
            seed=self.seed,
            listener=self.listener,
            prompts=Prompts(self.root / "prompts"),
            calibrations=calibrations(self.root),
            allow_self_review=job.allow_self_review,
            give_up=job.give_up,
            consent=lambda asked, found: self.spending.consent(estimate(self.config, self.calls, asked, found)),
        )

    def open_model(self, name: str, calls: int, tokens: int) -> AbstractAsyncContextManager[Model]:
        """`async with open_model("openai:small@lab", 40, 9_000) as model`, for about so many calls and tokens, asked and
        answered: recorded, and under the caps of the command. Raises Misuse, and Refused without consent."""
        wanted = reference(name, self.config.endpoints)
        if wanted.endpoint:
            endpoint = endpoint_of(wanted.endpoint, self.config)
            facts = endpoint.models.get(wanted.model)
            price = None if facts is None else facts.price
            cost = None if price is None else max(usd(price, tokens, 0), usd(price, 0, tokens))
            told = Estimate(0, calls, tokens, 0, cost, None, [endpoint.host], ["questions of this command"],
                            endpoint.local, "4 bytes a token, answers at their longest",
                            priced="" if price is None else price.as_of)  # fmt: skip
            self.spending.consent(told)
        return self._open(name)

    @asynccontextmanager
    async def _open(self, name: str) -> AsyncIterator[Model]:
        opened = connected(self.config, self.calls, caps=self.caps, run=self.run_name, listener=self.listener)
        async with opened as connections:
            yield connections.model(name)

    def open_embedder(self, name: str, texts: int) -> Embedder:
        """An embedder by name, "openai:MODEL@ENDPOINT" or "vllm:MODEL", for so many texts."""
        from ..models.embedding import EndpointEmbedder

        return EndpointEmbedder(self.config, name, texts, self.spending)


def calibrations(root: Path) -> list[Calibration]:
    """What `tilth eval calibrate` wrote into the workspace. Raises Misuse for a file that is no calibration."""
    from ..panel.calibration import Calibration

    found = []
    for path in sorted((root / CALIBRATIONS).glob("*.json")):
        try:
            found.append(Calibration.from_json(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError) as error:
            raise Misuse(f"{path}: {error}.", next_step="Calibrate again, or remove it.") from None
    return found


def estimate(config: Config, path: Path, job: Job, found: Bench) -> Estimate:
    """What a job may come to at most, repairs and answers that must be asked for one by one apart; from recorded calls of
    the same models where there are enough of them."""
    names = list(dict.fromkeys([*found.generators, *found.reviewers, *found.adjudicators]))
    used = [one for one in (reference(name, config.endpoints) for name in names) if one.endpoint]
    sample = list(islice(job.tasks(), LOOKED_AT))
    tasks = sum(1 for _ in islice(job.tasks(), COUNTED))
    least, calls = _calls(job, found, tasks) if used else (0, 0)
    models = list(dict.fromkeys((one.endpoint, one.model) for one in used))
    recorded = _recorded(path, models) if job.batch == 1 else None
    if recorded is not None:
        tokens_in, tokens_out, basis = recorded[1], recorded[2], f"mean of {recorded[0]:,} recorded calls"
    else:
        tokens_in, tokens_out, basis = _asked_tokens(job, sample), _answer_tokens(job, sample), "from what is asked"
    prices = [endpoint_of(one.endpoint, config).models.get(one.model) for one in used]
    priced = [facts.price for facts in prices if facts is not None and facts.price is not None]
    cost = None
    if used and len(priced) == len(used):
        cost = calls * max(usd(price, tokens_in, tokens_out) for price in priced)
    dated = min((price.as_of for price in priced if price.as_of), default="")
    urls = [endpoint_of(one.endpoint, config).base_url for one in used]
    hosts = list(dict.fromkeys(endpoint_of(one.endpoint, config).host for one in used))
    seconds = _seconds(path, models)
    return Estimate(
        job.wanted if job.wanted is not None else tasks, calls, calls * tokens_in, calls * tokens_out, cost,
        None if seconds is None else calls * seconds / 60, hosts, list(job.fields) or ["text of rows"],
        all(map(is_local, urls)), basis, least if least < calls else None, dated,
    )  # fmt: skip


def _calls(job: Job, found: Bench, tasks: int) -> tuple[int, int]:
    """(calls when every draft is accepted as it is, calls at most) of so many tasks."""
    from ..panel.controls import PAIRS

    wanted = min(tasks, job.wanted) if job.wanted is not None else tasks
    reviewed = {"none": 0, "one": 1, "panel": found.size}[job.instruction_review]
    if job.batch > 1:
        rounds = found.size * -(-tasks // job.batch)
        least, most = rounds * min(job.votes, 2 if not job.every_vote else job.votes), rounds * job.votes
    else:
        least = wanted * (len(job.steps) + reviewed + found.size)
        most = tasks * (len(job.steps) + reviewed + found.size * (1 + job.revisions) + job.revisions)
    most += tasks * bool(found.adjudicators) * (1 + job.revisions)
    least, most = least + len(job.first), most + len(job.first)
    if job.policy.cut is None and job.controls:
        shown = -(-2 * min(PAIRS, len(job.controls)) // job.batch)
        least, most = least + shown * found.size, most + shown * found.size * job.votes
    return least, most


def _recorded(path: Path, models: Sequence[tuple[str, str]]) -> tuple[int, int, int] | None:
    """(calls, mean tokens in, mean tokens out) of the models, when enough calls of each were recorded."""
    if not path.exists() or not models:
        return None
    with Calls(path) as calls:
        found = [calls.mean_tokens(*one) for one in models]
    if any(count < RECORDED for count, _, _ in found):
        return None
    return sum(count for count, _, _ in found), max(one[1] for one in found), max(one[2] for one in found)


def _seconds(path: Path, models: Sequence[tuple[str, str]]) -> float | None:
    """Seconds a call took, others beside it, in the runs so far that asked one of the models."""
    if not path.exists() or not models:
        return None
    with Calls(path) as calls:
        count, seconds = calls.pace(models)
    return seconds / count if count >= RECORDED and seconds > 0 else None


def _asked_tokens(job: Job, sample: Sequence[Task]) -> int:
    sizes = [0]
    for task in sample:
        shown = sum(len(str(value).encode()) for value in task.data.values())
        if job.steps:
            asked = job.steps[0].request(task, {}).messages
            shown += sum(len(json.dumps(one, ensure_ascii=False).encode()) for one in asked)
        sizes.append(shown * job.batch + len(job.rubric.text.encode()))
    return max(sizes) // BYTES_PER_TOKEN + 1


def _answer_tokens(job: Job, sample: Sequence[Task]) -> int:
    drafted = [job.steps[0].request(task, {}).max_tokens for task in sample[:1] if job.steps]
    return max([REVIEW_TOKENS * job.batch, *drafted])
