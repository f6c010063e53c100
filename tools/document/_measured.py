"""Facts about an export, computed from the bytes of its data files and nothing else.

It knows the files and how the manifest says to read them. Writing a card and verifying it both come here, so
that a number that was true of the bytes once is found again.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..inspect.measures.counting import Lengths, Sample
from ..inspect.measures.dialogue import Dialogue
from ..inspect.measures.redundancy import copies, keys, shared
from ..inspect.measures.seen import Seen
from ..store.export import loading
from ..store.format.mapping import Mapping as RecordMapping
from ..text.language import MODEL, languages
from ._facts import CardFact, part

STRETCH: Final = 4_096
SAMPLED: Final = 4_096
"""Rows whose language is identified: all of them up to this many, else at least half as many, chosen by
place."""
READ: Final = 4_096
PERCENTS: Final = (5, 50, 95, 100)
CHATS: Final = ("messages", "sharegpt", "alpaca", "prompt-completion", "unpaired-preference", "preference")


class Damaged(Exception):
    """A data file cannot be read as the manifest says; `place` names it."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place = place
        self.why = why


def measured(folder: Path, manifest: Mapping[str, Any]) -> list[CardFact]:
    """All facts about the data files of an export. Raises Damaged."""
    mapping = RecordMapping.from_json(manifest["mapping"])
    counts = _Counts(mapping)
    files = [file for file in manifest["files"] if file["split"] is not None]
    schemas = []
    for file in files:
        path = folder / file["path"]
        try:
            schemas.append(loading.read_back(path).schema)
            for records in _records(path):
                counts.see(file["split"], records)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            pa.ArrowException,
            loading.WontLoad,
        ) as error:
            raise Damaged(file["path"], str(error)) from None
    return counts.facts({file["split"]: (folder / file["path"]).stat().st_size for file in files}, schemas)


def _records(path: Path) -> Iterator[pa.Array]:
    """The records of a file, as JSON texts or as structs, some at a time."""
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=STRETCH, use_threads=False):
                yield batch.to_struct_array()
    elif path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file)
            while some := list(islice(lines, STRETCH)):
                yield pa.array([json.dumps(line, ensure_ascii=False) for line in some], pa.large_string())
    else:
        with path.open(encoding="utf-8", newline="\n") as file:
            while texts := list(islice(file, STRETCH)):
                yield pa.array(texts, pa.large_string())


class _Counts:
    """Everything counted in one pass over the records."""

    def __init__(self, mapping: RecordMapping) -> None:
        self._mapping = mapping
        self._field = mapping.default_field
        self._rows: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._dialogue = Dialogue() if mapping.format != "table" else None
        self._text = Lengths()
        self._keys: list[np.ndarray] = []
        self._codes: list[np.ndarray] = []
        self._sample: Sample[str] = Sample(SAMPLED, 0)
        self._longer = 0
        self._labels: Counter[str] = Counter()

    def see(self, split: str, records: pa.Array) -> None:
        start, count = self._rows.total(), len(records)
        self._rows[split] += count
        table = pa.table({"record": records})
        seen = Seen(start, table, self._mapping, self._field)
        values = seen.records
        for record in values:
            self._missing.update(name for name, value in record.items() if value not in (None, "", [], {}))
        texts = seen.texts
        table_like = self._mapping.format == "table"
        whole = [
            text if text and not table_like else json.dumps(record, sort_keys=True, default=str)
            for text, record in zip(texts, values, strict=True)
        ]
        self._keys.append(keys(whole))
        self._codes.append(np.full(count, len(self._rows) - 1, np.int32))
        if self._dialogue is not None:
            self._dialogue.see(seen)
            chosen = self._sample.choose(start, count)
            self._sample.add([start + i for i in chosen], [texts[i][:READ] for i in chosen])
        if self._mapping.format == "preference":
            sides = (seen.read("chosen"), seen.read("rejected"))
            self._longer += sum(len(a) > len(b) for a, b in zip(*sides, strict=True))
        if self._mapping.format == "unpaired-preference":
            name = self._mapping.paths["label"]
            self._labels.update(json.dumps(record.get(name)) for record in values)

    def facts(self, sizes: Mapping[str, int], schemas: Sequence[pa.Schema]) -> list[CardFact]:
        rows = self._rows.total()
        return [
            CardFact("rows.total", rows, "rows", "counted", rows),
            CardFact("bytes.total", sum(sizes.values()), "bytes", "size of the data files", rows),
            *self._splits(sizes),
            *self._columns(schemas),
            *self._lengths(),
            *self._repeated(),
            *self._languages(),
            *self._preferences(),
        ]

    def _splits(self, sizes: Mapping[str, int]) -> Iterator[CardFact]:
        total = self._rows.total()
        for split, count in self._rows.items():
            name = part(split)
            yield CardFact(f"split.{name}.rows", count, "rows", "counted", count)
            yield CardFact(f"split.{name}.bytes", sizes[split], "bytes", "size of the data file", count)
            yield CardFact(f"split.{name}.share", count / total, "share", "rows of the split / all rows", total)

    def _columns(self, schemas: Sequence[pa.Schema]) -> Iterator[CardFact]:
        total = self._rows.total()
        schema = schemas[0]
        for other in schemas[1:]:
            schema = loading.merged(schema, other) if schema != other else schema
        yield CardFact("columns.total", len(schema), "columns", "read with Arrow", total)
        for field in loading.described(schema):
            name = part(field["name"])
            yield CardFact(f"column.{name}.type", field["type"], "type", "read with Arrow", total)
            missing = total - self._missing[field["name"]]
            yield CardFact(f"column.{name}.missing", missing, "rows", "absent, null or empty", total)

    def _lengths(self) -> Iterator[CardFact]:
        if self._dialogue is None:
            return
        total = self._rows.total()
        if self._mapping.format in CHATS:
            yield from _quantiles("turns", self._dialogue.messages, "turns", "texts a row, in turns", total)
            yield CardFact("system.rows", self._dialogue.rows_with_system, "rows", "rows with a system prompt", total)
        for role in self._dialogue.roles():
            lengths = self._dialogue.by_role[role]
            name = f"length.{part(role)}"
            yield CardFact(f"{name}.count", lengths.count, "texts", "counted", total)
            yield from _quantiles(name, lengths, "characters", "code points a text, nearest rank", total)
        yield CardFact("media.parts", self._dialogue.media_parts, "parts", "parts that are no text", total)
        yield CardFact("media.rows", self._dialogue.media_row_count, "rows", "rows with such a part", total)

    def _repeated(self) -> Iterator[CardFact]:
        total = self._rows.total()
        numbers = np.concatenate([np.empty(0, np.int64), *self._keys])
        found = copies(numbers)
        compared = "record" if self._mapping.format == "table" else self._field
        method = f"rows whose {compared} equals that of an earlier row"
        yield CardFact("duplicates.after", found.rows, "rows", method, total)
        if len(self._rows) > 1:
            codes = np.concatenate(self._codes)
            crossing = sum(pair.rows for pair in shared(numbers, codes, list(self._rows)))
            yield CardFact(
                "duplicates.across", crossing, "rows", f"rows whose {compared} stands in another split", total
            )

    def _languages(self) -> Iterator[CardFact]:
        if self._dialogue is None:
            return
        found = Counter(languages(self._sample.items))
        examined = len(self._sample.items)
        yield CardFact("languages.examined", examined, "rows", MODEL, examined)
        for name, count in sorted(found.items(), key=lambda item: (-item[1], item[0])):
            yield CardFact(f"language.{name}.rows", count, "rows", MODEL, examined)
            yield CardFact(f"language.{name}.share", count / examined, "share", MODEL, examined)

    def _preferences(self) -> Iterator[CardFact]:
        total = self._rows.total()
        if self._mapping.format == "preference":
            method = "rows whose chosen answer has more characters than the rejected one"
            yield CardFact("preference.longer", self._longer, "rows", method, total)
        for label, count in sorted(self._labels.items()):
            yield CardFact(f"label.{part(label)}.rows", count, "rows", "counted", total)


def _quantiles(name: str, lengths: Lengths, unit: str, method: str, examined: int) -> Iterator[CardFact]:
    for percent, value in lengths.quantiles(PERCENTS).items():
        yield CardFact(f"{name}.{percent}", value, unit, method, examined)
