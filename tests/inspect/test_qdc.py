"""Quality, diversity, complexity: known values, and what must not change or must fall."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.workspace import open_workspace
from tilth.tools.inspect.measures import diversity
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.text.space.embedding import rounded

TOPICS = ["zebra", "quilt", "mango", "bolt", "fjord", "chess", "pylon", "wheat"]


def kinds(count, each=4):
    """Texts of `count` kinds that share no run of letters to speak of."""
    return [" ".join([topic] * (3 + i)) for topic in TOPICS[:count] for i in range(each)]


def of(run_tool, rows, **args):
    return run_tool("inspect.qdc", rows, **args).details["groups"]


def texts_of(make_rows, texts, name="data"):
    return make_rows([{"text": text} for text in texts], format="text", name=name)


def test_equal_texts_have_a_vendi_score_of_one(make_rows, run_tool):
    assert of(run_tool, texts_of(make_rows, ["one and the same"] * 7))["all"]["vendi"] == 1.0


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_k_unlike_kinds_have_a_vendi_score_of_about_k(make_rows, run_tool, count):
    found = of(run_tool, texts_of(make_rows, kinds(count)))["all"]["vendi"]
    assert found == pytest.approx(count, rel=0.05)


@given(st.integers(1, 12), st.integers(1, 6))
def test_the_vendi_score_of_orthogonal_vectors_is_their_number(kinds, each):
    vectors = rounded(np.repeat(np.eye(kinds, 12), each, axis=0))
    assert diversity.vendi(vectors) == pytest.approx(kinds, abs=1e-5)


@given(st.integers(0, 10**6), st.integers(2, 30))
def test_the_vendi_score_is_that_of_the_cosines(seed, count):
    vectors = rounded(np.random.default_rng(seed).normal(size=(count, 6)))
    unit = vectors / np.linalg.norm(vectors.astype(float), axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(unit @ unit.T / count)
    shares = shares[shares > 1e-12]
    assert diversity.vendi(vectors) == pytest.approx(float(np.exp(-(shares * np.log(shares)).sum())), rel=1e-3)


def test_nothing_has_no_diversity(make_rows, run_tool):
    assert diversity.vendi(np.zeros((3, 4), np.int16)) == 0.0
    told = of(run_tool, texts_of(make_rows, ["", " "]))["all"]
    assert (told["vendi"], told["distinct_1"], told["words"], told["compression"]) == (0, 0, 0, 0)


def test_known_numbers(make_rows, run_tool):
    told = of(run_tool, texts_of(make_rows, ["a b a", "A c", "x"]))["all"]
    assert told["rows"] == 3
    assert told["distinct_1"] == pytest.approx(4 / 6, abs=1e-6)  # a b a a c x
    assert told["distinct_2"] == 1.0  # a b, b a, a c
    assert (told["words"], told["median_words"], told["vocabulary"]) == (2.0, 2.0, 4)
    assert (told["near_duplicates"], told["score"], told["scored"]) == (0.0, None, 0)


def test_the_order_of_rows_changes_nothing(make_rows, run_tool):
    texts = [*kinds(6), *[f"{text} and more of it {i}" for i, text in enumerate(kinds(3))], "", "Zebra"]
    first = of(run_tool, texts_of(make_rows, texts))
    for seed in range(3):
        random.Random(seed).shuffle(texts)
        assert of(run_tool, texts_of(make_rows, texts)) == first


def test_copies_lower_diversity_step_by_step(make_rows, run_tool):
    texts = kinds(8, each=1)
    told = [of(run_tool, texts_of(make_rows, texts + texts[:1] * copies))["all"] for copies in (0, 1, 2, 4, 8, 16)]
    for fewer, more in pairwise(told):
        assert more["vendi"] < fewer["vendi"]
        assert more["distinct_1"] < fewer["distinct_1"] and more["distinct_2"] < fewer["distinct_2"]
        assert more["near_duplicates"] > fewer["near_duplicates"]


@given(st.lists(st.text("ab c", min_size=1, max_size=20), min_size=1, max_size=12), st.integers(1, 5), st.randoms())
def test_copies_of_any_text_lower_what_is_counted(texts, copies, rng):
    more = [*texts, *[rng.choice(texts)] * copies]
    for n in (1, 2):
        assert diversity.distinct_share(more, n) <= diversity.distinct_share(texts, n)
    assert diversity.near_duplicate_share(more, threshold=0.7) > diversity.near_duplicate_share(
        texts, threshold=0.7
    ) or (diversity.near_duplicate_share(texts, threshold=0.7) == 1)
    rng.shuffle(more)
    assert diversity.compression_ratio(more) == diversity.compression_ratio(sorted(more))
    assert diversity.vocabulary(more) == diversity.vocabulary(texts)


def test_near_repeats_are_counted_whatever_comes_first():
    long = [f"word{i}" for i in range(30)]
    texts = [" ".join(long), " ".join([*long[:-1], "other"]), " ".join(reversed(long))]
    assert diversity.near_duplicate_share(texts, threshold=0.7) == pytest.approx(1 / 3)


@pytest.fixture
def grouped(store, tmp_path):
    """`grouped({source: records}, name) -> Rows`"""

    def make(groups, name="data"):
        sources = []
        for source, records in groups.items():
            path = tmp_path / f"{name}-{source}.jsonl"
            path.write_text("".join(json.dumps(record) + "\n" for record in records))
            sources.append(Source(source, (str(path),)))
        with store.writing("test"):
            import_sources(store, name, sources, ReadOptions.from_args({}), mode="new")
        return store.rows(name)

    return make


def test_groups_are_measured_beside_the_seeds(grouped, make_rows, run_tool, store):
    make_rows([{"text": " ".join(f"seed{i + j}" for j in range(9))} for i in range(0, 90, 9)], name="seeds")
    copied = [{"text": " ".join(f"seed{i + j}" for j in range(9))} for i in range(0, 45, 9)]
    rows = grouped(
        {
            "own": [{"text": f"{text} {text}"} for text in kinds(5, 1)],
            "copied": copied,
            "all": [{"text": "lone words"}] * 2,
        }
    )
    ran = run_tool("inspect.qdc", rows, against="seeds")
    told = ran.details["groups"]
    assert {name: one["rows"] for name, one in told.items()} == {
        "all": 12, "copied": 5, "own": 5, "source all": 2, "against": 10}  # fmt: skip
    assert (told["copied"]["copied"], told["own"]["copied"]) == (1.0, 0.0)
    assert 0 < told["all"]["copied"] < 1
    findings = store.objects.read(ran.entry.objects["findings"]).to_pylist()
    assert {(one["code"], one["count"]) for one in findings} == {("qdc.copied", 5), ("qdc.near_duplicates", 1)}
    facts = {one["id"]: json.loads(one["value"]) for one in store.objects.read(ran.entry.objects["facts"]).to_pylist()}
    assert facts["qdc.copied.copied"] == 1.0 and facts["qdc.against.rows"] == 10
    (table,) = ran.details["tables"]
    assert all(len(row) == len(table["head"]) for row in table["rows"])


def test_rules_tell_quality_where_no_panel_did(make_rows, run_tool):
    def chat(answer):
        return {"messages": [{"role": "user", "content": "Tell me of it."}, {"role": "assistant", "content": answer}]}

    rows = make_rows(
        [chat("It is a box."), chat("I'm sorry, but I can't help with that."), chat(""), chat("Blue it is.")]
    )
    told = of(run_tool, rows)["all"]
    assert (told["faultless"], told["score"], told["scored"]) == (0.5, None, 0)


def test_scores_of_a_panel_are_told_until_a_row_is_edited(tmp_path):
    (tmp_path / "tilth.toml").write_text('[roles]\ngenerator = ["offline:"]\nreviewer = ["offline:"]\n')
    accent = "\u0301"  # an accent of its own, which NFC joins to its letter where there is one
    seeds = [
        {
            "prompt": f"Tell me of {i}.",
            "completion": f"It is a box, number {i}. Ire{accent * (i % 2)}ne of {i + 50} has it.",
        }
        for i in range(30)
    ]
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(one) + "\n" for one in seeds))
    with open_workspace(tmp_path) as workspace:
        workspace.add(tmp_path / "seeds.jsonl")
        workspace.do("synthesize.rows", "seeds", strategy="few_shot", into="made", n=4, cut=0.0, near_duplicate=1.0)
        told = workspace.do("inspect.qdc", "made", against="seeds").details["groups"]
        assert list(told) == ["all", "few_shot@1 offline", "against"]
        assert told["all"]["scored"] == 4 and 0 < told["all"]["score"] <= 10
        assert (told["against"]["scored"], told["against"]["score"]) == (0, None)
        edited = workspace.do("clean.unicode", "made").entry.counts["edited"]
        assert 0 < edited < 4
        again = workspace.do("inspect.qdc", "made").details["groups"]["all"]
        assert again["scored"] == 4 - edited


def test_seeds_may_be_of_another_format(make_rows, run_tool):
    make_rows([{"prompt": "Say a b c d e f.", "completion": "So a b c d e f it is."}], name="seeds")
    told = of(run_tool, texts_of(make_rows, ["a b c d e f", "g h i j k l m"]), against="seeds")
    assert told["all"]["copied"] == pytest.approx(2 / 5)
