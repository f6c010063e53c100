"""The files that benchmarks read, made once from fixed seeds and kept in benchmarks/.cache (git-ignored)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import CACHE

_COMMON = """
the of and to a in that is was he for it with as his on be at by this had not are but from or have
an they which one you were all her she there would their we him been has when who will no more if
out so up said what its about than into them can only other time new some could these two may first
then do any like my now over such our man me even most made after also did many off before must well
back through years much where your way down should because long each just state those people too mr
how little good world make very year still see work life here being small number part turn real
leave might want point form child few large often ask order open answer question print paper
"""
WORDS = _COMMON.split()


def path(name: str) -> Path:
    """The file of this name, made if it is not there."""
    target = CACHE / f"{name}.jsonl"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".writing")
        MAKERS[name](temporary)
        temporary.rename(target)
    return target


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(WORDS, k=count))


def _chats(size: int) -> Callable[[Path], None]:
    """Conversations of six turns, about 3 KB a row, up to `size` bytes. A pool of turns keeps making it quick."""

    def make(target: Path) -> None:
        rng = random.Random(7)
        pool = [_words(rng, rng.randint(60, 160)) for _ in range(2_000)]
        written = number = 0
        with target.open("w", encoding="utf-8") as file:
            while written < size:
                said = [f"{rng.choice(pool)} {number} {i}" for i in range(6)]
                turns = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]
                line = json.dumps({"id": number, "messages": turns}) + "\n"
                file.write(line)
                written += len(line)
                number += 1

    return make


def _turns(count: int) -> Callable[[Path], None]:
    """Conversations of two turns, about 600 bytes a row, an address in one of ten."""

    def make(target: Path) -> None:
        rng = random.Random(7)
        with target.open("w", encoding="utf-8") as file:
            for number in range(count):
                contact = f" Write to user{number}@acme.co.uk." if number % 10 == 0 else ""
                said = (f"{_words(rng, 20)}?", f"{_words(rng, 80)}.{contact}")
                turns = [
                    {"role": role, "content": text} for role, text in zip(("user", "assistant"), said, strict=True)
                ]
                file.write(json.dumps({"id": number, "messages": turns}) + "\n")

    return make


def _short(count: int) -> Callable[[Path], None]:
    def lines() -> Iterator[str]:
        rng = random.Random(7)
        for number in range(count):
            yield json.dumps({"text": _words(rng, 28), "label": number % 77, "id": number}) + "\n"

    def make(target: Path) -> None:
        with target.open("w", encoding="utf-8") as file:
            file.writelines(lines())

    return make


def _documents(count: int) -> Callable[[Path], None]:
    def make(target: Path) -> None:
        from benchmarks import corpus

        corpus.write_jsonl(target, count)

    return make


MAKERS: dict[str, Callable[[Path], None]] = {
    "chats": _chats(170_000_000),
    "chats2GB": _chats(2_000_000_000),
    "turns105k": _turns(105_000),
    "short": _short(500_000),
    "short10M": _short(10_000_000),
    "documents": _documents(100_000),
    "documents500k": _documents(500_000),
}
