"""Row ids: unique, given by content and order of arrival, never by batches."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.store.identity import Occurrences, row_ids


def content(texts: list[str]) -> np.ndarray:
    data = b"".join(hashlib.sha256(text.encode()).digest()[:16] for text in texts)
    return np.frombuffer(data, np.uint8).reshape(-1, 16)


def numbered(texts: list[str], sizes: list[int]) -> list[int]:
    occurrences, found, at = Occurrences(), [], 0
    for size in [*sizes, len(texts)]:
        found += occurrences.number(content(texts[at : at + size])).tolist()
        at += size
    return found


@given(st.lists(st.sampled_from("abcde")), st.lists(st.integers(1, 7), max_size=6))
def test_a_repetition_is_numbered_by_the_rows_before_it_however_they_are_batched(texts, sizes):
    seen: Counter[str] = Counter()
    expected = []
    for text in texts:
        expected.append(seen[text])
        seen[text] += 1
    assert numbered(texts, sizes) == expected


@given(st.lists(st.sampled_from("abc"), min_size=1))
def test_ids_are_unique_and_the_first_of_its_content_bears_its_hash(texts):
    hashes = content(texts)
    numbers = Occurrences().number(hashes)
    ids = [one.tobytes() for one in row_ids(hashes, numbers)]
    assert len(set(ids)) == len(texts)
    for one, number, of in zip(ids, numbers, hashes, strict=True):
        assert (one == of.tobytes()) == (number == 0)


def test_many_rows_stay_in_few_sorted_runs():
    occurrences = Occurrences()
    for start in range(0, 40_000, 1_000):
        occurrences.number(content([str(i) for i in range(start, start + 1_000)]))
    assert len(occurrences._runs) <= 12
    assert occurrences.number(content(["0", "39999", "new"])).tolist() == [1, 1, 0]
