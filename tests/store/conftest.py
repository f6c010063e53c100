"""Reading files through the real reader, with all that came of it at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tilth.tools.store.ingest import Chunk, Reader, ReadOptions, Reject, Source


@dataclass(frozen=True)
class ReadBack:
    """What reading gave: chunks, rejects, and the exhausted reader."""

    chunks: list[Chunk]
    rejects: list[Reject]
    reader: Reader

    @property
    def texts(self) -> list[str]:
        """The records as stored: JSON texts."""
        return [text for chunk in self.chunks for text in chunk.records.to_pylist()]

    @property
    def records(self) -> list[Any]:
        return [json.loads(text) for text in self.texts]

    @property
    def lines(self) -> list[int]:
        return [int(line) for chunk in self.chunks for line in chunk.lines]

    @property
    def offsets(self) -> list[int]:
        return [int(offset) for chunk in self.chunks for offset in chunk.offsets]

    @property
    def splits(self) -> list[str | None]:
        return [chunk.split for chunk in self.chunks for _ in chunk.lines]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.line, reject.reason) for reject in self.rejects]


ReadFiles = Callable[..., ReadBack]


@pytest.fixture
def read_files() -> ReadFiles:
    """`read_files(path, …, split=None, **options) -> ReadBack`."""

    def read(*paths: Path | str, split: str | None = None, **options: Any) -> ReadBack:
        rejects: list[Reject] = []
        source = Source("source", tuple(map(str, paths)), split=split)
        reader = Reader([source], ReadOptions.from_args(options), on_reject=rejects.append)
        chunks = list(reader)
        assert reader.read == sum(len(chunk.lines) for chunk in chunks) + len(rejects)
        assert sum(reader.rejects.values()) == len(rejects)
        return ReadBack(chunks, rejects, reader)

    return read


@pytest.fixture
def read_bytes(read_files: ReadFiles, tmp_path: Path) -> ReadFiles:
    """`read_bytes(data, name="data.jsonl", **options) -> ReadBack` of a file with these bytes."""

    def read(data: bytes | str, name: str = "data.jsonl", **options: Any) -> ReadBack:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_files(path, **options)

    return read
