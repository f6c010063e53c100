"""Three weekly drops of real instruction data: release, rule, carry over, report; `why` tells the truth of each row.

Run it with: python -m pytest -m slow tests/agent/test_three_weeks.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tilth.agent.recipes.run import Ran
from tilth.agent.report import ReleaseReport
from tilth.agent.workspace import Workspace
from tilth.tools.store.ledger import Entry
from tilth.tools.store.past import rulings
from tilth.tui.pages.report import render_html
from tilth.tui.render.report_md import LONGEST, markdown

pytestmark = pytest.mark.slow

RECIPE = """\
recipe: 1
dataset: weekly
sources:
  - {name: roleplay, paths: ["week*/roleplay.jsonl"], license: MIT}
  - {name: codegen, paths: ["week*/codegen.jsonl"], license: MIT}
seed: 7
SINCE
steps:
  - clean.unicode
  - filter.rules: {profile: sft}
  - dedup.exact
  - dedup.near: {threshold: 0.7, keep: "length desc"}
expect: {rows: ">= 1000", dropped.near_duplicate: "<= 30%", dropped.exact_duplicate: "<= 20%"}
"""


class Story:
    """One dataset over three weeks. A week's drop is a third of the rows, by a hash of the row."""

    def __init__(self, root: Path, data: Path) -> None:
        self.workspace = Workspace(root, seed=1)
        self.recipe = root / "weekly.yaml"
        self.data = data

    def drop(self, week: int) -> None:
        """The files of one week arrive."""
        folder = self.workspace.root / f"week{week}"
        folder.mkdir()
        for name in ("roleplay", "codegen"):
            records = json.loads((self.data / "gpteacher" / f"{name}.json").read_text(encoding="utf-8"))
            lines = [json.dumps(record, sort_keys=True) for record in records]
            mine = [line for line in lines if hashlib.sha256(line.encode()).digest()[0] % 3 == week - 1]
            (folder / f"{name}.jsonl").write_text("".join(line + "\n" for line in mine), encoding="utf-8")

    def run(self, since: str | None = None) -> Ran:
        self.recipe.write_text(RECIPE.replace("SINCE", f"since: {since}" if since else ""))
        return self.workspace.run(self.recipe)

    def report(self, since: str) -> ReleaseReport:
        return self.workspace.report("weekly", since=since, recipe=self.recipe)

    def live(self) -> set[str]:
        return {one.hex() for one in self.workspace.rows("weekly").arrow(("row_id",))["row_id"].to_pylist()}

    def dropped_for(self, ran: Ran, reason: str) -> list[str]:
        """Ids of the rows that a run dropped for a reason."""
        found = []
        for entry in ran.entries:
            if isinstance(entry, Entry) and "decisions" in entry.objects:
                table = self.workspace.store.objects.read(entry.objects["decisions"]).to_pylist()
                found += [one["row_id"].hex() for one in table if (one["action"], one["reason"]) == ("drop", reason)]
        return sorted(found)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Story:
    return Story(tmp_path_factory.mktemp("three-weeks"), shared_data)


def test_three_weeks(story: Story) -> None:
    workspace = story.workspace

    # Week 1: the first release.
    story.drop(1)
    first = story.run()
    workspace.tag("weekly", "release-1")
    released_1 = story.live()
    assert first.result["after"] == len(released_1) > 1_000
    assert first.result["dropped"]["near_duplicate"] > 0

    # Week 2: new rows come, released ones stay; then two people rule.
    story.drop(2)
    second = story.run("weekly@release-1")
    assert second.result["withdrawn"] == 0 and second.result["carried"] == len(released_1)
    assert second.result["new"] == len(story.live() - released_1) > 500
    wanted = story.dropped_for(second, "near_duplicate")[0]
    unwanted = sorted(released_1)[0]
    workspace.keep(wanted, because="the longer copy says something else")
    at_once = workspace.drop(unwanted, because="names a private person")
    ruled = story.run("weekly@release-1")
    assert ruled.version == at_once.version
    assert (ruled.result["carried"], ruled.result["withdrawn"]) == (len(released_1) - 1, 1)
    assert wanted in story.live() and unwanted not in story.live()

    # Somebody asks to be forgotten: the row is erased, and does not come back with the files it came in.
    erased = sorted(story.live() - released_1 - {wanted})[0]
    workspace.purge(erased, because="asked to be forgotten", dataset="weekly")
    without = story.run("weekly@release-1")
    assert without.version != ruled.version and erased not in story.live()
    life = workspace.why(erased, dataset="weekly")
    assert life.purged is not None and not life.live and life.revisions == ()
    assert workspace.verify_log() == []
    workspace.tag("weekly", "release-2")
    released_2 = story.live()

    # Week 3: what people said in week 2 still holds, and nothing released is lost.
    story.drop(3)
    third = story.run("weekly@release-2")
    released_3 = story.live()
    assert third.result["withdrawn"] == 0 and released_2 <= released_3 and unwanted not in released_3
    assert third.result["new"] == len(released_3 - released_2) > 500
    assert erased not in released_3
    assert story.run("weekly@release-2").version == third.version

    _why_tells_the_truth(story, wanted, unwanted, released_1)
    _a_reviewed_reason_has_a_rate(story)
    _the_report_says_the_same(story, third, len(released_2), len(released_1) - 1)


def _why_tells_the_truth(story: Story, wanted: str, unwanted: str, released: set[str]) -> None:
    kept, gone = story.workspace.why(wanted), story.workspace.why(unwanted)
    assert kept.live and [one.word for one in kept.rulings] == ["keep"]
    assert any((one.action, one.reason) == ("keep", "ruling") for one in kept.decisions)
    assert kept.decisions[-1].evidence["overruled"] == "near_duplicate"
    assert not gone.live and gone.rulings[0].because == "names a private person"
    assert (gone.decisions[-1].action, gone.decisions[-1].reason) == ("drop", "ruling")
    assert len({str(measured) for _, measured in kept.signals}) == 1  # of the row, wherever it stood in each week
    carried = story.workspace.why(sorted(released)[5])
    assert carried.live and not carried.rulings and all(one.action != "drop" for one in carried.decisions)


def _a_reviewed_reason_has_a_rate(story: Story) -> None:
    drawn = story.workspace.cases("weekly", reason="near_duplicate", count=12)
    story.workspace.rule("weekly", [(case, "drop" if i else "keep", "looked") for i, case in enumerate(drawn)])
    (rate,) = rulings.rates(rulings.read(story.workspace.root), "weekly")
    assert (rate.reason, rate.looked_at, rate.contradicted) == ("near_duplicate", 12, 1)


def _the_report_says_the_same(story: Story, third: Ran, before: int, carried_of_first: int) -> None:
    story.run("weekly@release-2")
    found = story.report("release-2")
    assert found.old.rows == before and found.new.rows == len(story.live())
    assert found.carried + sum(found.withdrawn.values()) == before
    assert found.recipe is not None and found.recipe.lock == "matches"
    assert all(one.met for one in found.recipe.verdicts)
    assert {one.name: one.license for one in found.sources} == {"codegen": "MIT", "roleplay": "MIT"}
    assert sum(one.rows[1] for one in found.sources) == found.new.rows
    assert found.languages is not None and found.languages.examined == (2_000, 2_000)
    since_first = story.report("release-1")
    assert since_first.carried == carried_of_first and since_first.withdrawn == {"ruling": 1}
    for one in (found, since_first):
        assert len(markdown(one)) <= LONGEST and "NOT MET" not in "\n".join(markdown(one))
        assert render_html(one).count("<svg") >= 2
