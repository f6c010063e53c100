"""contaminate.probe against a language model of word counts behind real HTTP: it knows a corpus, no labels and no probes.

That shows that questions, answers and statistics fit together. It does not show how well probes work on real models.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.config import Config
from tilth.agent.models.connections import Connections
from tilth.agent.workspace import Workspace
from tilth.tools import tool
from tilth.tools.contaminate._probes.weighed import METHODS
from tilth.tools.context import Context
from tilth.tools.errors import Misuse

WORDS = [f"{consonant}{vowel}{end}" for consonant in "bdfgklmnprst" for vowel in "aeiou" for end in "lnrst"]
HALF = 31
Item = dict[str, Any]


def phrase(rng: random.Random, low: int, high: int) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(low, high)))


def item(key: object) -> Item:
    rng = random.Random(f"item {key}")
    options = [phrase(rng, 3, 5) for _ in range(3)]
    return {"question": phrase(rng, 12, 20) + "?", "choices": options, "answer": rng.randrange(3)}


def written(one: Item) -> str:
    """As people write multiple choice down; nothing of ours knows this text."""
    lines = [f"{letter}. {option}" for letter, option in zip("ABC", one["choices"], strict=True)]
    return "\n".join([one["question"], *lines, f"Answer: {'ABC'[one['answer']]}"])


A, B, BACKGROUND = ([item((name, i)) for i in range(size)] for name, size in (("a", HALF), ("b", HALF), ("c", 200)))


@pytest.fixture
def trained(tmp_path: Path, ngram: Any) -> Callable[[Sequence[Item]], Callable[[dict[str, Any]], Any]]:
    """`trained(items) -> answers of a model fitted on the background and on these items, three times`."""

    def fit(items: Sequence[Item]) -> Callable[[dict[str, Any]], Any]:
        corpus = tmp_path / f"corpus-{len(list(tmp_path.iterdir()))}.jsonl"
        texts = [written(one) for one in (*BACKGROUND, *items, *items, *items)]
        corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        model = ngram.NgramModel(corpus)
        return lambda request: model.body(request)

    return fit


@pytest.fixture
def probed(store: Any, add_benchmark: Any, sim: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`probed(answers, beside=True, **args) -> (report, server, notices)`: half A is asked about, half B is the control,
    unless others are named."""
    add_benchmark(A, name="a")
    add_benchmark(B, name="b")
    with ExitStack() as stack:

        def run(
            answers: Callable[[dict[str, Any]], Any],
            *,
            asked: str = "benchmarks/a",
            fresh: str = "benchmarks/b",
            beside: bool = True,
            **args: Any,
        ) -> Any:
            def reply(request: dict[str, Any]) -> Any:
                said = answers(request)
                return sim.Raw(said) if isinstance(said, bytes) else said

            server = stack.enter_context(sim.SimulatedServer(reply))
            config = Config.model_validate({"endpoints": {"lab": {"base_url": server.url}}})

            @asynccontextmanager
            async def open_model(name: str, calls: int, tokens: int) -> AsyncIterator[Any]:
                async with Connections(config) as connections:
                    yield connections.model(name)

            said: list[str] = []
            ctx = Context(store, asked, 0, 1, tmp_path, notice=said.append, open_model=open_model)
            found = tool.get("contaminate.probe")
            address = f"{fresh}@{store.rows(fresh).vid}"
            given = {"model": "openai:small@lab", "samples": 5, **args}
            if beside and "control" not in args:
                given |= {"control": [address], "paired": True}
            report = found.function(ctx, store.rows(asked), **found.validate(given))
            return report, server, said

        yield run


def verdicts(report: Any) -> dict[str, str]:
    return {one["method"]: one["verdict"] for one in report.details["methods"]}


@pytest.mark.slow
def test_swapping_the_planted_half_flips_every_verdict(probed: Any, trained: Any) -> None:
    report, _, _ = probed(trained(A))
    assert verdicts(report) == dict.fromkeys(METHODS, "evidence")
    assert report.details["verdict"] == "evidence"
    assert {one.code for one in report.findings} == {f"contaminate.probe_{method}" for method in METHODS}
    for other in (B, ()):
        report, _, _ = probed(trained(other))
        assert verdicts(report) == dict.fromkeys(METHODS, "no_evidence")
        assert report.details["verdict"] == "no_evidence"
        assert report.findings == []


@pytest.mark.slow
def test_a_model_that_saw_neither_half_is_rarely_suspected(probed: Any, trained: Any, add_benchmark: Any) -> None:
    """A clean control stays within 5 % false alarms over 40 draws of items, by each method and by all together."""
    answers, alarms = trained(()), Counter[str]()
    for seed in range(40):
        for arm in "xy":
            add_benchmark([item((seed, arm, i)) for i in range(HALF)], name=f"{arm}{seed}")
        report, _, _ = probed(answers, asked=f"benchmarks/x{seed}", fresh=f"benchmarks/y{seed}")
        assert set(verdicts(report).values()) <= {"evidence", "no_evidence"}
        alarms.update(method for method, verdict in verdicts(report).items() if verdict == "evidence")
        alarms["together"] += report.details["verdict"] == "evidence"
    assert max(alarms.values()) <= 0.05 * 40, alarms


def test_what_is_planned_is_said_first_and_is_what_is_asked(probed: Any, trained: Any) -> None:
    report, server, said = probed(trained(A), methods=["guided", "ts_guess"])
    planned = report.details["planned"]
    assert planned["guided"] == 3 * HALF
    assert server.calls == sum(planned.values())
    assert said == [f"openai:small@lab: up to {server.calls} calls: guided {3 * HALF}, ts_guess {planned['ts_guess']}"]


def test_without_fresh_items_only_a_contrast_within_items_can_conclude(probed: Any, trained: Any) -> None:
    report, _, _ = probed(trained(A), beside=False, methods=["guided", "ts_guess", "option_shuffle", "min_k"])
    assert verdicts(report) == {"guided": "no_evidence", "ts_guess": "undecided", "option_shuffle": "undecided",
                                "min_k": "unavailable"}  # fmt: skip
    assert report.details["verdict"] == "no_evidence"
    reasons = {one["method"]: one["reason"] for one in report.details["methods"]}
    assert "--control" in reasons["ts_guess"]
    assert "--paired" in reasons["min_k"]


def rounded(answers: Callable[[dict[str, Any]], bytes]) -> Callable[[dict[str, Any]], bytes]:
    """The same model with log-probabilities so coarse that everything ties."""

    def reply(request: dict[str, Any]) -> bytes:
        body = json.loads(answers(request))
        for one in body.get("prompt_logprobs", ())[1:]:
            for token in one.values():
                token["logprob"] = float(math.floor(token["logprob"] / 100))
        return json.dumps(body).encode()

    return reply


def oracle(request: dict[str, Any]) -> str:
    """It knows every right answer and remembers no text."""
    asked = request["messages"][-1]["content"]
    known = {one["question"]: one["choices"][one["answer"]] for one in (*A, *B)}
    return next((answer for question, answer in known.items() if question in asked), "I do not know.")


@pytest.mark.slow
def test_servers_that_only_look_like_it_are_not_called_leaks(probed: Any, trained: Any, sim: Any) -> None:
    written_only = ["guided", "ts_guess", "cdd"]
    for answers in (oracle, lambda request: "It is always the same."):
        report, _, _ = probed(answers, methods=written_only)
        assert verdicts(report) == dict.fromkeys(written_only, "no_evidence")
        assert report.details["verdict"] == "no_evidence"
    report, _, _ = probed(lambda request: sim.Say(None, refusal="No."), methods=written_only)
    assert verdicts(report) == dict.fromkeys(written_only, "undecided")
    report, _, _ = probed(rounded(trained(B)), methods=["option_shuffle", "min_k"])
    assert set(verdicts(report).values()) == {"no_evidence"}


def test_a_server_without_logprobs_is_asked_for_them_once(probed: Any, sim: Any) -> None:
    for answers in (lambda request: "Yes.", lambda request: sim.Status(400, "prompt_logprobs is not known")):
        report, server, _ = probed(answers, methods=["option_shuffle", "min_k"])
        assert verdicts(report) == {"option_shuffle": "unavailable", "min_k": "unavailable"}
        assert report.details["verdict"] == "unavailable"
        assert server.calls == 1


def test_a_control_that_shares_no_name_is_no_paraphrase(probed: Any, add_benchmark: Any, store: Any) -> None:
    add_benchmark([{"id": f"z{i}", **one} for i, one in enumerate(B)], name="z")
    address = f"benchmarks/z@{store.rows('benchmarks/z').vid}"
    with pytest.raises(Misuse, match="has the id or the place"):
        probed(lambda request: "", beside=False, paired=True, control=[address])
    with pytest.raises(Misuse, match="there is none"):
        probed(lambda request: "", beside=False, paired=True)


async def test_it_also_works_where_a_loop_runs(probed: Any, trained: Any) -> None:
    report, _, _ = probed(trained(A), methods=["ts_guess"])
    assert verdicts(report) == {"ts_guess": "evidence"}


def test_through_a_workspace_and_again_from_what_was_recorded(
    trained: Any, sim: Any, add_benchmark: Any, store: Any, tmp_path: Path
) -> None:
    add_benchmark(A, name="a")
    add_benchmark(B, name="b")
    answers = trained(A)
    with sim.SimulatedServer(lambda request: sim.Raw(answers(request))) as server, Workspace(tmp_path) as workspace:
        (tmp_path / "tilth.toml").write_text(f'[endpoints.lab]\nbase_url = "{server.url}"\n')
        asked = {"model": "openai:small@lab", "methods": ["ts_guess"], "control": ["b"]}
        done = workspace.do("contaminate.probe", "benchmarks/a", **asked)
        assert done.details["verdict"] == "evidence"
        (finding,) = workspace.findings(done.entry)
        assert finding["code"] == "contaminate.probe_ts_guess"
        calls = server.calls
        assert calls == 2 * HALF
        again = workspace.do("contaminate.probe", "benchmarks/a", alpha=0.02, **asked)
        assert again.details["methods"] == done.details["methods"]
        assert server.calls == calls
