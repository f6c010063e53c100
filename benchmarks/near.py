"""Near-duplicates: the kernel of dedup.near beside other libraries, the same documents, in the same run.

    python benchmarks/near.py [ENGINE …] [--count 100000] [--runs 3] [--python daft=VENV/bin/python]

Timed is the way from texts in memory (an Arrow column) to the documents that are dropped; reading the file is not.
Every run is a process of its own, the engines take turns, and medians are printed. Engines that are not installed are
left out; one in another environment is named by its interpreter. The whole tool is measured by `python benchmarks`.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import corpus
from benchmarks.measure import CACHE, report

THRESHOLD = 0.7
NGRAM = 5
Dropped = Callable[[pa.ChunkedArray], Iterable[int]]
COLUMNS = ("docs/CPU-s", "docs/s", "CPU-s", "peak MB", "recall", "precision")


def tilth(threads: int) -> Dropped:
    from tilth.tools.text.near.shingles import shingle_sets
    from tilth.tools.text.near.similarity import near_duplicates

    def dropped(texts: pa.ChunkedArray) -> Iterable[int]:
        sets = shingle_sets(texts.chunks, ngram=NGRAM, threads=threads)
        return near_duplicates(sets, threshold=THRESHOLD, threads=threads).dropped.tolist()

    return dropped


def rensa() -> Dropped:
    """The README's "Keep unique documents", over runs of words as tokens."""
    from rensa import RMinHashDeduplicator

    def shingles(text: str) -> list[str]:
        words = re.findall(r"\w+", text.lower())
        return [" ".join(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)]

    def dropped(texts: pa.ChunkedArray) -> Iterable[int]:
        keeper = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=128, use_lsh=True)
        keep = keeper.add_pairs((str(i), shingles(text)) for i, text in enumerate(texts.to_pylist()))
        return [i for i, kept in enumerate(keep) if not kept]

    return dropped


def daft() -> Dropped:
    """Its minhash of its normalised text, 16 bands of 8 hashes: dropped, unverified, is what shares a band."""
    import daft as library
    from daft import functions

    def dropped(texts: pa.ChunkedArray) -> Iterable[int]:
        clean = functions.normalize(library.col("text"), remove_punct=True, lowercase=True, white_space=True)
        signed = functions.minhash(clean, num_hashes=128, ngram_size=NGRAM)
        column = library.from_arrow(pa.table({"text": texts})).select(signed.alias("hashes")).to_arrow()["hashes"]
        hashes = np.concatenate([np.asarray(chunk.flatten()) for chunk in column.chunks]).reshape(len(texts), 16, 8)
        again = np.zeros(len(texts), bool)
        for band in range(16):
            rows = np.ascontiguousarray(hashes[:, band]).view("V32").ravel()
            first = np.unique(rows, return_index=True)[1]
            again |= ~np.isin(np.arange(len(texts)), first)
        return np.flatnonzero(again).tolist()

    return dropped


ENGINES: dict[str, Callable[[], Dropped]] = {
    "tilth": lambda: tilth(1),
    "tilth, 2 threads": lambda: tilth(2),
    "rensa": rensa,
    "daft": daft,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="near.py", description=__doc__.splitlines()[0])
    parser.add_argument("engines", nargs="*", help=", ".join(ENGINES))
    parser.add_argument("--count", type=int, default=100_000, help="documents")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=INTERPRETER")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        return once(asked.engines[0], asked.count)
    write(asked.count)
    interpreters = dict(each.split("=", 1) for each in asked.python)
    found: dict[str, list[dict[str, float]]] = {engine: [] for engine in asked.engines or ENGINES}
    for _ in range(asked.runs):
        for engine, runs in list(found.items()):
            told = apart(interpreters.get(engine, sys.executable), engine, asked.count)
            if told is None:
                del found[engine]
                continue
            runs.append(told)
    print(f"{asked.count:,} documents, J >= {THRESHOLD}, medians of {asked.runs}")
    print(f"{'':18}" + "".join(f"{name:>12}" for name in COLUMNS) + "   CPU-s of each run")
    for engine, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        shown = (
            f"{asked.count / middle['cpu']:,.0f}", f"{asked.count / middle['wall']:,.0f}", f"{middle['cpu']:.2f}",
            f"{middle['megabytes']:,.0f}", f"{middle['recall']:.5f}", f"{middle['precision']:.4f}",
        )  # fmt: skip
        each = " ".join(f"{cpu:.2f}" for cpu in sorted(run["cpu"] for run in runs))
        print(f"{engine:18}" + "".join(f"{value:>12}" for value in shown) + f"   {each}")


def write(count: int) -> None:
    """Put the corpus into the cache, unless it is there."""
    texts, planted = files(count)
    if planted.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    made = corpus.Corpus(count)
    schema = pa.schema([("text", pa.large_string())])
    with pq.ParquetWriter(texts, schema, compression="zstd", compression_level=1) as writer:
        for batch in made.batches():
            writer.write_table(pa.table([batch], schema=schema))
    pairs = made.planted
    pq.write_table(pa.table({"source": pairs.source, "copy": pairs.copy, "jaccard": pairs.jaccard}), planted)


def files(count: int) -> tuple[Path, Path]:
    return CACHE / f"near-{count}.parquet", CACHE / f"near-{count}.planted.parquet"


def apart(python: str, engine: str, count: int) -> dict[str, float] | None:
    """What one run in a process of its own told, or None (and why, on stderr) if the engine cannot run."""
    command = [python, str(Path(__file__)), engine, "--count", str(count), "--here"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{engine} left out: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def once(engine: str, count: int) -> None:
    """Measure here, and print what it cost and how right it was as the last line."""
    texts, planted = (pq.read_table(file) for file in files(count))
    column = texts["text"]
    del texts
    dropped = ENGINES[engine]()
    report(lambda: score(dropped(column), planted))


def score(dropped: Iterable[int], planted: pa.Table) -> dict[str, Any]:
    """Of each planted pair that reaches the threshold the later document is to be dropped, and nothing else."""
    source, copy, similarity = (planted[name].to_numpy() for name in ("source", "copy", "jaccard"))
    wanted = set(np.maximum(source, copy)[similarity >= THRESHOLD].tolist())
    got = set(dropped)
    return {"recall": len(wanted & got) / len(wanted), "precision": len(wanted & got) / max(len(got), 1)}


if __name__ == "__main__":
    main()
