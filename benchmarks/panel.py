"""What the panel costs beside its models: CPU per sample, memory over many, and a run whose answers are all recorded.

The models answer at once, in this process; what is measured is the graph, the order, the fences and the records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import report

REVIEWERS = ("anna", "ben", "cleo")
ROLES = {"generator": ["pen"], "reviewer": list(REVIEWERS), "adjudicator": ["dora"]}
MODELS = ("pen", *REVIEWERS, "dora")
REVIEW = '{"id": "%s", "answers": {"correct": "yes", "complete": "%s"}, "quotes": []}'
SAMPLES = 2_000
MANY = 100_000


def graph(folder: Path, file: str) -> None:
    """One draft and three reviews a sample, a fifth of them adjudicated; no duplicates are looked for."""
    _measured(SAMPLES, near_duplicate=None)


def many(folder: Path, file: str) -> None:
    """A whole run over many samples, near-duplicates looked for."""
    _measured(MANY)


def resume(folder: Path, file: str) -> None:
    """The same run again, all its answers in calls.sqlite."""
    from tilth.agent.panel.runner import PanelRunner
    from tilth.tools.store.calls import Calls

    with Calls(folder / "calls.sqlite") as calls:
        panel = PanelRunner(models=_recorded(calls), roles=ROLES)
        panel.run(job(SAMPLES), _nothing)
        report(lambda: _told(panel.run(job(SAMPLES), _nothing)))


def decided(folder: Path, file: str) -> None:
    """The same run again behind its journal, near-duplicates looked for."""
    from tilth.agent.panel.runner import PanelRunner

    panel = PanelRunner(models={one: AtOnce(one) for one in MODELS}, roles=ROLES, journal=folder / "journal.jsonl")
    panel.run(job(SAMPLES), _nothing)
    report(lambda: _told(panel.run(job(SAMPLES), _nothing)))


class AtOnce:
    """The `Model` protocol, answering without waiting."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def answer(self, messages: Sequence[Mapping[str, Any]], **request: Any) -> dict[str, Any]:
        text = said(self.name, messages)
        data = None
        if request.get("schema") is not None:
            data = request["schema"].model_validate_json(text).model_dump(mode="json")
        return {"outcome": "ok", "text": text, "data": data, "calls": [], "cached": False, "problem": "", "tokens": {}}


def said(name: str, messages: Sequence[Mapping[str, Any]]) -> str:
    """An answer of sixty words that no other answer holds, or a review that meets all criteria or all but one."""
    text = str(messages[-1]["content"])
    if name == "pen" or not text.startswith("id: "):
        number = text.rpartition(" ")[2]
        return " ".join(f"{number}x{i}" for i in range(60))
    close = int(text[4:12], 16) % 5 == 0
    return REVIEW % (text[4:12], "no" if close and name in ("anna", "dora") else "yes")


def _recorded(calls: Any) -> dict[str, Any]:
    """Models as they are, over a server that needs no network."""
    from tilth.agent.config import Endpoint
    from tilth.agent.models.answer import Tally
    from tilth.agent.models.client import OpenAIModel

    class Server:
        name = "lab"
        endpoint = Endpoint(base_url="http://127.0.0.1:9/v1")

        async def chat(self, body: Mapping[str, Any], **_: Any) -> str:
            message = {"role": "assistant", "content": said(body["model"], body["messages"])}
            return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    server: Any = Server()
    return {one: OpenAIModel(one, server, name=one, tally=Tally(), calls=calls) for one in MODELS}


def _measured(samples: int, **changes: Any) -> None:
    from tilth.agent.panel.runner import PanelRunner

    panel = PanelRunner(models={one: AtOnce(one) for one in MODELS}, roles=ROLES)
    panel.run(job(10, **changes), _nothing)
    report(lambda: _told(panel.run(job(samples, **changes), _nothing)))


def bodies(samples: int, reviewers: int = 1) -> Iterator[dict[str, Any]]:
    """What a panel sends for so many samples, as bodies of requests."""
    from tilth.agent.models.structured import lowered, strict_schema
    from tilth.agent.panel.ask import item_id, review_schema
    from tilth.prompts import Prompts
    from tilth.prompts.fences import fenced

    work = job(samples)
    schema, system = (
        strict_schema(review_schema(work.rubric.criteria)),
        Prompts()
        .load(
            "panel/review", rubric=work.rubric.text, criteria="- correct: Is it correct?\n- complete: Is it complete?"
        )
        .text,
    )
    for task in work.tasks():
        asked = work.steps[0].request(task, {}).messages
        yield {"model": "pen", "messages": asked, "temperature": 0.7, "max_tokens": 1024}
        shown = work.candidate(task, {"answer": said("pen", asked)}).shown
        text = f"id: {item_id(shown)}\n\n{fenced(shown.items())}"
        messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        asked = lowered(messages, "Review", schema, "json_schema")
        for name in REVIEWERS[:reviewers]:
            yield {"model": name, "temperature": 0.0, "max_tokens": 512, **asked}


def job(samples: int, **changes: Any) -> Any:
    """A question in, sixty words out, two yes/no questions about them."""
    from tilth.tools.panel import Candidate, Criterion, Job, Policy, Prior, Request, Rubric, Step, Task

    def tasks() -> Iterator[Task]:
        return (Task(i, {"question": f"question {i}"}) for i in range(samples))

    def request(task: Task, prior: Prior) -> Request:
        return Request([{"role": "user", "content": f"Answer {task.data['question']}"}])

    def candidate(task: Task, prior: Prior) -> Candidate:
        text = str(prior["answer"])
        return Candidate({"answer": text}, {"question": str(task.data["question"]), "answer": text}, text)

    criteria = (Criterion("correct", "Is it correct?"), Criterion("complete", "Is it complete?"))
    step = Step("answer", request, lambda task, prior, answer: answer["text"])
    rubric = Rubric("answers", "Judge the answer.", "0" * 16, criteria)
    return Job("bench@1", tasks, [step], candidate, rubric, Policy(cut=8.0), **changes)


def _told(books: Any) -> dict[str, Any]:
    return {"rows": books.planned, "accepted": books.accepted, "calls": books.calls, "cached": books.cached}


def _nothing(verdict: object) -> None:
    """Verdicts are handed out and not kept."""
