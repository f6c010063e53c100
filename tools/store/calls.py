"""`calls.sqlite`: every complete answer a model gave, under the key of what was asked, and what each run has spent.

It knows JSON texts, keys and sums. It does not know how a model is asked or what an answer means.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import Corrupt, Misuse

FORMAT: Final = 1
WAIT_SECONDS: Final = 30.0
"""How long a write waits for another process's transaction; each lasts well under a millisecond."""

Nonce = str | int | Sequence[str | int]

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS calls(
  key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, model TEXT NOT NULL, asked TEXT NOT NULL, mode TEXT NOT NULL,
  body TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS spent(
  run TEXT NOT NULL, key TEXT NOT NULL, lost INTEGER NOT NULL, usd REAL NOT NULL, tokens_in INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL, PRIMARY KEY(run, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS elapsed(run TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Call:
    """One question and its complete answer. `asked` is the logical request, `mode` how it was put to the server,
    `body` the server's JSON as it came."""

    endpoint: str
    model: str
    asked: str
    mode: str
    body: str
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True)
class Cost:
    """What was spent; `lost` of the `calls` were paid, or may have been, without an answer arriving."""

    calls: int = 0
    usd: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    lost: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.calls + other.calls,
            self.usd + other.usd,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.lost + other.lost,
        )


def canonical(value: Any) -> str:
    """One JSON text for equal values: sorted keys, no spaces, ASCII. Raises ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def call_key(
    *,
    endpoint: str,
    model: str,
    revision: str,
    request: Mapping[str, Any],
    schema: Mapping[str, Any] | None,
    nonce: Nonce,
) -> str:
    """64 hex digits. `endpoint` is the profile's name: a server that moves keeps its answers.

    `nonce` is (task, step, round) where answers are sampled and 0 where equal questions shall have one answer.
    """
    parts = {"endpoint": endpoint, "model": model, "revision": revision, "request": request, "schema": schema,
             "nonce": list(nonce) if isinstance(nonce, list | tuple) else nonce}  # fmt: skip
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


class Calls:
    """The open file; several processes may have it open. Raises Corrupt when it is no database of ours."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._open(path)
        except sqlite3.DatabaseError as error:
            self._db.close()
            next_step = "Move it away to start an empty one; every question will then be asked, and paid, again."
            raise Corrupt(f"{path} cannot be read: {error}.", next_step=next_step) from None
        except Misuse:
            self._db.close()
            raise

    def _open(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        # In WAL mode NORMAL survives any death of the process; only a loss of power may take the last answers.
        self._db.execute("PRAGMA synchronous=NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise Misuse(f"{path} was written by a newer tilth.", next_step="Upgrade tilth: pip install -U tilth")
        self._db.executescript(_TABLES)
        self._db.execute(f"PRAGMA user_version={FORMAT}")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Calls:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: str) -> Call | None:
        """The recorded answer."""
        with self._lock:
            row = self._db.execute(
                "SELECT endpoint, model, asked, mode, body, tokens_in, tokens_out FROM calls WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None else Call(*row)

    def record(
        self, key: str, call: Call, *, run: str = "", cost: Cost | None = None, seconds: float | None = None
    ) -> Call:
        """Keep an answer, what it cost and how long its run is at work, all or nothing; -> the recorded answer.

        The first answer to a question stays for ever.
        """
        with self._lock, self._transaction():
            new = self._db.execute(
                "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (key, call.endpoint, call.model, call.asked, call.mode, call.body, call.tokens_in, call.tokens_out),
            )
            if cost is not None:
                self._spend(run, key, cost)
            if seconds is not None:
                self._elapse(run, seconds)
        recorded = call if new.rowcount else self.get(key)
        assert recorded is not None
        return recorded

    def mean_tokens(self, endpoint: str, model: str) -> tuple[int, int, int]:
        """(recorded calls, mean tokens in, mean tokens out) of a model, the means rounded up."""
        with self._lock:
            row = self._db.execute(
                "SELECT count(*), coalesce(avg(tokens_in), 0), coalesce(avg(tokens_out), 0) FROM calls "
                "WHERE endpoint = ? AND model = ?",
                (endpoint, model),
            ).fetchone()
        return int(row[0]), math.ceil(row[1]), math.ceil(row[2])

    def pace(self, models: Sequence[tuple[str, str]]) -> tuple[int, float]:
        """(calls, seconds at work) of all runs that asked one of the models, each an (endpoint, model)."""
        of = " OR ".join(["(endpoint = ? AND model = ?)"] * len(models))
        with self._lock:
            row = self._db.execute(
                f"WITH asked AS (SELECT DISTINCT run FROM spent JOIN calls USING (key) WHERE {of}) "
                "SELECT count(*), (SELECT total(seconds) FROM elapsed WHERE run IN (SELECT run FROM asked)) FROM spent "
                "WHERE run IN (SELECT run FROM asked)",
                [word for one in models for word in one],
            ).fetchone()
        return int(row[0]), float(row[1])

    def spend(self, run: str, key: str, cost: Cost) -> None:
        """Note a cost without a recorded answer, under any key that is new to the run."""
        with self._lock, self._transaction():
            self._spend(run, key, cost)

    def _spend(self, run: str, key: str, cost: Cost) -> None:
        self._db.execute(
            "INSERT INTO spent VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(run, key) DO UPDATE SET "
            "lost = lost + excluded.lost, usd = usd + excluded.usd, tokens_in = tokens_in + excluded.tokens_in, "
            "tokens_out = tokens_out + excluded.tokens_out",
            (run, key, cost.lost, cost.usd, cost.tokens_in, cost.tokens_out),
        )

    def spent(self, run: str) -> Cost:
        """All a run has spent, over all its resumes."""
        with self._lock:
            row = self._db.execute(
                "SELECT count(*), total(usd), sum(tokens_in), sum(tokens_out), sum(lost) FROM spent WHERE run = ?",
                (run,),
            ).fetchone()
        return Cost(row[0], row[1], row[2] or 0, row[3] or 0, row[4] or 0)

    def elapsed(self, run: str) -> float:
        """Seconds a run has been at work, over all its resumes."""
        with self._lock:
            row = self._db.execute("SELECT seconds FROM elapsed WHERE run = ?", (run,)).fetchone()
        return 0.0 if row is None else float(row[0])

    def set_elapsed(self, run: str, seconds: float) -> None:
        with self._lock, self._transaction():
            self._elapse(run, seconds)

    def _elapse(self, run: str, seconds: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO elapsed VALUES (?, ?)", (run, seconds))

    def _transaction(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db  # as a context manager: commit, or roll back when an error leaves it
