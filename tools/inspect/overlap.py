"""`inspect.overlap`: how many rows of one split or source repeat, exactly or nearly, in another.

It knows which texts stand in which groups of rows, and which pairs of groups are bad news. How similar texts are found
is known in `text/near/candidates` and `text/near/shingles`; which row of a pair should go is `dedup.near`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import permutations
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa

from ..change import Fact, Finding, Report, Severity
from ..context import Context
from ..dedup._order import EVALUATION_SPLITS
from ..dedup.exact import normalized_keys
from ..dedup.near import IN_MEMORY
from ..store.rows import Rows
from ..text.near.bounds import Sketches, possible, possible_between
from ..text.near.candidates import candidates, packed
from ..text.near.shingles import Run, ShingleSets, jaccard, runner, shingle_sets
from ..text.tokens import Positions
from ..tool import Arg, TextField, tool
from .measures.counting import scramble
from .measures.redundancy import NOTHING, Codes, keys

Column = Literal["split", "source"]
_COLUMNS: Final[tuple[Column, ...]] = ("split", "source")
_TOLD: Final = 20
_EXAMPLES: Final = 5
_BLOCK: Final = 256
_SLICE: Final = 1_024


@tool("inspect.overlap", version=1, effect="reads")
def overlap(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    threshold: Annotated[
        float, Arg("texts nearly repeat when their Jaccard similarity reaches this", minimum=0.1, maximum=1)
    ] = 0.7,
    ngram: Annotated[int, Arg("words in a shingle", minimum=1, maximum=20)] = 5,
) -> Report:
    """Count the rows of each split and each source that repeat in another one, exactly or nearly.

    Changes nothing. A row of A repeats in B exactly when a row of B has the same text, nearly when one has the same
    text or a Jaccard similarity of `threshold` or more to it: sets of runs of `ngram` words, found by the join of
    dedup.near and compared exactly. Texts shorter than a shingle nearly repeat those equal to them in lower case and
    single spaces. Rows without any text repeat nothing. Exact texts are told apart by 64-bit hashes; the join misses
    about one pair in 10,000 near the threshold.

    Unlike dedup.near, which keeps one row of a group, every row is compared with all of the other groups, so that the
    counts do not depend on which rows were kept: the cross-source table of SlimPajama-DC (Shen et al. 2023), by rows.

    Findings:
      overlap.evaluation  rows of another split that repeat a row of a test or validation split (error)
      overlap.splits      rows that two evaluation splits, or two other splits, share (warning)
      overlap.sources     rows that two sources share (note)

    Facts `overlap.exact.A.B` and `overlap.near.A.B`: rows of A that repeat in B, of all rows of A, for the 20 largest
    splits; sources are named `source.A`, as in `overlap.exact.source.A.B`. The details hold the same as matrices.
    """
    groups = {column: _group(data, column) for column in _COLUMNS}
    compared = {column: group for column, group in groups.items() if len(group.names) > 1}
    tables: dict[Column, _Table] = {}
    if compared:
        texts = _Texts.of(data, field)
        links = _near_links(ctx, data, field, texts, list(compared.values()), threshold, ngram)
        tables = {column: _Table.of(texts, group, links) for column, group in compared.items()}
    else:
        ctx.notice("There are fewer than two splits and fewer than two sources: nothing to compare.")
    ctx.progress(len(data), len(data))
    fix = _fix(data, field, threshold, ngram)
    method = f"inspect.overlap, field {field}"
    near_method = f"{method}, Jaccard {threshold:g} or more on runs of {ngram} words"
    findings: list[Finding] = []
    facts: list[Fact] = []
    for column, table in tables.items():
        findings += _findings(column, table, fix)
        facts += _facts(column, table, method, near_method)
    details = {
        "field": field,
        "threshold": threshold,
        "ngram": ngram,
        "tables": [_as_table(column, table) for column, table in tables.items()],
        "not_compared": [f"the rows have fewer than two {column}s" for column in _COLUMNS if column not in compared],
        **{f"{column}s": table.told() for column, table in tables.items()},
    }
    return Report(findings, facts, details)


@dataclass(frozen=True)
class _Group:
    """The split (or source) of every row as a code, -1 for none; `names[code]` in order of size, then appearance."""

    names: list[str]
    codes: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


def _group(data: Rows, column: Column) -> _Group:
    known = Codes()
    parts = [known.of(batch.column(column).to_pylist()) for batch in data.batches((column,), size=65_536)]
    codes = np.concatenate([np.empty(0, np.int32), *parts])
    sizes = np.bincount(codes[codes >= 0], minlength=len(known.names))
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(order) + 1, np.int32)
    place[order], place[-1] = np.arange(len(order)), -1
    return _Group([known.names[i] for i in order], place[codes])


@dataclass(frozen=True)
class _Texts:
    """The different texts: `of_row` numbers each row's text (-1: none), `first` is a row that holds it."""

    of_row: Positions
    first: Positions

    @staticmethod
    def of(data: Rows, field: str) -> _Texts:
        hashes = np.concatenate([np.empty(0, np.int64), *(keys(batch.to_pylist()) for batch in data.texts(field))])
        some = np.flatnonzero(hashes != NOTHING)
        _, first, inverse = np.unique(hashes[some], return_index=True, return_inverse=True)
        by_row = np.argsort(first, kind="stable")  # numbered by appearance, whatever the hashes
        number = np.empty(len(first), np.int64)
        number[by_row] = np.arange(len(first))
        of_row = np.full(len(hashes), -1, np.int64)
        of_row[some] = number[inverse]
        return _Texts(of_row, some[first[by_row]])


@dataclass(frozen=True)
class _Table:
    """`exact[a, b]` and `near[a, b]`: rows of group a that repeat in group b; `near` counts the exact ones too."""

    group: _Group
    exact: np.ndarray
    near: np.ndarray
    reaches: Any
    texts: _Texts

    @staticmethod
    def of(texts: _Texts, group: _Group, links: Links) -> _Table:
        from scipy.sparse import csr_array

        shape = (len(texts.first), len(group.names))
        inside = (texts.of_row >= 0) & (group.codes >= 0)
        text, code = texts.of_row[inside], group.codes[inside]
        rows = csr_array((np.ones(len(text), np.int64), (text, code)), shape=shape)
        rows.sum_duplicates()
        held = (rows > 0).astype(np.int64)
        near = csr_array((np.ones(len(links[0]), np.int64), links), shape=(shape[0],) * 2)
        reaches = (held + near @ held > 0).astype(np.int64).tocsr()
        return _Table(group, (rows.T @ held).toarray(), (rows.T @ reaches).toarray(), reaches, texts)

    def examples(self, a: int, b: int) -> tuple[int, ...]:
        """The first rows of group a that repeat in group b."""
        reaching = np.zeros(len(self.texts.first) + 1, bool)  # the last one stands for "no text"
        reaching[self.reaches[:, [b]].nonzero()[0]] = True
        rows = np.flatnonzero((self.group.codes == a) & reaching[self.texts.of_row])
        return tuple(rows[:_EXAMPLES].tolist())

    def told(self) -> dict[str, Any]:
        """The largest groups as JSON; cell [i][j] counts rows of names[i] that repeat in names[j]."""
        exact, near = (_without_diagonal(matrix)[:_TOLD, :_TOLD].tolist() for matrix in (self.exact, self.near))
        names, sizes = self.group.names, self.group.sizes.tolist()
        return {"names": names[:_TOLD], "rows": sizes[:_TOLD], "exact": exact, "near": near,
                "left_out": max(len(names) - _TOLD, 0)}  # fmt: skip


def _without_diagonal(matrix: np.ndarray) -> np.ndarray:
    """A group repeats in itself wherever it has a text: nothing to tell."""
    clear = matrix.copy()
    np.fill_diagonal(clear, 0)
    return clear


# Which texts are nearly the same ------------------------------------------------------------------------------

Links = tuple[Positions, Positions]  # the first text nearly repeats the second one


def _near_links(
    ctx: Context, data: Rows, field: str, texts: _Texts, groups: Sequence[_Group], threshold: float, ngram: int
) -> Links:
    """For every text one link at least to each set of groups in which it nearly repeats (numbers as in `texts`)."""
    with ExitStack() as stack:
        many = len(data) > IN_MEMORY
        spill = stack.enter_context((ctx.scratch / "shingles").open("w+b")) if many else None
        sets = shingle_sets(_reading(ctx, data, field), ngram=ngram, threads=ctx.threads, spill=spill)
    sets = sets.ordered(texts.first)
    homes = _Homes.of_texts(texts, groups)
    with runner(ctx.threads) as run:
        found = candidates(sets, threshold, run=run)
        a, b = homes.apart(found.a, found.b)
        may = possible(sets, a, b, threshold)
        a, b = a[may], b[may]
        reach = jaccard(sets, a, b, run) >= threshold
        links = [(a[reach], b[reach]), (b[reach], a[reach])]
        for crowd in np.split(found.members, np.cumsum(found.sizes)[:-1]) if len(found.sizes) else []:
            links += _crowd_links(sets, homes, crowd, threshold, run)
    links += _short_links(data, field, texts, sets, homes)
    return np.concatenate([one[0] for one in links]), np.concatenate([one[1] for one in links])


def _reading(ctx: Context, data: Rows, field: str) -> Iterator[pa.LargeStringArray]:
    done = 0
    for batch in data.texts(field):
        done += len(batch)
        yield batch
        ctx.progress(done, 2 * len(data))


@dataclass(frozen=True)
class _Homes:
    """`of[text]` numbers the set of cells (split and source) that hold a text; `single[home]`: is it one cell?"""

    of: Positions
    single: np.ndarray

    @staticmethod
    def of_texts(texts: _Texts, groups: Sequence[_Group]) -> _Homes:
        cell = np.zeros(len(texts.of_row), np.int64)
        for group in groups:
            cell = cell * (len(group.names) + 1) + group.codes + 1
        inside = texts.of_row >= 0
        held = np.unique(np.stack([texts.of_row[inside], cell[inside]], axis=1), axis=0)
        signature = np.zeros(len(texts.first), np.uint64)
        np.add.at(signature, held[:, 0], scramble(held[:, 1]))  # a sum of hashes names the set, whatever its order
        _, first, home = np.unique(signature, return_index=True, return_inverse=True)
        cells = np.bincount(held[:, 0], minlength=len(texts.first))
        return _Homes(home.astype(np.int64), cells[first] == 1)

    def apart(self, a: Positions, b: Positions) -> Links:
        """The pairs that do not both live in one and the same cell: only they tell anything."""
        useful = (self.of[a] != self.of[b]) | ~self.single[self.of[a]]
        return a[useful], b[useful]

    def packed(self, a: Positions, b: Positions) -> Positions:
        """The text a and the home of b as one number."""
        return packed(a, self.of[b])


def _crowd_links(sets: ShingleSets, homes: _Homes, crowd: Positions, threshold: float, run: Run) -> Iterator[Links]:
    """Links within a crowd; a text that has found its like in a set of groups looks for no other one there."""
    here = np.unique(homes.of[crowd])
    if len(here) == 1 and homes.single[here[0]]:
        return
    everyone = Sketches.of(sets, crowd, int(np.median(sets.size[crowd])))
    places = np.arange(len(crowd))
    for low in range(0, len(crowd), _BLOCK):
        block = everyone.select(places // _BLOCK == low // _BLOCK)
        known = np.empty(0, np.int64)
        for start in range(0, len(crowd), _SLICE):
            a, b = possible_between(block, everyone.select(places // _SLICE == start // _SLICE), threshold)
            a, b = homes.apart(a, b)
            new = (a != b) & ~np.isin(homes.packed(a, b), known)
            a, b = a[new], b[new]
            reach = jaccard(sets, a, b, run) >= threshold
            a, b = a[reach], b[reach]
            fresh, first = np.unique(homes.packed(a, b), return_index=True)
            known = np.concatenate([known, fresh])
            yield a[first], b[first]


def _short_links(data: Rows, field: str, texts: _Texts, sets: ShingleSets, homes: _Homes) -> Iterator[Links]:
    """Links among texts without a shingle that are equal once normalized."""
    short = sets.too_short
    told = [normalized_keys(data, texts.first[short[at : at + 8_192]], field) for at in range(0, len(short), 8_192)]
    names = np.concatenate([np.empty(0, "S16"), *told])
    order = np.argsort(names, kind="stable")
    cuts = np.flatnonzero(names[order][1:] != names[order][:-1]) + 1
    for alike in np.split(order, cuts):
        if len(alike) > 1 and names[alike[0]] != b"":
            some = short[alike]
            one_of_each = some[np.unique(homes.of[some], return_index=True)[1]]
            yield np.repeat(some, len(one_of_each)), np.tile(one_of_each, len(some))


# What is said -------------------------------------------------------------------------------------------------


def _findings(column: Column, table: _Table, fix: str) -> Iterator[Finding]:
    """One finding for each pair of groups with rows in common, told from the side that should give way."""
    names, sizes = table.group.names, table.group.sizes
    both = np.argwhere(np.triu(table.near, 1) > 0)
    order = sorted(both.tolist(), key=lambda pair: (-int(table.near[pair[0], pair[1]]), pair))
    for a, b in order[:_TOLD]:
        judged = [name in EVALUATION_SPLITS for name in (names[a], names[b])]
        if column == "split" and judged == [True, False]:
            a, b = b, a
        severity: Severity = "note"
        code = "overlap.sources"
        if column == "split":
            code, severity = ("overlap.evaluation", "error") if any(judged) and not all(judged) else (
                "overlap.splits", "warning")  # fmt: skip
        count, same, back = int(table.near[a, b]), int(table.exact[a, b]), int(table.near[b, a])
        message = (
            f"{count / sizes[a]:.1%} of {column} {names[a]!r} repeats in {names[b]!r}, {same:,} rows of it word for "
            f"word; the other way round {back:,} rows, {back / sizes[b]:.1%}."
        )
        yield Finding(code, severity, message, count, rows=table.examples(a, b), fix=fix)


def _facts(column: Column, table: _Table, method: str, near_method: str) -> Iterator[Fact]:
    prefix = "" if column == "split" else "source."
    names, sizes = table.group.names[:_TOLD], table.group.sizes.tolist()
    for kind, matrix, how in (("exact", table.exact, method), ("near", table.near, near_method)):
        for a, b in permutations(range(len(names)), 2):
            name = f"overlap.{kind}.{prefix}{names[a]}.{names[b]}"
            yield Fact(name, int(matrix[a, b]), "rows", how, sizes[a])


def _as_table(column: Column, table: _Table) -> dict[str, Any]:
    """The pairs of large groups with most in common, for a terminal; a clean pair is told too."""
    names, sizes = table.group.names, table.group.sizes
    near = table.near
    some = permutations(range(min(len(names), _TOLD)), 2)
    pairs = sorted(some, key=lambda pair: (-int(near[pair]), pair))[:_TOLD]
    lines = [
        [names[a], f"{sizes[a]:,}", names[b], f"{table.exact[a, b]:,}", f"{table.exact[a, b] / sizes[a]:.2%}",
         f"{near[a, b]:,}", f"{near[a, b] / sizes[a]:.2%}"]
        for a, b in pairs
    ]  # fmt: skip
    head = [f"rows of {column}", "rows", "repeat in", "exactly", "share", "exactly or nearly", "share"]
    return {"head": head, "rows": lines, "numbers": [1, 3, 4, 5, 6]}


def _fix(data: Rows, field: str, threshold: float, ngram: int) -> str:
    given = [("field", field, data.mapping.default_field), ("threshold", f"{threshold:g}", "0.7"),
             ("ngram", str(ngram), "5")]  # fmt: skip
    return " ".join(["dedup.near", *(f"--{name} {value}" for name, value, usual in given if value != usual)])
