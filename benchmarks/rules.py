"""Speed of the web profiles of filter.rules, and how far their verdicts are from datatrove's.

    python benchmarks/rules.py [TEXTS.jsonl …] [--rows 20000] [--table TABLE.json]

Prints documents and megabytes per CPU-second (median of five passes): signals and decisions of each profile, of all four
in one pass, and each profile through the whole tool, over made-up pages and over the member "text" of the files. Then,
per rule, on how many texts of a table by tests/filter/make_datatrove_table.py the rule decides otherwise when the words
are our own. Targets for all four in one pass: 25,000 made-up pages and 15,000 real texts on a quiet machine."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from tilth.agent.workspace import Workspace
from tilth.tools.filter._profiles import profile_named
from tilth.tools.text.signals.rule_signals import MEASURES, signals

TABLE = Path(__file__).parents[1] / "tests" / "filter" / "datatrove_table.json"
SYLLABLES = [first + vowel for first in "bdgklmnprstvz" for vowel in "aeiou"][:20]


def pages(count: int, seed: int = 20261120) -> list[str]:
    """Pages of 100 to 300 words, Zipf-Mandelbrot over 20,000 (s = 1.07, q = 2.7), in sentences and paragraphs."""
    rng = np.random.default_rng(seed)
    head = ["the", "of", "and", "to", "in", "that", "is", "with", "have", "be"]
    made = ["".join(SYLLABLES[i // 20**k % 20] for k in range(2 + i % 3)) for i in range(20_000)]
    words = list(dict.fromkeys(head + made))
    weight = 1 / (np.arange(len(words)) + 2.7) ** 1.07
    drawn = np.searchsorted(np.cumsum(weight / weight.sum()), rng.random(300 * count)).clip(max=len(words) - 1)
    texts = []
    for page in drawn.reshape(count, 300):
        ids, sentences = page[: rng.integers(100, 301)].tolist(), []
        while ids:
            size = int(rng.integers(6, 25))
            sentences.append(" ".join(words[i] for i in ids[:size]).capitalize() + ".")
            ids = ids[size:]
        texts.append("\n\n".join(" ".join(sentences[i : i + 4]) for i in range(0, len(sentences), 4)))
    return texts


def rate(work: Callable[[], object], documents: int) -> float:
    passes = []
    for _ in range(5):
        start = time.process_time()
        work()
        passes.append(documents / (time.process_time() - start))
    return statistics.median(passes)


def judge(texts: pa.Array, profiles: Sequence[str]) -> None:
    """Signals and decisions, in one pass over the texts, 8,192 at a time."""
    for start in range(0, len(texts), 8_192):
        found = signals(texts[start : start + 8_192], [MEASURES[one] for one in profiles])
        for one, table in zip(profiles, found, strict=True):
            profile = profile_named(one)
            profile.decide(table, profile.cuts)


def speed(name: str, texts: list[str]) -> None:
    column = pa.array(texts, pa.large_string())
    size = sum(len(text.encode()) for text in texts) / len(texts)
    print(
        f"\n{name}: {len(texts):,} texts of {size:,.0f} bytes; documents and MB per CPU-second (load {os.getloadavg()[0]:.1f})"
    )
    for label, profiles in (*((one, [one]) for one in MEASURES), ("all four, one pass", [*MEASURES])):
        done = rate(partial(judge, column, profiles), len(texts))
        print(f"  {label:24}{done:10,.0f}{done * size / 1e6:8.1f}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pages.jsonl"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        with Workspace(Path(folder), threads=1) as workspace:
            workspace.add(str(source), name="pages", format="text")
            imported = f"pages@{workspace.store.histories()['pages'].vids[0]}"
            for one in MEASURES:
                start = time.process_time()
                workspace.do("filter.rules", imported, profile=one)
                print(f"  tool: {one:18}{len(texts) / (time.process_time() - start):10,.0f}")


def disagreement(table: Path) -> None:
    """Per rule: on how many texts datatrove's numbers and ours fall on different sides of the cut."""
    rows = json.loads(table.read_text(encoding="utf-8"))
    column = pa.array([row["text"] for row in rows], pa.large_string())
    print(f"\n{table.name}: {len(rows)} texts, decided otherwise than by datatrove's words")
    print(f"  {'rule':30}{'texts':>8}{'dropped':>9}{'kept':>7}{'largest difference':>20}")
    for one in ("gopher@datatrove", "c4", "fineweb"):
        profile = profile_named(one)
        found = signals(column, [MEASURES[one]])[0]
        columns = {name: found[name].to_numpy(zero_copy_only=False) for name in found.column_names}
        for rule in (rule for rule in profile.rules if rule.cut):
            known = [i for i, row in enumerate(rows) if rule.signal in row["values"]]
            theirs = np.array([rows[i]["values"][rule.signal] for i in known])
            ours = columns[rule.signal][known]
            fails = rule.breaks({rule.signal: theirs}, profile.cuts)
            ours_fails = rule.breaks({rule.signal: ours}, profile.cuts)
            apart = float(np.abs(theirs - ours).max(initial=0))
            more, fewer = (ours_fails & ~fails).sum(), (fails & ~ours_fails).sum()
            print(f"  {rule.reason:30}{len(known):8}{more:9}{fewer:7}{apart:20.4g}")
        verdicts = ["" for _ in rows]
        for i, rule, _ in profile.decide(found, profile.cuts):
            verdicts[i] = rule.reason
        both = [
            (row["verdicts"][one], mine) for row, mine in zip(rows, verdicts, strict=True) if one in row["verdicts"]
        ]
        other = sum(bool(theirs) != bool(mine) for theirs, mine in both)
        kinds = Counter(f"{theirs or 'kept'} -> {mine or 'kept'}" for theirs, mine in both if theirs != mine)
        print(f"  {one}: {other} of {len(both)} kept or dropped otherwise; {dict(kinds.most_common(4))}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("files", nargs="*", type=Path)
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--table", type=Path, default=TABLE)
    given = arguments.parse_args()
    if given.rows:
        speed("made-up pages", pages(given.rows))
    for file in given.files:
        speed(file.name, [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()])
    disagreement(given.table)


if __name__ == "__main__":
    main()
