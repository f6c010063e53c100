"""`dedup.semantic`: rows whose text lies close to that of a kept row in the space of an embedder.

It knows vectors rounded to integers, clusters and the greedy rule. How a text becomes a vector is an embedder's
business, the built-in one's `text/space/embedding`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..change import Change, Fact, Outcome, drops, one
from ..context import Context, Embedder
from ..errors import BadInput, Misuse
from ..store.packs import fixed_bytes
from ..store.rows import Rows
from ..text.space.embedding import SAMPLE, Rounded, fit, rounded, sampled
from ..text.space.kmeans import Positions, centres_of, nearest
from ..tool import Arg, TextField, tool
from ._order import keep_ranks
from ._survivors import Survivors
from .exact import field_of

Source = tuple[Rows, str]

_DIGITS: Final = 4
_TOGETHER: Final = 256  # texts an embedder is given at a time
_COMPARED_WHOLE: Final = 10_000  # texts of which all pairs are compared unless `clusters` is given
_PER_CLUSTER: Final = 64  # texts that k-means is fitted on, for each cluster
_BLOCK: Final = 256  # rows settled at a time
_AGAINST: Final = 8_192  # rows they are compared with at a time


@tool("dedup.semantic", reasons=("semantic_duplicate",))
def semantic(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    threshold: Annotated[
        float,
        Arg("drop a row whose cosine to a kept row reaches this", threshold=True, minimum=0.1, maximum=1),
    ] = 0.9,
    clusters: Annotated[
        int | None,
        Arg("compare only within this many clusters; 1 compares all pairs; default: by the number of rows", minimum=1),
    ] = None,
    keep: Annotated[
        str | None, Arg("which row of a group stays: an ORDER BY over the row's columns and `length`", order=True)
    ] = None,
    against: Annotated[str | None, Arg("also drop rows that lie close to a row of this dataset", dataset=True)] = None,
    embedder: Annotated[
        str | None, Arg("a model that gives vectors: openai:MODEL@ENDPOINT or vllm:MODEL", spends=True)
    ] = None,
    vectors: Annotated[
        str | None, Arg("a folder of Parquet files with the columns text and vector, made elsewhere", path=True)
    ] = None,
) -> Change:
    """Drop rows whose text lies close, in an embedder's space, to that of a kept row.

    Rows are gone through in keep order: those of a test or validation split first, then by `keep`, then the earlier
    row; a row is dropped only if its cosine to a row already kept reaches `threshold`, so that a chain of small steps
    never takes a row that differs from all that stay.

    Reason `semantic_duplicate`: the score is the cosine (4 decimals), the evidence names the most similar kept row
    (`survivor`; `of` is its version if it is another dataset's) and the embedder. Rows without any text stay, and so
    do those an embedder gives no direction (zeros).

    Method after SemDeDup (Abbas et al. 2023): k-means, then cosines within each cluster; but greedy against kept rows.
    `clusters` left out is 1 up to 10,000 texts, then sqrt(n / 2); n counts the rows of `against` too. Clusters save
    time and miss pairs: two texts at either side of a border are never compared, and both stay, however close (of
    21,877 short questions, 100 clusters left some 4 in 100 of the rows that one cluster dropped). What is dropped is
    certain either way, and equal vectors are always in one cluster. k-means is spherical, drawn by seed and row ids,
    and fitted on 64 texts for each cluster in at most 10 iterations.

    Without `embedder` or `vectors` it is the built-in embedder (`text/space/embedding`): character n-grams of 3 and 4,
    TF-IDF, SVD to 128 dimensions, fitted on 5,000 of the texts at hand. It has learned no language: it finds texts
    written alike, and no paraphrase in other words. Its vectors depend on the sample, so a cosine of one dataset is not
    one of another.

    Vectors are rounded to 4 decimals before anything is compared, and then all is exact: threads, packs and the order
    of rows (under a `keep` that ranks each) change nothing. Memory: 2 bytes a dimension and row,
    twice that while they are gathered.

    Facts: `dedup.semantic.embedder`, `.dimensions`, `.clusters`, and `.compared`, rows of this dataset with a vector.
    """
    others = None if against is None else ctx.rows(against)
    sources = [(data, field)] if others is None else [(data, field), (others, field_of(others, field))]
    told = _embedded(ctx, sources, _named(ctx, embedder, vectors, sum(len(rows) for rows, _ in sources)))
    ours = int((told.rows < len(data)).sum())
    rank = np.concatenate([keep_ranks(ctx, data, keep, field), np.arange(0 if others is None else -len(others), 0)])
    wanted = clusters or (1 if len(told.rows) <= _COMPARED_WHOLE else isqrt(len(told.rows) // 2))
    with _blas_threads(ctx.threads):
        labels = _labels(told.vectors, told.drawn, wanted)
        found = _semantic_duplicates(told.vectors, labels, rank[told.rows], ours, threshold)
    ctx.progress(len(data), len(data))
    method = f"dedup.semantic, field {field}, cosine {threshold} or more"
    facts = [
        Fact("dedup.semantic.embedder", told.embedder, "name", method, len(data)),
        Fact("dedup.semantic.dimensions", told.vectors.shape[1], "dimensions", method, len(data)),
        Fact("dedup.semantic.clusters", len(np.unique(labels)), "clusters", method, len(data)),
        Fact("dedup.semantic.compared", ours, "rows", method, len(data)),
    ]
    evidence = _evidence(data, others, told.rows[found.survivor], told.embedder)
    outcome = drops(told.rows[found.dropped], "semantic_duplicate", scores=found.cosine, evidence=evidence)
    return Change(one(Outcome(outcome)), facts=facts)


class _Embedded(NamedTuple):
    """The rounded vectors that have a direction, and the row of each, ascending; rows of several sources are numbered
    one after the other. `drawn`: the vectors in an order drawn from the ids of their rows."""

    vectors: Rounded
    rows: Positions
    drawn: Positions
    embedder: str


def _named(ctx: Context, model: str | None, folder: str | None, texts: int) -> Embedder | None:
    """The embedder the arguments name; None: the built-in one."""
    if model is not None and folder is not None:
        raise Misuse("dedup.semantic takes its vectors from a model or from a folder.", next_step="Name one of them.")
    if folder is not None:
        from ..text.space.vectors import StoredVectors

        return StoredVectors(Path(folder))
    if model is None:
        return None
    if ctx.open_embedder is None:
        raise Misuse("There are no models to ask.", next_step="Run: tilth models add NAME URL")
    return ctx.open_embedder(model, texts)


def _embedded(ctx: Context, sources: Sequence[Source], embedder: Embedder | None) -> _Embedded:
    said = np.concatenate([_with_text(source) for source in sources])
    ids = [fixed_bytes(rows.arrow(("row_id",))["row_id"]) for rows, _ in sources if len(rows)]
    order = sampled(np.concatenate([np.empty((0, 16), np.uint8), *ids]), seed=ctx.seed)
    order = order[said[order]]
    embedder = embedder or fit(_texts_at(sources, order[:SAMPLE]), seed=ctx.seed)
    vectors = _vectors(ctx, sources, said, embedder)
    directed = vectors.any(axis=1)
    rows = np.flatnonzero(said)[directed]
    place = np.full(len(said), -1, np.int64)
    place[rows] = np.arange(len(rows))
    drawn = place[order]
    return _Embedded(vectors[directed], rows, drawn[drawn >= 0], embedder.name)


def _with_text(source: Source) -> npt.NDArray[np.bool_]:
    rows, field = source
    told = [np.array([bool(text.strip()) for text in texts.to_pylist()], bool) for texts in rows.texts(field)]
    return np.concatenate([np.empty(0, bool), *told])


def _texts_at(sources: Sequence[Source], wanted: Positions) -> list[str]:
    """The texts of some rows, in the order given."""
    found: dict[int, str] = {}
    start = 0
    for rows, field in sources:
        here = np.sort(wanted[(wanted >= start) & (wanted < start + len(rows))])
        for low in range(0, len(here), _TOGETHER):
            some = here[low : low + _TOGETHER]
            for position, record in zip(some.tolist(), rows.records(some - start), strict=True):
                found[position] = rows.mapping.text(record, field)
        start += len(rows)
    return [found[position] for position in wanted.tolist()]


def _vectors(ctx: Context, sources: Sequence[Source], said: npt.NDArray[np.bool_], embedder: Embedder) -> Rounded:
    """The rounded vector of every row that has text, in order."""
    parts: list[Rounded] = []
    done, ours = 0, len(sources[0][0])
    for rows, field in sources:
        for texts in rows.texts(field, size=_TOGETHER):
            told = texts.filter(pa.array(said[done : done + len(texts)])).to_pylist()
            if told:
                parts.append(_checked(embedder.embed(told), len(told), parts, embedder.name))
            done += len(texts)
            ctx.progress(min(done, ours), 2 * ours)
    return np.concatenate(parts) if parts else np.empty((0, 0), np.int16)


def _checked(found: Any, texts: int, before: Sequence[Rounded], name: str) -> Rounded:
    vectors = np.asarray(found, np.float64)
    width = before[0].shape[1] if before else vectors.shape[-1] if vectors.ndim else 0
    if vectors.shape != (texts, width):
        raise BadInput(
            f"The embedder {name} gave an array of shape {vectors.shape} for {texts} texts, not ({texts}, {width}).",
            next_step="Check which model it serves: all vectors must have one length.",
        )
    if not np.isfinite(vectors).all():
        raise BadInput(f"The embedder {name} gave numbers that are not finite.", next_step="Check the model it serves.")
    return rounded(vectors)


def _blas_threads(threads: int) -> Any:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    return threadpool_limits(limits=threads)


class _Found(NamedTuple):
    """The cosine of row `dropped[i]` to the kept row `survivor[i]`; `dropped` ascends."""

    dropped: Positions
    survivor: Positions
    cosine: npt.NDArray[np.float64]


def _semantic_duplicates(vectors: Rounded, labels: Positions, rank: Positions, ours: int, threshold: float) -> _Found:
    """What the greedy rule drops within each cluster; vectors from `ours` on rank first and are never dropped."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.int64))
    order = np.lexsort((rank, labels))
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    edges = [_Found(order[:0], order[:0], np.empty(0))]
    for members in np.split(order, starts[1:]):
        edges += _settled(vectors, length, members, ours, threshold)
    found = _Found(*(np.concatenate(column) for column in zip(*edges, strict=True)))
    ascending = np.argsort(found.dropped)
    return _Found(found.dropped[ascending], found.survivor[ascending], found.cosine[ascending])


def _settled(vectors: Rounded, length: np.ndarray, members: Positions, ours: int, threshold: float) -> Iterator[_Found]:
    """The greedy rule among members in keep order, block after block; those from `ours` on stand first and stay."""
    count = int((members >= ours).sum())
    kept, free = members.copy(), members[count:]
    for low in range(0, len(free), _BLOCK):
        block = free[low : low + _BLOCK]
        a, b, cosine = _reaching(vectors, length, kept[:count], block, threshold)
        lost = np.zeros(len(block), bool)
        lost[b] = True
        i, j, inside = _reaching(vectors, length, block, block, threshold)
        apart = i < j
        i, j, inside = i[apart], j[apart], inside[apart]
        undecided = ~lost[j]
        pairs = np.stack([j[undecided], i[undecided]], axis=1)
        for later, earlier in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
            if not lost[earlier]:
                lost[later] = True
        stays = ~lost[i]
        a = np.concatenate([a, count + i[stays]])
        b = np.concatenate([b, j[stays]])
        cosine = np.concatenate([cosine, inside[stays]])
        best = np.lexsort((a, -cosine, b))
        best = best[np.flatnonzero(np.diff(b[best], prepend=-1))]
        known = np.concatenate([kept[:count], block])
        yield _Found(block[b[best]], known[a[best]], cosine[best])
        left = block[~lost]
        kept[count : count + len(left)] = left
        count += len(left)


def _reaching(
    vectors: Rounded, length: np.ndarray, first: Positions, second: Positions, threshold: float
) -> tuple[Positions, Positions, npt.NDArray[np.float64]]:
    """(i, j, cosine) of all first[i], second[j] whose cosine, rounded to 4 decimals, reaches the threshold."""
    ours = vectors[second].astype(np.float64)
    pairs: list[tuple[Positions, Positions, np.ndarray]] = [(first[:0], first[:0], np.empty(0))]
    for low in range(0, len(first), _AGAINST):
        some = first[low : low + _AGAINST]
        product = vectors[some].astype(np.float64) @ ours.T
        least = (threshold - 10.0**-_DIGITS) * length[some].min() * length[second].min()
        i, j = np.nonzero(product >= least)
        cosine = np.round(product[i, j] / (length[some[i]] * length[second[j]]), _DIGITS)
        reach = cosine >= threshold
        pairs.append((low + i[reach], j[reach], cosine[reach]))
    i, j, cosine = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return i, j, cosine


def _labels(vectors: Rounded, drawn: Positions, clusters: int) -> Positions:
    """The cluster of every vector: spherical k-means in whole numbers, fitted on the first vectors drawn."""
    if clusters == 1 or len(vectors) < 2:
        return np.zeros(len(vectors), np.int64)
    return nearest(vectors, centres_of(vectors[drawn[: _PER_CLUSTER * clusters]], clusters))


def _evidence(data: Rows, others: Rows | None, survivors: Positions, embedder: str) -> list[dict[str, Any]]:
    told = Survivors(data, others)
    names = told.names(survivors.tolist())
    evidence: list[dict[str, Any]] = []
    for row in survivors.tolist():
        evidence.append({"survivor": names[row], "embedder": embedder})
        if others is not None and row >= len(data):
            evidence[-1]["of"] = others.vid
    return evidence
