"""Expectations of a recipe: `rows: ">= 50000"`, `dropped.near_duplicate: "<= 20%"`, `license: [commercial]`.

It knows how a condition is read and which number it speaks of. It does not run anything.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...tools.errors import Misuse, nearest
from ...tools.store import licences

LICENSE: Final = "license"
NUMBERS: Final = {
    "rows": "rows at the end",
    "read": "records read from the sources",
    "rejected": "records that could not be kept",
    "dropped": "rows dropped by all steps",
    LICENSE: "not a number: a list of classes and licences, one of which each source must fall under; the classes are "
    + ", ".join(licences.CLASSES),
}
"""What every run has; beside these there are `dropped.REASON`, `made.DATASET` and the facts of its steps."""

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_CONDITION: Final = re.compile(
    r"\s*(<=|>=|==|!=|<|>|)\s*([-+]?[0-9][0-9_,]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)\s*(%?)\s*"
)


@dataclass(frozen=True)
class Expectation:
    """One condition on one number; with `percent` the number is a share of the rows read, times 100.

    With `allowed` it is on the licences of the sources: the number is that of the sources whose is not allowed.
    """

    name: str
    comparison: str
    bound: float
    percent: bool
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.allowed:
            return f"{self.name} in [{', '.join(self.allowed)}]"
        bound = f"{self.bound:,.10g}{' %' if self.percent else ''}"
        return f"{self.name} {self.comparison} {bound}"


@dataclass(frozen=True)
class Verdict:
    """An expectation with the number it met; `told` names what is at fault where that is known."""

    expectation: Expectation
    found: float
    met: bool
    told: str = ""

    def __str__(self) -> str:
        return f"{self.expectation} (found {self.told or f'{self.found:,.10g}'})"

    def to_json(self) -> dict[str, Any]:
        told = {"told": self.told} if self.told else {}
        return {"expect": str(self.expectation), "found": self.found, "met": self.met, **told}


def parse(name: str, condition: str | int | float | Sequence[str]) -> Expectation:
    """Raises Misuse when the condition is no comparison with a number, or for `license` no list of licences."""
    if name == LICENSE:
        return _parse_license(condition)
    match = _CONDITION.fullmatch(str(condition))
    if not match:
        next_step = 'Write a number, or one after <=, >=, <, >, == or !=, with % for a share: ">= 50000", "<= 20%".'
        raise Misuse(f"expect: {name}: {condition!r} is no condition.", next_step=next_step)
    comparison, number, percent = match.groups()
    return Expectation(name, comparison or "==", float(number.replace("_", "").replace(",", "")), bool(percent))


def foresee(wanted: Iterable[Expectation], reasons: Collection[str] | None, made: Collection[str]) -> None:
    """Raises Misuse, naming the one at fault, for a number that no run of a recipe has: its steps drop rows for `reasons`
    (None: for any) and make the datasets `made`. Which facts there are only a run tells."""
    for one in wanted:
        kind, dot, what = one.name.partition(".")
        if not dot and one.name not in NUMBERS:
            raise Misuse(f"expect: there is no number {one.name!r}.", next_step=nearest(one.name, NUMBERS))
        if kind == "dropped" and dot and reasons is not None and what not in reasons:
            next_step = nearest(what, reasons)
            raise Misuse(f"expect: {one.name}: no step of this recipe drops a row for {what!r}.", next_step=next_step)
        if kind == "made" and dot and what not in made:
            raise Misuse(f"expect: {one.name}: no step makes {what!r}.", next_step=nearest(what, made))


def _parse_license(condition: str | int | float | Sequence[str]) -> Expectation:
    """Classes (see `licences.CLASSES`) and single licences; a source must fall under one of them."""
    allowed = condition if isinstance(condition, list | tuple) else [condition]
    for one in map(str, allowed):
        if one not in licences.CLASSES and licences.spdx(one) is None:
            next_step = f"{nearest(one, licences.CLASSES)} A licence is named by its SPDX id, as CC-BY-4.0."
            raise Misuse(f"expect: license: {one!r} is neither a class nor a licence.", next_step=next_step)
    if not allowed:
        raise Misuse("expect: license: the list is empty.", next_step=f"Classes: {', '.join(licences.CLASSES)}.")
    return Expectation(LICENSE, "==", 0, False, tuple(map(str, allowed)))


def check_licenses(expectation: Expectation, sources: Iterable[Mapping[str, Any]]) -> Verdict:
    """Hold the declared licence of every source against what is allowed."""
    allowed = {licences.spdx(one) or one for one in expectation.allowed}
    read = [(str(source["name"]), licences.read(source.get("license"))) for source in sources]
    bad = [f"{name}: {one.told}" + (f", {one.kind}" if one.told != one.kind else "")
           for name, one in read if not licences.is_within(one.declared, allowed)]  # fmt: skip
    return Verdict(expectation, len(bad), not bad, "; ".join(bad))


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
