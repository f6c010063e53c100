"""`contaminate.scan`: which rows hold items of benchmarks, with evidence on both sides.

It knows the order of the methods and what is told of each benchmark. Hits are found in `_hits`, kept in `_shards` and
judged in `_verdicts`; rows that are only alike are `_alike`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa

from ..change import Report, drops
from ..context import Context
from ..errors import Misuse
from ..store.format.wording import pieces_of
from ..store.rows import Rows
from ..text.align import Vocabulary
from ..text.characters import TfIdf
from ..tool import Arg, TextField, tool
from ._benchmark import SEED, SHORTEST, TEMPLATED, Benchmark
from ._finding import shards as _shards
from ._finding.alike import pairs_of
from ._finding.hits import Hits, Kept
from ._finding.similar import Embedded, Space
from ._registered import in_split, open_benchmark
from ._told import facts_of, findings_of, rows_by_source, summary
from ._verdicts import Judge, Pair, RowText, Verdict

CAP: Final = 20
"""Pairs kept as evidence for each item and each row; all are counted."""

_TOGETHER: Final = 256


@tool("contaminate.scan", version=2, effect="reads")
def scan(
    ctx: Context,
    data: Rows,
    *,
    benchmarks: Annotated[
        list[str],
        Arg(
            "registered benchmarks; files of items, which are registered under their stem; or DATASET:SPLIT, as data:test",
            benchmark=True,
        ),
    ],
    field: TextField = "all",
    similar: Annotated[bool, Arg("also look for rows that are like a question, by their characters")] = True,
    similarity: Annotated[
        float, Arg("cosine from which a row is a candidate for a rephrase", threshold=True, minimum=0.05, maximum=1)
    ] = 0.3,
    embedded_similarity: Annotated[
        float, Arg("the same for embeddings, where an endpoint gives them", threshold=True, minimum=0.05, maximum=1)
    ] = 0.7,
    embedder: Annotated[
        str | None, Arg("a model that gives vectors as well: openai:MODEL@ENDPOINT or vllm:MODEL", spends=True)
    ] = None,
    judge: Annotated[bool, Arg("ask the panel of models whether candidates are rephrases", spends=True)] = False,
) -> Report:
    """Find rows that hold items of benchmarks; changes nothing.

    Every item gets one verdict, the strongest that any row gives it:
      exact          a text of the row, or the whole row, has the words of the question (5 or more, or with its answer,
                     options or passage), and no others
      near_verbatim  a match of 13 words or more that holds half of the question's own words; or all of a question of 8
                     words or more; or runs of 8 with 0.8 of the question's weight and 20 words. A match goes on past up
                     to 2 other words on either side
      rephrased      the panel said that the row asks the same, whichever it was shown first, and quoted both (`judge`)
      partial        less of the question, but runs of 8 words and a quarter of it; a question of 5 to 7 words inside a
                     longer text; or only the passage, or the options
      answer_only    the answer near-verbatim, without the question
      undecided      rows are like the question (`similarity`), and whether they ask the same was not judged, or not
                     readably, or differently in different orders and by no adjudicator
      boilerplate    nothing but runs of words that are nobody's own: in 5 different items or more; in 20 different rows
                     and 0.1 % of all; inside quotation marks; or part of another item's match
      not_checkable  fewer than 5 words, and no fingerprint of it was found
      no_evidence    looked for, and nothing found; by these methods, which see no translation
    Rows are flagged with the strongest verdict they give, once for each benchmark; the evidence holds the pairs, up to
    20 for each row and item, each with character spans (path, start, end) in the row and (part, item_start, item_end) in
    the item, and ConTAM's scores (Singh et al. 2024): token_match, ngram_match, token_extend, longest_match, beside
    `coverage` (words in runs of 8, boilerplate aside), `idf_coverage` and `answer_present` (within 100 words).

    `ngram` in the details counts, for runs of 8 and of 13 words, rows, items and pairs that share one, whatever they
    mean: over an item's parts joined by a newline and a row's texts joined by a newline. Words are those of
    `re.findall(r"\\w+", text.lower())`. Candidates are found by TF-IDF of hashed character 3- to 5-grams, weighted by the
    benchmark's questions, the 5 nearest rows (of code, 20), over the first 2,000 characters of each text; those of an
    `embedder` add as many. Cosines are exact; which pairs they are computed of is estimated, and fewer than 1 in 500 of
    `similarity` or more are missed. This is by far the slowest part: a CPU second for some 30 million pairs of a text
    and an item, as 2,000 texts against 15,000 items; `similar` off (`--no-similar`) leaves it out, and the result says
    so. What was found in a pack of rows is kept, and used when others are added.

    Facts `contaminate.BENCHMARK.…`: items, not_checkable, undecided, contaminated (exact, near-verbatim and rephrased)
    with the bounds of its share's 95 % interval (Wilson 1927), and rows that hold them.
    """
    if judge and ctx.panel is None:
        raise Misuse("--judge asks models, and no panel can be asked here.",
                     next_step='Write [roles] reviewer = ["openai:MODEL@ENDPOINT"] in tilth.toml.')  # fmt: skip
    opened = [open_benchmark(ctx.store, address) for address in dict.fromkeys(benchmarks)]
    ctx.progress(0, len(data))
    states, told = list[_State](), list[dict[str, Any]]()
    for looked, some in _looked_at(ctx, data, opened):
        hits, kept = _shards.find(ctx, data, field, some, looked)
        vocabulary = Vocabulary()
        found = [_State(benchmark, hit, int(looked.sum())) for benchmark, hit in zip(some, hits, strict=True)]
        for state in found:
            state.judge(data, field, kept, vocabulary)
        if similar:
            spaces = [_spaces(ctx, data, one, similarity, embedder, embedded_similarity) for one in some]
            near = _shards.alike(ctx, data, field, some, looked, spaces)
            for state, rows in zip(found, near, strict=True):
                pairs, state.judged = pairs_of(ctx, data, field, state.benchmark, state.verdicts(), rows, judge=judge)
                for pair in pairs:
                    state.add(pair)
        sources = rows_by_source(data, looked)
        told += [
            summary(
                state.benchmark,
                state.hits,
                state.verdicts(),
                state.rows,
                data,
                sources,
                similar=similar,
                judged=state.judged,
                embedder=embedder or "",
            )
            for state in found
        ]
        states += found
    method = {"field": field, "rows": len(data), "similar": similar, "similarity": similarity, "judge": judge,
              "embedder": embedder or ""}  # fmt: skip
    return Report(
        findings=[one for line in told for one in findings_of(line)],
        facts=[one for line in told for one in facts_of(line, field)],
        details={**method, "benchmarks": told},
        decisions=_flags(states),
    )


@dataclass
class _State:
    """What is known of one benchmark so far: pairs by row, and for each item the pairs that give its verdict."""

    benchmark: Benchmark
    hits: Hits
    looked_at: int
    rows: dict[int, list[Pair]] = field(default_factory=dict)
    count: Counter[int] = field(default_factory=Counter)
    best: dict[int, Pair] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    kept: Counter[int] = field(default_factory=Counter)

    def add(self, pair: Pair) -> None:
        """Count a pair; keep it as evidence unless the row and the item have enough. A row's strongest always stays."""
        self.count[pair.row] += 1
        known = self.best.get(pair.item)
        if known is None or pair.rank < known.rank:
            self.best[pair.item] = pair
        listed = self.rows.setdefault(pair.row, [])
        strongest = not listed or pair.rank < listed[0].rank
        if strongest or (len(listed) < CAP and self.kept[pair.item] < CAP):
            self.kept[pair.item] += 1
            listed.append(pair)
            listed.sort(key=lambda one: one.rank)
            del listed[CAP:]

    def add_common(self, row: int, items: Sequence[int]) -> None:
        """Count items with which a row shares boilerplate only; those that are news, and a few more, as evidence."""
        for item in items:
            if item not in self.best or len(self.rows.get(row, ())) < CAP:
                self.add(Pair(row, item, "boilerplate", "runs that stand in many items or rows"))
            else:
                self.count[row] += 1

    def judge(self, data: Rows, field: str, kept: Kept, vocabulary: Vocabulary) -> None:
        """Compare every row with the items it shares a run of its own with, or a fingerprint."""
        boilerplate = list[np.ndarray]()
        wanted: dict[int, set[int]] = {row: set(items) for row, items in self.hits.exact.items()}
        nobodys: dict[int, np.ndarray] = {}
        for n in range(SHORTEST, SEED + 1):
            index = self.benchmark.indexes[n]
            templated = self.benchmark.frequency(n) >= TEMPLATED
            nobodys[n] = self.hits.common(n, index, self.looked_at) | templated
            boilerplate.append(index.hashes[nobodys[n]])
            for row, items in self.hits.items_by_row(n, index, ~nobodys[n]):
                wanted.setdefault(row, set()).update(items)
        for n, common in nobodys.items():
            for row, items in self.hits.items_by_row(n, self.benchmark.indexes[n], common):
                self.add_common(row, [item for item in items if item not in wanted.get(row, ())])
        judge = Judge(self.benchmark, np.unique(np.concatenate(boilerplate)), vocabulary)
        rows = sorted(wanted)
        for low in range(0, len(rows), _TOGETHER):
            some = rows[low : low + _TOGETHER]
            for row, record in zip(some, kept.records(some), strict=True):
                text = RowText.of(row, pieces_of(data.mapping, record, field), vocabulary)
                for pair in judge.row(text, sorted(wanted[row]), self.hits.exact.get(row, [])):
                    self.add(pair)

    def verdicts(self) -> list[Verdict]:
        """One for each item."""
        words = self.benchmark.words
        return [
            self.best[item].verdict
            if item in self.best
            else "not_checkable" if words[item] < SHORTEST else "no_evidence"
            for item in range(len(self.benchmark.items))
        ]  # fmt: skip


def _looked_at(
    ctx: Context, data: Rows, opened: Sequence[Benchmark]
) -> Iterator[tuple[np.ndarray, Sequence[Benchmark]]]:
    """The rows that are looked through (a mask), and for which benchmarks: for a split of the data itself the others."""
    own = {one.name: one for one in opened if one.name.startswith(f"{ctx.dataset}:")}
    if others := [one for one in opened if one.name not in own]:
        yield np.ones(len(data), bool), others
    for name, one in own.items():
        yield ~in_split(data, name.removeprefix(f"{ctx.dataset}:")), [one]


def _spaces(
    ctx: Context, data: Rows, benchmark: Benchmark, least: float, embedder: str | None, least_embedded: float
) -> list[tuple[Space, float]]:
    """Where rows and questions are compared, and the cosine from which a row is a candidate."""
    spaces: list[tuple[Space, float]] = [(TfIdf(benchmark.features, len(benchmark.items)), least)]
    if embedder is not None:
        if ctx.open_embedder is None:
            raise Misuse("There are no models to ask.", next_step="Run: tilth models add NAME URL")
        spaces.append((Embedded(ctx.open_embedder(embedder, len(data) + len(benchmark.items))), least_embedded))
    return spaces


def _flags(states: Sequence[_State]) -> pa.Table:
    """A flag for each row and benchmark, under the row's strongest verdict."""
    told = sorted(_each(states), key=lambda flag: flag[0])
    rows, reasons, scores, evidence = zip(*told, strict=True) if told else ((), (), (), ())
    return drops(rows, reasons, scores=scores, evidence=evidence, action="flag")


def _each(states: Sequence[_State]) -> Iterator[tuple[int, str, float, dict[str, Any]]]:
    for state in states:
        for row, pairs in state.rows.items():
            first = pairs[0]
            score = float(first.scores.get("coverage", first.scores.get("similarity", 0.0)))
            evidence = {
                "benchmark": state.benchmark.name,
                "version": state.benchmark.vid,
                "pair_count": state.count[row],
                "pairs": [pair.to_json(state.benchmark) for pair in pairs],
            }
            yield row, first.verdict, score, evidence
