"""Near-duplicates are those of the plain definition: the greedy rule over Jaccard similarities of sets of tuples."""

from __future__ import annotations

import itertools
import random
import re
import tempfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.tools.errors import Misuse
from tilth.tools.text.near import bounds, candidates, shingles, similarity
from tilth.tools.text.near.shingles import ShingleSets, shingle_sets
from tilth.tools.text.near.similarity import near_duplicates

WORDS = [f"w{i}" for i in range(400)] + ["é", "Ünï", "don't", "x" * 80, "İ", "Σας"]
Found = list[tuple[int, int, float]]


def grams(text: str, n: int = 5) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def greedy(sets, threshold=0.7, rank=None, pinned=None) -> Found:
    """The rule, document after document."""
    rank = rank if rank is not None else [0] * len(sets)
    pinned = pinned if pinned is not None else [False] * len(sets)
    kept: list[int] = []
    found = []
    for document in sorted(range(len(sets)), key=lambda d: (not pinned[d], rank[d], d)):
        ours = sets[document]
        near = []
        for place, other in enumerate(kept if ours and not pinned[document] else []):
            shared = len(ours & sets[other])
            similarity = shared / (len(ours) + len(sets[other]) - shared)
            if similarity >= threshold:
                near.append((-similarity, place, other))
        if near:
            best = min(near)
            found.append((document, best[2], -best[0]))
        else:
            kept.append(document)
    return sorted(found)


def run(documents, *, batch=37, ngram=5, threads=1, spill=None, **options) -> Found:
    batches = [pa.array(documents[i : i + batch], pa.large_string()) for i in range(0, len(documents), batch)]
    sets = shingle_sets(batches, ngram=ngram, threads=threads, spill=spill)
    found = near_duplicates(sets, threads=threads, **options)
    return list(zip(found.dropped.tolist(), found.survivor.tolist(), found.jaccard.tolist(), strict=True))


def corpus(rng: random.Random, count: int, longest: int = 120, fresh: float = 0.5) -> list[str]:
    """Random documents, and edited copies of earlier ones, copies of copies included."""
    documents: list[str] = []
    for _ in range(count):
        if documents and rng.random() > fresh:
            words = rng.choice(documents).split(" ")
            for _ in range(rng.randrange(0, 6)):
                words[rng.randrange(len(words))] = rng.choice(WORDS)
            documents.append(" ".join(words[rng.randrange(0, 4) :] or ["a"]))
        else:
            documents.append(" ".join(rng.choice(WORDS) for _ in range(rng.randrange(0, longest))) or "a")
    return documents


def template(rng: random.Random, count: int, words: int, slots: int, fillings: int = 10**6) -> list[str]:
    """Copies of one text with the same places filled differently."""
    text = [f"t{rng.randrange(10**6)}" for _ in range(words)]
    places = rng.sample(range(words), slots)
    documents = []
    for _ in range(count):
        for place in places:
            text[place] = f"s{rng.randrange(fillings)}"
        documents.append(" ".join(text))
    return documents


@pytest.fixture(params=["as it is", "crowds", "large crowds", "chains"])
def path(request, monkeypatch):
    """The same corpora through every way in which pairs are found and settled."""
    if request.param != "as it is":
        monkeypatch.setattr(candidates, "PAIRED", 2)
        monkeypatch.setattr(similarity, "_SMALL", 4)
        monkeypatch.setattr(similarity, "_BLOCK", 8)
    if request.param == "large crowds":
        monkeypatch.setattr(candidates, "LARGE", 8)
    if request.param == "chains":
        monkeypatch.setattr(similarity, "_ROUNDS", 1)
    return request.param


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("threshold", [0.3, 0.7, 0.95, 1.0])
def test_the_greedy_rule(path, seed, threshold):
    rng = random.Random(seed)
    documents = (
        corpus(rng, 250) + template(rng, 40, 60, 2) + template(rng, 40, 60, 3) + ["", "a b", "one two three"] * 3
    )
    rng.shuffle(documents)
    rank = [rng.randrange(4) for _ in documents]
    pinned = [rng.random() < 0.2 for _ in documents]
    sets = [grams(text) for text in documents]
    assert run(documents, threshold=threshold) == greedy(sets, threshold)
    assert run(documents, threshold=threshold, rank=rank) == greedy(sets, threshold, rank)
    assert run(documents, threshold=threshold, rank=rank, pinned=pinned) == greedy(sets, threshold, rank, pinned)


short_texts = st.lists(st.lists(st.sampled_from("abcdeé漢 "), max_size=30).map(" ".join), max_size=25)


@settings(max_examples=200, deadline=None)
@given(documents=short_texts, ngram=st.integers(1, 5), threshold=st.sampled_from([0.1, 0.5, 0.7, 2 / 3, 1.0]))
def test_any_short_documents(documents, ngram, threshold):
    """Documents of up to 48 shingles are compared without any sampling: the result is exact, not probable."""
    sets = [grams(text, ngram) for text in documents]
    assert run(documents, ngram=ngram, threshold=threshold) == greedy(sets, threshold)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=200), max_size=12), st.randoms(use_true_random=False))
def test_hostile_text(documents, rng):
    documents = [text.encode(errors="replace").decode() for text in documents]
    documents += [rng.choice(documents) + " end" for _ in documents]
    sets = [grams(text) for text in documents]
    got = run(documents)
    plain = [d for d, text in enumerate(documents) if not any(character >= "\u0e00" for character in text)]
    wanted = greedy([sets[d] for d in plain])
    assert run([documents[d] for d in plain]) == wanted
    assert all(similarity >= 0.7 and survivor < dropped for dropped, survivor, similarity in got)


def test_threads_batches_and_spill_change_nothing():
    documents = corpus(random.Random(7), 400, longest=300)
    wanted = run(documents, batch=400)
    assert len(wanted) > 50
    for threads, batch in itertools.product((1, 2, 4), (1, 7, 150)):
        assert run(documents, batch=batch, threads=threads) == wanted
    for documents_, expected in ((documents, wanted), ([], []), ([""], [])):
        with tempfile.TemporaryFile() as file:
            assert run(documents_, spill=file) == expected


def test_passes_over_hash_space_change_nothing(monkeypatch):
    documents = corpus(random.Random(7), 400, longest=300)
    wanted = run(documents)
    monkeypatch.setattr(candidates, "_MOST_KEYS", 5_000)
    for threads in (1, 2):
        assert run(documents, threads=threads) == wanted


def test_the_order_of_rows_matters_only_through_rank():
    """Moving the rows about, with a rank that names them, drops the same rows for the same survivors."""
    rng = random.Random(8)
    documents = corpus(rng, 300)
    wanted = run(documents)
    moved = list(range(len(documents)))
    rng.shuffle(moved)
    got = run([documents[d] for d in moved], rank=moved)
    assert sorted((moved[a], moved[b], similarity) for a, b, similarity in got) == wanted


@pytest.mark.parametrize("length", [3, 5, 10, 200])
def test_version_chains_lose_only_what_is_near_a_kept_version(path, length):
    """Each version differs little from the one before and much from the first."""
    rng = random.Random(length)
    documents = []
    for _ in range(max(40 // length, 1)):
        words = [rng.choice(WORDS) for _ in range(200)]
        for _ in range(length):
            for _ in range(4):
                words[rng.randrange(200)] = rng.choice(WORDS)
            documents.append(" ".join(words))
    sets = [grams(text) for text in documents]
    found = run(documents)
    assert found == greedy(sets)
    assert 0 < len(found) < len(documents) - len(documents) // length


@pytest.mark.parametrize(("slots", "fillings", "most_kept"), [(1, 10**6, 1), (2, 40, 60), (6, 10**6, 3_000)])
def test_a_template_of_3000_rows(slots, fillings, most_kept):
    """4.5 million pairs: all of them alike, alike where one of two places is filled alike, and none."""
    documents = template(random.Random(slots), 3_000, 40, slots, fillings)
    found = run(documents, batch=500)
    assert 3_000 - most_kept <= len(found) < 3_000 - most_kept // 3
    if most_kept < 3_000:
        assert found == greedy([grams(text) for text in documents])


def test_nothing_and_almost_nothing():
    assert run([]) == run([""]) == run(["", ""]) == run(["a b c d"] * 2) == []
    assert run(["a b c d e"] * 3) == [(1, 0, 1.0), (2, 0, 1.0)]
    assert run(["a " * 1000, "a " * 50, "a a a a b"]) == [(1, 0, 1.0)]
    sets = shingle_sets([pa.array(["", None, "a b c d", "a b c d e", "…!"])])
    assert sets.too_short.tolist() == [0, 1, 2, 4]
    assert sets.size.tolist() == [0, 0, 0, 1, 0]


def test_repeated_shingles_count_once():
    rng = random.Random(5)
    text = " ".join(rng.choice(WORDS) for _ in range(300))
    documents = [text, f"{text} {text}", " ".join([text] * 9), "other " * 40 + text]
    sets = [grams(document) for document in documents]
    assert shingle_sets([pa.array(documents)]).size.tolist() == [len(one) for one in sets]
    assert run(documents) == greedy(sets)


def test_text_without_spaces_is_compared_by_characters():
    chinese = "我能吞下玻璃而不伤身体。今天天气很好，我们去公园散步吧。"
    thai = "กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภม"
    documents = [chinese, chinese.replace("吧", "呀"), thai, thai + "ย", "我能吞", "一二三四五六七八九十"]
    assert [(a, b) for a, b, _ in run(documents)] == [(1, 0), (3, 2)]
    assert shingle_sets([pa.array(documents)]).too_short.tolist() == [4]


def test_a_second_set_is_compared_against_and_never_dropped():
    rng = random.Random(6)
    others = corpus(rng, 60)
    copies = rng.sample([text for text in others if len(grams(text)) > 20], 15)
    documents = [f"{text} more" for text in copies] + corpus(rng, 40, fresh=1)
    pinned = [False] * len(documents) + [True] * len(others)
    found = run(documents + others, pinned=pinned)
    assert found == greedy([grams(text) for text in documents + others], pinned=pinned)
    assert {dropped for dropped, _, _ in found} == set(range(15))
    assert all(survivor >= len(documents) for _, survivor, _ in found)
    alone = corpus(rng, 3, longest=60, fresh=1)
    assert run([alone[0], *alone], pinned=[False, True, True, True]) == [(0, 1, 1.0)]


def test_recall_on_long_documents():
    """Pairs just above the threshold, of documents that are sampled: the miss is one in ten thousand at worst."""
    rng = np.random.default_rng(3)
    documents = []
    for _ in range(1_500):
        words = rng.integers(10**9, size=rng.integers(150, 400))
        copy = words.copy()
        copy[rng.choice(len(words), len(words) // 30, replace=False)] = rng.integers(10**9, size=len(words) // 30)
        documents += [" ".join(map(str, words)), " ".join(map(str, copy))]
    wanted = greedy_pairs(documents)
    assert len(wanted) > 300
    assert [(a, b) for a, b, _ in run(documents, batch=500)] == wanted


def greedy_pairs(documents):
    pairs = []
    for d in range(0, len(documents), 2):
        a, b = grams(documents[d]), grams(documents[d + 1])
        if len(a & b) / len(a | b) >= 0.7:
            pairs.append((d + 1, d))
    return pairs


@pytest.mark.parametrize("threshold", [0.2, 0.7, 0.9])
def test_the_bound_is_never_too_low(threshold):
    rng = random.Random(9)
    documents = [text for text in corpus(rng, 120, longest=400, fresh=0.3) if grams(text)]
    sets = shingle_sets([pa.array(documents)])
    a, b = (np.array(side) for side in zip(*itertools.combinations(range(len(documents)), 2), strict=True))
    exact = shingles.jaccard(sets, a, b)
    may = bounds.possible(sets, a, b, threshold)
    assert may[exact >= threshold].all()
    assert not may[exact < threshold - 0.1].all()
    everything = bounds.Sketches.of(sets, np.arange(len(documents)), 60)
    x, y = bounds.possible_between(everything, everything, threshold)
    assert set(zip(a[exact >= threshold].tolist(), b[exact >= threshold].tolist(), strict=True)) <= set(
        zip(x.tolist(), y.tolist(), strict=True)
    )


def test_jaccard_is_that_of_the_sets():
    documents = [text for text in corpus(random.Random(11), 60, longest=300, fresh=0.2) if grams(text)]
    sets = shingle_sets([pa.array(documents)])
    pairs = list(itertools.product(range(len(documents)), repeat=2))
    random.Random(1).shuffle(pairs)
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    plain = [grams(text) for text in documents]
    assert shingles.jaccard(sets, a, b).tolist() == [
        len(plain[i] & plain[j]) / len(plain[i] | plain[j]) for i, j in pairs
    ]
    ordered = sets.ordered(np.arange(len(sets))[::-1].copy())
    assert isinstance(ordered, ShingleSets)
    assert (
        shingles.jaccard(ordered, len(sets) - 1 - a, len(sets) - 1 - b).tolist()
        == shingles.jaccard(sets, a, b).tolist()
    )


@pytest.mark.parametrize("threshold", [0, -1, 1.01, float("nan")])
def test_a_threshold_outside_its_range_is_refused(threshold):
    with pytest.raises(Misuse, match=r"\(0, 1\]"):
        near_duplicates(shingle_sets([]), threshold=threshold)


def test_wrong_lengths_are_refused():
    sets = shingle_sets([pa.array(["a", "b"])])
    with pytest.raises(Misuse, match="rank"):
        near_duplicates(sets, rank=[1])
    with pytest.raises(Misuse, match="pinned"):
        near_duplicates(sets, pinned=[True, False, False])
    with pytest.raises(Misuse, match="ngram"):
        shingle_sets([], ngram=0)
