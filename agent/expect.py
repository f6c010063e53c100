"""Expectations of a recipe: `rows: ">= 50000"`, `dropped.near_duplicate: "<= 20%"`, `pii.email: 0`.

It knows how a condition is read and which number it speaks of. It does not run anything.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..tools.errors import Misuse, nearest

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_CONDITION: Final = re.compile(
    r"\s*(<=|>=|==|!=|<|>|)\s*([-+]?[0-9][0-9_,]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)\s*(%?)\s*"
)


@dataclass(frozen=True)
class Expectation:
    """One condition on one number; with `percent` the number is a share of the rows read, times 100."""

    name: str
    comparison: str
    bound: float
    percent: bool

    def __str__(self) -> str:
        bound = f"{self.bound:,.10g}{' %' if self.percent else ''}"
        return f"{self.name} {self.comparison} {bound}"


@dataclass(frozen=True)
class Verdict:
    """An expectation with the number it met."""

    expectation: Expectation
    found: float
    met: bool

    def to_json(self) -> dict[str, Any]:
        return {"expect": str(self.expectation), "found": self.found, "met": self.met}


def parse(name: str, condition: str | int | float) -> Expectation:
    """Raises Misuse when the condition is no comparison with a number."""
    match = _CONDITION.fullmatch(str(condition))
    if not match:
        next_step = 'Write a number, or one after <=, >=, <, >, == or !=, with % for a share: ">= 50000", "<= 20%".'
        raise Misuse(f"expect: {name}: {condition!r} is no condition.", next_step=next_step)
    comparison, number, percent = match.groups()
    return Expectation(name, comparison or "==", float(number.replace("_", "").replace(",", "")), bool(percent))


def check(expectation: Expectation, numbers: Mapping[str, float], read: int) -> Verdict:
    """Compare with the number of this name; `dropped.REASON` that never occurred is 0. Raises Misuse if unknown."""
    name = expectation.name
    if name not in numbers and not name.startswith("dropped."):
        next_step = f"{nearest(name, numbers)} A fact must be made by a step of the recipe."
        raise Misuse(f"expect: there is no number {name!r}.", next_step=next_step)
    found = float(numbers.get(name, 0))
    if expectation.percent:
        found = 100 * found / read if read else 0.0
    return Verdict(expectation, found, _COMPARE[expectation.comparison](found, expectation.bound))
