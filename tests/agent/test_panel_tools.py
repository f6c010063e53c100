"""synthesize.rows and filter.judge through a workspace, its tilth.toml and a real HTTP server: one model, two, five."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.acting.spending import Estimate, Spending
from tilth.agent.events import Counted, Event
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse, OverBudget, Refused, Unavailable

SEEDS = [
    {"instruction": f"Explain how {thing} works in one paragraph.", "input": "", "output": f"{thing} works because {why}."}
    for thing, why in [
        ("a sail", "air that turns aside pushes back"), ("soap", "one end of it loves water and the other fat"),
        ("a hinge", "a pin lets two plates turn about one line"), ("yeast", "it eats sugar and gives off gas"),
        ("a lens", "light bends where glass begins"), ("a magnet", "many small currents in it point one way"),
        ("a kettle", "a wire that resists current grows hot"), ("a scale", "a spring gives way in proportion"),
    ]
]  # fmt: skip


def drawn(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def panel(yes: Callable[[str, str], bool] = lambda model, shown: drawn(shown) < 0.7) -> Callable[[dict[str, Any]], str]:
    """A generator of distinct texts, and judges whose every answer is `yes(model, what they are shown)`."""

    def answers(request: dict[str, Any]) -> str:
        shown = str(request["messages"][-1]["content"])
        form = request.get("response_format", {})
        if form.get("type") != "json_schema":
            word = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
            return (
                f"Describe what {word[:9]} and {word[9:20]} have in common with {word[20:30]}, and say why it matters."
            )
        schema = form["json_schema"]["schema"]
        names = schema["$defs"]["Answers"]["properties"]
        reviews = []
        for one in re.split(r"^(?=id: [0-9a-f]{8}$)", shown, flags=re.MULTILINE)[1:]:
            said = "yes" if yes(request["model"], one if "reviews" in schema["properties"] else shown) else "no"
            reviews.append({"id": one[4:12], "answers": dict.fromkeys(names, said), "quotes": []})
        return json.dumps({"reviews": reviews} if "reviews" in schema["properties"] else reviews[0])

    return answers


@pytest.fixture
def workspace(tmp_path: Path) -> Callable[..., Workspace]:
    """`workspace(url, models) -> Workspace` with eight seeds; the first model generates, the last adjudicates."""

    def make(url: str, models: list[str], *, may_see: str = "rows", extra: str = "", **options: Any) -> Workspace:
        named = [f"openai:{name}@lab" for name in models]
        judges = named[1:-1] if len(named) > 2 else named[1:]
        roles = {"generator": named[:1], "reviewer": judges, "adjudicator": named[-1:] if len(named) > 2 else []}
        told = "".join(f"{role} = {json.dumps(some)}\n" for role, some in roles.items() if some)
        (tmp_path / "tilth.toml").write_text(
            f'[endpoints.lab]\nbase_url = "{url}"\nmay_see = "{may_see}"\n{extra}\n[roles]\n{told}'
        )
        (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(one) + "\n" for one in SEEDS))
        opened = Workspace(tmp_path, **options)
        if "seeds" not in opened.store.histories():
            opened.add(tmp_path / "seeds.jsonl", license="CC-BY-4.0")
        return opened

    return make


WANTED = {"strategy": "few_shot", "into": "made", "cut": 5.0, "settings": {"mode": "unlabelled", "task": "instruction"}}


@pytest.mark.parametrize(
    ("models", "policy", "options"),
    [
        (["a"], "single", {"allow_self_review": True}),
        (["a", "b"], "single", {}),
        (["a", "b", "c", "d", "e"], "near_cut_vote", {}),
    ],
)
def test_rows_are_made_with_one_model_two_and_five(
    serve: Any, workspace: Any, models: list[str], policy: str, options: dict[str, Any]
) -> None:
    server = serve(panel(), models=tuple(models))
    seen: list[Event] = []
    with workspace(server.url, models, listener=seen.append) as opened:
        done = opened.do("synthesize.rows", "seeds", **WANTED, n=6, **options)
        told = done.result
        assert (told["accepted"], told["into"]) == (6, "made")
        assert told["planned"] == told["accepted"] + sum(told["rejected"].values()) + sum(told["failed"].values())
        assert told["calls"] == server.calls
        assert len(opened.store.rows("made")) == 6
        assert opened.store.rows("seeds").vid == done.entry.before  # the seeds stay as they are
        (birth,) = opened.store.ledger.of("made")
        assert birth.details["sources"][0]["license"] == "CC-BY-4.0"
        assert any(isinstance(event, Counted) for event in seen)
        row_id = opened.store.rows("made").arrow(("row_id",))["row_id"][0].as_py().hex()
        life = opened.why(row_id)
        assert life.revisions[0].parents
        assert life.decisions[0].evidence["self_reviewed" if len(models) == 1 else "made_by"]
        assert {one.call.model for one in life.asked} <= set(models)


def test_a_second_run_pays_nothing_and_a_larger_one_goes_on(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        first = opened.do("synthesize.rows", "seeds", **WANTED, n=4)
        paid = server.calls
        assert opened.do("synthesize.rows", "seeds", **WANTED, n=4).reused
        assert server.calls == paid
        ids = opened.store.rows("made").arrow(("row_id",))["row_id"].to_pylist()
        more = opened.do("synthesize.rows", "seeds", **WANTED, n=6)
        assert more.result["cached"] > 0
        assert opened.store.rows("made").arrow(("row_id",))["row_id"].to_pylist()[:4] == ids
        assert first.result["accepted"] == 4
        opened.undo("made")
        assert len(opened.store.rows("made")) == 4


def test_a_stopped_run_goes_on_behind_what_it_decided(serve: Any, workspace: Any, tmp_path: Path) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        whole = opened.do("synthesize.rows", "seeds", **WANTED, n=8).entry.details["made"]["version"]
    (tmp_path / ".tilth").rename(tmp_path / "first")

    def stop(event: Event) -> None:
        if isinstance(event, Counted) and event.accepted >= 3:
            raise KeyboardInterrupt

    slow = "concurrency = 1"
    with (
        workspace(server.url, ["a", "b"], listener=stop, extra=slow) as opened,
        pytest.raises(KeyboardInterrupt),
    ):
        opened.do("synthesize.rows", "seeds", **WANTED, n=8)
    (journal,) = (tmp_path / ".tilth" / "cache" / "decided").iterdir()
    decided = len(journal.read_text().splitlines()) - 1
    assert decided >= 3
    kept = journal.read_bytes()
    with workspace(server.url, ["a", "b"], extra=slow) as opened:
        removed = opened.gc()
        assert removed["bytes"] >= len(kept) and not journal.exists()
        journal.write_bytes(kept)
        before = server.calls
        done = opened.do("synthesize.rows", "seeds", **WANTED, n=8)
        assert done.entry.details["made"]["version"] == whole
        assert server.calls - before == done.result["calls"] <= 2 * (done.result["planned"] - decided)
    assert not journal.exists()


def test_rows_take_the_place_of_others_only_when_it_is_said(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        first = opened.do("synthesize.rows", "seeds", **WANTED, n=3)
        other = {**WANTED, "settings": {**WANTED["settings"], "shots": 2}}
        paid = server.calls
        with pytest.raises(Misuse, match="'made' exists, and its rows would be replaced") as told:
            opened.do("synthesize.rows", "seeds", **other, n=3)
        assert "--append" in told.value.next_step and "--replace" in told.value.next_step
        with pytest.raises(Misuse, match="would be replaced"):
            opened.do("synthesize.rows", "seeds", **WANTED, n=2)
        assert server.calls == paid
        second = opened.do("synthesize.rows", "seeds", **other, n=3, replace=True)
        assert opened.store.rows("made").vid == second.entry.details["made"]["version"]
        assert "replace" not in second.entry.args and "replace" not in opened.recipe("seeds")
        with pytest.raises(Misuse, match="would be replaced"):
            opened.do("synthesize.rows", "seeds", **WANTED, n=3)
        assert opened.undo("made") == first.entry.details["made"]["version"]
        opened.do("filter.where", "made", drop="false")
        assert opened.do("synthesize.rows", "seeds", **WANTED, n=3).reused


def test_rows_are_added_to_what_a_dataset_holds(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("synthesize.rows", "seeds", **WANTED, n=3)
        opened.do("synthesize.rows", "seeds", **{**WANTED, "settings": {**WANTED["settings"], "shots": 2}}, n=3,
                  append=True)  # fmt: skip
        assert len(opened.store.rows("made")) == 6


def test_refused_drafts_are_kept_with_their_reason(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        done = opened.do("synthesize.rows", "seeds", **WANTED, n=5)
        codes, drafts = opened.refused("made")
    assert codes == {code: count for code, count in done.result["rejected"].items() if count}
    assert drafts and all(one.record and one.score == 0 for one in drafts if one.code == "below_cut")


def test_fewer_than_wanted_is_no_success(serve: Any, workspace: Any) -> None:
    server = serve(panel(lambda model, shown: False), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        with pytest.raises(Refused, match="accepted 0 of 3 rows after 12 drafts"):
            opened.do("synthesize.rows", "seeds", **WANTED, n=3, most=12)
        assert "made" not in opened.store.histories()
        paid = server.calls
        short = opened.do("synthesize.rows", "seeds", **WANTED, n=3, most=12, allow_short=True)
        assert (short.result["accepted"], server.calls) == (0, paid)
        assert len(opened.store.rows("made")) == 0
        assert opened.refused("made")[0] == {"below_cut": 12}


def test_a_benchmark_item_is_refused_at_birth(serve: Any, workspace: Any, tmp_path: Path) -> None:
    item = "How many litres of paint does a painter need for seven doors that take nine tenths of a litre each?"
    texts = iter([item, *(f"Name {n} things that float on water, and say for each why it does." for n in range(50))])
    judges = panel(lambda model, shown: True)

    def answers(request: dict[str, Any]) -> str:
        return judges(request) if "response_format" in request else next(texts)

    (tmp_path / "bench.jsonl").write_text(json.dumps({"question": item, "answer": "6.3"}) + "\n")
    server = serve(answers, models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        done = opened.do(
            "synthesize.rows", "seeds", **WANTED, n=1, near_duplicate=1.0, benchmarks=[str(tmp_path / "bench.jsonl")]
        )
        assert done.result["rejected"] == {"contaminated": 1}
        _, drafts = opened.refused("made")
    assert drafts[0].evidence["verdict"] == "exact"


def test_a_recipe_makes_rows_and_a_second_run_does_nothing(serve: Any, workspace: Any, tmp_path: Path) -> None:
    server = serve(panel(), models=("a", "b"))
    (tmp_path / "recipe.yaml").write_text(
        "recipe: 1\ndataset: base\nsources: [{name: seeds, paths: [seeds.jsonl], license: CC-BY-4.0}]\nsteps:\n"
        "  - synthesize.rows: {strategy: few_shot, n: 3, into: made, cut: 5, settings: {mode: unlabelled, task: instruction}}\n"
        "  - synthesize.rows: {strategy: few_shot, n: 2, into: made, append: true, cut: 5, "
        "settings: {mode: unlabelled, task: instruction, shots: 2}}\n"
        "  - filter.judge: {cut: 5}\nexpect: {made.made: '== 5'}\n"
    )
    with workspace(server.url, ["a", "b"]) as opened:
        ran = opened.run(tmp_path / "recipe.yaml")
        vid, paid, entries = opened.store.rows("made").vid, server.calls, len(opened.store.ledger.entries())
        again = opened.run(tmp_path / "recipe.yaml")
        assert (again.version, opened.store.rows("made").vid) == (ran.version, vid)
        assert server.calls == paid
        assert len(opened.store.ledger.entries()) == entries
        opened.undo("made")
        opened.run(tmp_path / "recipe.yaml", locked=True)
        assert opened.store.rows("made").vid == vid
        assert opened.store.ledger.verify() == []


def test_judged_rows_keep_score_and_reason(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        done = opened.do("filter.judge", "seeds", cut=5)
        kept = sum(drawn(str(one["messages"][-1]["content"])) < 0.7 for one in server.requests)
        assert done.result["after"] == kept
        assert done.result["dropped"] == {"judged_low": 8 - kept}
        paid = server.calls
        previews = opened.what_if("filter.judge", "seeds~1", "cut", ["5", "10"])
        assert [one.kept for one in previews] == [kept, kept]
        assert server.calls == paid  # every answer was recorded


def test_rows_judged_together_take_fewer_calls(serve: Any, workspace: Any) -> None:
    server = serve(panel(lambda model, shown: "sail" not in shown), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        done = opened.do("filter.judge", "seeds", cut=5, batch=4, votes=3)
        assert done.result["dropped"] == {"judged_low": 1}
        assert (done.result["calls"], server.calls) == (4, 4)  # two votes that agree on each of two batches
        row_id = opened.store.rows("seeds~1").arrow(("row_id",))["row_id"][0].as_py().hex()
        assert len(opened.why(row_id).asked) == 2


def test_unreadable_judges_leave_rows_undecided(serve: Any, workspace: Any) -> None:
    judges = panel(lambda model, shown: True)
    server = serve(
        lambda request: judges(request) if "sail" in str(request["messages"]) else "I would rather not say.",
        models=("a", "b"),
    )
    with workspace(server.url, ["a", "b"]) as opened:
        done = opened.do("filter.judge", "seeds", cut=5)
    assert (done.result["undecided"], done.result["after"]) == (7, 8)


def test_nothing_is_recorded_where_no_row_could_be_judged(serve: Any, workspace: Any) -> None:
    server = serve(lambda request: "I would rather not say.", models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        with pytest.raises(Refused, match="No judge gave a readable answer about any of 8 rows") as told:
            opened.do("filter.judge", "seeds", cut=5)
        assert "tilth models check" in told.value.next_step
        assert [entry.kind for entry in opened.store.ledger.of("seeds")] == ["import"]


# Rounds: made rows as seeds, beside the real ones.

ROUND = {**WANTED, "settings": {"task": "instruction"}}


def test_a_round_takes_made_rows_beside_the_real_ones(serve: Any, workspace: Any, tmp_path: Path) -> None:
    from tilth.tools.store.past.depth import depths

    server = serve(panel(lambda model, shown: True), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        real = {one.hex() for one in opened.store.rows("seeds").arrow(("row_id",))["row_id"].to_pylist()}
        opened.do("synthesize.rows", "seeds", **ROUND, n=4)
        found = depths(opened.store, "made", opened.store.rows("made"))
        assert set(found.values()) == {1} and len(found) == 4
        for number in (2, 3):
            opened.do("synthesize.rows", "seeds", **ROUND, n=8, also="made", append=True)
            found = depths(opened.store, "made", opened.store.rows("made"))
            assert max(found.values()) <= number
        assert max(found.values()) > 1 and len(found) == 20
        rows = opened.store.rows("made").arrow(("row_id", "parents")).to_pylist()
        for one in rows:
            parents = [parent.hex() for parent in one["parents"]]
            assert found[one["row_id"].hex()] == 1 + max(found.get(parent, 0) for parent in parents)
        assert real & {parent.hex() for one in rows[4:] for parent in one["parents"]}
        assert all(one.details["sources"][0]["license"] == "CC-BY-4.0" for one in opened.store.ledger.of("made"))


def test_real_rows_are_never_replaced(serve: Any, workspace: Any) -> None:
    server = serve(panel(lambda model, shown: True), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("synthesize.rows", "seeds", **ROUND, n=4)
        paid = server.calls
        with pytest.raises(Misuse, match="No seed is real: all 4") as told:
            opened.do("synthesize.rows", "made", **{**ROUND, "into": "more"}, n=2)
        assert "--also made" in told.value.next_step
        with pytest.raises(Misuse, match="would be replaced"):
            opened.do("synthesize.rows", "seeds", **ROUND, n=2, also="made")
        with pytest.raises(Misuse, match="the seeds themselves"):
            opened.do("synthesize.rows", "seeds", **{**ROUND, "into": "more"}, n=2, also="seeds")
        assert server.calls == paid
        done = opened.do("synthesize.rows", "made", **{**ROUND, "into": "more"}, n=2, also="seeds")
        assert done.result["accepted"] == 2  # real rows are among the seeds, whichever is named first


def test_an_export_wants_the_real_parents_of_a_round(serve: Any, workspace: Any, tmp_path: Path) -> None:
    server = serve(panel(lambda model, shown: True), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("synthesize.rows", "seeds", **ROUND, n=4)
        opened.export("made", tmp_path / "first")  # made from real rows only
        opened.do("synthesize.rows", "seeds", **ROUND, n=12, also="made", append=True)
        opened.do("filter.length", "made", min_words=1)
        with pytest.raises(Refused, match=r"depth 2\), and seeds is not exported") as told:
            opened.export("made", tmp_path / "second")
        assert "--force" in told.value.next_step and not (tmp_path / "second").exists()
        assert opened.export("made", tmp_path / "forced", force=True).changed
        opened.export("seeds", tmp_path / "real")
        assert opened.export("made", tmp_path / "second").changed


def test_a_recipe_of_two_rounds_runs_once(serve: Any, workspace: Any, tmp_path: Path) -> None:
    server = serve(panel(lambda model, shown: True), models=("a", "b"))
    args = "strategy: few_shot, cut: 5, into: made, settings: {task: instruction}"
    (tmp_path / "recipe.yaml").write_text(
        "recipe: 1\ndataset: base\nsources: [{name: seeds, paths: [seeds.jsonl]}]\nsteps:\n"
        f"  - synthesize.rows: {{n: 3, {args}}}\n  - synthesize.rows: {{n: 5, {args}, append: true, also: made}}\n"
    )
    with workspace(server.url, ["a", "b"]) as opened:
        assert [one.get("estimated_on") for one in opened.plan(tmp_path / "recipe.yaml")] == [None, "", ""]
        opened.run(tmp_path / "recipe.yaml", until="1")
        assert opened.plan(tmp_path / "recipe.yaml")[2]["estimate"]["rows"] == 5
        opened.run(tmp_path / "recipe.yaml")
        vid, paid = opened.store.rows("made").vid, server.calls
        opened.run(tmp_path / "recipe.yaml")
        assert (opened.store.rows("made").vid, server.calls, len(opened.store.rows("made"))) == (vid, paid, 8)


# What stops a command before it spends, and what it says.


def test_a_remote_host_that_may_not_see_rows_is_sent_nothing(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with (
        workspace(server.url, ["a", "b"], may_see="statistics") as opened,
        pytest.raises(Misuse, match="may see statistics only"),
    ):
        opened.do("filter.judge", "seeds", cut=5)
    assert server.calls == 0


def test_contradictory_and_missing_roles_are_named(serve: Any, workspace: Any, tmp_path: Path) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a"]) as opened, pytest.raises(Misuse, match="--allow-self-review"):
        opened.do("synthesize.rows", "seeds", **WANTED, n=2)
    (tmp_path / "tilth.toml").write_text("")
    with Workspace(tmp_path) as opened, pytest.raises(Misuse) as told:
        opened.do("synthesize.rows", "seeds", **WANTED, n=2)
    assert "tilth models add" in str(told.value) or "[roles]" in str(told.value)
    assert server.calls == 0


@pytest.mark.parametrize("wrong", [{"n": 0}, {"strategy": "magic"}, {"into": "seeds"}, {"settings": {"examplez": 2}}])
def test_bad_arguments_spend_nothing(serve: Any, workspace: Any, wrong: dict[str, Any]) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened, pytest.raises(Misuse):
        opened.do("synthesize.rows", "seeds", **{**WANTED, "n": 2, **wrong})
    assert server.calls == 0


def test_an_unknown_model_and_a_dead_host_are_told_apart(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a",))
    with workspace(server.url, ["a", "b"]) as opened, pytest.raises(Misuse, match="has no model 'b'"):
        opened.do("filter.judge", "seeds", cut=5)
    with workspace("http://127.0.0.1:9/v1", ["a", "b"]) as opened, pytest.raises(Unavailable) as told:
        opened.do("filter.judge", "seeds", cut=5)
    assert told.value.exit_code == 3
    assert server.calls == 0


def test_a_cap_stops_and_the_next_run_goes_on(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"], spending=Spending(max_calls=3)) as opened:
        with pytest.raises(OverBudget, match="cap of 3 calls"):
            opened.do("filter.judge", "seeds", cut=5)
        assert "judged" not in str(opened.store.ledger.entries()[-1].tool)
    assert server.calls == 3
    with workspace(server.url, ["a", "b"], spending=Spending(max_calls=8)) as opened:
        opened.do("filter.judge", "seeds", cut=5)
    assert server.calls == 8  # none was paid twice, and the cap is that of all resumes


def test_priced_models_need_a_word(serve: Any, workspace: Any) -> None:
    price = (
        "[endpoints.lab.models]\n"
        'a = {price = {input = 100, output = 100, as_of = "2026-10-01"}}\n'
        'b = {price = {input = 100, output = 100, as_of = "2026-11-01"}}\n'
    )
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"], extra=price) as opened, pytest.raises(Refused, match=r"up to \$") as told:
        opened.do("filter.judge", "seeds", cut=5)
    assert "--max-usd" in told.value.next_step
    assert server.calls == 0
    asked: list[Estimate] = []

    def agree(estimate: Estimate) -> bool:
        asked.append(estimate)
        return len(asked) > 1

    with workspace(server.url, ["a", "b"], extra=price, spending=Spending(agree=agree)) as opened:
        with pytest.raises(Refused, match="Nothing was sent"):
            opened.do("filter.judge", "seeds", cut=5)
        assert server.calls == 0
        opened.do("filter.judge", "seeds", cut=5)
    assert server.calls == 8
    assert asked[0].rows == 8 and asked[0].usd and "dialogue" in asked[0].lines()[-1]
    assert asked[0].lines()[3].endswith("(prices of 2026-11-01)")  # of b, the only one that is asked


def test_a_dry_run_tells_what_would_be_sent_and_sends_nothing(
    serve: Any, workspace: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    from tilth.tui.cli import main

    price = "[endpoints.lab.models]\na = {price = {input = 9, output = 9}}\nb = {price = {input = 9, output = 9}}\n"
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"], extra=price) as opened:
        entries = len(opened.store.ledger.entries())
        judged = opened.dry_run("filter.judge", "seeds", cut=5)["estimate"]
        assert (judged["rows"], judged["calls"], judged["least"]) == (8, 8, None)
        assert len(judged["hosts"]) == 1 and judged["hosts"][0].startswith("127.0.0.1")
        assert judged["fields"] == ["dialogue"] and judged["usd"] > 0 and judged["minutes"] is None
        assert opened.dry_run("filter.judge", "seeds", cut=5, batch=4, votes=3)["estimate"]["calls"] == 6
        made = opened.dry_run("synthesize.rows", "seeds", **WANTED, n=4)["estimate"]
        assert (made["rows"], made["least"], made["calls"]) == (4, 8, 40)
        (tmp_path / "recipe.yaml").write_text(
            "recipe: 1\ndataset: base\nsources: [{name: seeds, paths: [seeds.jsonl]}]\nsteps:\n"
            "  - filter.length: {min_words: 1}\n  - filter.judge: {cut: 5}\n"
        )
        planned = opened.plan(tmp_path / "recipe.yaml")
        assert (planned[2]["estimate"], planned[2]["estimated_on"]) == (None, "")
        opened.run(tmp_path / "recipe.yaml", until="filter.length")
        assert opened.plan(tmp_path / "recipe.yaml")[2]["estimate"] == judged
        assert len(opened.store.ledger.entries()) == entries + 2  # the import and one step
    monkeypatch.chdir(tmp_path)
    assert main(["do", "filter.judge", "seeds", "--cut", "5", "--dry-run"]) == 0
    assert main(["run", str(tmp_path / "recipe.yaml"), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.count("calls   up to 8") == 2 and "sends   dialogue to 127.0.0.1" in told
    assert "Nothing was sent." in told and "1 of them ask models" in told
    assert server.requests == []


def test_the_next_estimate_rests_on_what_was_recorded(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("filter.judge", "seeds", cut=5)
        again = opened.dry_run("filter.judge", "seeds~1", cut=6)
        assert again["estimate"]["basis"] == "mean of 8 recorded calls"
        assert again["estimate"]["minutes"] > 0
        assert opened.dry_run("filter.judge", "seeds~1", cut=5) == {"before": 8, "done": True, "estimate": None}


def test_a_cap_in_dollars_needs_prices(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with (
        workspace(server.url, ["a", "b"], spending=Spending(max_usd=1.0)) as opened,
        pytest.raises(Misuse, match="has no price"),
    ):
        opened.do("filter.judge", "seeds", cut=5)
    assert server.calls == 0


# What is told of made rows elsewhere.


def test_a_bundle_with_rows_takes_the_answers_along(serve: Any, workspace: Any, tmp_path: Path) -> None:
    from tilth.tools.store.bundle import read_bundle

    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("synthesize.rows", "seeds", **WANTED, n=3)
        row_id = opened.store.rows("made").arrow(("row_id",))["row_id"][0].as_py().hex()
        asked = [one.key for one in opened.why(row_id).asked]
        opened.bundle("made", tmp_path / "made.tar.zst", rows=True)
        opened.bundle("made", tmp_path / "bare.tar.zst")
    for name, told in (("made", asked), ("bare", [])):
        folder = tmp_path / f"elsewhere-{name}"
        read_bundle(tmp_path / f"{name}.tar.zst", folder)
        if name == "made":
            with Workspace(folder) as other:
                assert [one.key for one in other.why(row_id).asked] == told
                assert len(other.store.rows("made")) == 3
        else:
            assert not (folder / ".tilth" / "calls.sqlite").exists()


def test_a_purge_reaches_made_rows_their_drafts_and_calls(serve: Any, workspace: Any) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("synthesize.rows", "seeds", **WANTED, n=3)
        table = opened.store.rows("made").arrow(("row_id", "record"))
        row_id, record = table["row_id"][1].as_py().hex(), json.loads(table["record"][1].as_py())
        tombstone = opened.purge(row_id, because="asked to")
        assert tombstone.counts["answers"] >= 2  # the draft and its review
        assert len(opened.store.rows("made")) == 2
        said = record["instruction"].encode()
        files = [one for one in (opened.root / ".tilth").rglob("*") if one.is_file()]
        assert not any(said in one.read_bytes() for one in files)


def test_an_export_of_made_rows_says_where_they_come_from(serve: Any, workspace: Any, tmp_path: Path) -> None:
    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("synthesize.rows", "seeds", **WANTED, n=3)
        exported = opened.export("made", tmp_path / "out")
        card = (exported.folder / "README.md").read_text()
        assert "made by models or rules from seeds" in card and "accepted 3" in card and "CC-BY-4.0" in card
        assert opened.verify_card(exported.folder).holds


def test_a_calibration_sets_the_cut_until_something_changes(serve: Any, workspace: Any, tmp_path: Path) -> None:
    from tilth.agent.acting.calibrating import calibrate

    texts = [f"Row {i}: {'sound' if i % 3 else 'spoiled'} and {drawn(str(i)):.6f}." for i in range(60)]
    lines = [json.dumps({"text": text, "good": "sound" in text}) for text in texts]
    (tmp_path / "gold.jsonl").write_text("\n".join(lines) + "\n")
    server = serve(panel(lambda model, shown: "spoiled" not in shown), models=("a", "b"))
    told: list[Event] = []
    with workspace(server.url, ["a", "b"], listener=told.append) as opened:
        made = calibrate(opened, "seeds", gold=tmp_path / "gold.jsonl")
        assert made.calibration.precision == 1.0 and made.calibration.least >= 0.9
        assert made.path.parent.name == "calibrations"
        done = opened.do("filter.judge", "seeds", cut=None)
        assert any("calibration" in str(event) for event in told)
        assert done.result["accepted"] == 8
        with pytest.raises(Misuse, match="Nobody has ruled"):
            calibrate(opened, "seeds")


@pytest.mark.slow
def test_a_killed_making_goes_on_and_ends_the_same(serve: Any, workspace: Any, tmp_path: Path) -> None:
    import os
    import shutil
    import subprocess
    import sys

    import tilth

    server = serve(panel(), models=("a", "b"))
    with workspace(server.url, ["a", "b"]) as opened:
        opened.do("synthesize.rows", "seeds", **WANTED, n=8)
        whole = opened.store.rows("made").vid
    shutil.rmtree(tmp_path / ".tilth")
    with workspace(server.url, ["a", "b"]):
        pass
    server.requests.clear()
    while server.arrived.acquire(blocking=False):
        pass
    words = ["do", "synthesize.rows", "seeds", "--strategy", "few_shot", "--into", "made", "--cut", "5", "--n", "8",
             "--settings", "mode=unlabelled", "--settings", "task=instruction"]  # fmt: skip
    program = "import sys; from tilth.tui.cli import main; sys.exit(main())"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(tilth.__file__).parent.parent), *sys.path])}
    command = [sys.executable, "-c", program, *words]
    for calls in (1, 4):
        with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) as running:
            for _ in range(calls):
                server.arrived.acquire()
            running.kill()
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True)
    assert b"accepted 8" in done.stdout
    with Workspace(tmp_path) as opened:
        assert opened.store.rows("made").vid == whole
        assert opened.store.ledger.verify() == []
    again = [json.dumps(one, sort_keys=True) for one in server.requests]
    in_flight = 2 * 32  # two kills, each with at most the endpoint's concurrency under way
    assert len(again) - len(set(again)) <= in_flight
