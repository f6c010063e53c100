"""`synthesize.rows`: rows made from the rows of a dataset, judged by a panel, in a dataset of their own.

It knows what is asked of a panel and what becomes of its verdicts. How a strategy asks is its own file's business, how
models are asked the panel's.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import pyarrow as pa

from ...prompts import Prompts
from .. import panel
from ..change import Fact, Made, NewRow
from ..context import Context
from ..errors import Misuse, Refused
from ..store.past.depth import depths
from ..store.rows import Rows
from ..tool import Arg, tool
from ._strategy import Contaminated, Wish, build, strategies

TRIES: Final = 5
"""Tasks planned for every row that is wanted, unless `most` says otherwise."""

REFUSED: Final = pa.schema(
    [
        ("position", pa.int64()),
        ("outcome", pa.string()),
        ("code", pa.string()),
        ("message", pa.string()),
        ("score", pa.float64()),
        ("evidence", pa.string()),
        ("draft", pa.large_string()),
        ("calls", pa.list_(pa.string())),
    ]
)
"""One line for every draft that became no row."""


def _told() -> str:
    """What every strategy does, and its settings with their defaults, from where they are declared."""
    lines = []
    for one in strategies():
        lines += ["", f"The strategy {one.id}. {one.doc}", "", f"Settings of {one.name}:"]
        for name, field in one.config.model_fields.items():
            default = json.dumps(field.default, default=list) if not field.is_required() else "required"
            choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            one_of = f"; one of {', '.join(choices)}" if choices else ""
            lines.append(f"  {name} ({default}): {field.description}{one_of}")
    return "\n".join(lines).lstrip()


@tool("synthesize.rows", effect="spends", reads=("prompts",), more=_told)
def rows(
    ctx: Context,
    data: Rows,
    *,
    strategy: Annotated[
        Literal["few_shot", "skillmix", "rephrase", "expand", "refine"], Arg("how rows are made, see below")
    ],
    into: Annotated[str, Arg("the dataset that the rows become", makes=True)],
    n: Annotated[int, Arg("rows to be accepted; a later run with more goes on where this one ends", minimum=1)],
    settings: Annotated[
        list[str] | dict[str, Any] | None, Arg("what the strategy is told: NAME=VALUE, or a mapping in a recipe")
    ] = None,
    field: Annotated[str, Arg("which text of the seeds is meant, where the strategy leaves that open")] = "default",
    policy: Annotated[
        Literal["near_cut_vote", "mean", "k_of_n", "single"] | None,
        Arg("how scores become a verdict (default: what the judges at hand allow)"),
    ] = None,
    cut: Annotated[
        float | None, Arg("score from which a row is accepted (default: set by controls)", minimum=0, maximum=10)
    ] = None,
    reviewers: Annotated[int, Arg("reviewers of each row", minimum=1, maximum=9)] = 3,
    revisions: Annotated[int, Arg("how often a rejected draft may be revised", minimum=0, maximum=3)] = 0,
    instruction_review: Annotated[
        Literal["none", "one", "panel"], Arg("who judges an instruction before it is answered")
    ] = "none",
    near_duplicate: Annotated[
        float,
        Arg("Jaccard similarity to a seed or an accepted row from which a draft is refused", minimum=0, maximum=1),
    ] = 0.7,
    benchmarks: Annotated[list[str] | None, Arg("benchmarks whose items no row may hold", benchmark=True)] = None,
    also: Annotated[
        str | None, Arg("rows accepted earlier that are seeds too, beside the real ones: the next round", dataset=True)
    ] = None,
    append: Annotated[bool, Arg("add the rows to what the dataset holds instead of making it anew")] = False,
    replace: Annotated[bool, Arg("make a dataset that is there anew; undo still works")] = False,
    most: Annotated[int | None, Arg(f"drafts to try at most (default: {TRIES} for every row)", minimum=1)] = None,
    allow_short: Annotated[bool, Arg("keep fewer rows than wanted when the plan ends before")] = False,
    allow_self_review: Annotated[bool, Arg("without another model, let the generator's judge its own drafts")] = False,
    give_up: Annotated[bool, Arg("count what cannot be asked now as failed instead of waiting for it")] = False,
) -> Made:
    """Make rows from the rows of a dataset; every one is judged, and the dataset itself stays as it is.

    A draft goes through checks without a model (its form, spans, numbers, left-over scaffold, refusals, copies of what
    it was shown, benchmarks, near-duplicates of seeds and of accepted rows), then to reviewers, and when their mean is
    near the cut to an adjudicator. The first `n` that are accepted, in the order of the plan, become the dataset `into`.
    The result depends on the rows, the arguments, the seed and the recorded answers, not on when they came.

    A further round takes made rows as seeds beside the real ones: `--also made --into made --append`. Real rows always stay
    among the seeds, for models trained on rounds that replace them get worse without bound (Gerstgrasser et al. 2024,
    arXiv 2404.01413). The evidence of a row has its `depth`: 1 when all it was made from is real, else one more than the
    deepest of it; `tilth export` wants the real parents of deeper rows exported too.

    Strategies, each with settings of its own:
      few_shot   rows like those of the dataset, from examples (Fabricator): labelled texts, questions with answers,
                 spans, or instructions with responses
      skillmix   instructions that ask for two skills at once, with responses (Instruct-SkillMix)
      rephrase   a text in another style, with its numbers and names (WRAP)
      expand     new instructions from two of the dataset, with responses
      refine     a better response to a row's own instruction
    Why a draft was refused: refused, length, unparsable, bad_request (the model's answer); codes of the strategy's checks;
    near_duplicate, near_duplicate_of_seed; contaminated; instruction_below_cut; below_cut (the panel); failed: given up.
    Facts `synthesize.INTO.…`: planned, accepted, rejected, cut, and the mean score of what was accepted.
    """
    asked = _panel(ctx)
    round_ = _round(ctx, data, also, into, append)
    wish = Wish(
        seed=ctx.seed,
        wanted=n,
        field=field,
        prompts=Prompts(ctx.store.root / "prompts"),
        contaminated=_watch(ctx, benchmarks),
        offline=asked.offline,
    )
    job = build(strategy, _settings(settings), data, also=round_.also, wish=wish)
    plan, tries = job.plan, most or TRIES * n
    job = dataclasses.replace(
        job,
        tasks=_capped(job.tasks, tries),
        plan=None if plan is None else lambda answers: _capped(plan(answers), tries),
        policy=panel.Policy(policy, cut, reviewers=reviewers),
        revisions=revisions,
        instruction_review=instruction_review,
        # What labels, rephrases or refines a row keeps its words: there a near-duplicate is no fault.
        near_duplicate=None if job.near_duplicate is None else near_duplicate,
        allow_self_review=allow_self_review,
        give_up=give_up,
    )
    if ctx.base:
        job = dataclasses.replace(job, seeds=(*job.seeds, *_texts(ctx.rows(ctx.base))))
    made = _Made(job, round_.depths)
    books = asked.run(job, made.take)
    if books.accepted < n and not allow_short:
        told = ", ".join(f"{code} {count:,}" for code, count in list(books.rejected.items())[:4])
        raise Refused(
            f"{strategy} accepted {books.accepted:,} of {n:,} rows after {books.planned:,} drafts ({told}); "
            f"{into} is unchanged.",
            next_step="Raise --most, change the settings, or keep what there is with --allow-short; recorded answers "
            "are not paid again.",
        )
    return Made(into, made.added, books, made.refused(), facts=_facts(into, job, books, made.scores))


@dataclass(frozen=True)
class _Round:
    """The rows that are seeds beside those of the dataset, and how deep the made ones of all seeds are."""

    also: Rows | None
    depths: Mapping[str, int]


def _round(ctx: Context, data: Rows, address: str | None, into: str, append: bool) -> _Round:
    """Raises Misuse where no seed is real, and where seeds would be replaced."""
    found, also, real = depths(ctx.store, ctx.dataset, data), None, 0
    real = len(data) - len(found)
    if address is not None:
        name = address.partition("@")[0]
        if name == ctx.dataset:
            raise Misuse(f"--also {name} holds the seeds themselves.", next_step="Name rows made from them.")
        if name == into and not append:
            raise Misuse(f"--also {name} would be replaced by what is made from it.", next_step="Add --append.")
        also = ctx.rows(address)
        deeper = depths(ctx.store, name, also)
        real += len(also) - len(deeper)
        found |= deeper
    if found and not real:
        raise Misuse(
            f"No seed is real: all {len(found):,} were made by models or rules.",
            next_step=f"Start from the real rows and add these: --also {ctx.dataset}",
        )
    return _Round(also, found)


def _capped(plan: Callable[[], Iterator[panel.Task]], tries: int) -> Callable[[], Iterator[panel.Task]]:
    return lambda: islice(plan(), tries)


def _panel(ctx: Context) -> panel.Panel:
    if ctx.panel is None:
        raise Misuse("There are no models to ask.", next_step="Run: tilth models add NAME URL")
    return ctx.panel


def _settings(given: list[str] | dict[str, Any] | None) -> dict[str, Any]:
    """`k=2` is a number, `labels=["a","b"]` a list, everything that is no JSON a text."""
    if isinstance(given, dict):
        return given
    found: dict[str, Any] = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise Misuse(f"--settings {one!r}: settings are NAME=VALUE.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _watch(ctx: Context, benchmarks: list[str] | None) -> Contaminated | None:
    if not benchmarks:
        return None
    from ..contaminate._registered import open_benchmark
    from ..contaminate._watch import watch

    return watch([open_benchmark(ctx.store, address) for address in dict.fromkeys(benchmarks)])


def _texts(rows: Rows) -> list[str]:
    return [text for batch in rows.texts("all") for text in batch.to_pylist() if text]


class _Made:
    """Verdicts as they come, in plan order."""

    def __init__(self, job: panel.Job, depths: Mapping[str, int]) -> None:
        self._job, self._depths = job, depths
        self.added: list[NewRow] = []
        self.scores: list[float] = []
        self._refused: list[dict[str, Any]] = []

    def take(self, verdict: panel.Verdict) -> None:
        if verdict.outcome == "accepted" and verdict.candidate is not None:
            self.added.append(self._row(verdict, verdict.candidate))
            self.scores += [] if verdict.score is None else [verdict.score]
        else:
            self._refused.append(_line(verdict))

    def _row(self, verdict: panel.Verdict, candidate: panel.Candidate) -> NewRow:
        parents = tuple(dict.fromkeys(parent.row_id for parent in verdict.task.parents))
        evidence: dict[str, Any] = {
            **candidate.data,
            **verdict.evidence,
            "made_by": self._job.name,
            "task": verdict.task.position,
            "depth": 1 + max((self._depths.get(parent, 0) for parent in parents), default=0),
            "rubric": self._job.rubric.sha,
            "reviews": [{"model": one.model, "role": one.role, "score": one.score, "no": _no(one)}
                        for one in verdict.reviews],
            "escalated": verdict.escalated,
            "calls": list(verdict.calls),
        }  # fmt: skip
        spans = [{"row": one.row_id, "field": one.field, "start": one.start, "end": one.end}
                 for one in verdict.task.parents if one.field]  # fmt: skip
        if spans:
            evidence["spans"] = spans
        return NewRow(candidate.record, self._job.name, parents, evidence=evidence, score=verdict.score)

    def refused(self) -> pa.Table:
        return pa.Table.from_pylist(self._refused, schema=REFUSED)


def _no(review: panel.Review) -> list[str]:
    """The questions a judge answered with no."""
    return [name for name, met in review.answers.items() if not met]


def _line(verdict: panel.Verdict) -> dict[str, Any]:
    candidate = verdict.candidate
    evidence: Mapping[str, Any] = {
        **verdict.evidence,
        **({"reviews": [{"model": one.model, "score": one.score, "no": _no(one)} for one in verdict.reviews]}
           if verdict.reviews else {}),
    }  # fmt: skip
    return {
        "position": verdict.task.position,
        "outcome": verdict.outcome,
        "code": verdict.code or verdict.outcome,
        "message": verdict.message,
        "score": verdict.score,
        "evidence": json.dumps(evidence, sort_keys=True, ensure_ascii=False),
        "draft": None if candidate is None else json.dumps(candidate.record, ensure_ascii=False),
        "calls": list(verdict.calls),
    }


def _facts(into: str, job: panel.Job, books: panel.Books, scores: list[float]) -> list[Fact]:
    method = f"{job.name}, policy {books.policy}, cut {books.cut:g} ({books.cut_from})"
    counts = {"planned": books.planned, "accepted": books.accepted, "rejected": sum(books.rejected.values()),
              "self_reviewed": int(books.self_reviewed)}  # fmt: skip
    facts = [
        Fact(f"synthesize.{into}.{name}", count, "drafts", method, books.planned) for name, count in counts.items()
    ]
    facts.append(Fact(f"synthesize.{into}.cut", books.cut, "score of 10", method, books.planned))
    if scores:
        mean = round(math.fsum(scores) / len(scores), 6)
        facts.append(Fact(f"synthesize.{into}.mean_score", mean, "score of 10", method, len(scores)))
    return facts
