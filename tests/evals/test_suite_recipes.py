"""The suite recipes: what curation is worth to a learner, signed, and what a recipe of a stranger may not do."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals import registry
from tilth.evals.agents.recipe import FromFile
from tilth.evals.proxies.naive_bayes import accuracy, tokens, train
from tilth.evals.proxies.pools import PROXIES, pool
from tilth.evals.suite import Instance, Score
from tilth.evals.suites.recipes import POOL, SUITE, recipe
from tilth.tools.errors import Misuse

HEAD = f"recipe: 1\ndataset: pool\nsources: [{{name: pool, paths: [{POOL}]}}]\nmax_reject: 0.05\nsteps:\n"
PAIRS = "from rows a join rows b on a.text = b.text and a.annotator <> b.annotator"
SHARE = "avg((a.label = b.label)::int)"
AGREEING = f"annotator in (select a.annotator {PAIRS} group by 1 having {SHARE} > (select {SHARE} {PAIRS}))"
"""Annotators who agree with the others more than is usual."""
SOUND = {
    "labels": f'{HEAD}  - filter.where: {{keep: "{AGREEING}"}}\n',
    "selection": f"{HEAD}  - dedup.exact: {{field: text}}\n",
    "chat": f"{HEAD}  - filter.chat\n  - filter.rules: {{profile: sft}}\n  - dedup.exact\n  - dedup.near: {{threshold: 0.7}}\n",
}


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 3)


def scored(one: Instance, name: Any) -> Score:
    return SUITE.score(one, SUITE.known(name, one, random.Random(5)) or {})


def test_baselines_score_as_they_must_and_harm_is_below_nothing(drawn: Sequence[Instance]) -> None:
    for one in drawn:
        assert scored(one, "oracle").value == 1.0
        nothing, sprayed, guessed = (scored(one, name).value or 0.0 for name in ("nothing", "sprayer", "random"))
        if one.tags["kind"] == "chat":
            assert 0 <= nothing < 0.2  # lines that are no JSON are left out by any import
            assert abs(sprayed) < 0.1
        else:
            assert nothing == 0.0
            assert sprayed < -0.5
        assert guessed < 0.5


def test_a_sound_recipe_gains(drawn: Sequence[Instance]) -> None:
    for kind, text in SOUND.items():
        values = [SUITE.score(one, {"recipes": [text]}).value or 0.0 for one in drawn if one.tags["kind"] == kind]
        assert sum(values) / len(values) > 0.05, kind


def test_the_first_hold_out_chooses_and_the_second_scores(drawn: Sequence[Instance]) -> None:
    one = next(one for one in drawn if one.tags["kind"] == "labels")
    texts = [recipe(range(1, 4)), SOUND["labels"], recipe(None)]
    score = SUITE.score(one, {"recipes": texts})
    alone = SUITE.score(one, {"recipes": texts[1:2]})
    assert score.value == alone.value
    assert [x for x, _ in score.curve] == [1, 2, 3]
    assert [y for _, y in score.curve] == sorted(y for _, y in score.curve)
    assert score.metrics["feedback_gap"] == pytest.approx(score.metrics["recovery_feedback"] - (score.value or 0.0))


def test_a_recipe_that_fails_beside_others_is_told(drawn: Sequence[Instance]) -> None:
    one = drawn[0]
    broken = f"{HEAD}  - filter.wear\n"
    score = SUITE.score(one, {"recipes": [broken, recipe(None)]})
    assert "filter.wear" in score.notes[0]
    with pytest.raises(Misuse, match=r"filter\.wear"):
        SUITE.score(one, {"recipes": [broken]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD.replace(POOL, "/etc/passwd") + "  []", "one source"),
        (HEAD.replace(f"[{POOL}]", f"[{POOL}, ../../x]") + "  []", "one source"),
        (HEAD.replace(POOL, "https://example.org/x.jsonl") + "  []", "one source"),
        (HEAD + "  - dedup.exact\nexport: {to: /tmp/out}\n", "neither"),
        (HEAD + "  - synthesize.rows: {strategy: expand, n: 3, into: more}\n", "only reads and writes"),
        (HEAD + "  - contaminate.scan: {benchmarks: [/etc/passwd]}\n", "may not be given"),
        (HEAD + "  - filter.where: {keep: \"exists (select 1 from read_csv('/etc/passwd'))\"}\n", "refused|failed"),
        (HEAD + "  - dedup.exact\n" * 21, "21 steps"),
        ("x" * 50_000, "characters"),
        ("recipe: 2", "recipe"),
    ],
)
def test_what_a_strangers_recipe_may_not_do(drawn: Sequence[Instance], text: str, says: str) -> None:
    with pytest.raises(Misuse, match=says):
        SUITE.score(drawn[0], {"recipes": [text]})


@pytest.mark.parametrize(
    "submission", [{}, {"recipes": "x"}, {"recipes": []}, {"recipes": ["x"] * 4}, {"recipes": [3]}]
)
def test_what_is_no_submission_is_refused(drawn: Sequence[Instance], submission: Any) -> None:
    with pytest.raises(Misuse):
        SUITE.score(drawn[0], submission)


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_pool_leaves_room_and_shares_nothing_with_its_hold_outs(proxy: Any) -> None:
    made = pool("a seed", proxy)
    assert made.oracle > made.dirty + 0.05
    assert 0.1 < len(made.good) / len(made.rows) < 0.9
    shown = {row["text"] for row in made.rows}
    held_out = [text for part in (made.first, made.second) for text, _ in part]
    assert sum(text in shown for text in held_out) <= 2
    assert "good" not in json.dumps(made.rows[:1])


async def test_a_file_is_an_agent(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SOUND["chat"])
    setting = registry.Setting(SUITE, {}, "", Path(), Path())
    made = registry.agent(registry.Choice(f"recipe:{path}"), setting)
    assert isinstance(made, FromFile)
    assert (await made.run(None)).value == {"recipes": [SOUND["chat"]]}  # type: ignore[arg-type]
    for spec in ("recipe", "recipe:/nowhere.yaml"):
        with pytest.raises(Misuse):
            registry.agent(registry.Choice(spec), setting)


def test_the_worked_recipes_of_the_docs_gain_on_every_kind(tmp_path: Path, tilth: Callable[..., Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "evals.md").read_text(encoding="utf-8")
    texts = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    files = [tmp_path / name for name in ("table.yaml", "chat.yaml")]
    for path, text in zip(files, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    spec = f"curate=recipe:{','.join(map(str, files))}"
    code, told = tilth("run", "recipes", "--agent", spec, "-n", "3")
    (curate,) = told["agents"]
    assert (code, curate["ended"]) == (0, {"answered": 3})
    values = {kind: found["value"] for kind, found in curate["groups"]["kind"].items()}
    assert sorted(values) == sorted(SOUND)
    assert min(values.values()) > 0.05


# --- the learner ---

EXAMPLES = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdef"), max_size=5).map(" ".join), st.sampled_from(["x", "y", "z"])),
    min_size=1,
    max_size=12,
)


@given(EXAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_examples_teaches_nothing(examples: list[tuple[str, str]], rng: random.Random) -> None:
    mixed = rng.sample(examples, len(examples))
    assert train(mixed) == train(examples)
    assert accuracy(mixed, examples) == accuracy(examples, examples)


@given(EXAMPLES)
def test_weights_are_those_of_the_paper(examples: list[tuple[str, str]]) -> None:
    learned = train(examples)
    words = {word for text, _ in examples for word in tokens(text)}
    for label, weights in learned.weights.items():
        others = [word for text, other in examples if other != label for word in tokens(text)]
        for word in words:
            share = (others.count(word) + 1) / (len(others) + len(words))
            assert weights[word] == pytest.approx(-math.log(share))


def test_nothing_learned_is_nothing_known() -> None:
    assert accuracy([], [("a", "x")]) == 0.0
