"""Copies, forks and texts that parts share: against counting by hand."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.inspect.measures.redundancy import Codes, copies, forks, keys, occurrence, shared

texts = st.lists(st.sampled_from(["", "a", "b", "c", " "]), max_size=40)


@given(texts)
def test_copies_are_rows_after_the_first_of_a_text(values: list[str]) -> None:
    found = copies(keys(values))
    again = [i for i, text in enumerate(values) if text and text in values[:i]]
    sizes = [count for text, count in Counter(values).items() if text and count > 1]
    assert (found.rows, found.groups, found.largest) == (len(again), len(sizes), max(sizes, default=0))
    assert list(found.examples) == again[:5]


@given(texts)
def test_occurrence_counts_the_earlier_ones(values: list[str]) -> None:
    assert occurrence(keys(values)).tolist() == [values[:i].count(text) for i, text in enumerate(values)]


@given(st.lists(st.tuples(st.sampled_from(["", "p", "q"]), st.sampled_from(["x", "y"])), max_size=30))
def test_forks_are_prompts_with_several_answers(rows: list[tuple[str, str]]) -> None:
    answers: dict[str, set[str]] = defaultdict(set)
    for prompt, answer in rows:
        answers[prompt].add(answer)
    forked = {prompt for prompt, some in answers.items() if prompt and len(some) > 1}
    found = forks(keys([p for p, _ in rows]), keys([a for _, a in rows]))
    inside = [i for i, (prompt, _) in enumerate(rows) if prompt in forked]
    assert (found.prompts, found.rows, list(found.examples)) == (len(forked), len(inside), inside[:5])


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["train", "test", None])), max_size=40))
def test_shared_texts_are_counted_from_both_sides(rows: list[tuple[str, str | None]]) -> None:
    codes = Codes()
    numbers = codes.of([part for _, part in rows])
    found = shared(keys([text for text, _ in rows]), numbers, codes.names)
    held = {part: {text for text, of in rows if of == part and text} for part in ("train", "test")}
    common = held["train"] & held["test"]
    if not common:
        assert found == []
    else:
        [one] = found
        counts = {part: sum(text in common and of == part for text, of in rows) for part in ("train", "test")}
        assert {one.left: one.rows, one.right: one.right_rows} == counts
        sizes = Counter(part for _, part in rows if part)
        assert sizes[one.left] >= sizes[one.right]


def test_codes_keep_their_numbers_over_batches() -> None:
    codes = Codes()
    assert codes.of(["b", None, "a"]).tolist() == [0, -1, 1]
    assert codes.of(["a", "c"]).tolist() == [1, 2]
    assert codes.names == ["b", "a", "c"]


def test_nothing_at_all() -> None:
    none = np.empty(0, np.int64)
    assert copies(none).rows == 0
    assert forks(none, none).prompts == 0
    assert occurrence(none).tolist() == []
