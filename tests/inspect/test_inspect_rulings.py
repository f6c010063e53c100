"""Rulings as facts: false drops by reason and false keeps, with intervals that name the bad ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.statistics import wilson
from tilth.tools.store.past import rulings
from tilth.tools.store.past.rulings import STAYED, Ruling

TEXTS = [{"text": f"note number {i}"} for i in range(60)]


@pytest.fixture
def ruled(store, make_rows):
    """`ruled([(position, word, of, sampled)]) -> Rows`, with those rulings written down."""
    rows = make_rows(TEXTS)
    ids = [one.hex() for one in rows.arrow(("row_id",))["row_id"].to_pylist()]

    def write(said):
        lines = [
            Ruling("data", ids[at], word, "looked", "sam", "2026-01-01", of, sampled=sampled)
            for at, word, of, sampled in said
        ]
        rulings.append(store.root, lines)
        return rows

    return write


def facts_of(store, ran):
    return {one["id"]: one for one in store.objects.read(ran.entry.objects["facts"]).to_pylist()}


def findings_of(store, ran):
    return store.objects.read(ran.entry.objects["findings"]).to_pylist() if "findings" in ran.entry.objects else []


def test_false_drops_and_false_keeps_are_facts_with_their_interval(store, ruled, run_tool):
    said = [(i, "keep" if i < 6 else "drop", "near_duplicate", True) for i in range(20)]
    said += [(20 + i, "drop" if i < 1 else "keep", "", True) for i in range(30)]
    ran = run_tool("inspect.rulings", ruled(said))
    facts = facts_of(store, ran)
    for name, hits, trials in (("rulings.false_drop.near_duplicate", 6, 20), ("rulings.false_keep", 1, 30)):
        low, high = wilson(hits, trials)
        values = [json.loads(facts[name + end]["value"]) for end in ("", ".low", ".high")]
        assert values == pytest.approx([hits / trials, low, high])
        assert {facts[name + end]["n_examined"] for end in ("", ".low", ".high")} == {trials}
    assert json.loads(facts["rulings.keep"]["value"]) == 35
    (finding,) = findings_of(store, ran)
    assert finding["code"] == "rulings.false_drop.near_duplicate" and finding["count"] == 6
    assert "6 of 20" in finding["message"] and "30.0%" in finding["message"]


def test_what_nobody_drew_or_was_sure_of_is_in_no_rate(store, ruled, run_tool):
    said = [(0, "keep", "short", False), (1, "unsure", "short", True), (2, "drop", "", False)]
    ran = run_tool("inspect.rulings", ruled(said))
    assert sorted(facts_of(store, ran)) == ["rulings.drop", "rulings.keep"]
    assert findings_of(store, ran) == []


def test_without_rulings_it_says_so_in_counts(store, make_rows, run_tool):
    ran = run_tool("inspect.rulings", make_rows(TEXTS))
    assert {name: json.loads(one["value"]) for name, one in facts_of(store, ran).items()} == {
        "rulings.drop": 0, "rulings.keep": 0}  # fmt: skip


def test_a_new_word_on_the_same_rows_is_counted_anew(store, ruled, run_tool):
    rows = ruled([(i, "keep", "short", True) for i in range(9)])
    assert len(findings_of(store, run_tool("inspect.rulings", rows))) == 1
    ruled([(i, "drop", "short", True) for i in range(9)])
    again = run_tool("inspect.rulings", rows)
    assert findings_of(store, again) == []
    assert json.loads(facts_of(store, again)["rulings.false_drop.short"]["value"]) == 0


def test_rows_a_person_rules_out_after_keeping_them_go(store, ruled, run_tool):
    """The set of ruled rows is the same both times; only a word differs."""
    rows = ruled([(0, "keep", "", False), (1, "drop", "", False)])
    assert run_tool("filter.rulings", rows).dropped() == {1: "ruling"}
    ruled([(0, "drop", "", False)])
    assert run_tool("filter.rulings", rows).dropped() == {0: "ruling", 1: "ruling"}


WORDS = st.sampled_from(["keep", "drop", "unsure"])


@given(st.lists(st.tuples(st.integers(0, 9), WORDS, st.sampled_from(["", "a", "b"]), st.booleans())))
def test_rates_count_each_row_once_by_its_last_sampled_word(said):
    lines = [Ruling("d", f"{at:032x}", word, "", "x", "", of, sampled=drawn) for at, word, of, drawn in said]
    found = {rate.reason: rate for rate in rulings.rates(lines, "d")}
    last = {}
    for at, word, of, drawn in said:
        if drawn:
            last[at] = (word, of)
    for reason in ("", "a", "b"):
        told = [word for word, of in last.values() if of == reason and word != "unsure"]
        if not told:
            assert (reason or STAYED) not in found
            continue
        rate = found[reason or STAYED]
        assert rate.looked_at == len(told)
        assert rate.contradicted == told.count("keep" if reason else "drop")
        assert rate.low <= rate.share <= rate.high
