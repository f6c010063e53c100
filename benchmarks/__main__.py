"""Speed and memory of the main work, as rates per CPU-second: `python benchmarks [NAME …] [--runs N]`.

Every line is the median of several runs, each in a process of its own. Targets are ours, for a quiet machine of two
cores; peers are measured in the same run by the scripts beside this one (near.py, throughput.py).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import generate
from benchmarks.measure import Measured, measure


@dataclass(frozen=True)
class Benchmark:
    """What is done to which file, the unit of its rate, and the target (None: only told)."""

    work: str
    file: str
    unit: str
    target: float | None
    most_megabytes: int | None = None
    module: str = "work"


BENCHMARKS = {
    "help": Benchmark("help", "", "CPU-s", 0.25),
    "import long rows": Benchmark("import", "chats", "MB/CPU-s", 70),
    "import short rows": Benchmark("import", "short", "rows/CPU-s", 120_000),
    "dedup.exact": Benchmark("exact", "documents", "rows/CPU-s", 400_000),
    "dedup.exact by record": Benchmark("exact_record", "documents", "rows/CPU-s", 400_000),
    "dedup.near": Benchmark("near", "documents", "rows/CPU-s", 50_000),
    "dedup.near, 2 threads": Benchmark("near_two", "documents", "rows/s", None),
    "5 % more rows, of a whole run": Benchmark("weekly", "turns105k", "% of CPU", 15),
    "panel, one sample": Benchmark("panel_graph", "", "CPU-ms each", 1.2),
    "panel, a recorded sample": Benchmark("panel_resume", "", "CPU-ms each", None),
    "panel, a decided sample": Benchmark("panel_decided", "", "CPU-ms each", 0.2),
    "screen: first frame": Benchmark("start", "", "CPU-s to it", 0.6, module="tui"),
    "screen: 200 tokens/s": Benchmark("stream", "", "% of a core", 25, module="tui"),
    "screen: a page of 500k rows": Benchmark("table", "short", "ms", 20, module="tui"),
    "chat: 1,000 turns opened": Benchmark("open", "", "CPU-ms", 1_000, module="chat"),
    "chat: numbers of an answer": Benchmark("lint", "", "CPU-ms", 50, module="chat"),
    "chat: schemas": Benchmark("schemas", "", "tokens", 2_500, module="chat"),
    "dedup.near 500k": Benchmark("near", "documents500k", "rows/CPU-s", None, 1_700),
    "import 10M short rows": Benchmark("import", "short10M", "rows/CPU-s", None, 1_500),
    "import, filter, export 2 GB": Benchmark("pipeline", "chats2GB", "MB/CPU-s", None, 1_500),
    "panel, 100,000 samples": Benchmark("panel_many", "", "CPU-ms each", None, 600),
}
LARGE = ("dedup.near 500k", "import 10M short rows", "import, filter, export 2 GB", "panel, 100,000 samples")


def rate(benchmark: Benchmark, measured: Measured) -> float:
    told = measured.told
    rows = told.get("before", told.get("rows", 0))
    return {
        "CPU-s": measured.cpu,
        "MB/CPU-s": told.get("bytes", 0) / 1e6 / measured.cpu,
        "rows/CPU-s": rows / measured.cpu,
        "rows/s": rows / measured.wall,
        "CPU-ms each": 1e3 * measured.cpu / max(rows, 1),
        "CPU-s to it": told.get("first_frame", 0.0),
        "% of a core": 100 * told.get("share", 0.0),
        "ms": told.get("page_ms", 0.0),
        "CPU-ms": told.get("ms", 0.0),
        "tokens": told.get("tokens", 0.0),
        "% of CPU": 100 * measured.cpu / told.get("whole", measured.cpu),
    }[benchmark.unit]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which to run: {', '.join(BENCHMARKS)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="also those that need minutes and gigabytes of disk")
    asked = parser.parse_args()
    names = asked.names or [name for name in BENCHMARKS if asked.large or name not in LARGE]
    print(f"{'what':32} {'rate':>16} {'target':>10} {'CPU-s':>8} {'runs':>12} {'peak MB':>8}")
    for name in names:
        benchmark = BENCHMARKS[name]
        path = generate.path(benchmark.file) if benchmark.file else ""
        measured = measure(benchmark.module, benchmark.work, str(path), runs=1 if name in LARGE else asked.runs)
        shown = (
            f"{rate(benchmark, measured):,.2f}"
            if benchmark.unit.startswith("CPU-")
            else f"{rate(benchmark, measured):,.0f}"
        )
        target = (
            f"{benchmark.target:,g}"
            if benchmark.target
            else f"<{benchmark.most_megabytes} MB"
            if (benchmark.most_megabytes)
            else ""
        )
        print(f"{name:32} {shown + ' ' + benchmark.unit:>16} {target:>10} {measured.cpu:8.2f} {measured.spread:>12} "
              f"{measured.megabytes:8.0f}", flush=True)  # fmt: skip


main()
