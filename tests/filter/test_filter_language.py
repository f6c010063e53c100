"""`filter.language`: what is kept, what is too short to tell, and that nothing depends on packs or threads."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.errors import Misuse
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store
from tilth.tools.text.language import identified, known_languages

MakeRows = Callable[..., Rows]

ENGLISH = "The old bridge across the river was closed last winter because the wood had begun to rot."
GERMAN = "Die alte Brücke über den Fluss wurde im letzten Winter gesperrt, weil das Holz zu faulen begann."
FRENCH = "Le vieux pont sur la rivière a été fermé l'hiver dernier parce que le bois commençait à pourrir."
CHINESE = "去年冬天,因为木头开始腐烂,横跨河流的老桥被关闭了,村里的人只好绕路去镇上买东西。"
SHORT = "Yes, 42."
CODE = "```python\n" + "value = compute(value) + 1\n" * 20 + "```"
TEXTS = [ENGLISH, GERMAN, FRENCH, CHINESE, SHORT, CODE, ""]


def rows_of(make_rows: MakeRows, texts: list[str], **read: Any) -> Rows:
    return make_rows([{"text": text} for text in texts], format="text", **read)


def noted(store: Store, ran: Any, role: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = store.objects.read(ran.entry.objects[role]).to_pylist()
    return lines


def test_other_languages_go_and_unsure_rows_stay(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("filter.language", rows_of(make_rows, TEXTS), keep=["en", "zh"])
    assert ran.dropped() == {1: "wrong_language", 2: "wrong_language"}
    assert [one["evidence"] for one in ran.decisions] == [{"language": "de"}, {"language": "fr"}]
    assert all(one["score"] >= 0.5 for one in ran.decisions)
    signals = noted(store, ran, "signals")
    assert [one["language"] for one in signals] == ["en", "de", "fr", "zh", "und", "und", "und"]
    assert [one["confidence"] > 0 for one in signals] == [True] * 4 + [False] * 3


def test_unsure_rows_are_told_and_go_when_asked(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("filter.language", rows_of(make_rows, TEXTS), keep=["en", "de", "fr", "zh"], drop_unsure=True)
    assert ran.dropped() == {4: "unsure", 5: "unsure", 6: "unsure"}
    (finding,) = noted(store, ran, "findings")
    assert (finding["code"], finding["count"], len(finding["rows"])) == ("unsure_language", 3, 3)
    assert "42.9%" in finding["message"] and "3 have too little prose" in finding["message"]
    facts = {one["id"]: json.loads(one["value"]) for one in noted(store, ran, "facts")}
    assert facts == {f"filter.language.{code}": 1 for code in ("en", "de", "fr", "zh")} | {"filter.language.unsure": 3}


def test_the_threshold_decides_who_is_sure(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, [ENGLISH, GERMAN])
    assert run_tool("filter.language", rows, keep=["en"], min_confidence=1.0).dropped() == {}
    ran = run_tool("filter.language", rows, keep=["en"], min_confidence=1.0, drop_unsure=True)
    assert set(ran.dropped().values()) == {"unsure"}


def test_without_languages_nothing_is_dropped(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("filter.language", rows_of(make_rows, TEXTS), drop_unsure=True)
    assert ran.decisions == []
    assert len(noted(store, ran, "signals")) == len(TEXTS)


@pytest.mark.parametrize(
    ("keep", "said"),
    [([], "empty, which would drop every row"), (["eng"], "no language 'eng'"), (["und"], "'und' is no language")],
)
def test_languages_that_make_no_sense_are_refused(
    keep: list[str], said: str, make_rows: MakeRows, run_tool: Any
) -> None:
    with pytest.raises(Misuse, match=said):
        run_tool("filter.language", rows_of(make_rows, TEXTS), keep=keep)


def test_the_model_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert len(known_languages()) == 176
    assert identified(ENGLISH).code == "en"


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("pack_rows", [1, 3, 100])
def test_packs_and_threads_change_nothing(pack_rows: int, threads: int, make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, TEXTS * 2, pack_rows=pack_rows)
    ran = run_tool("filter.language", rows, keep=["en"], threads=threads)
    assert list(ran.dropped()) == [1, 2, 3, 8, 9, 10]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.sampled_from(TEXTS) | st.text(max_size=120), min_size=1, max_size=12),
    keep=st.lists(st.sampled_from(["en", "de", "fr", "zh", "ru"]), min_size=1, unique=True),
    least=st.sampled_from([0.0, 0.3, 0.5, 0.9]),
    drop_unsure=st.booleans(),
)
def test_every_decision_follows_from_the_row_alone(
    texts: list[str], keep: list[str], least: float, drop_unsure: bool, make_rows: MakeRows, run_tool: Any
) -> None:
    expected = {}
    for position, text in enumerate(texts):
        code, confidence = identified(text)
        if code == "und" or confidence < least:
            if drop_unsure:
                expected[position] = "unsure"
        elif code not in keep:
            expected[position] = "wrong_language"
    rows = rows_of(make_rows, texts)
    ran = run_tool("filter.language", rows, keep=keep, min_confidence=least, drop_unsure=drop_unsure)
    assert ran.dropped() == expected
