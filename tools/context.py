"""What a tool may ask of the world: the workspace it may read, a seed, threads, progress, scratch space, and models.

It knows protocols only. Who implements `Model`, `Embedder` and `Panel` (the agent layer) and who listens to
progress (a face) is not known here.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .store.query import views

if TYPE_CHECKING:
    import numpy as np

    from .panel import Panel
    from .store.rows import Rows
    from .store.store import Store


class Progress(Protocol):
    """Told how far the work is; raising from it cancels the work."""

    def __call__(self, done: int, total: int, unit: str = "rows") -> None: ...


class Model(Protocol):
    """A chat model: messages in, one complete answer out."""

    name: str

    async def answer(self, messages: Sequence[Mapping[str, Any]], **request: Any) -> Mapping[str, Any]: ...


class Embedder(Protocol):
    """Texts in, an array of shape (texts, dimensions) out."""

    name: str

    def embed(self, texts: Sequence[str]) -> Any: ...


def silent(done: int, total: int, unit: str = "rows") -> None:
    """The progress nobody listens to."""


@dataclass(frozen=True)
class Context:
    """Given to every tool call: the workspace (to read), the name of the dataset, and what the person asked for.

    `released` is the version whose rows win over newer near-duplicates (a recipe's `since`); `notice` says one sentence
    to the person; `scratch` is a folder that is gone after the call. `base` is the version that made rows are added to.
    `panel`, `open_model` (a name, calls, tokens) and `open_embedder` (a name, texts) are there when the call's effect is
    `spends`.
    """

    store: Store
    dataset: str
    seed: int
    threads: int
    scratch: Path
    released: str | None = None
    progress: Progress = silent
    notice: Callable[[str], None] = lambda message: None
    base: str = ""
    panel: Panel | None = None
    open_model: Callable[[str, int, int], AbstractAsyncContextManager[Model]] | None = None
    open_embedder: Callable[[str, int], Embedder] | None = None

    def rows(self, address: str) -> Rows:
        """The rows of another version, by its resolved address."""
        return self.store.rows(address)

    def where(self, rows: Rows, predicate: str) -> np.ndarray:
        """Positions, ascending, of the rows for which a predicate over the views is true."""
        return views.positions_where(self.store, f"{self.dataset}@{rows.vid}", predicate, threads=self.threads)

    def ranks(self, rows: Rows, order: str, lengths: np.ndarray | None = None) -> np.ndarray:
        """The place of every row, 0 first, under an ORDER BY; `lengths` is its column `length`."""
        return views.ranks(self.store, rows, order, lengths)

    def text_hashes(self, rows: Rows, field: str) -> np.ndarray | None:
        """Hashes that differ where texts differ but for rare collisions; None where they cannot be had quickly."""
        return views.text_hashes(self.store, rows, field, threads=self.threads)

    def text_digests(self, rows: Rows, field: str, positions: np.ndarray) -> np.ndarray:
        """16-byte digests of the texts at some positions, for a field that `text_hashes` can read."""
        return views.text_digests(self.store, rows, field, positions, threads=self.threads)

    def rng(self, *parts: object) -> random.Random:
        """A generator that depends on the seed and on `parts` only."""
        text = "\0".join(str(part) for part in (self.seed, *parts))
        return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
