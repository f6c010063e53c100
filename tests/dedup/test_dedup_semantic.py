"""`dedup.semantic`: the greedy rule against a plain reading of it, what clusters may miss, and what changes nothing."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.agent.workspace import Workspace
from tilth.tools.context import Context
from tilth.tools.dedup import semantic as module
from tilth.tools.dedup.semantic import semantic
from tilth.tools.errors import BadInput
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store
from tilth.tools.text.space.embedding import NAME, Rounded, rounded
from tilth.tools.text.space.kmeans import moved

MakeRows = Callable[..., Rows]
Found = list[tuple[int, int, float]]

WORDS = ["soil", "seed", "rain", "root", "leaf", "plough", "harvest", "field", "worm", "clay", "sand", "barley", "oats"]


def rows_of(make_rows: MakeRows, texts: Sequence[str], **read: Any) -> Rows:
    return make_rows([{"text": text} for text in texts], format="text", **read)


def facts_of(store: Store, ran: Any) -> dict[str, Any]:
    lines = store.objects.read(ran.entry.objects["facts"]).to_pylist()
    return {line["id"].removeprefix("dedup.semantic."): json.loads(line["value"]) for line in lines}


def ids_of(rows: Rows) -> list[str]:
    return [row_id.hex() for row_id in rows.arrow(("row_id",))["row_id"].to_pylist()] if len(rows) else []


def sentences(count: int, seed: int = 0) -> list[str]:
    """Texts of which many share most of their words."""
    rng = random.Random(seed)
    bases = [rng.choices(WORDS, k=8) for _ in range(max(1, count // 4))]
    texts = []
    for _ in range(count):
        words = list(rng.choice(bases))
        words[rng.randrange(8)] = rng.choice(WORDS)
        texts.append(" ".join(words))
    return texts


# --- The rule over vectors


def greedy(vectors: Rounded, labels: Sequence[int], rank: Sequence[int], ours: int, threshold: float) -> Found:
    """The rule, row after row, in Python's whole numbers."""
    told = [[int(value) for value in vector] for vector in vectors]
    kept: list[int] = []
    found = []
    for row in sorted(range(len(told)), key=lambda row: rank[row]):
        near = []
        for place, other in enumerate(kept if row < ours else []):
            if labels[other] == labels[row]:
                inner, a, b = (
                    sum(x * y for x, y in zip(told[one], told[two], strict=True))
                    for one, two in ((row, other), (row, row), (other, other))
                )
                cosine = round(inner / (a**0.5 * b**0.5), 4)
                if cosine >= threshold:
                    near.append((-cosine, place, other))
        if near:
            found.append((row, min(near)[2], -min(near)[0]))
        else:
            kept.append(row)
    return sorted(found)


def listed(found: Any) -> Found:
    return list(zip(found.dropped.tolist(), found.survivor.tolist(), found.cosine.tolist(), strict=True))


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 5), st.sampled_from([1, 3, 8]),
       st.sampled_from([0.1, 0.5, 0.9, 0.99, 1.0]), st.sampled_from([1, 2, 5, 60]))  # fmt: skip
@settings(max_examples=120)
def test_what_is_dropped_is_what_the_rule_says(
    seed: int, count: int, others: int, block: int, threshold: float, clusters: int
) -> None:
    rng = np.random.default_rng(seed)
    bases = rng.normal(size=(4, 3))
    total = count + others
    vectors = rounded(bases[rng.integers(0, 4, total)] + rng.choice([0, 0.05, 0.3]) * rng.normal(size=(total, 3)))
    rank = np.concatenate([rng.permutation(count), np.arange(-others, 0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        patch.setattr(module, "_AGAINST", 2 * block)
        labels = module._labels(vectors, rng.permutation(total), clusters)
        found = module._semantic_duplicates(vectors, labels, rank, count, threshold)
    assert listed(found) == greedy(vectors, labels.tolist(), rank.tolist(), count, threshold)
    gone = set(found.dropped.tolist())
    left = [row for row in range(count) if row not in gone]
    for here in left:  # no kept pair of one cluster reaches the threshold
        for there in left:
            if here < there and labels[here] == labels[there]:
                pair = greedy(vectors[[here, there]], [0, 0], [0, 1], 2, threshold)
                assert pair == []


@pytest.mark.parametrize("block", [1, 2, 3, 5, 100])
def test_of_a_chain_every_second_link_stays(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Each vector is 20 degrees from the one before; a row dropped keeps no other from staying."""
    monkeypatch.setattr(module, "_BLOCK", block)
    angles = np.radians(20) * np.arange(18)
    vectors = rounded(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    found = module._semantic_duplicates(vectors, np.zeros(18, np.int64), np.arange(18), 18, 0.9)
    assert found.dropped.tolist() == list(range(1, 18, 2))
    assert found.survivor.tolist() == [*range(0, 16, 2), 0]
    assert set(found.cosine.tolist()) == {0.9397}


@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 80))
@settings(max_examples=60)
def test_clusters_hang_on_vectors_alone(seed: int, count: int, clusters: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rounded(rng.choice([-1, 0.5, 1], size=(count, 3)))
    drawn, order = rng.permutation(count), rng.permutation(count)
    labels = module._labels(vectors, drawn, clusters)
    place = np.argsort(order)
    assert module._labels(vectors[order], place[drawn], clusters).tolist() == labels[order].tolist()
    assert set(labels.tolist()) <= set(range(clusters))
    by_vector: dict[tuple[int, ...], int] = {}
    for vector, label in zip(vectors.tolist(), labels.tolist(), strict=True):
        assert by_vector.setdefault(tuple(vector), label) == label


def test_clusters_part_what_lies_apart() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    vectors = rounded(np.eye(3)[truth] + 0.05 * rng.normal(size=(300, 3)))
    drawn = np.concatenate([[int(np.flatnonzero(truth == one)[0]) for one in range(3)], np.arange(300)])
    labels = module._labels(vectors, drawn, 3)
    assert labels.tolist() == truth.tolist()


def test_vectors_that_cancel_out_leave_their_centre_where_it_was() -> None:
    centres = rounded(np.eye(2))
    assert moved(centres, rounded(np.array([[1, 0], [-1, 0]])), np.array([0, 0])).tolist() == centres.tolist()


# --- The tool


QUESTIONS = [
    "How do I reset my password for the online bank?",
    "Where can I buy barley seed near the river?",
    "how do I reset my password for the online bank",
    "",
    "How do I reset my passwords for the online bank??",
    "   ",
]


def test_later_rows_written_alike_go_and_name_who_stays(store: Store, make_rows: MakeRows, run_tool: Any) -> None:
    rows = rows_of(make_rows, QUESTIONS)
    ran = run_tool("dedup.semantic", rows, threshold=0.8)
    assert ran.dropped() == {2: "semantic_duplicate", 4: "semantic_duplicate"}
    for one in ran.decisions:
        assert one["evidence"] == {"survivor": ids_of(rows)[0], "embedder": NAME}
        assert 0.8 <= one["score"] <= 1 and one["score"] == round(one["score"], 4)
    told = facts_of(store, ran)
    assert (told["embedder"], told["clusters"], told["compared"]) == (NAME, 1, 4)


def test_keep_decides_who_stays(make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("dedup.semantic", rows_of(make_rows, QUESTIONS), threshold=0.7, keep="length desc")
    assert sorted(ran.dropped()) == [0, 2]


def test_a_row_of_the_test_split_is_never_dropped_for_one_of_train(tmp_path: Path) -> None:
    for name, text in (("train", QUESTIONS[0]), ("test", QUESTIONS[2])):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
    with Workspace(tmp_path) as workspace:
        workspace.add(tmp_path / "train.jsonl", tmp_path / "test.jsonl", name="d")
        assert workspace.do("dedup.semantic", "d", threshold=0.8).result["dropped"] == {"semantic_duplicate": 1}
        assert [row.split for row in workspace.show("d")] == ["test"]


def test_rows_close_to_another_dataset_go(make_rows: MakeRows, run_tool: Any) -> None:
    other = rows_of(make_rows, [QUESTIONS[4], QUESTIONS[4], "", "Rain."], name="other")
    rows = rows_of(make_rows, QUESTIONS)
    ran = run_tool("dedup.semantic", rows, threshold=0.8, against="other")
    assert sorted(ran.dropped()) == [0, 2, 4]
    assert {one["evidence"]["survivor"] for one in ran.decisions} == {ids_of(other)[0]}
    assert {one["evidence"]["of"] for one in ran.decisions} == {other.vid}


@pytest.mark.parametrize(
    ("texts", "dropped"),
    [
        (["just one row"], []),
        (["", " ", "\n"], []),
        (["the same text"] * 600, list(range(1, 600))),
        (["soil", "barley"], []),
    ],
)
@pytest.mark.parametrize("clusters", [None, 1, 50])
def test_degenerate_datasets(
    make_rows: MakeRows, run_tool: Any, texts: list[str], dropped: list[int], clusters: int | None
) -> None:
    ran = run_tool("dedup.semantic", rows_of(make_rows, texts), clusters=clusters)
    assert sorted(ran.dropped()) == dropped
    assert {one["score"] for one in ran.decisions} <= {1.0}


def test_without_a_cluster_count_many_texts_are_parted(
    store: Store, make_rows: MakeRows, run_tool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPARED_WHOLE", 150)
    few, many = (rows_of(make_rows, sentences(count), name=f"of_{count}") for count in (150, 200))
    assert facts_of(store, run_tool("dedup.semantic", few))["clusters"] == 1
    assert 1 < facts_of(store, run_tool("dedup.semantic", many))["clusters"] <= 10


def told(ran: Any) -> list[Any]:
    return [(one["position"], one["score"], one["evidence"]) for one in ran.decisions]


@pytest.mark.parametrize("clusters", [1, 8])
def test_threads_and_packs_change_nothing(make_rows: MakeRows, run_tool: Any, clusters: int) -> None:
    texts = sentences(300, 5)
    whole = run_tool("dedup.semantic", rows_of(make_rows, texts), clusters=clusters)
    assert 10 < len(whole.decisions) < 290
    again = run_tool("dedup.semantic", rows_of(make_rows, texts, pack_rows=37), clusters=clusters, threads=4)
    assert told(again) == told(whole)


@pytest.mark.parametrize("clusters", [1, 8])
def test_the_order_of_rows_changes_nothing_where_keep_ranks_each(
    make_rows: MakeRows, run_tool: Any, monkeypatch: pytest.MonkeyPatch, clusters: int
) -> None:
    monkeypatch.setattr(module, "SAMPLE", 60)  # so that the built-in embedder has not seen every text
    texts = list(dict.fromkeys(sentences(300, 6)))
    shuffled = random.Random(1).sample(texts, len(texts))
    gone = []
    for name, some in (("here", texts), ("there", shuffled)):
        ran = run_tool("dedup.semantic", rows_of(make_rows, some, name=name), clusters=clusters, keep="row_id")
        gone.append({some[one["position"]]: (one["score"], one["evidence"]) for one in ran.decisions})
    assert gone[0] == gone[1]
    assert 10 < len(gone[0]) < 290


# --- A model's vectors


class Planned:
    """An embedder that says what it was told to; it notes the texts it was asked about."""

    name = "planned-1"

    def __init__(self, told: Callable[[str], Any]) -> None:
        self.told, self.asked = told, list[str]()

    def embed(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        return [self.told(text) for text in texts]


def with_embedder(store: Store, rows: Rows, scratch: Path, embedder: Any, **args: Any) -> Any:
    ctx = Context(store=store, dataset="data", seed=0, threads=1, scratch=scratch)
    ctx = dataclasses.replace(ctx, open_embedder=lambda name, texts: embedder)
    return semantic(ctx, rows, field="text", embedder="openai:planned@lab", **args)


def test_the_model_is_asked_and_named(store: Store, make_rows: MakeRows, tmp_path: Path) -> None:
    rows = rows_of(make_rows, ["a dog", "", "a hound", "a cat", "nothing"])
    planned = {"a dog": [3.0, 0.1], "a hound": [6.0, 0.3], "a cat": [0.0, 1.0], "nothing": [0.0, 0.0]}
    embedder = Planned(planned.__getitem__)
    change = with_embedder(store, rows, tmp_path, embedder)
    assert embedder.asked == ["a dog", "a hound", "a cat", "nothing"]
    table = pa.concat_tables([outcome.decisions for outcome in change.outcomes if outcome.decisions is not None])
    (one,) = table.to_pylist()
    assert (one["position"], one["score"]) == (2, 0.9999)
    assert json.loads(one["evidence"]) == {"survivor": ids_of(rows)[0], "embedder": "planned-1"}
    facts = {fact.id.removeprefix("dedup.semantic."): fact.value for fact in change.facts}
    assert facts == {"embedder": "planned-1", "dimensions": 2, "clusters": 1, "compared": 3}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (lambda text: [float("nan"), 1.0], "not finite"),
        (lambda text: 1.0, "shape"),
        (lambda text: [1.0, 2.0] if text < "text 256" else [1.0, 2.0, 3.0], "shape"),
    ],
)
def test_an_embedder_that_gives_nonsense_is_named(
    store: Store, make_rows: MakeRows, tmp_path: Path, said: Callable[[str], Any], message: str
) -> None:
    rows = rows_of(make_rows, [f"text {i:03}" for i in range(300)])
    with pytest.raises(BadInput, match=f"planned-1.*{message}"):
        with_embedder(store, rows, tmp_path, Planned(said))
