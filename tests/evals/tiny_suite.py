"""A suite of sums, and agents that fail in every way, for tests of the harness; named by its path."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Sequence

from tilth.evals.sets import generator, instance_id
from tilth.evals.suite import Instance, Job, Json, Score, Submission, Usage
from tilth.tools.errors import Misuse, Unavailable


class Tiny:
    name, version, summary, metric, better = "tiny", 1, "Add two numbers.", "correct", "higher"

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        made = []
        for number in range(count):
            dice = generator(seed, number)
            a, b = dice.randrange(1000), dice.randrange(1000)
            made.append(
                Instance(
                    id=instance_id(seed, self.name, number),
                    suite=self.name,
                    task='Add the numbers in data/numbers.txt; hand in {"sum": N}.',
                    files={"data/numbers.txt": f"{a} {b}\n".encode()},
                    submission={"type": "object", "properties": {"sum": {"type": "integer"}}},
                    truth={"sum": a + b},
                    tags={"parity": "odd" if (a + b) % 2 else "even"},
                )
            )
        return made

    def score(self, instance: Instance, submission: Json) -> Score:
        if not isinstance(submission.get("sum"), int):
            raise Misuse("'sum' is not a whole number.")
        right = float(submission["sum"] == instance.truth["sum"])
        return Score(
            value=right,
            metrics={"correct": right},
            families={instance.tags["parity"]: right},
            weights={"accuracy": (right, 1.0)},
            curve=[(0.0, 0.0), (1.0, right)],
        )

    def known(self, name: str, instance: Instance, rng: random.Random) -> Json | None:
        known = {"oracle": instance.truth["sum"], "nothing": -1, "random": rng.randrange(2000)}
        return {"sum": known[name]} if name in known else None


SUITE = Tiny()


def solve(job: Job) -> int:
    return sum(map(int, (job.folder / "data" / "numbers.txt").read_text().split()))


class Adder:
    """Right, but for sums whose last digit is below `wrong`; a model of that number is no model at all."""

    name, trusted = "adder", True

    def __init__(self, model: str = "0") -> None:
        self.wrong = int(model)

    async def run(self, job: Job) -> Submission:
        job.meter.add(calls=1, tokens_in=100, tokens_out=10, usd=0.001, tool_calls=2)
        total = solve(job)
        said = [{"role": "user", "content": job.task}, {"role": "assistant", "content": str(total)}]
        return Submission({"sum": total + (total % 10 < self.wrong)}, transcript=said)


class Simulated(Adder):
    """As if an endpoint had answered that is declared as simulated."""

    async def run(self, job: Job) -> Submission:
        job.meter.add(simulated=True)
        return await super().run(job)


class Dying(Adder):
    """Kills its process at the job whose number TINY_DIES_AT says."""

    done = 0

    async def run(self, job: Job) -> Submission:
        await asyncio.sleep(0)
        Dying.done += 1
        if str(Dying.done) == os.environ.get("TINY_DIES_AT"):
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().run(job)


class Failing:
    """Ends in each of the ways a job can end, by the first digit of the instance's id."""

    name, trusted = "failing", True

    async def run(self, job: Job) -> Submission:
        job.meter.add(calls=1, tokens_in=7)
        match int(job.instance[0], 16) % 8:
            case 0:
                raise Unavailable("The endpoint is down.")
            case 1:
                raise ValueError("<b>boom</b>")
            case 2:
                job.meter.add(tokens_in=1_000_000)
            case 3:
                await asyncio.Event().wait()
            case 4:
                return Submission({"sum": "many"})
            case 5:
                return Submission({"sum": float("nan")})
            case 6:
                return Submission({"sum": solve(job)}, Usage(tool_calls=1_000_000))
        return Submission({"sum": solve(job)})
