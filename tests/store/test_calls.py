"""Recorded answers: which questions are the same, and that nothing recorded is ever lost or replaced."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import Corrupt, Misuse
from tilth.tools.store.calls import Call, Calls, Cost, call_key

ASKED: dict[str, Any] = {
    "endpoint": "lab",
    "model": "small",
    "revision": "",
    "request": {"messages": [{"role": "user", "content": "Why?"}], "temperature": 0.0},
    "schema": None,
    "nonce": 0,
}
OTHER = [
    {"endpoint": "home"},
    {"model": "large"},
    {"revision": "2026-10"},
    {"request": {"messages": [], "temperature": 0.0}},
    {"request": {**ASKED["request"], "temperature": 1.0}},
    {"schema": {"type": "object"}},
    {"nonce": ["t1", "draft", 0]},
    {"nonce": "0"},
]


def call(body: str = "{}") -> Call:
    return Call("lab", "small", "{}", "plain", body, 3, 5)


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with Calls(tmp_path / "calls.sqlite") as opened:
        yield opened


@pytest.mark.parametrize("change", OTHER)
def test_another_question_has_another_key(change: dict[str, Any]) -> None:
    assert call_key(**{**ASKED, **change}) != call_key(**ASKED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_the_order_of_keys_is_no_part_of_the_question(request: dict[str, Any]) -> None:
    turned = dict(reversed(list(request.items())))
    assert call_key(**{**ASKED, "request": turned}) == call_key(**{**ASKED, "request": request})


@given(st.text(), st.text())
def test_texts_come_back_as_they_were(body: str, asked: str) -> None:
    with Calls(Path(":memory:")) as calls:
        kept = Call("e", "m", asked, "plain", body)
        assert calls.record("k", kept) == kept == calls.get("k")


def test_what_was_never_asked_is_not_there(calls: Calls) -> None:
    assert calls.get("no such key") is None


def test_the_first_answer_stays(calls: Calls) -> None:
    assert calls.record("k", call("first")).body == "first"
    assert calls.record("k", call("second")).body == "first"


def test_a_second_process_sees_what_the_first_recorded(calls: Calls, tmp_path: Path) -> None:
    with Calls(tmp_path / "calls.sqlite") as other:
        calls.record("k", call("here"))
        found = other.get("k")
        assert found is not None and found.body == "here"


def test_costs_add_up_by_run_and_over_openings(calls: Calls, tmp_path: Path) -> None:
    calls.record("a", call(), run="one", cost=Cost(1, 0.25, 10, 20))
    calls.record("b", call(), run="one", cost=Cost(1, 0.5, 1, 2))
    calls.spend("one", "lost-1", Cost(1, 0.125, lost=1))
    calls.record("a", call(), run="two", cost=Cost(1, 1.0))
    calls.set_elapsed("one", 12.5)
    calls.close()
    with Calls(tmp_path / "calls.sqlite") as again:
        assert again.spent("one") == Cost(3, 0.875, 11, 22, 1)
        assert again.spent("two").usd == 1.0
        assert again.spent("three") == Cost()
        assert (again.elapsed("one"), again.elapsed("two")) == (12.5, 0.0)


def test_threads_may_share_one(calls: Calls) -> None:
    def work(name: str) -> None:
        for i in range(50):
            calls.record(f"{name}{i}", call(name), run="r", cost=Cost(1, 1.0))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls.spent("r").calls == 200


WRITER = """
import sys
from pathlib import Path
from tilth.tools.store.calls import Call, Calls, Cost
calls = Calls(Path(sys.argv[1]))
for i in range(100_000):
    calls.record(f"k{i}", Call("e", "m", "{}", "plain", "x" * 500), run="r", cost=Cost(1, 1.0))
    print(i, flush=True)
"""


def test_a_killed_process_loses_nothing_it_recorded(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) == 40:
            writer.send_signal(signal.SIGKILL)
            break
    said = 40 + len(writer.stdout.read().splitlines())
    writer.stdout.close()
    writer.wait()
    with Calls(path) as calls:
        assert all(calls.get(f"k{i}") is not None for i in range(said))
        recorded = calls.spent("r").calls
        assert recorded >= said
        assert calls.get(f"k{recorded}") is None  # an answer and its cost are there together or not at all


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    path.write_text("this is no database, however long one looks at it\n" * 40)
    with pytest.raises(Corrupt, match=r"calls\.sqlite cannot be read"):
        Calls(path)
    assert path.read_text().startswith("this is no database")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with Calls(path) as calls:
        calls._db.execute("PRAGMA user_version=99")
    with pytest.raises(Misuse, match="newer tilth"):
        Calls(path)
