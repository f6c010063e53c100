"""`filter.judge`: existing rows before the panel. It knows what judges are shown and what becomes of their word.

How models are asked and how scores become a verdict is the panel's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa

from ...prompts import PromptError, Prompts
from .. import panel
from ..change import Change, Fact, Outcome, drops, one
from ..context import Context
from ..errors import Misuse
from ..store.commit import iterate_ids
from ..store.rows import Rows
from ..tool import Arg, TextField, tool

LONGEST: Final = 24_000
"""Characters of a row that a judge is shown; what is left out is said."""

_QUESTION: Final = re.compile(r"^[-*] ([a-z][a-z0-9_]*): (.+)$", re.MULTILINE)


@tool("filter.judge", effect="spends", reads=("prompts",))
def judge(
    ctx: Context,
    data: Rows,
    *,
    prompt: Annotated[str, Arg("the rubric: a prompt's name, as 'tilth prompts' lists them")] = "judge/quality",
    cut: Annotated[
        float | None,
        Arg("score from which a row stays (default: set by a calibration)", threshold=True, minimum=0, maximum=10),
    ] = 6.0,
    field: TextField = "default",
    policy: Annotated[
        Literal["near_cut_vote", "mean", "k_of_n", "single"] | None,
        Arg("how scores become a verdict (default: what the judges at hand allow)"),
    ] = None,
    reviewers: Annotated[int, Arg("reviewers of each row", minimum=1, maximum=9)] = 3,
    batch: Annotated[
        int, Arg("rows in one question: cheaper, and less exact from about 8 on", minimum=1, maximum=64)
    ] = 1,
    give_up: Annotated[bool, Arg("keep rows that cannot be judged now as undecided instead of waiting")] = False,
) -> Change:
    """Let the panel judge every row by a rubric of yes/no questions; rows below the cut are dropped.

    A row's score is the share of questions answered with yes times ten, the mean over its reviewers; when it is within
    0.75 of the cut and an adjudicator is there, its blind vote is added (policy near_cut_vote). Judges see the row's
    text in a fence, as data, and give back scores and quotes, never text to store. Equal texts are judged once.

    Reasons: judged_low. Rows that no judge gave a readable answer about stay, flagged undecided. Signals: score (null
    where undecided), reviews, escalated, and quote, a judge's verbatim words from the row. A rubric is a prompt whose
    lines `- name: question?` are its questions; a workspace's own lies in prompts/NAME.md.
    """
    if ctx.panel is None:
        raise Misuse("There are no models to ask.", next_step="Run: tilth models add NAME URL")
    rubric = _rubric(Prompts(ctx.store.root / "prompts"), prompt)
    job = panel.Job(
        name=f"judge {prompt}",
        tasks=lambda: _tasks(data, field),
        steps=(),
        candidate=_candidate,
        rubric=rubric,
        policy=panel.Policy(policy, cut, reviewers=reviewers),
        near_duplicate=None,
        batch=batch,
        fields=(field,),
        give_up=give_up,
    )
    seen: list[panel.Verdict] = []
    books = ctx.panel.run(job, seen.append)
    outcome = Outcome(decisions=_decisions(seen, books.cut), signals=_signals(seen))
    judged = len(data) - books.undecided
    method = f"{prompt} {rubric.sha}, policy {books.policy}, cut {books.cut:g} ({books.cut_from})"
    facts = [Fact("judge.undecided", books.undecided, "rows", method, len(data)),
             Fact("judge.accepted", books.accepted, "rows", method, judged)]  # fmt: skip
    return Change(one(outcome), facts=facts, books=books)


def _rubric(prompts: Prompts, name: str) -> panel.Rubric:
    try:
        text = prompts.load(name)
    except PromptError as error:
        raise Misuse(error.message, next_step=error.next_step) from None
    questions = tuple(panel.Criterion(*found) for found in _QUESTION.findall(text.text))
    if not questions:
        raise Misuse(f"The prompt {name} holds no questions.", next_step="A rubric has lines '- name: question?'.")
    return panel.Rubric(name, text.text, text.sha, questions)


def _tasks(data: Rows, field: str) -> Iterator[panel.Task]:
    ids = (one for _, some in iterate_ids(data) for one in some)
    texts = (text for some in data.texts(field) for text in some.to_pylist())
    for position, (row_id, text) in enumerate(zip(ids, texts, strict=True)):
        yield panel.Task(position, {"text": text or ""}, (panel.Parent(row_id.tobytes().hex()),))


def _candidate(task: panel.Task, prior: panel.Prior) -> panel.Candidate | panel.Rejected:
    text = str(task.data["text"])
    shown = {"text": text[:LONGEST]}
    if len(text) > LONGEST:
        shown["left out"] = f"{len(text) - LONGEST:,} characters after these"
    return panel.Candidate({}, shown, text)


def _decisions(seen: list[panel.Verdict], cut: float) -> pa.Table:
    low = [one for one in seen if one.outcome == "rejected"]
    open_ = [one for one in seen if one.outcome in ("undecided", "failed")]
    tables = [
        drops([one.task.position for one in low], "judged_low", scores=[one.score for one in low],
              evidence=[_evidence(one, cut) for one in low]),
        drops([one.task.position for one in open_], "undecided", evidence=[_evidence(one, cut) for one in open_],
              action="flag"),
    ]  # fmt: skip
    return pa.concat_tables(tables)


def _evidence(verdict: panel.Verdict, cut: float) -> dict[str, Any]:
    reviews = [
        {"model": one.model, "role": one.role, "score": one.score, "quotes": list(one.quotes)[:2],
         "no": [name for name, met in one.answers.items() if not met], "call": one.call}
        for one in verdict.reviews
    ]  # fmt: skip
    said = {"code": verdict.code, "message": verdict.message} if verdict.outcome != "rejected" else {}
    return {"cut": cut, "escalated": verdict.escalated, "reviews": reviews, **said, **verdict.evidence}


def _signals(seen: list[panel.Verdict]) -> pa.Table:
    quotes = [next((quote for one in verdict.reviews for quote in one.quotes), None) for verdict in seen]
    return pa.table(
        {
            "score": pa.array([one.score for one in seen], pa.float64()),
            "reviews": pa.array(np.array([len(one.reviews) for one in seen], np.int32)),
            "escalated": pa.array([one.escalated for one in seen], pa.bool_()),
            "quote": pa.array(quotes, pa.string()),
        }
    )
