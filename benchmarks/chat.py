"""What a conversation costs beside its model, one process each: `python -m benchmarks.chat WHAT`.

`open`: a session of 1,000 turns, read from disk, replayed, and fitted into a context. `lint`: the numbers of a long answer
compared with 200 results. `schemas`: tokens of all functions that a model is offered.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.measure import report

TURNS, RESULTS, CLAIMS = 1_000, 200, 60
ROOM = 32_768


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        WORK[sys.argv[1]](Path(folder))


def _open(folder: Path) -> None:
    from tilth.agent.chat import session as sessions
    from tilth.agent.chat.window import Meter, fit
    from tilth.tools.store.store import Store

    with closing(Store(folder)) as store:
        _fill(store)

        def work() -> dict[str, Any]:
            began = time.process_time()
            session = sessions.resume(store, "last")
            events = sum(1 for _ in session.replay())
            window = fit("instructions", session.lines, ROOM, "rows", Meter())
            size = session.path.stat().st_size
            return {"ms": _since(began), "rows": events, "tokens": window.tokens, "bytes": size}

        report(work)


def _lint(folder: Path) -> None:
    from tilth.agent.chat.claims import doubtful, material

    lines = [
        _result(i, f"step {i}: {1000 + 7 * i:,} rows before, {900 + 5 * i:,} after, score 0.{i:03d}")
        for i in range(RESULTS)
    ]
    text = " ".join(f"Of {1000 + 7 * i:,} rows {i}.{i % 10} % went, about {3000 + i:,}." for i in range(CLAIMS))

    def work() -> dict[str, Any]:
        began = time.process_time()
        found = doubtful(text, material(lines))
        return {"ms": _since(began), "rows": len(found)}

    report(work)


def _schemas(folder: Path) -> None:
    import json

    from tilth.agent.chat.offered import schemas
    from tilth.tools.inspect._sql_told import estimated_tokens

    report(lambda: {"tokens": estimated_tokens(json.dumps(schemas()))})


def _fill(store: Any) -> None:
    from tilth.agent.chat import session as sessions
    from tilth.agent.chat.session import Line, Usage

    fsync, os.fsync = os.fsync, lambda handle: None  # only reading is measured
    session = sessions.begin(store, "chats")
    for i in range(TURNS):
        call = {"id": f"c{i:08d}", "name": "drops", "arguments": "{}", "tool": "drops", "dataset": "chats", "args": {},
                "command": "tilth drops chats"}  # fmt: skip
        session.say(Line("user", f"question {i} " + "word " * 40))
        session.say(Line("assistant", "", "rows", (call,)))
        session.say(_result(i, "result " * 200))
        session.say(Line("assistant", "answer " * 60, "rows"))
        session.use(Usage(2, 1000, 100, 0.001))
    session.close()
    os.fsync = fsync


def _result(number: int, text: str) -> Any:
    from tilth.agent.chat.session import Line

    notes = {"tool": "drops", "ok": True, "line": f"{number} rows", "seconds": 0.1, "result": {"dropped": number}}
    return Line("tool", text, "rows", call_id=f"c{number:08d}", notes=notes)


def _since(began: float) -> float:
    """CPU-milliseconds."""
    return round(1e3 * (time.process_time() - began), 2)


WORK = {"open": _open, "lint": _lint, "schemas": _schemas}

if __name__ == "__main__":
    main()
