"""The judge of rows that are like a question: both orders, quotes of both texts, and no failure that reads as "no"."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.workspace import Workspace
from tilth.prompts import Prompts
from tilth.tools.contaminate._judge import Alike, Opinion, judged, spans_of
from tilth.tools.errors import Misuse
from tilth.tools.panel import Books, Candidate, Job, Review, Verdict

ROW = "In April Marie sold 62 clips. In May she sold half as many. How many clips is that altogether?"
QUESTION = "Natalia sold clips to 48 friends in April and half as many in May. How many clips did she sell altogether?"
PAIR = Alike("ab" * 16, "7", ROW, QUESTION)
QUOTES = ("sold half as many", "half as many in May")
Answer = tuple[str, tuple[str, ...]] | None  # (same or different, quotes); None: nothing readable


@dataclass
class ScriptedPanel:
    """Answers by what is shown first; `adjudicator` is the last word, "" where there is none."""

    says: Callable[[Mapping[str, str]], Answer]
    adjudicator: str = ""
    quotes: tuple[str, ...] = QUOTES
    asked: list[str] = field(default_factory=list)

    def run(self, job: Job, verdict: Callable[[Verdict], None]) -> Books:
        assert job.steps == ()
        assert job.near_duplicate is None
        if job.policy.name == "replace" and not self.adjudicator:
            raise Misuse("The policy replace needs an adjudicator that neither drafts nor reviews the row.")
        for task in job.tasks():
            made = job.candidate(task, {})
            assert isinstance(made, Candidate)
            self.asked.append(f"{job.policy.name or 'reviewer'}: {made.shown['first'][:2]}")
            said = self.says(made.shown)
            if said is None:
                verdict(Verdict(task, "undecided", "unreadable_review", "no judge gave a readable answer (unparsable)"))
                continue
            reviews = [_review("openai:r@lab", "reviewer", *said)]
            if job.policy.name == "replace":
                reviews.append(_review("openai:a@lab", "adjudicator", self.adjudicator, self.quotes))
            accepted = reviews[-1].answers["different"]
            verdict(Verdict(task, "accepted" if accepted else "rejected", candidate=made, reviews=reviews))
        return Books()


def _review(model: str, role: Any, word: str, quotes: tuple[str, ...]) -> Review:
    return Review(model, role, {"different": word == "different"}, 10.0 * (word == "different"), quotes, "key")


def judge(panel: ScriptedPanel) -> Opinion:
    (found,) = judged(panel, [PAIR], Prompts())
    return found


def test_the_same_in_both_orders_with_quotes_is_the_same() -> None:
    panel = ScriptedPanel(lambda shown: ("same", QUOTES))
    found = judge(panel)
    assert (found.word, found.models, found.quotes) == ("same", ("openai:r@lab",), (QUOTES,))
    assert panel.asked == ["reviewer: In", "reviewer: Na"]
    (span,) = spans_of(found, PAIR, ("messages", 0, "content"))
    assert ROW[span["start"] : span["end"]] == QUOTES[0]
    assert QUESTION[span["item_start"] : span["item_end"]] == QUOTES[1]


def test_different_in_both_orders_is_different() -> None:
    assert judge(ScriptedPanel(lambda shown: ("different", ()))).word == "different"


@pytest.mark.parametrize(
    "quotes",
    [(), QUOTES[:1], QUOTES[1:], ("half as much", "half as many in May"), ("half as", "as many"), ("", "")],
)
def test_same_without_a_passage_of_each_text_is_undecided(quotes: tuple[str, ...]) -> None:
    found = judge(ScriptedPanel(lambda shown: ("same", quotes)))
    assert found.word == "undecided"
    assert "quotes no passage" in found.reason


def test_one_quote_may_stand_in_both_texts() -> None:
    assert judge(ScriptedPanel(lambda shown: ("same", ("half as many",)))).quotes == (("half as many", "half as many"),)


def disagreeing(shown: Mapping[str, str]) -> Answer:
    return ("same", QUOTES) if shown["first"] == ROW else ("different", ())


@pytest.mark.parametrize(("word", "expected"), [("same", "same"), ("different", "different")])
def test_a_disagreement_of_both_orders_goes_to_the_adjudicator(word: str, expected: str) -> None:
    panel = ScriptedPanel(disagreeing, adjudicator=word)
    found = judge(panel)
    assert (found.word, found.models) == (expected, ("openai:a@lab",))
    assert panel.asked[2:] == ["replace: In"]


def test_a_disagreement_without_an_adjudicator_or_his_quotes_is_undecided() -> None:
    found = judge(ScriptedPanel(disagreeing))
    assert found.word == "undecided"
    assert "same in one order and different in the other" in found.reason
    assert judge(ScriptedPanel(disagreeing, adjudicator="same", quotes=())).word == "undecided"


@pytest.mark.parametrize("other", [None, ("same", QUOTES), ("different", ())])
def test_no_answer_is_never_a_no(other: Answer) -> None:
    panel = ScriptedPanel(lambda shown: other if shown["first"] == ROW else None, adjudicator="different")
    assert judge(panel).word == "undecided"


def test_programming_tasks_have_their_own_question() -> None:
    seen = []

    class Reading(ScriptedPanel):
        def run(self, job: Job, verdict: Callable[[Verdict], None]) -> Books:
            seen.append((job.rubric.name, sum(1 for _ in job.tasks())))
            return super().run(job, verdict)

    code = Alike("cd" * 16, "8", "def f(): ...", "def g(): ...", code=True)
    words = [one.word for one in judged(Reading(lambda shown: ("different", ())), [PAIR, code, PAIR], Prompts())]
    assert words == ["different"] * 3
    assert seen == [("contaminate/judge", 4), ("contaminate/judge_code", 2)]


# -- through a scan and a real panel over HTTP -------------------------------------------------------------------------

ITEMS = [{"question": QUESTION, "answer": "72"}]
ROWS = ["A text about nothing in particular, and long enough to be one.", ROW]


@pytest.fixture
def workspace(make_rows: Any, add_benchmark: Any, tmp_path: Path) -> Any:
    add_benchmark(ITEMS)
    make_rows([{"text": row} for row in ROWS])
    with Workspace(tmp_path) as opened:
        yield opened


def roles(server: Any, tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(
        f'[endpoints.lab]\nbase_url = "{server.url}"\n[roles]\ngenerator = ["openai:small@lab"]\n'
        'reviewer = ["openai:small@lab"]\n'
    )


def reply(request: dict[str, Any], word: str, quotes: list[str]) -> str:
    said = request["messages"][-1]["content"]
    item = said.split("\n")[0].removeprefix("id: ")
    return json.dumps({"id": item, "answers": {"different": "no" if word == "same" else "yes"}, "quotes": quotes})


def scanned(workspace: Workspace, **args: Any) -> Any:
    return workspace.do("contaminate.scan", "data", benchmarks=["bench"], judge=True, **args)


def test_a_scan_with_a_judge_finds_the_rephrase_and_the_second_costs_no_call(
    workspace: Any, sim: Any, tmp_path: Path, add_benchmark: Any
) -> None:
    with sim.SimulatedServer(lambda request: reply(request, "same", list(QUOTES))) as server:
        roles(server, tmp_path)
        done = scanned(workspace)
        told = done.details["benchmarks"][0]
        assert (told["verdicts"], told["judged"]) == ({"rephrased": 1}, {"same": 1})
        (pair,) = [one for one in told["top"] if one["verdict"] == "rephrased"]
        assert pair["row"] == 1
        assert ROW[pair["spans"][0]["start"] : pair["spans"][0]["end"]] == QUOTES[0]
        assert server.calls == 2
        assert workspace.do("contaminate.remove", "data").result["dropped"] == {"rephrased": 1}
        workspace.undo("data")
        assert scanned(workspace, similarity=0.29).details["benchmarks"][0]["verdicts"] == {"rephrased": 1}
        assert server.calls == 2


def test_a_dismissed_candidate_leaves_no_evidence(workspace: Any, sim: Any, tmp_path: Path) -> None:
    with sim.SimulatedServer(lambda request: reply(request, "different", [])) as server:
        roles(server, tmp_path)
        told = scanned(workspace).details["benchmarks"][0]
        assert (told["verdicts"], told["judged"]) == ({"no_evidence": 1}, {"different": 1})


@pytest.mark.parametrize("said", ["True.", "Yes", "", '{"answers": "no"}'])
def test_what_cannot_be_read_is_undecided(workspace: Any, sim: Any, tmp_path: Path, said: str) -> None:
    with sim.SimulatedServer(lambda request: said) as server:
        roles(server, tmp_path)
        told = scanned(workspace).details["benchmarks"][0]
        assert (told["verdicts"], told["judged"]) == ({"undecided": 1}, {"undecided": 1})


def test_without_models_it_says_what_is_missing(workspace: Any) -> None:
    with pytest.raises(Misuse, match="No model reviews"):
        scanned(workspace)
