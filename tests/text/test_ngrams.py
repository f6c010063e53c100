"""The n-gram scan against its plain definition: no shared run is missed, none is made up."""

from __future__ import annotations

import random
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.text.ngrams import Hashed, Hits, NgramIndex, hashed, whole_hashes
from tilth.tools.text.tokens import run_hashes

LENGTHS = (5, 8, 10, 13)
WORDS = ["a", "b", "É", "Ünï", "漢字", "don't", "x" * 80, "İx", "ΣΑΣ", "e\u0301", "\U0001f600", "a-b", "\r\n", "_", "7"]


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def runs(text: str, n: int) -> set[tuple[str, ...]]:
    cut = tokens(text)
    return {tuple(cut[i : i + n]) for i in range(len(cut) - n + 1)}


def column(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def scanned(items: list[str], documents: list[str], n: int) -> tuple[NgramIndex, Hits]:
    index = NgramIndex.of(hashed(column(items)), n)
    return index, index.scan(hashed(column(documents)))


def check(items: list[str], documents: list[str], n: int) -> int:
    """Pairs and places of the scan are those of the definition; -> how many places."""
    index, hits = scanned(items, documents, n)
    held = [runs(text, n) for text in items]
    wanted = {(d, i) for d, text in enumerate(documents) for i, one in enumerate(held) if runs(text, n) & one}
    assert set(map(tuple, index.pairs(hits).tolist())) == wanted
    every = set().union(*held) if held else set()
    places = [
        (d, p)
        for d, text in enumerate(documents)
        for p in range(len(tokens(text)) - n + 1)
        if tuple(tokens(text)[p : p + n]) in every
    ]
    assert list(zip(hits.document.tolist(), hits.position.tolist(), strict=True)) == places
    return len(places)


@pytest.mark.parametrize("n", LENGTHS)
def test_exactly_the_shared_runs_are_found(n: int) -> None:
    found = 0
    for seed in range(3):
        rng = random.Random(seed)
        vocabulary = [*WORDS, *(f"w{i}" for i in range(300))]
        items = [" ".join(rng.choices(vocabulary, k=rng.randrange(60))) for _ in range(40)]
        documents = [" ".join(rng.choices(vocabulary, k=rng.randrange(90))) for _ in range(60)]
        for item in items:
            start = rng.randrange(20)
            documents.append(" ".join([*rng.choices(vocabulary, k=start), item[start:], "tail"]))
        found += check(items, documents, n)
    assert found > 100


@pytest.mark.parametrize("n", LENGTHS)
@given(data=st.data())
def test_any_texts(n: int, data: st.DataObject) -> None:
    text = st.lists(st.sampled_from(WORDS[:4]), max_size=30).map(" ".join)
    check(data.draw(st.lists(text, max_size=5)), data.draw(st.lists(text, max_size=5)), n)


@pytest.mark.parametrize("n", LENGTHS)
def test_every_offset_of_a_run_is_found(n: int) -> None:
    item = " ".join(f"t{i}" for i in range(n))
    documents = [" ".join([*(f"f{i}" for i in range(before)), item]) for before in range(3 * n)]
    _, hits = scanned([item], documents, n)
    assert hits.position.tolist() == list(range(3 * n))


def test_a_run_does_not_cross_documents_but_does_cross_regrouped_parts() -> None:
    index = NgramIndex.of(hashed(column(["a b c d e"])), 5)
    parts = Hashed.of(column(["x a b", "c d e", "y"]))
    assert len(index.scan(parts).run) == 0
    hits = index.scan(parts.regrouped(np.array([0, 2, 3])))
    assert (hits.document.tolist(), hits.position.tolist()) == ([0], [1])


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), max_size=6))
def test_the_hash_of_a_whole_is_that_of_its_run(texts: list[str]) -> None:
    documents = Hashed.of(column(texts))
    for number, whole in enumerate(whole_hashes(documents).tolist()):
        words = documents.words[documents.first[number] : documents.first[number + 1]]
        assert whole == (int(run_hashes(words, len(words))[0]) if len(words) else 0)


def test_blocks_do_not_show() -> None:
    texts = [f"{i} " * 2_000 + "the end of it" for i in range(60)]
    at_once, in_blocks = Hashed.of(column(texts)), hashed(column(texts))
    assert (at_once.words == in_blocks.words).all()
    assert (at_once.first == in_blocks.first).all()
