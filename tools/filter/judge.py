"""`filter.judge`: existing rows before the panel. It knows what judges are shown and what becomes of their word.

How models are asked and how scores become a verdict is the panel's business.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa

from ...prompts import PromptError, Prompts
from .. import panel
from ..change import Change, Fact, Outcome, drops, one
from ..context import Context
from ..errors import Misuse, Refused
from ..store.commit import iterate_ids
from ..store.rows import Rows
from ..tool import Arg, TextField, tool

LONGEST: Final = 24_000
"""Characters of a row that a judge is shown; what is left out is said."""

CONTROLS: Final = 40
"""Rows drawn as controls; twice what is used, for some hold too little to be spoiled."""

FEWEST_WORDS: Final = 8
_FIGURE: Final = re.compile(r"\d+")
_QUESTION: Final = re.compile(r"^[-*] ([a-z][a-z0-9_]*): (.+)$", re.MULTILINE)


@tool("filter.judge", effect="spends", reads=("prompts",), reasons=("judged_low",))
def judge(
    ctx: Context,
    data: Rows,
    *,
    prompt: Annotated[str, Arg("the rubric: a prompt's name, as 'tilth prompts' lists them")] = "judge/quality",
    cut: Annotated[
        float | None,
        Arg(
            "score from which a row stays (default: a calibration's, else that of controls)",
            threshold=True,
            minimum=0,
            maximum=10,
        ),
    ] = None,
    field: TextField = "default",
    policy: Annotated[
        Literal["near_cut_vote", "mean", "k_of_n", "single"] | None,
        Arg("how scores become a verdict (default: what the judges at hand allow)"),
    ] = None,
    reviewers: Annotated[int, Arg("reviewers of each row", minimum=1, maximum=9)] = 3,
    batch: Annotated[
        int, Arg("rows in one question: fewer calls, and less exact the more there are", minimum=1, maximum=64)
    ] = 1,
    votes: Annotated[
        int,
        Arg("with batch: how often a row is voted on at most, among its batch in other orders", minimum=1, maximum=9),
    ] = 1,
    every_vote: Annotated[bool, Arg("with votes: go on after the same answer twice in a row")] = False,
    give_up: Annotated[bool, Arg("keep rows that cannot be judged now as undecided instead of waiting")] = False,
) -> Change:
    """Let the panel judge every row by a rubric of yes/no questions; rows below the cut are dropped.

    A row's score is the share of questions answered with yes times ten, the mean over its reviewers; when it is within
    0.75 of the cut and an adjudicator is there, its blind vote is added (policy near_cut_vote). Judges see the row's
    text in a fence, as data, and give back scores and quotes, never text to store. Equal texts are judged once.

    With `batch` reviewers see several rows in one question, neighbours in the dataset, each with an id; equal texts are
    then judged once in a batch. A row whose id an answer leaves out or has twice is asked about alone; so does the
    adjudicator. A simulated judge that is right about .95 of the first of 32 rows and .63 of the last is right about .77 of
    them with one vote, .95 with 9 (each row shown 9 times), .89 with 9 `votes` that stop at the same answer twice in a row
    (2.6 times). What your judges lose by it is measured on rulings: tilth eval calibrate --batch.

    Reasons: judged_low. Rows that no judge gave a readable answer about stay, flagged undecided; when that is so of all
    rows, the call is refused. Signals: score (null where undecided), reviews, escalated, and quote, a judge's verbatim
    words from the row. Without `cut` it is that of `tilth eval calibrate`, as long as nothing changed since; else 20
    rows and 20 mechanically spoiled copies (cut off, words mixed up, figures changed) set it, and judges that cannot
    tell them apart (AUC under 0.7) stop the run. A rubric is a prompt whose lines `- name: question?` are its
    questions; a workspace's own lies in prompts/NAME.md.
    """
    if ctx.panel is None:
        raise Misuse("There are no models to ask.", next_step="Run: tilth models add NAME URL")
    wanted = panel.Policy(policy, cut, reviewers=reviewers)
    job = replace(judging(Prompts(ctx.store.root / "prompts"), prompt, wanted), tasks=lambda: _tasks(data, field),
                  batch=batch, votes=votes, every_vote=every_vote, fields=(field,), give_up=give_up,
                  controls=_controls(ctx, data, field), corrupted=_corrupted)  # fmt: skip
    seen: list[panel.Verdict] = []
    books = ctx.panel.run(job, seen.append)
    if seen and not any(verdict.reviews for verdict in seen):
        raise Refused(
            f"No judge gave a readable answer about any of {len(seen):,} rows: nothing was judged, and nothing is recorded as "
            "done.",
            next_step="Run 'tilth models check', then name another reviewer in [roles] of tilth.toml.",
        )
    outcome = Outcome(decisions=_decisions(seen, books.cut), signals=_signals(seen))
    judged = len(data) - books.undecided
    method = f"{prompt} {job.rubric.sha}, policy {books.policy}, cut {books.cut:g} ({books.cut_from})"
    facts = [Fact("judge.undecided", books.undecided, "rows", method, len(data)),
             Fact("judge.accepted", books.accepted, "rows", method, judged)]  # fmt: skip
    return Change(one(outcome), facts=facts, books=books)


def judging(prompts: Prompts, prompt: str, policy: panel.Policy) -> panel.Job:
    """A job that judges texts by a rubric, without any text yet. Raises Misuse when the prompt is no rubric."""
    return panel.Job(name=f"judge {prompt}", tasks=lambda: iter(()), steps=(), candidate=_candidate,
                     rubric=_rubric(prompts, prompt), policy=policy, near_duplicate=None)  # fmt: skip


def candidate_of(text: str) -> panel.Candidate:
    """What judges are shown of a text."""
    shown = {"text": text[:LONGEST]}
    if len(text) > LONGEST:
        shown["left out"] = f"{len(text) - LONGEST:,} characters after these"
    return panel.Candidate({}, shown, text)


def _controls(ctx: Context, data: Rows, field: str) -> list[panel.Candidate]:
    """Some rows with text, drawn by the seed."""
    drawn = ctx.rng("judge controls").sample(range(len(data)), min(len(data), CONTROLS))
    texts = (data.mapping.text(record, field) for record in data.records(sorted(drawn)))
    return [candidate_of(text) for text in texts if text.strip()]


def _corrupted(candidate: panel.Candidate, rng: random.Random) -> panel.Candidate | None:
    """A spoiled copy: cut off within a word, a third of the words mixed up, or every figure changed."""
    text = candidate.text
    words = text.split(" ")
    if len(words) < FEWEST_WORDS:
        return None
    ways = [lambda: text[: int(len(text) * rng.uniform(0.3, 0.6))], lambda: _mixed(words, rng)]
    if _FIGURE.search(text):
        ways.append(lambda: _FIGURE.sub(lambda found: str(int(found[0][:15]) + rng.randint(1, 9)), text))
    return candidate_of(rng.choice(ways)())


def _mixed(words: list[str], rng: random.Random) -> str:
    start = rng.randrange(max(1, len(words) * 2 // 3))
    part = words[start : start + max(3, len(words) // 3)]
    rng.shuffle(part)
    return " ".join([*words[:start], *part, *words[start + len(part) :]])


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
    return candidate_of(str(task.data["text"]))


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
    said: dict[str, Any] = {"code": verdict.code, "message": verdict.message} if verdict.outcome != "rejected" else {}
    if {one.call for one in verdict.reviews} != set(verdict.calls):  # votes, and answers nobody could read
        said = {**said, "calls": list(verdict.calls)}
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
