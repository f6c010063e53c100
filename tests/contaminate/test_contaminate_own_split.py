"""A dataset against its own test split: the split's rows are the items, and only the others are looked through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.contaminate._finding.scanned import evidence, last_scan
from tilth.tools.errors import Misuse

TEST = [
    "how many loaves of rye bread does a small bakery in Ghent bake on Mondays",
    "which river flows past the old mill where Xaver keeps his quick brown goats",
    "if a jug holds nine cups of juice and Una pours out four what is left over",
    "why did the lighthouse keeper walk home through fog with his lamp unlit that evening",
]
TRAIN = [
    "zebras",
    f"somebody wrote {TEST[2]} and went on",
    "quartz",
    TEST[0],
]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """The dataset `data` of two files, train and test."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, texts in (("train", TRAIN), ("test", TEST)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    with Workspace(tmp_path) as opened:
        opened.add(folder, name="data")
        yield opened


def scanned(workspace: Workspace, *benchmarks: str, **args: Any) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = workspace.do("contaminate.scan", "data", benchmarks=[*benchmarks], **args).details[
        "benchmarks"
    ]
    return told


@pytest.mark.parametrize("similar", [False, True])
def test_rows_of_train_that_hold_a_row_of_test_are_found_and_no_row_finds_itself(
    workspace: Workspace, similar: bool
) -> None:
    (told,) = scanned(workspace, "data:test", similar=similar)
    assert (told["benchmark"], told["items"], told["rows_looked_at"]) == ("data:test", 4, 4)
    assert told["verdicts"] == {"exact": 1, "near_verbatim": 1, "no_evidence": 2}
    assert told["ngram"]["8"] == {"docs_hit": 2, "items_hit": 2, "pairs": 2}
    assert {one: found["rows"] for one, found in told["sources"].items()} == {"data": 4}
    entry = last_scan(workspace.store, "data", workspace.store.resolve("data")[1])
    shown = {one.verdict: one for one in evidence(workspace.store, entry, 5)}
    assert shown["near_verbatim"].item_text.text == TEST[2]
    assert shown["near_verbatim"].row_text.text == TRAIN[1]


def test_removing_leaves_the_test_split_whole(workspace: Workspace) -> None:
    scanned(workspace, "data:test", similar=False)
    workspace.do("contaminate.remove", "data")
    rows = workspace.sql("data", "select split, count(*)::int as n from rows group by split order by split").to_pylist()
    assert rows == [{"split": "test", "n": 4}, {"split": "train", "n": 2}]
    (told,) = scanned(workspace, "data:test", similar=False)
    assert told["verdicts"] == {"no_evidence": 4}


def test_beside_a_benchmark_every_row_is_looked_through_for_that(workspace: Workspace, add_benchmark: Any) -> None:
    add_benchmark([{"question": TEST[2]}])
    told = {one["benchmark"]: one for one in scanned(workspace, "data:test", "bench", similar=False)}
    assert told["bench"]["rows_looked_at"] == 8
    assert told["bench"]["ngram"]["8"]["docs_hit"] == 2
    assert told["data:test"]["rows_looked_at"] == 4


def test_a_benchmark_of_the_same_name_is_not_taken_for_the_dataset(workspace: Workspace, add_benchmark: Any) -> None:
    add_benchmark([{"question": "something that nobody has asked anywhere in any of these files"}], name="data")
    told = {one["benchmark"]: one for one in scanned(workspace, "data", "data:test", similar=False)}
    assert told["data"]["verdicts"] == {"no_evidence": 1}
    assert told["data:test"]["verdicts"] == {"exact": 1, "near_verbatim": 1, "no_evidence": 2}


def test_what_is_kept_of_one_split_is_not_taken_for_another(workspace: Workspace) -> None:
    (test,) = scanned(workspace, "data:test", similar=False)
    (train,) = scanned(workspace, "data:train", similar=False)
    (every,) = scanned(workspace, "data", similar=False)  # its items are numbered otherwise than those of a split
    assert test["verdicts"] == {"exact": 1, "near_verbatim": 1, "no_evidence": 2}
    assert train["verdicts"] != test["verdicts"]
    assert train["rows_looked_at"] == 4
    assert every["verdicts"] == {"exact": 8}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("data:tset", "Nearest: test"), ("dta:test", "Valid: data"), ("data:", "no benchmark 'data:'")],
)
def test_a_split_that_is_not_there(workspace: Workspace, wanted: str, said: str) -> None:
    with pytest.raises(Misuse) as caught:
        scanned(workspace, wanted)
    assert said in f"{caught.value} {caught.value.next_step}"
