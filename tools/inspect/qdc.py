"""`inspect.qdc`: quality, diversity and complexity of each group of rows, and against other rows.

It knows which rows are compared and what was recorded about them. How texts are measured is known in `measures/diversity`
and in the profile `sft`.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from ..change import Fact, Finding, Report
from ..context import Context
from ..filter._profiles import sft
from ..store.past import history
from ..store.rows import Rows
from ..text.space.embedding import SAMPLE, Rounded, fit, rounded
from ..tool import Arg, TextField, tool
from .measures import diversity

NEAR: Final = 0.7
NEAR_SHARE: Final = 0.1
COPIED_SHARE: Final = 0.2
LARGEST: Final = 20
_UNGROUPED: Final = "(none)"

UNITS: Final = {
    "rows": "rows",
    "score": "score of 10",
    "scored": "rows",
    "faultless": "share",
    "vendi": "effective texts",
    "distinct_1": "share",
    "distinct_2": "share",
    "near_duplicates": "share",
    "words": "words",
    "median_words": "words",
    "vocabulary": "words",
    "compression": "ratio",
    "copied": "share",
}


@tool("inspect.qdc", reads=(".tilth/ledger.jsonl",), version=1, effect="reads")
def qdc(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    by: Annotated[
        Literal["source", "split"], Arg("what makes a group; made rows have their strategy as source")
    ] = "source",
    against: Annotated[
        str | None, Arg("also measure this dataset, and what of it stands in each group", dataset=True)
    ] = None,
) -> Report:
    """Measure quality, diversity and complexity of the rows of each strategy or source, and of the seeds beside them.

    Changes nothing. Groups are measured alone and together, the 20 largest; `against` is measured in the same way.
    Quality: `score`, the mean a panel gave (synthesize.rows, filter.judge; as long as the row was not edited since) over
    the `scored` rows; `faultless`, the share of rows without an empty, echoed, looping, refusing or cut-off answer, markup
    or unreadable characters (the rules of the profile sft). Diversity: `vendi`, the effective number of different texts
    (Friedman and Dieng 2023) over the built-in embedder, at most 128: 1 when all are equal, k for k unlike kinds equally
    often; `distinct_1`, `distinct_2` (Li et al. 2016); `near_duplicates`, the share of rows that repeat another (Jaccard
    0.7, runs of 5 words). Complexity: mean `words`, `median_words`, `vocabulary`, `compression` (bytes over bzip2 bytes:
    higher for what repeats itself). `copied`: the share of a group's runs of 5 words that stand in `against`. No number
    depends on the order of rows. distinct-n, vocabulary and compression move with a group's size: compare like sizes.
    After the survey of Havrilla et al. 2024 (arXiv 2412.02980), which asks for all three kinds of each strategy.

    Findings:
      qdc.near_duplicates  a tenth or more of a group's rows repeat another of it (warning)
      qdc.copied           a fifth or more of a group's runs of 5 words stand in `against` (warning)

    Facts `qdc.GROUP.METRIC` for each group, `qdc.all.METRIC` for all rows, `qdc.against.METRIC` for the seeds.
    """
    texts = _texts(data, field)
    names = data.arrow((by,)).column(by).to_pylist()
    scores, faultless = _scores(ctx, data), _faultless(data, field)
    seeds = ctx.rows(against) if against is not None else None
    seed_field = _field_of(seeds, data, field) if seeds is not None else field
    seed_texts = _texts(seeds, seed_field) if seeds is not None else []
    embedded = _Embedded.of([*texts, *seed_texts], ctx.seed)
    positions: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        positions.setdefault(_group(name, by), []).append(position)
    largest = sorted(positions, key=lambda name: (-len(positions[name]), name))[:LARGEST]
    groups = {"all": list(range(len(texts)))} | {name: positions[name] for name in largest}
    measured: dict[str, dict[str, float | int | None]] = {}
    for name, rows in groups.items():
        told = _measured([texts[i] for i in rows], embedded, ctx.threads)
        told |= _quality([scores[i] for i in rows], [faultless[i] for i in rows])
        if seeds is not None:
            told["copied"] = round(diversity.shared_runs([texts[i] for i in rows], seed_texts), 6)
        measured[name] = told
        ctx.progress(len(measured), len(groups), "groups")
    if seeds is not None:
        quality = _quality([None] * len(seeds), _faultless(seeds, seed_field))
        measured["against"] = {**_measured(seed_texts, embedded, ctx.threads), **quality}
    details = {
        "field": field, "by": by, "against": against, "groups": measured,
        "left_out": len(positions) - len(largest), "tables": [_table(measured)],
    }  # fmt: skip
    return Report(list(_findings(measured, data, field)), list(_facts(measured, field)), details)


def _field_of(seeds: Rows, data: Rows, field: str) -> str:
    """The same field, or where it is the default here, the default there: the seeds may be of another format."""
    return seeds.mapping.default_field if field == data.mapping.default_field else field


def _group(name: str | None, by: str) -> str:
    """What a group is called; one called as the whole or the seeds are says what it is."""
    return f"{by} {name}" if name in ("all", "against") else name or _UNGROUPED


@dataclass(frozen=True)
class _Embedded:
    """A vector for each different text."""

    number: Mapping[str, int]
    vectors: Rounded

    @staticmethod
    def of(texts: Sequence[str], seed: int) -> _Embedded:
        """The embedder is fitted on different texts, drawn by their content: copies and order change nothing."""
        drawn = sorted({text for text in texts if text.strip()}, key=lambda text: _digest(text, seed))
        fitted = fit(drawn[:SAMPLE], seed=seed)
        return _Embedded({text: i for i, text in enumerate(drawn)}, rounded(fitted.embed(drawn)))

    def vendi(self, texts: Sequence[str]) -> float:
        return diversity.vendi(self.vectors[[self.number[text] for text in texts if text in self.number]])


def _digest(text: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _texts(rows: Rows, field: str) -> list[str]:
    return [text or "" for batch in rows.texts(field) for text in batch.to_pylist()]


def _measured(texts: Sequence[str], embedded: _Embedded, threads: int) -> dict[str, float | int | None]:
    said = [text for text in texts if text.strip()]
    sizes = diversity.word_counts(said)
    return {
        "rows": len(texts),
        "vendi": embedded.vendi(said),
        "distinct_1": round(diversity.distinct_share(said, 1), 6),
        "distinct_2": round(diversity.distinct_share(said, 2), 6),
        "near_duplicates": round(diversity.near_duplicate_share(said, threshold=NEAR, threads=threads), 6),
        "words": round(sum(sizes) / len(sizes), 3) if sizes else 0.0,
        "median_words": float(statistics.median(sizes)) if sizes else 0.0,
        "vocabulary": diversity.vocabulary(said),
        "compression": diversity.compression_ratio(said),
    }


def _quality(scores: Sequence[float | None], faultless: Sequence[bool]) -> dict[str, float | int | None]:
    given = [score for score in scores if score is not None]
    return {
        "score": round(math.fsum(given) / len(given), 6) if given else None,
        "scored": len(given),
        "faultless": round(sum(faultless) / len(faultless), 6) if faultless else 0.0,
    }


def _faultless(rows: Rows, field: str) -> list[bool]:
    """For every row: does no rule of the profile sft drop it, and is its answer neither a refusal nor cut off?"""
    found: list[bool] = []
    own = None if field == rows.mapping.default_field else field  # by default, answers are judged
    for batch in rows.batches():
        told = sft.measure(rows.mapping, own, batch.records())
        signals = {name: told[name].to_numpy() for name in told.column_names}
        bad = signals["refusal"] | signals["truncation"]
        for rule in sft.RULES:
            bad = bad | rule.breaks(signals, sft.CUTS)
        found += (~bad).tolist()
    return found


def _scores(ctx: Context, data: Rows) -> list[float | None]:
    """The last score a panel gave each row at its present revision."""
    keys = data.arrow(("ord", "rev"))
    given: dict[tuple[int, int], float] = {}
    for entry in history.lineage(ctx.store, f"{ctx.dataset}@{data.vid}")[1]:
        told: pa.Table | None = None
        if entry.tool == "filter.judge" and "signals" in entry.objects:
            told = ctx.store.objects.read(entry.objects["signals"])
        elif entry.tool == "synthesize.rows":
            told = history.decisions(ctx.store, entry)
            told = None if told is None else told.filter(pc.equal(told["action"], "add"))
        if told is not None:
            columns = (told[name].to_pylist() for name in ("ord", "rev", "score"))
            given |= {(ord, rev): score for ord, rev, score in zip(*columns, strict=True) if score is not None}
    rows = zip(keys["ord"].to_pylist(), keys["rev"].to_pylist(), strict=True)
    return [given.get(one) for one in rows]


def _findings(measured: Mapping[str, Mapping[str, Any]], data: Rows, field: str) -> Iterator[Finding]:
    flag = "" if field == data.mapping.default_field else f" --field {field}"
    for name, told in measured.items():
        if name in ("all", "against"):
            continue
        if told["near_duplicates"] >= NEAR_SHARE:
            count = round(told["near_duplicates"] * told["rows"])
            message = f"{told['near_duplicates']:.1%} of the rows of {name} repeat another one, exactly or nearly."
            yield Finding("qdc.near_duplicates", "warning", message, count, fix=f"dedup.near{flag}")
        if told.get("copied", 0.0) >= COPIED_SHARE:
            message = f"{told['copied']:.1%} of the runs of 5 words in {name} stand in the rows it is held against."
            yield Finding("qdc.copied", "warning", message, told["rows"])


def _facts(measured: Mapping[str, Mapping[str, Any]], field: str) -> Iterator[Fact]:
    for name, told in measured.items():
        for metric, value in told.items():
            if value is not None:
                yield Fact(f"qdc.{name}.{metric}", value, UNITS[metric], f"inspect.qdc, field {field}", told["rows"])


def _table(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    metrics = [metric for metric in UNITS if any(metric in told for told in measured.values())]
    rows = [
        [name, *(_written(told.get(metric), UNITS[metric]) for metric in metrics)] for name, told in measured.items()
    ]
    head = ["group", *(metric.replace("_", " ") for metric in metrics)]
    return {"head": head, "rows": rows, "numbers": list(range(1, len(head)))}


def _written(value: Any, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "share":
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
