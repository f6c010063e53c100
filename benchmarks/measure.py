"""How a benchmark measures: the same work several times, each in a process of its own, CPU-seconds and peak memory.

It knows processes and medians. Wall time is not measured where CPU time says more: machines are shared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("TILTH_BENCHMARKS", Path(__file__).parent / ".cache"))


@dataclass(frozen=True)
class Measured:
    """Medians over several runs: CPU-seconds (user and system, children included), peak resident MB, and what the
    work itself told."""

    cpu: float
    wall: float
    megabytes: float
    spread: str
    told: dict[str, Any]


def measure(module: str, *args: str, runs: int = 3) -> Measured:
    """Run `python -m benchmarks.module args` `runs` times; it prints one JSON line last."""
    found = [_once(module, args) for _ in range(runs)]
    cpu = sorted(one["cpu"] for one in found)
    return Measured(
        statistics.median(cpu),
        statistics.median(one["wall"] for one in found),
        max(one["megabytes"] for one in found),
        f"{cpu[0]:.2f}-{cpu[-1]:.2f}",
        found[-1],
    )


def _once(module: str, args: Sequence[str]) -> dict[str, Any]:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *args], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(args)} failed:\n{done.stderr}")
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def report(work: Callable[[], dict[str, Any] | None]) -> None:
    """Do the work in this process and print what it cost as the last line."""
    import resource
    import time

    def spent() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    cpu, wall = spent(), time.monotonic()
    told = work() or {}
    told["cpu"] = round(spent() - cpu, 3)
    told["wall"] = round(time.monotonic() - wall, 3)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    told["megabytes"] = round(peak / 1024)
    print(json.dumps(told))
