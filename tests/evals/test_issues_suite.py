"""The suite: what is drawn from a seed, what an agent is shown, and how the baselines do."""

from __future__ import annotations

import ast
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tilth.evals.heuristics import issues as rules
from tilth.evals.issues.card import CARD
from tilth.evals.issues.data import KEY
from tilth.evals.issues.files import read
from tilth.evals.issues.plant import FAMILIES, HELD_OUT
from tilth.evals.suite import Instance, Score
from tilth.evals.suites.issues import SUITE

COUNT = 30


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", COUNT)


def scores(drawn: Sequence[Instance], name: str) -> list[Score]:
    made = [SUITE.known(name, one, random.Random(at)) for at, one in enumerate(drawn)]  # type: ignore[arg-type]
    return [SUITE.score(one, submission or {}) for one, submission in zip(drawn, made, strict=True)]


def mean(found: Sequence[Score]) -> float:
    values = [one.value for one in found if one.value is not None]
    return sum(values) / len(values)


def test_the_first_of_many_are_those_of_a_few(drawn: Sequence[Instance]) -> None:
    assert SUITE.draw("public", 7) == drawn[:7]
    assert SUITE.draw("another", 1)[0].files != drawn[0].files


def test_every_base_and_the_clean_ones_have_their_share(drawn: Sequence[Instance]) -> None:
    assert set(Counter(one.tags["base"] for one in drawn).values()) == {COUNT // 6}
    assert sum(one.tags["clean"] == "yes" for one in drawn) == COUNT // 5


def test_an_agent_is_not_told_what_families_there_are(drawn: Sequence[Instance]) -> None:
    told = drawn[0].task + json.dumps(drawn[0].submission)
    assert [name for name in FAMILIES if name in told] == []
    assert all("evidence" not in name for one in drawn for name in one.files)


def test_neither_position_nor_key_nor_id_tells_what_is_planted(drawn: Sequence[Instance]) -> None:
    """Relative places of planted rows in the file, and among sorted keys and ids, average to the middle."""
    places: dict[str, list[float]] = {"position": [], "key": [], "id": []}
    for one in drawn:
        for file in one.files:
            if file == CARD:
                continue
            rows = read(file, one.files[file])
            planted = {
                key for plant in one.truth["plants"] if plant["file"] == file for rs in plant["rows"] for key in rs
            }
            id_column = list(rows[0])[1]
            orders = {"position": rows}
            orders["key"] = sorted(rows, key=lambda row: row[KEY])
            orders["id"] = sorted(rows, key=lambda row: (row[id_column], row[KEY]))
            for how, order in orders.items():
                places[how] += [at / len(rows) for at, row in enumerate(order) if row[KEY] in planted]
    for how, found in places.items():
        middle, deviation = sum(found) / len(found), (1 / 12 / len(found)) ** 0.5
        assert abs(middle - 0.5) < 4 * deviation, how


def test_baselines_score_as_they_must(drawn: Sequence[Instance]) -> None:
    damaged = [one for one in drawn if one.tags["clean"] == "no"]
    assert {one.value for one in scores(damaged, "oracle")} == {1.0}
    assert {one.value for one in scores(damaged, "nothing")} == {0.0}
    assert mean(scores(damaged, "random")) < 0.1
    assert max(one.value or 0.0 for one in scores(damaged, "sprayer")) < 0.1


def test_clean_instances_are_scored_for_false_alarms_only(drawn: Sequence[Instance]) -> None:
    clean = [one for one in drawn if one.tags["clean"] == "yes"]
    for name, least, most in (("oracle", 0, 0), ("nothing", 0, 0), ("sprayer", 40, 50)):
        for one in scores(clean, name):
            assert one.value is None
            assert least <= one.metrics["false_alarms"] <= most


def test_base_data_are_free_of_what_is_planted(drawn: Sequence[Instance]) -> None:
    assert [one.truth["natural"] for one in drawn if one.truth["natural"]] == []


def test_a_look_alike_that_is_reported_is_a_false_alarm(drawn: Sequence[Instance]) -> None:
    for one in drawn[:6]:
        for _, file, rows in one.truth["decoys"]:
            finding = {"file": file, "unit": "row", "rows": list(rows), "why": "It looks odd."}
            score = SUITE.score(one, {"findings": [finding]})
            assert (score.metrics["false_alarms"], score.metrics["decoys_flagged"]) == (1, 1)


# --- The agent without a model ---


def found(one: Instance, folder: Path, *, loose: bool) -> Score:
    folder.mkdir()
    for name, content in one.files.items():
        (folder / name).write_bytes(content)
    return SUITE.score(one, rules.submission(folder, one.task, loose=loose))


def test_rules_of_thumb_lie_between_nothing_and_the_oracle(drawn: Sequence[Instance], tmp_path: Path) -> None:
    strict = [found(one, tmp_path / f"strict {one.id}", loose=False) for one in drawn[:15]]
    loose = [found(one, tmp_path / f"loose {one.id}", loose=True) for one in drawn[:15]]
    assert 0.4 < mean(strict) < 0.9
    assert 0.1 < mean(loose) < mean(strict)

    def pooled(kind: str, of: Sequence[Score]) -> float:
        pairs = [one.weights[kind] for one in of if kind in one.weights]
        return sum(part for part, _ in pairs) / sum(whole for _, whole in pairs)

    assert pooled("precision", loose) < pooled("precision", strict)
    assert pooled("recall", loose) >= pooled("recall", strict) - 0.05
    assert pooled("recall_rule", strict) > pooled("recall_judgement", strict)


def test_the_rules_know_nothing_of_the_generator() -> None:
    """Nor do those of the other suites: they import no module that makes or scores instances."""
    for path in sorted(Path(rules.__file__).parent.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        imported = {node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
        made = {"issues", "leaks", "probes", "sqlqa", "suites", "pools", "truth", "real"}
        assert not any(made & set(name.split(".")) for name in imported), path
        assert [name for name in HELD_OUT if name in source] == [], path


def test_an_empty_file_is_nothing_to_find(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("", encoding="utf-8")
    assert rules.inspect(tmp_path, "") == []
