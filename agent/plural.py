"""A count with its noun."""

from __future__ import annotations


def counted(count: int, things: str) -> str:
    """`1 row`, `1,204 rows`, `1 try`: the noun is given in the plural."""
    if count != 1:
        return f"{count:,} {things}"
    return f"1 {things[:-3]}y" if things.endswith("ies") else f"1 {things.removesuffix('s')}"
