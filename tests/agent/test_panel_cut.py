"""Where the cut comes from: controls that refuse lenient judges, calibrations that hold or are stale; and the pool."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.events import Noticed
from tilth.agent.panel import calibration, controls
from tilth.agent.panel.calibration import Calibration, Gold, Judged
from tilth.agent.panel.eligible import bench
from tilth.agent.panel.pool import Pool, signed
from tilth.tools.errors import Misuse, Refused
from tilth.tools.panel import Candidate, Policy
from tilth.tools.statistics import wilson

# -- controls --------------------------------------------------------------------------------------------------------


def real(number: int) -> Candidate:
    text = f"A sound answer, number {number}."
    return Candidate({"answer": text}, {"question": "What?", "answer": text}, text)


def spoiled(candidate: Candidate, rng: random.Random) -> Candidate | None:
    text = candidate.text.replace("sound", "spoiled")
    return Candidate({"answer": text}, {"question": "What?", "answer": text}, text)


def uncut(panelists: ModuleType, count: int = 20, **changes: Any) -> Any:
    plain = {"policy": Policy(), "controls": [real(i) for i in range(count)], "corrupted": spoiled}
    return panelists.job(20, **{**plain, **changes})


def judged_by(panelists: ModuleType, *verdicts: Any, **options: Any) -> tuple[Any, list[Any]]:
    judges = [panelists.judge(f"judge{i}", verdict) for i, verdict in enumerate(verdicts)]
    models = [panelists.writer(), *judges]
    roles = {"generator": ["writer"], "reviewer": [one.name for one in judges]}
    return panelists.panel(*models, roles=roles, **options), models


def test_controls_set_the_cut_and_say_so(panelists: ModuleType) -> None:
    heard: list[Any] = []
    sees = lambda answer: dict.fromkeys(("correct", "complete"), "spoiled" not in answer)  # noqa: E731
    half = lambda answer: {"correct": "spoiled" not in answer, "complete": True}  # noqa: E731
    panel, models = judged_by(panelists, sees, half, listener=heard.append)
    books = panel.run(uncut(panelists), lambda verdict: None)
    assert (books.cut, books.auc, books.cut_from) == (6.25, 1.0, "controls, optimistic")
    assert [one.text for one in heard if isinstance(one, Noticed)] == [
        "controls: AUC 1.00 on 20 real and 20 spoiled items; cut 6.25 (optimistic)"
    ]
    assert len(models[1].asked) == 40 + 20


def test_a_lenient_judge_is_refused_before_anything_else_is_spent(panelists: ModuleType) -> None:
    """Judges that call nearly everything good accept at the base rate, whatever the cut."""
    lenient = lambda answer: {"correct": True, "complete": panelists.chance("lenient", answer) < 0.9}  # noqa: E731
    panel, models = judged_by(panelists, lenient, lenient)
    with pytest.raises(Refused, match=r"cannot tell real from spoiled items \(AUC 0\.\d\d on 20 of each") as told:
        panel.run(uncut(panelists), lambda verdict: None)
    assert told.value.exit_code == 1
    assert models[0].asked == []


def test_unreadable_judges_are_refused(panelists: ModuleType) -> None:
    panel, models = judged_by(panelists, None)
    models[1].say = lambda messages, request: ("unparsable", "no JSON")
    with pytest.raises(Refused, match="no readable answer about 40 of 40 controls"):
        panel.run(uncut(panelists), lambda verdict: None)


def test_without_controls_a_cut_must_be_given(panelists: ModuleType) -> None:
    kind = lambda answer: {"correct": True, "complete": True}  # noqa: E731
    for work in (uncut(panelists, 7), uncut(panelists, corrupted=lambda candidate, rng: None), uncut(panelists, 0)):
        panel, models = judged_by(panelists, kind)
        with pytest.raises(Misuse, match="Nothing says where to cut"):
            panel.run(work, lambda verdict: None)
        assert models[1].asked == []


SCORES = st.lists(st.integers(0, 6).map(lambda met: round(10 * met / 6, 9)), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_auc_and_cut_against_all_pairs_and_all_cuts(good: list[float], bad: list[float]) -> None:
    pairs = [(a > b) + (a == b) / 2 for a in good for b in bad]
    assert controls.auc(good, bad) == pytest.approx(sum(pairs) / len(pairs))

    def gain(cut: float) -> float:
        return sum(a >= cut for a in good) / len(good) - sum(b >= cut for b in bad) / len(bad)

    found = controls.cut_between(good, bad)
    assert gain(found) == pytest.approx(max(gain(cut) for cut in {*good, *bad}))


# -- calibration -----------------------------------------------------------------------------------------------------


def gold(panelists: ModuleType, count: int, good: float = 0.5) -> list[Gold]:
    return [Gold(real(i), panelists.chance("good", real(i).text) < good) for i in range(count)]


def test_a_calibration_meets_its_precision_and_sets_the_cut(panelists: ModuleType) -> None:
    heard: list[Any] = []
    found = panelists.panel(*panelists.cast(error=0.1)).calibrate(panelists.job(), gold(panelists, 240, 0.6))
    least, _ = wilson(round(found.precision * found.accepted), found.accepted, 1.645)
    assert found.least == least >= 0.9
    assert found.recall > 0.6
    assert found.correlation is not None
    assert 2.0 < found.worth <= 3.0
    kept = Calibration.from_json(json.loads(json.dumps(found.to_json())))
    assert kept == found
    panel = panelists.panel(*panelists.cast(error=0.1), calibrations=[kept], listener=heard.append)
    books = panel.run(panelists.job(20, policy=Policy()), lambda verdict: None)
    assert (books.cut, books.cut_from) == (found.cut, "calibration on 240 gold rows")
    assert any("at a precision of at least 0.9" in one.text for one in heard if isinstance(one, Noticed))


def test_the_lowest_cut_that_meets_the_precision_is_taken(panelists: ModuleType) -> None:
    rows = [Judged(score >= 6, {"a": float(score)}) for score in range(11) for _ in range(30)]
    one = bench({"generator": ["g"], "reviewer": ["a"]}, Policy(), drafts=True)
    assert calibration.fit(panelists.job(), one, rows).cut == 5.5
    looser = calibration.fit(panelists.job(), one, rows, target=0.75)
    assert looser.cut == 4.5
    assert looser.recall == 1.0


def test_too_few_gold_rows_and_unreachable_targets_are_said(panelists: ModuleType) -> None:
    panel = panelists.panel(*panelists.cast())
    with pytest.raises(Refused, match=r"29 gold rows cannot calibrate plain@1; 30 are the least, about 200"):
        panel.calibrate(panelists.job(), gold(panelists, 29))
    with pytest.raises(Refused, match=r"No cut reaches a precision of 0\.99 on 60 gold rows"):
        panel.calibrate(panelists.job(), gold(panelists, 60), target=0.99)
    sure = panelists.panel(*panelists.cast(error=0.0)).calibrate(panelists.job(), gold(panelists, 100, 0.6))
    assert "100 gold rows are few" in sure.line()


def test_a_calibration_of_something_else_is_stale(panelists: ModuleType) -> None:
    made = panelists.panel(*panelists.cast(error=0.1)).calibrate(panelists.job(), gold(panelists, 240, 0.6))
    work, all_four = panelists.job(), bench(panelists.ROLES, Policy(), drafts=True)
    assert made.stale(work, all_four) == []
    assert made.stale(panelists.job(batch=8), all_four) == ["batch"]
    two = bench({**panelists.ROLES, "reviewer": ["anna", "ben"]}, Policy(), drafts=True)
    sharper = panelists.job(rubric=type(work.rubric)("answers", "Judge.", "f" * 16, work.rubric.criteria))
    assert made.stale(work, two) == ["models", "policy"]
    assert made.stale(sharper, all_four) == ["rubric"]
    assert made.stale(panelists.job(policy=Policy(band=1.0)), all_four) == ["policy"]
    heard: list[Any] = []
    panel = panelists.panel(*panelists.cast(error=0.1), calibrations=[made], listener=heard.append)
    changed = panelists.job(5, policy=Policy(band=1.0), controls=[real(i) for i in range(20)], corrupted=spoiled)
    with pytest.raises(Refused):  # the cast's errors know nothing of what is spoiled
        panel.run(changed, lambda verdict: None)
    assert any("is stale: policy changed since" in one.text for one in heard if isinstance(one, Noticed))


def correlated(rho: float, count: int = 4_000) -> list[Judged]:
    """Three reviewers' scores with errors that correlate by rho."""
    draw = random.Random(1)
    rows = []
    for _ in range(count):
        shared = draw.gauss(0, 1)
        errors = [math.sqrt(rho) * shared + math.sqrt(1 - rho) * draw.gauss(0, 1) for _ in range(3)]
        rows.append(Judged(True, {name: 10 + error for name, error in zip("abc", errors, strict=True)}))
    return rows


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.7, 0.95])
def test_the_correlation_of_errors_is_found(rho: float) -> None:
    assert calibration.error_correlation(correlated(rho)) == pytest.approx(rho, abs=0.03)


def test_correlated_reviewers_are_worth_fewer() -> None:
    assert calibration.effective(5, 0.7) == pytest.approx(1.32, abs=0.01)
    assert calibration.effective(5, 0.0) == calibration.effective(5, None) == calibration.effective(5, -0.2) == 5
    assert calibration.effective(3, 1.0) == 1
    assert calibration.error_correlation([Judged(True, {"a": 10.0, "b": 10.0})] * 5) is None


def test_what_is_no_calibration_is_told() -> None:
    with pytest.raises(Misuse, match="no calibration"):
        Calibration.from_json({"cut": 7})


# -- the pool --------------------------------------------------------------------------------------------------------


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def brute_force(texts: Sequence[str], text: str, threshold: float) -> float | None:
    """The largest similarity at or above the threshold; texts without a shingle are compared by their words."""
    ours, best = shingles(text), 0.0
    for other in texts:
        theirs = shingles(other)
        if not ours or not theirs:
            same = re.findall(r"\w+", text.lower()) == re.findall(r"\w+", other.lower())
            best = max(best, float(same and not ours and not theirs))
        else:
            best = max(best, len(ours & theirs) / len(ours | theirs))
    return best if best >= threshold and best > 0 else None


TEXTS = st.lists(st.lists(st.sampled_from("abcd"), max_size=12).map(" ".join), min_size=1, max_size=12)


@given(TEXTS, st.sampled_from([0.3, 0.5, 0.7, 0.8, 1.0]), st.integers(0, 12), st.integers(0, 3))
def test_the_pool_finds_what_brute_force_finds(texts: list[str], threshold: float, before: int, seeds: int) -> None:
    pool = Pool(threshold, texts[:seeds])
    for i, text in enumerate(texts[seeds:]):
        pool.add(signed(text), 2 * i)
    *_, text = texts
    everything = pool.nearest(signed(text))
    assert everything is not None and everything.jaccard == 1.0
    earlier = [*texts[:seeds], *texts[seeds : seeds + (before + 1) // 2]]
    near = pool.nearest(signed(text), before=before)
    assert (near and near.jaccard) == brute_force(earlier, text, threshold)


def test_a_merged_pool_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(3)
    texts = [" ".join(draw.choices("abcdefgh", k=draw.randrange(3, 40))) for _ in range(400)]
    for text in texts[200:300]:
        texts.append(text + " and one more")
    asked = [signed(text) for text in texts]

    def answers(recent: int) -> list[Any]:
        monkeypatch.setattr("tilth.agent.panel.pool.RECENT", recent)
        pool, found = Pool(0.7), []
        for i, text in enumerate(asked):
            found.append((pool.nearest(text), pool.nearest(text, before=i - 50)))
            pool.add(text, i)
        return found

    often = answers(100)
    assert often == answers(1 << 20)
    assert sum(near is not None for near, _ in often) == 76


def test_seeds_are_seen_from_the_first_task_on() -> None:
    pool = Pool(0.7, ["one two three four five six seven"])
    near = pool.nearest(signed("One two three four five six seven!"), before=-250)
    assert near is not None
    assert (near.seed, near.number, near.jaccard) == (True, 0, 1.0)


def test_an_empty_pool_and_a_text_without_words() -> None:
    assert Pool(0.7).nearest(signed("")) is None
    assert Pool(0.7, ["", "..."]).nearest(signed("!")) is not None
    wordless: Mapping[str, str] = {"a": "!"}
    assert Pool(0.7, ["some words"]).nearest(signed(wordless["a"])) is None
