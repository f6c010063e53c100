"""What a version is: an ordered set of rows, written as (pack, selection) parts ordered by `ord`.

It knows the manifest and how a version id is computed: from the rows' logical content alone, never from times,
paths, pack layout or file hashes. It does not know who moves refs or why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import pyarrow as pa

from .format.mapping import Mapping
from .packs import fixed_bytes

VID_LENGTH: Final = 16

Kind = Literal["json", "typed"]


@dataclass(frozen=True, slots=True)
class Part:
    """The live rows of one pack: all of them, or those its selection keeps. `ord` runs from `first` to `last`."""

    pack: str
    rows: int
    live: int
    selection: str | None
    first: int
    last: int


@dataclass(frozen=True)
class Version:
    """One immutable state of a dataset."""

    vid: str
    kind: Kind
    mapping: Mapping
    rows: int
    digest: str
    parents: tuple[str, ...]
    parts: tuple[Part, ...]
    next_ord: int

    def without_purged(self, parts: Sequence[Part]) -> Version:
        """The same version over packs that lack purged rows; `digest` still is that of all rows it once had."""
        return replace(self, parts=tuple(parts), rows=sum(part.live for part in parts))

    def to_json(self) -> bytes:
        logical = _logical(self.kind, self.mapping, self.rows, self.digest, self.parents)
        files = {"parts": [asdict(part) for part in self.parts], "next_ord": self.next_ord}
        manifest = {"format": 1, "vid": self.vid, "logical": logical, "files": files}
        return json.dumps(manifest, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Version:
        manifest = json.loads(data)
        logical, files = manifest["logical"], manifest["files"]
        return cls(
            vid=manifest["vid"],
            kind=logical["kind"],
            mapping=Mapping.from_json(logical["mapping"]),
            rows=logical["rows"],
            digest=logical["digest"],
            parents=tuple(logical["parents"]),
            parts=tuple(Part(**part) for part in files["parts"]),
            next_ord=files["next_ord"],
        )


def _logical(kind: str, mapping: Mapping, rows: int, digest: str, parents: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "mapping": mapping.to_json(),
        "rows": rows,
        "digest": digest,
        "parents": list(parents),
    }


def version_id(kind: str, mapping: Mapping, rows: int, digest: str, parents: Sequence[str]) -> str:
    """First 16 hex digits of the sha256 of the logical manifest in canonical JSON."""
    logical = _logical(kind, mapping, rows, digest, parents)
    text = json.dumps(logical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:VID_LENGTH]


class RowDigest:
    """sha256 over the ordered (row_id, content_sha, source, split) of a version, fed in batches of any size."""

    COLUMNS: Final = ("row_id", "content_sha", "source", "split")

    def __init__(self) -> None:
        self.rows = 0
        self._columns = {name: hashlib.sha256() for name in self.COLUMNS}
        self._names: dict[str, dict[str | None, int]] = {"source": {}, "split": {}}

    def update(self, table: pa.Table | pa.RecordBatch) -> None:
        self.rows += len(table)
        for name in ("row_id", "content_sha"):
            self._columns[name].update(fixed_bytes(table.column(name)).tobytes())
        for name, known in self._names.items():
            column = table.column(name)
            encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            encoded = encoded.dictionary_encode(null_encoding="encode")
            codes = [known.setdefault(value, len(known)) for value in encoded.dictionary.to_pylist()]
            indices = encoded.indices.to_numpy(zero_copy_only=False)
            renamed = pa.array(codes, pa.int32()).to_numpy()[indices] if len(indices) else indices
            self._columns[name].update(renamed.astype("<i4").tobytes())

    def hexdigest(self) -> str:
        names = json.dumps([list(known) for known in self._names.values()], ensure_ascii=False)
        whole = hashlib.sha256(names.encode())
        for column in self._columns.values():
            whole.update(column.digest())
        return whole.hexdigest()
