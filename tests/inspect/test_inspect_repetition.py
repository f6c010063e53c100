"""Repetition: hand-counted documents, and the same counts by plain Python."""

from __future__ import annotations

import json
import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.inspect.measures.redundancy import keys
from tilth.tools.inspect.repetition import repeated


def findings_of(store, ran):
    return store.objects.read(ran.entry.objects["findings"]).to_pylist() if "findings" in ran.entry.objects else []


def values(store, ran):
    return {one["id"]: json.loads(one["value"]) for one in store.objects.read(ran.entry.objects["facts"]).to_pylist()}


def rows_of(make_rows, texts, **options):
    return make_rows([{"text": text} for text in texts], format="text", **options)


def worth(copies):
    """New words that each word of a document in so many rows is worth: Muennighoff et al. 2023, equation of D'."""
    return 1 + 15.387756 * (1 - math.exp(-(copies - 1) / 15.387756))


def test_documents_rows_and_words_are_counted(store, make_rows, run_tool):
    texts = ["a b c", "one two", "a b c", "x", "one two", "a b c", "", ""]  # 9 + 4 of 14 words repeat
    ran = run_tool("inspect.repetition", rows_of(make_rows, texts))
    assert values(store, ran) == {
        "repetition.documents": 3,
        "repetition.repeated_documents": 2,
        "repetition.repeated_rows": 5,
        "repetition.repeated_words": pytest.approx(13 / 14),
        "repetition.words_at_5": 0.0,
        "repetition.words_at_100": 0.0,
        "repetition.worth": pytest.approx((1 + 2 * worth(2) + 3 * worth(3)) / 14),
        "repetition.largest": 3,
    }
    assert [(one["from"], one["to"], one["documents"], one["rows"], one["words"]) for one in ran.details["curve"]] == [
        (1, 1, 1, 1, 1), (2, 2, 1, 2, 4), (3, 4, 1, 3, 9)]  # fmt: skip
    assert [(one["rows"], one["position"], one["opening"]) for one in ran.details["top"]] == [
        (3, 0, "a b c"), (2, 1, "one two")]  # fmt: skip
    (finding,) = findings_of(store, ran)
    assert (finding["code"], finding["severity"], finding["count"]) == ("repetition.documents", "note", 5)
    dropped = run_tool("dedup.exact", store.rows("data")).dropped()
    assert len(dropped) == 5 - 2


def test_a_tenth_of_the_words_in_documents_of_100_rows_is_the_published_point(store, make_rows, run_tool):
    different = [f"w{i}" for i in range(900)]
    at = run_tool("inspect.repetition", rows_of(make_rows, [*different, *["again"] * 100]))
    assert values(store, at)["repetition.words_at_100"] == pytest.approx(0.1)
    codes = {one["code"]: one["count"] for one in findings_of(store, at)}
    assert codes == {"repetition.harmful": 100, "repetition.documents": 100}
    below = run_tool("inspect.repetition", rows_of(make_rows, [*different, "more", *["again"] * 100]))
    assert [one["code"] for one in findings_of(store, below)] == ["repetition.documents"]
    rarer = run_tool("inspect.repetition", rows_of(make_rows, [*different, *["again"] * 99]))
    assert values(store, rarer)["repetition.words_at_100"] == 0.0


def test_bands_are_named_by_paper_and_share_out_the_words_that_repeat(make_rows, run_tool):
    rows = [f"w{i}" for i in range(100 - 2 - 4 - 5 - 16 - 17)]
    for copies in (2, 4, 5, 16, 17, 100):
        rows += [f"again{copies}"] * copies
    bands = run_tool("inspect.repetition", rows_of(make_rows, rows)).details["bands"]
    shares = [(one["from"], one["to"], round(one["words_share"] * len(rows), 6)) for one in bands]
    assert shares == [(2, 4, 6), (5, 16, 21), (17, 99, 17), (100, None, 100)]
    assert [one["source"] for one in bands] == [*["Muennighoff et al. 2023"] * 3, "Hernandez et al. 2022"]


def test_nothing_that_repeats_is_no_finding(store, make_rows, run_tool):
    ran = run_tool("inspect.repetition", rows_of(make_rows, ["a", "b"]))
    assert findings_of(store, ran) == [] and ran.details["top"] == []
    assert values(store, ran)["repetition.repeated_words"] == 0.0


def test_scripts_without_spaces_are_counted_by_character(make_rows, run_tool):
    ran = run_tool("inspect.repetition", rows_of(make_rows, ["你好世界", "hello world"]))
    assert ran.details["words"] == 6


def test_packs_change_nothing(store, make_rows, run_tool):
    texts = [f"text {i % 7} {i % 3}" for i in range(50)]
    whole = run_tool("inspect.repetition", rows_of(make_rows, texts))
    cut = run_tool("inspect.repetition", rows_of(make_rows, texts, name="cut", pack_rows=8))
    assert whole.details == cut.details and values(store, whole) == values(store, cut)


@given(st.lists(st.sampled_from(["", "a", "a b", "c d e", "A b"])))
def test_counts_equal_those_of_plain_python(texts):
    sizes = np.array([len(re.findall(r"\w+", text)) for text in texts], np.int64)
    found = repeated(keys(texts), sizes)
    counted = Counter(text for text in texts if text)
    assert [(texts[i], n) for i, n in zip(found.first, found.copies, strict=True)] == list(counted.items())
    for least in (1, 2, 3):
        taken = sum(n * len(text.split()) for text, n in counted.items() if n >= least)
        assert found.words_from(least) == taken
    assert all(texts[found.first[d]] == text for d, text in zip(found.document_of, texts, strict=True) if d >= 0)
