"""`dedup.near`: rows whose text nearly repeats that of a kept row.

It knows what is compared and how a decision is told. How near-duplicates are found is `text/near/similarity`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Final

import numpy as np
import pyarrow as pa

from ..change import DECISIONS, Change, Outcome, one
from ..context import Context
from ..store.rows import Rows
from ..text.near.shingles import ShingleSets, shingle_sets
from ..text.near.similarity import NearDuplicates, near_duplicates
from ..tool import Arg, TextField, tool
from ._order import keep_ranks
from ._survivors import row_ids
from .exact import field_of, normalized_keys, repetitions

IN_MEMORY: Final = 1_000_000
"""Rows beyond which shingle hashes lie in a scratch file (8 bytes a word) that the kernel may drop from memory."""


@tool("dedup.near", reasons=("near_duplicate",))
def near(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    threshold: Annotated[
        float,
        Arg("drop a row whose Jaccard similarity to a kept row reaches this", threshold=True, minimum=0.1, maximum=1),
    ] = 0.7,
    ngram: Annotated[int, Arg("words in a shingle", minimum=1, maximum=20)] = 5,
    keep: Annotated[
        str | None, Arg("which row of a group stays: an ORDER BY over the row's columns and `length`", order=True)
    ] = None,
    against: Annotated[str | None, Arg("also drop rows that nearly repeat a row of this dataset", dataset=True)] = None,
) -> Change:
    """Drop rows whose text nearly repeats that of a kept row.

    Texts are compared as sets of runs of `ngram` words (lower case, `\\w+`; character runs where a script has no
    spaces) by their exact Jaccard similarity. Rows are gone through in keep order: those of a test or validation split
    first, then by `keep`, then the earlier row; a row is dropped only if its similarity to a row already kept reaches
    `threshold`, so that a chain of small differences never takes a row that differs from all that stay.

    Reason `near_duplicate`: the score is the similarity, the evidence names the most similar kept row (`survivor`).
    Texts shorter than a shingle are compared whole, lower case and with single spaces (similarity 1). Rows without
    any text stay. Pairs are found by a sampled prefix-filter join (see `text/near/candidates`), which misses about one pair
    in 10,000 near the threshold; what is dropped is certain.
    """
    others = None if against is None else ctx.rows(against)
    count = len(data)
    with ExitStack() as stack:
        many = count > IN_MEMORY
        spill = stack.enter_context((ctx.scratch / "shingles").open("w+b")) if many else None
        sets = shingle_sets(_texts(ctx, data, others, field), ngram=ngram, threads=ctx.threads, spill=spill)
    rank, pinned = keep_ranks(ctx, data, keep, field), np.zeros(len(sets), bool)
    pinned[count:] = True
    rank = np.concatenate([rank, np.arange(count, len(sets))])
    found = near_duplicates(sets, threshold=threshold, rank=rank, pinned=pinned, threads=ctx.threads)
    short = _short_repetitions(data, others, field, sets, rank, pinned)
    ctx.progress(count, count)
    return Change(one(Outcome(decisions=_decisions(data, others, found, short))))


def _texts(ctx: Context, data: Rows, others: Rows | None, field: str) -> Iterator[pa.LargeStringArray]:
    """The texts of the dataset, then those of the other one."""
    done = 0
    for batch in data.texts(field):
        done += len(batch)
        yield batch
        ctx.progress(done // 2, len(data))
    if others is not None:
        yield from others.texts(field_of(others, field))


def _short_repetitions(
    data: Rows, others: Rows | None, field: str, sets: ShingleSets, rank: np.ndarray, pinned: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(dropped, survivor) among texts that have no shingle, by exact normalized text."""
    short = sets.too_short
    if not len(short):
        return short, short
    inside = short[short < len(data)]
    keys = [normalized_keys(data, inside, field)]
    if others is not None:
        keys.append(normalized_keys(others, short[len(inside) :] - len(data), field_of(others, field)))
    order = np.where(pinned, rank - len(sets), rank)[short]
    dropped, survivor = repetitions(np.concatenate(keys), order)
    mine = short[dropped] < len(data)
    return short[dropped][mine], short[survivor][mine]


def _decisions(
    data: Rows, others: Rows | None, found: NearDuplicates, short: tuple[np.ndarray, np.ndarray]
) -> pa.Table:
    dropped = np.concatenate([found.dropped, short[0]])
    survivor = np.concatenate([found.survivor, short[1]])
    scores = np.concatenate([found.jaccard, np.ones(len(short[0]))])
    order = np.argsort(dropped, kind="stable")
    evidence = _evidence(data, others, survivor[order])
    count = len(order)
    return pa.Table.from_arrays(
        [
            pa.array(dropped[order], pa.int64()),
            pa.array(np.repeat("drop", count), pa.string()),
            pa.array(np.repeat("near_duplicate", count), pa.string()),
            pa.array(scores[order]),
            pa.array(evidence, pa.string()),
        ],
        schema=DECISIONS,
    )


def _evidence(data: Rows, others: Rows | None, survivors: np.ndarray) -> list[str]:
    """The evidence of each decision as JSON text: the id of the row that stayed, and its version if it is another's."""
    told = np.empty(len(survivors), object)
    mine = survivors < len(data)
    told[mine] = ['{"survivor": "' + row_id + '"}' for row_id in row_ids(data, survivors[mine])]
    if others is not None:
        theirs = row_ids(others, survivors[~mine] - len(data))
        told[~mine] = ['{"of": "' + others.vid + '", "survivor": "' + row_id + '"}' for row_id in theirs]
    return list(told)
