"""The built-in embedder: what it promises about batches, order, threads and rounding, and what its angles mean."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer
from threadpoolctl import threadpool_limits

from tilth.tools.text.space import embedding
from tilth.tools.text.space.embedding import UNIT, fit, rounded, sampled

WORDS = ["soil", "seed", "rain", "root", "leaf", "plough", "harvest", "field", "worm", "clay", "sand", "barley", "oats"]


def sentences(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 12))) for _ in range(count)]


def test_vectors_have_length_one_and_at_most_128_dimensions() -> None:
    texts = sentences(400)
    vectors = fit(texts).embed(texts)
    assert vectors.shape[0] == 400 and 1 < vectors.shape[1] <= 128
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-12)


def test_of_a_small_sample_the_angles_are_those_of_tf_idf() -> None:
    """With as many dimensions as texts nothing is lost: an oracle without any factorisation."""
    texts = sentences(60)
    vectors = fit(texts).embed(texts)
    weighted = TfidfTransformer().fit_transform(embedding._counts(texts))
    np.testing.assert_allclose(vectors @ vectors.T, (weighted @ weighted.T).toarray(), atol=1e-9)


def test_texts_written_alike_lie_closer_than_others() -> None:
    texts = ["How do I reset my password?", "how do i reset my passwords", "Where is the nearest barley field?"]
    a, b, c = fit([*texts, *sentences(50)]).embed(texts)
    assert a @ b > 0.8 > 0.3 > a @ c


KNOWN = fit(sentences(50))


@given(st.lists(st.text(max_size=40), max_size=20), st.integers(0, 20))
@settings(max_examples=40)
def test_a_vector_depends_on_its_own_text_only(texts: list[str], cut: int) -> None:
    embedder = KNOWN
    together = embedder.embed(texts)
    apart = np.concatenate([embedder.embed(texts[:cut]), embedder.embed(texts[cut:])])
    assert together.tobytes() == apart.tobytes()
    assert embedder.embed(texts[::-1])[::-1].tobytes() == together.tobytes()


def test_more_texts_than_are_read_at_a_time_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sentences(60)
    whole = fit(texts).embed(texts)
    monkeypatch.setattr(embedding, "_TOGETHER", 7)
    assert fit(texts).embed(texts).tobytes() == whole.tobytes()


def test_blas_threads_change_no_bit() -> None:
    rng = random.Random(3)
    texts = [" ".join("".join(rng.choices("abcdefgh", k=5)) for _ in range(30)) for _ in range(400)]
    found = []
    for threads in (1, 4):
        with threadpool_limits(limits=threads):
            found.append(fit(texts).embed(texts).tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("texts", [[], [""], ["", " \n"], ["same"] * 9, ["a"], ["one text only"], ["x", ""]])
def test_degenerate_samples_give_whole_vectors_or_zeros(texts: list[str]) -> None:
    vectors = fit(texts).embed([*texts, "something else", ""])
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.isfinite(vectors).all()
    assert all(abs(length - 1) < 1e-9 or length == 0 for length in lengths)
    assert lengths[-1] == 0
    assert [length > 0 for length in lengths[: len(texts)]] == [bool(text.strip()) for text in texts]


def test_a_text_of_which_the_sample_knows_nothing_has_no_direction() -> None:
    assert not fit(["soil and seed", "seed and soil"]).embed(["Жук ползёт"]).any()


def test_a_fit_repeats_bit_for_bit_and_takes_any_seed() -> None:
    texts = [" ".join(pair) for pair in zip(sentences(300, 1), sentences(300, 2), strict=True)]
    assert fit(texts, seed=1).embed(texts).tobytes() == fit(texts, seed=1).embed(texts).tobytes()
    assert np.isfinite(fit(texts, seed=-(1 << 70)).embed(texts[:9])).all()


def ids(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 16), dtype=np.uint8)


@given(st.permutations(range(30)), st.integers(0, 5))
def test_a_sample_does_not_depend_on_where_rows_stand(order: list[int], seed: int) -> None:
    rows = ids(30)
    here, there = rows[sampled(rows, seed=seed)], rows[order][sampled(rows[order], seed=seed)]
    assert here.tolist() == there.tolist()


def test_another_seed_draws_another_sample() -> None:
    rows = ids(30)
    assert sampled(rows, seed=0).tolist() != sampled(rows, seed=1).tolist()
    assert sorted(sampled(rows).tolist()) == list(range(30))
    assert sampled(rows[:0]).tolist() == []


number = st.floats(-1e300, 1e300, allow_subnormal=False)


@given(st.lists(st.lists(number, min_size=3, max_size=3), max_size=8))
def test_rounded_vectors_are_directions_in_ten_thousandths(vectors: list[list[float]]) -> None:
    found = rounded(np.array(vectors).reshape(-1, 3))
    for vector, whole in zip(vectors, found.astype(int).tolist(), strict=True):
        peak = max(map(abs, vector))
        scaled = [value / peak if peak else 0.0 for value in vector]
        length = sum(value * value for value in scaled) ** 0.5
        assert all(abs(w - (v / length * UNIT if peak else 0)) <= 0.5001 for w, v in zip(whole, scaled, strict=True))


@given(st.integers(0, 1000), st.sampled_from([1, 3, 128, 4096]))
@settings(max_examples=30)
def test_inner_products_of_rounded_vectors_are_exact_in_floats(seed: int, width: int) -> None:
    """What makes threads and processors indifferent: float64 sums of them are integers in any order."""
    vectors = rounded(np.random.default_rng(seed).normal(size=(5, width)))
    exact = vectors.astype(np.int64) @ vectors.astype(np.int64).T
    floats = vectors.astype(np.float64)
    assert (floats @ floats.T == exact).all()
    assert (floats[:, ::-1] @ floats[:, ::-1].T == exact).all()
