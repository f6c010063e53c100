"""Recipes: strict YAML, faults with their line and the nearest valid name, overrides."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.recipes.recipe import _StrictLoader, read_recipe, to_yaml
from tilth.tools.errors import Misuse

GOOD = """\
recipe: 1
dataset: chats
sources:
  - {name: chats, paths: [chats.jsonl], license: CC-BY-4.0}
seed: 7
steps:
  - dedup.exact
  - filter.where: {keep: "line > 1", max_drop: 0.5}
expect: {rows: ">= 1", dropped.where: "<= 20%"}
export: {to: out, format: messages, split: {train: 0.9, test: 0.1}}
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text, *overrides):
        path = tmp_path / "r.yaml"
        path.write_text(text)
        return read_recipe(path, overrides)

    return read_text


def test_a_whole_recipe_is_read(read):
    model = read(GOOD).model
    assert [step.tool for step in model.steps] == ["dedup.exact", "filter.where"]
    assert (model.steps[1].max_drop, model.steps[1].args) == (0.5, {"keep": "line > 1"})
    assert model.export.split == {"train": 0.9, "test": 0.1}
    assert model.sources[0].license == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("dedup.exact", "dedup.exat"), "r.yaml:7: There is no tool 'dedup.exat'. Nearest: dedup.exact"),
        (("keep:", "keeep:"), "r.yaml:8: filter.where has no argument 'keeep'. Nearest: keep"),
        (("seed: 7", "sed: 7"), "r.yaml:5: sed: is not a key of this place. Nearest: seed"),
        (("license:", "licence:"), "r.yaml:4: sources.0.licence: is not a key of this place. Nearest: license"),
        (("recipe: 1", "recipe: 2"), "r.yaml:1: recipe"),
        (("seed: 7", "seed: 7\nseed: 8"), "r.yaml:6: the key 'seed' stands here twice"),
        (("[chats.jsonl]", "[chats.jsonl"), "r.yaml:"),
        (("- dedup.exact", "- [dedup.exact]"), "r.yaml:7: steps.0: a step is"),
    ],
)
def test_a_fault_is_told_with_its_line_and_the_nearest_name(read, change, told):
    with pytest.raises(Misuse) as error:
        read(GOOD.replace(*change))
    assert str(error.value).startswith(told)


def test_overrides_reach_keys_and_the_arguments_of_steps(read):
    model = read(GOOD, "seed=3", "filter.where.keep=line > 2", "export.to=other", "expect.rows=>= 5").model
    assert (model.seed, model.steps[1].args["keep"], model.export.to) == (3, "line > 2", "other")
    assert model.expect["rows"] == ">= 5"
    with pytest.raises(Misuse, match=r"has no step dedup\.near"):
        read(GOOD, "dedup.near.threshold=0.8")
    with pytest.raises(Misuse, match="key=value"):
        read(GOOD, "seed")


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("on", "on"), ("yes", "yes"), ("true", True), ("1e-3", 0.001), ("007", "007"), ("0o17", "0o17"),
     ("12:30:00", "12:30:00"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000"), ("~", None), (".5", 0.5)],
)  # fmt: skip
def test_only_true_and_false_are_booleans_and_nothing_is_a_date(text, value):
    assert yaml.load(f"x: {text}", Loader=_StrictLoader) == {"x": value}


numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.text(), numbers, st.booleans(), st.none())


@given(st.dictionaries(st.text(min_size=1), st.one_of(scalars, st.lists(scalars))))
def test_what_is_written_reads_back_the_same(value):
    assert yaml.load(to_yaml(value), Loader=_StrictLoader) == value
