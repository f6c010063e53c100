"""Seeded choices and filled sentences. It knows how to draw the same on every Python; it knows no topic.

Choices use `random.Random.random()` only: the one method whose sequence Python promises to keep between versions.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_SLOT = re.compile(r"\{(a )?(\w+)\}")


class Draw:
    """A stream of choices that depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    @classmethod
    def by(cls, rng: random.Random) -> Draw:
        """The stream that `rng` leads to now."""
        return cls(rng.getrandbits(53))

    @classmethod
    def named(cls, name: str) -> Draw:
        """The stream of this name."""
        return cls(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))

    def below(self, n: int) -> int:
        """A whole number in 0..n-1."""
        return int(self._random() * n)

    def between(self, low: int, high: int) -> int:
        """A whole number in low..high, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random() * len(options))]

    def some(self, options: Sequence[T], k: int) -> list[T]:
        """`k` different positions of `options`, in drawn order; all of them when there are fewer."""
        pool = list(options)
        return [pool.pop(int(self._random() * len(pool))) for _ in range(min(k, len(pool)))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        return self.some(options, len(options))

    def keys(self) -> Iterator[str]:
        """Six letters and digits each, which tell nothing; none comes twice."""
        given: set[str] = set()
        while True:
            made = "".join(self.pick(_SIGNS) for _ in range(6))
            if made not in given:
                given.add(made)
                yield made


class Speaker:
    """Fills templates: `{slot}` is what was settled on, else a fresh draw; `{a slot}` adds a or an."""

    def __init__(self, draw: Draw, slots: Mapping[str, Sequence[str]], **settled: str) -> None:
        self.draw = draw
        self.settled = settled
        self._slots = slots
        self._heard: dict[str, str] | None = None

    def settle(self, *names: str) -> None:
        """Draw these slots once, for the whole conversation."""
        for name in names:
            self.settled[name] = self.fill(f"{{{name}}}")

    def fill(self, template: str) -> str:
        return _SLOT.sub(self._value, template)

    def say(self, *pools: Sequence[str]) -> str:
        """One sentence out of each pool, each with a capital, joined by spaces."""
        return " ".join(capital(self.fill(self.draw.pick(pool))) for pool in pools)

    def several(self, pool: Sequence[str], k: int) -> list[str]:
        """`k` different sentences of one pool."""
        return [capital(self.fill(template)) for template in self.draw.some(pool, k)]

    def exchange(self, pair: tuple[str, str]) -> tuple[str, str]:
        """A question and its answer; the answer speaks of the things that the question named."""
        question, answer = pair
        self._heard = {}
        asked = capital(self.fill(question))
        named = {slot[1] for slot in _SLOT.findall(question)}
        heard = {name: value for name, value in self._heard.items() if name in named}
        before, self.settled, self._heard = self.settled, heard | self.settled, None
        told = capital(self.fill(answer))
        self.settled = before
        return asked, told

    def _value(self, slot: re.Match[str]) -> str:
        article, name = slot.groups()
        value = self.settled.get(name)
        if value is None:
            value = self.fill(self.draw.pick(self._slots[name]))
            if self._heard is not None:
                self._heard.setdefault(name, value)
        if article:
            return f"{'an' if value[0] in 'aeiouAEIOU' else 'a'} {value}"
        return value


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def lines(block: str) -> tuple[str, ...]:
    """The sentences of a block of text, one a line; a line indented deeper than the first goes on."""
    return tuple(f"{first} {rest}".strip() for first, rest in pairs(block))


def pairs(block: str) -> tuple[tuple[str, str], ...]:
    """Each line of a block at the depth of the first, and what is indented deeper below it."""
    rows = [line for line in block.splitlines() if line.strip()]
    depth = len(rows[0]) - len(rows[0].lstrip())
    found: list[tuple[str, str]] = []
    for row in rows:
        if row[depth] != " ":
            found.append((row.strip(), ""))
        else:
            first, rest = found[-1]
            found[-1] = (first, f"{rest} {row.strip()}".strip())
    return tuple(found)


def paragraph(block: str) -> str:
    """A block of text as one line."""
    return " ".join(block.split())


def words(block: str) -> tuple[str, ...]:
    """The phrases of a block, parted by `|`."""
    return tuple(" ".join(phrase.split()) for phrase in block.split("|"))
