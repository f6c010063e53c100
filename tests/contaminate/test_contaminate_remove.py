"""contaminate.remove: flagged rows go with the scan's reasons, a second scan finds none, and undo brings them back."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.contaminate._finding.scanned import excerpt
from tilth.tools.errors import Misuse

ITEMS = [{"question": " ".join(f"item{i}word{j}" for j in range(20)), "answer": str(i)} for i in range(4)]
ROWS = [
    "nothing of the kind",
    f"{ITEMS[0]['question']}",
    f"before {ITEMS[1]['question']} after",
    " ".join(ITEMS[2]["question"].split()[:9]),
    "nothing either",
]


@pytest.fixture
def workspace(make_rows: Any, add_benchmark: Any, tmp_path: Any) -> Any:
    add_benchmark(ITEMS)
    make_rows([{"text": row} for row in ROWS])
    with Workspace(tmp_path) as opened:
        yield opened


def scanned(workspace: Workspace) -> dict[str, int]:
    done = workspace.do("contaminate.scan", "data", benchmarks=["bench"])
    verdicts: dict[str, int] = done.details["benchmarks"][0]["verdicts"]
    return verdicts


def test_rows_go_and_a_second_scan_shows_none(workspace: Workspace) -> None:
    assert scanned(workspace) == {"exact": 1, "near_verbatim": 1, "partial": 1, "no_evidence": 1}
    done = workspace.do("contaminate.remove", "data")
    assert done.result["dropped"] == {"exact": 1, "near_verbatim": 1}
    assert scanned(workspace) == {"partial": 1, "no_evidence": 3}
    again = workspace.do("contaminate.remove", "data", verdicts=["partial"])
    assert again.result["dropped"] == {"partial": 1}
    assert scanned(workspace) == {"no_evidence": 4}


def test_a_drop_tells_its_evidence_and_is_undone(workspace: Workspace) -> None:
    before = workspace.rows("data").vid
    scanned(workspace)
    workspace.do("contaminate.remove", "data")
    (line,) = workspace.sql("data", "select reason, evidence from dropped where line = 2").to_pylist()
    assert line["reason"] == "exact"
    assert '"item_end"' in line["evidence"]
    assert workspace.undo("data") == before


def test_why_tells_what_a_scan_flagged(workspace: Workspace) -> None:
    scanned(workspace)
    (said,) = workspace.why("data.jsonl:3", dataset="data").decisions
    assert (said.action, said.reason, said.evidence["benchmark"]) == ("flag", "near_verbatim", "bench")


def test_a_row_ruled_to_keep_stays(workspace: Workspace) -> None:
    workspace.keep("data.jsonl:2", because="it is ours", dataset="data")
    scanned(workspace)
    assert workspace.do("contaminate.remove", "data").result["dropped"] == {"near_verbatim": 1}


def test_another_scan_of_the_same_version_is_another_step(workspace: Workspace, add_benchmark: Any) -> None:
    scanned(workspace)
    workspace.do("contaminate.remove", "data")
    workspace.undo("data")
    add_benchmark([{"question": ROWS[4] + " of the many other things"}], name="second")
    workspace.do("contaminate.scan", "data", benchmarks=["second"])
    assert workspace.do("contaminate.remove", "data").result["dropped"] == {}


def test_only_some_benchmarks(workspace: Workspace, add_benchmark: Any) -> None:
    add_benchmark(ITEMS[:1], name="first")
    workspace.do("contaminate.scan", "data", benchmarks=["bench", "first"])
    assert workspace.do("contaminate.remove", "data", benchmarks=["first"]).result["dropped"] == {"exact": 1}
    with pytest.raises(Misuse, match="did not look for 'third'"):
        workspace.do("contaminate.remove", "data", benchmarks=["third"])


def test_a_row_edited_since_the_scan_stays(workspace: Workspace, make_rows: Any) -> None:
    make_rows([{"text": ROWS[1] + " cafe\u0301"}, {"text": ROWS[2]}], name="edited")
    workspace.do("contaminate.scan", "edited", benchmarks=["bench"])
    workspace.do("clean.unicode", "edited")
    done = workspace.do("contaminate.remove", "edited")
    assert done.result["dropped"] == {"near_verbatim": 1}
    facts = workspace.sql("edited", "select id, value from facts where id = 'contaminate.remove.edited_since'")
    assert facts.to_pylist() == [{"id": "contaminate.remove.edited_since", "value": "1"}]


def test_without_a_scan_it_says_so(workspace: Workspace) -> None:
    with pytest.raises(Misuse, match="has not been scanned") as refused:
        workspace.do("contaminate.remove", "data")
    assert "contaminate.scan data --benchmarks" in str(refused.value)


def left(workspace: Workspace) -> tuple[dict[str, str], list[tuple[str, int]]]:
    facts = workspace.sql("data", "select id, value from facts where id like 'contaminate.remove.%'").to_pylist()
    found = workspace.sql("data", "select code, count from findings where code = 'contaminate.left'").to_pylist()
    return {one["id"].rpartition(".")[2]: one["value"] for one in facts}, [(one["code"], one["count"]) for one in found]


def test_the_rows_that_stay_are_looked_through_again(workspace: Workspace) -> None:
    scanned(workspace)
    workspace.do("contaminate.remove", "data")
    assert left(workspace) == ({"rows": "2", "edited_since": "0", "left": "0"}, [])


def test_an_item_that_a_person_wants_to_keep_is_said_to_be_left(workspace: Workspace) -> None:
    workspace.keep("data.jsonl:2", because="it is ours", dataset="data")
    scanned(workspace)
    workspace.do("contaminate.remove", "data")
    facts, found = left(workspace)
    assert facts["left"] == "1"
    assert found == [("contaminate.left", 1)]


def test_items_may_be_left_out_of_the_evaluation_instead(workspace: Workspace) -> None:
    scanned(workspace)
    (told,) = workspace.excluded(workspace.last_scan("data"), ["exact", "near_verbatim"])
    assert (told["benchmark"], told["exclude"], told["items"], told["stay"]) == ("bench", ["0", "1"], 4, 2)
    assert told["verdicts"] == {"exact": ["0"], "near_verbatim": ["1"]}
    (told,) = workspace.excluded(workspace.last_scan("data"), ["partial"])
    assert told["exclude"] == ["2"]


def test_evidence_is_shown_with_the_texts_it_points_at(workspace: Workspace) -> None:
    scanned(workspace)
    first, second, third = workspace.contamination(workspace.last_scan("data"))
    assert [one.verdict for one in (first, second, third)] == ["exact", "near_verbatim", "partial"]
    for one in (first, second, third):
        ours, theirs = ([side.text[start:end] for start, end in side.marks] for side in (one.row_text, one.item_text))
        assert ours == theirs
        assert all(ours)
    assert second.row_text.text.startswith("before ")
    assert second.source == "data"


@pytest.mark.parametrize("length", [0, 500, 5_000])
def test_an_excerpt_holds_the_marks_that_fit(length: int) -> None:
    text = "a" * length + "HERE" + "b" * length
    found = excerpt(text, [(length, length + 3), (length + 2, length + 4)])
    assert [found.text[start:end] for start, end in found.marks] == ["HERE"]
    assert found.cut == (length > 120, length > 120)
    assert len(excerpt(text, []).text) <= 700
    long = excerpt("x" * 10_000, [(200, 9_000)])
    assert (len(long.text), long.cut) == (700, (True, True))
