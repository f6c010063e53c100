"""The release report: its numbers agree with the versions, its pages are short, and data cannot act in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.recipes import expect
from tilth.agent.report import FoundAgain, Loss, ReleaseReport, SourceRows
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse
from tilth.tools.inspect.measures import drift
from tilth.tools.store.past.rulings import Rate
from tilth.tui import cli
from tilth.tui.pages.report import overlaid_svg, render_html
from tilth.tui.render.report_md import LONGEST, code, markdown

HOSTILE = (
    "</code></table><script>alert(1)</script>|`x`|@you http://evil.example \x1b[31m\u202e\n# <img src=x onerror=y>"
)
RECIPE = """\
recipe: 1
dataset: notes
sources:
  - {name: letters, paths: ["letters*.jsonl"], license: LICENCE}
  - {name: calls, paths: ["calls*.jsonl"]}
steps:
  - dedup.exact
  - filter.where: {drop: "length(text) > 60"}
expect: {rows: ">= 10", dropped.where: "<= 1%"}
"""


def write(path: Path, texts: list[str], label: str) -> None:
    path.write_text("".join(json.dumps({"text": text, "kind": label}) + "\n" for text in texts), encoding="utf-8")


def sentence(i: int) -> str:
    return f"Somebody wrote about matter {i} and asked for help"


def released(root: Path) -> Workspace:
    """Two releases: 30 letters and 10 calls, then 20 more of one kind, two of them too long and four twice."""
    recipe = root / "notes.yaml"
    recipe.write_text(RECIPE.replace("LICENCE", "MIT").replace(', dropped.where: "<= 1%"', ""))
    write(root / "letters1.jsonl", [sentence(i) for i in range(30)], "a")
    write(root / "calls1.jsonl", [sentence(100 + i) for i in range(10)], "b")
    opened = Workspace(root)
    opened.run(recipe)
    opened.tag("notes", "release-1")
    later = [sentence(200 + i) for i in range(14)] + [sentence(i) for i in range(4)] + ["long " * 20, "Long " * 20]
    write(root / "calls2.jsonl", later, "b")
    recipe.write_text(RECIPE.replace("LICENCE", "CC-BY-4.0").replace("<= 1%", "<= 50%"))
    opened.run(recipe)
    return opened


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """One to change."""
    with released(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One to look at."""
    with released(tmp_path_factory.mktemp("shared")) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(shared: Workspace) -> ReleaseReport:
    return shared.report("notes", since="release-1", recipe=shared.root / "notes.yaml")


def test_every_row_of_both_versions_is_accounted_for(shared: Workspace, report: ReleaseReport) -> None:
    assert (report.old.rows, report.new.rows) == (40, len(shared.rows("notes")))
    assert report.carried + sum(report.withdrawn.values()) == report.old.rows
    assert report.carried + report.added == report.new.rows
    for side, rows in ((0, report.old.rows), (1, report.new.rows)):
        assert sum(one.rows[side] for one in report.sources) == rows
        assert sum(report.lengths[0].counts[side]) == rows
        assert sum(value[1 + side] for value in report.labels[0].values) == rows


def test_the_funnel_stands_beside_the_older_one(report: ReleaseReport) -> None:
    told = {(one.tool, one.reason): (one.old, one.new) for one in report.losses}
    assert told == {
        ("dedup.exact", "exact_duplicate"): ((0, 40), (4, 60)),
        ("filter.where", "where"): ((0, 40), (2, 56)),
    }


def test_expectations_lock_and_licences(workspace: Workspace, report: ReleaseReport) -> None:
    assert report.recipe is not None and report.recipe.lock == "matches"
    assert [one.met for one in report.recipe.verdicts] == [True, True]
    assert {one.name: (one.license_before, one.license, one.kind) for one in report.sources} == {
        "letters": ("MIT", "CC-BY-4.0", "commercial"),
        "calls": ("unspecified", "unspecified", "unspecified"),
    }
    told = markdown(report)
    assert "| `letters` | `CC-BY-4.0` (**was** `MIT`) | commercial | 30 | 30 |" in told
    assert "| `calls` | unspecified | **unspecified** | 10 | 24 |" in told
    workspace.undo("notes")
    undone = workspace.report("notes", since="notes@release-1", recipe=workspace.root / "notes.yaml")
    assert undone.recipe is not None and undone.recipe.lock == "differs"
    (workspace.root / "notes.lock.json").unlink()
    missing = workspace.report("notes", since="release-1", recipe=workspace.root / "notes.yaml")
    assert missing.recipe is not None and missing.recipe.lock == "missing"


def test_a_failed_expectation_is_told(workspace: Workspace) -> None:
    path = workspace.root / "notes.yaml"
    path.write_text(RECIPE.replace("LICENCE", "CC-BY-4.0"))
    found = workspace.report("notes", since="release-1", recipe=path)
    told = "\n".join(markdown(found))
    assert "**1 of 2 NOT MET**" in told and "`dropped.where <= 1 %`: 3.333 %, **NOT MET**" in told
    assert "its lock is of another version" in told


def test_labels_drift_by_what_was_added(report: ReleaseReport) -> None:
    (kind,) = report.labels
    assert kind.of == "kind" and {value[0]: value[1:] for value in kind.values} == {"a": (30, 30), "b": (10, 24)}
    assert kind.distance == pytest.approx(30 / 40 - 30 / 54)


def test_rulings_withdrawals_and_rates_are_told(workspace: Workspace) -> None:
    workspace.drop("letters1.jsonl:11", because="names a person")
    drawn = workspace.cases("notes", reason="where", count=2)
    workspace.rule("notes", [(case, "keep", "fine") for case in drawn])
    found = workspace.report("notes", since="release-1")
    assert found.withdrawn == {"ruling": 1} and found.ruled == {"keep": 2, "drop": 1}
    assert [(rate.reason, rate.looked_at, rate.contradicted) for rate in found.rates] == [("where", 2, 2)]
    told = "\n".join(markdown(found))
    assert "39 carried, 16 new, 1 withdrawn** (`ruling` 1)" in told
    assert "| false drop | `where` | 2 | 2 | 100.0% |" in told


def test_a_tool_that_was_not_run_before_is_not_told_as_clean(workspace: Workspace) -> None:
    write(workspace.root / "calls3.jsonl", ["write to sam.miller@postbank-north.de soon"], "b")
    workspace.run(workspace.root / "notes.yaml")
    workspace.do("inspect.pii", "notes")
    found = workspace.report("notes", since="release-1")
    (email,) = [one for one in found.findings if one.code == "pii.email"]
    assert email.counts == (None, 1) and email.is_new
    assert "not looked for → 1" in "\n".join(markdown(found))
    workspace.do("inspect.pii", "notes@release-1")
    again = workspace.report("notes", since="release-1")
    assert next(one for one in again.findings if one.code == "pii.email").counts == (0, 1)


def test_the_same_report_twice_and_as_json(shared: Workspace, report: ReleaseReport) -> None:
    again = shared.report("notes", since="release-1", recipe=shared.root / "notes.yaml")
    assert again == report and render_html(again) == render_html(report)
    assert json.loads(json.dumps(report.to_json()))["new"]["rows"] == report.new.rows
    assert report.reproduce == ("tilth run notes.yaml --locked",)


def test_a_recipe_is_said_to_reproduce_only_what_it_does(workspace: Workspace) -> None:
    recipe = workspace.root / "notes.yaml"
    released_vid = workspace.rows("notes").vid
    workspace.keep("calls2.jsonl:19", because="long, and fine")
    ruled = workspace.report("notes", since="release-1")
    address, file = f"notes@{ruled.new.vid[:16]}", f"notes-{ruled.new.vid[:8]}.yaml"
    assert ruled.reproduce == (f"tilth log {address} --recipe > {file}", f"tilth run {file}")
    (workspace.root / file).write_text(workspace.recipe(address))
    assert workspace.run(workspace.root / file).version == ruled.new.vid
    lost = workspace.report(f"notes@{released_vid}", since="release-1", recipe=recipe)
    assert lost.reproduce == () and "Reproduce: no recipe gives this version as things stand" in "\n".join(
        markdown(lost)
    )
    assert "no recipe gives this version" in render_html(lost)
    assert workspace.run(recipe).version == ruled.new.vid
    assert workspace.report("notes", since="release-1").reproduce == ("tilth run notes.yaml --locked",)
    workspace.do("filter.where", "notes", drop="line = 1")
    further = workspace.report("notes", since="release-1", recipe=recipe)
    assert further.reproduce[0].startswith("tilth log notes@")


@pytest.mark.parametrize("since", ["nope", "other@release-1", "other"])
def test_an_unknown_or_foreign_release_is_named(workspace: Workspace, since: str) -> None:
    write(workspace.root / "other.jsonl", ["x"], "a")
    workspace.add(workspace.root / "other.jsonl", name="other")
    with pytest.raises(Misuse):
        workspace.report("notes", since=since)


def test_a_recipe_of_another_dataset_is_refused(workspace: Workspace) -> None:
    path = workspace.root / "other.yaml"
    path.write_text(RECIPE.replace("LICENCE", "MIT").replace("dataset: notes", "dataset: other"))
    with pytest.raises(Misuse, match="makes other, not notes"):
        workspace.report("notes", since="release-1", recipe=path)


# -- pages -------------------------------------------------------------------------------------------------------------


def crowded(report: ReleaseReport, name: str, count: int = 40) -> ReleaseReport:
    """The report with many of everything, all named by text from outside."""
    names = [f"{name}{i}" for i in range(count)]
    verdict = expect.check(expect.parse("rows", "<= 1"), {"rows": 9}, 9)
    label = drift.shares(name, [Counter(names), Counter({one: i for i, one in enumerate(names)})], (count, count))
    assert report.recipe is not None
    return replace(
        report,
        dataset=name,
        withdrawn=dict.fromkeys(names, 3),
        losses=tuple(Loss(name, one, None, (i, 99)) for i, one in enumerate(names)),
        sources=tuple(SourceRows(one, name, "", "unspecified", (1, 2)) for one in names),
        lengths=tuple(replace(report.lengths[0], of=one) for one in names),
        labels=(label,) * count,
        findings=tuple(FoundAgain(name, one, "warning", name, (0, 5)) for one in names),
        rates=tuple(Rate(one, 9, 3, 0.1, 0.6) for one in names),
        recipe=replace(report.recipe, name=name, verdicts=(verdict,) * count),
        reproduce=(f"tilth run {name}",),
    )


def test_markdown_is_short_and_counts_what_it_leaves_out(report: ReleaseReport) -> None:
    lines = markdown(crowded(report, "n"))
    assert len(lines) <= LONGEST
    told = "\n".join(lines)
    for what in ("smaller reasons", "expectations", "sources", "labels that moved less", "new findings", "lower rates"):
        assert re.search(rf"… and \d+ .*{what}", told), what
    small = markdown(report)
    assert len(small) <= LONGEST and not any("… and" in line for line in small)


def test_a_reason_left_out_is_smaller_or_is_not_called_so(report: ReleaseReport) -> None:
    def told(*lost: int) -> str:
        losses = tuple(Loss("t", f"reason {i}", None, (count, 99)) for i, count in enumerate(lost))
        return "\n".join(markdown(replace(report, losses=losses)))

    assert "… and" not in told(*range(9, 22)) and "reason 12" in told(*range(9, 22))
    assert "… and 2 smaller reasons" in told(*range(9, 23))
    assert "… and 2 other reasons" in told(*[7] * 14)


def test_data_cannot_act_in_markdown(report: ReleaseReport) -> None:
    lines = markdown(crowded(report, HOSTILE))
    assert len(lines) <= LONGEST
    told = "\n".join(lines)
    assert "\x1b" not in told and "\u202e" not in told
    tables = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables} == {4, 5, 6, 7}
    # Outside of code, nothing is left of the text: no tag, link, mention or heading.
    outside = re.sub(r"`[^`\n]*`|<code>[^<\n]*</code>", "", told)
    for mark in ("<", "script", "@you", "evil", "alert"):
        assert mark not in outside
    assert [line for line in lines if line.startswith("#")] == [lines[0]]


@given(st.text(max_size=80))
def test_a_code_span_holds_whatever_is_put_into_it(text: str) -> None:
    told = code(text)
    assert "\n" not in told and "|" not in told
    inner = re.fullmatch(r"`([^`]+)`|<code>([^<>`*_\[\]\\]*)</code>", told)
    assert inner is not None


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_data_cannot_act_on_the_page(report: ReleaseReport) -> None:
    html = render_html(crowded(report, HOSTILE))
    page = Page(html)
    assert not page.tags.keys() & {"script", "img", "a", "iframe", "link"} and "onerror" not in page.attributes
    assert "<script>alert(1)</script>" in page.text  # told, as text
    assert "\x1b" not in html and "\u202e" not in html
    assert "default-src 'none'" in html


def test_the_page_has_its_plots(report: ReleaseReport) -> None:
    html = render_html(report)
    page = Page(html)
    assert page.tags["svg"] == len(report.lengths) and page.tags["path"] == len(report.lengths)
    for title in ("Dropped", "Sources and their licences", "Lengths", "Languages", "Labels", "Expectations"):
        assert f"<h2>{title}" in html
    assert "http" not in html.replace("http-equiv", "")


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=60), st.lists(st.integers(0, 5_000), max_size=60))
def test_both_histograms_count_every_text_over_the_same_bins(old: list[int], new: list[int]) -> None:
    one = drift._length("text", np.array(old, np.int64), np.array(new, np.int64))
    assert [sum(side) for side in one.counts] == [len(old), len(new)]
    for side, values in zip(one.counts, (old, new), strict=True):
        for i, count in enumerate(side if len(side) > 1 else ()):
            last = i == len(side) - 1
            inside = [v for v in values if one.edges[i] <= v and (v < one.edges[i + 1] or last)]
            assert count == len(inside)
    assert overlaid_svg(one).startswith(("<svg", "<p>always"))


def test_the_command_prints_markdown_or_writes_a_page(
    shared: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(shared.root)

    def tilth(*words: str) -> tuple[int, str]:
        code = cli.main(words)
        return code, capsys.readouterr().out

    code, out = tilth("report", "notes", "--since", "release-1", "--recipe", "notes.yaml", "--md")
    assert code == 0 and out.startswith("## `notes`") and len(out.splitlines()) <= LONGEST
    assert tilth("report", "notes", "--since", "release-1", "--html", "r.html") == (0, "wrote r.html\n")
    page = Path("r.html").read_text(encoding="utf-8")
    assert tilth("report", "notes", "--since", "release-1", "--html")[1] == page
    code, out = tilth("report", "notes", "--since", "notes~1", "--json")
    assert code == 0 and json.loads(out.splitlines()[-1])["tool"] == "report"
    assert tilth("report", "notes", "--since", "release-1", "--html", "no/such/r.html")[0] == 2
    assert tilth("report", "notes", "--since", "release-1", "--md", "--html")[0] == 2
