"""Vectors that people made elsewhere, as an `Embedder`: a folder of Parquet files with the columns `text` and `vector`.

It knows files and texts. Where the vectors come from, and what they mean, it does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import ArrowException

from ...errors import BadInput, Misuse

COLUMNS = ("text", "vector")


class StoredVectors:
    """`embed` looks texts up. Memory: a vector as float32 and some 100 bytes for each text in the files."""

    def __init__(self, folder: Path) -> None:
        self.name = f"vectors of {folder.name}"
        self._folder = folder
        self._place: dict[bytes, int] = {}
        parts: list[npt.NDArray[np.float32]] = []
        for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else [folder]:
            parts.append(self._read(path))
        parts = [part for part in parts if len(part)]
        if not parts:
            raise Misuse(f"{folder} holds no vectors.", next_step="Parquet files with the columns text and vector do.")
        if len({part.shape[1] for part in parts}) > 1:
            raise BadInput(f"The files of {folder} hold vectors of different lengths.")
        self._vectors = np.concatenate(parts)

    def _read(self, path: Path) -> npt.NDArray[np.float32]:
        try:
            table = pq.read_table(path, columns=list(COLUMNS))
        except (OSError, ArrowException) as error:
            reason = str(error).splitlines()[0]
            raise Misuse(
                f"{path}: {reason}.", next_step="It must be Parquet with the columns text and vector."
            ) from None
        found = _matrix(table["vector"].combine_chunks(), path)
        start = len(self._place)
        for number, text in enumerate(table["text"].to_pylist()):
            self._place[_key(text or "")] = start + number
        if len(self._place) != start + len(found):
            raise BadInput(f"{path}: a text stands there twice.", next_step="Keep one vector for each text.")
        return found

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """float32 of shape (texts, dimensions). Raises BadInput when a text has no vector."""
        places = [self._place.get(_key(text), -1) for text in texts]
        missing = [text for text, place in zip(texts, places, strict=True) if place < 0]
        if missing:
            raise BadInput(
                f"{self._folder} has no vector for {len(missing):,} of {len(texts):,} texts, for example "
                f"{missing[0][:60]!r}.",
                next_step="Every text of the field needs one, exactly as 'tilth sql X \"select text from texts\"' has it.",
            )
        return self._vectors[places]


def _matrix(column: pa.Array[Any], path: Path) -> npt.NDArray[np.float32]:
    """Lists of numbers of one length as float32, shape (rows, dimensions)."""
    kind = column.type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not listed or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise BadInput(f"{path}: the column vector holds no lists of numbers.")
    if column.null_count or len(pc.unique(pc.list_value_length(column))) > 1:
        raise BadInput(f"{path}: the vectors are not all of one length.")
    numbers = column.flatten()
    if numbers.null_count:
        raise BadInput(f"{path}: a vector holds null for a number.")
    found: npt.NDArray[np.float32] = numbers.to_numpy(zero_copy_only=False).astype(np.float32)
    return found.reshape(len(column), -1) if len(column) else np.empty((0, 0), np.float32)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
