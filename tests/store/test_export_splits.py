"""Splits hold still: no edit, order or pack moves a row, copies stay together, and shares are reached."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.change import Change, Edit, Outcome
from tilth.tools.errors import Misuse, Refused
from tilth.tools.store.commit import apply
from tilth.tools.store.export import splits
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.ledger import Entry
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

HALVES = {"train": 0.5, "test": 0.5}


def planned(rows: Rows, **asked: Any) -> splits.Plan:
    asked = {"asked": HALVES, "group_by": None, "seed": 0, **asked}
    return splits.plan(rows, **asked)


def places(plan: splits.Plan) -> list[str]:
    return [plan.names[code] for code in plan.codes]


def test_shares_are_reached_and_printed(make_rows: Callable[..., Rows]) -> None:
    rows = make_rows([{"text": f"number {i}"} for i in range(4_000)])
    plan = planned(rows, asked={"train": 0.8, "validation": 0.15, "test": 0.05})
    reached = {line["split"]: line["share"] for line in splits.shares_reached(plan)}
    assert list(reached) == ["train", "validation", "test"]
    for name, share in {"train": 0.8, "validation": 0.15, "test": 0.05}.items():
        assert abs(reached[name] - share) < 0.03


def test_another_seed_gives_another_split(make_rows: Callable[..., Rows]) -> None:
    rows = make_rows([{"text": f"number {i}"} for i in range(200)])
    assert places(planned(rows)) == places(planned(rows))
    assert places(planned(rows)) != places(planned(rows, seed=1))


def test_order_packs_and_other_rows_do_not_matter(make_rows: Callable[..., Rows]) -> None:
    records = [{"text": f"number {i}"} for i in range(300)]
    by_text = dict(zip([r["text"] for r in records], places(planned(make_rows(records))), strict=True))
    shuffled = [*records[::-1], {"text": "one more"}]
    again = places(planned(make_rows(shuffled, name="again", pack_rows=7)))
    assert {r["text"]: where for r, where in zip(shuffled[:-1], again[:-1], strict=True)} == by_text


def test_copies_fall_together_whatever_else_their_records_hold(make_rows: Callable[..., Rows]) -> None:
    records = [{"text": f"number {i % 50}", "id": i} for i in range(200)]
    where = places(planned(make_rows(records)))
    for record, place in zip(records, where, strict=True):
        assert place == where[int(record["text"].split()[1])]


def edited(store: Store, rows: Rows, edits: Sequence[tuple[int, str]]) -> Rows:
    outcome = Outcome(edits=[Edit(at, (((("text",), text)),), "test") for at, text in edits])
    with store.writing("test"):
        entry = Entry("step", "data", tool="test.edit", key=repr(edits))
        _, version = apply(store, rows, Change([outcome]), entry)
    return store.rows_of(version.vid)


def test_an_edit_moves_no_row(store: Store, make_rows: Callable[..., Rows]) -> None:
    records = [{"text": f"number {i % 80}", "id": i} for i in range(100)] + [{"text": "twice", "id": 0}] * 2
    rows = make_rows(records)
    later = edited(store, rows, [(at, f"edited {at}") for at in range(0, len(records), 3)])
    later = edited(store, later, [(101, "the second copy alone")])
    before, after = places(planned(rows)), places(planned(later, earlier=splits.earlier(store, later)))
    lone = [i for i, record in enumerate(records) if 20 <= i < 80]
    assert [before[i] for i in lone] == [after[i] for i in lone]
    assert after[101] == before[101] == before[100]


def test_rows_that_an_edit_made_copies_fall_together(store: Store, make_rows: Callable[..., Rows]) -> None:
    rows = make_rows([{"text": f"number {i}"} for i in range(60)])
    later = edited(store, rows, [(at, "the same") for at in range(40)])
    assert len({*places(planned(later, earlier=splits.earlier(store, later)))[:40]}) == 1


def test_groups_stay_whole(make_rows: Callable[..., Rows]) -> None:
    records = [{"text": f"number {i}", "user": f"u{i % 40}"} for i in range(400)]
    where = places(planned(make_rows(records), group_by="user"))
    assert {*where} == {"train", "test"}
    groups = defaultdict(set)
    for record, place in zip(records, where, strict=True):
        groups[record["user"]].add(place)
    assert all(len(found) == 1 for found in groups.values())


def test_rows_without_a_group_are_groups_of_their_own(make_rows: Callable[..., Rows]) -> None:
    records = [{"text": f"number {i}", **({"user": "u"} if i < 5 else {})} for i in range(100)]
    assert {*places(planned(make_rows(records), group_by="user"))[5:]} == {"train", "test"}


def test_copies_parted_by_their_groups_are_counted(make_rows: Callable[..., Rows]) -> None:
    records = [{"text": "the same", "user": f"u{i}"} for i in range(40)]
    assert planned(make_rows(records), group_by="user").apart == 40
    copies = [{"text": f"number {i % 20}", "user": f"u{i}"} for i in range(40)]
    assert planned(make_rows(copies, name="copies")).apart == 0


def test_a_split_that_came_with_the_data_is_kept_and_copies_follow_it(store: Store, tmp_path: Path) -> None:
    free, held = tmp_path / "chats.jsonl", tmp_path / "held-out.jsonl"
    free.write_text("".join(json.dumps({"text": f"number {i}", "id": i}) + "\n" for i in range(100)))
    held.write_text("".join(json.dumps({"text": f"number {i}"}) + "\n" for i in range(40)))
    sources = [Source("chats", (str(free),)), Source("held", (str(held),), split="test")]
    with store.writing("test"):
        import_sources(store, "data", sources, ReadOptions())
    rows = store.rows("data")
    where = places(planned(rows, asked={"train": 0.9, "validation": 0.1}))
    assert {*where[100:]} == {*where[:40]} == {"test"}
    assert {*where[40:100]} == {"train", "validation"}
    plan = planned(rows, asked={})
    assert (plan.names, plan.carried) == (("train", "test"), 40)
    with pytest.raises(Refused, match="40 rows came with a split"):
        planned(rows, asked={"train": 0.999999, "validation": 0.000001})


def test_without_a_split_all_rows_are_train(make_rows: Callable[..., Rows]) -> None:
    plan = planned(make_rows([{"text": "a"}, {"text": "b"}]), asked={})
    assert (plan.names, plan.counts()) == (("train",), {"train": 2})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"train": 0.5, "test": 0.4}, "add up to 0.9"),
        ({"train": 1.5, "test": -0.5}, "share of split"),
        ({"../x": 1.0}, "cannot name a split"),
        ({"train": 0.99999, "test": 0.00001}, "'test' .* would be empty"),
    ],
)
def test_shares_that_cannot_be_are_refused(make_rows: Callable[..., Rows], asked: dict[str, float], said: str) -> None:
    rows = make_rows([{"text": f"number {i}"} for i in range(20)])
    with pytest.raises((Misuse, Refused), match=said):
        planned(rows, asked=asked)


def test_an_unknown_group_names_the_nearest_column(make_rows: Callable[..., Rows]) -> None:
    rows = make_rows([{"text": "a", "author": "b"}])
    with pytest.raises(Misuse, match="Nearest: author"):
        planned(rows, group_by="auther")
    with pytest.raises(Misuse) as refused:
        planned(rows, group_by="zzz")
    assert refused.value.next_step.count("source") == 1
    with pytest.raises(Misuse, match="no --split is asked"):
        planned(rows, asked={}, group_by="author")


def components(births: Iterable[int], texts: Iterable[int]) -> list[int]:
    """For every row the smallest birth it is linked to, by walking the links."""
    pairs = list(zip(births, texts, strict=True))
    found = []
    for i in range(len(pairs)):
        reached, waiting = {i}, [i]
        while waiting:
            birth, text = pairs[waiting.pop()]
            for j, (other_birth, other_text) in enumerate(pairs):
                if j not in reached and (other_birth == birth or other_text == text):
                    reached.add(j)
                    waiting.append(j)
        found.append(min(pairs[j][0] for j in reached))
    return found


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=14))
def test_rows_linked_by_birth_or_text_share_the_smallest_birth(pairs: list[tuple[int, int]]) -> None:
    births, texts = [birth for birth, _ in pairs], [text for _, text in pairs]
    keys = splits.together(np.array(births, np.uint64), np.array(texts, np.uint64))
    assert keys.tolist() == components(births, texts)


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, min_size=1, max_size=50), st.integers())
def test_scrambling_is_one_to_one(keys: list[int], seed: int) -> None:
    mixed = splits.scramble(np.array(keys, np.uint64), seed)
    assert len(np.unique(mixed)) == len(keys)
