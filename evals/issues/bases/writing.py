"""What all bases write with: sentences from frames, ids, dates, amounts and columns drawn evenly over time and source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ...planted.draw import Draw, capital
from . import words


class Writer:
    """Draws values for cells."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self._ids: set[str] = set()
        self._texts: set[str] = set()

    def name(self) -> str:
        return f"{self.draw.pick(words.FIRST_NAMES)} {self.draw.pick(words.LAST_NAMES)}"

    def fill(self, frame: str, **settled: str) -> str:
        """A frame with its slots filled; what is not settled is drawn."""
        slots = {
            "name": self.name(),
            "city": self.draw.pick(list(words.CITIES)),
            "month": self.draw.pick(words.MONTHS),
            "number": str(self.draw.between(2, 90)),
            "thing": f"the {self.draw.pick(words.COLOURS)} {self.draw.pick(list(words.PRODUCTS))}",
            **settled,
        }
        return frame.format(**slots)

    def sentence(self, frames: Sequence[str], **settled: str) -> str:
        return capital(self.fill(self.draw.pick(frames), **settled)) + "."

    def id(self, letter: str) -> str:
        """A number that no other row has and that tells no order."""
        while True:
            made = f"{letter}{self.draw.between(10_000, 99_999)}"
            if made not in self._ids:
                self._ids.add(made)
                return made

    def new(self, text: str) -> bool:
        """Is this text, as a bag of words, not yet among those seen?"""
        bag = " ".join(sorted(text.lower().split()))
        if bag in self._texts:
            return False
        self._texts.add(bag)
        return True

    def skewed(self, options: Sequence[str]) -> str:
        """An option, the k-th with a chance of about 1/k (Zipf, exponent 1)."""
        weights = [5040 // k for k in range(1, len(options) + 1)]  # whole numbers: float sums differ between Pythons
        at = self.draw.below(sum(weights))
        for option, weight in zip(options, weights, strict=True):
            at -= weight
            if at < 0:
                return option
        return options[-1]

    def amount(self, low: int, high: int) -> str:
        """Hundredths in low..high with two decimals, of which the last is not 0."""
        value = self.draw.between(low, high)
        value += value % 10 == 0
        return f"{value // 100}.{value % 100:02d}"

    def calendar(self, rows: int, weeks: int, sources: Sequence[str]) -> list[tuple[int, str]]:
        """For each row a day (0 first) and a source; every source occurs in every week, the first the most."""
        pairs = [(week, source) for week in range(weeks) for source in sources]
        pairs += [(self.draw.below(weeks), self.skewed(sources)) for _ in range(rows - len(pairs))]
        return [(7 * week + self.draw.below(7), source) for week, source in pairs]


def day(start: date, offset: int) -> str:
    return (start + timedelta(days=offset)).isoformat()


def first_day(draw: Draw) -> date:
    return date(2023, 1, 2) + timedelta(weeks=draw.below(80))
