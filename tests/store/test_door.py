"""DuckDB is opened in one place, with settings that hold whatever the machine, the folder or the query."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.tools.store.door import connect, lock_down, text_literal

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(temp=None, threads=1) as opened:
        yield opened


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    return connection.execute("select current_setting(?)", [name]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TimeZone", "UTC"),
        ("enable_progress_bar", False),
        ("preserve_insertion_order", True),
        ("python_enable_replacements", False),
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("allow_community_extensions", False),
        ("allow_persistent_secrets", False),
        ("temp_directory", ""),
        ("threads", 1),
    ],
)
def test_settings(connection: duckdb.DuckDBPyConnection, name: str, value: object) -> None:
    assert setting(connection, name) == value
    assert setting(connection.cursor(), name) == value


def test_memory_is_a_share_of_the_machine(connection: duckdb.DuckDBPyConnection) -> None:
    def limit(opened: duckdb.DuckDBPyConnection) -> float:
        number, unit = str(setting(opened, "memory_limit")).split()
        return float(number) * {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit]

    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert limit(connection) <= 0.41 * machine
    with connect(temp=None, memory_share=0.2) as half:
        assert limit(half) == pytest.approx(limit(connection) / 2, rel=0.02)


def test_time_zone_does_not_come_from_the_machine() -> None:
    script = (
        "from tilth.tools.store.door import connect\n"
        "noon = \"select cast(timestamptz '2024-01-01 12:00:00+00' as varchar)\"\n"
        "print(connect(temp=None).cursor().execute(noon).fetchall()[0][0])"
    )
    environment = {**os.environ, "TZ": "America/New_York"}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "2024-01-01 12:00:00+00"


SORT = "select i, repeat(hash(i)::varchar, 30) as text from range(400000) t(i) order by hash(i)"


def test_spills_to_the_given_folder_and_clears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, spill = tmp_path / "here", tmp_path / "it's" / "spill"
    here.mkdir()
    spill.parent.mkdir()
    monkeypatch.chdir(here)
    with connect(temp=spill, threads=1) as connection:
        connection.execute("set memory_limit = '100MB'")
        reader = connection.sql(SORT).to_arrow_reader(1000)
        reader.read_next_batch()
        assert list(spill.iterdir())
        reader.close()
    assert not spill.exists() or not list(spill.iterdir())
    assert list(here.iterdir()) == []


def test_without_a_folder_a_large_sort_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with connect(temp=None, threads=1) as connection:
        connection.execute("set memory_limit = '100MB'")
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute(SORT).fetchall()
    assert list(tmp_path.iterdir()) == []


def test_a_python_variable_is_no_table(connection: duckdb.DuckDBPyConnection) -> None:
    frame = pa.table({"a": [1]})
    with pytest.raises(duckdb.CatalogException, match="frame"):
        connection.sql("from frame")
    connection.register("frame", frame)
    assert connection.sql("from frame").fetchall() == [(1,)]


def test_locked_down(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    allowed, other = tmp_path / "it's allowed.parquet", tmp_path / "other.parquet"
    for path in (allowed, other):
        pq.write_table(pa.table({"a": [1, 2]}), path)
    (tmp_path / "link.parquet").symlink_to(other)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    lock_down(connection, [allowed])

    assert connection.execute(f"from {text_literal(str(allowed))}").fetchall() == [(1,), (2,)]
    connection.register("given", pa.table({"a": [3]}))
    assert connection.sql("from given").fetchall() == [(3,)]
    for attempt in (
        f"from '{other}'",
        f"from '{tmp_path}/*.parquet'",
        f"from '{tmp_path}/link.parquet'",
        f"from '{tmp_path}/sub/../other.parquet'",
        f"from read_text('{other}')",
        "from read_text('/proc/self/environ')",
        f"copy (select 1) to '{tmp_path}/new.csv'",
        f"attach '{tmp_path}/new.db' as new",
        "install fts",
        f"load '{tmp_path}/new.so'",
        "set threads = 2",
        "set enable_external_access = true",
        "set lock_configuration = false",
        f"set allowed_paths = ['{other}']",
        "reset memory_limit",
        f"export database '{tmp_path}/new'",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(attempt)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_rows_keep_their_order_whatever_the_threads(tmp_path: Path) -> None:
    """Packs are read side by side, filtered by a bit a row, and still come in the order of the list."""
    sizes, wanted, bits = [3000, 17, 5000, 1, 4096], [], ""
    paths = [tmp_path / f"{name}.parquet" for name in "zcxab"]
    for pack, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        start = sum(sizes[:pack])
        pq.write_table(pa.table({"ord": range(start, start + size)}), path, row_group_size=100)
    for i in range(sum(sizes)):
        bits += "0" if i % 7 == 3 else "1"
        wanted += [] if i % 7 == 3 else [i]
    for threads in (1, 2, 4, 8):
        with connect(temp=None, threads=threads) as connection:
            files = ", ".join(text_literal(str(path)) for path in paths)
            connection.execute("set variable keep = ?::bit", [bits])
            connection.execute("set variable starts = ?::int[]", [[sum(sizes[:pack]) for pack in range(len(sizes))]])
            got = connection.execute(
                f"select ord from read_parquet([{files}], file_row_number = true) where "
                "get_bit(getvariable('keep'), "
                "(getvariable('starts')[file_index::int + 1] + file_row_number)::int) = 1"
            ).fetchall()
        assert [ord for (ord,) in got] == wanted


def test_nothing_else_opens_duckdb() -> None:
    """Elsewhere the package names DuckDB's classes only: no connect(), nor its hidden default database."""
    for folder in ("agent", "evals", "prompts", "tools", "tui"):
        for path in sorted((REPO / folder).rglob("*.py")):
            if path == REPO / "tools" / "store" / "door.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                used: list[str] = []
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "duckdb":
                    used = [node.attr]
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "duckdb":
                    used = [alias.name for alias in node.names]
                if isinstance(node, ast.Import):
                    assert all(alias.asname in (None, "duckdb") for alias in node.names if alias.name == "duckdb"), path
                for name in used:
                    assert name[0].isupper(), f"{path}:{node.lineno} uses duckdb.{name}; ask tools/store/door.py"


def test_importing_the_store_s_sql_does_not_load_duckdb() -> None:
    script = "import sys, tilth.tools.store.query.sql, tilth.tools.store.door; print('duckdb' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
