"""What was planted against what a run decided."""

from __future__ import annotations

import pytest

from tilth.evals.planted import DECOYS, KINDS, Cluster, Outcome, PlantedChat, Truth, generate, score
from tilth.evals.planted.truth import (
    DUPLICATES,
)


@pytest.fixture(scope="module")
def chat() -> PlantedChat:
    return generate()


def perfect(truth: Truth) -> dict[int, list[Outcome]]:
    """What a run without fault decides: each line edited, flagged and dropped for what it bears."""
    told: dict[int, list[Outcome]] = {}
    for line, kinds in truth.kinds.items():
        for kind in sorted(kinds.difference(DUPLICATES)):
            expected = KINDS[kind]
            action = "flag" if expected.signal else "edit" if expected.tool == "clean.unicode" else "drop"
            told.setdefault(line, []).append((expected.tool, action, expected.reason))
    for cluster in truth.clusters:
        for line in cluster.lines[1:]:
            told.setdefault(line, []).append((KINDS[cluster.kind].tool, "drop", KINDS[cluster.kind].reason))
    return told


def test_a_perfect_run_scores_one_everywhere(chat: PlantedChat) -> None:
    scores = score(chat.truth, perfect(chat.truth))
    assert [s.kind for s in scores] == [*KINDS, *DECOYS]
    assert all(s.false_alarms == 0 for s in scores)
    assert all(s.recall == 1.0 and s.planted for s in scores if not s.decoy)
    assert all(s.planted and not s.found for s in scores if s.decoy)


def test_a_run_that_does_nothing_finds_nothing(chat: PlantedChat) -> None:
    scores = score(chat.truth, {})
    assert {(s.found, s.false_alarms, s.masked) for s in scores} == {(0, 0, 0)}


def test_a_run_that_drops_everything_is_all_false_alarms(chat: PlantedChat) -> None:
    told = {n: [("dedup.near", "drop", "near_duplicate")] for n in range(1, 5001)}
    by_kind = {s.kind: s for s in score(chat.truth, told)}
    redundant = sum(len(c.lines) - 1 for c in chat.truth.clusters)
    assert by_kind["near_duplicate"].recall == 1.0
    assert by_kind["near_duplicate"].false_alarms == 5000 - redundant
    assert by_kind["near_miss"].false_alarms == by_kind["near_miss"].planted
    assert by_kind["markup_leak"].found == 0


def one(truth: Truth, told: dict[int, list[Outcome]], kind: str) -> tuple[int, int, int, int]:
    found = next(s for s in score(truth, told) if s.kind == kind)
    return (found.planted, found.found, found.masked, found.false_alarms)


def bearing(**kinds: str) -> Truth:
    """Lines 1, 2, … with these kinds; `decoy` in the name of a line makes a decoy of it."""
    rows = list(enumerate(kinds.items(), 1))
    return Truth(
        {n: frozenset(kind.split()) for n, (name, kind) in rows if not name.startswith("decoy")},
        {n: frozenset(kind.split()) for n, (name, kind) in rows if name.startswith("decoy")},
        (),
        (),
    )


def test_a_row_dropped_for_another_of_its_defects_is_masked() -> None:
    truth = bearing(both="zero_width role_order")
    told: dict[int, list[Outcome]] = {1: [("filter.chat", "drop", "role_order")]}
    assert one(truth, told, "role_order") == (1, 1, 0, 0)
    assert one(truth, told, "zero_width") == (1, 0, 1, 0)


def test_a_step_gives_one_reason_for_all_it_found_in_a_row() -> None:
    truth = bearing(both="empty_turn role_order")
    told: dict[int, list[Outcome]] = {1: [("filter.chat", "drop", "role_order")]}
    assert one(truth, told, "empty_turn") == (1, 1, 0, 0)


def test_the_wrong_reason_finds_nothing_and_is_no_false_alarm() -> None:
    truth = bearing(row="markup_leak")
    told: dict[int, list[Outcome]] = {1: [("filter.rules", "drop", "repeated_ngrams")]}
    assert one(truth, told, "markup_leak") == (1, 0, 0, 0)
    assert one(truth, told, "repeated_ngrams") == (0, 0, 0, 0)


def test_an_empty_answer_may_be_found_as_an_empty_turn() -> None:
    told: dict[int, list[Outcome]] = {1: [("filter.chat", "drop", "empty_turn")]}
    assert one(bearing(row="empty_response"), told, "empty_response") == (1, 1, 0, 0)


def test_a_signal_is_found_when_flagged_and_a_false_alarm_when_dropped() -> None:
    truth = bearing(row="refusal")
    assert one(truth, {1: [("filter.rules", "flag", "refusal")]}, "refusal") == (1, 1, 0, 0)
    assert one(truth, {1: [("filter.rules", "drop", "refusal")]}, "refusal") == (1, 0, 0, 1)
    assert one(truth, {2: [("filter.rules", "flag", "refusal")]}, "refusal") == (1, 0, 0, 1)


def test_an_alarm_nobody_planted_anything_for_is_listed_under_its_own_name() -> None:
    scores = score(bearing(), {4: [("clean.unicode", "edit", "line_endings")]})
    assert [(s.kind, s.expected_step, s.false_alarms) for s in scores if s.false_alarms] == [
        ("line_endings", "clean.unicode", 1)
    ]


def test_a_decoy_taken_for_what_it_seems_is_counted_for_both() -> None:
    truth = bearing(decoy="quoted_markup")
    told: dict[int, list[Outcome]] = {1: [("filter.rules", "drop", "markup_leak")]}
    assert one(truth, told, "markup_leak") == (0, 0, 0, 1)
    assert one(truth, told, "quoted_markup") == (1, 0, 0, 1)


def test_dropping_the_last_of_a_cluster_is_a_false_alarm() -> None:
    cluster = Cluster("near_duplicate", (2, 5, 9), 0.8)
    truth = Truth({n: frozenset({"near_duplicate"}) for n in cluster.lines}, {}, (cluster,), ())
    drop: list[Outcome] = [("dedup.near", "drop", "near_duplicate")]
    assert one(truth, {5: drop}, "near_duplicate") == (2, 1, 0, 0)
    assert one(truth, {5: drop, 2: [("filter.rules", "drop", "markup_leak")]}, "near_duplicate") == (
        2,
        2,
        0,
        0,
    )
    assert one(truth, {2: drop, 5: drop, 9: drop}, "near_duplicate") == (2, 2, 0, 1)
