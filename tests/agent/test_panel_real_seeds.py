"""The panel over real seeds: instructions, intents and seed tasks, with one model, two and five, through a recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.workspace import Workspace

pytestmark = pytest.mark.slow

SETS = {
    "codegen": ("gpteacher/codegen.json", "{mode: unlabelled}"),
    "banking77": ("banking77/train.csv", "{task: classification, text: text, label: category}"),
    "self_instruct": ("self_instruct/seed_tasks.jsonl", "{mode: unlabelled}"),
}
RECIPE = """recipe: 1
dataset: seeds
sources: [{{name: seeds, paths: [{path}]}}]
seed: 3
steps:
  - filter.where: {{keep: "row_id < '{some}'"}}
  - filter.judge: {{cut: 5}}
  - synthesize.rows: {{strategy: few_shot, n: 8, into: made, cut: 5, allow_self_review: true, settings: {settings}}}
expect: {{made.made: '== 8'}}
"""


def answers(request: dict[str, Any]) -> str:
    """New words for a generator, and judges who like three quarters of what they see."""
    shown = str(request["messages"][-1]["content"])
    word = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    form = request.get("response_format", {})
    if form.get("type") != "json_schema":
        return (
            f"Say how {word[:9]} and {word[9:20]} differ from {word[20:31]}, and give one example of each of the three."
        )
    schema = form["json_schema"]["schema"]
    if "answers" not in schema["properties"]:
        fresh = f"My {word[:8]} shows {word[8:16]} and not {word[16:24]}, what now?"
        return json.dumps({name: fresh for name in schema["properties"]})
    names = schema["$defs"][schema["properties"]["answers"]["$ref"].rpartition("/")[2]]["properties"]
    said = "yes" if int(hashlib.sha256(shown.encode()).hexdigest()[:2], 16) < 192 else "no"
    item = shown.partition("id: ")[2].partition("\n")[0]
    return json.dumps({"id": item, "answers": dict.fromkeys(names, said), "quotes": []})


@pytest.mark.parametrize("models", [["a"], ["a", "b"], ["a", "b", "c", "d", "e"]], ids=["one", "two", "five"])
@pytest.mark.parametrize("name", SETS)
def test_a_recipe_judges_and_makes_rows(
    shared_data: Path, tmp_path: Path, serve: Callable[..., Any], name: str, models: list[str]
) -> None:
    file, settings = SETS[name]
    server = serve(answers, models=tuple(models))
    named = [f"openai:{one}@lab" for one in models]
    judges = named[1:-1] if len(named) > 2 else named[-1:]
    roles = {"generator": named[:1], "reviewer": judges, "adjudicator": named[-1:] if len(named) > 2 else []}
    told = "".join(f"{role} = {json.dumps(some)}\n" for role, some in roles.items() if some)
    (tmp_path / "tilth.toml").write_text(f'[endpoints.lab]\nbase_url = "{server.url}"\n[roles]\n{told}')
    some = {"codegen": "02", "banking77": "01", "self_instruct": "2"}[name].ljust(32, "0")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(path=shared_data / file, settings=settings, some=some))
    with Workspace(tmp_path) as opened:
        ran = opened.run(tmp_path / "recipe.yaml")
        judged, made = ran.result["steps"][1:]
        assert judged["dropped"].keys() <= {"judged_low"} and judged["after"] > 0
        assert made["planned"] == made["accepted"] + sum(made["rejected"].values())
        rows = opened.store.rows("made")
        assert len(rows) == 8
        assert rows.mapping.format == opened.store.rows("seeds").mapping.format
        paid = server.calls
        opened.run(tmp_path / "recipe.yaml", locked=True)
        assert server.calls == paid
