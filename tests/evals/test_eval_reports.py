"""Reports: one page that needs nothing else, Markdown, logs for Inspect, records for DuckDB."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import duckdb

from tilth.evals import export_inspect, runner, summary, summary_json
from tilth.evals.records import Run
from tilth.tui.pages import evals_svg
from tilth.tui.pages.evals import render_html
from tilth.tui.render.evals_md import markdown

MakeRun = Callable[..., Run]
DOCS = Path(__file__).parents[2] / "docs" / "evals.md"


class Page(HTMLParser):
    """Every tag with its attributes; complains about one that is not closed."""

    VOID = frozenset({"meta", "line", "circle", "polyline", "rect", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else(mixed_run: Run) -> None:
    text = render_html(summary.report(mixed_run))
    page = Page(text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for tag, attributes in page.tags:
        assert not {"src", "href", "srcset", "xlink:href"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert not re.search(r"url\(|@import|https?:", text)
    assert "default-src 'none'" in text
    assert sum(tag == "svg" for tag, _ in page.tags) == 4  # scores, differences, cost, curves


def test_names_from_outside_are_text(mixed_run: Run) -> None:
    told = summary.report(mixed_run)
    for text in (render_html(told), "\n".join(markdown(told))):
        assert "alert(1)" in text
        assert "<script>" not in text
        assert "\u202e" not in text


def test_a_report_is_the_same_every_time(mixed_run: Run) -> None:
    assert render_html(summary.report(mixed_run)) == render_html(summary.report(mixed_run))


def test_a_run_without_a_score_is_told_too(make_run: MakeRun) -> None:
    told = summary.report(make_run("cmd:/no/such/program", n=3))
    assert "3 crashed" in render_html(told)
    assert summary_json.report_json(told)["score"] is None
    assert any("3 crashed" in line for line in markdown(told))


def test_markdown_tables_are_square(mixed_run: Run) -> None:
    lines = list(markdown(summary.report(mixed_run)))
    widths: list[set[int]] = [set()]
    for line in lines:
        if line.startswith("|"):
            widths[-1].add(len(re.findall(r"(?<!\\)\|", line)))
        elif widths[-1]:
            widths.append(set())
    assert [len(one) for one in widths if one] == [1, 1, 1]


def test_plots_take_every_figure() -> None:
    nan = float("nan")
    assert "no score" in evals_svg.forest([evals_svg.Bar("a", nan, nan, nan), evals_svg.Bar("b", -3, -4, 5)], name="x")
    assert evals_svg.forest([], name="x") == ""
    dots = [evals_svg.Dot("free", 0, 0.2), evals_svg.Dot("a", 0.001, 0.5), evals_svg.Dot("b", 3, -0.5)]
    Page(evals_svg.scatter(dots, name="x", x_name="$", y_name="s", money=True))
    assert evals_svg.scatter(dots[:1], name="x", x_name="$", y_name="s") == ""
    Page(evals_svg.curves([("a", [(1.0, 0.5)]), ("b", [])], name="x", x_name="n"))


def test_names_of_dots_stay_apart_and_in_the_plot() -> None:
    """Nine agents at nearly the same cost and score, at the very top."""
    drawn = evals_svg.scatter(
        [evals_svg.Dot(f"agent {i}", 1 + i / 100, 1 - i / 1000) for i in range(9)], name="x", x_name="$", y_name="s"
    )
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)">agent', drawn))
    assert len(heights) == 9
    assert min(b - a for a, b in pairwise(heights)) >= 12.9
    assert heights[0] >= 12 and heights[-1] <= 260


def test_names_of_curves_stay_apart_and_in_the_plot() -> None:
    """Eleven curves that end together at the top, one below."""
    lines = [(f"agent {i}", [(0.0, 0.0), (1.0, 1 - i / 1000)]) for i in range(11)] + [("low", [(0.0, 0.0), (1.0, -1)])]
    drawn = evals_svg.curves(lines, name="x", x_name="n")
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)">(?:agent|low)', drawn))
    assert len(heights) == 12
    assert min(b - a for a, b in pairwise(heights)) >= 12.9
    assert heights[0] >= 12 and heights[-1] <= 260


REQUIRED = {
    "": {"version", "status", "eval", "plan", "results", "stats", "samples"},
    "eval": {"created", "task", "task_id", "run_id", "eval_id", "dataset", "model", "config"},
    "results": {"total_samples", "completed_samples", "scores"},
    "stats": {"started_at", "completed_at", "model_usage"},
}
SAMPLE = {"id", "epoch", "input", "target", "messages", "output", "scores", "metadata", "events"}
"""What Inspect's reader and viewer (0.3.285, log format 2) need to be there."""


def test_inspect_logs_have_what_its_reader_needs(mixed_run: Run, tmp_path: Path) -> None:
    bench = runner.reopen(mixed_run, tmp_path)
    paths = export_inspect.export(mixed_run, bench.instances, tmp_path / "logs")
    assert len(paths) == len({path.name for path in paths}) == 5
    truths = {str(one.truth["sum"]) for one in bench.instances.values()}
    for path in paths:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[\w.+-]*\.json", path.name)
        told = json.loads(path.read_text())
        for place, keys in REQUIRED.items():
            assert keys <= set(told[place] if place else told)
        assert told["version"] == 2
        assert len(told["samples"]) == 24
        for sample in told["samples"]:
            assert set(sample) >= SAMPLE
            assert sample["epoch"] in (1, 2)
            assert sample["target"] == ""
            ended = sample["metadata"]["ended"]
            assert ("error" in sample) == (ended in ("crashed", "unavailable", "malformed"))
            assert ("limit" in sample) == (ended in ("timed_out", "over_budget"))
            assert bool(sample["scores"]) == (ended == "answered")
    assert not any(truth in json.dumps(json.loads(paths[1].read_text())["samples"]) for truth in truths)


def test_tool_calls_become_objects() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "sql", "arguments": '{"query": "select 1"}'}}
    broken = {"id": "c2", "type": "function", "function": {"name": "sql", "arguments": '{"query": '}}
    made = export_inspect._message({"role": "assistant", "content": None, "tool_calls": [call, broken]})
    assert made["tool_calls"][0]["arguments"] == {"query": "select 1"}
    assert made["tool_calls"][1]["parse_error"]
    assert made["content"] == ""


def test_duckdb_reads_the_records(mixed_run: Run, tmp_path: Path) -> None:
    """With the query of the documentation, a try that was recorded twice included."""
    (query,) = re.findall(r"```sql\n(.*?)```", DOCS.read_text(), re.DOTALL)
    lines = (mixed_run.folder / "records.jsonl").read_text().splitlines(keepends=True)
    records = tmp_path / "records.jsonl"
    records.write_text(lines[0].replace('"answered"', '"unavailable"') + "".join(lines))
    found = duckdb.sql(query.replace("evals-runs/issues-1/records.jsonl", str(records))).fetchall()
    told = {(agent, ended): tries for agent, ended, tries, *_ in found}
    assert told[("oracle", "answered")] == 24
    assert sum(told.values()) == 120
    ended = {one.label: one.ended for one in summary.report(mixed_run).agents}
    assert all(ended[agent][name] == tries for (agent, name), tries in told.items())
