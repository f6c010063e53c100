"""dedup.semantic over vectors made elsewhere: a folder of Parquet files, whole or at fault."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import BadInput, Misuse
from tilth.tools.text.space.vectors import StoredVectors

TEXTS = ["a dog", "a hound", "a cat", "nothing"]
VECTORS = [[3.0, 0.1], [6.0, 0.3], [0.0, 1.0], [0.0, 0.0]]


def write(path: Path, texts: Sequence[str | None], vectors: Any, kind: Any = None) -> None:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({"text": pa.array(texts, pa.string()), "vector": pa.array(vectors, kind)}), path)


@pytest.mark.parametrize(
    "kind", [None, pa.large_list(pa.float32()), pa.list_(pa.float16(), 2), pa.list_(pa.float64(), 2)], ids=str
)
def test_rows_close_by_these_vectors_go(
    make_rows: Callable[..., Any], run_tool: Any, tmp_path: Path, kind: Any
) -> None:
    vectors = [[np.float16(x) for x in one] for one in VECTORS] if kind == pa.list_(pa.float16(), 2) else VECTORS
    write(tmp_path / "vectors" / "1.parquet", TEXTS[:2], vectors[:2], kind)
    write(tmp_path / "vectors" / "2.parquet", [*TEXTS[2:], "of no row"], [*vectors[2:], vectors[0]], kind)
    rows = make_rows([{"text": text} for text in ["", *TEXTS]], format="text")
    ran = run_tool("dedup.semantic", rows, vectors=str(tmp_path / "vectors"))
    assert ran.dropped() == {2: "semantic_duplicate"}
    (one,) = ran.decisions
    assert one["score"] == pytest.approx(0.9999, abs=0.0001) and one["evidence"]["embedder"] == "vectors of vectors"


def test_the_order_of_files_and_rows_changes_nothing(
    make_rows: Callable[..., Any], run_tool: Any, tmp_path: Path
) -> None:
    rng = random.Random(3)
    texts = [f"text {i}" for i in range(60)]
    vectors = [[rng.choice([0.0, 1.0, 2.0]) for _ in range(3)] for _ in texts]
    order = rng.sample(range(60), 60)
    write(tmp_path / "here" / "all.parquet", texts, vectors)
    write(tmp_path / "there" / "b.parquet", [texts[i] for i in order[:20]], [vectors[i] for i in order[:20]])
    write(tmp_path / "there" / "a.parquet", [texts[i] for i in order[20:]], [vectors[i] for i in order[20:]])
    rows = make_rows([{"text": text} for text in texts], format="text")
    found = []
    for folder, threads in (("here", 1), ("there", 2)):
        ran = run_tool("dedup.semantic", rows, vectors=str(tmp_path / folder), threads=threads)
        found.append([(one["position"], one["score"], one["evidence"]["survivor"]) for one in ran.decisions])
    assert found[0] == found[1] and 10 < len(found[0]) < 60


def test_a_text_without_a_vector_is_named_and_nothing_changes(
    make_rows: Callable[..., Any], run_tool: Any, store: Any, tmp_path: Path
) -> None:
    write(tmp_path / "vectors" / "1.parquet", TEXTS, VECTORS)
    rows = make_rows([{"text": text} for text in [*TEXTS, "a fox", "an owl"]], format="text")
    with pytest.raises(BadInput, match=r"no vector for 2 of 6 texts, for example 'a fox'.*exactly as"):
        run_tool("dedup.semantic", rows, vectors=str(tmp_path / "vectors"))
    assert store.rows("data").version.vid == rows.vid


@pytest.mark.parametrize(
    ("texts", "vectors", "message"),
    [
        (["a", "b"], [[1.0], [1.0, 2.0]], "1.parquet: the vectors are not all of one length"),
        (["a", "b"], [[1.0], None], "1.parquet: the vectors are not all of one length"),
        (["a", "b"], [[1.0], [None]], "1.parquet: a vector holds null"),
        (["a", "b"], [["1"], ["2"]], "1.parquet: the column vector holds no lists of numbers"),
        (["a", "b"], [1.0, 2.0], "1.parquet: the column vector holds no lists of numbers"),
        (["a", "a"], [[1.0], [2.0]], "1.parquet: a text stands there twice"),
        ([None, ""], [[1.0], [2.0]], "1.parquet: a text stands there twice"),
    ],
)
def test_a_file_at_fault_is_named(tmp_path: Path, texts: list[str | None], vectors: Any, message: str) -> None:
    write(tmp_path / "v" / "1.parquet", texts, vectors)
    with pytest.raises(BadInput, match=message):
        StoredVectors(tmp_path / "v")


def test_a_torn_file_a_missing_column_and_no_file_are_told(tmp_path: Path) -> None:
    write(tmp_path / "torn" / "1.parquet", TEXTS, VECTORS)
    whole = (tmp_path / "torn" / "1.parquet").read_bytes()
    (tmp_path / "torn" / "1.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Misuse, match=r"1.parquet: .*Parquet.*columns text and vector"):
        StoredVectors(tmp_path / "torn")
    (tmp_path / "other").mkdir()
    pq.write_table(pa.table({"words": TEXTS}), tmp_path / "other" / "1.parquet")
    with pytest.raises(Misuse, match=r"1.parquet: .*columns text and vector"):
        StoredVectors(tmp_path / "other")
    with pytest.raises(Misuse, match="nowhere"):
        StoredVectors(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Misuse, match="holds no vectors"):
        StoredVectors(tmp_path / "empty")
    write(tmp_path / "none" / "1.parquet", [], [], pa.list_(pa.float32()))
    with pytest.raises(Misuse, match="holds no vectors"):
        StoredVectors(tmp_path / "none")


def test_files_of_different_lengths_are_told(tmp_path: Path) -> None:
    write(tmp_path / "v" / "1.parquet", ["a"], [[1.0]])
    write(tmp_path / "v" / "2.parquet", ["b"], [[1.0, 2.0]])
    with pytest.raises(BadInput, match="different lengths"):
        StoredVectors(tmp_path / "v")


@given(
    st.dictionaries(st.text(max_size=8), st.lists(st.floats(-9, 9, width=32), min_size=3, max_size=3), min_size=1),
    st.integers(0, 9),
    st.randoms(use_true_random=False),
)
def test_every_text_gets_its_own_vector(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, list[float]], cut: int, rng: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("vectors")
    texts = list(told)
    for name, some in (("1", texts[:cut]), ("2", texts[cut:])):
        write(folder / f"{name}.parquet", some, [told[text] for text in some], pa.list_(pa.float32()))
    asked = [rng.choice(texts) for _ in range(5)]
    assert StoredVectors(folder).embed(asked).tolist() == [told[text] for text in asked]
