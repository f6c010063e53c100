"""Calls and rows a second against one endpoint: a panel beside the bare client and another library, in the same run.

    python benchmarks/throughput.py [ENGINE …] [--samples 2000] [--runs 3] [--rate R] [--faults F] [--reviewers N]
                                    [--python distilabel=VENV/bin/python]

The endpoint is `benchmarks.endpoint`, a process of its own; a row takes a draft and `--reviewers` reviews (1), or two
drafts where a library has no review. `bare` sends what the panel sends through AsyncOpenAI over aiohttp and does nothing
else: the ceiling of one process. Engines take turns, medians are printed; `lost` are rows that were asked for and did not
come. Load is that of the machine, told beside each line, and calls per CPU-second do not depend on it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.endpoint import running
from benchmarks.measure import report

IN_FLIGHT = 64
COLUMNS = ("calls/s", "rows/s", "calls/CPU-s", "CPU-s", "lost", "load")


def panel(url: str, samples: int, reviewers: int) -> dict[str, Any]:
    """Through `PanelRunner`, every answer recorded."""
    from benchmarks.panel import REVIEWERS, job
    from tilth.agent.config import Config, Endpoint
    from tilth.agent.panel.runner import PanelRunner

    endpoint = Endpoint(base_url=url, may_see="rows", concurrency=IN_FLIGHT)
    roles = {"generator": ["openai:pen@lab"], "reviewer": [f"openai:{one}@lab" for one in REVIEWERS[:reviewers]]}
    with tempfile.TemporaryDirectory() as folder:
        runner = PanelRunner(
            config=Config(endpoints={"lab": endpoint}), calls=Path(folder, "calls.sqlite"), roles=roles, concurrency=IN_FLIGHT
        )  # fmt: skip
        rows: list[Any] = []
        books = runner.run(job(samples, near_duplicate=None), rows.append)
    return {"rows": len(rows), "calls": books.calls, "lost": samples - len(rows)}


def bare(url: str, samples: int, reviewers: int) -> dict[str, Any]:
    """The same requests through the client alone."""
    import openai

    from benchmarks.panel import bodies

    async def work() -> int:
        client = openai.AsyncOpenAI(
            api_key="none", base_url=url, max_retries=0, http_client=openai.DefaultAioHttpClient()
        )
        waiting, done = bodies(samples, reviewers), 0

        async def ask() -> None:
            nonlocal done
            for body in waiting:
                await client.chat.completions.create(**body)
                done += 1

        async with client:
            await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
        return done

    return {"rows": samples, "calls": asyncio.run(work()), "lost": 0}


ENGINES = {"panel": panel, "bare": bare}
FOREIGN = ("distilabel",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/throughput.py", description=__doc__.split("\n")[0])
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=", ".join([*ENGINES, *FOREIGN]))
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.0, help="the endpoint's, in calls a second")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that get 429 or 503")
    parser.add_argument("--reviewers", type=int, default=1, choices=(1, 2, 3))
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=PYTHON")
    parser.add_argument("--once", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.once:
        work = ENGINES[asked.engines[0]]
        work(asked.once, IN_FLIGHT, asked.reviewers)  # modules are loaded on first use
        report(lambda: work(asked.once, asked.samples, asked.reviewers))
        return
    pythons = dict(one.split("=", 1) for one in asked.python)
    engines = [one for one in asked.engines or [*ENGINES, *pythons] if one in ENGINES or one in pythons]
    for one in set(asked.engines) - set(engines):
        print(f"{one}: left out, name its interpreter with --python {one}=VENV/bin/python")
    if asked.faults and "bare" in engines:
        engines.remove("bare")  # it asks nothing again
    found: dict[str, list[dict[str, float]]] = {one: [] for one in engines}
    for _ in range(asked.runs):
        for one in engines:
            with running("--rate", str(asked.rate), "--faults", str(asked.faults)) as url:
                found[one].append(once(one, pythons.get(one), url, asked.samples, asked.reviewers))
    print(f"{asked.samples:,} rows, {asked.runs} runs, endpoint "
          f"{f'{asked.rate:g} calls/s' if asked.rate else 'unlimited'}, faults {asked.faults:.0%}")  # fmt: skip
    print(f"{'':12}" + "".join(f"{name:>14}" for name in COLUMNS))
    for one in engines:
        medians = {name: statistics.median(run[name] for run in found[one]) for name in COLUMNS}
        print(f"{one:12}" + "".join(f"{medians[name]:14,.1f}" for name in COLUMNS))


def once(engine: str, python: str | None, url: str, samples: int, reviewers: int) -> dict[str, float]:
    root = Path(__file__).parents[1]
    script = "benchmarks/distilabel_rows.py" if engine in FOREIGN else "benchmarks/throughput.py"
    command = [python or sys.executable, script, engine, "--once", url, "--samples", str(samples)]
    if engine in ENGINES:
        command += ["--reviewers", str(reviewers)]
    load = os.getloadavg()[0]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed:\n{done.stderr[-3000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return {
        "calls/s": told["calls"] / told["wall"],
        "rows/s": (samples - told["lost"]) / told["wall"],
        "calls/CPU-s": told["calls"] / told["cpu"],
        "CPU-s": told["cpu"],
        "lost": told["lost"],
        "load": load,
    }


if __name__ == "__main__":
    main()
