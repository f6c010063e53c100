"""What a tool may ask of the world: other datasets, a seed, threads, progress, scratch space, and models.

It knows protocols only. Who implements `Model`, `Embedder` and `Panel` (the agent layer) and who listens to
progress (a face) is not known here.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from .store.rows import Rows


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
    """Given to every tool call.

    `rows` opens another version by its resolved address; `where` gives the positions a predicate holds for, `ranks`
    the place of every row under an ORDER BY (`length` is the column of text lengths given); `notice` says one
    sentence to the person; `scratch` is a folder that is gone after the call.
    """

    seed: int
    threads: int
    rows: Callable[[str], Rows]
    where: Callable[[Rows, str], np.ndarray]
    ranks: Callable[[Rows, str, np.ndarray | None], np.ndarray]
    scratch: Path
    progress: Progress = silent
    notice: Callable[[str], None] = lambda message: None
    models: Mapping[str, Sequence[Model]] = field(default_factory=dict)
    embedder: Embedder | None = None

    def rng(self, *parts: object) -> random.Random:
        """A generator that depends on the seed and on `parts` only."""
        text = "\0".join(str(part) for part in (self.seed, *parts))
        return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
