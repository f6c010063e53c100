"""`filter.length`: rows whose text is too short or too long.

It knows characters, words and tokens of one text. It does not know what a good length is: without a limit it
only stores the lengths as signals.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa

from ..change import Change, Fact, Outcome, drops
from ..context import Context
from ..errors import Misuse
from ..store.rows import Rows
from ..tool import Arg, TextField, tool

CHARACTERS_PER_TOKEN: Final = 4
"""Of English prose under the usual byte-pair vocabularies; code, numbers and other languages take more
tokens."""

CountTokens = Callable[[Sequence[str]], list[int]]


@tool("filter.length", version=1, local=True, reasons=("too_short", "too_long"))
def length(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    min_characters: Annotated[int | None, Arg("fewest characters", threshold=True, minimum=0)] = None,
    max_characters: Annotated[int | None, Arg("most characters", threshold=True, minimum=0)] = None,
    min_words: Annotated[int | None, Arg("fewest words", threshold=True, minimum=0)] = None,
    max_words: Annotated[int | None, Arg("most words", threshold=True, minimum=0)] = None,
    min_tokens: Annotated[int | None, Arg("fewest tokens", threshold=True, minimum=0)] = None,
    max_tokens: Annotated[int | None, Arg("most tokens", threshold=True, minimum=0)] = None,
    tokenizer: Annotated[
        str | None, Arg("folder holding tokenizer.json; without it tokens are estimated", path=True)
    ] = None,
) -> Change:
    """Drop rows whose text is shorter or longer than the given limits.

    Without any limit nothing is dropped and the lengths are stored as signals.

    Reasons:
      too_short  a length lies under its minimum
      too_long   a length lies over its maximum
    A row is dropped under the first limit it breaks (minima before maxima; characters, words, tokens); the
    score is that length, the evidence names the signal and the limit.

    Signals: `characters` (code points), `words` (runs without Unicode whitespace), and `tokens` when a
    tokenizer is given, else `tokens_estimate` = characters / 4 rounded up, an estimate for English prose.

    The tokenizer is a folder with a `tokenizer.json` (extra `tokens`); special tokens are not counted.
    """
    limits = {
        "min_characters": min_characters,
        "min_words": min_words,
        "min_tokens": min_tokens,
        "max_characters": max_characters,
        "max_words": max_words,
        "max_tokens": max_tokens,
    }
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if not given:
        ctx.notice("filter.length was given no limit: lengths are stored as signals, no row is dropped.")
    facts: list[Fact] = []
    sha = ""
    count_tokens: CountTokens = estimated_tokens
    token_signal = "tokens_estimate"
    if tokenizer is not None:
        count_tokens, sha = load_tokenizer(Path(tokenizer))
        token_signal = "tokens"
    elif {"min_tokens", "max_tokens"} & given.keys():
        ctx.notice(f"Tokens are estimated as characters / {CHARACTERS_PER_TOKEN}; --tokenizer DIR counts them.")

    def outcomes() -> Iterator[Outcome]:
        start = 0
        for texts in data.texts(field):
            signals = measured(texts, count_tokens, token_signal)
            yield Outcome(decisions=decided(signals, given, start), signals=signals)
            start += len(texts)
            ctx.progress(start, len(data))

    def told(drawn: Iterable[Outcome], rows: int) -> Iterator[Outcome]:
        yield from drawn
        if tokenizer is not None:
            method = f"tokenizer.json of {Path(tokenizer).name}"
            facts.append(Fact("filter.length.tokenizer", sha, "sha256", method, rows))

    return Change(outcomes(), facts=facts, told=told)


def measured(texts: pa.Array, count_tokens: CountTokens, token_signal: str) -> pa.Table:
    """The lengths of each text, one row each."""
    values = texts.to_pylist()
    return pa.table(
        {
            "characters": pa.array([len(text) for text in values], pa.int64()),
            "words": pa.array([len(text.split()) for text in values], pa.int64()),
            token_signal: pa.array(count_tokens(values), pa.int64()),
        }
    )


def decided(signals: pa.Table, limits: dict[str, int], start: int) -> pa.Table:
    """One drop for each row that breaks a limit, under the first one it breaks; `start` is the first
    position."""
    left = np.ones(len(signals), bool)
    found: list[tuple[int, str, int, dict[str, Any]]] = []
    for name, limit in limits.items():
        side, _, unit = name.partition("_")
        signal = next(column for column in signals.column_names if column.startswith(unit))
        values = signals[signal].to_numpy()
        broken = left & (values < limit if side == "min" else values > limit)
        left &= ~broken
        reason = "too_short" if side == "min" else "too_long"
        evidence = {"signal": signal, name: limit}
        found.extend((int(i), reason, int(values[i]), evidence) for i in np.flatnonzero(broken))
    found.sort(key=lambda drop: drop[0])
    return drops(
        [start + drop[0] for drop in found],
        [drop[1] for drop in found],
        scores=[drop[2] for drop in found],
        evidence=[drop[3] for drop in found],
    )


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """characters / 4, rounded up."""
    return [-(-len(text) // CHARACTERS_PER_TOKEN) for text in texts]


def load_tokenizer(folder: Path) -> tuple[CountTokens, str]:
    """What counts tokens with the folder's tokenizer.json, and that file's sha256. Misuse says what is
    missing."""
    file = folder / "tokenizer.json"
    try:
        source = file.read_bytes()
    except OSError as error:
        reason = f"Cannot read the tokenizer {file}: {error.strerror}."
        raise Misuse(reason, next_step="--tokenizer names a folder that holds tokenizer.json.") from None
    try:
        library = importlib.import_module("tokenizers")
    except ModuleNotFoundError:
        raise Misuse(
            "Counting tokens needs the package 'tokenizers'.",
            next_step="pip install 'tilth[tokens]', or leave --tokenizer away for an estimate.",
        ) from None
    try:
        loaded = library.Tokenizer.from_str(source.decode())
    except Exception as error:  # tokenizers raises plain Exception for a file it cannot read
        raise Misuse(f"{file} is not a tokenizer: {error}.") from None
    loaded.no_truncation()
    loaded.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in loaded.encode_batch(list(texts), add_special_tokens=False)]

    return count, hashlib.sha256(source).hexdigest()
