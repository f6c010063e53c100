"""Which rows go into which split: by a hash of what a row was at birth, so that no edit moves it.

It knows births, copies, groups and shares. It does not know files or formats.

The rule. A row that carries a split keeps it. Any other row goes by scramble(key, seed), where its key is
  - with `group_by`: the value of that column (a row without one counts as a group of its own);
  - else: its content at birth, without occurrence number. Rows with the same content at birth, or with the
    same text now (the mapping's default field), fall together: their key is the smallest of their births.
    Where one of them carries a split, the others follow it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...errors import Misuse, Refused, nearest
from ..format.texts import text_reader
from ..packs import fixed_bytes
from ..rows import Rows
from ..store import Store

NAME: Final = re.compile(r"\w+(\.\w+)*", re.ASCII)
"""What the hub and `datasets` take as the name of a split."""

FIRST: Final = ("train", "validation", "test")
OWN: Final = ("source", "file", "key")
"""Columns that are not in the records but can group them."""


@dataclass(frozen=True)
class Plan:
    """`codes[position]` indexes `names`. `apart`: rows whose text also stands in another split."""

    names: tuple[str, ...]
    codes: np.ndarray
    asked: Mapping[str, float]
    carried: int
    apart: int

    def counts(self) -> dict[str, int]:
        return dict(zip(self.names, np.bincount(self.codes, minlength=len(self.names)).tolist(), strict=True))


def earlier(store: Store, rows: Rows) -> Iterator[Rows]:
    """The rows of the versions `rows` came from, newest first: edited rows' births are looked up there."""
    seen: set[str] = set()
    waiting = list(rows.version.parents)
    while waiting:
        vid = waiting.pop(0)
        if vid not in seen:
            seen.add(vid)
            found = store.rows_of(vid)
            yield found
            waiting.extend(found.version.parents)


def plan(
    rows: Rows,
    *,
    asked: Mapping[str, float] | None,
    group_by: str | None,
    seed: int,
    earlier: Iterable[Rows] = (),
) -> Plan:
    """Assign every row. Raises Misuse for shares or names that make no sense, Refused when an asked split is
    empty."""
    shares = checked(asked or {})
    if group_by is not None and not shares:
        raise Misuse(
            "--group-by says how to split, but no --split is asked.",
            next_step="Add --split train=0.9,test=0.1.",
        )
    names, carried = _carried(rows, tuple(shares))
    codes = carried.copy()
    free = carried < 0
    apart = 0
    if not shares:
        codes[free] = names.index("train") if free.any() else 0
    elif free.any():
        texts = _text_keys(rows)
        births = _births(rows, earlier)
        keys = together(births, texts)
        if group_by is None:
            codes[free] = _drawn(keys, shares, seed)[free]
            _follow(keys, carried, codes)
        else:
            codes[free] = _drawn(_group_keys(rows, group_by, keys), shares, seed)[free]
        apart = _apart(texts, codes)
    counts = np.bincount(codes, minlength=len(names))
    _refuse_empty(shares, names, counts, int((~free).sum()), group_by)
    used = [i for i, name in enumerate(names) if counts[i] or name in shares]
    renumbered = np.full(len(names), -1, np.int16)
    renumbered[used] = np.arange(len(used))
    return Plan(tuple(names[i] for i in used), renumbered[codes], shares, int((~free).sum()), apart)


def checked(asked: Mapping[str, float]) -> dict[str, float]:
    """Shares that add up to 1 under names a hub takes. Raises Misuse."""
    for name, share in asked.items():
        if not NAME.fullmatch(name):
            raise Misuse(f"{name!r} cannot name a split.", next_step="Use letters, digits and '_', as in train.")
        if not 0 < share <= 1:
            raise Misuse(f"The share of split {name!r} is {share:g}.", next_step="Shares lie above 0 and add up to 1.")
    total = sum(asked.values())
    if asked and abs(total - 1) > 1e-6:
        raise Misuse(f"The shares of --split add up to {total:g}, not to 1.", next_step="Write train=0.9,test=0.1.")
    return dict(asked)


def _carried(rows: Rows, asked: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    """(names of all splits, the code of the split each row carries or -1)."""
    found: dict[str, int] = {}
    parts = [np.empty(0, np.int16)]
    for batch in rows.batches(("split",), size=65_536):
        encoded = batch.column("split").dictionary_encode()
        local = [found.setdefault(name, len(found)) if name else -1 for name in encoded.dictionary.to_pylist()]
        indices = encoded.indices.fill_null(len(local)).to_numpy()
        parts.append(np.array([*local, -1], np.int16)[indices])
    codes = np.concatenate(parts)
    for name in found:
        if not NAME.fullmatch(name):
            next_step = "Give it another --split at import; letters, digits and '_' are safe."
            raise Misuse(f"Rows carry the split {name!r}, which cannot name a file of the export.", next_step=next_step)
    default = () if asked or not (codes < 0).any() else ("train",)
    rest = sorted({*found, *default} - set(asked), key=lambda name: (name not in FIRST, _rank(name), name))
    names = [*asked, *rest]
    place = np.array([*(names.index(name) for name in found), -1], np.int16)
    return names, place[codes]


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def _text_keys(rows: Rows) -> np.ndarray:
    """8 bytes for the default text of every row; rows without text go by their content."""
    read = text_reader(rows.mapping, rows.mapping.default_field)
    parts = [np.empty(0, np.uint64)]
    for batch in rows.batches(("record", "content_sha")):
        keys = _first8(fixed_bytes(batch.column("content_sha"))).copy()
        for i, text in enumerate(read(batch.column("record")).to_pylist()):
            if text:
                keys[i] = hash8(text)
        parts.append(keys)
    return np.concatenate(parts)


def hash8(text: str) -> int:
    """The first 8 bytes of the sha256 of a text, as an integer."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "little")


def _first8(ids: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(ids[:, :8]).view("<u8").reshape(-1)


def _births(rows: Rows, earlier: Iterable[Rows]) -> np.ndarray:
    """8 bytes of the content every row was born with. That of an edited row is looked up in earlier versions;
    where none holds it any more, its row id stands in."""
    ids, contents, revisions = _identities(rows)
    edited = np.flatnonzero(revisions > 0)
    births = contents.copy()
    births[edited] = ids[edited]
    wanted = ids[edited]
    for before in earlier if len(edited) else ():
        if not len(wanted):
            break
        have, born, revision = _identities(before)
        fresh = np.flatnonzero((revision == 0) & np.isin(have, wanted))
        order = fresh[np.argsort(have[fresh])]
        at = np.searchsorted(have[order], wanted)
        hit = (at < len(order)) & (have[order][np.minimum(at, len(order) - 1)] == wanted) if len(order) else at < 0
        births[edited[hit]] = born[order[at[hit]]]
        edited, wanted = edited[~hit], wanted[~hit]
    return births


def _identities(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """8 bytes of row id and of content, and the revision, of every row."""
    parts: list[tuple[np.ndarray, ...]] = [(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int32))]
    for batch in rows.batches(("row_id", "content_sha", "rev"), size=65_536):
        ids, contents = (_first8(fixed_bytes(batch.column(name))) for name in ("row_id", "content_sha"))
        parts.append((ids, contents, batch.column("rev").to_numpy()))
    ids, contents, revisions = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ids, contents, revisions


def together(births: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """One key for each set of rows linked by an equal birth or an equal text: its smallest birth."""
    keys = births.copy()
    linked = np.flatnonzero(_repeated(births) | _repeated(texts))
    by_birth, by_text = _groups(births[linked]), _groups(texts[linked])
    labels = keys[linked]
    while True:
        lower = _minimum(_minimum(labels, *by_text), *by_birth)
        if (lower == labels).all():
            break
        labels = lower
    keys[linked] = labels
    return keys


def _repeated(values: np.ndarray) -> np.ndarray:
    """True for every value that stands more than once."""
    order = np.argsort(values, kind="stable")
    same = values[order][1:] == values[order][:-1]
    found = np.zeros(len(values), bool)
    found[order[1:][same]] = True
    found[order[:-1][same]] = True
    return found


def _groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(an order that puts equal values side by side, where each run of them begins)."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])) if len(ranked) else np.empty(0, np.int64)
    return order, starts


def _minimum(labels: np.ndarray, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Every label replaced by the smallest of its group."""
    if not len(labels):
        return labels
    lowest = np.minimum.reduceat(labels[order], starts)
    lower = np.empty_like(labels)
    lower[order] = np.repeat(lowest, np.diff(np.append(starts, len(labels))))
    return lower


def _group_keys(rows: Rows, name: str, own: np.ndarray) -> np.ndarray:
    """8 bytes for the value every row has in a column; `own` where it has none."""
    if name not in rows.mapping.columns and name not in OWN:
        next_step = nearest(name, [*rows.mapping.columns, *OWN])
        raise Misuse(f"No column {name!r} to group by.", next_step=next_step)
    keys = own.copy()
    known: dict[str, int] = {}
    for start, values in _values(rows, name):
        for i, value in enumerate(values):
            if value is not None:
                text = value if type(value) is str else json.dumps(value, sort_keys=True, default=str)
                keys[start + i] = known.setdefault(text, hash8(text))
    return keys


def _values(rows: Rows, name: str) -> Iterator[tuple[int, list[Any]]]:
    if name in rows.mapping.columns:
        for batch in rows.batches():
            yield batch.start, [record.get(name) for record in batch.records()]
    else:
        for batch in rows.batches((name,), size=65_536):
            yield batch.start, batch.column(name).to_pylist()


def scramble(keys: np.ndarray, seed: int) -> np.ndarray:
    """64-bit keys mixed one to one with a seed (the finaliser of splitmix64, Steele et al. 2014)."""
    salt = np.uint64(hash8(f"split\0{seed}"))
    with np.errstate(over="ignore"):
        mixed = (keys.astype(np.uint64) ^ salt) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


def _drawn(keys: np.ndarray, shares: Mapping[str, float], seed: int) -> np.ndarray:
    """The code of a split for every key; a key's place in [0, 1) depends on it and on the seed alone."""
    upto = np.cumsum(list(shares.values()))
    places = scramble(keys, seed) / np.float64(2**64)
    return np.minimum(np.searchsorted(upto, places, "right"), len(shares) - 1).astype(np.int16)


def _follow(keys: np.ndarray, carried: np.ndarray, codes: np.ndarray) -> None:
    """Rows that fall together with a row which carries a split go where the first such row is."""
    held = np.flatnonzero(carried >= 0)
    if not len(held):
        return
    leaders, first = np.unique(keys[held], return_index=True)
    free = np.flatnonzero(carried < 0)
    at = np.minimum(np.searchsorted(leaders, keys[free]), len(leaders) - 1)
    hit = leaders[at] == keys[free]
    codes[free[hit]] = carried[held[first[at[hit]]]]


def _apart(texts: np.ndarray, codes: np.ndarray) -> int:
    """How many rows have their text in more than one split."""
    order, starts = _groups(texts)
    if not len(starts):
        return 0
    ranked = codes[order]
    mixed = np.minimum.reduceat(ranked, starts) != np.maximum.reduceat(ranked, starts)
    return int(np.diff(np.append(starts, len(texts)))[mixed].sum())


def _refuse_empty(
    shares: Mapping[str, float], names: list[str], counts: np.ndarray, carried: int, group_by: str | None
) -> None:
    for name in shares:
        if not counts[names.index(name)]:
            reached = ", ".join(f"{other} {count:,}" for other, count in zip(names, counts.tolist(), strict=True))
            next_step = "Ask for a larger share, give another --seed, or leave that split out."
            why = (
                f"the groups of {group_by!r} are too few or too large"
                if group_by
                else "there are too few distinct rows"
            )
            if carried:
                why = f"{carried:,} rows came with a split (files called train, test … do) and keep it"
                next_step = "Leave --split out, or import the files under names that speak of no split."
            raise Refused(
                f"The split {name!r} (asked: {shares[name]:.1%}) would be empty (rows: {reached}): {why}.",
                next_step=next_step,
            )


def shares_reached(plan: Plan) -> list[dict[str, Any]]:
    """[{"split", "asked" (None: it came with the data), "rows", "share"}], for printing."""
    total = len(plan.codes)
    return [
        {
            "split": name,
            "asked": plan.asked.get(name),
            "rows": count,
            "share": count / total if total else 0.0,
        }
        for name, count in plan.counts().items()
    ]
