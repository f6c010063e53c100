"""What the last scan on the way to a version said: its evidence with the texts it points at, and the items it found held.

It knows the ledger's word on scans and reads rows and items anew: no text of a row is kept beside the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...errors import Misuse, nearest
from ...store.commit import read_details
from ...store.ledger import Entry
from ...store.store import Store
from .._items import Item
from .._registered import FOLDER, open_benchmark
from .._verdicts import VERDICTS

SCAN: Final = "contaminate.scan"

AROUND: Final = 120
LONGEST: Final = 700
"""Characters before and after what is marked, and of the whole excerpt."""

Mark = tuple[int, int]


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a text with the passages that count in it, as places in `text`; `cut` at its start, at its end."""

    text: str
    marks: tuple[Mark, ...]
    cut: tuple[bool, bool] = (False, False)


@dataclass(frozen=True)
class Shown:
    """One pair as people look at it: the row beside the part of the item."""

    benchmark: str
    item: str
    verdict: str
    reason: str
    row_id: str
    source: str
    part: str
    scores: Mapping[str, Any]
    row_text: Excerpt
    item_text: Excerpt


def last_scan(store: Store, dataset: str, vid: str) -> Entry:
    """The newest scan on the way to a version. Raises Misuse where there is none."""
    entry = next((one for one in reversed(store.ledger.lineage(dataset, vid)) if one.tool == SCAN), None)
    if entry is None:
        raise Misuse(f"{dataset} has not been scanned.",
                     next_step=f"First: tilth do {SCAN} {dataset} --benchmarks NAME")  # fmt: skip
    return entry


def evidence(store: Store, entry: Entry, most: int) -> list[Shown]:
    """The strongest pairs of each benchmark of a scan, at most `most` (up to 10 are recorded)."""
    assert entry.before is not None
    rows = store.rows_of(entry.before)
    found = []
    for told in read_details(store, entry)["benchmarks"]:
        top = [pair for pair in told["top"] if pair["spans"]][:most]
        if not top:
            continue
        items = _items(store, told)
        positions = [pair["row"] for pair in top]
        names = rows.take(positions, ("row_id", "source")).to_pylist()
        for pair, record, name in zip(top, rows.records(positions), names, strict=True):
            found.append(_shown(told["benchmark"], pair, record, items[pair["number"]], name))
    return found


def excluded(store: Store, entry: Entry, verdicts: Collection[str]) -> Iterator[dict[str, Any]]:
    """For each benchmark of a scan the items to leave out of an evaluation: those held with one of the verdicts; JSON.

    Raises Misuse for a word that is no verdict.
    """
    for verdict in verdicts:
        if verdict not in VERDICTS:
            raise Misuse(f"{verdict!r} is no verdict of a scan.", next_step=nearest(verdict, VERDICTS))
    for told in read_details(store, entry)["benchmarks"]:
        held = {verdict: told["held"].get(verdict, []) for verdict in VERDICTS if verdict in verdicts}
        every = [item for items in held.values() for item in items]
        yield {
            "benchmark": told["benchmark"],
            "version": told["version"],
            "revision": told["revision"],
            "scanned": f"{entry.dataset}@{entry.before}",
            "field": entry.args["field"],
            "normaliser": told["normaliser"],
            "items": told["items"],
            "stay": told["items"] - len(every),
            "exclude": every,
            "verdicts": {verdict: items for verdict, items in held.items() if items},
            "not_checkable": told["not_checkable"],
        }


def _items(store: Store, told: Mapping[str, Any]) -> Sequence[Item]:
    name, vid = told["benchmark"], told["version"]
    dataset = f"{FOLDER}{name}" if f"{FOLDER}{name}" in store.histories() else name
    return open_benchmark(store, f"{dataset}@{vid}").items


def _shown(benchmark: str, pair: Mapping[str, Any], record: Any, item: Item, name: Mapping[str, Any]) -> Shown:
    first = pair["spans"][0]
    # Where texts are only alike, the span is all of both: nothing in it counts more than the rest.
    alike = (
        []
        if pair["verdict"] == "undecided"
        else [span for span in pair["spans"] if (span["path"], span["part"]) == (first["path"], first["part"])]
    )
    text = record
    for step in first["path"]:
        text = text[step]
    scores = {key: pair[key] for key in ("longest", "words", "coverage", "similarity", "answer_present") if key in pair}
    return Shown(
        benchmark,
        pair["item"],
        pair["verdict"],
        pair["reason"],
        name["row_id"].hex(),
        str(name["source"]),
        first["part"],
        scores,
        excerpt(str(text), [(span["start"], span["end"]) for span in alike]),
        excerpt(item.parts[first["part"]], [(span["item_start"], span["item_end"]) for span in alike]),
    )


def excerpt(text: str, marks: Sequence[Mark]) -> Excerpt:
    """The text from a little before the first mark to a little after the last, as much as fits."""
    whole = _joined(marks)
    low = max(whole[0][0] - AROUND, 0) if whole else 0
    high = min(max((end for _, end in whole), default=0) + AROUND, low + LONGEST, len(text))
    if not whole:
        high = min(len(text), LONGEST)
    inside = [(max(start, low) - low, min(end, high) - low) for start, end in whole if start < high]
    return Excerpt(text[low:high], tuple(inside), (low > 0, high < len(text)))


def _joined(marks: Sequence[Mark]) -> list[Mark]:
    """Marks in order, those that overlap as one."""
    found: list[Mark] = []
    for start, end in sorted(marks):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
