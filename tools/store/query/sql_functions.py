"""The list of functions a query may call. It knows names and reasons for refusal; it does not know SQL.

The list is `sql_functions.txt`: a section a verdict, a name a line. It is made for one DuckDB version;

    python -m tilth.tools.store.query.sql_functions

rewrites it for the installed one, keeps every verdict and puts new names under `[undecided]`, where they are
refused until someone moves them. A refused name may end in `*`.
"""

from __future__ import annotations

import fnmatch
import functools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import nearest
from ..door import connect

LIST = Path(__file__).with_suffix(".txt")
ALLOWED, UNDECIDED, REFUSED = "allowed", "undecided", "refused: "
_AS_TABLE = "as a table "

Sections = dict[str, list[str]]


@dataclass(frozen=True)
class FunctionList:
    """The verdict on each function that may stand in an expression, or (another list) in a FROM clause."""

    allowed: frozenset[str]
    refused: tuple[tuple[str, str], ...]  # (name or pattern, reason)

    def refusal(self, name: str) -> str:
        """Why `name`, in any case, may not be called, with the nearest that may; empty when it may."""
        name = name.lower()
        if name in self.allowed:
            return ""
        for pattern, reason in self.refused:
            if fnmatch.fnmatchcase(name, pattern):
                return f"{reason}."
        words = [known for known in self.allowed if known.isidentifier()]
        same_initial = [known for known in words if known[0] == name[:1]]
        return f"no function of that name may be called here. {nearest(name, same_initial or words)}"


def in_expressions() -> FunctionList:
    """Scalar functions, aggregates, window functions and macros."""
    return _read()[0]


def in_from() -> FunctionList:
    """Table functions."""
    return _read()[1]


@functools.cache
def _read() -> tuple[FunctionList, FunctionList]:
    _, sections = parse(LIST.read_text(encoding="utf-8"))
    return _verdicts(sections, ""), _verdicts(sections, _AS_TABLE)


def _verdicts(sections: Sections, kind: str) -> FunctionList:
    start = kind + REFUSED
    refused = [
        (name, header[len(start) :]) for header in sections if header.startswith(start) for name in sections[header]
    ]
    undecided = [(name, "nobody has reviewed it yet") for name in sections[kind + UNDECIDED]]
    return FunctionList(frozenset(sections[kind + ALLOWED]), (*refused, *undecided))


def parse(text: str) -> tuple[str, Sections]:
    """What stands before the first section, and the names under each section."""
    preamble, _, rest = text.partition("\n[")
    sections: Sections = {}
    for line in f"[{rest}".splitlines():
        if line.startswith("[") and line.endswith("]"):
            sections[line[1:-1]] = names = []
        elif line:
            names.append(line)
    return preamble, sections


def installed() -> tuple[str, frozenset[str], frozenset[str]]:
    """The installed DuckDB's version, functions for expressions, and table functions, in lower case."""
    with connect(temp=None, threads=1) as connection:
        version = str(connection.execute("select library_version from pragma_version()").fetchall()[0][0])
        rows = connection.execute("select function_name, function_type from duckdb_functions()").fetchall()
    tables = frozenset(str(name).lower() for name, kind in rows if kind in ("table", "table_macro"))
    # A PRAGMA is a statement of its own and never part of a SELECT.
    expressions = frozenset(str(name).lower() for name, kind in rows if kind not in ("table", "table_macro", "pragma"))
    return version, expressions, tables


def updated(text: str, version: str, expressions: Iterable[str], tables: Iterable[str]) -> str:
    """The list for another DuckDB: names that are gone lose their permission, new ones are undecided."""
    preamble, sections = parse(text)
    for kind, present in (("", frozenset(expressions)), (_AS_TABLE, frozenset(tables))):
        sections[kind + ALLOWED] = [name for name in sections[kind + ALLOWED] if name in present or name == "unnest"]
        sections[kind + UNDECIDED] = []
        verdicts = _verdicts(sections, kind)
        decided = [pattern for pattern, _ in verdicts.refused]
        sections[kind + UNDECIDED] = [
            name
            for name in present - verdicts.allowed
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in decided)
        ]
    *comments, _ = preamble.rstrip().splitlines()
    parts = ["\n".join([*comments, f"duckdb {version}"])]
    parts += ["\n".join([f"[{header}]", *sorted(names)]) for header, names in sections.items()]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Rewrite the list; exit 1 while names wait for a verdict."""
    text = updated(LIST.read_text(encoding="utf-8"), *installed())
    LIST.write_text(text, encoding="utf-8")
    _, sections = parse(text)
    waiting = sections[UNDECIDED] + sections[_AS_TABLE + UNDECIDED]
    for name in waiting:
        sys.stderr.write(f"undecided: {name}\n")
    sys.stderr.write(f"{LIST}: {len(waiting)} names wait for a verdict.\n")
    return 1 if waiting else 0


if __name__ == "__main__":
    raise SystemExit(main())
