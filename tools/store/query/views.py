"""The views a version offers to SQL: rows, dropped, texts, turns, signals, decisions, findings, facts.

It knows how packs, selections and stored objects become views of one locked DuckDB connection, and which of them a
query needs. What SQL is allowed is `sql.py`'s business; how DuckDB is opened, `door.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ...errors import Misuse, Retry, nearest
from .. import door
from ..door import identifier, text_literal
from ..format.mapping import FIELDS, Mapping
from ..format.texts import text_expression
from ..ledger import Entry
from ..packs import fixed_bytes
from ..rows import Rows
from ..store import Store
from ..versions import Version
from .sql import tables_of, validate_order, validate_predicate, validate_query

if TYPE_CHECKING:
    import duckdb
from .columns import OF_A_DROP, OWN, own_columns, renamed, without_clashes

VIEWS: Final = ("rows", "dropped", "texts", "turns", "signals", "decisions", "findings", "facts")


def query(store: Store, address: str, sql: str, *, limit: int | None = None) -> pa.Table:
    """Run one validated SELECT over a version's views; at most `limit` rows come back. Raises Retry.

    It runs on one thread: rows without an ORDER BY then come in one order, the same every time.
    """
    validate_query(sql, views=VIEWS)
    with _Session(store, address, tables_of(sql), threads=1) as session:
        return session.arrow(sql, limit)


@dataclass(frozen=True)
class Definitions:
    """Statements that make the views a query needs, to be run in order, and the only files that they read."""

    statements: tuple[str, ...]
    files: tuple[Path, ...]


def define(store: Store, address: str, sql: str) -> Definitions:
    """What a validated SELECT over a version's views needs, for whoever runs it elsewhere."""
    return _Session(store, address, tables_of(sql), threads=1).define()


def columns_of(mapping: Mapping) -> dict[str, tuple[str, ...]]:
    """Each view with the names of its columns."""
    rows = (*OWN, *(column.shown for column in own_columns(mapping)))
    elsewhere = renamed(mapping)
    return {"rows": rows, "dropped": (*(elsewhere.get(name, name) for name in rows), *OF_A_DROP), **_COLUMNS}


def positions_where(store: Store, address: str, predicate: str, *, threads: int | None = None) -> np.ndarray:
    """Positions, ascending, of the rows for which a predicate over `rows` is true. Raises Retry."""
    validate_predicate(predicate, views=VIEWS)
    names = {"rows", *tables_of(f"select 1 where ({predicate}\n)")}
    with _Session(store, address, names, threads) as session:
        found = session.arrow(f"select ord from all_rows as rows where ({predicate}\n) order by ord")
        hits: np.ndarray = found["ord"].to_numpy()
        if len(hits) == len(session.rows):
            return np.arange(len(session.rows))
        have: np.ndarray = session.rows.arrow(("ord",))["ord"].to_numpy()
        return np.searchsorted(have, hits)


def ranks(store: Store, rows: Rows, order: str, lengths: np.ndarray | None = None) -> np.ndarray:
    """The place of every row, 0 first, when sorted by an ORDER BY expression; ties by position. Raises Retry.

    `lengths`, when given, is the column `length`: characters of the text a tool reads.
    """
    validate_order(order)
    with _Session(store, rows, (), None) as session:
        source = "all_rows as rows"
        if lengths is not None and "length" not in rows.mapping.columns:
            ords = rows.arrow(("ord",))["ord"] if len(rows) else pa.array([], pa.int64())
            session.connection.register("text_lengths", pa.table({"ord": ords, "length": lengths}))
            source = "all_rows as rows join text_lengths using (ord)"
        found = session.arrow(f"select ord from {source} order by {order}, ord")["ord"].to_numpy()
    place = np.empty(len(found), np.int64)
    place[np.searchsorted(np.sort(found), found)] = np.arange(len(found))
    return place


def text_hashes(store: Store, rows: Rows, field: str, *, threads: int | None = None) -> np.ndarray | None:
    """64-bit hashes of the text of a field by position, 0 for no text; None where SQL alone cannot read the field.

    They hold within one process and one version of DuckDB: to find what may be equal, never to be stored.
    """
    expression = text_expression(rows.mapping, field)
    if expression is None:
        return None
    with _Session(store, rows, (), threads) as session:
        found = session.arrow(
            f"select ord, case when text = '' then 0 else hash(text) end as hash "
            f"from (select ord, {expression} as text from all_rows)"
        )
    hashes: np.ndarray = found["hash"].to_numpy()
    ords = found["ord"].to_numpy()
    return hashes if (ords[1:] > ords[:-1]).all() else hashes[np.argsort(ords)]


def text_digests(
    store: Store, rows: Rows, field: str, positions: np.ndarray, *, threads: int | None = None
) -> np.ndarray:
    """First 16 bytes of the sha256 of some rows' texts, shape (n,) S16, for a field that `text_hashes` can read."""
    expression = text_expression(rows.mapping, field)
    assert expression is not None
    ords = rows.arrow(("ord",))["ord"].to_numpy()[positions]
    with _Session(store, rows, (), threads) as session:
        session.connection.register("wanted", pa.table({"ord": ords}))
        found = session.arrow(
            f"select ord, unhex(sha256({expression})[:32]) as digest from all_rows semi join wanted using (ord)"
        )
    order = np.argsort(found["ord"].to_numpy())
    digests = found["digest"].combine_chunks().cast(pa.binary(16))
    return fixed_bytes(digests).view("S16").reshape(-1)[order][np.argsort(np.argsort(ords))]


class _Session:
    """A locked connection in which the views a query needs exist, and nothing else can be reached."""

    def __init__(self, store: Store, address: str | Rows, names: Iterable[str], threads: int | None) -> None:
        self._store = store
        if isinstance(address, Rows):
            self.rows, self._entries = address, []
        else:
            dataset, vid = store.resolve(address)
            self.rows = store.rows_of(vid)
            self._entries = store.ledger.lineage(dataset, vid)
        self._names = set(names)
        self._threads = threads
        self._files: set[Path] = set()

    def define(self) -> Definitions:
        """The views and the files below them; texts and turns are derived first where no query did it before."""
        makers: dict[str, Callable[[], str]] = {
            "rows": self._rows,
            "dropped": self._dropped,
            "texts": self._texts,
            "turns": self._turns,
            "signals": self._signals,
            "decisions": self._decisions,
            "findings": lambda: self._objects("findings", _EMPTY_FINDINGS),
            "facts": lambda: self._objects("facts", _EMPTY_FACTS),
        }
        statements = [f"create view all_rows as {self._of(self.rows.version)}"]
        statements += [f"create view {name} as {makers[name]()}" for name in VIEWS if name in self._names]
        return Definitions(tuple(statements), tuple(sorted(self._files)))

    def __enter__(self) -> _Session:
        defined = self.define()
        self.connection: duckdb.DuckDBPyConnection = door.connect(
            temp=self._store.state / "tmp" / "duckdb", threads=self._threads
        )
        for statement in defined.statements:
            self.connection.execute(statement)
        door.lock_down(self.connection, defined.files)
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def arrow(self, sql: str, limit: int | None = None) -> pa.Table:
        """The result of one statement, at most `limit` rows of it.

        DuckDB's own refusals come back as Retry, naming the nearest column.
        """
        import duckdb

        try:
            with door.patient(self.connection):
                relation = self.connection.sql(sql)
                return (relation if limit is None else relation.limit(limit)).to_arrow_table()
        except duckdb.InterruptException:
            raise Retry(
                f"The query was not done after {door.LONGEST_SECONDS:,.0f} s.", next_step="Ask for less."
            ) from None
        except duckdb.Error as error:
            raise _readable(error, [column.shown for column in own_columns(self.rows.mapping)]) from None

    def _file(self, sha: str) -> str:
        self._store.objects.open(sha).close()  # DuckDB's own words would not say whose file is damaged
        path = self._store.objects.path(sha).absolute()
        self._files.add(path)
        return text_literal(str(path))

    def _of(self, version: Version) -> str:
        """The live rows of a version, with `ord`, `rev` and `record`."""
        own = own_columns(version.mapping)
        shown = ", ".join(f"{column.expression} as {identifier(column.shown)}" for column in own)
        kept = "lower(hex(row_id)) as row_id, source, split, file, line, key"
        parts = [self._part(part.pack, part.selection) for part in version.parts]
        base = " union all ".join(parts) if parts else _no_rows(version.mapping)
        return f"select {kept}, {shown}{', ' if shown else ''}ord, rev, record from ({base})"

    def _part(self, pack: str, selection: str | None) -> str:
        if selection is None:
            return f"select * from read_parquet({self._file(pack)})"
        return (
            f"select * exclude (keep) from read_parquet({self._file(pack)}) "
            f"positional join read_parquet({self._file(selection)}) where keep"
        )

    def _rows(self) -> str:
        return "select * exclude (ord, rev, record) from all_rows"

    def _steps(self, role: str) -> Iterator[tuple[Entry, str]]:
        for entry in self._entries:
            if role in entry.objects and not entry.details.get("refused"):
                yield entry, self._file(entry.objects[role])

    def _dropped(self) -> str:
        parts = []
        for entry, file in self._steps("decisions"):
            assert entry.before is not None
            before = self._store.version(entry.before)
            parts.append(
                f"select r.* {without_clashes(before.mapping)}, {_step(entry)}, d.reason, d.score, d.evidence "
                f"from ({self._of(before)}) r join read_parquet({file}) d using (ord) where d.action = 'drop'"
            )
        empty = (
            f"select * {without_clashes(self.rows.mapping)}, 0 as step, '' as tool, '' as reason, 0.0 as score, "
            "'' as evidence from all_rows where false"
        )
        return " union all by name ".join(f"({part})" for part in [*parts, empty])

    def _decisions(self) -> str:
        parts = [
            f"select lower(hex(row_id)) as row_id, {_step(entry)}, action, reason, score, evidence "
            f"from read_parquet({file})"
            for entry, file in self._steps("decisions")
        ]
        return " union all ".join([*parts, _EMPTY_DECISIONS])

    def _signals(self) -> str:
        parts = []
        for entry, file in self._steps("signals"):
            assert entry.before is not None
            before = " union all ".join(
                self._part(part.pack, part.selection) for part in self._store.version(entry.before).parts
            )
            for name in self._store.objects.open(entry.objects["signals"]).schema_arrow.names[2:]:
                parts.append(
                    f"select lower(hex(b.row_id)) as row_id, {text_literal(entry.tool or '')} as tool, "
                    f"{text_literal(name)} as name, try_cast(s.{identifier(name)} as double) as value, "
                    f"cast(s.{identifier(name)} as varchar) as value_text "
                    f"from read_parquet({file}) s join ({before}) b using (ord)"
                )
        return " union all ".join([*parts, _EMPTY_SIGNALS])

    def _objects(self, role: str, empty: str) -> str:
        parts = [
            f"select {text_literal(entry.tool or '')} as tool, * from read_parquet({file})"
            for entry, file in self._steps(role)
        ]
        return " union all ".join([*parts, empty])

    def _texts(self) -> str:
        return self._derived("texts", _TEXTS, self._text_lines)

    def _turns(self) -> str:
        return self._derived("turns", _TURNS, self._turn_lines)

    def _derived(self, name: str, schema: pa.Schema, lines: Callable[[list[str], list[Any]], Iterator[Any]]) -> str:
        """A view over a file in the cache, made once per version by reading every record through the mapping."""
        path = self._store.state.absolute() / "cache" / f"{name}-{self.rows.vid}.parquet"
        if not path.exists():
            import pyarrow.parquet as pq

            temporary = path.with_suffix(".writing")
            with pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=1) as out:
                for batch in self.rows.batches(("row_id", "record")):
                    ids = [one.hex() for one in batch.column("row_id").to_pylist()]
                    told = [dict(zip(schema.names, line, strict=True)) for line in lines(ids, batch.records())]
                    out.write_table(pa.Table.from_pylist(told, schema=schema))
            temporary.replace(path)
        self._files.add(path)
        return f"select * from read_parquet({text_literal(str(path))})"

    def _text_lines(self, ids: list[str], records: list[Any]) -> Iterator[tuple[str, str, str]]:
        for row_id, record in zip(ids, records, strict=True):
            for field in FIELDS[self.rows.mapping.format]:
                yield row_id, field, self.rows.mapping.text(record, field)

    def _turn_lines(self, ids: list[str], records: list[Any]) -> Iterator[tuple[str, int, str, str]]:
        for row_id, record in zip(ids, records, strict=True):
            for turn in self.rows.mapping.turns(record):
                yield row_id, turn.i, turn.role, turn.text


def _no_rows(mapping: Mapping) -> str:
    """A pack's columns, for a version that has no pack left."""
    record = "null::json"
    if mapping.kind == "typed":
        types = {"integer": "bigint", "number": "double", "boolean": "boolean"}
        fields = ", ".join(
            f"{identifier(name)} := null::{next((types[kind] for kind in kinds if kind in types), 'varchar')}"
            for name, kinds in mapping.columns.items()
        )
        record = f"struct_pack({fields})"
    return (
        "select * from (select null::blob as row_id, 0::bigint as ord, 0::integer as rev, ''::varchar as source, "
        "null::varchar as split, null::varchar as file, null::bigint as line, null::varchar as key, "
        f"{record} as record) where false"
    )


_TEXTS: Final = pa.schema([("row_id", pa.string()), ("field", pa.string()), ("text", pa.large_string())])


_TURNS: Final = pa.schema(
    [("row_id", pa.string()), ("i", pa.int32()), ("role", pa.string()), ("text", pa.large_string())]
)


_EMPTY_DECISIONS: Final = (
    "select '' as row_id, 0 as step, '' as tool, '' as action, '' as reason, 0.0 as score, '' as evidence where false"
)


_EMPTY_SIGNALS: Final = "select '' as row_id, '' as tool, '' as name, 0.0 as value, '' as value_text where false"


_EMPTY_FINDINGS: Final = (
    "select '' as tool, '' as code, '' as severity, '' as message, 0::bigint as count, '' as unit, "
    "[]::varchar[] as \"rows\", '' as sql, '' as fix where false"
)


_EMPTY_FACTS: Final = (
    "select '' as tool, '' as id, '' as value, '' as unit, '' as method, 0::bigint as n_examined where false"
)


_COLUMNS: Final = {
    "texts": ("row_id", "field", "text"),
    "turns": ("row_id", "i", "role", "text"),
    "signals": ("row_id", "tool", "name", "value", "value_text"),
    "decisions": ("row_id", "step", "tool", "action", "reason", "score", "evidence"),
    "findings": ("tool", "code", "severity", "message", "count", "unit", "rows", "sql", "fix"),
    "facts": ("tool", "id", "value", "unit", "method", "n_examined"),
}
"""Columns of the views that have the same ones whatever the records are like."""


def _step(entry: Entry) -> str:
    return f"{entry.seq} as step, {text_literal(entry.tool or '')} as tool"


def _readable(error: Exception, columns: Sequence[str]) -> Misuse:
    message = str(error).split("\n")[0]
    found = re.search(r'column "([^"]+)" not found', message)
    if found:
        return Retry(f"There is no column {found[1]!r}.", next_step=nearest(found[1], [*OWN, *columns]))
    unrun = type(error).__name__ in ("BinderException", "CatalogException", "ParserException")
    return Retry(f"The query failed: {message}", quotes="" if unrun else message)
