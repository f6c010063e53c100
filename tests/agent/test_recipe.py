"""Recipes: strict YAML, faults with their line and the nearest valid name, overrides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.recipes.form import READ_KEYS, ExportSpec, RecipeModel, SourceSpec, keys_of
from tilth.agent.recipes.recipe import _StrictLoader, read_recipe, to_yaml
from tilth.tools import tool as registry
from tilth.tools.errors import Misuse
from tilth.tools.store.ingest import ReadOptions

REPO = Path(__file__).parents[2]
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
        (("license:", "licence:"), "r.yaml:4: sources.1.licence: is not a key of this place. Nearest: license"),
        (("recipe: 1", "recipe: 2"), "r.yaml:1: recipe"),
        (("seed: 7", "seed: 7\nseed: 8"), "r.yaml:6: the key 'seed' stands here twice"),
        (("[chats.jsonl]", "[chats.jsonl"), "r.yaml:"),
        (("- dedup.exact", "- [dedup.exact]"), "r.yaml:7: steps.1: a step is"),
        (("to: out", "dir: out"), "r.yaml:10: export.dir: is not a key of this place. Valid: for, format, "),
        (("to: out", "dir: out"), "As in: export: {to: exports/tickets}"),
        (("to: out, ", ""), "r.yaml:10: export.to: is missing. As in: to: exports/tickets"),
        (("recipe: 1\n", ""), "r.yaml:1: recipe: is missing. As in: recipe: 1"),
        (("dropped.where", "dropped.were"), "r.yaml:9: expect: dropped.were: no step of this recipe drops a row for "),
        (("dropped.where", "dropped.were"), "Nearest: where"),
        (("rows:", "row:"), "r.yaml:9: expect: there is no number 'row'. Nearest: rows"),
        (("rows:", "made.more:"), "r.yaml:9: expect: made.more: no step makes 'more'"),
        ((">= 1", "some"), "r.yaml:9: expect: rows: 'some' is no condition"),
    ],
)
def test_a_fault_is_told_with_its_line_and_the_nearest_name(read, change, told):
    with pytest.raises(Misuse) as error:
        read(GOOD.replace(*change))
    assert told in str(error.value)


def test_overrides_reach_keys_and_the_arguments_of_steps(read):
    model = read(GOOD, "seed=3", "filter.where.keep=line > 2", "export.to=other", "expect.rows=>= 5").model
    assert (model.seed, model.steps[1].args["keep"], model.export.to) == (3, "line > 2", "other")
    assert model.expect["rows"] == ">= 5"
    model = read(GOOD, "steps.2.filter.where.drop=line < 3", "steps.2.keep=~", "sources.1.split=train").model
    assert model.steps[1].args == {"keep": None, "drop": "line < 3"} and model.steps[1].max_drop == 0.5
    assert model.sources[0].split == "train"
    assert read(GOOD, "expect.dropped.where=0").model.expect["dropped.where"] == 0
    with pytest.raises(Misuse, match=r"step 1 is dedup\.exact. .* write steps\.2\.filter\.where\.keep"):
        read(GOOD, "steps.1.filter.where.keep=x")
    with pytest.raises(Misuse, match=r"no number 3. There are 2, numbered from 1"):
        read(GOOD, "steps.3.max_drop=0.1")
    with pytest.raises(Misuse, match=r"names no argument of a step. Write steps\.2\.filter\.rules\.max_looped"):
        read(GOOD, "steps.filter.where=3")
    with pytest.raises(Misuse, match=r"filter\.where has no argument 'kep'. Nearest: keep"):
        read(GOOD, "steps.2.filter.where.kep=x")
    with pytest.raises(Misuse, match=r"'seed' holds no 'of'. Keys of a recipe: recipe, dataset, sources"):
        read(GOOD, "seed.of=3")
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


@pytest.mark.parametrize("model", [RecipeModel, SourceSpec, ExportSpec])
def test_every_key_is_explained_by_a_line_that_is_read(model):
    for name, field in keys_of(model):
        assert field.description, name
        (example,) = field.examples
        read = yaml.load(example, Loader=_StrictLoader)
        assert list(read) == [name]
        needed = {other: yaml.load(one.examples[0], Loader=_StrictLoader)[other]
                  for other, one in keys_of(model) if one.is_required()}  # fmt: skip
        model.model_validate({**needed, **read})


def test_every_option_of_reading_is_explained_by_a_line_that_is_read():
    assert list(READ_KEYS) == list(ReadOptions.__dataclass_fields__)
    for name, (_, example) in READ_KEYS.items():
        read = yaml.load(example, Loader=_StrictLoader)
        assert list(read) == [name]
        ReadOptions.from_args(read)


def test_the_recipe_and_the_overrides_of_the_page_are_read(read):
    page = (REPO / "docs" / "recipes.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    overrides = ["seed=3", "export.to=out", "expect.rows=>= 10", "sources.1.split=train", "filter.rules.max_looped=0.3",
                 "steps.3.filter.rules.max_looped=0.3"]  # fmt: skip
    assert all(one.replace(">= 10", '">= 10"') in page for one in overrides)
    model = read(block, *overrides).model
    assert [step.tool for step in model.steps][1:] == ["clean.unicode", "filter.rules", "dedup.near"]
    assert model.steps[2].args["max_looped"] == 0.3 and model.steps[3].max_drop == 0.2


def test_what_a_tool_of_ones_own_drops_for_may_be_expected(read, tmp_path):
    (tmp_path / "mine.py").write_text(
        'import tilth\n@tilth.filter\ndef shouts(row):\n    """Drop what shouts."""\n    return None\n'
    )
    registry.load(tmp_path / "mine.py")
    mine = GOOD.replace("dedup.exact", "my.shouts").replace("dropped.where", "dropped.loud")
    assert read(mine).model.expect["dropped.loud"] == "<= 20%"


numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.text(), numbers, st.booleans(), st.none())


@given(st.dictionaries(st.text(min_size=1), st.one_of(scalars, st.lists(scalars))))
def test_what_is_written_reads_back_the_same(value):
    assert yaml.load(to_yaml(value), Loader=_StrictLoader) == value
