"""Speed of the n-gram scan: how fast training text is looked through for a million runs of benchmark words.

    python benchmarks/ngrams.py [TEXTS.jsonl …] [--rows 60000] [--items 15500] [--tool MB] [--memory GB]
                                [--datatrove VENV/bin/python]

Prints megabytes per CPU-second (best of three passes) for runs of 8 and of 13 words, over made-up texts of which one in a
hundred holds an item and over the member "text" of the files; a plain Python set of tuples beside it, over a tenth of the
texts, which must find the same; with --datatrove its n-gram filter over a fiftieth of them; seconds to index the items;
and how much faster two processes are than one. Then the whole tool, `contaminate.scan` of imported rows from opening the
benchmark to the last verdict (median of three; an item in one of a thousand rows), with `--threads` 1 and 2, beside the
scan alone of the same texts in memory. With --memory, made-up training text of so many gigabytes is imported into a
workspace of its own, which needs as much room again, and a whole `contaminate.scan` told its peak memory and speed; then
again, with what was kept of it. The CPU-seconds and the memory of processes that a scan starts are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tilth.tools.text.ngrams import Hashed, NgramIndex, hashed
from tilth.tools.text.tokens import blocks

if TYPE_CHECKING:
    from tilth.agent.workspace import Workspace

SYLLABLES = [f"{consonant}{vowel}" for consonant in "bdfg" for vowel in "aeiou"]
VOCABULARY = 30_000


def made_up(rng: np.random.Generator, count: int, size: int) -> list[str]:
    """Texts of `size` words, Zipf-Mandelbrot over VOCABULARY (s = 1.07, q = 2.7)."""
    words = ["".join(SYLLABLES[i // 20**k % 20] for k in range(2 + i % 3)) + str(i % 7) for i in range(VOCABULARY)]
    weight = np.cumsum(1 / (np.arange(VOCABULARY) + 2.7) ** 1.07)
    drawn = np.searchsorted(weight / weight[-1], rng.random(count * size)).clip(max=VOCABULARY - 1)
    return [" ".join(words[i] for i in text) for text in drawn.reshape(count, size).tolist()]


def best(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of the fastest of three passes."""
    passes = []
    for _ in range(3):
        start = clock()
        work()
        passes.append(clock() - start)
    return min(passes)


def scan(index: NgramIndex, texts: pa.Array) -> int:
    """Documents that share a run."""
    return sum(len(np.unique(index.scan(Hashed.of(block)).document)) for block in blocks(texts))


def plain(items: list[str], texts: list[str], n: int) -> Callable[[], int]:
    def runs(text: str) -> list[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]

    held = {run for item in items for run in runs(item)}
    return lambda: sum(any(run in held for run in runs(text)) for text in texts)


def datatrove(python: str, items: list[str], texts: list[str], n: int) -> str:
    """MB per CPU-second of datatrove's filter, in its own interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("items.json", "texts.json")]
        for path, some in zip(paths, (items, texts), strict=True):
            path.write_text(json.dumps(some), encoding="utf-8")
        script = Path(__file__).with_name("datatrove_ngrams.py")
        done = subprocess.run([python, script, *paths, str(n)], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    rate = sum(len(text.encode()) for text in texts) / 1e6 / told["seconds"]
    return f", datatrove {rate:.2f} ({told['index']:.1f} s to index, {told['dropped']} of {len(texts)} texts dropped)"


def compare(name: str, items: list[str], texts: list[str], peer: str = "") -> None:
    column = pa.array(texts, pa.large_string())
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"\n{name}: {len(texts):,} texts, {megabytes:.0f} MB, against {len(items):,} items; MB per CPU-second")
    tenth = texts[: max(len(texts) // 10, 1)]
    for n in (8, 13):
        start = time.process_time()
        index = NgramIndex.of(hashed(pa.array(items, pa.large_string())), n)
        built = time.process_time() - start
        ours = megabytes / best(lambda: scan(index, column))  # noqa: B023
        theirs = plain(items, tenth, n)
        if theirs() != scan(index, column.slice(0, len(tenth))):
            raise SystemExit(f"runs of {n}: the scan and the plain set differ")
        rate = megabytes / 10 / best(theirs)
        beside = datatrove(peer, items, texts[::49], n) if peer else ""
        print(f"  runs of {n:2}: {len(index.gram):>9,} indexed in {built:.2f} s; scan {ours:6.0f}, "
              f"plain set {rate:5.1f}{beside}")  # fmt: skip


SHAPES: dict[str, Callable[[int, list[str]], object]] = {
    "text": lambda number, words: {"text": " ".join(words)},
    "chat": lambda number, words: {
        "id": f"row-{number}",
        "messages": [
            {
                "role": ("user", "assistant")[turn % 2],
                "content": " ".join(words[len(words) * turn // 4 :][: len(words) // 4]),
            }
            for turn in range(4)
        ],
    },
}


def tool(rng: np.random.Generator, items: list[str], megabytes: int, folder: Path) -> None:
    """The whole tool over imported rows of some 1 and 5 kB, and the scan alone of the same texts."""
    from tilth.agent.workspace import Workspace

    index = NgramIndex.of(hashed(pa.array(items, pa.large_string())), 8)
    for size in (125, 625):
        texts = [text.split() for text in made_up(rng, 20_000 * 125 // size, size)]
        for shape, record in SHAPES.items():
            name, number, written = f"{shape}-{size}", 0, 0
            file = folder / f"{name}.jsonl"
            with file.open("w") as out:
                while written < megabytes * 1e6:  # the same texts again, each time with a number of their own
                    for words in texts:
                        leaked = items[number % len(items)].split() if number % 1000 == 0 else []
                        line = [f"{number}.\n", *words, *leaked]
                        written += sum(map(len, line)) + len(line)
                        out.write(json.dumps(record(number, line)) + "\n")
                        number += 1
            with Workspace(folder, threads=1) as workspace:
                workspace.add(file, name=name)
                column = pa.array([" ".join(words) for words in texts], pa.large_string())
                alone = column.nbytes / 1e6 / best(lambda: scan(index, column))  # noqa: B023
                told = [_whole(workspace, name, written) for _ in range(3)]
            file.unlink()
            with Workspace(folder, threads=2) as workspace:
                both = [_whole(workspace, name, written) for _ in range(3)]
            rate, faster = np.median([one[0] for one in told]), np.median([one[1] for one in told])
            faster /= np.median([one[1] for one in both])
            print(f"whole tool, {shape}, rows of {written / number / 1e3:.1f} kB, {written / 1e6:.0f} MB: "
                  f"{rate:.0f} MB per CPU-second (scan alone {alone:.0f}); two threads {faster:.2f} times as fast")  # fmt: skip


def _whole(workspace: Workspace, name: str, size: int) -> tuple[float, float]:
    """(MB per CPU-second, seconds of wall clock) of a scan that finds nothing kept."""
    for file in (workspace.store.state / "cache").glob("contaminate-*"):
        file.unlink()
    cpu, wall = sum(os.times()[:4]), time.perf_counter()
    chosen = 0.05 + wall % 0.9  # an argument of no consequence here, so that the call is not known already
    workspace.do("contaminate.scan", name, benchmarks=["items"], similar=False, similarity=chosen)
    return size / 1e6 / (sum(os.times()[:4]) - cpu), time.perf_counter() - wall


_SCAN = r"""
import os, re, resource, sys
from pathlib import Path
from tilth.agent.workspace import Workspace
from tilth.tools import processes
end, peaks = processes._Process.end, [0]
def told(process):  # rusage of a child begins with what its parent held when it was forked
    status = Path(f"/proc/{process._process.pid}/status").read_text()
    peaks.append(int(re.search(r"VmHWM:\s*(\d+)", status)[1]))
    end(process)
processes._Process.end = told
with Workspace(Path(sys.argv[1])) as workspace:
    workspace.do("contaminate.scan", "training", benchmarks=["items"], similar=False, similarity=float(sys.argv[2]))
print(sum(os.times()[:4]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, max(peaks) / 1e6)
"""

_shared: list[pa.Array] = []
_index: list[NgramIndex] = []


def _part(number: int) -> int:
    half = len(_shared[0]) // 2
    return scan(_index[0], _shared[0].slice(number * half, half))


def processes(items: list[str], texts: list[str]) -> None:
    """Wall-clock time of the two halves one after the other, and in two processes."""
    _shared[:] = [pa.array(texts, pa.large_string())]
    _index[:] = [NgramIndex.of(hashed(pa.array(items, pa.large_string())), 8)]
    alone = best(lambda: [_part(0), _part(1)], time.perf_counter)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_part, (0, 1)))
        together = best(lambda: list(pool.map(_part, (0, 1))), time.perf_counter)
    print(f"\ntwo processes: {alone / together:.2f} times as fast as one (wall clock)")


def registration(items: list[str], folder: Path) -> None:
    """Seconds to register the items as a benchmark: import, indexes, weights, on disk."""
    from tilth.agent.workspace import Workspace

    file = folder / "items.jsonl"
    file.write_text("".join(json.dumps({"question": item}) + "\n" for item in items))
    with Workspace(folder) as workspace:
        start = time.process_time()
        workspace.add_benchmark("items", file)
        print(f"\nregistered {len(items):,} items in {time.process_time() - start:.1f} CPU-seconds")


def memory(rng: np.random.Generator, items: list[str], gigabytes: float, folder: Path) -> None:
    """Peak resident memory of a scan in a process of its own: nothing but the scan is in it."""
    from tilth.agent.workspace import Workspace

    file, size, number, texts = folder / "training.jsonl", 0, 0, made_up(rng, 20_000, 200)
    with file.open("w") as out:
        while size < gigabytes * 1e9:  # the same texts again and again, with an item of its own in one of a hundred
            number += 1
            for i, text in enumerate(texts):
                leaked = items[(number * 211 + i) % len(items)] if i % 100 == 0 else ""
                line = f"{text} {number} {leaked}"
                size += len(line)
                out.write(json.dumps({"text": line}) + "\n")
    with Workspace(folder) as workspace:
        workspace.add(file, name="training")
    file.unlink()
    for name, similarity in (("scan", "0.3"), ("scan with what was kept", "0.31")):
        done = subprocess.run(
            [sys.executable, "-c", _SCAN, folder, similarity], capture_output=True, text=True, check=True
        )
        seconds, peak, other = map(float, done.stdout.split())
        print(f"{size / 1e9:.2f} GB of text, {name}: {size / 1e6 / seconds:.0f} MB per CPU-second, peak {peak:.2f} GB, "
              f"and the largest of the processes it started {other:.2f} GB")  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("files", nargs="*", type=Path)
    arguments.add_argument("--rows", type=int, default=60_000)
    arguments.add_argument("--items", type=int, default=15_500)
    arguments.add_argument("--tool", type=int, default=1_000, metavar="MB", help="text for the whole tool; 0: none")
    arguments.add_argument("--memory", type=float, default=0.0, metavar="GB")
    arguments.add_argument(
        "--datatrove", default="", metavar="PYTHON", help="an interpreter that has it, spaCy and xxhash<4"
    )
    given = arguments.parse_args()
    rng = np.random.default_rng(20261120)
    items, texts = made_up(rng, given.items, 75), made_up(rng, given.rows, 200)
    for i in range(0, len(texts), 100):
        texts[i] += " " + items[i % len(items)]
    compare("made-up texts", items, texts, given.datatrove)
    for file in given.files:
        compare(file.name, items, [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()],
                given.datatrove)  # fmt: skip
    processes(items, texts)
    with tempfile.TemporaryDirectory() as folder:
        registration(items, Path(folder))
        if given.tool:
            tool(rng, items, given.tool, Path(folder))
        if given.memory:
            texts.clear()
            _shared.clear()
            memory(rng, items, given.memory, Path(folder))


if __name__ == "__main__":
    main()
