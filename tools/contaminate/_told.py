"""What a scan says of a benchmark: counts, shares with their intervals, evidence, findings and facts.

It knows words and numbers to be shown. It decides nothing.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..change import Fact, Finding, Severity
from ..statistics import wilson
from ..store.rows import Rows
from ..text.characters import METHOD
from ..text.ngrams import NORMALISER
from ._benchmark import COMPARED, SEED, SHORTEST, Benchmark
from ._finding.hits import Hits
from ._verdicts import CONTAMINATED, VERDICTS, Pair, Verdict

TOP: Final = 10
_EXAMPLES: Final = 5

_MEANING: Final[dict[str, tuple[Severity, str]]] = {
    "exact": ("error", "stand word for word in rows"),
    "near_verbatim": ("error", "stand nearly word for word in rows"),
    "rephrased": ("error", "are asked in other words"),
    "partial": ("warning", "stand in part in rows"),
    "answer_only": ("warning", "have their answer in rows, without the question"),
    "undecided": ("warning", "are like rows that nobody has judged"),
    "boilerplate": ("note", "share only common runs of words with rows"),
    "not_checkable": ("note", f"are too short to be looked for (under {SHORTEST} words)"),
}


def summary(
    benchmark: Benchmark,
    hits: Hits,
    verdicts: Sequence[Verdict],
    evidence: Mapping[int, Sequence[Pair]],
    data: Rows,
    sources: Mapping[str, int],
    *,
    similar: bool,
    judged: Mapping[str, int] | None = None,
    embedder: str = "",
) -> dict[str, Any]:
    """All that is told of one benchmark; JSON. `evidence`: row -> its pairs, the strongest first; `sources`: rows of each
    source; `judged`: what the panel said of pairs that are alike."""
    count = Counter(verdicts)
    bad = sum(count[verdict] for verdict in CONTAMINATED)
    rows: dict[str, list[int]] = {verdict: [] for verdict in VERDICTS}
    for row in sorted(evidence):
        rows[evidence[row][0].verdict].append(row)
    return {
        "benchmark": benchmark.name,
        "version": benchmark.vid,
        "revision": benchmark.revision,
        "license": benchmark.license,
        "normaliser": NORMALISER,
        "items": len(benchmark.items),
        "rows_looked_at": sum(sources.values()),
        "not_checkable": count["not_checkable"],
        "verdicts": {verdict: count[verdict] for verdict in VERDICTS if count[verdict]},
        "held": _held(benchmark, verdicts),
        "contaminated": _share(bad, len(benchmark.items)),
        "ngram": {str(n): hits.counts(n, benchmark.indexes[n]) for n in (SEED, COMPARED)},
        "rows": {verdict: len(found) for verdict, found in rows.items() if found},
        "examples": {verdict: found[:_EXAMPLES] for verdict, found in rows.items() if found},
        "sources": _by_source(data, sources, sorted(row for verdict in CONTAMINATED for row in rows[verdict])),
        "judged": dict(sorted((judged or {}).items())),
        "not_checked": _not_checked(benchmark, similar, embedder),
        "top": [{"row": pair.row, **pair.to_json(benchmark)} for pair in _top(evidence)],
    }


def _top(evidence: Mapping[int, Sequence[Pair]]) -> list[Pair]:
    """The strongest pair of each verdict, then the second of each, and so on: a few of every kind."""
    by_verdict: dict[str, list[Pair]] = {}
    for pairs in evidence.values():
        by_verdict.setdefault(pairs[0].verdict, []).append(pairs[0])
    ranked = (enumerate(heapq.nsmallest(TOP, some, key=lambda pair: pair.rank)) for some in by_verdict.values())
    chosen = sorted((one for some in ranked for one in some), key=lambda one: (one[0], one[1].rank))[:TOP]
    return [pair for _, pair in chosen]


def _held(benchmark: Benchmark, verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """The names of the items that rows hold in any way, by verdict."""
    found: dict[str, list[str]] = {}
    for item, verdict in zip(benchmark.items, verdicts, strict=True):
        if verdict not in ("no_evidence", "not_checkable"):
            found.setdefault(verdict, []).append(item.name)
    return {verdict: found[verdict] for verdict in VERDICTS if verdict in found}


def _share(hits: int, of: int) -> dict[str, Any]:
    low, high = wilson(hits, of)
    return {"count": hits, "share": hits / of if of else 0.0, "low": low, "high": high}


def rows_by_source(data: Rows, looked: np.ndarray) -> dict[str, int]:
    """How many of the rows looked at (a mask) each source has."""
    found, at = Counter[str](), 0
    for batch in data.batches(("source",), size=65_536):
        some = batch.column("source").filter(pa.array(looked[at : at + len(batch)]))
        found.update({one["values"]: one["counts"] for one in some.value_counts().to_pylist()})
        at += len(batch)
    return dict(found)


def _by_source(data: Rows, sources: Mapping[str, int], rows: Sequence[int]) -> dict[str, Any]:
    """For each source, rows that hold an item."""
    held = Counter(data.take(rows, ("source",))["source"].to_pylist() if rows else [])
    return {
        name: {"rows": sources[name], "contaminated": _share(held[name], sources[name])} for name in sorted(sources)
    }


def _not_checked(benchmark: Benchmark, similar: bool, embedder: str) -> list[str]:
    short = int((benchmark.words < SHORTEST).sum())
    said = [f"translations: only by {embedder}" if similar and embedder else "translations: no method here sees them"]
    if short:
        said.append(f"{short:,} items under {SHORTEST} words: by their fingerprint only")
    if not similar:
        said.append("rephrased items: similarity was switched off")
    return said


def findings_of(told: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding for each verdict that needs a person's attention; it counts items."""
    for verdict, (severity, meaning) in _MEANING.items():
        items = told["verdicts"].get(verdict, 0)
        if not items:
            continue
        rows = told["rows"].get(verdict, 0)
        where = f" ({rows:,} rows)" if rows else ""
        query = (
            "select count(distinct row_id) as rows from decisions where tool = 'contaminate.scan' and "
            f"reason = '{verdict}' and json_extract_string(evidence, '$.benchmark') = '{told['benchmark']}'"
        )
        yield Finding(
            f"contaminate.{verdict}",
            severity,
            f"of {told['items']:,} of {told['benchmark']} {meaning}{where}.",
            items,
            unit="items",
            rows=tuple(told["examples"].get(verdict, ())),
            sql=query if rows else "",
            fix="contaminate.remove" if verdict in CONTAMINATED else "",
        )


def facts_of(told: Mapping[str, Any], field: str) -> Iterator[Fact]:
    rows = told["rows_looked_at"]
    by = f"fingerprints, runs of {SEED} words{f', {METHOD}' if _looked_alike(told) else ''}"
    method = f"contaminate.scan of field {field} against {told['benchmark']}@{told['version']}: {by}; {NORMALISER}"
    name = f"contaminate.{told['benchmark']}"
    bad = told["contaminated"]
    held = sum(source["contaminated"]["count"] for source in told["sources"].values())
    yield Fact(f"{name}.items", told["items"], "items", method, rows)
    yield Fact(f"{name}.contaminated", bad["count"], "items", method, rows)
    for bound in ("share", "low", "high"):
        interval = method if bound == "share" else f"Wilson 95 % interval; {method}"
        yield Fact(f"{name}.contaminated.{bound}", bad[bound], "share", interval, rows)
    for verdict in ("partial", "undecided", "not_checkable"):
        yield Fact(f"{name}.{verdict}", told["verdicts"].get(verdict, 0), "items", method, rows)
    yield Fact(f"{name}.rows", held, "rows", method, rows)


def _looked_alike(told: Mapping[str, Any]) -> bool:
    return not any(said.startswith("rephrased") for said in told["not_checked"])
