"""Hundreds of ways out of a query: the validator refuses each, and without it the locked process lets none out."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tilth.tools.errors import Retry
from tilth.tools.sandbox.jail import landlock_abi
from tilth.tools.sandbox.query import ask
from tilth.tools.sandbox.sandbox import Sandbox
from tilth.tools.sandbox.wire import Limits
from tilth.tools.store.query.sql import validate_query
from tilth.tools.store.query.views import VIEWS

OWN: dict[str, Any] = json.loads(Path(__file__).with_name("attacks.json").read_text("utf-8"))
CORPUS = json.loads((Path(__file__).parents[1] / "store" / "sql_corpus.json").read_text("utf-8"))
DRIVER = Path(__file__).with_name("attack_driver.py")
SECRET = "not for your eyes"
SHORT = Limits(seconds=0.2, memory=96 << 20)


def dressed(sql: str, dice: random.Random) -> str:
    """The same string in other clothes: spaces, comments, letters, quotes, characters that nobody sees."""
    clothes: list[Callable[[str], str]] = [
        lambda one: one.replace(" ", dice.choice(OWN["spaces"])),
        lambda one: "".join(dice.choice([letter.upper(), letter.lower()]) for letter in one),
        lambda one: f"/* harmless */{one}/* select 1 */",
        lambda one: one + dice.choice([" --", "\n-- from rows", " /* from rows */", ";", ";;--"]),
        lambda one: dice.choice(["\ufeff", "\u200b", "\u202e", "\u00ad"]) + one,
        lambda one: f"select 'it''s' as a, $$ ; $$ as b from rows; {one}",
        lambda one: one.translate({ord(sign): ord(sign) + 0xFEE0 for sign in "'();"}),
    ]
    return dice.choice(clothes)(sql)


def generated(count: int = 700) -> list[str]:
    """Attacks, each once, the same on every run: every part bare, and parts in positions of queries, half of them dressed."""
    dice = random.Random(0)
    statements = [*OWN["statements"], *CORPUS["statements"]]
    sources = [*OWN["sources"], *CORPUS["sources"]]
    bare = [*statements, *(f"from {one}" for one in sources), *(f"select {one}" for one in OWN["calls"])]
    placed = [
        position.replace("{}", part)
        for parts, positions in (
            (statements, OWN["statement_positions"]),
            (sources, OWN["source_positions"]),
            (OWN["calls"], OWN["call_positions"]),
        )
        for part, position in product(parts, positions)
    ]
    some = dice.sample(placed, count - len(bare))
    return list(dict.fromkeys([*bare, *(one if i % 2 else dressed(one, dice) for i, one in enumerate(some))]))


ATTACKS = generated()


NETWORK = ("http", "s3:", "hf:", "install", "extension", "load")


def local(attacks: list[str]) -> list[str]:
    """Those that ask no network."""
    return [sql for sql in attacks if not any(word in sql.lower() for word in NETWORK)]


def unvalidated(yard: Any, how: str, attacks: list[str], scratch: Path) -> list[str]:
    """What DuckDB makes of each attack: the text of its first rows, or the name of an error."""
    job = yard.job("")
    told = {"how": how, "statements": job.statements, "files": job.files, "attacks": attacks}
    file = scratch / "attacks.json"
    file.write_text(json.dumps(told), encoding="utf-8")
    command = [sys.executable, str(DRIVER), str(file), str(yard.folder)]
    environment = {**os.environ, "HOME": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    results: list[str] = json.loads(done.stdout)
    assert len(results) == len(attacks)
    return results


def accepted(sql: str) -> bool:
    try:
        validate_query(sql, views=VIEWS)
    except Retry:
        return False
    return True


def test_the_validator_refuses_every_attack(yard: Any, sandbox: Sandbox) -> None:
    """A few are accepted because dressed up they say something else: `now（）` is a column, `load 'x'` a value of a type
    called load. They are asked, and there is no such column or type."""
    assert len(ATTACKS) >= 680
    harmless = [sql for sql in ATTACKS if accepted(sql)]
    assert len(harmless) < 10
    for sql in harmless:
        with pytest.raises(Retry, match=r"There is no column|Type with name"):
            ask(yard.store, "data", sql, within=sandbox)


@pytest.mark.parametrize("how", ["locked", "settings", "jail"])
def test_without_the_validator(how: str, yard: Any, tmp_path: Path) -> None:
    """The other two walls together, then each alone, keep every file as it is and every secret."""
    if how == "jail" and not landlock_abi():
        pytest.skip("this kernel has no Landlock")
    attacks = ATTACKS if how == "locked" else local(ATTACKS[::3])
    before = yard.fingerprint()
    results = unvalidated(yard, how, attacks, tmp_path)
    assert yard.fingerprint() == before
    told = [
        (sql, result) for sql, result in zip(attacks, results, strict=True) if SECRET in result or "root:" in result
    ]
    assert told == []
    counts = Counter(results)
    assert counts["IOException" if how == "jail" else "PermissionException"] > len(attacks) / 10
    ended = [sql for sql, result in zip(attacks, results, strict=True) if result == "Killed"]
    # Settings that are not locked let a query start threads for which the jail has no memory: its process ends.
    assert [sql for sql in ended if how != "jail" or "threads" not in sql.lower()] == []


def test_the_attacks_are_real(new_yard: Callable[[Path], Any], tmp_path: Path) -> None:
    """Where nothing stops them they read the canaries and write files, so the tests above can fail. Those that would
    ask the network are left out."""
    folder, scratch = tmp_path / "yard", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    yard = new_yard(folder)
    before = yard.fingerprint()
    results = unvalidated(yard, "open", local(ATTACKS)[:180], scratch)
    assert sum(SECRET in result for result in results) > 5
    after = yard.fingerprint()
    assert len(set(after) - set(before)) > 3
    assert any(after.get(name) != digest for name, digest in before.items())
    yard.store.close()


@pytest.mark.parametrize("sql", OWN["bombs"], ids=lambda sql: sql[7:60])
def test_a_bomb_ends(sql: str, yard: Any, sandbox: Sandbox) -> None:
    """A question that takes all there is ends with a sentence or a short answer, and the next one is answered."""
    before = yard.fingerprint()
    try:
        answer = ask(yard.store, "data", sql, limits=SHORT, within=sandbox)
    except Retry as refusal:
        assert len(str(refusal)) < 1_000
    else:
        assert len(answer.rows) <= SHORT.rows
        assert len(json.dumps(answer.rows)) <= 2 * SHORT.size
    assert ask(yard.store, "data", "select count(*) from rows", within=sandbox).rows == [[60]]
    assert yard.fingerprint() == before


ESCAPES = [
    "copy (select 1) to '{pack}' (format csv, use_tmp_file false)",
    "copy (select 1) to '{pack}' (format parquet, append true)",
    "copy rows to '{folder}/out.csv'",
    "export database '{folder}/out'",
    "attach '{folder}/new.db' as new",
    "from '{folder}/canary.csv'",
    "from read_blob('{folder}/canary.json')",
    "from glob('{folder}/*')",
    "from read_text('/proc/self/environ')",
    "from read_text('/proc/self/maps')",
    "copy (select 1) to '/dev/shm/out.csv'",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "set max_execution_time = 0",
    "set threads = 64",
    "install httpfs",
    "load '{folder}/x.so'",
    "create persistent secret s (type http)",
    "pragma enable_profiling; set profiling_output = '{folder}/p.json'",
    "call enable_logging(storage = 'file', storage_path = '{folder}/log')",
]


@pytest.mark.parametrize("sql", ESCAPES)
def test_no_escape_from_the_sandbox_itself(sql: str, yard: Any, sandbox: Sandbox) -> None:
    """Through the same process and pipe as a real question, with real paths, the validator left out."""
    job = yard.job("")
    before = yard.fingerprint()
    reply = sandbox.run(yard.job(sql.format(folder=yard.folder, pack=job.files[0])))
    assert "error" in reply, reply
    assert yard.fingerprint() == before
