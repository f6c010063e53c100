"""Two datasets side by side: rows, lengths, labels and words counted by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.inspect.compare import PRIOR, log_odds
from tilth.tools.inspect.measures.prototypes import prototypes


@pytest.fixture
def pair(make_rows):
    """`pair(texts of a, texts of b) -> Rows of a`; a text may be a whole record."""

    def make(here, there, **options):
        for name, texts in (("b", there), ("a", here)):
            rows = make_rows([one if isinstance(one, dict) else {"text": one} for one in texts],
                             name=name, format="text", **options)  # fmt: skip
        return rows

    return make


def findings_of(store, ran):
    return store.objects.read(ran.entry.objects["findings"]).to_pylist() if "findings" in ran.entry.objects else []


def values(store, ran):
    return {one["id"]: json.loads(one["value"]) for one in store.objects.read(ran.entry.objects["facts"]).to_pylist()}


def test_rows_are_told_apart_by_their_exact_text(store, pair, run_tool):
    ran = run_tool("inspect.compare", pair(["x", "both", "both", "y", ""], ["both", "z", "Both"]), other="b")
    rows = ran.details["rows"]
    assert rows == {"here": 5, "there": 3, "only_here": 2, "only_there": 2, "both": 2, "both_there": 1, "no_text": 1}
    found = values(store, ran)
    assert (found["compare.only_here"], found["compare.only_there"], found["compare.both"]) == (2, 2, 2)
    told = {one["code"]: (one["severity"], one["count"]) for one in findings_of(store, ran)}
    assert told == {"compare.only_here": ("note", 2), "compare.only_there": ("note", 2)}
    assert {one["position"] for one in ran.details["examples"]["here"]} == {0, 3}
    assert {one["position"] for one in ran.details["examples"]["there"]} == {1, 2}


def test_a_dataset_equals_itself(store, pair, run_tool):
    texts = [f"row number {i} says this" for i in range(20)]
    ran = run_tool("inspect.compare", pair(texts, texts), other="b")
    assert findings_of(store, ran) == []
    assert ran.details["prototypes"] == []
    assert ran.details["words"] == {"here": [], "there": []} and ran.details["examples"] == {"here": [], "there": []}
    assert values(store, ran)["compare.language"] == 0


def test_the_z_score_is_that_of_the_formula():
    """30 of 100 words here, 10 of 200 there; a prior of 12 words gives this one 12 * 40 / 300 = 1.6."""
    odds = math.log(31.6 / (112 - 31.6)) - math.log(11.6 / (212 - 11.6))
    assert float(log_odds(30, 10, 100, 200, 12)) == pytest.approx(odds / math.sqrt(1 / 31.6 + 1 / 11.6))


def test_words_and_examples_show_what_each_side_is_about(store, pair, run_tool):
    here = [f"the card {i} was lost" for i in range(40)] + ["card card card stolen"]
    there = [f"the train {i} was late" for i in range(40)]
    ran = run_tool("inspect.compare", pair(here, there), other="b")
    top = {side: {one["word"]: one for one in ran.details["words"][side]} for side in ("here", "there")}
    assert set(top["here"]) == {"card", "lost"} and set(top["there"]) == {"train", "late"}
    card = top["here"]["card"]
    assert (card["here"], card["there"]) == (43, 0)
    z = log_odds(43, 0, 204, 200, PRIOR * 200)
    assert card["z"] == pytest.approx(float(z), abs=0.005)
    assert [one["position"] for one in ran.details["examples"]["here"]] == [0, 1, 2, 3, 4]
    assert ran.details["examples"]["there"][0]["opening"] == "the train 0 was late"
    assert "'card'" in findings_of(store, ran)[0]["message"]


def test_prototypes_show_the_subjects_that_one_side_has_more_of(pair, run_tool):
    cards = [f"my bank card number {i} was lost or stolen" for i in range(40)]
    trains = [f"the evening train {i} to the coast is late" for i in range(40)]
    ran = run_tool("inspect.compare", pair(cards + trains[:10], cards[:5] + trains + [" ", ""]), other="b")
    found = ran.details["prototypes"]
    for one in found:
        assert one["sampled"] == {"here": 50, "there": 45}
        assert abs(one["z"]) >= 1.96
        more = "here" if one["z"] > 0 else "there"
        subject = "card" if more == "here" else "train"
        assert one["nearest"][more] and all(subject in row["opening"] for row in one["nearest"][more])
        less = {"here": "there", "there": "here"}[more]
        assert one["rows"][more] / one["sampled"][more] > one["rows"][less] / one["sampled"][less]
    assert {one["z"] > 0 for one in found} == {True, False}
    moved = [one["rows"]["here"] / 50 - one["rows"]["there"] / 45 for one in found]
    assert [abs(one) for one in moved] == sorted(map(abs, moved), reverse=True)


def test_the_shares_of_all_clusters_are_those_of_the_sample(pair, store):
    here = [f"the card {i % 7} was lost" for i in range(30)]
    there = [f"the train {i % 5} was late" for i in range(20)] + [" "]
    rows = pair(here, there)
    other = store.rows("b")
    found = prototypes((rows, "text", np.ones(30, bool)), (other, "text", np.ones(21, bool)), seed=0)
    assert [sum(one.counts[side] for one in found) for side in (0, 1)] == [30, 20]  # the row of blanks lies nowhere
    for one in found:
        for side, texts in enumerate((here, there)):
            shown = one.nearest[side]
            assert all(texts[position] == text for position, text in shown)
            assert len({text for _, text in shown}) == len(shown) <= one.counts[side]


def test_nothing_to_cluster(pair, store):
    rows = pair(["", " "], [" "])
    assert prototypes((rows, "text", np.zeros(2, bool)), (store.rows("b"), "text", np.ones(1, bool)), seed=0) == []


def test_examples_show_each_text_once(pair, run_tool):
    ran = run_tool("inspect.compare", pair(["same"] * 9 + ["other"], ["else"]), other="b")
    assert sorted(one["opening"] for one in ran.details["examples"]["here"]) == ["other", "same"]


def test_labels_and_lengths_are_compared(store, pair, run_tool):
    here = [{"text": f"number {i}", "label": "yes" if i < 6 else "no"} for i in range(8)]
    there = [{"text": f"number {i}", "label": "yes" if i < 2 else "no"} for i in range(8)]
    ran = run_tool("inspect.compare", pair(here, there), other="b")
    assert values(store, ran)["compare.label.label"] == pytest.approx(0.5)
    (label,) = ran.details["labels"]
    assert {one["value"]: (one["here"], one["there"]) for one in label["values"]} == {"yes": (6, 2), "no": (2, 6)}
    (length,) = ran.details["lengths"]
    assert length["here"]["p50"] == length["there"]["p50"] == 8


def test_an_emptied_dataset_lacks_everything(store, pair, run_tool):
    emptied = run_tool("filter.where", pair(["x", "y"], ["x", "y z"]), drop="true").rows
    assert len(emptied) == 0 and len(store.rows("a")) == 0
    ran = run_tool("inspect.compare", store.rows("b"), other="a")
    assert [(one["code"], one["count"]) for one in findings_of(store, ran)] == [("compare.only_here", 2)]


TEXTS = st.lists(st.sampled_from(["", "a", "a b", "b b c", "A", "d\ne"]), min_size=1, max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, TEXTS)
def test_the_report_seen_from_the_other_side_is_its_mirror_image(pair, run_tool, store, here, there):
    rows = pair(here, there)
    one = run_tool("inspect.compare", rows, other="b").details
    other = run_tool("inspect.compare", store.rows("b"), other="a").details
    assert one["rows"]["only_here"] == other["rows"]["only_there"] == sum(t != "" and t not in there for t in here)
    assert one["rows"]["both_there"] == other["rows"]["both"] == sum(t != "" and t in here for t in there)
    for side, back in (("here", "there"), ("there", "here")):
        assert one["examples"][side] == other["examples"][back]
        assert [word["word"] for word in one["words"][side]] == [word["word"] for word in other["words"][back]]
        mirrored = [(-found["z"], found["nearest"][back]) for found in other["prototypes"]]
        assert [(found["z"], found["nearest"][side]) for found in one["prototypes"]] == mirrored


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=8), st.floats(0.1, 100))
def test_scores_change_sign_with_the_sides_and_follow_the_shares(counts, prior):
    here, there = ([pair[side] for pair in counts] for side in (0, 1))
    scores = log_odds(here, there, sum(here), sum(there), prior)
    assert log_odds(there, here, sum(there), sum(here), prior) == pytest.approx(-scores)
    for score, (a, b) in zip(scores, counts, strict=True):
        if score > 1e-9 and sum(here) and sum(there):
            assert a / sum(here) > b / sum(there) - 1e-9


def test_packs_change_nothing(pair, make_rows, run_tool):
    here = [f"the card {i % 5} was {'lost' if i % 3 else 'found'}" for i in range(40)]
    there = [f"the train {i} was late" for i in range(40)]
    whole = run_tool("inspect.compare", pair(here, there), other="b").details
    cut = make_rows([{"text": text} for text in here], name="cut", format="text", pack_rows=7)
    found = run_tool("inspect.compare", cut, other="b").details
    assert found == whole
